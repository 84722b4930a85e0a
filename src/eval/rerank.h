/* Retrieval that looks at neighbourhoods: k-reciprocal re-ranking (Zhong et al. 2017) and query expansion; spec/models.md 9.
 *
 * Re-ranking, over all images N = queries and gallery: D = squared distances, each row over its largest. R(i,k): those j among the first k+1 of i that have i among their own
 * first k+1. R(i,k1) grows by R(j, k1/2) of its members j where more than two thirds of that lie in R(i,k1) already. V_i(j) = exp(-D_ij) on the grown set, summing to 1; V_i
 * becomes the mean of V over the first k2 of i.
 *
 *      J_ij = 1 - m / (2 - m), m = sum_j min(V_i, V_j)      result = (1 - lambda) J + lambda D
 *
 * Memory and time grow with N squared: thousands of chips. It presumes that individuals have several pictures; with many single ones it can hurt, so measure. Thread safe. */
#ifndef URS_EVAL_RERANK_H
#define URS_EVAL_RERANK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_RERANK_IMAGES_MAX 20000

typedef struct urs_rerank_options {
    int32_t k1, k2; /* 0: 20, 6 */
    double lambda;  /* 0: 0.3 */
} urs_rerank_options;

/* distance [queries][gallery], overwritten: small is near. gallery NULL, count 0: the queries among themselves, distance [queries][queries]; that is also what each of them gets as the
 * only query against the others. Embeddings of unit length, rows of `dim`. URS_EINVAL, URS_ELIMIT, URS_ENOMEM. */
urs_status urs_rerank(float *distance, const float *query, size_t queries, const float *gallery, size_t count, int32_t dim, const urs_rerank_options *options,
                      urs_error *err) URS_CHECKED;

/* Query expansion (Radenovic et al. 2018): a query becomes the unit vector along itself plus its k nearest of the gallery (by cosine), each times cosine^alpha (0 where the cosine is not
 * positive). out [queries][dim], may be `query` itself. */
urs_status urs_expand_queries(float *out, const float *query, size_t queries, const float *gallery, size_t count, int32_t dim, int32_t k, double alpha,
                              urs_error *err) URS_CHECKED;

#endif
