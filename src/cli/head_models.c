/* Networks of the commands that deal in heads; see head_models.h. */
#include "cli/head_models.h"

#include "base/memory.h"
#include "image/decode.h"
#include "stages/model_path.h"

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

urs_status urs_head_models_open(urs_head_models *out, const urs_head_arguments *a, const urs_chain_options *base, urs_error *err)
{
    urs_head_models m = {0};
    urs_chain_options options = *base;
    urs_status status = URS_OK;
    if (!a->chips_in && !a->no_sift)
        status = urs_model_path(&m.sift, "sift", a->sift, err);
    if (status == URS_OK && !a->chips_in)
        status = urs_model_path(&m.find, "find", a->find, err);
    if (status == URS_OK)
        status = urs_model_path(&m.embed, "embed", a->embed, err);
    if (status == URS_OK) {
        options.sift = m.sift;
        options.find = m.find;
        options.embed = m.embed;
        options.chips_in = a->chips_in;
        options.find_options.score = (float)a->score;
        status = urs_chain_open(&m.chain, &options, err);
    }
    if (status == URS_OK) {
        const urs_network *network = urs_chain_network(m.chain, "embed");
        m.model = (urs_catalogue_model){.fingerprint = network->fingerprint, .name = network->options.arch, .dim = urs_chain_dim(m.chain)};
        status = urs_head_calibration(&m.calibration, &m.verdict, &m.calibrated, network, err);
    }
    if (status == URS_OK)
        *out = m;
    else
        urs_head_models_close(&m);
    return status;
}

void urs_head_models_close(urs_head_models *m)
{
    urs_chain_free(m->chain);
    urs_calibration_release(&m->calibration);
    urs_free(m->sift);
    urs_free(m->find);
    urs_free(m->embed);
    *m = (urs_head_models){0};
}

void urs_head_models_describe(const urs_head_models *m, urs_text *out)
{
    static const char *const stages[] = {"sift", "find", "embed"};
    const char *const paths[] = {m->sift, m->find, m->embed};
    const char *between = "";
    for (size_t i = 0; i < URS_COUNT(stages); i++) {
        const urs_network *network = urs_chain_network(m->chain, stages[i]);
        if (!network || !paths[i])
            continue;
        urs_text_format(out, "%s%s %.12s (%s)", between, stages[i], network->fingerprint, urs_path_base(paths[i]));
        between = ", ";
    }
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

void urs_put_line(FILE *to, const char *line)
{
    for (; *line; line++)
        (void)putc((unsigned char)*line < 0x20 || *line == 0x7f ? '?' : *line, to);
    (void)putc('\n', to);
}
