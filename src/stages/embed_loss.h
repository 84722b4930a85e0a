/* The losses that embed can be trained with, by name, and what of them looks at a whole batch.
 *
 *      arcface      train/loss_arcface.h; with a miner samples weigh as often as they were mined
 *      triplet, circle, contrastive     train/loss_metric.h, on the pairs and triplets of the miner
 *
 * Pairs cross the shards of a training step, so a urs_embed_batch collects the whole batch between the forward and the backward passes:
 *
 *      shards: put their rows  ->  once: combine (mine, evaluate)  ->  shards: take their rows of the gradient, or of the weights
 *
 * put may run in several threads at once for different rows; the rest in one. */
#ifndef URS_STAGES_EMBED_LOSS_H
#define URS_STAGES_EMBED_LOSS_H

#include "train/loss_metric.h"

typedef struct urs_embed_loss {
    bool arcface;              /* else `metric` */
    urs_metric_options metric;
    urs_miner_options miner;
} urs_embed_loss;

/* The words that options take, separated by "|". */
#define URS_EMBED_LOSSES "arcface|triplet|circle|contrastive"
#define URS_EMBED_MINERS "none|batch-hard|batch-semihard|triplets-all|triplets-hard|triplets-semihard|multi-similarity"

/* By names; NULL: "arcface", "none". margin 0: 0.2 for triplets (0.2 also the miner's), 0.4 for circle, 0.04 for contrastive; scale: circle's gamma, 0: 256.
 * URS_EINVAL: no such name. */
urs_status urs_embed_loss_find(urs_embed_loss *out, const char *loss, const char *miner, double margin, double scale, urs_error *err) URS_CHECKED;

typedef struct urs_embed_batch urs_embed_batch;

/* Owned; urs_embed_batch_free. */
urs_status urs_embed_batch_new(urs_embed_batch **out, const urs_embed_loss *loss, int32_t batch, int32_t dims, urs_error *err) URS_CHECKED;
void urs_embed_batch_free(urs_embed_batch *b);
void urs_embed_batch_put(urs_embed_batch *b, const float *embeddings, const int32_t *labels, int32_t first, int32_t count);
urs_status urs_embed_batch_combine(urs_embed_batch *b, urs_error *err) URS_CHECKED;
const float *urs_embed_batch_gradient(const urs_embed_batch *b); /* [batch][dims]; zero with ArcFace */
const float *urs_embed_batch_weights(const urs_embed_batch *b);  /* [batch], for ArcFace */
double urs_embed_batch_value(const urs_embed_batch *b);

#endif
