/* Chips of bears that the networks of some folds were not trained on, as calibration and grouping are fitted and judged on them.
 *
 *      fold 1: W1 --embed--> gallery 0 (chips as they are), gallery 1 (black outside of the head, as chips of photographs are)
 *      fold 2: W2 --embed--> gallery 2, gallery 3
 *      ...
 *
 * Chips of different galleries are not compared, so the networks' spaces may differ. At most URS_GALLERY_CHIPS chips of a bear are in one, else the one that is photographed most would decide. */
#ifndef URS_CLI_EMBED_GALLERIES_H
#define URS_CLI_EMBED_GALLERIES_H

#include "base/pool.h"
#include "data/chips.h"
#include "stages/network.h"

#define URS_GALLERY_CHIPS 6
#define URS_GALLERY_VIEWS 2

typedef struct urs_galleries { /* {0} is empty; rows of one gallery stand together */
    float *embedding;          /* owned [count][dim] */
    int64_t *identity, *group; /* owned [count]: group is the number of the gallery */
    size_t count;
    int64_t groups;
    int32_t dim;
} urs_galleries;

/* Adds the galleries of one network: the target's validation chips. path: of the network, for messages. URS_EMISMATCH: its vectors are of another length than those before. */
urs_status urs_galleries_add(urs_galleries *g, const urs_network *network, const char *path, const urs_chips *chips, urs_pool *pool, urs_error *err) URS_CHECKED;
void urs_galleries_release(urs_galleries *g);

#endif
