/* From which probability on groups of new heads are joined (cluster.h), chosen on validation chips. */
#ifndef URS_CATALOGUE_GROUP_FIT_H
#define URS_CATALOGUE_GROUP_FIT_H

#include "catalogue/cluster.h"

typedef struct urs_group_fit {
    double join_at;   /* for urs_cluster_options.threshold, with the calibration it was fitted for */
    double cosine;    /* the same as a mean cosine */
    double rand;      /* mean adjusted Rand index over the galleries at that threshold */
    size_t galleries;
} urs_group_fit;

/* The threshold with the highest mean adjusted Rand index over galleries, each grouped for itself; of equal ones the highest, which joins least. It is searched for among mean cosines of -0.2, -0.19 .. 0.99.
 * embeddings [n][dim] normalised, identity [n], gallery [n]: rows of one gallery stand together. cal may be NULL. Of individuals that the embedder was not trained on, few chips each, else the one with
 * most of them decides. URS_EINVAL: no chips. */
urs_status urs_group_fit_chips(urs_group_fit *out, const float *embeddings, const int64_t *identity, const int64_t *gallery, size_t n, int32_t dim, const urs_calibration *cal, urs_linkage linkage,
                               urs_error *err) URS_CHECKED;

#endif
