/* The embedding head in closed form: what a trunk's features can do before, or without, training by gradients.
 *
 *      chips (plain, augmented) --trunk--> features [F] | regions [C,g,g]   --standardise each channel--> z
 *      z minus the mean of its tree --principal components, weight 1/sqrt(variance)--> embedding [D]         "whitening"
 *      bias: the mean embedding of the target's individuals becomes 0                                        "centring"
 *
 * Features of one species point into one direction, and the cosine then mostly says "a bear"; centring takes that away, whitening keeps a few strong directions (pose, light,
 * background) from drowning the rest (Jegou and Chum 2012). Both need no labels of bears, so there is nothing to overfit; docs/results/embed.md has what they are worth. */
#ifndef URS_STAGES_EMBED_HEAD_H
#define URS_STAGES_EMBED_HEAD_H

#include "data/chips.h"
#include "stages/network.h"

typedef struct urs_embed_head_options {
    urs_pool *pool;                  /* borrowed; NULL: one thread */
    const urs_chip_augment *augment; /* of the second view of each chip; NULL: only the plain view */
    double shrink;                   /* added to each variance, as a share of their mean, before whitening; 0: 0.1 */
    uint64_t seed;
} urs_embed_head_options;

/* Overwrites the parameters of network's head (plain, with norm; networks with hidden layers are refused: URS_EUNSUPPORTED) from training chips, at most four of an individual: those of the
 * other trees, or the target's where there are none. */
urs_status urs_embed_head_start(urs_network *network, const urs_chips *chips, const size_t *all, size_t all_count, const urs_embed_head_options *options, urs_error *err) URS_CHECKED;

/* Moves the bias so that the mean of the embeddings of the target's chips among `items` is 0: every individual counts the same, as do plain and masked (oval) views and both
 * mirror images. params: a block of network->graph (network->params or a trainer's). URS_EINVAL: no target chips. */
urs_status urs_embed_head_centre(const urs_network *network, float *params, const urs_chips *chips, const size_t *items, size_t count, const urs_embed_head_options *options,
                                 urs_error *err) URS_CHECKED;

#endif
