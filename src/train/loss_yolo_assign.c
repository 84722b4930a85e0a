/* Phase one of the YOLOv8 loss: which anchor learns which target (task-aligned assigner; see loss_yolo.h, spec section 5.1).
 *
 *      anchors whose centre is in the target's box
 *        -> alignment = score^alpha * overlap^beta      the prediction's class score and CIoU with the target
 *        -> the top_k of each target claim it
 *        -> an anchor claimed by several goes to the target (of all it lies in) with the largest overlap
 *        -> target score = alignment * (largest overlap of the target) / (largest alignment of the target) */
#include "train/loss_yolo_private.h"

#include <math.h>
#include <string.h>

urs_yolo_anchor urs_yolo_anchor_at(const urs_yolo_loss *y, int64_t anchor)
{
    urs_yolo_anchor at = {0, 0, 0};
    int32_t in_level;

    while (anchor >= y->first[at.level + 1])
        at.level++;
    in_level = (int32_t)(anchor - y->first[at.level]);
    at.y = in_level / y->options.levels[at.level].w;
    at.x = in_level % y->options.levels[at.level].w;
    return at;
}

/* The predicted box of an anchor in stride units: centre plus and minus the expectation of each side's bins. Only decoded where somebody asks. */
static const double *decode(urs_yolo_loss *y, int32_t image, int64_t anchor, urs_yolo_anchor at)
{
    const int32_t bins = y->options.bins;
    const size_t cell = (size_t)image * (size_t)y->anchors + (size_t)anchor, plane = urs_yolo_map_plane(y, at.level);
    const float *map = y->outputs.box[at.level] + urs_yolo_map_offset(y, at, image, 4 * bins);
    double *box = y->box + 4 * cell;

    if (y->decoded[cell])
        return box;
    for (int side = 0; side < 4; side++, map += (size_t)bins * plane) {
        double top = (double)map[0], sum = 0, mean = 0;

        for (int32_t i = 1; i < bins; i++)
            top = fmax(top, (double)map[(size_t)i * plane]);
        for (int32_t i = 0; i < bins; i++) {
            const double e = exp((double)map[(size_t)i * plane] - top);
            sum += e;
            mean += e * (double)i;
        }
        box[side] = (side % 2 ? at.y + 0.5 : at.x + 0.5) + (side < 2 ? -mean : mean) / sum;
    }
    y->decoded[cell] = 1;
    return box;
}

static bool inside(const urs_yolo_loss *y, urs_yolo_anchor at, const float *box)
{
    const double stride = (double)y->options.levels[at.level].stride, cx = (at.x + 0.5) * stride, cy = (at.y + 0.5) * stride;

    return fmin(fmin(cx - (double)box[0], cy - (double)box[1]), fmin((double)box[2] - cx, (double)box[3] - cy)) > 1e-9;
}

static double overlap(urs_yolo_loss *y, int32_t image, int64_t anchor, urs_yolo_anchor at, const float *box)
{
    const double stride = (double)y->options.levels[at.level].stride;
    const double *p = decode(y, image, anchor, at);
    const double predicted[4] = {p[0] * stride, p[1] * stride, p[2] * stride, p[3] * stride};
    const double wanted[4] = {(double)box[0], (double)box[1], (double)box[2], (double)box[3]};

    return fmax(0, urs_yolo_ciou(wanted, predicted, NULL));
}

static double alignment(const urs_yolo_loss *y, int32_t image, urs_yolo_anchor at, int32_t class, double u)
{
    const urs_yolo_loss_options *o = &y->options;
    const double x = (double)y->outputs.cls[at.level][urs_yolo_map_offset(y, at, image, o->classes) + (size_t)class * urs_yolo_map_plane(y, at.level)];

    return urs_yolo_alignment(1 / (1 + exp(-x)), u, o->alpha, o->beta);
}

/* Keeps the top_k candidates sorted, best first; of equals the one met first. Returns the new count. */
static int32_t keep(int64_t *anchors, double *values, int32_t n, int32_t top_k, int64_t anchor, double value)
{
    int32_t i = n;

    if (n == top_k && value <= values[n - 1])
        return n;
    if (n == top_k)
        i = n - 1;
    for (; i > 0 && values[i - 1] < value; i--) {
        values[i] = values[i - 1];
        anchors[i] = anchors[i - 1];
    }
    values[i] = value;
    anchors[i] = anchor;
    return n < top_k ? n + 1 : n;
}

/* The anchors that one target claims. A claim is noted as the number of claimants and the latest of them. */
static void claim(urs_yolo_loss *y, int32_t image, const urs_yolo_targets *targets, int32_t target)
{
    const urs_yolo_loss_options *o = &y->options;
    const float *box = targets->boxes + 4 * target;
    int64_t anchors[URS_YOLO_TOP_MAX];
    double values[URS_YOLO_TOP_MAX];
    int32_t n = 0;

    for (int32_t level = 0; level < o->n_levels; level++)
        for (int32_t row = 0; row < o->levels[level].h; row++) {
            const double cy = (row + 0.5) * o->levels[level].stride;

            if (cy <= (double)box[1] || cy >= (double)box[3])
                continue;
            for (int32_t column = 0; column < o->levels[level].w; column++) {
                const urs_yolo_anchor at = {level, column, row};
                const int64_t anchor = y->first[level] + (int64_t)row * o->levels[level].w + column;

                if (inside(y, at, box))
                    n = keep(anchors, values, n, o->top_k, anchor,
                             alignment(y, image, at, targets->classes[target], overlap(y, image, anchor, at, box)));
            }
        }
    for (int32_t i = 0; i < n; i++) {
        y->claimed[anchors[i]]++;
        y->target[(int64_t)image * y->anchors + anchors[i]] = target;
    }
}

static int32_t largest_overlap(urs_yolo_loss *y, int32_t image, int64_t anchor, const urs_yolo_targets *targets)
{
    const urs_yolo_anchor at = urs_yolo_anchor_at(y, anchor);
    int32_t best = -1;
    double best_overlap = -1;

    for (int32_t i = 0; i < targets->n; i++) {
        double u;

        if (!inside(y, at, targets->boxes + 4 * i))
            continue;
        u = overlap(y, image, anchor, at, targets->boxes + 4 * i);
        if (u > best_overlap) {
            best_overlap = u;
            best = i;
        }
    }
    return best;
}

static void assign_image(urs_yolo_loss *y, int32_t image, const urs_yolo_targets *targets, urs_yolo_sums *sums)
{
    int32_t *target = y->target + (int64_t)image * y->anchors;
    float *score = y->score + (int64_t)image * y->anchors;

    for (int64_t i = 0; i < y->anchors; i++) {
        target[i] = -1;
        score[i] = 0;
        y->claimed[i] = 0;
    }
    memset(y->decoded + (int64_t)image * y->anchors, 0, (size_t)y->anchors);
    memset(y->best, 0, (size_t)targets->n * 2 * sizeof(double));
    for (int32_t i = 0; i < targets->n; i++)
        claim(y, image, targets, i);

    for (int64_t i = 0; i < y->anchors; i++) {
        const urs_yolo_anchor at = urs_yolo_anchor_at(y, i);
        double u, value, *best;

        if (y->claimed[i] > 1)
            target[i] = largest_overlap(y, image, i, targets);
        if (target[i] < 0)
            continue;
        u = overlap(y, image, i, at, targets->boxes + 4 * target[i]);
        value = alignment(y, image, at, targets->classes[target[i]], u);
        score[i] = (float)value;
        best = y->best + 2 * target[i];
        best[0] = fmax(best[0], value);
        best[1] = fmax(best[1], u);
    }
    for (int64_t i = 0; i < y->anchors; i++) {
        const double *best = y->best + 2 * (target[i] < 0 ? 0 : target[i]);

        if (target[i] < 0)
            continue;
        score[i] = (float)((double)score[i] * best[1] / (best[0] + 1e-9));
        sums->score_sum += (double)score[i];
        sums->foreground++;
    }
}

static urs_status check_targets(const urs_yolo_loss *y, int32_t image, const urs_yolo_targets *t, urs_error *err)
{
    if (t->n < 0 || t->n > y->options.targets_max)
        return urs_fail(err, URS_EINVAL, "image %d of the batch has %d targets, more than the %d accepted", image, t->n, y->options.targets_max);
    for (int32_t i = 0; i < t->n; i++) {
        if (t->classes[i] < 0 || t->classes[i] >= y->options.classes)
            return urs_fail(err, URS_EINVAL, "target %d of image %d has class %d, but there are %d classes", i, image, t->classes[i], y->options.classes);
        for (int k = 0; k < 4; k++)
            if (!isfinite(t->boxes[4 * i + k]))
                return urs_fail(err, URS_EINVAL, "the box of target %d of image %d is not finite", i, image);
    }
    return URS_OK;
}

urs_status urs_yolo_loss_assign(urs_yolo_loss *y, urs_yolo_sums *sums, const urs_yolo_outputs *outputs, const urs_yolo_targets *targets, int32_t n,
                                urs_error *err)
{
    urs_yolo_sums found = {0};

    y->n = 0;
    if (n < 1 || n > y->options.batch)
        return urs_fail(err, URS_EINVAL, "the detection loss got %d images, made for 1 to %d", n, y->options.batch);
    for (int32_t i = 0; i < n; i++) {
        const urs_status status = check_targets(y, i, &targets[i], err);
        if (status != URS_OK)
            return status;
    }
    y->outputs = *outputs;
    y->targets = targets;
    for (int32_t i = 0; i < n; i++)
        assign_image(y, i, &targets[i], &found);
    found.images = n;
    y->n = n;
    *sums = found;
    return URS_OK;
}

void urs_yolo_sums_add(urs_yolo_sums *total, const urs_yolo_sums *part)
{
    total->score_sum += part->score_sum;
    total->foreground += part->foreground;
    total->images += part->images;
}
