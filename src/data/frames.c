/* Building the list of training frames; see frames.h. */
#include "data/frames.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/frames_private.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_DEFAULT 300
#define CACHE_SIDE_DEFAULT 288
#define OTHERS_DEFAULT 3
#define PHOTO_SIDE 480

static const char *const source_names[URS_FRAMES_SOURCES] = {"real", "photos", "crops", "paste", "mix", "decoy", "others", "synth", "tiny"};

const char *urs_frame_source_name(urs_frame_source source)
{
    return source >= 0 && source < URS_FRAMES_SOURCES ? source_names[source] : "?";
}

void urs_frames_release(urs_frames *frames)
{
    urs_dataset_release(&frames->dataset);
    urs_split_release(&frames->split);
    urs_free(frames->items);
    urs_free(frames->labels);
    urs_picture_cache_release(&frames->cache);
    urs_scene_set_release(&frames->photos);
    urs_free(frames->empties);
    urs_free(frames->animals);
    urs_free(frames->pasteable);
    urs_free(frames->croppable);
    memset(frames, 0, sizeof *frames);
}

typedef struct building {
    urs_frames *frames;
    const urs_frames_options *options;
    urs_part part;
    bool on[URS_FRAMES_SOURCES];
    urs_names paths; /* of the pictures to be cached, by picture number */
    size_t item_capacity, empty_capacity, animal_capacity;
} building;

static urs_status parse_sources(bool on[URS_FRAMES_SOURCES], const char *list, urs_error *err)
{
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, ",");
        int found = -1;
        for (int s = 0; s < URS_FRAMES_SOURCES; s++)
            if (strlen(source_names[s]) == n && strncmp(p, source_names[s], n) == 0)
                found = s;
        if (found < 0)
            return urs_fail(err, URS_EINVAL, "'%.*s' is no source of frames (real, photos, crops, paste, mix, decoy, others, synth, tiny)", (int)n, p);
        on[found] = true;
        p += n + (p[n] == ',');
    }
    return URS_OK;
}

static int32_t class_of(const char *name)
{
    static const char *const names[] = {"empty", "animal", "bear"};
    for (int32_t i = 0; i < URS_FRAME_CLASSES; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

static urs_status add_item(building *b, urs_frame_source source, int32_t label, uint32_t picture, int32_t sample, urs_error *err)
{
    urs_frames *f = b->frames;
    if (!urs_array_reserve((void **)&f->items, &b->item_capacity, f->count, sizeof *f->items))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu frames", f->count);
    f->items[f->count++] = (urs_frame_item){source, label, picture, sample};
    f->source_counts[source]++;
    return URS_OK;
}

static urs_status note_picture(uint32_t **list, size_t *count, size_t *capacity, uint32_t picture, urs_error *err)
{
    if (!urs_array_reserve((void **)list, capacity, *count, sizeof **list))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu frames", *count);
    (*list)[(*count)++] = picture;
    return URS_OK;
}

static urs_status add_picture(building *b, uint32_t *picture, const char *path, urs_error *err)
{
    *picture = (uint32_t)b->paths.count;
    return urs_names_add(&b->paths, path, err);
}

/* A set whose samples carry the three class names. */
static urs_status add_labelled(building *b, const urs_dataset *d, const urs_split *split, bool synth, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < d->count; i++) {
        const urs_sample *s = &d->samples[i];
        const bool photo = strcmp(urs_name_table_get(&d->cameras, s->camera), "photo") == 0;
        const urs_frame_source source = synth ? URS_FRAMES_SYNTH : photo ? URS_FRAMES_PHOTOS : URS_FRAMES_REAL;
        const int32_t label = class_of(urs_name_table_get(&d->labels, s->label));
        uint32_t picture;
        if (label < 0)
            return urs_fail(err, URS_EFORMAT, "'%.200s' has the label '%.40s'; empty, animal or bear is expected", s->path, urs_name_table_get(&d->labels, s->label));
        /* Empty frames of the part are material for paste even when the source itself is off. */
        if ((split && split->parts[i] != b->part) || (!b->on[source] && label != URS_FRAME_EMPTY))
            continue;
        status = add_picture(b, &picture, s->path, err);
        if (status == URS_OK && label == URS_FRAME_EMPTY && !photo)
            status = note_picture(&b->frames->empties, &b->frames->empty_count, &b->empty_capacity, picture, err);
        if (status == URS_OK && b->on[source])
            status = add_item(b, source, label, picture, synth ? -1 : (int32_t)i, err);
    }
    return status;
}

static urs_status add_manifest(building *b, urs_error *err)
{
    const urs_frames_options *o = b->options;
    urs_frames *f = b->frames;
    urs_split_options split = {.by = URS_SPLIT_CAMERA, .validation = o->validation, .test = o->test, .seed = o->seed, .together = o->together};
    uint64_t *hashes = NULL;
    urs_status status = urs_dataset_read(&f->dataset, o->manifest, &(urs_dataset_options){.kind = URS_DATASET_CSV}, err);
    split.collections = o->collections ? o->collections : URS_FRAMES_COLLECTIONS;
    for (size_t i = 0; i < f->dataset.count; i++)
        if (f->dataset.samples[i].part != URS_PART_NONE)
            split.by = URS_SPLIT_PUBLISHED;
    if (status == URS_OK && split.by == URS_SPLIT_PUBLISHED && o->folds > 0)
        status = urs_fail(err, URS_EINVAL, "'%.200s' has parts of its own (column split), so it cannot be dealt into folds", o->manifest);
    if (status == URS_OK && o->near_duplicates && split.by != URS_SPLIT_PUBLISHED)
        status = urs_dataset_hashes(&hashes, &f->dataset, err);
    split.hashes = hashes;
    if (status == URS_OK)
        status = urs_split_make(&f->split, &f->dataset, &split, err);
    if (status == URS_OK && o->folds > 0)
        status = urs_split_fold(&f->split, &f->dataset, o->folds, o->fold, o->fold_seed, err);
    if (status == URS_OK)
        status = urs_split_check(&f->split, &f->dataset, &split, err);
    if (status == URS_OK)
        status = add_labelled(b, &f->dataset, &f->split, false, err);
    urs_free(hashes);
    return status;
}

/* Part in which the manifest has this photograph; photographs that it does not have are training material. */
static urs_part part_of_photo(const urs_frames *f, const char *path)
{
    const char *base = urs_path_base(path);
    for (size_t i = 0; i < f->dataset.count; i++)
        if (strcmp(urs_path_base(f->dataset.samples[i].path), base) == 0 &&
            strcmp(urs_name_table_get(&f->dataset.cameras, f->dataset.samples[i].camera), "photo") == 0)
            return f->split.parts[i];
    return URS_PART_TRAIN;
}

static urs_status add_photos(building *b, urs_error *err)
{
    urs_frames *f = b->frames;
    urs_dataset heads = {0};
    urs_random random;
    size_t *items = NULL, n = 0;
    urs_status status;
    if (!b->options->heads)
        return urs_fail(err, URS_EINVAL, "the sources crops, paste and decoy need labelled photographs (heads)");
    status = urs_dataset_read(&heads, b->options->heads, NULL, err);
    if (status != URS_OK)
        return status;
    items = urs_array_new(heads.count, sizeof *items);
    f->pasteable = urs_array_new(heads.count, sizeof *f->pasteable);
    f->croppable = urs_array_new(heads.count, sizeof *f->croppable);
    if (!items || !f->pasteable || !f->croppable) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu photographs", heads.count);
        goto done;
    }
    for (size_t i = 0; i < heads.count; i++)
        if (heads.samples[i].body_path && part_of_photo(f, heads.samples[i].path) == b->part)
            items[n++] = i;
    status = urs_scene_set_load(&f->photos, &heads, items, n, PHOTO_SIDE, true, err);
    urs_random_init(&random, b->options->seed);
    for (size_t i = 0; status == URS_OK && i < f->photos.count; i++) {
        urs_box strip;
        if (f->photos.scenes[i].can_paste)
            f->pasteable[f->pasteable_count++] = i;
        if (urs_frames_free_strip(&strip, &f->photos.scenes[i], &random))
            f->croppable[f->croppable_count++] = i;
    }
done:
    urs_free(items);
    urs_dataset_release(&heads);
    return status;
}

/* Up to `most` of each individual, spread evenly over its pictures (they come sorted). */
static urs_status add_others_tree(building *b, const char *path, urs_error *err)
{
    urs_dataset d = {0};
    const size_t most = b->options->others_per_individual ? b->options->others_per_individual : OTHERS_DEFAULT;
    urs_status status = urs_dataset_read(&d, path, &(urs_dataset_options){.kind = URS_DATASET_FOLDERS}, err);
    for (size_t from = 0, to; status == URS_OK && from < d.count; from = to) {
        for (to = from + 1; to < d.count && d.samples[to].individual == d.samples[from].individual;)
            to++;
        for (size_t k = 0; status == URS_OK && k < most && k < to - from; k++) {
            const size_t at = from + (to - from <= most ? k : k * (to - from) / most);
            uint32_t picture;
            status = add_picture(b, &picture, d.samples[at].path, err);
            if (status == URS_OK)
                status = note_picture(&b->frames->animals, &b->frames->animal_count, &b->animal_capacity, picture, err);
            if (status == URS_OK && b->on[URS_FRAMES_OTHERS])
                status = add_item(b, URS_FRAMES_OTHERS, URS_FRAME_ANIMAL, picture, -1, err);
        }
    }
    urs_dataset_release(&d);
    return status;
}

static urs_status add_others(building *b, urs_error *err)
{
    urs_status status = URS_OK;
    char *list, *save = NULL;
    if (!b->options->others)
        return urs_fail(err, URS_EINVAL, "the sources others and mix need folders of other animals");
    list = urs_strdup(b->options->others);
    if (!list)
        return urs_fail(err, URS_ENOMEM, "no memory for a list of folders");
    for (char *path = strtok_r(list, ",", &save); status == URS_OK && path; path = strtok_r(NULL, ",", &save))
        status = add_others_tree(b, path, err);
    urs_free(list);
    return status;
}

static urs_status add_synth(building *b, urs_error *err)
{
    urs_dataset d = {0};
    urs_status status;
    if (!b->options->synth)
        return urs_fail(err, URS_EINVAL, "the source synth needs a folder of rendered scenes");
    status = urs_dataset_read(&d, b->options->synth, &(urs_dataset_options){.kind = URS_DATASET_CSV}, err);
    if (status == URS_OK)
        status = add_labelled(b, &d, NULL, true, err);
    urs_dataset_release(&d);
    return status;
}

static urs_status add_tiny(building *b, urs_error *err)
{
    static const char *const landscapes[] = {"alp", "barn", "cliff", "lakeside", "picket_fence", "seashore", "tractor"};
    urs_dataset d = {0};
    urs_status status;
    if (!b->options->tiny)
        return urs_fail(err, URS_EINVAL, "the source tiny needs a folder of classes");
    status = urs_dataset_read(&d, b->options->tiny, &(urs_dataset_options){.kind = URS_DATASET_FOLDERS}, err);
    for (size_t i = 0; status == URS_OK && i < d.count; i++) {
        const char *name = urs_name_table_get(&d.labels, d.samples[i].label);
        int32_t label = strstr(name, "bear") ? URS_FRAME_BEAR : URS_FRAME_ANIMAL;
        uint32_t picture;
        for (size_t k = 0; k < sizeof landscapes / sizeof landscapes[0]; k++)
            if (strcmp(name, landscapes[k]) == 0)
                label = URS_FRAME_EMPTY;
        status = add_picture(b, &picture, d.samples[i].path, err);
        if (status == URS_OK)
            status = add_item(b, URS_FRAMES_TINY, label, picture, -1, err);
    }
    urs_dataset_release(&d);
    return status;
}

static urs_status add_generated(building *b, urs_error *err)
{
    const urs_frames_options *o = b->options;
    urs_frames *f = b->frames;
    const struct {
        urs_frame_source source;
        size_t places;
        int32_t label;
        size_t material;
        const char *lacks;
    } kinds[] = {{URS_FRAMES_CROPS, o->crops, URS_FRAME_EMPTY, f->croppable_count, "photographs with room beside the animal"},
                 {URS_FRAMES_PASTE, o->paste, URS_FRAME_BEAR, f->empty_count ? f->pasteable_count : 0, "empty frames and photographs with body masks"},
                 {URS_FRAMES_MIX, o->mix, URS_FRAME_ANIMAL, f->empty_count ? f->animal_count : 0, "empty frames and pictures of other animals"},
                 {URS_FRAMES_DECOY, o->decoy, URS_FRAME_EMPTY, f->empty_count ? f->pasteable_count : 0, "empty frames and photographs with body masks"}};
    urs_status status = URS_OK;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const size_t places = kinds[k].places ? kinds[k].places : PLACES_DEFAULT;
        if (!b->on[kinds[k].source])
            continue;
        if (kinds[k].material == 0)
            return urs_fail(err, URS_ENOTFOUND, "the source %s needs %s, and there are none", source_names[kinds[k].source], kinds[k].lacks);
        for (size_t i = 0; status == URS_OK && i < places; i++)
            status = add_item(b, kinds[k].source, kinds[k].label, 0, -1, err);
    }
    return status;
}

static urs_status fill_cache(building *b, urs_pool *pool, urs_error *err)
{
    const int32_t side = b->options->cache_side > 0 ? b->options->cache_side : CACHE_SIDE_DEFAULT;
    urs_frames *f = b->frames;
    const urs_status status =
        urs_picture_cache_load(&f->cache, (const char *const *)b->paths.items, b->paths.count, side, 0, false, pool, err);
    if (status != URS_OK)
        return status;
    f->labels = urs_array_new(f->count, sizeof *f->labels);
    if (!f->labels)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu labels", f->count);
    for (size_t i = 0; i < f->count; i++)
        f->labels[i] = f->items[i].label;
    return URS_OK;
}

urs_status urs_frames_build(urs_frames *out, const urs_frames_options *options, urs_part part, urs_pool *pool, urs_error *err)
{
    urs_frames f = {.seed = options->seed};
    building b = {.frames = &f, .options = options, .part = part};
    urs_status status;
    if (!options->manifest)
        return urs_fail(err, URS_EINVAL, "a manifest of frames is needed");
    status = parse_sources(b.on, options->sources ? options->sources : "real,photos", err);
    if (status != URS_OK)
        return status;
    if (part != URS_PART_TRAIN)
        for (int s = 0; s < URS_FRAMES_SOURCES; s++)
            b.on[s] = s == URS_FRAMES_REAL || s == URS_FRAMES_PHOTOS ||
                      (options->probes && b.on[s] && (s == URS_FRAMES_CROPS || s == URS_FRAMES_PASTE || s == URS_FRAMES_DECOY));
    status = add_manifest(&b, err);
    if (status == URS_OK && b.on[URS_FRAMES_SYNTH])
        status = add_synth(&b, err);
    if (status == URS_OK && (b.on[URS_FRAMES_OTHERS] || b.on[URS_FRAMES_MIX]))
        status = add_others(&b, err);
    if (status == URS_OK && b.on[URS_FRAMES_TINY])
        status = add_tiny(&b, err);
    if (status == URS_OK && (b.on[URS_FRAMES_CROPS] || b.on[URS_FRAMES_PASTE] || b.on[URS_FRAMES_DECOY]))
        status = add_photos(&b, err);
    if (status == URS_OK)
        status = add_generated(&b, err);
    if (status == URS_OK && f.count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "no frames in this part of '%s'", options->manifest);
    if (status == URS_OK)
        status = fill_cache(&b, pool, err);
    urs_names_release(&b.paths);
    if (status == URS_OK)
        *out = f;
    else
        urs_frames_release(&f);
    return status;
}
