/* Phase two of the YOLOv8 loss: values and gradients, and the making of the workspace; see loss_yolo.h, spec section 5.2. */
#include "train/loss_yolo_private.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static void fill_defaults(urs_yolo_loss_options *o)
{
    o->bins = o->bins > 0 ? o->bins : 16;
    o->box_gain = o->box_gain != 0 ? o->box_gain : 7.5;
    o->cls_gain = o->cls_gain != 0 ? o->cls_gain : 0.5;
    o->dfl_gain = o->dfl_gain != 0 ? o->dfl_gain : 1.5;
    o->mask_gain = o->mask_gain != 0 ? o->mask_gain : o->box_gain;
    o->top_k = o->top_k > 0 ? o->top_k : 10;
    o->alpha = o->alpha != 0 ? o->alpha : 0.5;
    o->beta = o->beta != 0 ? o->beta : 6;
    o->targets_max = o->targets_max > 0 ? o->targets_max : 255;
    o->input_h = o->input_h > 0 ? o->input_h : o->levels[0].h * o->levels[0].stride;
    o->input_w = o->input_w > 0 ? o->input_w : o->levels[0].w * o->levels[0].stride;
}

static urs_status check_options(const urs_yolo_loss_options *o, urs_error *err)
{
    if (o->batch < 1 || o->batch > 4096 || o->classes < 1 || o->classes > 100000)
        return urs_fail(err, URS_EINVAL, "a detection loss for %d images and %d classes", o->batch, o->classes);
    if (o->n_levels < 1 || o->n_levels > URS_YOLO_LEVELS_MAX)
        return urs_fail(err, URS_EINVAL, "a detection loss with %d levels; 1 to %d are possible", o->n_levels, URS_YOLO_LEVELS_MAX);
    for (int32_t i = 0; i < o->n_levels; i++)
        if (o->levels[i].h < 1 || o->levels[i].w < 1 || o->levels[i].h > 4096 || o->levels[i].w > 4096 || o->levels[i].stride < 1 ||
            o->levels[i].stride > 4096)
            return urs_fail(err, URS_EINVAL, "level %d of the detection loss has size %d x %d and stride %d", i, o->levels[i].h, o->levels[i].w,
                            o->levels[i].stride);
    if (o->bins < 2 || o->bins > URS_YOLO_BINS_MAX || o->top_k > URS_YOLO_TOP_MAX)
        return urs_fail(err, URS_EINVAL, "a detection loss with %d bins and top %d", o->bins, o->top_k);
    if (o->targets_max > (o->coefficients > 0 ? 255 : 100000))
        return urs_fail(err, URS_EINVAL, "%d targets an image are too many for the detection loss", o->targets_max);
    if (o->coefficients < 0 || o->coefficients > 4096 || (o->coefficients > 0 && (o->proto_h < 1 || o->proto_w < 1 || o->proto_h > 8192 || o->proto_w > 8192)))
        return urs_fail(err, URS_EINVAL, "%d mask prototypes of %d x %d", o->coefficients, o->proto_h, o->proto_w);
    return URS_OK;
}

urs_status urs_yolo_loss_new(urs_yolo_loss **out, const urs_yolo_loss_options *options, urs_error *err)
{
    urs_yolo_loss *y = urs_array_new(1, sizeof(*y));
    urs_status status;
    size_t cells;

    if (!y)
        return urs_fail(err, URS_ENOMEM, "no memory for a detection loss");
    y->options = *options;
    fill_defaults(&y->options);
    status = check_options(&y->options, err);
    if (status != URS_OK)
        goto done;
    for (int32_t i = 0; i < y->options.n_levels; i++)
        y->first[i + 1] = y->first[i] + (int64_t)y->options.levels[i].h * y->options.levels[i].w;
    y->anchors = y->first[y->options.n_levels];
    cells = (size_t)y->options.batch * (size_t)y->anchors; /* bounded by the checks: 2^12 * 5 * 2^24 */
    y->target = urs_array_new(cells, sizeof(*y->target));
    y->score = urs_array_new(cells, sizeof(*y->score));
    y->box = urs_array_new(cells, 4 * sizeof(*y->box));
    y->decoded = urs_array_new(cells, 1);
    y->claimed = urs_array_new((size_t)y->anchors, sizeof(*y->claimed));
    y->best = urs_array_new((size_t)y->options.targets_max, 2 * sizeof(*y->best));
    y->mask_row = urs_array_new((size_t)y->options.proto_w, sizeof(*y->mask_row));
    if (!y->target || !y->score || !y->box || !y->decoded || !y->claimed || !y->best || !y->mask_row) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a detection loss of %zu anchors", cells);
        goto done;
    }
    *out = y;
    y = NULL;
done:
    urs_yolo_loss_free(y);
    return status;
}

void urs_yolo_loss_free(urs_yolo_loss *y)
{
    if (!y)
        return;
    urs_free(y->target);
    urs_free(y->score);
    urs_free(y->box);
    urs_free(y->decoded);
    urs_free(y->claimed);
    urs_free(y->best);
    urs_free(y->mask_row);
    urs_free(y);
}

int64_t urs_yolo_loss_anchors(const urs_yolo_loss *y)
{
    return y->anchors;
}

void urs_yolo_loss_assignment(const urs_yolo_loss *y, int32_t image, const int32_t **target, const float **score)
{
    *target = y->target + (int64_t)image * y->anchors;
    *score = y->score + (int64_t)image * y->anchors;
}

/* What a run carries around. */
typedef struct run {
    urs_yolo_loss *y;
    const urs_yolo_gradients *gradients; /* NULL: only values */
    double box_scale, dfl_scale, cls_scale, mask_scale; /* gain * images / normaliser */
    double box, dfl, cls, mask;                         /* sums */
} run;

static void zero_gradients(const urs_yolo_loss *y, const urs_yolo_gradients *g)
{
    const urs_yolo_loss_options *o = &y->options;

    for (int32_t level = 0; level < o->n_levels; level++) {
        const size_t plane = (size_t)y->n * urs_yolo_map_plane(y, level) * sizeof(float);

        memset(g->box[level], 0, plane * 4 * (size_t)o->bins);
        if (o->coefficients > 0)
            memset(g->coef[level], 0, plane * (size_t)o->coefficients);
    }
    if (o->coefficients > 0)
        memset(g->proto, 0, (size_t)y->n * (size_t)o->coefficients * (size_t)o->proto_h * (size_t)o->proto_w * sizeof(float));
}

/* CIoU and DFL of one foreground anchor; both end in the bins of its four sides. */
static void box_loss(run *r, int32_t image, int64_t anchor, urs_yolo_anchor at, int32_t target)
{
    urs_yolo_loss *y = r->y;
    const int32_t bins = y->options.bins;
    const size_t cell = (size_t)image * (size_t)y->anchors + (size_t)anchor, plane = urs_yolo_map_plane(y, at.level);
    const size_t offset = urs_yolo_map_offset(y, at, image, 4 * bins);
    const double weight = (double)y->score[cell], stride = (double)y->options.levels[at.level].stride;
    const double *box = y->box + 4 * cell, centre[2] = {at.x + 0.5, at.y + 0.5};
    const float *truth = y->targets[image].boxes + 4 * target;
    double wanted[4], by_box[4];

    for (int i = 0; i < 4; i++)
        wanted[i] = (double)truth[i] / stride;
    r->box += weight * (1 - urs_yolo_ciou(box, wanted, by_box));

    for (int side = 0; side < 4; side++) {
        const float *map = y->outputs.box[at.level] + offset + (size_t)side * (size_t)bins * plane;
        const double sign = side < 2 ? -1 : 1; /* the distance grows against x1, y1 and with x2, y2 */
        double logits[URS_YOLO_BINS_MAX], by_logit[URS_YOLO_BINS_MAX], top = (double)map[0], sum = 0;
        const double distance = sign * (box[side] - centre[side % 2]), by_distance = -sign * by_box[side] * weight * r->box_scale;

        for (int32_t i = 0; i < bins; i++) {
            logits[i] = (double)map[(size_t)i * plane];
            top = fmax(top, logits[i]);
        }
        for (int32_t i = 0; i < bins; i++)
            sum += exp(logits[i] - top);
        r->dfl += weight * urs_yolo_dfl(logits, bins, sign * (wanted[side] - centre[side % 2]), by_logit) / 4;
        for (int32_t i = 0; r->gradients && i < bins; i++) {
            /* the distance is the expectation of the bins: its derivative by logit i is p_i (i - distance) */
            const double p = exp(logits[i] - top) / sum;
            const double d = by_distance * p * ((double)i - distance) + by_logit[i] * weight * r->dfl_scale / 4;

            r->gradients->box[at.level][offset + ((size_t)side * (size_t)bins + (size_t)i) * plane] = (float)d;
        }
    }
}

/* Class BCE over all anchors and classes of one image and level. */
static void class_loss(run *r, int32_t image, int32_t level)
{
    const urs_yolo_loss *y = r->y;
    const size_t plane = urs_yolo_map_plane(y, level), start = (size_t)image * (size_t)y->options.classes * plane;
    const size_t cell = (size_t)image * (size_t)y->anchors + (size_t)y->first[level];
    const int32_t *classes = y->targets[image].classes;

    for (int32_t c = 0; c < y->options.classes; c++)
        for (size_t i = 0; i < plane; i++) {
            const size_t at = start + (size_t)c * plane + i;
            const int32_t target = y->target[cell + i];
            const double x = (double)y->outputs.cls[level][at], e = exp(-fabs(x));
            const double t = target >= 0 && classes[target] == c ? (double)y->score[cell + i] : 0;

            r->cls += fmax(x, 0) - x * t + log1p(e);
            if (r->gradients)
                r->gradients->cls[level][at] = (float)(((x >= 0 ? 1 / (1 + e) : e / (1 + e)) - t) * r->cls_scale);
        }
}

static void image_loss(run *r, int32_t image)
{
    urs_yolo_loss *y = r->y;
    const bool masks = y->options.coefficients > 0 && y->targets[image].index_map;

    for (int32_t level = 0; level < y->options.n_levels; level++)
        class_loss(r, image, level);
    for (int64_t i = 0; i < y->anchors; i++) {
        const int32_t target = y->target[(int64_t)image * y->anchors + i];
        const urs_yolo_anchor at = urs_yolo_anchor_at(y, i);

        if (target < 0)
            continue;
        box_loss(r, image, i, at, target);
        if (masks)
            r->mask += urs_yolo_mask_loss(y, image, at, target, r->mask_scale, r->gradients ? r->gradients->coef[at.level] : NULL,
                                          r->gradients ? r->gradients->proto : NULL);
    }
}

urs_status urs_yolo_loss_run(urs_yolo_loss *y, urs_yolo_parts *parts, const urs_yolo_gradients *gradients, const urs_yolo_sums *totals, urs_error *err)
{
    const urs_yolo_loss_options *o = &y->options;
    const double score_sum = fmax(totals->score_sum, 1), foreground = totals->foreground > 0 ? (double)totals->foreground : 1;
    const double images = (double)totals->images;
    run r = {.y = y,
             .gradients = gradients,
             .box_scale = o->box_gain * images / score_sum,
             .dfl_scale = o->dfl_gain * images / score_sum,
             .cls_scale = o->cls_gain * images / score_sum,
             .mask_scale = o->mask_gain * images / foreground};

    if (y->n < 1)
        return urs_fail(err, URS_EINVAL, "the detection loss was asked for before targets were assigned");
    if (totals->images < y->n)
        return urs_fail(err, URS_EINVAL, "the batch's totals are of %lld images, but this part has %d", (long long)totals->images, y->n);
    if (gradients)
        zero_gradients(y, gradients);
    for (int32_t i = 0; i < y->n; i++)
        image_loss(&r, i);
    parts->box = r.box / score_sum;
    parts->dfl = r.dfl / score_sum;
    parts->cls = r.cls / score_sum;
    parts->mask = r.mask / foreground;
    parts->total = (o->box_gain * parts->box + o->cls_gain * parts->cls + o->dfl_gain * parts->dfl + o->mask_gain * parts->mask) * images;
    return URS_OK;
}
