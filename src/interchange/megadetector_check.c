/* The rules of MegaDetector batch format 1.6; see megadetector_check.h. One function a level of the file, in the order of the format's own description. */
#include "interchange/megadetector_check.h"

#include "base/file.h"
#include "interchange/coco_rle.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define WARNINGS_MAX 100

typedef struct check {
    const char *name;
    urs_names *warnings; /* may be NULL */
    const json_t *detection_categories, *classification_categories;
    urs_error *err;
} check;

/* Every rule ends here. */
#define BROKEN(c, ...) urs_fail((c)->err, URS_EFORMAT, __VA_ARGS__)

static void warn(const check *c, const char *sentence, const char *about)
{
    urs_text text = {0};
    if (!c->warnings || c->warnings->count >= WARNINGS_MAX)
        return;
    urs_text_format(&text, "%s '%.200s'", sentence, about);
    (void)!urs_names_add(c->warnings, urs_text_string(&text), NULL); /* without memory there is one warning less */
    urs_text_release(&text);
}

static bool is_blank(const char *s)
{
    while (*s && isspace((unsigned char)*s))
        s++;
    return *s == '\0';
}

static bool is_key(const char *s)
{
    if (!*s)
        return false;
    while (*s >= '0' && *s <= '9')
        s++;
    return *s == '\0';
}

static urs_status check_categories(const check *c, json_t *table, const char *what)
{
    const char *key;
    json_t *value;
    if (!json_is_object(table))
        return BROKEN(c, "%s: '%s' must be an object", c->name, what);
    json_object_foreach(table, key, value)
    {
        if (!is_key(key))
            return BROKEN(c, "%s: the key '%.40s' of '%s' is no whole number", c->name, key, what);
        if (!json_is_string(value) || is_blank(json_string_value(value)))
            return BROKEN(c, "%s: category '%.40s' of '%s' has no name", c->name, key, what);
        if (strcmp(what, "detection_categories") == 0 && strcmp(key, "0") == 0)
            warn(c, "detection category \"0\" means empty to some programs:", json_string_value(value));
    }
    return URS_OK;
}

static urs_status check_descriptions(const check *c, json_t *descriptions)
{
    const char *key;
    json_t *value;
    if (!descriptions)
        return URS_OK;
    if (!json_is_object(descriptions) || json_object_size(descriptions) != json_object_size(c->classification_categories))
        return BROKEN(c, "%s: 'classification_category_descriptions' must have the keys of 'classification_categories'", c->name);
    json_object_foreach(descriptions, key, value)
    {
        if (!json_object_get(c->classification_categories, key) || !json_is_string(value))
            return BROKEN(c, "%s: 'classification_category_descriptions' must have the keys of 'classification_categories'; '%.40s' has none", c->name, key);
    }
    return URS_OK;
}

static bool is_time(const char *s)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    if (strlen(s) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
            return false;
    return true;
}

static urs_status check_info(const check *c, const json_t *info)
{
    static const char *const texts[] = {"detector", "classifier", "detection_completion_time", "classification_completion_time", "summary_report"};
    const char *version = json_string_value(json_object_get(info, "format_version"));
    double v;
    if (!json_is_object(info))
        return BROKEN(c, "%s: 'info' must be an object", c->name);
    if (!version || !urs_parse_double(version, &v))
        return BROKEN(c, "%s: 'format_version' must be a text that holds a number, such as \"1.6\"", c->name);
    if (v < 1.3)
        return BROKEN(c, "%s: format version %s is older than 1.3", c->name, version);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *value = json_object_get(info, texts[i]);
        if (value && !json_is_string(value))
            return BROKEN(c, "%s: '%s' must be a text", c->name, texts[i]);
        if (value && strstr(texts[i], "time") && !is_time(json_string_value(value)))
            warn(c, "a completion time is not like 2024-01-31 12:00:00:", json_string_value(value));
    }
    if (!json_object_get(info, "detector"))
        warn(c, "programs take results without a detector for MegaDetector v4:", c->name);
    return URS_OK;
}

static bool is_video(const char *file)
{
    static const char *const kinds[] = {"mp4", "avi", "mpeg", "mpg", "mov", "mkv", "flv"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (urs_path_has_extension(file, kinds[i]))
            return true;
    return false;
}

/* A JSON float, not an integer, within the range. */
static bool is_fraction(const json_t *value)
{
    return json_is_real(value) && json_real_value(value) >= 0.0 && json_real_value(value) <= 1.0;
}

static urs_status check_classifications(const check *c, const json_t *list, const char *file)
{
    double before = 1.0;
    if (!list)
        return URS_OK;
    if (!json_is_array(list))
        return BROKEN(c, "%s, '%.100s': 'classifications' must be a list (or left out, but never null)", c->name, file);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i), *conf = json_array_get(pair, 1);
        const char *key = json_string_value(json_array_get(pair, 0));
        if (json_array_size(pair) != 2 || !key || !json_object_get(c->classification_categories, key))
            return BROKEN(c, "%s, '%.100s': a classification must be [key, confidence] with a key of 'classification_categories'", c->name, file);
        if (!is_fraction(conf))
            return BROKEN(c, "%s, '%.100s': the confidence of a classification must be a decimal number from 0.0 to 1.0", c->name, file);
        if (json_real_value(conf) > before)
            return BROKEN(c, "%s, '%.100s': classifications must be in falling order", c->name, file);
        before = json_real_value(conf);
    }
    return URS_OK;
}

/* Our own fields: other programs pass over them, ours must be able to trust them. */
static urs_status check_own_fields(const check *c, const json_t *detection, const char *file)
{
    const json_t *mask = json_object_get(detection, "mask"), *individuals = json_object_get(detection, "individuals"), *verdict = json_object_get(detection, "verdict");
    double before = 1.0;
    if (mask) {
        const json_t *size = json_object_get(mask, "size");
        const char *counts = json_string_value(json_object_get(mask, "counts"));
        const json_int_t h = json_integer_value(json_array_get(size, 0)), w = json_integer_value(json_array_get(size, 1));
        int64_t area;
        if (!counts || json_array_size(size) != 2 || h < 1 || w < 1 || h > URS_IMAGE_SIDE_MAX || w > URS_IMAGE_SIDE_MAX ||
            urs_rle_area(&area, counts, (int32_t)w, (int32_t)h, NULL) != URS_OK)
            return BROKEN(c, "%s, '%.100s': 'mask' must be a COCO run-length mask", c->name, file);
    }
    if (individuals && !json_is_array(individuals))
        return BROKEN(c, "%s, '%.100s': 'individuals' must be a list", c->name, file);
    for (size_t i = 0; i < json_array_size(individuals); i++) {
        const json_t *pair = json_array_get(individuals, i);
        if (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)) || !is_fraction(json_array_get(pair, 1)) || json_real_value(json_array_get(pair, 1)) > before)
            return BROKEN(c, "%s, '%.100s': 'individuals' must be [name, probability] in falling order", c->name, file);
        before = json_real_value(json_array_get(pair, 1));
    }
    if (verdict && (!json_is_string(verdict) || (strcmp(json_string_value(verdict), "known") != 0 && strcmp(json_string_value(verdict), "new") != 0 &&
                                                 strcmp(json_string_value(verdict), "unsure") != 0)))
        return BROKEN(c, "%s, '%.100s': 'verdict' is known, new or unsure", c->name, file);
    return URS_OK;
}

static urs_status check_detection(const check *c, const json_t *detection, const char *file, bool video)
{
    const char *category = json_string_value(json_object_get(detection, "category"));
    const json_t *bbox = json_object_get(detection, "bbox"), *number = json_object_get(detection, "frame_number");
    urs_status status;
    if (!json_is_object(detection))
        return BROKEN(c, "%s, '%.100s': a detection must be an object", c->name, file);
    if (!category || !json_object_get(c->detection_categories, category))
        return BROKEN(c, "%s, '%.100s': a detection's category must be a key of 'detection_categories'", c->name, file);
    if (!is_fraction(json_object_get(detection, "conf")))
        return BROKEN(c, "%s, '%.100s': a detection's conf must be a decimal number from 0.0 to 1.0 (1.0, not 1)", c->name, file);
    if (!json_is_array(bbox) || json_array_size(bbox) != 4)
        return BROKEN(c, "%s, '%.100s': a detection's bbox must be [x, y, width, height]", c->name, file);
    for (size_t i = 0; i < 4; i++) {
        const json_t *side = json_array_get(bbox, i);
        if (!json_is_real(side) || !isfinite(json_real_value(side)))
            return BROKEN(c, "%s, '%.100s': a detection's bbox must hold decimal numbers", c->name, file);
        if (json_real_value(side) < -0.001 || json_real_value(side) > 1.001)
            warn(c, "a box reaches out of the picture:", file);
    }
    if (video && (!json_is_integer(number) || json_integer_value(number) < 0))
        return BROKEN(c, "%s, '%.100s': a detection in a video needs a 'frame_number' from 0 on", c->name, file);
    status = check_classifications(c, json_object_get(detection, "classifications"), file);
    return status == URS_OK ? check_own_fields(c, detection, file) : status;
}

static urs_status check_video(const check *c, const json_t *image, const char *file, bool failed)
{
    const json_t *rate = json_object_get(image, "frame_rate"), *frames = json_object_get(image, "frames_processed");
    if (!json_is_number(rate) || (json_number_value(rate) <= 0.0 && !failed))
        return BROKEN(c, "%s, '%.100s': a video needs a 'frame_rate' above 0 (any number if it failed)", c->name, file);
    if (!json_is_array(frames))
        return BROKEN(c, "%s, '%.100s': a video needs the list 'frames_processed', even if it failed", c->name, file);
    for (size_t i = 0; i < json_array_size(frames); i++)
        if (!json_is_integer(json_array_get(frames, i)))
            return BROKEN(c, "%s, '%.100s': 'frames_processed' must hold whole numbers", c->name, file);
    return URS_OK;
}

static urs_status check_image(const check *c, const json_t *image)
{
    const char *file = json_string_value(json_object_get(image, "file"));
    const json_t *failure = json_object_get(image, "failure"), *detections = json_object_get(image, "detections");
    const bool failed = failure && !json_is_null(failure);
    urs_status status = URS_OK;
    if (!json_is_object(image) || !file || !*file)
        return BROKEN(c, "%s: an image has no 'file'", c->name);
    if (failed && !json_is_string(failure))
        return BROKEN(c, "%s, '%.100s': 'failure' must be a text", c->name, file);
    if (failed && detections && !json_is_null(detections))
        return BROKEN(c, "%s, '%.100s': an image that failed must have null for 'detections'", c->name, file);
    if (failed && !detections)
        warn(c, "an image that failed should have \"detections\": null:", file);
    if (!failed && !json_is_array(detections))
        return BROKEN(c, "%s, '%.100s': 'detections' must be a list", c->name, file);
    if (is_video(file))
        status = check_video(c, image, file, failed);
    for (size_t i = 0; status == URS_OK && i < json_array_size(detections); i++)
        status = check_detection(c, json_array_get(detections, i), file, is_video(file));
    return status;
}

static urs_status check_root(check *c, json_t *root)
{
    static const char *const known[] = {"info", "detection_categories", "classification_categories", "classification_category_descriptions", "images"};
    json_t *classes = json_object_get(root, "classification_categories"), *images = json_object_get(root, "images"), *value;
    const char *key;
    urs_status status;
    if (!json_is_object(root))
        return BROKEN(c, "%s: an object is expected", c->name);
    c->detection_categories = json_object_get(root, "detection_categories");
    c->classification_categories = classes;
    status = check_info(c, json_object_get(root, "info"));
    if (status == URS_OK)
        status = check_categories(c, json_object_get(root, "detection_categories"), "detection_categories");
    if (status == URS_OK && classes)
        status = check_categories(c, classes, "classification_categories");
    if (status == URS_OK)
        status = check_descriptions(c, json_object_get(root, "classification_category_descriptions"));
    if (status == URS_OK && !json_is_array(images))
        status = BROKEN(c, "%s: 'images' must be a list", c->name);
    for (size_t i = 0; status == URS_OK && i < json_array_size(images); i++)
        status = check_image(c, json_array_get(images, i));
    json_object_foreach(root, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found |= strcmp(key, known[i]) == 0;
        if (!found)
            warn(c, "a top-level key that the format does not have:", key);
    }
    return status;
}

urs_status urs_results_check(const void *data, size_t size, const char *name, urs_names *warnings, urs_error *err)
{
    check c = {.name = name, .warnings = warnings, .err = err};
    json_error_t problem;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);
    urs_status status;
    if (!root)
        return urs_fail(err, URS_EFORMAT, "%s, line %d: %s", name, problem.line, problem.text);
    status = check_root(&c, root);
    json_decref(root);
    return status;
}

urs_status urs_results_check_file(const char *path, urs_names *warnings, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, 0, err);
    if (status == URS_OK)
        status = urs_results_check(bytes.data, bytes.size, path, warnings, err);
    urs_bytes_release(&bytes);
    return status;
}
