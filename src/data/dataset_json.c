/* Data sets that are one JSON file: COCO, COCO Camera Traps, and MegaDetector's results as labels; see dataset.h.
 *
 *      COCO           {"images": [{"id", "file_name", "width", "height",
 *                                  "datetime", "location", "seq_id"}],              these three: COCO Camera Traps
 *                      "categories": [{"id", "name"}],
 *                      "annotations": [{"image_id", "category_id",
 *                                       "bbox": [x, y, w, h] px | "bbox_relative": fractions, "iscrowd", "individual"}]}
 *      MegaDetector   {"detection_categories": {"1": "animal"}, "images": [{"file", "detections": [{"category", "conf", "bbox": [x, y, w, h] fractions}]}]}
 *
 * Numbers of pictures, categories, places and sequences may be whole numbers or text, as they occur. */
#include "base/day.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COORDINATE_MAX 1e6
#define CONFIDENCE_LEAST 0.2 /* MegaDetector's own typical threshold */

typedef struct reading {
    urs_dataset *out;
    const char *name, *folder, *prefix;
    urs_name_table images, categories; /* by id as text; image i is sample first + i */
    int32_t *label;                    /* owned: of category i */
    size_t first, labels_capacity;
} reading;

/* A name or number as text; false when it is neither. "" counts as none. */
static bool id_text(char *out, size_t size, const json_t *value)
{
    if (json_is_integer(value))
        return snprintf(out, size, "%lld", (long long)json_integer_value(value)) > 0;
    return json_is_string(value) && json_string_length(value) > 0 && (size_t)snprintf(out, size, "%s", json_string_value(value)) < size;
}

static bool box_of(urs_box *out, const json_t *list)
{
    double v[4];
    if (!json_is_array(list) || json_array_size(list) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        const json_t *n = json_array_get(list, i);
        v[i] = json_number_value(n);
        if (!json_is_number(n) || !isfinite(v[i]) || fabs(v[i]) > COORDINATE_MAX)
            return false;
    }
    *out = (urs_box){(float)v[0], (float)v[1], (float)(v[0] + v[2]), (float)(v[1] + v[3])};
    return out->x2 > out->x1 && out->y2 > out->y1; /* as floats: a side may vanish there */
}

static urs_status read_side(const reading *r, const json_t *image, const char *key, size_t index, int32_t *out, urs_error *err)
{
    const json_t *v = json_object_get(image, key);
    if (!v || json_is_null(v))
        return URS_OK;
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > URS_IMAGE_SIDE_MAX)
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].%s must be 1 .. %d", r->name, index, key, URS_IMAGE_SIDE_MAX);
    *out = (int32_t)json_integer_value(v);
    return URS_OK;
}

static urs_status add_picture(reading *r, urs_sample **out, const char *file, urs_error *err)
{
    char *path = urs_path_join(r->folder, file);
    const urs_status status = path ? urs_dataset_add(r->out, path, out, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    urs_free(path);
    return status;
}

/* ---- COCO ---- */

static urs_status read_image(reading *r, const json_t *image, size_t index, urs_error *err)
{
    const char *file = json_string_value(json_object_get(image, "file_name")), *date = json_string_value(json_object_get(image, "datetime"));
    char text[256];
    urs_sample *s = NULL;
    int32_t number = 0;
    urs_status status;
    if (!id_text(text, sizeof text, json_object_get(image, "id")))
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].id must be a number or a name", r->name, index);
    status = urs_name_table_add(&r->images, text, &number, err);
    if (status == URS_OK && (size_t)number != index)
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].id '%.60s' is there twice", r->name, index, text);
    if (status == URS_OK && (!file || !*file))
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].file_name must be the name of a picture", r->name, index);
    if (status == URS_OK)
        status = add_picture(r, &s, file, err);
    if (status == URS_OK)
        status = read_side(r, image, "width", index, &s->width, err);
    if (status == URS_OK)
        status = read_side(r, image, "height", index, &s->height, err);
    if (status == URS_OK && date)
        s->has_day = urs_day_parse(date, &s->day); /* other spellings: an unknown day */
    if (status == URS_OK && id_text(text, sizeof text, json_object_get(image, "location")))
        status = urs_name_table_add(&r->out->cameras, text, &s->camera, err);
    if (status == URS_OK && id_text(text, sizeof text, json_object_get(image, "seq_id")))
        status = urs_name_table_add(&r->out->groups, text, &s->group, err);
    return status;
}

static urs_status read_category(reading *r, const json_t *category, size_t index, urs_error *err)
{
    const char *name = json_string_value(json_object_get(category, "name"));
    char text[256];
    int32_t number = 0;
    urs_status status;
    if (!id_text(text, sizeof text, json_object_get(category, "id")) || !name || !*name)
        return urs_fail(err, URS_EFORMAT, "%s: categories[%zu] must have an id and a name", r->name, index);
    status = urs_name_table_add(&r->categories, text, &number, err);
    if (status == URS_OK && (size_t)number != index)
        return urs_fail(err, URS_EFORMAT, "%s: categories[%zu].id '%.60s' is there twice", r->name, index, text);
    if (status == URS_OK && !urs_array_reserve((void **)&r->label, &r->labels_capacity, index, sizeof *r->label))
        status = urs_fail(err, URS_ENOMEM, "no memory for categories");
    return status == URS_OK ? urs_name_table_add(&r->out->labels, name, &r->label[index], err) : status;
}

static urs_status read_box(const reading *r, const urs_sample *s, const json_t *annotation, size_t index, urs_box *box, bool *has, urs_error *err)
{
    const json_t *pixels = json_object_get(annotation, "bbox"), *relative = json_object_get(annotation, "bbox_relative");
    *has = (pixels && !json_is_null(pixels)) || (relative && !json_is_null(relative));
    if (!*has)
        return URS_OK;
    if (pixels && !json_is_null(pixels))
        return box_of(box, pixels) ? URS_OK : urs_fail(err, URS_EFORMAT, "%s: annotations[%zu].bbox must be [x, y, width, height] with positive sides", r->name, index);
    if (!box_of(box, relative))
        return urs_fail(err, URS_EFORMAT, "%s: annotations[%zu].bbox_relative must be [x, y, width, height] with positive sides", r->name, index);
    if (s->width < 1 || s->height < 1)
        return urs_fail(err, URS_EFORMAT, "%s: annotations[%zu].bbox_relative needs width and height of its picture", r->name, index);
    *box = (urs_box){box->x1 * (float)s->width, box->y1 * (float)s->height, box->x2 * (float)s->width, box->y2 * (float)s->height};
    return URS_OK;
}

static urs_status read_annotation(reading *r, const json_t *annotation, size_t index, urs_error *err)
{
    const char *individual = json_string_value(json_object_get(annotation, "individual"));
    char text[256];
    urs_head head = {.individual = -1};
    urs_sample *s;
    int32_t image = -1, category = -1;
    bool has_box = false;
    urs_status status;
    if (id_text(text, sizeof text, json_object_get(annotation, "image_id")))
        image = urs_name_table_find(&r->images, text);
    if (image < 0)
        return urs_fail(err, URS_EFORMAT, "%s: annotations[%zu].image_id names no picture of the list", r->name, index);
    if (id_text(text, sizeof text, json_object_get(annotation, "category_id")))
        category = urs_name_table_find(&r->categories, text);
    if (category < 0)
        return urs_fail(err, URS_EFORMAT, "%s: annotations[%zu].category_id names no category of the list", r->name, index);
    s = &r->out->samples[r->first + (size_t)image];
    head.label = r->label[category];
    head.ignore = json_integer_value(json_object_get(annotation, "iscrowd")) == 1;
    if (s->label < 0)
        s->label = head.label;
    status = read_box(r, s, annotation, index, &head.box, &has_box, err);
    if (status == URS_OK && individual && *individual)
        status = urs_data_individual(r->out, r->prefix, individual, &head.individual, err);
    if (status == URS_OK && head.individual >= 0 && s->individual < 0)
        s->individual = head.individual;
    if (status == URS_OK && has_box)
        status = urs_data_add_head(s, &head, r->name, err);
    s->has_heads = s->has_heads || has_box;
    return status;
}

typedef urs_status read_item(reading *r, const json_t *item, size_t index, urs_error *err);

static urs_status read_list(reading *r, const json_t *root, const char *key, read_item *read, urs_error *err)
{
    const json_t *list = json_object_get(root, key);
    urs_status status = URS_OK;
    if (!json_is_array(list))
        return urs_fail(err, URS_EFORMAT, "%s: '%s' must be a list", r->name, key);
    for (size_t i = 0; status == URS_OK && i < json_array_size(list); i++)
        status = json_is_object(json_array_get(list, i)) ? read(r, json_array_get(list, i), i, err) : urs_fail(err, URS_EFORMAT, "%s: %s[%zu] must be an object", r->name, key, i);
    return status;
}

static urs_status read_coco(reading *r, const json_t *root, urs_error *err)
{
    bool any = false;
    urs_status status = read_list(r, root, "images", read_image, err);
    if (status == URS_OK)
        status = read_list(r, root, "categories", read_category, err);
    if (status == URS_OK)
        status = read_list(r, root, "annotations", read_annotation, err);
    /* Where boxes are drawn at all, a picture without one shows nothing. */
    for (size_t i = r->first; status == URS_OK && i < r->out->count; i++)
        any = any || r->out->samples[i].has_heads;
    for (size_t i = r->first; status == URS_OK && any && i < r->out->count; i++)
        r->out->samples[i].has_heads = true;
    return status;
}

/* ---- MegaDetector ---- */

static urs_status read_detections(reading *r, const json_t *image, size_t index, urs_error *err)
{
    const char *file = json_string_value(json_object_get(image, "file")), *date = json_string_value(json_object_get(image, "datetime"));
    const json_t *list = json_object_get(image, "detections");
    urs_sample *s = NULL;
    urs_status status;
    if (!file || !*file)
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].file must be the name of a picture", r->name, index);
    if (!list || json_is_null(list)) /* a picture that the detector could not read */
        return URS_OK;
    if (!json_is_array(list))
        return urs_fail(err, URS_EFORMAT, "%s: images[%zu].detections must be a list or null", r->name, index);
    status = add_picture(r, &s, file, err);
    if (status != URS_OK)
        return status;
    s->relative = s->has_heads = true;
    if (date)
        s->has_day = urs_day_parse(date, &s->day);
    for (size_t i = 0; status == URS_OK && i < json_array_size(list); i++) {
        const json_t *d = json_array_get(list, i), *conf = json_object_get(d, "conf");
        urs_head head = {.individual = -1};
        char text[256];
        int32_t category = -1;
        if (id_text(text, sizeof text, json_object_get(d, "category")))
            category = urs_name_table_find(&r->categories, text);
        if (category < 0 || !json_is_number(conf) || !box_of(&head.box, json_object_get(d, "bbox")))
            return urs_fail(err, URS_EFORMAT, "%s: images[%zu].detections[%zu] must have a category of the list, conf, and bbox [x, y, width, height] with positive sides", r->name, index, i);
        if (!(json_number_value(conf) >= CONFIDENCE_LEAST))
            continue;
        head.label = r->label[category];
        if (s->label < 0)
            s->label = head.label;
        status = urs_data_add_head(s, &head, r->name, err);
    }
    return status;
}

static urs_status read_megadetector(reading *r, json_t *root, urs_error *err)
{
    const char *key;
    json_t *value;
    urs_status status = URS_OK;
    size_t n = 0;
    json_object_foreach(json_object_get(root, "detection_categories"), key, value) {
        int32_t number = 0;
        if (status == URS_OK && (!json_is_string(value) || json_string_length(value) == 0))
            status = urs_fail(err, URS_EFORMAT, "%s: detection_categories.%.60s must be a name", r->name, key);
        if (status == URS_OK)
            status = urs_name_table_add(&r->categories, key, &number, err);
        if (status == URS_OK && !urs_array_reserve((void **)&r->label, &r->labels_capacity, n, sizeof *r->label))
            status = urs_fail(err, URS_ENOMEM, "no memory for categories");
        if (status == URS_OK)
            status = urs_name_table_add(&r->out->labels, json_string_value(value), &r->label[n++], err);
    }
    return status == URS_OK ? read_list(r, root, "images", read_detections, err) : status;
}

urs_status urs_dataset_parse_json(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix, urs_error *err)
{
    reading r = {.out = out, .name = name, .folder = folder, .prefix = prefix, .first = out->count};
    json_error_t problem;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);
    urs_status status;
    if (!root)
        status = urs_fail(err, URS_EFORMAT, "%s, line %d: %s", name, problem.line, problem.text);
    else if (json_is_object(json_object_get(root, "detection_categories")))
        status = read_megadetector(&r, root, err);
    else if (json_object_get(root, "annotations"))
        status = read_coco(&r, root, err);
    else
        status = urs_fail(err, URS_EFORMAT, "%s: neither 'annotations' (COCO, COCO Camera Traps) nor 'detection_categories' (MegaDetector)", name);
    json_decref(root);
    urs_name_table_release(&r.images);
    urs_name_table_release(&r.categories);
    urs_free(r.label);
    return status;
}
