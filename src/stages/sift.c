/* Frame classes; see sift.h. */
#include "stages/sift.h"

#include "base/memory.h"
#include "stages/find.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define THRESHOLD_DEFAULT 0.5
#define SCORE_DEFAULT 0.25  /* as find.h */
#define SCORE_LEAST 1e-4f   /* C: below it a frame's score is 0 */
#define CROP_SHARE_DEFAULT 0.875f /* as image.h */

static const char *const class_names[URS_FRAME_CLASSES] = {"empty", "animal", "bear"};

typedef struct sift_net { /* one classifier */
    const urs_input_format *input; /* borrowed */
    int32_t order[URS_FRAME_CLASSES]; /* where a class stands in the logits; -1: not told apart */
    int32_t output, classes;
    urs_runner *runner; /* owned */
} sift_net;

struct urs_sifter {
    urs_sift_approach approach;
    urs_sift_thresholds thresholds;
    bool ungated;
    sift_net net[2];    /* A: the first one; B: both */
    urs_finder *finder; /* C */
    /* of the current call */
    const sift_net *asked;
    const urs_image *const *pictures;
    const size_t *through; /* which pictures the asked network looks at; NULL: all */
    urs_sift_result *result;
};

const char *urs_frame_class_name(int32_t c)
{
    return c >= 0 && c < URS_FRAME_CLASSES ? class_names[c] : "";
}

const char *urs_sift_approach_name(urs_sift_approach approach)
{
    return approach == URS_SIFT_DETECTOR ? "C" : approach == URS_SIFT_TWO_NETWORKS ? "B" : "A";
}

urs_status urs_sift_network_read(urs_network **out, const char *path, urs_error *err)
{
    urs_network *n = NULL;
    const char *stage;
    urs_status status = urs_network_read_sequence(&n, path, NULL, err);
    if (status != URS_OK)
        return status;
    stage = urs_network_note(n, "ursid.stage");
    if (strcmp(stage, "sift") != 0 && strcmp(stage, "find") != 0) {
        status = urs_fail(err, URS_EMISMATCH, "'%s' is a model for %s, not for sift (or find, as a filter)", path, *stage ? stage : "no stage");
        urs_network_free(n);
        return status;
    }
    *out = n;
    return URS_OK;
}

urs_sift_approach urs_sift_approach_of(const urs_network *network)
{
    if (network->second)
        return URS_SIFT_TWO_NETWORKS;
    return urs_graph_find_output(network->graph, "logits") < 0 ? URS_SIFT_DETECTOR : URS_SIFT_ONE_NETWORK;
}

urs_sift_thresholds urs_sift_thresholds_of(const urs_network *network)
{
    urs_sift_thresholds t;
    if (urs_sift_approach_of(network) == URS_SIFT_DETECTOR) {
        t.bear = urs_network_number(network, "ursid.thresholds", "bear", urs_network_number(network, "ursid.thresholds", "score", SCORE_DEFAULT));
        t.animal = t.bear;
    } else {
        t.bear = urs_network_number(network, "ursid.thresholds", "bear", THRESHOLD_DEFAULT);
        t.animal = urs_network_number(network, "ursid.thresholds", "animal", THRESHOLD_DEFAULT);
    }
    return t;
}

/* ---- opening ---- */

/* Where the classes of `wanted` (bits) stand in the logits. Without the note: in the order empty, animal, bear. */
static urs_status read_order(sift_net *net, const urs_network *network, unsigned wanted, urs_error *err)
{
    const char *note = urs_network_note(network, "ursid.classes");
    json_t *list = *note ? json_loads(note, 0, NULL) : NULL;
    bool fits = *note == '\0' || json_array_size(list) == (size_t)net->classes;
    int32_t next = 0;
    for (int32_t c = 0; c < URS_FRAME_CLASSES; c++) {
        net->order[c] = -1;
        if (!(wanted >> c & 1))
            continue;
        if (*note == '\0')
            net->order[c] = next++;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *name = json_string_value(json_array_get(list, i));
            if (name && strcmp(name, class_names[c]) == 0)
                net->order[c] = (int32_t)i;
        }
        fits = fits && net->order[c] >= 0;
    }
    json_decref(list);
    return fits ? URS_OK
                : urs_fail(err, URS_EMISMATCH, "sift needs a network with the classes%s%s%s, but this one's are %.200s", wanted & 1u << URS_FRAME_EMPTY ? " empty" : "",
                           wanted & 1u << URS_FRAME_ANIMAL ? " animal" : "", wanted & 1u << URS_FRAME_BEAR ? " bear" : "", note);
}

static urs_status open_net(sift_net *net, const urs_network *network, unsigned wanted, const urs_runner_options *runner, urs_error *err)
{
    urs_status status;
    net->input = &network->input;
    net->output = urs_graph_find_output(network->graph, "logits");
    for (int c = 0; c < URS_FRAME_CLASSES; c++)
        net->classes += (wanted >> c & 1) != 0;
    if (net->output < 0 || urs_graph_output_elements(network->graph, net->output) != (size_t)net->classes)
        return urs_fail(err, URS_EMISMATCH, "sift needs a network that tells %s apart", net->classes == 3 ? "three classes (empty, animal, bear)" : "two classes");
    status = read_order(net, network, wanted, err);
    return status == URS_OK ? urs_runner_new(&net->runner, network, runner, err) : status;
}

static urs_status open_networks(urs_sifter *s, const urs_network *network, const urs_sifter_options *o, urs_error *err)
{
    const urs_runner_options runner = {.batch = o->batch, .pool = o->pool, .backend = o->backend};
    const unsigned empty = 1u << URS_FRAME_EMPTY, animal = 1u << URS_FRAME_ANIMAL, bear = 1u << URS_FRAME_BEAR;
    urs_status status;
    if (s->approach == URS_SIFT_DETECTOR)
        return urs_finder_new(&s->finder, network,
                              &(urs_finder_options){.find = {.score = SCORE_LEAST, .max_detections = 1, .max_candidates = 1, .no_masks = true}, .pool = o->pool, .batch = o->batch, .backend = o->backend}, err);
    if (s->approach == URS_SIFT_ONE_NETWORK)
        return open_net(&s->net[0], network, empty | animal | bear, &runner, err);
    status = open_net(&s->net[0], network, empty | animal, &runner, err);
    return status == URS_OK ? open_net(&s->net[1], network->second, animal | bear, &runner, err) : status;
}

urs_status urs_sifter_new(urs_sifter **out, const urs_network *network, const urs_sifter_options *options, urs_error *err)
{
    const urs_sifter_options o = options ? *options : (urs_sifter_options){0};
    const urs_sift_thresholds own = urs_sift_thresholds_of(network);
    urs_sifter *s = urs_array_new(1, sizeof *s);
    urs_status status;
    if (!s)
        return urs_fail(err, URS_ENOMEM, "no memory for a sifter");
    s->approach = urs_sift_approach_of(network);
    s->ungated = o.ungated;
    s->thresholds.bear = o.thresholds.bear == 0 ? own.bear : o.thresholds.bear;
    s->thresholds.animal = s->approach == URS_SIFT_DETECTOR ? s->thresholds.bear : o.thresholds.animal == 0 ? own.animal : o.thresholds.animal;
    if (!(s->thresholds.bear >= 0 && s->thresholds.bear <= 1 && s->thresholds.animal >= 0 && s->thresholds.animal <= 1))
        status = urs_fail(err, URS_EINVAL, "the thresholds of sift (bear %g, animal %g) lie between 0 and 1", s->thresholds.bear, s->thresholds.animal);
    else
        status = open_networks(s, network, &o, err);
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
    urs_runner_free(s->net[0].runner);
    urs_runner_free(s->net[1].runner);
    urs_finder_free(s->finder);
    urs_free(s);
}

const urs_sift_thresholds *urs_sifter_thresholds(const urs_sifter *s)
{
    return &s->thresholds;
}

/* ---- running ---- */

static size_t picture_of(const urs_sifter *s, size_t item)
{
    return s->through ? s->through[item] : item;
}

static urs_status prepare_frame(void *context, size_t item, float *tensor, urs_error *err)
{
    const urs_sifter *s = context;
    return urs_image_to_tensor(tensor, s->pictures[picture_of(s, item)], s->asked->input, NULL, err);
}

/* p of the classes that the asked network tells apart; B's second network deals out what the first gave to animals. */
static urs_status take_frame(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    const urs_sifter *s = context;
    const sift_net *net = s->asked;
    const float *logits = urs_outputs_of(outputs, net->output) + (size_t)index * (size_t)net->classes;
    float *p = s->result[picture_of(s, item)].probability;
    const float whole = net == &s->net[1] ? p[URS_FRAME_ANIMAL] : 1;
    float e[URS_FRAME_CLASSES] = {0}, top = logits[0], sum = 0;
    for (int32_t i = 1; i < net->classes; i++)
        top = fmaxf(top, logits[i]);
    for (int c = 0; c < URS_FRAME_CLASSES; c++)
        if (net->order[c] >= 0) {
            e[c] = expf(logits[net->order[c]] - top);
            sum += e[c];
        }
    if (!isfinite(sum))
        return urs_fail(err, URS_EFORMAT, "the network's outputs are not finite; its weights are broken");
    for (int c = 0; c < URS_FRAME_CLASSES; c++)
        if (net->order[c] >= 0)
            p[c] = whole * (e[c] / sum);
    return URS_OK;
}

static urs_status ask(urs_sifter *s, int which, const size_t *through, size_t n, urs_error *err)
{
    const urs_runner_calls calls = {.context = s, .prepare = prepare_frame, .take = take_frame};
    s->asked = &s->net[which];
    s->through = through;
    return urs_runner_run(s->asked->runner, n, &calls, err);
}

static urs_status ask_second(urs_sifter *s, size_t n, urs_error *err)
{
    size_t *through = urs_array_new(n, sizeof *through), count = 0;
    urs_status status = through ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        if (s->ungated || (double)s->result[i].probability[URS_FRAME_ANIMAL] >= s->thresholds.animal)
            through[count++] = i;
    if (status == URS_OK)
        status = ask(s, 1, through, count, err);
    s->through = NULL;
    urs_free(through);
    return status;
}

static urs_status ask_detector(urs_sifter *s, const urs_image *const *pictures, size_t n, urs_error *err)
{
    urs_detections *found = urs_array_new(n, sizeof *found);
    urs_status status = found ? urs_finder_pictures(s->finder, found, pictures, n, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const float score = found[i].count ? found[i].items[0].score : 0;
        s->result[i].probability[URS_FRAME_EMPTY] = 1 - score;
        s->result[i].probability[URS_FRAME_BEAR] = score;
    }
    for (size_t i = 0; found && i < n; i++)
        urs_detections_release(&found[i]);
    urs_free(found);
    return status;
}

urs_status urs_sifter_pictures(urs_sifter *s, urs_sift_result *result, const urs_image *const *pictures, size_t n, urs_error *err)
{
    urs_status status;
    s->pictures = pictures;
    s->result = result;
    memset(result, 0, n * sizeof *result);
    status = s->approach == URS_SIFT_DETECTOR ? ask_detector(s, pictures, n, err) : ask(s, 0, NULL, n, err);
    if (status == URS_OK && s->approach == URS_SIFT_TWO_NETWORKS)
        status = ask_second(s, n, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        result[i].verdict = urs_sift_decide(result[i].probability, &s->thresholds);
    return status;
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
