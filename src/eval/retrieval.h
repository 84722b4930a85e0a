/* Retrieval: does the right bear come out on top?
 *
 * Every query is ranked against the gallery by cosine. "Over chips": the right bear is among the first k chips. "Over bears": bears are ranked by their best chip, and the right one is among the first k
 * bears. A query whose bear has no (allowed) chip in the gallery is a lone query: it is counted, it is no miss and no hit at any k, and its best score goes to the new-bear test. One denominator
 * (answerable queries) for every k. Ties are counted against us: the wrong chip comes first. See spec/models.md section 8. */
#ifndef URS_EVAL_RETRIEVAL_H
#define URS_EVAL_RETRIEVAL_H

#include "base/error.h"
#include "base/text.h"
#include "eval/interval.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_HIT_KS 4 /* k = 1, 3, 5, 10 */
extern const int urs_hit_k[URS_HIT_KS];

typedef struct urs_retrieval_set {
    const float *embedding;  /* borrowed [count][dim], normalised */
    const int64_t *identity; /* borrowed [count], >= 0 */
    const int64_t *group;    /* borrowed [count]: burst or day, < 0 none; NULL: none. A gallery chip of the query's group is not looked at */
    size_t count;
} urs_retrieval_set;

typedef struct urs_retrieval_options {
    bool leave_one_out; /* query and gallery are the same set: item i is not its own answer */
    const float *similarity; /* borrowed [queries][gallery], large is near; NULL: the cosine. Embeddings are then not looked at */
    int rounds;         /* bootstrap; 0: 1000, negative: none */
    uint64_t seed;
} urs_retrieval_options;

typedef struct urs_retrieval_query {
    int64_t identity;
    bool answerable;
    size_t chip_rank, bear_rank; /* 1 = first; 0 when not answerable */
    double average_precision;    /* over the full ranking of chips; NaN when not answerable */
    float best_score;            /* of any allowed chip: the score of the new-bear test; -1 when the gallery is empty */
    float right_score;           /* best chip of the right bear; NaN when not answerable */
    int64_t best_identity;       /* answer: identity of the best chip, -1 when none */
} urs_retrieval_query;

typedef struct urs_retrieval_result {
    size_t queries, answerable, lone, gallery, identities; /* identities: of answerable queries */
    double mean_gallery_bears;                             /* bears a query is ranked among, for chance level */
    urs_interval chip_hit[URS_HIT_KS], bear_hit[URS_HIT_KS];
    urs_interval mean_ap, mrr;                             /* MRR over chips */
    urs_interval macro_bear_hit[URS_HIT_KS];               /* mean over individuals of their hit rate */
    double chance_hit1;                                    /* expected bear Hit@1 of a random ranking of bears */
    urs_retrieval_query *query;                            /* owned [queries] */
} urs_retrieval_result;

urs_status urs_retrieval_evaluate(urs_retrieval_result *out, const urs_retrieval_set *query, const urs_retrieval_set *gallery, int32_t dim,
                                  const urs_retrieval_options *options, urs_error *err) URS_CHECKED;
void urs_retrieval_release(urs_retrieval_result *r);
json_t *urs_retrieval_json(const urs_retrieval_result *r); /* new reference; without the queries */
void urs_retrieval_text(const urs_retrieval_result *r, urs_text *out);

#endif
