/* Reading the photographs of `ursid eval chain`; see eval_chain.h. */
#include "cli/eval_chain.h"

#include "base/day.h"
#include "base/memory.h"
#include "data/dhash.h"
#include "data/frames.h"
#include "image/decode.h"
#include "stages/embed_train.h"

#include <string.h>

#define LOOK_SIDE 64 /* enough of a picture for its hash */

void urs_chain_world_release(urs_chain_world *w)
{
    urs_dataset_release(&w->set);
    urs_free(w->frames);
    urs_free(w->individuals);
    urs_free(w->truth);
    urs_enrol_split_release(&w->split);
    *w = (urs_chain_world){0};
}

const char *urs_chain_world_name(const urs_chain_world *w, int64_t individual)
{
    return individual < 0 ? "" : urs_name_table_get(&w->set.individuals, (int32_t)individual);
}

/* ---- reading ---- */

/* Labelled heads carry no days; the manifest beside them, as `ursid synth` writes it, does: class, camera, day, event. Rows are found by path. */
static urs_status add_manifest(urs_dataset *set, size_t from, const char *folder, urs_error *err)
{
    urs_dataset rows = {0};
    urs_name_table paths = {0};
    char *file = urs_path_join(folder, "manifest.csv");
    urs_status status = file ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a path");
    int32_t at;
    if (status == URS_OK && urs_file_exists(file))
        status = urs_dataset_read(&rows, file, &(urs_dataset_options){.kind = URS_DATASET_CSV}, err);
    for (size_t i = 0; status == URS_OK && i < rows.count; i++)
        status = urs_name_table_add(&paths, rows.samples[i].path, &at, err); /* a path that stands twice shifts the numbers */
    if (status == URS_OK && urs_name_table_count(&paths) != rows.count)
        status = urs_fail(err, URS_EFORMAT, "%s names a picture twice", file);
    for (size_t i = from; status == URS_OK && i < set->count; i++) {
        urs_sample *s = &set->samples[i];
        const urs_sample *row = rows.count && (at = urs_name_table_find(&paths, s->path)) >= 0 ? &rows.samples[at] : NULL;
        if (!row)
            continue;
        s->has_day = row->has_day;
        s->day = row->day;
        if (row->label >= 0)
            status = urs_name_table_add(&set->labels, urs_name_table_get(&rows.labels, row->label), &s->label, err);
        if (status == URS_OK && row->camera >= 0)
            status = urs_name_table_add(&set->cameras, urs_name_table_get(&rows.cameras, row->camera), &s->camera, err);
        if (status == URS_OK && row->group >= 0)
            status = urs_name_table_add(&set->groups, urs_name_table_get(&rows.groups, row->group), &s->group, err);
    }
    urs_dataset_release(&rows);
    urs_name_table_release(&paths);
    urs_free(file);
    return status;
}

static urs_status read_sets(urs_dataset *set, const urs_names *data, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < data->count; i++) {
        const size_t from = set->count;
        status = urs_dataset_read(set, data->items[i], &(urs_dataset_options){.append = true}, err);
        if (status == URS_OK && set->samples[from].has_heads && urs_folder_exists(data->items[i]))
            status = add_manifest(set, from, data->items[i], err);
    }
    return status;
}

/* Leaves only individuals of one part of embed's split, as `ursid eval embed` measures them. */
static urs_status keep_part(urs_dataset *set, const urs_eval_arguments *a, urs_error *err)
{
    const urs_embed_train_options split = {.trees = (const char *const *)a->data.items, .tree_count = 1, .validation = (float)a->validation, .test = (float)a->test,
                                           .split_seed = (uint64_t)a->split_seed, .side = LOOK_SIDE};
    const urs_part part = urs_eval_part(a);
    urs_pool *pool = NULL;
    urs_chips chips = {0};
    bool *wanted = urs_array_new(urs_name_table_count(&set->individuals), sizeof *wanted);
    size_t kept = 0;
    urs_status status = wanted ? urs_pool_new(&pool, a->threads, err) : urs_fail(err, URS_ENOMEM, "no memory for the individuals");
    if (status == URS_OK)
        status = urs_embed_train_chips(&chips, &split, pool, err);
    for (size_t i = 0; status == URS_OK && i < chips.count; i++) {
        const int32_t at = urs_name_table_find(&set->individuals, urs_name_table_get(&chips.dataset.individuals, chips.items[i].individual));
        if (at >= 0 && chips.items[i].part == part)
            wanted[at] = true;
    }
    for (size_t i = 0; status == URS_OK && i < set->count; i++) {
        if (set->samples[i].individual >= 0 && !wanted[set->samples[i].individual])
            urs_sample_release(&set->samples[i]);
        else
            set->samples[kept++] = set->samples[i];
    }
    if (status == URS_OK)
        set->count = kept;
    urs_chips_release(&chips);
    urs_pool_free(pool);
    urs_free(wanted);
    return status;
}

/* ---- what is known about a photograph ---- */

static int32_t class_of(const urs_dataset *set, const urs_sample *s)
{
    const char *name = urs_name_table_get(&set->labels, s->label);
    if (strcmp(name, "empty") == 0)
        return URS_FRAME_EMPTY;
    if (strcmp(name, "animal") == 0)
        return URS_FRAME_ANIMAL;
    if (strcmp(name, "bear") == 0 && (!s->has_heads || s->head_count > 0 || s->camera >= 0))
        return URS_FRAME_BEAR;
    return s->head_count > 0 || s->individual >= 0 ? URS_FRAME_BEAR : -1;
}

static urs_status describe(urs_chain_world *w, urs_error *err)
{
    size_t heads = 0, at = 0;
    for (size_t i = 0; i < w->set.count; i++)
        heads += w->set.samples[i].has_heads ? w->set.samples[i].head_count : 1;
    w->frames = urs_array_new(w->set.count, sizeof *w->frames);
    w->truth = urs_array_new(w->set.count, sizeof *w->truth);
    w->individuals = urs_array_new(heads, sizeof *w->individuals);
    if (!w->frames || !w->truth || !w->individuals)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu photographs", w->set.count);
    for (size_t i = 0; i < w->set.count; i++) {
        const urs_sample *s = &w->set.samples[i];
        urs_enrol_frame *f = &w->frames[i];
        w->truth[i] = class_of(&w->set, s);
        *f = (urs_enrol_frame){.individual = w->individuals + at, .has_day = s->has_day, .day = s->day, .event = s->group};
        if (w->truth[i] == URS_FRAME_EMPTY || w->truth[i] == URS_FRAME_ANIMAL)
            continue; /* a folder called "empty" or "animal" is no individual */
        if (!s->has_heads && s->individual >= 0) {
            w->individuals[at++] = s->individual;
            f->heads = 1;
        }
        for (size_t k = 0; s->has_heads && k < s->head_count; k++, f->heads++)
            w->individuals[at++] = s->heads[k].individual >= 0 || s->head_count > 1 ? s->heads[k].individual : s->individual;
    }
    return URS_OK;
}

/* ---- days from the pictures themselves ---- */

static urs_status look_at(void *context, size_t item, int worker, urs_error *err)
{
    urs_chain_world *w = context;
    urs_enrol_frame *f = &w->frames[item];
    urs_photo photo = {0};
    (void)worker;
    (void)err;
    if (f->heads == 0 || f->has_day || f->event >= 0)
        return URS_OK;
    if (urs_photo_read(&photo, w->set.samples[item].path, &(urs_decode_options){LOOK_SIDE, LOOK_SIDE}, NULL) != URS_OK)
        return URS_OK; /* the run will say so */
    f->has_day = photo.has_time && urs_day_parse(photo.time, &f->day);
    f->has_hash = !f->has_day && urs_image_dhash(&f->hash, &photo.image, NULL) == URS_OK;
    urs_photo_release(&photo);
    return URS_OK;
}

urs_status urs_chain_world_read(urs_chain_world *out, const urs_chain_arguments *a, urs_error *err)
{
    const urs_enrol_options how = {.fresh = a->fresh, .enrol = a->enrol, .seed = (uint64_t)a->eval.split_seed};
    urs_chain_world w = {0};
    urs_pool *pool = NULL;
    urs_status status = read_sets(&w.set, &a->eval.data, err);
    if (status == URS_OK && strcmp(a->eval.part, "all") != 0)
        status = keep_part(&w.set, &a->eval, err);
    if (status == URS_OK)
        status = describe(&w, err);
    if (status == URS_OK)
        status = urs_pool_new(&pool, a->eval.threads, err);
    if (status == URS_OK)
        status = urs_pool_run(pool, w.set.count, look_at, &w, err);
    if (status == URS_OK)
        status = urs_enrol_split_make(&w.split, w.frames, w.set.count, urs_name_table_count(&w.set.individuals), &how, err);
    if (status == URS_OK)
        status = urs_enrol_split_check(&w.split, w.frames, w.set.count, err);
    urs_pool_free(pool);
    if (status == URS_OK)
        *out = w;
    else
        urs_chain_world_release(&w);
    return status;
}
