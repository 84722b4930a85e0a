/* The dataset itself: its samples, its one entry for reading, and what kind of set a path is; see dataset.h. */
#include "data/dataset.h"

#include "base/file.h"
#include "base/day.h"
#include "base/memory.h"
#include "data/dataset_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SAMPLES_MAX ((size_t)20 * 1000 * 1000)
#define TEXT_LIMIT ((size_t)512 << 20)

void urs_sample_release(urs_sample *sample)
{
    for (size_t i = 0; i < sample->head_count; i++)
        urs_free(sample->heads[i].polygon);
    urs_free(sample->heads);
    urs_free(sample->path);
    urs_free(sample->mask_path);
    urs_free(sample->body_path);
    memset(sample, 0, sizeof *sample);
}

static void truncate_samples(urs_dataset *dataset, size_t count)
{
    while (dataset->count > count)
        urs_sample_release(&dataset->samples[--dataset->count]);
}

void urs_dataset_release(urs_dataset *dataset)
{
    truncate_samples(dataset, 0);
    urs_free(dataset->samples);
    urs_name_table_release(&dataset->labels);
    urs_name_table_release(&dataset->individuals);
    urs_name_table_release(&dataset->cameras);
    urs_name_table_release(&dataset->groups);
    memset(dataset, 0, sizeof *dataset);
}

urs_status urs_dataset_add(urs_dataset *dataset, const char *path, urs_sample **out, urs_error *err)
{
    urs_sample *sample;
    if (dataset->count >= SAMPLES_MAX)
        return urs_fail(err, URS_ELIMIT, "more than %zu pictures in one set", SAMPLES_MAX);
    if (!urs_array_reserve((void **)&dataset->samples, &dataset->capacity, dataset->count, sizeof *dataset->samples))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu samples", dataset->count + 1);
    sample = &dataset->samples[dataset->count];
    *sample = (urs_sample){.label = -1, .individual = -1, .camera = -1, .group = -1, .part = URS_PART_NONE, .infrared = -1};
    sample->path = urs_strdup(path);
    if (!sample->path)
        return urs_fail(err, URS_ENOMEM, "no memory for the path '%s'", path);
    dataset->count++;
    *out = sample;
    return URS_OK;
}

urs_status urs_data_add_head(urs_sample *sample, const urs_head *head, const char *name, urs_error *err)
{
    size_t capacity = sample->head_count;
    if (sample->head_count >= URS_HEADS_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: more than %d objects in one picture", name, URS_HEADS_MAX);
    /* Capacity is always the next power of two, so it needs no field of its own. */
    if ((capacity & (capacity - 1)) == 0 && !urs_array_resize((void **)&sample->heads, capacity ? capacity * 2 : 1, sizeof *sample->heads))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu objects", capacity + 1);
    sample->heads[sample->head_count++] = *head;
    return URS_OK;
}

urs_status urs_data_individual(urs_dataset *dataset, const char *prefix, const char *name, int32_t *index, urs_error *err)
{
    urs_text full = {0};
    urs_status status;
    if (!prefix || !*prefix)
        return urs_name_table_add(&dataset->individuals, name, index, err);
    urs_text_add(&full, prefix);
    urs_text_add(&full, name);
    if (urs_text_ok(&full))
        status = urs_name_table_add(&dataset->individuals, urs_text_string(&full), index, err);
    else
        status = urs_fail(err, URS_ENOMEM, "no memory for a name");
    urs_text_release(&full);
    return status;
}

urs_part urs_data_part_of(const char *name)
{
    static const struct {
        const char *name;
        urs_part part;
    } known[] = {{"train", URS_PART_TRAIN}, {"training", URS_PART_TRAIN}, {"val", URS_PART_VALIDATION}, {"valid", URS_PART_VALIDATION},
                 {"validation", URS_PART_VALIDATION}, {"test", URS_PART_TEST}, {"testing", URS_PART_TEST}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].part;
    return URS_PART_NONE;
}

urs_head urs_sample_head(const urs_sample *sample, size_t i, int32_t width, int32_t height, int32_t full_width, int32_t full_height)
{
    urs_head head = sample->heads[i];
    float sx = (float)width, sy = (float)height;
    if (!sample->relative) {
        sx /= (float)(sample->width > 0 ? sample->width : full_width);
        sy /= (float)(sample->height > 0 ? sample->height : full_height);
    }
    head.box = (urs_box){head.box.x1 * sx, head.box.y1 * sy, head.box.x2 * sx, head.box.y2 * sy};
    head.left_eye = (urs_point){head.left_eye.x * sx, head.left_eye.y * sy};
    head.right_eye = (urs_point){head.right_eye.x * sx, head.right_eye.y * sy};
    head.nose = (urs_point){head.nose.x * sx, head.nose.y * sy};
    return head;
}

/* ---- reading ---- */

static bool folder_has(const char *path, const char *name, bool folder)
{
    char *full = urs_path_join(path, name);
    const bool there = full && (folder ? urs_folder_exists(full) : urs_file_exists(full));
    urs_free(full);
    return there;
}

static urs_status kind_of(urs_dataset_kind *out, const char *path, urs_error *err)
{
    if (urs_folder_exists(path)) {
        /* The most telling sign first: heads/ holds YOLO texts beside its JSONs. */
        if (folder_has(path, "labels", true) && folder_has(path, "masks", true))
            *out = URS_DATASET_HEADS;
        else if (folder_has(path, "data.yaml", false))
            *out = URS_DATASET_YOLO;
        else if (folder_has(path, "manifest.csv", false) || folder_has(path, "metadata.csv", false))
            *out = URS_DATASET_CSV;
        else
            *out = URS_DATASET_FOLDERS;
        return URS_OK;
    }
    if (urs_path_has_extension(path, "csv"))
        *out = URS_DATASET_CSV;
    else if (urs_path_has_extension(path, "json"))
        *out = URS_DATASET_JSON;
    else if (urs_path_has_extension(path, "yaml") || urs_path_has_extension(path, "yml"))
        *out = URS_DATASET_YOLO;
    else if (urs_path_has_extension(path, "xml"))
        *out = URS_DATASET_IMGLAB;
    else if (!urs_file_exists(path))
        return urs_fail(err, URS_ENOTFOUND, "'%s' does not exist", path);
    else
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is no data set: a folder, .csv, .json, .yaml or .xml is expected", path);
    return URS_OK;
}

typedef urs_status text_parser(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix, urs_error *err);

static urs_status read_text(urs_dataset *out, const char *path, const char *inside, const char *prefix, text_parser *parse, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status;
    char *file = urs_folder_exists(path) ? urs_path_join(path, inside) : urs_strdup(path);
    char *folder = file ? urs_path_folder(file) : NULL;
    if (!folder)
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
    else
        status = urs_file_read(&bytes, file, TEXT_LIMIT, err);
    if (status == URS_OK)
        status = parse(out, (const char *)bytes.data, bytes.size, file, folder, prefix, err);
    urs_bytes_release(&bytes);
    urs_free(folder);
    urs_free(file);
    return status;
}

urs_status urs_dataset_read(urs_dataset *out, const char *path, const urs_dataset_options *options, urs_error *err)
{
    const urs_dataset_options none = {0};
    urs_dataset fresh = {0};
    urs_dataset *into = &fresh;
    urs_dataset_kind kind;
    urs_status status = URS_OK;
    size_t before;
    if (!options)
        options = &none;
    if (options->append)
        into = out;
    before = into->count;
    kind = options->kind;
    if (kind == URS_DATASET_AUTO)
        status = kind_of(&kind, path, err);
    if (status == URS_OK) {
        switch (kind) {
        case URS_DATASET_FOLDERS: status = urs_data_read_folders(into, path, options->prefix, err); break;
        case URS_DATASET_CSV:
            status = read_text(into, path, folder_has(path, "metadata.csv", false) && !folder_has(path, "manifest.csv", false) ? "metadata.csv" : "manifest.csv", options->prefix, urs_dataset_parse_csv, err);
            break;
        case URS_DATASET_JSON: status = read_text(into, path, "annotations.json", options->prefix, urs_dataset_parse_json, err); break;
        case URS_DATASET_YOLO: status = urs_data_read_yolo(into, path, err); break;
        case URS_DATASET_IMGLAB: status = read_text(into, path, "faces.xml", options->prefix, urs_dataset_parse_imglab, err); break;
        case URS_DATASET_HEADS: status = urs_data_read_heads(into, path, err); break;
        case URS_DATASET_AUTO:
        default: status = urs_fail(err, URS_EINVAL, "unknown kind of data set %d", (int)kind);
        }
    }
    if (status == URS_OK && into->count == before)
        status = urs_fail(err, URS_ENOTFOUND, "no pictures in '%s'", path);
    if (status != URS_OK) {
        if (options->append)
            truncate_samples(into, before); /* new names may stay in the tables; no sample points to them */
        else
            urs_dataset_release(&fresh);
        return status;
    }
    if (!options->append) {
        urs_dataset_release(out);
        *out = fresh;
    }
    return URS_OK;
}
