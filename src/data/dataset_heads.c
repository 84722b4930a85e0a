/* Labelled photographs, one JSON a picture; see dataset.h.
 *
 *      DIR/labels/NAME.json   {"file": "images/NAME.jpg", "width": 640, "height": 480, "heads": [
 *                                {"box": [x1, y1, x2, y2], "mask": 1 | null, "left_eye": [x, y], "right_eye": [x, y], "nose": [x, y],
 *                                 "individual": "otis" | null}]}
 *      DIR/masks/NAME.png     8 bits, value = the head's "mask"
 *      DIR/bodies/NAME.png    non-zero = animal
 */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABEL_LIMIT ((size_t)16 << 20)
#define COORDINATE_MAX 1e6

/* A list of exactly n finite numbers. */
static bool read_numbers(const json_t *list, size_t n, float *out)
{
    if (!json_is_array(list) || json_array_size(list) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const double x = json_number_value(v);
        if (!json_is_number(v) || !isfinite(x) || fabs(x) > COORDINATE_MAX)
            return false;
        out[i] = (float)x;
    }
    return true;
}

static urs_status read_point(const json_t *head, const char *key, bool *has, urs_point *out, const char *name, size_t index, urs_error *err)
{
    const json_t *value = json_object_get(head, key);
    float xy[2];
    if (!value || json_is_null(value))
        return URS_OK;
    if (!read_numbers(value, 2, xy))
        return urs_fail(err, URS_EFORMAT, "%s: heads[%zu].%s must be [x, y] or null", name, index, key);
    *has = true;
    *out = (urs_point){xy[0], xy[1]};
    return URS_OK;
}

static urs_status read_head(urs_dataset *out, urs_sample *sample, const json_t *object, const char *name, size_t index, urs_error *err)
{
    urs_head head = {.individual = -1};
    const json_t *mask = json_object_get(object, "mask"), *individual = json_object_get(object, "individual");
    float box[4];
    urs_status status;
    if (!json_is_object(object) || !read_numbers(json_object_get(object, "box"), 4, box) || box[2] <= box[0] || box[3] <= box[1])
        return urs_fail(err, URS_EFORMAT, "%s: heads[%zu].box must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2", name, index);
    head.box = (urs_box){box[0], box[1], box[2], box[3]};
    if (mask && !json_is_null(mask)) {
        if (!json_is_integer(mask) || json_integer_value(mask) < 1 || json_integer_value(mask) > 255)
            return urs_fail(err, URS_EFORMAT, "%s: heads[%zu].mask must be 1 .. 255 or null", name, index);
        head.mask_value = (int32_t)json_integer_value(mask);
    }
    if (individual && !json_is_null(individual)) {
        if (!json_is_string(individual) || json_string_length(individual) == 0)
            return urs_fail(err, URS_EFORMAT, "%s: heads[%zu].individual must be a name or null", name, index);
        status = urs_data_individual(out, NULL, json_string_value(individual), &head.individual, err);
        if (status != URS_OK)
            return status;
    }
    status = read_point(object, "left_eye", &head.has_left_eye, &head.left_eye, name, index, err);
    if (status == URS_OK)
        status = read_point(object, "right_eye", &head.has_right_eye, &head.right_eye, name, index, err);
    if (status == URS_OK)
        status = read_point(object, "nose", &head.has_nose, &head.nose, name, index, err);
    return status == URS_OK ? urs_data_add_head(sample, &head, name, err) : status;
}

static urs_status read_side(const json_t *root, const char *key, int32_t *out, const char *name, urs_error *err)
{
    const json_t *value = json_object_get(root, key);
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > URS_IMAGE_SIDE_MAX)
        return urs_fail(err, URS_EFORMAT, "%s: '%s' must be a size in pixels", name, key);
    *out = (int32_t)json_integer_value(value);
    return URS_OK;
}

/* folder/sub/stem.png if it is there; owned. */
static char *companion(const char *folder, const char *sub, const char *stem)
{
    urs_text t = {0};
    char *path;
    urs_text_format(&t, "%s/%s/%s.png", folder, sub, stem);
    path = urs_text_take(&t);
    if (path && !urs_file_exists(path)) {
        urs_free(path);
        path = NULL;
    }
    return path;
}

urs_status urs_dataset_parse_head_json(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, urs_error *err)
{
    urs_status status = URS_OK;
    json_error_t problem;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);
    const json_t *heads = json_object_get(root, "heads");
    const char *file = json_string_value(json_object_get(root, "file"));
    urs_sample *s = NULL;
    char *path = NULL, *stem = NULL;
    if (!root) {
        status = urs_fail(err, URS_EFORMAT, "%s, line %d: %s", name, problem.line, problem.text);
        goto done;
    }
    if (!file || !*file) {
        status = urs_fail(err, URS_EFORMAT, "%s: 'file' must be the name of a picture", name);
        goto done;
    }
    if (!json_is_array(heads)) {
        status = urs_fail(err, URS_EFORMAT, "%s: 'heads' must be a list", name);
        goto done;
    }
    path = urs_path_join(folder, file);
    stem = urs_path_stem(file);
    status = path && stem ? urs_dataset_add(out, path, &s, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status != URS_OK)
        goto done;
    s->has_heads = true;
    status = read_side(root, "width", &s->width, name, err);
    if (status == URS_OK)
        status = read_side(root, "height", &s->height, name, err);
    for (size_t i = 0; status == URS_OK && i < json_array_size(heads); i++)
        status = read_head(out, s, json_array_get(heads, i), name, i, err);
    if (status == URS_OK)
        status = urs_name_table_add(&out->labels, "bear", &s->label, err);
    for (size_t i = 0; status == URS_OK && i < s->head_count; i++)
        s->heads[i].label = s->label;
    if (status == URS_OK) {
        s->mask_path = companion(folder, "masks", stem);
        s->body_path = companion(folder, "bodies", stem);
    }
done:
    urs_free(stem);
    urs_free(path);
    json_decref(root);
    return status;
}

static bool is_json(const char *path)
{
    return urs_path_has_extension(path, "json");
}

urs_status urs_data_read_heads(urs_dataset *out, const char *path, urs_error *err)
{
    urs_names files = {0};
    char *labels = urs_path_join(path, "labels");
    urs_status status = labels ? urs_folder_list(&files, labels, is_json, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    for (size_t i = 0; status == URS_OK && i < files.count; i++) {
        urs_bytes bytes = {0};
        status = urs_file_read(&bytes, files.items[i], LABEL_LIMIT, err);
        if (status == URS_OK)
            status = urs_dataset_parse_head_json(out, (const char *)bytes.data, bytes.size, files.items[i], path, err);
        urs_bytes_release(&bytes);
    }
    urs_names_release(&files);
    urs_free(labels);
    return status;
}
