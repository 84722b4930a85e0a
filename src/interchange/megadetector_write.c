/* Writing MegaDetector batch JSON; see megadetector.h. */
#include "interchange/megadetector.h"

#include "base/file.h"
#include "interchange/json_text.h"

#include <string.h>
#include <time.h>

#define CONF_DECIMALS 4
#define PLACE_DECIMALS 5 /* a tenth of a pixel at 10,000 pixels */

static void add_now(urs_text *out)
{
    const time_t now = time(NULL);
    struct tm t;
    char text[32] = "1970-01-01 00:00:00";
    if (gmtime_r(&now, &t))
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
    urs_json_add_string(out, text);
}

static void add_categories(urs_text *out, const char *key, const urs_names *names)
{
    urs_text_format(out, ",\n \"%s\": {", key);
    for (size_t i = 0; i < names->count; i++) {
        urs_text_format(out, "%s\"%zu\": ", i ? ", " : "", i + 1);
        urs_json_add_string(out, names->items[i]);
    }
    urs_text_add(out, "}");
}

static void add_completed(urs_text *out, const char *key, const urs_result_info *info)
{
    urs_text_format(out, ", \"%s\": ", key);
    if (info->completed)
        urs_json_add_string(out, info->completed);
    else
        add_now(out);
}

void urs_results_format_head(urs_text *out, const urs_result_info *info)
{
    urs_text_add(out, "{\n \"info\": {\"format_version\": \"1.6\"");
    if (info->detector) {
        urs_text_add(out, ", \"detector\": ");
        urs_json_add_string(out, info->detector);
    }
    add_completed(out, "detection_completion_time", info);
    if (info->typical_threshold > 0.0 || info->conservative_threshold > 0.0) {
        urs_text_add(out, ", \"detector_metadata\": {\"typical_detection_threshold\": ");
        urs_json_add_float(out, info->typical_threshold, CONF_DECIMALS);
        urs_text_add(out, ", \"conservative_detection_threshold\": ");
        urs_json_add_float(out, info->conservative_threshold, CONF_DECIMALS);
        urs_text_add(out, "}");
    }
    if (info->classifier) {
        urs_text_add(out, ", \"classifier\": ");
        urs_json_add_string(out, info->classifier);
        add_completed(out, "classification_completion_time", info);
    }
    urs_text_add(out, "}");
    add_categories(out, "detection_categories", &info->detection_categories);
    if (info->classification_categories.count)
        add_categories(out, "classification_categories", &info->classification_categories);
    urs_text_add(out, ",\n \"images\": [");
}

void urs_results_format_tail(urs_text *out)
{
    urs_text_add(out, "\n ]\n}\n");
}

static void add_pair(urs_text *out, double x, double y)
{
    urs_text_add(out, "[");
    urs_json_add_float(out, x, PLACE_DECIMALS);
    urs_text_add(out, ", ");
    urs_json_add_float(out, y, PLACE_DECIMALS);
    urs_text_add(out, "]");
}

static void add_point(urs_text *out, const char *key, bool has, const double at[2], bool *first)
{
    if (!has)
        return;
    urs_text_format(out, "%s\"%s\": ", *first ? "" : ", ", key);
    add_pair(out, at[0], at[1]);
    *first = false;
}

static void add_points(urs_text *out, const urs_result_points *p)
{
    bool first = true;
    if (!p->has_left_eye && !p->has_right_eye && !p->has_nose)
        return;
    urs_text_add(out, ", \"points\": {");
    add_point(out, "left_eye", p->has_left_eye, p->left_eye, &first);
    add_point(out, "right_eye", p->has_right_eye, p->right_eye, &first);
    add_point(out, "nose", p->has_nose, p->nose, &first);
    urs_text_add(out, "}");
}

static void add_detection(urs_text *out, const urs_result_detection *d)
{
    urs_text_format(out, "{\"category\": \"%d\", \"conf\": ", (int)d->category + 1);
    urs_json_add_float(out, d->conf, CONF_DECIMALS);
    urs_text_add(out, ", \"bbox\": [");
    urs_json_add_float(out, d->x, PLACE_DECIMALS);
    urs_text_add(out, ", ");
    urs_json_add_float(out, d->y, PLACE_DECIMALS);
    urs_text_add(out, ", ");
    urs_json_add_float(out, d->width, PLACE_DECIMALS);
    urs_text_add(out, ", ");
    urs_json_add_float(out, d->height, PLACE_DECIMALS);
    urs_text_add(out, "]");
    if (d->classes.count) {
        urs_text_add(out, ", \"classifications\": [");
        for (size_t i = 0; i < d->classes.count; i++) {
            urs_text_format(out, "%s[\"%d\", ", i ? ", " : "", (int)d->classes.items[i].category + 1);
            urs_json_add_float(out, d->classes.items[i].probability, CONF_DECIMALS);
            urs_text_add(out, "]");
        }
        urs_text_add(out, "]");
    }
    if (d->mask) {
        urs_text_format(out, ", \"mask\": {\"size\": [%d, %d], \"counts\": ", (int)d->mask_height, (int)d->mask_width);
        urs_json_add_string(out, d->mask);
        urs_text_add(out, "}");
    }
    add_points(out, &d->points);
    if (d->individuals.count) {
        urs_text_add(out, ", \"individuals\": [");
        for (size_t i = 0; i < d->individuals.count; i++) {
            urs_text_add(out, i ? ", [" : "[");
            urs_json_add_string(out, d->individuals.items[i].name);
            urs_text_add(out, ", ");
            urs_json_add_float(out, d->individuals.items[i].probability, CONF_DECIMALS);
            urs_text_add(out, "]");
        }
        urs_text_add(out, "]");
    }
    if (d->verdict) {
        urs_text_add(out, ", \"verdict\": ");
        urs_json_add_string(out, d->verdict);
    }
    if (d->views > 1)
        urs_text_format(out, ", \"views\": %lld", (long long)d->views);
    urs_text_add(out, "}");
}

static void add_frame_classes(urs_text *out, const urs_result_image *image)
{
    if (image->frame_class) {
        urs_text_add(out, ", \"frame_class\": ");
        urs_json_add_string(out, image->frame_class);
    }
    if (image->frame_classes.count == 0)
        return;
    urs_text_add(out, ", \"frame_probabilities\": {");
    for (size_t i = 0; i < image->frame_classes.count; i++) {
        urs_text_add(out, i ? ", " : "");
        urs_json_add_string(out, image->frame_classes.items[i].name);
        urs_text_add(out, ": ");
        urs_json_add_float(out, image->frame_classes.items[i].probability, CONF_DECIMALS);
    }
    urs_text_add(out, "}");
}

void urs_results_format_image(urs_text *out, const urs_result_image *image)
{
    const char *file = image->file ? image->file : "";
    urs_text_add(out, "{\"file\": ");
    urs_json_add_string(out, file);
    if (!urs_json_is_utf8(file)) {
        urs_text_add(out, ", \"file_bytes\": \"");
        for (const char *p = file; *p; p++)
            urs_text_format(out, "%02x", (unsigned)(unsigned char)*p);
        urs_text_add(out, "\"");
    }
    if (image->width > 0 && image->height > 0)
        urs_text_format(out, ", \"width\": %d, \"height\": %d", (int)image->width, (int)image->height);
    if (image->datetime[0]) {
        urs_text_add(out, ", \"datetime\": ");
        urs_json_add_string(out, image->datetime);
    }
    if (image->camera[0]) {
        urs_text_add(out, ", \"camera\": ");
        urs_json_add_string(out, image->camera);
    }
    if (image->event > 0)
        urs_text_format(out, ", \"event\": %lld", (long long)image->event);
    if (image->warning) {
        urs_text_add(out, ", \"warning\": ");
        urs_json_add_string(out, image->warning);
    }
    if (image->failure) {
        urs_text_add(out, ", \"failure\": ");
        urs_json_add_string(out, image->failure);
        urs_text_add(out, ", \"detections\": null}");
        return;
    }
    add_frame_classes(out, image);
    urs_text_add(out, ", \"detections\": [");
    for (size_t i = 0; i < image->count; i++) {
        urs_text_add(out, i ? ", " : "");
        add_detection(out, &image->detections[i]);
    }
    urs_text_add(out, "]}");
}

urs_status urs_results_write(const char *path, const urs_result_set *set, urs_error *err)
{
    urs_text text = {0};
    urs_status status;
    urs_results_format_head(&text, &set->info);
    for (size_t i = 0; i < set->count; i++) {
        urs_text_add(&text, i ? ",\n  " : "\n  ");
        urs_results_format_image(&text, &set->images[i]);
    }
    urs_results_format_tail(&text);
    status = urs_text_ok(&text) ? urs_file_write(path, text.data, text.length, err) : urs_fail(err, URS_ENOMEM, "no memory to write '%s'", path);
    urs_text_release(&text);
    return status;
}
