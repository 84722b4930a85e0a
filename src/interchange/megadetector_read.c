/* Reading MegaDetector batch JSON; see megadetector.h. Strict about what we use, silent about what we do not know. */
#include "interchange/megadetector.h"

#include "base/file.h"
#include "base/memory.h"
#include "interchange/coco_rle.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CATEGORY_MAX 999999

typedef struct key_name {
    long key;
    const char *name; /* borrowed from the JSON */
} key_name;

typedef struct key_map { /* categories of a file by number; place = index in the names */
    key_name *items;     /* owned */
    size_t count;
} key_map;

typedef struct reading {
    const char *name;
    key_map detections, classifications;
    bool numbered; /* no tables at hand (one image alone): key k is index k - 1 */
} reading;

static bool parse_key(const char *s, long *out)
{
    long long v;
    if (*s < '0' || *s > '9' || !urs_parse_int(s, 0, CATEGORY_MAX, &v))
        return false;
    *out = (long)v;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const long x = ((const key_name *)a)->key, y = ((const key_name *)b)->key;
    return (x > y) - (x < y);
}

static int32_t find_key(const reading *r, const key_map *map, const json_t *value)
{
    const char *s = json_string_value(value);
    key_name wanted = {.name = NULL};
    const key_name *found;
    if (!s || !parse_key(s, &wanted.key))
        return -1;
    if (r->numbered)
        return wanted.key >= 1 ? (int32_t)(wanted.key - 1) : -1;
    found = map->count ? bsearch(&wanted, map->items, map->count, sizeof wanted, compare_keys) : NULL;
    return found ? (int32_t)(found - map->items) : -1;
}

static urs_status read_categories(json_t *table, const char *what, key_map *map, urs_names *names, const char *name, urs_error *err)
{
    urs_status status = URS_OK;
    const char *key;
    json_t *value;
    if (!json_is_object(table))
        return urs_fail(err, URS_EFORMAT, "%s: '%s' must be an object", name, what);
    map->items = urs_array_new(json_object_size(table), sizeof *map->items);
    if (!map->items)
        return urs_fail(err, URS_ENOMEM, "no memory for the categories of %s", name);
    json_object_foreach(table, key, value)
    {
        key_name *c = &map->items[map->count++];
        c->name = json_string_value(value);
        if (!parse_key(key, &c->key) || !c->name)
            return urs_fail(err, URS_EFORMAT, "%s: '%s' has the entry '%.40s'; a whole number with a name is expected", name, what, key);
    }
    qsort(map->items, map->count, sizeof *map->items, compare_keys);
    for (size_t i = 0; status == URS_OK && i < map->count; i++) {
        if (i && map->items[i].key == map->items[i - 1].key) /* "1" and "01" */
            return urs_fail(err, URS_EFORMAT, "%s: '%s' has the number %ld twice", name, what, map->items[i].key);
        status = urs_names_add(names, map->items[i].name, err);
    }
    return status;
}

static bool number_in(const json_t *value, double low, double high, double *out)
{
    const double x = json_number_value(value);
    if (!json_is_number(value) || !isfinite(x) || x < low || x > high)
        return false;
    *out = x;
    return true;
}

static bool pair_of_numbers(const json_t *value, double out[2])
{
    return json_is_array(value) && json_array_size(value) == 2 && number_in(json_array_get(value, 0), -1e6, 1e6, &out[0]) && number_in(json_array_get(value, 1), -1e6, 1e6, &out[1]);
}

static urs_status read_scores(urs_result_scores *out, const json_t *list, const reading *r, const char *what, urs_error *err)
{
    urs_status status = URS_OK;
    if (!list || json_is_null(list))
        return URS_OK;
    if (!json_is_array(list))
        return urs_fail(err, URS_EFORMAT, "%s: '%s' must be a list", r->name, what);
    for (size_t i = 0; status == URS_OK && i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        double p;
        if (json_array_size(pair) != 2 || !name || !number_in(json_array_get(pair, 1), 0.0, 1.0, &p))
            status = urs_fail(err, URS_EFORMAT, "%s: an entry of '%s' must be [name, probability]", r->name, what);
        else
            status = urs_result_scores_add(out, name, p, err);
    }
    return status;
}

static urs_status read_classes(urs_result_classes *out, const json_t *list, const reading *r, urs_error *err)
{
    urs_status status = URS_OK;
    if (!list || json_is_null(list))
        return URS_OK;
    if (!json_is_array(list))
        return urs_fail(err, URS_EFORMAT, "%s: 'classifications' must be a list", r->name);
    for (size_t i = 0; status == URS_OK && i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const int32_t category = find_key(r, &r->classifications, json_array_get(pair, 0));
        double p;
        if (json_array_size(pair) != 2 || category < 0 || !number_in(json_array_get(pair, 1), 0.0, 1.0, &p))
            status = urs_fail(err, URS_EFORMAT, "%s: an entry of 'classifications' must be [category, confidence] with a category of the table", r->name);
        else
            status = urs_result_classes_add(out, category, p, err);
    }
    return status;
}

static urs_status read_mask(urs_result_detection *d, const json_t *mask, const reading *r, urs_error *err)
{
    const json_t *size = json_object_get(mask, "size");
    const char *counts = json_string_value(json_object_get(mask, "counts"));
    double h, w;
    int64_t area;
    urs_status status;
    if (!mask || json_is_null(mask))
        return URS_OK;
    if (!counts || json_array_size(size) != 2 || !json_is_integer(json_array_get(size, 0)) || !json_is_integer(json_array_get(size, 1)) ||
        !number_in(json_array_get(size, 0), 1, URS_IMAGE_SIDE_MAX, &h) || !number_in(json_array_get(size, 1), 1, URS_IMAGE_SIDE_MAX, &w))
        return urs_fail(err, URS_EFORMAT, "%s: 'mask' must be {\"size\": [height, width], \"counts\": string}", r->name);
    d->mask_width = (int32_t)w;
    d->mask_height = (int32_t)h;
    status = urs_rle_area(&area, counts, d->mask_width, d->mask_height, err);
    if (status != URS_OK) {
        urs_error_prefix(err, "%s", r->name);
        return status;
    }
    return urs_result_set_text(&d->mask, counts, err);
}

static urs_status read_point(const json_t *points, const char *key, bool *has, double at[2], const reading *r, urs_error *err)
{
    const json_t *value = json_object_get(points, key);
    if (!value || json_is_null(value))
        return URS_OK;
    if (!pair_of_numbers(value, at))
        return urs_fail(err, URS_EFORMAT, "%s: point '%s' must be [x, y]", r->name, key);
    *has = true;
    return URS_OK;
}

static urs_status read_detection(urs_result_detection *d, const json_t *object, const reading *r, urs_error *err)
{
    double views;
    const json_t *bbox = json_object_get(object, "bbox"), *points = json_object_get(object, "points"), *verdict = json_object_get(object, "verdict");
    urs_status status;
    d->category = find_key(r, &r->detections, json_object_get(object, "category"));
    if (d->category < 0)
        return urs_fail(err, URS_EFORMAT, "%s: a detection's category is not in the table", r->name);
    if (!number_in(json_object_get(object, "conf"), 0.0, 1.0, &d->conf))
        return urs_fail(err, URS_EFORMAT, "%s: a detection's conf must be a number from 0 to 1", r->name);
    if (json_array_size(bbox) != 4 || !number_in(json_array_get(bbox, 0), -1e6, 1e6, &d->x) || !number_in(json_array_get(bbox, 1), -1e6, 1e6, &d->y) ||
        !number_in(json_array_get(bbox, 2), 0.0, 1e6, &d->width) || !number_in(json_array_get(bbox, 3), 0.0, 1e6, &d->height))
        return urs_fail(err, URS_EFORMAT, "%s: a detection's bbox must be [x, y, width, height]", r->name);
    status = read_classes(&d->classes, json_object_get(object, "classifications"), r, err);
    if (status == URS_OK)
        status = read_mask(d, json_object_get(object, "mask"), r, err);
    if (status == URS_OK)
        status = read_point(points, "left_eye", &d->points.has_left_eye, d->points.left_eye, r, err);
    if (status == URS_OK)
        status = read_point(points, "right_eye", &d->points.has_right_eye, d->points.right_eye, r, err);
    if (status == URS_OK)
        status = read_point(points, "nose", &d->points.has_nose, d->points.nose, r, err);
    if (status == URS_OK)
        status = read_scores(&d->individuals, json_object_get(object, "individuals"), r, "individuals", err);
    if (status == URS_OK && json_is_string(verdict))
        status = urs_result_set_text(&d->verdict, json_string_value(verdict), err);
    if (number_in(json_object_get(object, "views"), 1, 1e9, &views))
        d->views = (int64_t)views;
    return status;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The name: the exact bytes where they are given. */
static urs_status read_file_name(urs_result_image *image, const json_t *object, const reading *r, urs_error *err)
{
    const char *file = json_string_value(json_object_get(object, "file")), *hex = json_string_value(json_object_get(object, "file_bytes"));
    size_t n;
    if (!file || !*file)
        return urs_fail(err, URS_EFORMAT, "%s: an image has no 'file'", r->name);
    if (!hex)
        return urs_result_set_text(&image->file, file, err);
    n = strlen(hex);
    image->file = urs_array_new(n / 2 + 1, 1);
    if (!image->file)
        return urs_fail(err, URS_ENOMEM, "no memory for a name");
    for (size_t i = 0; i < n / 2; i++) {
        const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0)
            return urs_fail(err, URS_EFORMAT, "%s: 'file_bytes' must be pairs of hexadecimal digits", r->name);
        image->file[i] = (char)(high * 16 + low);
    }
    return n % 2 || n == 0 ? urs_fail(err, URS_EFORMAT, "%s: 'file_bytes' must be pairs of hexadecimal digits", r->name) : URS_OK;
}

static urs_status read_frame_classes(urs_result_image *image, const json_t *object, const reading *r, urs_error *err)
{
    json_t *table = json_object_get(object, "frame_probabilities");
    const json_t *decided = json_object_get(object, "frame_class");
    urs_status status = URS_OK;
    const char *key;
    json_t *value;
    if (json_is_string(decided))
        status = urs_result_set_text(&image->frame_class, json_string_value(decided), err);
    json_object_foreach(table, key, value)
    {
        double p = 0.0;
        if (status == URS_OK && !number_in(value, 0.0, 1.0, &p))
            status = urs_fail(err, URS_EFORMAT, "%s: a frame probability must be a number from 0 to 1", r->name);
        if (status == URS_OK)
            status = urs_result_scores_add(&image->frame_classes, key, p, err);
    }
    return status;
}

static urs_status read_image(urs_result_image *image, const json_t *object, const reading *r, urs_error *err)
{
    const json_t *detections = json_object_get(object, "detections"), *failure = json_object_get(object, "failure"), *warning = json_object_get(object, "warning");
    const char *datetime = json_string_value(json_object_get(object, "datetime")), *camera = json_string_value(json_object_get(object, "camera"));
    double side, event;
    urs_status status;
    if (!json_is_object(object))
        return urs_fail(err, URS_EFORMAT, "%s: an entry of 'images' is no object", r->name);
    status = read_file_name(image, object, r, err);
    if (status != URS_OK)
        return status;
    if (number_in(json_object_get(object, "width"), 1, 1e6, &side))
        image->width = (int32_t)side;
    if (number_in(json_object_get(object, "height"), 1, 1e6, &side))
        image->height = (int32_t)side;
    if (camera && strlen(camera) < sizeof image->camera)
        memcpy(image->camera, camera, strlen(camera) + 1);
    if (number_in(json_object_get(object, "event"), 1, 1e9, &event))
        image->event = (int64_t)event;
    if (datetime && strlen(datetime) < sizeof image->datetime)
        memcpy(image->datetime, datetime, strlen(datetime) + 1);
    if (json_is_string(warning))
        status = urs_result_set_text(&image->warning, json_string_value(warning), err);
    if (status == URS_OK && failure && !json_is_null(failure)) {
        if (!json_is_string(failure))
            return urs_fail(err, URS_EFORMAT, "%s: 'failure' of '%.100s' must be a text", r->name, image->file);
        return urs_result_set_text(&image->failure, json_string_value(failure), err);
    }
    if (status == URS_OK)
        status = read_frame_classes(image, object, r, err);
    if (status == URS_OK && !json_is_array(detections))
        status = urs_fail(err, URS_EFORMAT, "%s: 'detections' of '%.100s' must be a list", r->name, image->file);
    for (size_t i = 0; status == URS_OK && i < json_array_size(detections); i++) {
        urs_result_detection *d = urs_result_image_add(image);
        status = d ? read_detection(d, json_array_get(detections, i), r, err) : urs_fail(err, URS_ENOMEM, "no memory for a detection");
    }
    return status;
}

static urs_status read_info(urs_result_info *info, const json_t *object, const reading *r, urs_error *err)
{
    const json_t *meta = json_object_get(object, "detector_metadata");
    const char *detector = json_string_value(json_object_get(object, "detector")), *classifier = json_string_value(json_object_get(object, "classifier"));
    const char *completed = json_string_value(json_object_get(object, "detection_completion_time"));
    urs_status status;
    if (!json_is_object(object))
        return urs_fail(err, URS_EFORMAT, "%s: 'info' must be an object", r->name);
    (void)number_in(json_object_get(meta, "typical_detection_threshold"), 0.0, 1.0, &info->typical_threshold);
    (void)number_in(json_object_get(meta, "conservative_detection_threshold"), 0.0, 1.0, &info->conservative_threshold);
    status = urs_result_set_text(&info->detector, detector, err);
    if (status == URS_OK)
        status = urs_result_set_text(&info->classifier, classifier, err);
    if (status == URS_OK)
        status = urs_result_set_text(&info->completed, completed, err);
    return status;
}

static urs_status load(json_t **out, const void *data, size_t size, const char *name, urs_error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        return urs_fail(err, URS_EFORMAT, "%s, line %d: %s", name, problem.line, problem.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return urs_fail(err, URS_EFORMAT, "%s: an object is expected", name);
    }
    *out = root;
    return URS_OK;
}

urs_status urs_results_parse(urs_result_set *out, const void *data, size_t size, const char *name, urs_error *err)
{
    urs_result_set set = {.count = 0};
    reading r = {.name = name};
    json_t *root = NULL, *images, *classes;
    urs_status status = load(&root, data, size, name, err);
    if (status != URS_OK)
        return status;
    images = json_object_get(root, "images");
    classes = json_object_get(root, "classification_categories");
    status = read_info(&set.info, json_object_get(root, "info"), &r, err);
    if (status == URS_OK)
        status = read_categories(json_object_get(root, "detection_categories"), "detection_categories", &r.detections, &set.info.detection_categories, name, err);
    if (status == URS_OK && classes)
        status = read_categories(classes, "classification_categories", &r.classifications, &set.info.classification_categories, name, err);
    if (status == URS_OK && !json_is_array(images))
        status = urs_fail(err, URS_EFORMAT, "%s: 'images' must be a list", name);
    for (size_t i = 0; status == URS_OK && i < json_array_size(images); i++) {
        urs_result_image *image = urs_result_set_add(&set);
        status = image ? read_image(image, json_array_get(images, i), &r, err) : urs_fail(err, URS_ENOMEM, "no memory for the images of %s", name);
    }
    urs_free(r.detections.items);
    urs_free(r.classifications.items);
    json_decref(root);
    if (status == URS_OK)
        *out = set;
    else
        urs_result_set_release(&set);
    return status;
}

urs_status urs_results_parse_image(urs_result_image *out, const void *data, size_t size, const char *name, urs_error *err)
{
    urs_result_image image = {0};
    const reading r = {.name = name, .numbered = true};
    json_t *root = NULL;
    urs_status status = load(&root, data, size, name, err);
    if (status != URS_OK)
        return status;
    status = read_image(&image, root, &r, err);
    json_decref(root);
    if (status == URS_OK)
        *out = image;
    else
        urs_result_image_release(&image);
    return status;
}

urs_status urs_results_read(urs_result_set *out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, 0, err);
    if (status == URS_OK)
        status = urs_results_parse(out, bytes.data, bytes.size, path, err);
    urs_bytes_release(&bytes);
    return status;
}
