/* Results as a table; see result_csv.h. */
#include "interchange/result_csv.h"

#include "base/file.h"
#include "interchange/json_text.h"

#include <string.h>

void urs_results_csv_header(urs_text *out, int top)
{
    urs_text_add(out, "file,datetime,width,height,failure,frame_class,frame_probability,detection,category,conf,x,y,w,h,verdict,event,views");
    for (int i = 1; i <= top; i++)
        urs_text_format(out, ",individual_%d,probability_%d", i, i);
    urs_text_add(out, "\r\n");
}

/* Probability of the class that was decided for; empty when there is none. */
static void add_frame_probability(urs_text *out, const urs_result_image *image)
{
    for (size_t i = 0; image->frame_class && i < image->frame_classes.count; i++) {
        if (strcmp(image->frame_classes.items[i].name, image->frame_class) == 0) {
            urs_json_add_float(out, image->frame_classes.items[i].probability, 4);
            return;
        }
    }
}

static void add_image_part(urs_text *out, const urs_result_image *image)
{
    urs_text_csv(out, image->file ? image->file : "");
    urs_text_format(out, ",%s,", image->datetime);
    if (image->width > 0 && image->height > 0)
        urs_text_format(out, "%d,%d", (int)image->width, (int)image->height);
    else
        urs_text_add(out, ",");
    urs_text_add(out, ",");
    urs_text_csv(out, image->failure ? image->failure : "");
    urs_text_add(out, ",");
    urs_text_csv(out, image->frame_class ? image->frame_class : "");
    urs_text_add(out, ",");
    add_frame_probability(out, image);
}

/* Empty where not known. */
static void add_event(urs_text *out, int64_t event, int64_t views)
{
    urs_text_add(out, ",");
    if (event > 0)
        urs_text_format(out, "%lld", (long long)event);
    urs_text_add(out, ",");
    if (views > 0)
        urs_text_format(out, "%lld", (long long)views);
}

static void add_detection_part(urs_text *out, const urs_result_detection *d, size_t number, int64_t event, const urs_result_info *info, int top)
{
    const double box[4] = {d->x, d->y, d->width, d->height};
    urs_text_format(out, ",%zu,", number);
    urs_text_csv(out, info && d->category >= 0 && (size_t)d->category < info->detection_categories.count ? info->detection_categories.items[d->category] : "");
    urs_text_add(out, ",");
    urs_json_add_float(out, d->conf, 4);
    for (int i = 0; i < 4; i++) {
        urs_text_add(out, ",");
        urs_json_add_float(out, box[i], 5);
    }
    urs_text_add(out, ",");
    urs_text_csv(out, d->verdict ? d->verdict : "");
    add_event(out, event, d->verdict ? (d->views > 1 ? d->views : 1) : 0);
    for (int i = 0; i < top; i++) {
        urs_text_add(out, ",");
        if ((size_t)i < d->individuals.count) {
            urs_text_csv(out, d->individuals.items[i].name);
            urs_text_add(out, ",");
            urs_json_add_float(out, d->individuals.items[i].probability, 4);
        } else {
            urs_text_add(out, ",");
        }
    }
}

void urs_results_csv_rows(urs_text *out, const urs_result_image *image, const urs_result_info *info, int top)
{
    for (size_t i = 0; i < image->count; i++) {
        add_image_part(out, image);
        add_detection_part(out, &image->detections[i], i + 1, image->event, info, top);
        urs_text_add(out, "\r\n");
    }
    if (image->count == 0) {
        add_image_part(out, image);
        for (int i = 0; i < 10 + 2 * top; i++)
            urs_text_add(out, ",");
        urs_text_add(out, "\r\n");
    }
}

urs_status urs_results_csv_write(const char *path, const urs_result_set *set, int top, urs_error *err)
{
    urs_text text = {0};
    urs_status status;
    urs_results_csv_header(&text, top);
    for (size_t i = 0; i < set->count; i++)
        urs_results_csv_rows(&text, &set->images[i], &set->info, top);
    status = urs_text_ok(&text) ? urs_file_write(path, text.data, text.length, err) : urs_fail(err, URS_ENOMEM, "no memory to write '%s'", path);
    urs_text_release(&text);
    return status;
}
