/* Reliability of probabilities; see calibration_curve.h. */
#include "eval/calibration_curve.h"

#include <math.h>

urs_status urs_reliability_measure(urs_reliability *out, const double *p, const uint8_t *truth, size_t n, size_t bins, urs_error *err)
{
    urs_reliability r = {.bins = bins ? bins : 10, .total = n};
    double confidence[URS_RELIABILITY_BINS_MAX] = {0}, right[URS_RELIABILITY_BINS_MAX] = {0};
    if (n == 0 || r.bins > URS_RELIABILITY_BINS_MAX)
        return urs_fail(err, URS_EINVAL, "reliability needs at least one probability and at most %d bins", URS_RELIABILITY_BINS_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t bin;
        const double miss = p[i] - (truth[i] ? 1 : 0);
        if (!(p[i] >= 0 && p[i] <= 1))
            return urs_fail(err, URS_EINVAL, "probability %zu is not between 0 and 1", i);
        bin = (size_t)(p[i] * (double)r.bins);
        if (bin >= r.bins)
            bin = r.bins - 1;
        r.count[bin]++;
        confidence[bin] += p[i];
        right[bin] += truth[i] != 0;
        r.brier += miss * miss / (double)n;
    }
    for (size_t b = 0; b < r.bins; b++) {
        r.confidence[b] = r.share[b] = NAN;
        if (r.count[b]) {
            const double weight = (double)r.count[b];
            r.confidence[b] = confidence[b] / weight;
            r.share[b] = right[b] / weight;
            const double gap = fabs(r.share[b] - r.confidence[b]);
            r.ece += weight / (double)n * gap;
            r.mce = gap > r.mce ? gap : r.mce;
        }
    }
    *out = r;
    return URS_OK;
}

json_t *urs_reliability_json(const urs_reliability *r)
{
    json_t *bins = json_array();
    for (size_t b = 0; bins && b < r->bins; b++)
        (void)json_array_append_new(bins, json_pack("{s:I, s:o, s:o}", "count", (json_int_t)r->count[b], "probability",
                                                    r->count[b] ? json_real(r->confidence[b]) : json_null(), "share",
                                                    r->count[b] ? json_real(r->share[b]) : json_null()));
    return json_pack("{s:I, s:f, s:f, s:f, s:o}", "count", (json_int_t)r->total, "ece", r->ece, "mce", r->mce, "brier", r->brier, "bins", bins);
}
