/* Frame classes; see sift.h. */
#include "stages/sift.h"

#include "base/memory.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define THRESHOLD_DEFAULT 0.5
#define CROP_SHARE_DEFAULT 0.875f /* as image.h */

static const char *const class_names[URS_FRAME_CLASSES] = {"empty", "animal", "bear"};

struct urs_sifter {
    const urs_input_format *input; /* borrowed */
    urs_sift_thresholds thresholds;
    int32_t order[URS_FRAME_CLASSES];
    int32_t output;
    urs_runner *runner;
    /* of the current call */
    const urs_image *const *pictures;
    urs_sift_result *result;
};

const char *urs_frame_class_name(int32_t c)
{
    return c >= 0 && c < URS_FRAME_CLASSES ? class_names[c] : "";
}

urs_status urs_sift_class_order(int32_t order[URS_FRAME_CLASSES], const urs_network *network, urs_error *err)
{
    const char *note = urs_network_note(network, "ursid.classes");
    int32_t found[URS_FRAME_CLASSES] = {-1, -1, -1};
    json_t *list;
    size_t n;
    if (*note == '\0') {
        for (int32_t c = 0; c < URS_FRAME_CLASSES; c++)
            order[c] = c;
        return URS_OK;
    }
    list = json_loads(note, 0, NULL);
    n = json_array_size(list); /* 0 for what is no list */
    for (size_t i = 0; i < n; i++)
        for (int32_t c = 0; c < URS_FRAME_CLASSES; c++) {
            const char *name = json_string_value(json_array_get(list, i));
            if (name && strcmp(name, class_names[c]) == 0)
                found[c] = (int32_t)i;
        }
    json_decref(list);
    if (n != URS_FRAME_CLASSES || found[0] < 0 || found[1] < 0 || found[2] < 0)
        return urs_fail(err, URS_EMISMATCH, "sift needs a network with the classes empty, animal and bear, but this one's are %.200s", note);
    memcpy(order, found, sizeof found);
    return URS_OK;
}

urs_status urs_sifter_new(urs_sifter **out, const urs_network *network, const urs_sifter_options *options, urs_error *err)
{
    const urs_sifter_options o = options ? *options : (urs_sifter_options){0};
    const urs_runner_options runner = {.batch = o.batch, .pool = o.pool, .backend = o.backend};
    urs_sifter *s = urs_array_new(1, sizeof *s);
    urs_status status;
    if (!s)
        return urs_fail(err, URS_ENOMEM, "no memory for a sifter");
    s->input = &network->input;
    s->thresholds = o.thresholds;
    if (s->thresholds.bear == 0)
        s->thresholds.bear = urs_network_number(network, "ursid.thresholds", "bear", THRESHOLD_DEFAULT);
    if (s->thresholds.animal == 0)
        s->thresholds.animal = urs_network_number(network, "ursid.thresholds", "animal", THRESHOLD_DEFAULT);
    s->output = urs_graph_find_output(network->graph, "logits");
    status = urs_sift_class_order(s->order, network, err);
    if (status == URS_OK && (s->output < 0 || urs_graph_output_elements(network->graph, s->output) != URS_FRAME_CLASSES))
        status = urs_fail(err, URS_EMISMATCH, "sift needs a network that tells three classes apart (empty, animal, bear)");
    if (status == URS_OK && !(s->thresholds.bear >= 0 && s->thresholds.bear <= 1 && s->thresholds.animal >= 0 && s->thresholds.animal <= 1))
        status = urs_fail(err, URS_EINVAL, "the thresholds of sift (bear %g, animal %g) lie between 0 and 1", s->thresholds.bear, s->thresholds.animal);
    if (status == URS_OK)
        status = urs_runner_new(&s->runner, network, &runner, err);
    if (status != URS_OK) {
        urs_sifter_free(s);
        return status;
    }
    *out = s;
    return URS_OK;
}

void urs_sifter_free(urs_sifter *s)
{
    if (!s)
        return;
    urs_runner_free(s->runner);
    urs_free(s);
}

const urs_sift_thresholds *urs_sifter_thresholds(const urs_sifter *s)
{
    return &s->thresholds;
}

static urs_status prepare_frame(void *context, size_t item, float *tensor, urs_error *err)
{
    const urs_sifter *s = context;
    return urs_image_to_tensor(tensor, s->pictures[item], s->input, NULL, err);
}

static urs_status take_frame(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    const urs_sifter *s = context;
    const float *logits = urs_outputs_of(outputs, s->output) + (size_t)index * URS_FRAME_CLASSES;
    const float top = fmaxf(logits[0], fmaxf(logits[1], logits[2]));
    urs_sift_result *r = &s->result[item];
    float e[URS_FRAME_CLASSES], sum = 0;
    for (int c = 0; c < URS_FRAME_CLASSES; c++) {
        e[c] = expf(logits[s->order[c]] - top);
        sum += e[c];
    }
    if (!isfinite(sum))
        return urs_fail(err, URS_EFORMAT, "the network's outputs are not finite; its weights are broken");
    for (int c = 0; c < URS_FRAME_CLASSES; c++)
        r->probability[c] = e[c] / sum;
    r->verdict = urs_sift_decide(r->probability, &s->thresholds);
    return URS_OK;
}

urs_status urs_sifter_pictures(urs_sifter *s, urs_sift_result *result, const urs_image *const *pictures, size_t n, urs_error *err)
{
    const urs_runner_calls calls = {.context = s, .prepare = prepare_frame, .take = take_frame};
    s->pictures = pictures;
    s->result = result;
    return urs_runner_run(s->runner, n, &calls, err);
}

urs_decode_options urs_input_decode_options(const urs_input_format *input)
{
    urs_decode_options o = {.min_width = input->width, .min_height = input->height};
    if (input->fit == URS_FIT_CENTRE_CROP) {
        const float share = input->crop_share > 0 ? input->crop_share : CROP_SHARE_DEFAULT;
        o.min_width = (int32_t)ceilf((float)input->width / share);
        o.min_height = (int32_t)ceilf((float)input->height / share);
    } else if (input->fit == URS_FIT_LETTERBOX) {
        o.min_height = 1; /* frames lie: their width fills the input */
    }
    return o;
}
