/* From an embedding to candidates and a verdict; see identify.h. */
#include "catalogue/identify.h"

#include <math.h>

urs_status urs_identify(urs_identification *out, const urs_search *search, const float *embedding, size_t k, const urs_identify_options *options, urs_error *err)
{
    static const urs_identify_options defaults = {0};
    static const urs_calibration no_calibration = {0};
    const urs_identify_options *o = options ? options : &defaults;
    const urs_calibration *cal = o->calibration ? o->calibration : &no_calibration;
    urs_search_hit hits[URS_CANDIDATES_MAX];
    double p[URS_CANDIDATES_MAX], p_new = 1;
    size_t count = 0;
    if (k < 1 || k > URS_CANDIDATES_MAX)
        return urs_fail(err, URS_EINVAL, "1 to %d candidates can be asked for, not %zu", URS_CANDIDATES_MAX, k);
    if (urs_search_count(search) > 0) {
        const urs_status status = urs_search_bears(search, embedding, URS_CANDIDATES_MAX, NULL, hits, &count, err);
        if (status != URS_OK)
            return status;
    }
    for (size_t i = 0; i < count; i++)
        p[i] = urs_calibration_probability(cal, (double)hits[i].score);
    if (count > 0)
        urs_verdict_posterior(p, count, urs_search_bear_count(search), cal->prior, o->new_prior, p, &p_new);
    out->count = count < k ? count : k;
    for (size_t i = 0; i < out->count; i++)
        out->candidate[i] = (urs_candidate){.bear = hits[i].bear, .chip = hits[i].chip, .score = hits[i].score, .probability = p[i]};
    out->p_new = p_new;
    out->verdict = urs_identify_verdict(count > 0 ? p[0] : NAN, p_new, &o->verdict);
    return URS_OK;
}

urs_verdict urs_identify_verdict(double best, double p_new, const urs_verdict_options *options)
{
    const urs_verdict_options known = {.known_at = options->known_at, .new_below = -1};
    const urs_verdict_options fresh = {.known_at = 2, .new_below = options->new_below};
    if (isnan(best) || urs_verdict_decide(best, &known) == URS_VERDICT_KNOWN)
        return isnan(best) ? URS_VERDICT_NEW : URS_VERDICT_KNOWN;
    return urs_verdict_decide(1 - p_new, &fresh);
}
