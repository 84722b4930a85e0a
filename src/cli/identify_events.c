/* Heads of an animal in an event, judged together; see identify_run.h and catalogue/event_heads.h.
 *
 *      journal --frames with heads--> events --one after the other--> vectors of their animals --identify--> journal and store, head by head
 *
 * Comes after all files, because an event may end in any of them. Interrupted here, a run begins this part again: it starts from the heads' own embeddings, so it ends the same. */
#include "cli/identify_run.h"

#include "base/day.h"
#include "base/memory.h"
#include "catalogue/event_heads.h"
#include "catalogue/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct event_frames { /* frames with heads, in the order of their names */
    char **file, **place;     /* owned */
    double *time;             /* seconds, NaN: not known */
    size_t *heads, *event, *order; /* order: by event */
    size_t count, capacity;
} event_frames;

static void release_frames(event_frames *f)
{
    for (size_t i = 0; i < f->count; i++) {
        urs_free(f->file[i]);
        urs_free(f->place[i]);
    }
    urs_free((void *)f->file);
    urs_free((void *)f->place);
    urs_free(f->time);
    urs_free(f->heads);
    urs_free(f->event);
    urs_free(f->order);
}

/* "YYYY:MM:DD HH:MM:SS" in seconds; NaN if it is not one. */
static double seconds_of(const char *text)
{
    int32_t day;
    int part[3];
    if (strlen(text) != 19 || !urs_day_parse(text, &day))
        return NAN;
    for (int i = 0; i < 3; i++) {
        const char tens = text[11 + 3 * i], ones = text[12 + 3 * i];
        if (tens < '0' || tens > '9' || ones < '0' || ones > '9')
            return NAN;
        part[i] = 10 * (tens - '0') + ones - '0';
    }
    return 86400.0 * day + 3600 * part[0] + 60 * part[1] + part[2];
}

/* Folder and camera: what frames of one event share. Owned; NULL: no memory. */
static char *place_of(const urs_result_image *image)
{
    urs_text place = {0};
    char *folder = urs_path_folder(image->file);
    urs_text_format(&place, "%s\n%s", folder ? folder : "", image->camera);
    place.failed = place.failed || !folder;
    urs_free(folder);
    return urs_text_take(&place);
}

static urs_status count_frame(void *context, urs_result_image *image, urs_error *err)
{
    event_frames *f = context;
    (void)err;
    f->capacity += image->count > 0;
    return URS_OK;
}

static urs_status take_frame(void *context, urs_result_image *image, urs_error *err)
{
    event_frames *f = context;
    if (image->count == 0)
        return URS_OK;
    f->file[f->count] = urs_strdup(image->file);
    f->place[f->count] = place_of(image);
    f->time[f->count] = seconds_of(image->datetime);
    f->heads[f->count] = image->count;
    f->count++;
    return f->file[f->count - 1] && f->place[f->count - 1] ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames with heads", f->count);
}

static urs_status read_frames(event_frames *f, urs_identify_run *run, urs_error *err)
{
    urs_status status = urs_journal_visit(run->journal, count_frame, f, err);
    if (status != URS_OK)
        return status;
    f->file = urs_array_new(f->capacity, sizeof *f->file);
    f->place = urs_array_new(f->capacity, sizeof *f->place);
    f->time = urs_array_new(f->capacity, sizeof *f->time);
    f->heads = urs_array_new(f->capacity, sizeof *f->heads);
    f->event = urs_array_new(f->capacity, sizeof *f->event);
    f->order = urs_array_new(f->capacity, sizeof *f->order);
    if (!f->file || !f->place || !f->time || !f->heads || !f->event || !f->order)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu frames with heads", f->capacity);
    return urs_journal_visit(run->journal, take_frame, f, err);
}

/* Events are numbered by their first frame; order: their frames behind each other. */
static urs_status find_events(event_frames *f, size_t *events, double gap, urs_error *err)
{
    urs_event_frame *frames = urs_array_new(f->count, sizeof *frames);
    size_t *at = NULL;
    urs_status status = frames ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", f->count);
    for (size_t i = 0; status == URS_OK && i < f->count; i++)
        frames[i] = (urs_event_frame){.camera = f->place[i], .time = f->time[i]};
    if (status == URS_OK)
        status = urs_events_group(f->event, events, frames, f->count, gap, err);
    if (status == URS_OK) {
        at = urs_array_new(*events + 1, sizeof *at);
        status = at ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu events", *events);
    }
    for (size_t i = 0; status == URS_OK && i < f->count; i++)
        at[f->event[i] + 1]++;
    for (size_t e = 1; status == URS_OK && e < *events; e++)
        at[e] += at[e - 1];
    for (size_t i = 0; status == URS_OK && i < f->count; i++)
        f->order[at[f->event[i]]++] = i;
    urs_free(at);
    urs_free(frames);
    return status;
}

typedef struct event_heads {
    float *embeddings, *fused; /* [count][dim] */
    int64_t *frame;
    size_t *animal, *views;
    urs_identification *answers; /* [count], at the first head of each animal */
    size_t count;
} event_heads;

static void release_heads(event_heads *h)
{
    urs_free(h->embeddings);
    urs_free(h->fused);
    urs_free(h->frame);
    urs_free(h->animal);
    urs_free(h->views);
    urs_free(h->answers);
}

static urs_status load_heads(event_heads *h, const event_frames *f, const size_t *order, size_t frames, urs_identify_run *run, urs_error *err)
{
    const size_t dim = (size_t)run->models.model.dim;
    size_t n = 0, room = 0;
    urs_status status = URS_OK;
    for (size_t i = 0; i < frames; i++)
        n += f->heads[order[i]];
    if (urs_mul_size(&room, n, dim)) {
        h->embeddings = urs_array_new(room, sizeof *h->embeddings);
        h->fused = urs_array_new(room, sizeof *h->fused);
    }
    h->frame = urs_array_new(n, sizeof *h->frame);
    h->animal = urs_array_new(n, sizeof *h->animal);
    h->views = urs_array_new(n, sizeof *h->views);
    if (!h->embeddings || !h->fused || !h->frame || !h->animal || !h->views)
        return urs_fail(err, URS_ENOMEM, "no memory for the %zu heads of an event", n);
    for (size_t i = 0; i < frames; i++)
        for (size_t k = 0; status == URS_OK && k < f->heads[order[i]]; k++) {
            status = urs_head_store_embedding(run->store, f->file[order[i]], k, h->embeddings + h->count * dim, err);
            h->frame[h->count++] = (int64_t)order[i];
        }
    return status;
}

/* Writes what was found out about the heads of one frame, which begin at `first`. */
static urs_status put_frame(urs_identify_run *run, const char *file, int64_t event, const event_heads *h, size_t first, const urs_identification *const *answer, urs_error *err)
{
    const size_t dim = (size_t)run->models.model.dim;
    urs_result_image image = {0};
    urs_status status = urs_journal_read(run->journal, &image, file, err);
    image.event = event;
    for (size_t i = 0; status == URS_OK && i < image.count; i++) {
        if (!answer[first + i])
            continue;
        image.detections[i].views = (int64_t)h->views[first + i];
        status = urs_identify_fill(run, &image.detections[i], answer[first + i], err);
        if (status == URS_OK)
            status = urs_head_store_judge(run->store, file, i, h->fused + (first + i) * dim, answer[first + i], err);
    }
    if (status == URS_OK)
        status = urs_journal_replace(run->journal, &image, err);
    urs_result_image_release(&image);
    return status;
}

/* One answer for each animal with several heads; answer[head], NULL: judged alone already. */
static urs_status ask_animals(const urs_identification **answer, event_heads *h, urs_identify_run *run, urs_error *err)
{
    const size_t dim = (size_t)run->models.model.dim;
    urs_status status = URS_OK;
    h->answers = urs_array_new(h->count, sizeof *h->answers);
    if (!h->answers)
        return urs_fail(err, URS_ENOMEM, "no memory for the %zu heads of an event", h->count);
    for (size_t i = 0; status == URS_OK && i < h->count; i++) {
        size_t first = 0;
        while (h->animal[first] != h->animal[i])
            first++;
        if (h->views[i] < 2)
            continue;
        if (first == i)
            status = urs_identify(&h->answers[i], run->search, h->fused + i * dim, urs_identify_candidates(run), &run->how, err);
        answer[i] = &h->answers[first];
    }
    return status;
}

static urs_status judge_event(urs_identify_run *run, const event_frames *f, const size_t *order, size_t frames, int64_t event, urs_error *err)
{
    event_heads h = {0};
    const urs_identification **answer = NULL;
    size_t first = 0;
    urs_status status = load_heads(&h, f, order, frames, run, err);
    if (status != URS_OK)
        goto done;
    answer = urs_array_new(h.count, sizeof *answer);
    if (!answer) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the %zu heads of an event", h.count);
        goto done;
    }
    if (h.count > URS_EVENT_HEADS_MAX) { /* hours of a camera without a pause are no burst */
        memset(h.views, 0, h.count * sizeof *h.views);
    } else {
        status = urs_event_heads_fuse(h.fused, h.animal, h.views, h.embeddings, h.frame, h.count, run->models.model.dim, run->models.calibrated ? &run->models.calibration : NULL, err);
        if (status == URS_OK)
            status = ask_animals(answer, &h, run, err);
    }
    for (size_t i = 0; status == URS_OK && i < frames; i++) {
        status = put_frame(run, f->file[order[i]], event, &h, first, answer, err);
        first += f->heads[order[i]];
    }
done:
    urs_free((void *)answer);
    release_heads(&h);
    return status;
}

urs_status urs_identify_events(urs_identify_run *run, urs_error *err)
{
    event_frames f = {0};
    size_t events = 0, end;
    urs_status status = read_frames(&f, run, err);
    if (status == URS_OK)
        status = find_events(&f, &events, run->arguments->event_gap, err);
    for (size_t i = 0; status == URS_OK && i < f.count; i = end) {
        for (end = i + 1; end < f.count && f.event[f.order[end]] == f.event[f.order[i]];)
            end++;
        if (!isnan(f.time[f.order[i]]))
            status = judge_event(run, &f, f.order + i, end - i, ++run->events, err);
    }
    release_frames(&f);
    return status;
}
