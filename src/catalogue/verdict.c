/* Verdicts and probabilities over all candidates; see verdict.h. */
#include "catalogue/verdict.h"

#include <math.h>

#define NEW_PRIOR 0.5
#define ODDS_MAX 1e12 /* of a pair probability of 1 */

urs_verdict urs_verdict_decide(double best_probability, const urs_verdict_options *options)
{
    const double known_at = options && options->known_at != 0 ? options->known_at : URS_VERDICT_KNOWN_AT;
    const double new_below = options && options->new_below != 0 ? options->new_below : URS_VERDICT_NEW_BELOW;
    if (isnan(best_probability) || best_probability < 0)
        return URS_VERDICT_NEW;
    if (best_probability >= known_at)
        return URS_VERDICT_KNOWN;
    return best_probability < new_below ? URS_VERDICT_NEW : URS_VERDICT_UNSURE;
}

const char *urs_verdict_name(urs_verdict verdict)
{
    switch (verdict) {
    case URS_VERDICT_KNOWN: return "known";
    case URS_VERDICT_NEW: return "new";
    case URS_VERDICT_UNSURE: break;
    }
    return "unsure";
}

static double likelihood_ratio(double p, double prior)
{
    double odds = p >= 1 ? ODDS_MAX : p > 0 ? p / (1 - p) : 0;
    if (prior > 0 && prior < 1)
        odds *= (1 - prior) / prior;
    return odds < ODDS_MAX ? odds : ODDS_MAX;
}

void urs_verdict_posterior(const double *p, size_t n, size_t bears, double prior, double new_prior, double *posterior, double *p_new)
{
    const double none = new_prior > 0 && new_prior < 1 ? new_prior : NEW_PRIOR;
    const double each = (1 - none) / (double)(bears > n ? bears : n > 0 ? n : 1);
    double total = none;
    for (size_t i = 0; i < n; i++) {
        posterior[i] = each * likelihood_ratio(p[i], prior);
        total += posterior[i];
    }
    for (size_t i = 0; i < n; i++)
        posterior[i] /= total;
    if (p_new)
        *p_new = none / total;
}
