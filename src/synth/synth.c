/* A whole set of scenes: camera after camera, event after event; see synth.h. */
#include "synth/synth.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "synth/exif_block.h"
#include "synth/truth.h"

#include <stdio.h>
#include <string.h>

#define BEARS_MAX 999
#define FRAMES_MAX 1000000
#define JPEG_QUALITY 88

typedef struct run {
    const char *folder;
    urs_synth_options options; /* with the defaults filled in */
    urs_story story;
    urs_synth_counts counts;
    urs_progress progress;
    urs_text manifest, train, val;
} run;

static urs_status make_folders(const run *r, urs_error *err)
{
    static const char *const names[] = {"images", "labels", "masks", "bodies", "chips"};
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < sizeof names / sizeof names[0]; i++) {
        char *path;
        if (i == 4 && !r->options.chips)
            break;
        path = urs_path_join(r->folder, names[i]);
        status = path ? urs_folder_create(path, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_free(path);
    }
    return status;
}

static urs_status write_jpeg(const char *path, const urs_image *picture, const char *camera, const char *time, urs_error *err)
{
    urs_bytes jpeg = {0};
    urs_status status = urs_jpeg_encode(&jpeg, picture, JPEG_QUALITY, err);
    if (status == URS_OK && camera)
        status = urs_exif_insert(&jpeg, "ursid synth", camera, time, err);
    if (status == URS_OK)
        status = urs_file_write(path, jpeg.data, jpeg.size, err);
    urs_bytes_release(&jpeg);
    return status;
}

static urs_status write_chips(run *r, const urs_truth_name *name, const urs_synth_frame *frame, urs_error *err)
{
    urs_status status = URS_OK;
    for (int i = 0; status == URS_OK && i < frame->head_count; i++) {
        urs_text path = {0};
        urs_image chip = {0};
        char individual[24];
        urs_truth_individual(individual, frame->head[i].individual);
        urs_text_format(&path, "%s/chips/%s", r->folder, individual);
        status = urs_text_ok(&path) ? urs_folder_create(urs_text_string(&path), err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_text_format(&path, "/%s_%d.jpg", name->stem, i + 1);
        if (status == URS_OK)
            status = urs_truth_chip(&chip, frame, i, r->options.chip_side, err);
        if (status == URS_OK)
            status = write_jpeg(urs_text_string(&path), &chip, NULL, NULL, err);
        r->counts.chips += status == URS_OK;
        urs_image_release(&chip);
        urs_text_release(&path);
    }
    return status;
}

static urs_status write_frame(run *r, const urs_event *event, int number, const urs_synth_frame *frame, urs_error *err)
{
    const urs_civil_time t = urs_civil_from_seconds(event->start + number);
    urs_truth_name name = {.folder = r->folder};
    urs_text path = {0}, time = {0};
    urs_status status;
    (void)snprintf(name.camera, sizeof name.camera, "cam%02d", event->camera + 1);
    (void)snprintf(name.stem, sizeof name.stem, "%s_%04d_%d", name.camera, event->number, number + 1);
    urs_text_format(&path, "%s/images/%s.jpg", r->folder, name.stem);
    urs_text_format(&time, "%04d:%02d:%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second);
    if (!urs_text_ok(&path) || !urs_text_ok(&time)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
        goto done;
    }
    status = write_jpeg(urs_text_string(&path), &frame->picture, name.camera, urs_text_string(&time), err);
    if (status == URS_OK)
        status = urs_truth_write(&name, frame, err);
    if (status == URS_OK && r->options.chips)
        status = write_chips(r, &name, frame, err);
    urs_truth_row(&r->manifest, &name, frame, event, number);
    urs_text_format(r->options.cameras > 1 && event->camera == r->options.cameras - 1 ? &r->val : &r->train, "images/%s.jpg\n", name.stem);
    r->counts.frames++;
    r->counts.bear += frame->bears > 0;
    r->counts.animal += frame->bears == 0 && frame->others > 0;
    r->counts.empty += frame->bears == 0 && frame->others == 0;
    r->counts.heads += frame->head_count;
    r->counts.infrared += event->infrared;
done:
    urs_text_release(&path);
    urs_text_release(&time);
    return status;
}

static urs_status run_camera(run *r, int camera, urs_error *err)
{
    /* the remainder goes to the first cameras */
    int left = r->options.frames / r->options.cameras + (camera < r->options.frames % r->options.cameras);
    urs_backdrop backdrop = {0};
    int64_t clock = 0;
    urs_status status = URS_OK;
    if (left > 0)
        status = urs_backdrop_make(&backdrop, camera, r->options.seed, r->options.width, r->options.height, err);
    for (int number = 1; status == URS_OK && left > 0; number++) {
        urs_event event;
        urs_event_make(&event, &r->story, camera, number, &clock);
        r->counts.events++;
        for (int k = 0; status == URS_OK && k < event.frames && left > 0; k++, left--) {
            urs_synth_frame frame = {.head_count = 0};
            status = urs_synth_frame_make(&frame, &event, k, &r->story, &backdrop, err);
            if (status == URS_OK)
                status = write_frame(r, &event, k, &frame, err);
            urs_synth_frame_release(&frame);
            urs_progress_step(&r->progress, (size_t)r->counts.frames);
            if (status == URS_OK && r->options.cancelled && r->options.cancelled())
                status = urs_fail(err, URS_ECANCELLED, "stopped after %d of %d frames", r->counts.frames, r->options.frames);
        }
    }
    urs_backdrop_release(&backdrop);
    return status;
}

static urs_status write_list(const run *r, const char *name, const urs_text *text, urs_error *err)
{
    char *path = urs_path_join(r->folder, name);
    urs_status status = path && urs_text_ok(text) ? urs_file_write(path, urs_text_string(text), text->length, err) : urs_fail(err, URS_ENOMEM, "no memory for '%s'", name);
    urs_free(path);
    return status;
}

static urs_status write_lists(const run *r, urs_error *err)
{
    urs_text yaml = {0};
    urs_status status = write_list(r, "manifest.csv", &r->manifest, err);
    urs_text_format(&yaml, "# Made by ursid synth; drawn scenes, not photographs.\npath: .\ntrain: train.txt\nval: %s.txt\nnames:\n  0: bear_head\n", r->val.length ? "val" : "train");
    if (status == URS_OK)
        status = write_list(r, "train.txt", &r->train, err);
    if (status == URS_OK && r->val.length)
        status = write_list(r, "val.txt", &r->val, err);
    if (status == URS_OK)
        status = write_list(r, "data.yaml", &yaml, err);
    urs_text_release(&yaml);
    return status;
}

static urs_status check_options(urs_synth_options *o, urs_error *err)
{
    o->frames = o->frames ? o->frames : 60;
    o->bears = o->bears ? o->bears : 6;
    o->cameras = o->cameras ? o->cameras : 4;
    o->width = o->width ? o->width : 1280;
    o->height = o->height ? o->height : 960;
    o->chip_side = o->chip_side ? o->chip_side : 224;
    if (o->frames < 1 || o->frames > FRAMES_MAX || o->bears < 1 || o->bears > BEARS_MAX || o->cameras < 1 || o->cameras > 99 || o->chip_side < 16 || o->chip_side > 1024)
        return urs_fail(err, URS_EINVAL, "frames must be 1 to %d, bears 1 to %d, cameras 1 to 99, the side of a chip 16 to 1024", FRAMES_MAX, BEARS_MAX);
    if (o->width < URS_SYNTH_SIDE_MIN || o->width > URS_SYNTH_SIDE_MAX || o->height < URS_SYNTH_SIDE_MIN || o->height > URS_SYNTH_SIDE_MAX)
        return urs_fail(err, URS_EINVAL, "the sides of a frame must be %d to %d pixels", URS_SYNTH_SIDE_MIN, URS_SYNTH_SIDE_MAX);
    return URS_OK;
}

urs_status urs_synth_run(const char *folder, const urs_synth_options *options, urs_synth_counts *counts, urs_error *err)
{
    run r = {.folder = folder, .options = *options};
    urs_status status = check_options(&r.options, err);
    if (status != URS_OK)
        return status;
    r.story.seed = r.options.seed;
    r.story.bears = r.options.bears;
    r.story.appearances = urs_array_new((size_t)r.options.bears, sizeof *r.story.appearances);
    if (!r.story.appearances)
        return urs_fail(err, URS_ENOMEM, "no memory for %d bears", r.options.bears);
    status = make_folders(&r, err);
    urs_text_add(&r.manifest, "path,label,camera,infrared,date,time,event,individual\n");
    urs_progress_start(&r.progress, r.options.progress, "rendering", "frames", (size_t)r.options.frames);
    for (int camera = 0; status == URS_OK && camera < r.options.cameras; camera++)
        status = run_camera(&r, camera, err);
    urs_progress_end(&r.progress);
    if (status == URS_OK)
        status = write_lists(&r, err);
    if (status == URS_OK && counts)
        *counts = r.counts;
    urs_text_release(&r.manifest);
    urs_text_release(&r.train);
    urs_text_release(&r.val);
    urs_free(r.story.appearances);
    return status;
}
