/* Heads judged new, in groups that look alike; see identify_run.h. */
#include "cli/identify_run.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "catalogue/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_AT_UNCALIBRATED 0.8 /* the cosine 0.6, moved to 0 .. 1 */

static urs_status take_head(void *context, const char *file, size_t number, const float *embedding, const float *asked, urs_error *err)
{
    urs_identify_run *run = context;
    const size_t dim = (size_t)run->models.model.dim;
    urs_new_head *head;
    if (!urs_array_reserve((void **)&run->new_heads, &run->new_capacity, run->new_count, sizeof *run->new_heads) ||
        !urs_array_reserve((void **)&run->embeddings, &run->embeddings_capacity, run->new_count, dim * sizeof *run->embeddings) ||
        !urs_array_reserve((void **)&run->asked, &run->asked_capacity, run->new_count, dim * sizeof *run->asked))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu new heads", run->new_count);
    head = &run->new_heads[run->new_count];
    *head = (urs_new_head){.file = urs_strdup(file), .number = number};
    if (!head->file)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu new heads", run->new_count);
    memcpy(run->asked + run->new_count * dim, asked, dim * sizeof *asked);
    memcpy(run->embeddings + run->new_count++ * dim, embedding, dim * sizeof *embedding);
    return URS_OK;
}

typedef struct ranked_group {
    size_t label, heads;
} ranked_group;

static int compare_sizes(const void *a, const void *b)
{
    const ranked_group *x = a, *y = b;
    if (x->heads != y->heads)
        return x->heads > y->heads ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

/* "new-1", "new-2" ... that no bear of the catalogue carries. */
static char *free_name(const urs_identify_run *run, size_t *number)
{
    for (;;) {
        urs_text name = {0};
        bool taken = false;
        urs_text_format(&name, "new-%zu", ++*number);
        for (size_t i = 0; i < run->bears.count && !taken; i++)
            taken = strcmp(run->bears.items[i].name, urs_text_string(&name)) == 0;
        if (!taken)
            return urs_text_take(&name);
        urs_text_release(&name);
    }
}

/* Labels of the clustering -> groups, largest first, with their heads in the order of files. */
static urs_status make_groups(urs_identify_run *run, const size_t *label, size_t groups, urs_error *err)
{
    ranked_group *ranked = urs_array_new(groups, sizeof *ranked);
    size_t *place = urs_array_new(groups, sizeof *place), at = 0, number = 0;
    urs_status status = URS_OK;
    run->groups = urs_array_new(groups, sizeof *run->groups);
    run->group_heads = urs_array_new(run->new_count, sizeof *run->group_heads);
    if (!ranked || !place || !run->groups || !run->group_heads)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu groups", groups);
    for (size_t g = 0; status == URS_OK && g < groups; g++)
        ranked[g].label = g;
    for (size_t i = 0; status == URS_OK && i < run->new_count; i++)
        ranked[label[i]].heads++;
    if (status == URS_OK)
        qsort(ranked, groups, sizeof *ranked, compare_sizes);
    for (size_t g = 0; status == URS_OK && g < groups; g++) {
        urs_new_group *group = &run->groups[g];
        place[ranked[g].label] = g;
        group->head = run->group_heads + at;
        at += ranked[g].heads;
        group->name = free_name(run, &number);
        run->group_count++;
        if (!group->name)
            status = urs_fail(err, URS_ENOMEM, "no memory for a name");
    }
    for (size_t i = 0; status == URS_OK && i < run->new_count; i++) {
        urs_new_group *group = &run->groups[place[label[i]]];
        group->head[group->heads++] = i;
        run->new_heads[i].group = place[label[i]];
    }
    urs_free(ranked);
    urs_free(place);
    return status;
}

urs_status urs_identify_group(urs_identify_run *run, urs_error *err)
{
    urs_cluster_options how = {.threshold = run->arguments->group_at};
    size_t *label = NULL, groups = 0;
    int64_t *frame = NULL;
    urs_status status = urs_head_store_each(run->store, URS_VERDICT_NEW, take_head, run, err);
    if (status != URS_OK || run->new_count == 0)
        return status;
    if (run->new_count > URS_CLUSTER_CHIPS_MAX) {
        (void)fprintf(stderr, "ursid identify: %zu new heads are more than the %d that can be grouped; they stay ungrouped\n", run->new_count, URS_CLUSTER_CHIPS_MAX);
        return URS_OK;
    }
    label = urs_array_new(run->new_count, sizeof *label);
    frame = urs_array_new(run->new_count, sizeof *frame);
    if (!label || !frame)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu new heads", run->new_count);
    for (size_t i = 0; status == URS_OK && i < run->new_count; i++)
        frame[i] = i > 0 && strcmp(run->new_heads[i].file, run->new_heads[i - 1].file) == 0 ? frame[i - 1] : (int64_t)i;
    how.frame = frame;
    if (how.threshold <= 0 && !run->models.calibrated)
        how.threshold = GROUP_AT_UNCALIBRATED;
    if (status == URS_OK)
        status = urs_cluster_chips(label, &groups, run->asked, run->new_count, run->models.model.dim, run->models.calibrated ? &run->models.calibration : NULL, &how, err);
    if (status == URS_OK)
        status = make_groups(run, label, groups, err);
    urs_free(label);
    urs_free(frame);
    return status;
}

typedef struct head_key {
    const char *file;
    size_t number;
} head_key;

static int compare_key(const void *a, const void *b)
{
    const head_key *key = a;
    const urs_new_head *head = b;
    const int by_file = strcmp(key->file, head->file);
    return by_file ? by_file : (key->number > head->number) - (key->number < head->number);
}

static const urs_new_head *find_head(const urs_identify_run *run, const char *file, size_t number)
{
    const head_key key = {file, number};
    return run->group_count ? bsearch(&key, run->new_heads, run->new_count, sizeof *run->new_heads, compare_key) : NULL;
}

const urs_new_group *urs_identify_group_of(const urs_identify_run *run, const char *file, size_t number)
{
    const urs_new_head *head = find_head(run, file, number);
    return head ? &run->groups[head->group] : NULL;
}

/* ---- into the catalogue ---- */

/* The whole path of a file as it was given. */
static char *whole_path(const urs_identify_run *run, const char *file)
{
    urs_text path = {0};
    if (run->files.count)
        urs_text_append(&path, run->files.items[0], run->root);
    urs_text_add(&path, file);
    return urs_text_take(&path);
}

typedef struct enrolment {
    urs_identify_run *run;
    int64_t number; /* of the run, for undo */
    size_t added;
} enrolment;

static urs_status enrol_image(void *context, urs_result_image *image, urs_error *err)
{
    enrolment *e = context;
    urs_identify_run *run = e->run;
    urs_status status = URS_OK;
    char *path = NULL, hash[65] = "", time[32] = "";
    for (size_t i = 0; status == URS_OK && i < image->count; i++) {
        const urs_result_detection *d = &image->detections[i];
        const urs_new_head *head = find_head(run, image->file, i);
        urs_bytes chip = {0};
        if (!head)
            continue;
        if (!path) { /* the first one of this file */
            urs_bytes bytes = {0};
            urs_sha256 sha;
            path = whole_path(run, image->file);
            status = path ? urs_file_read(&bytes, path, 0, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
            if (status != URS_OK)
                break;
            urs_sha256_init(&sha);
            urs_sha256_update(&sha, bytes.data, bytes.size);
            urs_sha256_hex(&sha, hash);
            urs_bytes_release(&bytes);
            if (strlen(image->datetime) == 19)
                (void)snprintf(time, sizeof time, "%.4s-%.2s-%.2sT%.8s", image->datetime, image->datetime + 5, image->datetime + 8, image->datetime + 11);
        }
        status = urs_head_store_head(run->store, image->file, i, &chip, NULL, err);
        if (status == URS_OK) {
            const double w = image->width, h = image->height;
            const urs_chip_entry entry = {.path = path, .content_hash = hash, .box = {(float)(d->x * w), (float)(d->y * h), (float)((d->x + d->width) * w), (float)((d->y + d->height) * h)},
                                          .time = *time ? time : NULL, .confidence = d->conf, .embedding = run->embeddings + (size_t)(head - run->new_heads) * (size_t)run->models.model.dim,
                                          .thumbnail = chip.data, .thumbnail_size = chip.size};
            size_t added = 0;
            status = urs_catalogue_enrol(run->catalogue, &run->models.model, run->groups[head->group].name, &entry, 1, e->number, &added, err);
            e->added += added;
        }
        urs_bytes_release(&chip);
    }
    urs_free(path);
    return status;
}

urs_status urs_identify_enroll(urs_identify_run *run, urs_error *err)
{
    enrolment e = {.run = run};
    urs_status status;
    if (run->group_count == 0)
        return URS_OK;
    status = urs_catalogue_run_new(run->catalogue, &e.number, err);
    if (status == URS_OK)
        status = urs_journal_visit(run->journal, enrol_image, &e, err);
    if (status == URS_OK)
        (void)printf("\n%zu heads are in %s now, as %zu bears with names to be changed:\n  ursid catalogue --catalogue %s rename %s NAME\n"
                     "'ursid catalogue --catalogue %s undo' takes that back.\n",
                     e.added, run->arguments->catalogue, run->group_count, run->arguments->catalogue, run->groups[0].name, run->arguments->catalogue);
    return status;
}
