/* Search in memory: the k best bears, or chips, for an embedding.
 *
 *      rows   [count][dim] f32, L2-normalised, 64-byte aligned, in order of adding; row i belongs to chips[i] and bears[i]
 *
 * A score is a cosine, -1 .. 1. Ties are broken by the smaller chip id, so results do not depend on anything but the content. A query reads every row once, front to back; the loop is
 * meant to run at the speed of memory. Finished indexes can be searched from several threads; adding needs sole ownership. */
#ifndef URS_CATALOGUE_SEARCH_H
#define URS_CATALOGUE_SEARCH_H

#include "base/error.h"
#include "catalogue/catalogue.h"

#include <stddef.h>
#include <stdint.h>

typedef struct urs_search urs_search;

/* How chips' scores become a bear's score. */
typedef enum urs_bear_score {
    URS_BEAR_BEST,    /* its best chip */
    URS_BEAR_TOP2,    /* mean of its two best chips (of one, if it has one) */
    URS_BEAR_CENTROID /* cosine with the normalised mean of its chips */
} urs_bear_score;

typedef struct urs_search_options {
    urs_bear_score score;
    int64_t exclude_chip; /* this chip is not looked at; 0: none (leave-one-out; the centroid is not corrected for it) */
} urs_search_options;

typedef struct urs_search_hit {
    int64_t bear, chip; /* chip: the best one of the bear */
    float score;        /* the bear's (or the chip's) score */
    float chip_score;   /* cosine of `chip` */
} urs_search_hit;

/* dim 1 .. URS_EMBEDDING_DIM_MAX. Owned; urs_search_free. */
urs_status urs_search_new(urs_search **out, int32_t dim, urs_error *err) URS_CHECKED;
void urs_search_free(urs_search *s);

/* Copies and normalises the embedding [dim]. URS_EINVAL when it is zero or not finite. */
urs_status urs_search_add(urs_search *s, int64_t chip, int64_t bear, const float *embedding, urs_error *err) URS_CHECKED;

/* All live chips with a bear; URS_EMISMATCH when the catalogue's model is not `model`. An empty catalogue gives an empty index. */
urs_status urs_search_load(urs_search **out, urs_catalogue *c, const urs_catalogue_model *model, urs_error *err) URS_CHECKED;

size_t urs_search_count(const urs_search *s); /* chips */
size_t urs_search_bear_count(const urs_search *s);
int32_t urs_search_dim(const urs_search *s);

/* The k best, best first, into hits[k]; *count <= k. `query` [dim] need not be normalised. options may be NULL. */
urs_status urs_search_bears(const urs_search *s, const float *query, size_t k, const urs_search_options *options, urs_search_hit *hits, size_t *count,
                            urs_error *err) URS_CHECKED;
urs_status urs_search_chips(const urs_search *s, const float *query, size_t k, const urs_search_options *options, urs_search_hit *hits, size_t *count,
                            urs_error *err) URS_CHECKED;

#endif
