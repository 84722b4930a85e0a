/* embed: from chips to vectors of length 1.
 *
 * The embedding of a chip is the normalised sum of the network's outputs for the chip and its mirror image (unless no_flip). Pictures are borrowed; results are rows of `dim`
 * floats in the caller's memory. An embedder belongs to one thread at a time; it uses the pool's threads itself. */
#ifndef URS_STAGES_EMBED_H
#define URS_STAGES_EMBED_H

#include "stages/runner.h"

typedef struct urs_embedder urs_embedder;

typedef struct urs_embedder_options {
    urs_pool *pool;  /* borrowed; NULL: one thread */
    int32_t batch;   /* 0: 8 */
    bool no_flip;
    const urs_backend *backend;
} urs_embedder_options;

/* network is borrowed. The network's output is "embedding", "features" or, failing these, its first one. */
urs_status urs_embedder_new(urs_embedder **out, const urs_network *network, const urs_embedder_options *options, urs_error *err) URS_CHECKED;
void urs_embedder_free(urs_embedder *embedder);
int32_t urs_embedder_dim(const urs_embedder *embedder);

/* embedding [n][dim], overwritten. */
urs_status urs_embedder_pictures(urs_embedder *embedder, float *embedding, const urs_image *const *pictures, size_t n, urs_error *err) URS_CHECKED;

#endif
