/* Which bear is it? Candidates with probabilities, and a verdict, for one embedding; and what is fitted for that on validation chips.
 *
 *      embedding --search--> best chip of every bear --calibration--> P(same bear | cosine) --posterior--> P(bear 1), P(bear 2), ..., P(none of them)
 *
 *      best P(bear)   >= known_at  -> known
 *      sum of P(bear) <  new_below -> new             (no bears at all: new)
 *      else                        -> unsure
 *
 * The calibration is of (chip, bear) pairs with the bear's best chip, because that is what is asked here: the best of many chips scores higher by chance than one chip does. */
#ifndef URS_CATALOGUE_IDENTIFY_H
#define URS_CATALOGUE_IDENTIFY_H

#include "catalogue/search.h"
#include "catalogue/verdict.h"

#define URS_CANDIDATES_MAX 256

typedef struct urs_candidate {
    int64_t bear, chip; /* the bear's chip that is most alike */
    float score;        /* cosine with it */
    double probability;
} urs_candidate;

typedef struct urs_identify_options {
    const urs_calibration *calibration; /* borrowed; NULL: none */
    urs_verdict_options verdict;        /* of the posterior, as above; 0: 0.8 and 0.2; known_at above 1 or new_below below 0: never */
    double new_prior;                   /* share of heads that are of no known bear, before looking; 0: 0.5 */
} urs_identify_options;

typedef struct urs_identification {
    urs_candidate candidate[URS_CANDIDATES_MAX]; /* best first */
    size_t count;                                /* all bears, at most `k` */
    double p_new;
    urs_verdict verdict;
} urs_identification;

/* search may be empty. k: 1 .. URS_CANDIDATES_MAX. Thread safe for a finished index. */
urs_status urs_identify(urs_identification *out, const urs_search *search, const float *embedding, size_t k, const urs_identify_options *options, urs_error *err) URS_CHECKED;

/* The rule above. best: the best candidate's probability, NaN when there is none. */
urs_verdict urs_identify_verdict(double best, double p_new, const urs_verdict_options *options);

typedef struct urs_identify_fit_options {
    double precision;     /* wished share of right ones among the verdicts "known", and among "new"; 0: 0.9 */
    double new_prior;     /* 0: 0.5 */
    bool never_isotonic;  /* logistic whatever the number of pairs; default: isotonic from 500 same-bear pairs on */
    const int64_t *group; /* borrowed [n]; only chips of one group are compared: a gallery each, as of networks whose spaces differ; NULL: one gallery */
} urs_identify_fit_options;

typedef struct urs_identify_fit {
    urs_calibration calibration; /* owned: urs_calibration_release */
    urs_verdict_options verdict; /* known_at 2: no threshold gives the wished precision, nothing will be called known; new_below -1 the same */
    size_t queries, known_cases, new_cases;
    double known_precision, known_share; /* at known_at, with all bears in the catalogue: share of right ones among "known", share of known cases that are called so */
    double new_precision, new_share;
    double alone_named, alone_wrong; /* in a catalogue of one bear: share of its heads that get its name, share of other bears' heads that do */
} urs_identify_fit;

/* Fits calibration and thresholds on chips of individuals that the embedder was not trained on: every chip is asked once with its own bear in the gallery (itself left out) and once
 * without that bear, in catalogues of 1, 2, 4 .. and all bears: the thresholds keep the wished precision in each of these sizes, as long as known and new heads come equally often.
 * embeddings [n][dim] normalised. URS_EINVAL: fewer than two bears, or none with two chips. */
urs_status urs_identify_fit_chips(urs_identify_fit *out, const float *embeddings, const int64_t *identity, size_t n, int32_t dim, const urs_identify_fit_options *options,
                                  urs_error *err) URS_CHECKED;

/* One question as above and what comes out: for measuring a calibration on other chips than it was fitted on. */
typedef struct urs_identify_case {
    int64_t identity;
    bool known;         /* its bear is in the gallery */
    bool first_is_own;  /* the best candidate is its bear; false for new cases */
    double best, p_new; /* probability of the best candidate, NaN without any; that it is none */
} urs_identify_case;

/* Both questions for every chip (the first only where its bear has another chip): owned array of *count. cal may be NULL: none. URS_EINVAL: fewer than two bears. */
urs_status urs_identify_cases(urs_identify_case **out, size_t *count, const float *embeddings, const int64_t *identity, size_t n, int32_t dim, const urs_calibration *cal, double new_prior,
                              urs_error *err) URS_CHECKED;

#endif
