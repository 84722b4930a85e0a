/* Losses of embed by name, on whole batches; see embed_loss.h. */
#include "stages/embed_loss.h"

#include "base/memory.h"

#include <string.h>

struct urs_embed_batch {
    urs_embed_loss loss;
    int32_t n, dims;
    float *embeddings, *gradient, *weights;
    int32_t *labels;
    double value;
};

static const struct {
    const char *name;
    bool arcface;
    urs_metric_options metric; /* with the margin that is usual in training */
} losses[] = {
    {"arcface", true, {0}},
    {"triplet", false, {.kind = URS_METRIC_TRIPLET, .margin = 0.2}},
    {"circle", false, {.kind = URS_METRIC_CIRCLE, .margin = 0.4, .gamma = 256}},
    {"contrastive", false, {.kind = URS_METRIC_CONTRASTIVE, .margin = 0.04, .threshold = 0.6}},
};

static const struct {
    const char *name;
    urs_miner_options options;
} miners[] = {
    {"none", {0}},
    {"batch-hard", {.kind = URS_MINER_BATCH_EASY_HARD, .level = URS_MINER_HARD}},
    {"batch-semihard", {.kind = URS_MINER_BATCH_EASY_HARD, .level = URS_MINER_SEMIHARD}},
    {"triplets-all", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_ALL}},
    {"triplets-hard", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_HARD}},
    {"triplets-semihard", {.kind = URS_MINER_TRIPLET_MARGIN, .level = URS_MINER_SEMIHARD}},
    {"multi-similarity", {.kind = URS_MINER_MULTI_SIMILARITY}},
};

urs_status urs_embed_loss_find(urs_embed_loss *out, const char *loss, const char *miner, double margin, double scale, urs_error *err)
{
    const size_t n_losses = sizeof losses / sizeof losses[0], n_miners = sizeof miners / sizeof miners[0];
    urs_embed_loss found = {0};
    size_t l = 0, m = 0;
    while (loss && l < n_losses && strcmp(losses[l].name, loss) != 0)
        l++;
    while (miner && m < n_miners && strcmp(miners[m].name, miner) != 0)
        m++;
    if (l == n_losses)
        return urs_fail(err, URS_EINVAL, "there is no loss '%.40s'", loss);
    if (m == n_miners)
        return urs_fail(err, URS_EINVAL, "there is no miner '%.40s'", miner);
    found.arcface = losses[l].arcface;
    found.metric = losses[l].metric;
    found.miner = miners[m].options;
    if (margin > 0)
        found.metric.margin = margin;
    if (scale > 0 && found.metric.kind == URS_METRIC_CIRCLE)
        found.metric.gamma = scale;
    if (found.metric.kind == URS_METRIC_TRIPLET && !found.arcface)
        found.miner.margin = found.metric.margin;
    *out = found;
    return URS_OK;
}

void urs_embed_batch_free(urs_embed_batch *b)
{
    if (!b)
        return;
    urs_free(b->embeddings);
    urs_free(b->gradient);
    urs_free(b->weights);
    urs_free(b->labels);
    urs_free(b);
}

urs_status urs_embed_batch_new(urs_embed_batch **out, const urs_embed_loss *loss, int32_t batch, int32_t dims, urs_error *err)
{
    urs_embed_batch *b;
    if (batch < 1 || batch > URS_MINER_SAMPLES_MAX || dims < 1)
        return urs_fail(err, URS_EINVAL, "a batch of %d embeddings is outside of 1 to %d", (int)batch, URS_MINER_SAMPLES_MAX);
    b = urs_array_new(1, sizeof *b);
    if (!b)
        return urs_fail(err, URS_ENOMEM, "no memory for a batch of embeddings");
    *b = (urs_embed_batch){.loss = *loss, .n = batch, .dims = dims};
    b->embeddings = urs_array_new((size_t)batch * (size_t)dims, sizeof *b->embeddings);
    b->gradient = urs_array_new((size_t)batch * (size_t)dims, sizeof *b->gradient);
    b->weights = urs_array_new((size_t)batch, sizeof *b->weights);
    b->labels = urs_array_new((size_t)batch, sizeof *b->labels);
    if (!b->embeddings || !b->gradient || !b->weights || !b->labels) {
        urs_embed_batch_free(b);
        return urs_fail(err, URS_ENOMEM, "no memory for a batch of %d embeddings", (int)batch);
    }
    *out = b;
    return URS_OK;
}

void urs_embed_batch_put(urs_embed_batch *b, const float *embeddings, const int32_t *labels, int32_t first, int32_t count)
{
    memcpy(b->embeddings + (size_t)first * (size_t)b->dims, embeddings, (size_t)count * (size_t)b->dims * sizeof *embeddings);
    memcpy(b->labels + first, labels, (size_t)count * sizeof *labels);
}

urs_status urs_embed_batch_combine(urs_embed_batch *b, urs_error *err)
{
    urs_mined mined = {0};
    urs_status status = urs_mine(&mined, &b->loss.miner, b->embeddings, b->labels, b->n, b->dims, err);
    b->value = 0;
    if (status == URS_OK && b->loss.arcface)
        urs_mined_weights(b->weights, &mined);
    else if (status == URS_OK)
        status = urs_metric_loss(&b->value, b->gradient, &b->loss.metric, &mined, b->embeddings, b->labels, b->n, b->dims, err);
    urs_mined_release(&mined);
    return status;
}

const float *urs_embed_batch_gradient(const urs_embed_batch *b)
{
    return b->gradient;
}

const float *urs_embed_batch_weights(const urs_embed_batch *b)
{
    return b->weights;
}

double urs_embed_batch_value(const urs_embed_batch *b)
{
    return b->value;
}
