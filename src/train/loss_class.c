/* Softmax cross-entropy and binary cross-entropy; see loss_class.h. */
#include "train/loss_class.h"

#include <math.h>
#include <stddef.h>

double urs_softmax_loss_weight(const int32_t *labels, int64_t n, const float *class_weights)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        if (labels[i] >= 0)
            sum += class_weights ? (double)class_weights[labels[i]] : 1.0;
    return sum;
}

static double class_weight(const urs_softmax_loss_options *options, int64_t c)
{
    return options->class_weights ? (double)options->class_weights[c] : 1.0;
}

/* One row: returns its part of the value (not yet divided) and writes its gradient. */
static double softmax_row(float *d, const float *x, int32_t label, int64_t k, const urs_softmax_loss_options *options, double smooth_weights, double scale)
{
    const double eps = options->label_smoothing;
    const double hard = (1 - eps) * class_weight(options, label), soft = eps / (double)k;
    double top = (double)x[0], sum = 0, log_sum, value;

    for (int64_t c = 1; c < k; c++)
        top = fmax(top, (double)x[c]);
    for (int64_t c = 0; c < k; c++)
        sum += exp((double)x[c] - top);
    log_sum = top + log(sum);

    value = hard * (log_sum - (double)x[label]);
    if (soft > 0)
        for (int64_t c = 0; c < k; c++)
            value += soft * class_weight(options, c) * (log_sum - (double)x[c]);
    if (d) {
        const double mass = hard + soft * smooth_weights; /* all the target weight of this row, which multiplies the softmax */

        for (int64_t c = 0; c < k; c++) {
            double g = mass * exp((double)x[c] - log_sum) - soft * class_weight(options, c);
            if (c == label)
                g -= hard;
            d[c] = (float)(g * scale);
        }
    }
    return value;
}

urs_status urs_softmax_loss(double *value, float *d_logits, int64_t *correct, const float *logits, const int32_t *labels, int64_t n, int64_t k,
                            const urs_softmax_loss_options *options, urs_error *err)
{
    static const urs_softmax_loss_options none = {0};
    double normaliser, smooth_weights = 0, sum = 0;
    int64_t right = 0;

    if (!options)
        options = &none;
    if (n < 1 || k < 1)
        return urs_fail(err, URS_EINVAL, "cross-entropy of %lld rows with %lld classes", (long long)n, (long long)k);
    if (!(options->label_smoothing >= 0 && options->label_smoothing <= 1))
        return urs_fail(err, URS_EINVAL, "label smoothing %g is not between 0 and 1", options->label_smoothing);
    for (int64_t i = 0; i < n; i++)
        if (labels[i] >= k)
            return urs_fail(err, URS_EINVAL, "label %d of row %lld, but there are only %lld classes", labels[i], (long long)i, (long long)k);
    normaliser = options->normaliser > 0 ? options->normaliser : urs_softmax_loss_weight(labels, n, options->class_weights);
    if (!(normaliser > 0))
        return urs_fail(err, URS_EINVAL, "no row of the batch has a label with a weight");

    for (int64_t c = 0; c < k; c++)
        smooth_weights += class_weight(options, c);
    for (int64_t i = 0; i < n; i++) {
        const float *x = logits + i * k;
        float *d = d_logits ? d_logits + i * k : NULL;
        int64_t best = 0;

        if (labels[i] < 0) {
            for (int64_t c = 0; d && c < k; c++)
                d[c] = 0;
            continue;
        }
        sum += softmax_row(d, x, labels[i], k, options, smooth_weights, 1 / normaliser);
        for (int64_t c = 1; c < k; c++)
            if (x[c] > x[best])
                best = c;
        right += best == labels[i];
    }
    *value = sum / normaliser;
    if (correct)
        *correct = right;
    return URS_OK;
}

double urs_bce_loss(float *d_logits, const float *logits, const float *targets, int64_t count, double positive_weight, double normaliser)
{
    const double p = positive_weight > 0 ? positive_weight : 1, scale = 1 / (normaliser > 0 ? normaliser : (double)(count > 0 ? count : 1));
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        const double x = (double)logits[i], t = (double)targets[i], e = exp(-fabs(x));
        const double soft = log1p(e); /* log(1 + exp(-|x|)), never overflows */
        const double lose = fmax(-x, 0) + soft, win = fmax(x, 0) + soft; /* -log sigmoid(x), -log(1 - sigmoid(x)) */
        const double sigmoid = x >= 0 ? 1 / (1 + e) : e / (1 + e);

        sum += p * t * lose + (1 - t) * win;
        if (d_logits)
            d_logits[i] = (float)(((1 - t) * sigmoid - p * t * (1 - sigmoid)) * scale);
    }
    return sum * scale;
}
