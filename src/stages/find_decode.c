/* From raw outputs to detections: scores, boxes, suppression of overlaps. See find.h; spec/models.md 5.5. */
#include "base/memory.h"
#include "stages/find.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCORE_DEFAULT 0.25f
#define IOU_DEFAULT 0.7f
#define DETECTIONS_DEFAULT 300
#define CANDIDATES_DEFAULT 30000
#define BINS_MAX 64

typedef struct candidate {
    float score;
    int32_t label, level, cell; /* cell: row * width + column */
    size_t order;               /* in which it was found: breaks ties, so that the result does not depend on qsort */
    urs_box box;                /* network pixels */
} candidate;

void urs_detection_release(urs_detection *d)
{
    urs_image_release(&d->mask);
    memset(d, 0, sizeof *d);
}

void urs_detections_release(urs_detections *list)
{
    for (size_t i = 0; i < list->count; i++)
        urs_detection_release(&list->items[i]);
    urs_free(list->items);
    memset(list, 0, sizeof *list);
}

static urs_status mismatch(urs_error *err, const char *why)
{
    return urs_fail(err, URS_EMISMATCH, "this network is no detector that find can use: %s", why);
}

static bool output_dims(const urs_graph *graph, int32_t index, urs_dims *out)
{
    const urs_value *values;
    if (index < 0 || index >= urs_graph_outputs(graph, &values))
        return false;
    *out = urs_graph_dims(graph, values[index]);
    return true;
}

urs_status urs_find_layout_read(urs_find_layout *out, const urs_graph *graph, urs_error *err)
{
    urs_find_layout layout = {.proto = urs_graph_find_output(graph, "proto")};
    const urs_value *inputs;
    urs_dims d, input;

    if (urs_graph_inputs(graph, &inputs) != 1)
        return mismatch(err, "it has not exactly one input");
    input = urs_graph_dims(graph, inputs[0]);
    layout.input_width = (int32_t)input.w;
    layout.input_height = (int32_t)input.h;
    if (output_dims(graph, layout.proto, &d)) {
        layout.coefficients = (int32_t)d.c;
        layout.proto_width = (int32_t)d.w;
        layout.proto_height = (int32_t)d.h;
    }
    for (int32_t l = 0; l < URS_FIND_LEVELS_MAX; l++) {
        char name[24];
        urs_dims box, cls, coef = {0};
        (void)snprintf(name, sizeof name, "box%d", (int)l);
        layout.level[l].box = urs_graph_find_output(graph, name);
        (void)snprintf(name, sizeof name, "class%d", (int)l);
        layout.level[l].cls = urs_graph_find_output(graph, name);
        (void)snprintf(name, sizeof name, "coef%d", (int)l);
        layout.level[l].coef = urs_graph_find_output(graph, name);
        if (!output_dims(graph, layout.level[l].box, &box))
            break;
        if (!output_dims(graph, layout.level[l].cls, &cls) || cls.w != box.w || cls.h != box.h || box.c % 4 != 0 || box.c < 8 || box.c > 4 * BINS_MAX)
            return mismatch(err, "its outputs box and class do not belong together");
        if (layout.coefficients > 0 && (!output_dims(graph, layout.level[l].coef, &coef) || coef.c != layout.coefficients || coef.w != box.w || coef.h != box.h))
            return mismatch(err, "its outputs coef and proto do not belong together");
        if (input.w % box.w != 0 || input.h % box.h != 0 || input.w / box.w != input.h / box.h)
            return mismatch(err, "an output's size is no whole part of the input's");
        if (l > 0 && (layout.classes != cls.c || layout.bins * 4 != box.c))
            return mismatch(err, "its levels differ in classes or bins");
        layout.classes = (int32_t)cls.c;
        layout.bins = (int32_t)(box.c / 4);
        layout.level[l].width = (int32_t)box.w;
        layout.level[l].height = (int32_t)box.h;
        layout.level[l].stride = (int32_t)(input.w / box.w);
        layout.levels = l + 1;
    }
    if (layout.levels == 0)
        return mismatch(err, "it has no output box0");
    *out = layout;
    return URS_OK;
}

void urs_find_outputs_of(urs_find_outputs *out, const urs_find_layout *layout, const urs_outputs *outputs, int32_t image)
{
    const size_t n = (size_t)image;
    memset(out, 0, sizeof *out);
    for (int32_t l = 0; l < layout->levels; l++) {
        const size_t cells = (size_t)layout->level[l].width * (size_t)layout->level[l].height;
        out->box[l] = urs_outputs_of(outputs, layout->level[l].box) + n * cells * 4 * (size_t)layout->bins;
        out->cls[l] = urs_outputs_of(outputs, layout->level[l].cls) + n * cells * (size_t)layout->classes;
        if (layout->coefficients > 0)
            out->coef[l] = urs_outputs_of(outputs, layout->level[l].coef) + n * cells * (size_t)layout->coefficients;
    }
    if (layout->coefficients > 0)
        out->proto = urs_outputs_of(outputs, layout->proto) +
                     n * (size_t)layout->coefficients * (size_t)layout->proto_width * (size_t)layout->proto_height;
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* Expected distance in cells: the softmax over the bins weighs 0, 1, 2, ... */
static float expectation(const float *logits, size_t step, int32_t bins)
{
    float top = logits[0], sum = 0, weighted = 0;
    for (int32_t i = 1; i < bins; i++)
        top = fmaxf(top, logits[(size_t)i * step]);
    for (int32_t i = 0; i < bins; i++) {
        const float e = expf(logits[(size_t)i * step] - top);
        sum += e;
        weighted += e * (float)i;
    }
    return weighted / sum;
}

static urs_box decode_box(const urs_find_layout *layout, const urs_find_outputs *raw, int32_t l, int32_t cell)
{
    const int32_t w = layout->level[l].width;
    const size_t step = (size_t)w * (size_t)layout->level[l].height;
    const float x = (float)(cell % w) + 0.5f, y = (float)(cell / w) + 0.5f, stride = (float)layout->level[l].stride;
    float side[4];
    for (size_t s = 0; s < 4; s++)
        side[s] = expectation(raw->box[l] + s * (size_t)layout->bins * step + (size_t)cell, step, layout->bins);
    return (urs_box){(x - side[0]) * stride, (y - side[1]) * stride, (x + side[2]) * stride, (y + side[3]) * stride};
}

static int by_score(const void *pa, const void *pb)
{
    const candidate *a = pa, *b = pb;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

typedef struct candidate_list {
    candidate *items;
    size_t count, capacity;
} candidate_list;

static bool add_candidate(candidate_list *list, float score, int32_t label, int32_t level, int32_t cell)
{
    void *grown = list->items;
    if (!urs_array_reserve(&grown, &list->capacity, list->count, sizeof *list->items))
        return false;
    list->items = grown;
    list->items[list->count] = (candidate){.score = score, .label = label, .level = level, .cell = cell, .order = list->count};
    list->count++;
    return true;
}

/* Boxes are decoded later, and only for what is left: most cells of most pictures end here. A comparison with NaN is false, so broken numbers end here too. */
static bool collect(candidate_list *list, const urs_find_layout *layout, const urs_find_outputs *raw, const urs_find_options *o)
{
    for (int32_t l = 0; l < layout->levels; l++) {
        const int32_t cells = layout->level[l].width * layout->level[l].height;
        for (int32_t cell = 0; cell < cells; cell++) {
            float best = o->score;
            int32_t label = -1;
            for (int32_t c = 0; c < layout->classes; c++) {
                const float p = sigmoid(raw->cls[l][(size_t)c * (size_t)cells + (size_t)cell]);
                if (o->multi_label) {
                    if (p > o->score && !add_candidate(list, p, c, l, cell))
                        return false;
                } else if (p > best) {
                    best = p;
                    label = c;
                }
            }
            if (label >= 0 && !add_candidate(list, best, label, l, cell))
                return false;
        }
    }
    return true;
}

static float overlap(urs_box a, urs_box b)
{
    const float w = fminf(a.x2, b.x2) - fmaxf(a.x1, b.x1), h = fminf(a.y2, b.y2) - fmaxf(a.y1, b.y1);
    const float both = w > 0 && h > 0 ? w * h : 0;
    const float either = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both;
    return either > 0 ? both / either : 0;
}

static float clamp(float v, float high)
{
    return v < 0 ? 0 : v > high ? high : v;
}

/* False: nothing of it is left inside of the picture (a box in the letterbox's padding), or it is not finite. */
static bool box_to_picture(urs_box *out, urs_box box, const urs_letterbox *how, int32_t width, int32_t height)
{
    const urs_box b = urs_letterbox_to_picture(how, box);
    const urs_box clipped = {clamp(b.x1, (float)width), clamp(b.y1, (float)height), clamp(b.x2, (float)width), clamp(b.y2, (float)height)};
    if (!(isfinite(b.x1) && isfinite(b.y1) && isfinite(b.x2) && isfinite(b.y2)) || clipped.x2 <= clipped.x1 || clipped.y2 <= clipped.y1)
        return false;
    *out = clipped;
    return true;
}

/* Greedy: each candidate, best first, stays unless one of its class that stays overlaps it too much. Comparing with those that stay is all that is needed. Returns how many stay, moved
 * to the front. */
static size_t suppress(candidate *items, size_t n, const urs_find_layout *layout, const urs_find_outputs *raw, const urs_find_options *o)
{
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < (size_t)o->max_detections; i++) {
        candidate c = items[i];
        bool stays = true;
        c.box = decode_box(layout, raw, c.level, c.cell);
        for (size_t k = 0; stays && k < kept; k++)
            stays = items[k].label != c.label || !(overlap(items[k].box, c.box) > o->iou);
        if (stays)
            items[kept++] = c;
    }
    return kept;
}

static urs_status make_mask(urs_detection *d, const candidate *c, const urs_find_layout *layout, const urs_find_outputs *raw, const urs_letterbox *how, int32_t width,
                            int32_t height, urs_error *err)
{
    const size_t step = (size_t)layout->level[c->level].width * (size_t)layout->level[c->level].height;
    float *coefficients = urs_array_new((size_t)layout->coefficients, sizeof *coefficients);
    urs_status status;
    if (!coefficients)
        return urs_fail(err, URS_ENOMEM, "no memory for a mask");
    for (size_t i = 0; i < (size_t)layout->coefficients; i++)
        coefficients[i] = raw->coef[c->level][i * step + (size_t)c->cell];
    status = urs_find_mask(d, layout, raw->proto, coefficients, how, width, height, err);
    urs_free(coefficients);
    return status;
}

static urs_status check_call(const urs_find_options *o, const urs_letterbox *how, int32_t width, int32_t height, urs_error *err)
{
    if (width < 1 || height < 1 || !(how->scale > 0))
        return urs_fail(err, URS_EINVAL, "find cannot place boxes in a picture of %d x %d pixels", (int)width, (int)height);
    if (!(o->score >= 0 && o->score <= 1) || !(o->iou >= 0 && o->iou <= 1) || o->max_detections < 0 || o->max_candidates < 0)
        return urs_fail(err, URS_EINVAL, "thresholds of find lie between 0 and 1, and its limits are not negative");
    return URS_OK;
}

urs_status urs_find_decode(urs_detections *out, const urs_find_layout *layout, const urs_find_outputs *raw, const urs_letterbox *how, int32_t width, int32_t height,
                           const urs_find_options *options, urs_error *err)
{
    const urs_letterbox same = {.scale = 1, .width = layout->input_width, .height = layout->input_height};
    urs_find_options o = options ? *options : (urs_find_options){0};
    urs_detections result = {0};
    candidate_list list = {0};
    size_t n;
    urs_status status;

    if (!how)
        how = &same;
    status = check_call(&o, how, width, height, err);
    if (status != URS_OK)
        return status;
    o.score = o.score > 0 ? o.score : SCORE_DEFAULT;
    o.iou = o.iou > 0 ? o.iou : IOU_DEFAULT;
    o.max_detections = o.max_detections ? o.max_detections : DETECTIONS_DEFAULT;
    o.max_candidates = o.max_candidates ? o.max_candidates : CANDIDATES_DEFAULT;

    if (!collect(&list, layout, raw, &o)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu candidates", list.count);
        goto done;
    }
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, by_score);
    n = list.count < (size_t)o.max_candidates ? list.count : (size_t)o.max_candidates;
    n = suppress(list.items, n, layout, raw, &o);
    if (n == 0) {
        *out = result;
        goto done;
    }
    result.items = urs_array_new(n, sizeof *result.items);
    if (!result.items) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu detections", n);
        goto done;
    }
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const candidate *c = &list.items[i];
        urs_detection *d = &result.items[result.count];
        if (!box_to_picture(&d->box, c->box, how, width, height))
            continue;
        d->score = c->score;
        d->label = c->label;
        result.count++;
        if (!o.no_masks && layout->coefficients > 0 && raw->proto && raw->coef[c->level])
            status = make_mask(d, c, layout, raw, how, width, height, err);
    }
    if (status == URS_OK)
        *out = result;
    else
        urs_detections_release(&result);
done:
    urs_free(list.items);
    return status;
}
