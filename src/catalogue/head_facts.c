/* See head_facts.h. */
#include "catalogue/head_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THUMBNAIL_SIDE 160
#define THUMBNAIL_QUALITY 85

urs_status urs_head_calibration(urs_calibration *cal, urs_verdict_options *verdict, bool *calibrated, const urs_network *network, urs_error *err)
{
    const char *note = urs_network_note(network, "ursid.calibration");
    *calibrated = false;
    *cal = (urs_calibration){0};
    *verdict = (urs_verdict_options){.known_at = 2, .new_below = -1};
    if (!*note)
        return URS_OK;
    const urs_status status = urs_calibration_from_json(cal, note, strlen(note), err);
    if (status != URS_OK) {
        urs_error_prefix(err, "the weights' calibration");
        return status;
    }
    *calibrated = true;
    verdict->known_at = urs_network_number(network, "ursid.thresholds", "known", 0);
    verdict->new_below = urs_network_number(network, "ursid.thresholds", "new", 0);
    return URS_OK;
}

urs_status urs_head_thumbnail(urs_bytes *out, const urs_image *chip, urs_error *err)
{
    urs_image small = {0};
    urs_bytes bytes = {0};
    urs_status status = URS_OK;
    if (chip->width > THUMBNAIL_SIDE) {
        status = urs_image_resize(&small, chip, THUMBNAIL_SIDE, THUMBNAIL_SIDE, URS_FILTER_BILINEAR, err);
        if (status == URS_OK)
            status = urs_jpeg_encode(&bytes, &small, THUMBNAIL_QUALITY, err);
    } else if (chip->data) {
        status = urs_jpeg_encode(&bytes, chip, THUMBNAIL_QUALITY, err);
    }
    urs_image_release(&small);
    if (status == URS_OK)
        *out = bytes;
    return status;
}

void urs_head_time(char out[32], const urs_chain_result *result)
{
    const char *t = result->datetime;
    out[0] = '\0';
    if (strlen(t) != 19)
        return;
    if (result->has_zone) {
        const int minutes = abs((int)result->zone_minutes);
        (void)snprintf(out, 32, "%.4s-%.2s-%.2sT%.8s%c%02d:%02d", t, t + 5, t + 8, t + 11, result->zone_minutes < 0 ? '-' : '+', minutes / 60 % 24, minutes % 60);
    } else {
        (void)snprintf(out, 32, "%.4s-%.2s-%.2sT%.8s", t, t + 5, t + 8, t + 11);
    }
}
