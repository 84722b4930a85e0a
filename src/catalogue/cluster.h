/* Groups chips that look alike and proposes them as new bears, for an empty catalogue.
 *
 * Agglomerative clustering on the cosine (nearest-neighbour chains, Murtagh 1983): O(n^2) time, n^2/2 floats of memory. Two groups are joined while the calibrated
 * probability of the cosine between them (the mean, with average linkage) is at least the threshold. Two heads in one frame are two bears, so their groups are never joined. Deterministic: depends on the
 * order of the chips only in ties. */
#ifndef URS_CATALOGUE_CLUSTER_H
#define URS_CATALOGUE_CLUSTER_H

#include "base/error.h"
#include "catalogue/verdict.h"

#include <stddef.h>
#include <stdint.h>

#define URS_CLUSTER_CHIPS_MAX 20000

typedef enum urs_linkage { URS_LINKAGE_AVERAGE, URS_LINKAGE_SINGLE, URS_LINKAGE_COMPLETE } urs_linkage; /* mean, highest, lowest cosine between chips of two groups */

typedef struct urs_cluster_options {
    urs_linkage linkage;
    double threshold;     /* probability of "same bear"; 0: 0.5 */
    const int64_t *frame; /* borrowed [n]: frame of each chip, < 0 unknown; NULL: no such knowledge */
} urs_cluster_options;

/* embeddings [n][dim] normalised; cal may be NULL (then (1+cosine)/2). label[n] gets 0 .. *groups-1, numbered by first chip. options may be NULL.
 * URS_ELIMIT when n > URS_CLUSTER_CHIPS_MAX. */
urs_status urs_cluster_chips(size_t *label, size_t *groups, const float *embeddings, size_t n, int32_t dim, const urs_calibration *cal,
                             const urs_cluster_options *options, urs_error *err) URS_CHECKED;

#endif
