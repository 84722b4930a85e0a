/* Post-training quantisation; see quantize.h. */
#include "stages/quantize.h"

#include "base/memory.h"
#include "quant/remedies.h"

#include <jansson.h>
#include <stdlib.h>

urs_status urs_quantize_deploy(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, const urs_quantize_options *options, urs_quantize_report *report, urs_pool *pool, urs_error *err)
{
    urs_quantize_report r = {.convolutions = d->n_convs, .groups = d->n_groups, .pictures = pictures->count};
    urs_status status = URS_OK;
    if (options->equalise)
        status = urs_equalise(d, params, &r.equalised, err);
    if (status == URS_OK)
        status = urs_calibrate(d, params, pictures, &options->calibrate, pool, err);
    if (status == URS_OK && options->adaround) {
        urs_round_report rounding;
        status = urs_round_weights(d, params, pictures, &rounding, pool, err);
        if (status == URS_OK) {
            r.rounding_before = rounding.before;
            r.rounding_after = rounding.after;
            r.flipped = rounding.flipped;
            r.weights = rounding.weights;
        }
    }
    if (status == URS_OK && options->bias_correction)
        status = urs_correct_bias(d, params, pictures, pool, err);
    if (status == URS_OK && report)
        *report = r;
    return status;
}

urs_status urs_quantize_note(urs_network *int8_network, const urs_network *float_network, const urs_quantize_options *o, const urs_quantize_report *r, int32_t epochs, const char *how, urs_error *err)
{
    json_t *note = json_pack("{s:s, s:s, s:b, s:b, s:b, s:i, s:I, s:i, s:s}", "float", float_network->fingerprint, "observer", urs_observer_name(o->calibrate.observer), "equalise", (int)o->equalise,
                             "adaround", (int)o->adaround, "bias_correction", (int)o->bias_correction, "equalised_pairs", (int)r->equalised, "pictures", (json_int_t)r->pictures, "qat_epochs",
                             (int)epochs, "command", how ? how : "");
    char *text = note ? json_dumps(note, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const urs_status status = text ? urs_network_set_note(int8_network, "ursid.quantisation", text, err) : urs_fail(err, URS_ENOMEM, "no memory for notes");
    json_decref(note);
    free(text);
    return status;
}

/* ---- pictures --------------------------------------------------------------------------------------------------------------------------------- */

static urs_status make_room(urs_quant_pictures *p, size_t n, const urs_input_format *input, urs_error *err)
{
    p->size = 3 * (size_t)input->width * (size_t)input->height;
    p->bytes = urs_array_new(n, p->size);
    return p->bytes ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", n);
}

static void keep(urs_quant_pictures *p, const float *tensor, const urs_input_format *input)
{
    urs_bytes_from_input(p->bytes + p->count * p->size, tensor, input);
    p->count++;
}

/* Items of one kind, in the list's order; every `stride`th is taken until `wanted` are. */
static int32_t kind_of(const urs_frames *f, size_t i)
{
    const urs_frame_item *item = &f->items[i];
    const bool infrared = item->sample >= 0 && f->dataset.samples[item->sample].infrared == 1;
    return item->label * 2 + infrared;
}

urs_status urs_quantize_frames(urs_quant_pictures *out, size_t counts[URS_FRAME_CLASSES][2], const urs_frames *frames, const urs_input_format *input, size_t n, urs_error *err)
{
    enum { KINDS = 2 * URS_FRAME_CLASSES };
    size_t there[KINDS] = {0}, wanted[KINDS] = {0}, seen[KINDS] = {0}, taken[KINDS] = {0}, left = n < frames->count ? n : frames->count;
    urs_quant_pictures p = {0};
    float *tensor = urs_array_new(3 * (size_t)input->width, (size_t)input->height * sizeof *tensor);
    urs_status status = tensor ? make_room(&p, left, input, err) : urs_fail(err, URS_ENOMEM, "no memory for a picture");
    for (size_t i = 0; i < frames->count; i++)
        there[kind_of(frames, i)]++;
    while (left > 0) /* one of each kind in turn, as long as there are more */
        for (int k = 0; k < KINDS && left > 0; k++)
            if (wanted[k] < there[k]) {
                wanted[k]++;
                left--;
            }
    for (size_t i = 0; status == URS_OK && i < frames->count; i++) {
        const int32_t k = kind_of(frames, i);
        /* Evenly spread: item number s of a kind is taken when s * wanted / there grows by one. */
        if ((seen[k] + 1) * wanted[k] / there[k] > seen[k] * wanted[k] / there[k]) {
            status = urs_frames_prepare(tensor, frames, i, 0, 0, input, NULL, err);
            if (status == URS_OK)
                keep(&p, tensor, input);
            taken[k]++;
        }
        seen[k]++;
    }
    urs_free(tensor);
    if (status != URS_OK) {
        urs_quant_pictures_release(&p);
        return status;
    }
    for (int k = 0; counts && k < KINDS; k++)
        counts[k / 2][k % 2] = taken[k];
    *out = p;
    return URS_OK;
}

urs_status urs_quantize_scenes(urs_quant_pictures *out, const urs_scene_set *scenes, const urs_input_format *input, size_t n, urs_error *err)
{
    const size_t empties = scenes->background_count < n / 5 ? scenes->background_count : n / 5, photographs = scenes->count < n - empties ? scenes->count : n - empties;
    urs_quant_pictures p = {0};
    float *tensor = urs_array_new(3 * (size_t)input->width, (size_t)input->height * sizeof *tensor);
    urs_status status = tensor ? make_room(&p, empties + photographs, input, err) : urs_fail(err, URS_ENOMEM, "no memory for a picture");
    for (size_t i = 0; status == URS_OK && i < empties + photographs; i++) {
        const urs_image *image = i < photographs ? &scenes->scenes[i * scenes->count / photographs].image : &scenes->backgrounds[(i - photographs) * scenes->background_count / empties];
        status = urs_image_to_tensor(tensor, image, input, NULL, err);
        if (status == URS_OK)
            keep(&p, tensor, input);
    }
    urs_free(tensor);
    if (status == URS_OK)
        *out = p;
    else
        urs_quant_pictures_release(&p);
    return status;
}

urs_status urs_quantize_chips(urs_quant_pictures *out, const urs_chips *chips, const urs_input_format *input, size_t n, urs_error *err)
{
    size_t *items = NULL, count = 0;
    int32_t *labels = NULL;
    urs_quant_pictures p = {0};
    const urs_chip_augment masked = {.p_black = 1}; /* every other chip, as heads that the chain has cut out */
    urs_random random;
    float *tensor = urs_array_new(3 * (size_t)input->width, (size_t)input->height * sizeof *tensor);
    urs_status status = tensor ? urs_chips_part(&items, &labels, NULL, &count, chips, URS_PART_TRAIN, err) : urs_fail(err, URS_ENOMEM, "no memory for a picture");
    const size_t take = n < count ? n : count;
    if (status == URS_OK)
        status = make_room(&p, take, input, err);
    urs_random_init(&random, 1);
    for (size_t i = 0; status == URS_OK && i < take; i++) {
        status = urs_chip_tensor(tensor, &chips->cache.images[items[i * count / take]], input, i % 2 ? &masked : NULL, &random, err);
        if (status == URS_OK)
            keep(&p, tensor, input);
    }
    urs_free(tensor);
    urs_free(items);
    urs_free(labels);
    if (status == URS_OK)
        *out = p;
    else
        urs_quant_pictures_release(&p);
    return status;
}
