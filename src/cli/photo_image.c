/* From what the chain says about a file to an image of a result file. See photo_run.h. */
#include "cli/photo_run.h"

#include "base/memory.h"
#include "interchange/coco_rle.h"
#include "interchange/megadetector.h"

#include <jansson.h>
#include <string.h>

static urs_status add_head(urs_result_image *image, const urs_chain_head *head, const urs_chain_result *r, urs_error *err)
{
    const double w = r->picture_width, h = r->picture_height;
    const urs_box b = head->found.box;
    urs_result_detection *d = urs_result_image_add(image);
    if (!d)
        return urs_fail(err, URS_ENOMEM, "no memory for the results of '%s'", r->file);
    d->category = head->found.label;
    d->conf = (double)head->found.score;
    d->x = (double)b.x1 / w;
    d->y = (double)b.y1 / h;
    d->width = (double)(b.x2 - b.x1) / w;
    d->height = (double)(b.y2 - b.y1) / h;
    if (!head->found.mask.data)
        return URS_OK;
    d->mask_width = r->picture_width;
    d->mask_height = r->picture_height;
    return urs_rle_encode_part(&d->mask, &head->found.mask, head->found.mask_x, head->found.mask_y, r->picture_width, r->picture_height, err);
}

static urs_status add_frame_class(urs_result_image *image, const urs_sift_result *sift, urs_error *err)
{
    urs_status status = urs_result_set_text(&image->frame_class, urs_frame_class_name(sift->verdict), err);
    for (int32_t c = 0; status == URS_OK && c < URS_FRAME_CLASSES; c++)
        status = urs_result_scores_add(&image->frame_classes, urs_frame_class_name(c), (double)sift->probability[c], err);
    return status;
}

urs_status urs_photo_image(urs_result_image *out, const urs_chain_result *r, const char *name, urs_error *err)
{
    urs_result_image image = {0};
    urs_status status = urs_result_set_text(&image.file, name, err);
    image.width = r->width;
    image.height = r->height;
    memcpy(image.datetime, r->datetime, sizeof image.datetime);
    memcpy(image.camera, r->camera, sizeof image.camera);
    if (status == URS_OK && r->error.code != URS_OK) {
        status = urs_result_set_text(&image.failure, r->decoded ? URS_FAILURE_INFERENCE : URS_FAILURE_ACCESS, err);
        if (status == URS_OK)
            status = urs_result_set_text(&image.warning, r->error.message, err);
    } else if (status == URS_OK) {
        if (r->truncated)
            status = urs_result_set_text(&image.warning, "the file ends early; what was there has been used", err);
        if (status == URS_OK && r->has_sift)
            status = add_frame_class(&image, &r->sift, err);
        for (size_t i = 0; status == URS_OK && i < r->head_count; i++)
            status = add_head(&image, &r->heads[i], r, err);
    }
    if (status == URS_OK)
        *out = image;
    else
        urs_result_image_release(&image);
    return status;
}

urs_status urs_photo_classes(urs_names *out, const urs_network *network, const char *otherwise, urs_error *err)
{
    json_t *list = network ? json_loads(urs_network_note(network, "ursid.classes"), 0, NULL) : NULL;
    const size_t n = json_array_size(list);
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        status = urs_names_add(out, name ? name : otherwise, err);
    }
    json_decref(list);
    if (status == URS_OK && n == 0)
        status = urs_names_add(out, otherwise, err);
    return status;
}
