/* Training of embed: chips of known individuals -> ArcFace or a metric loss (embed_loss.h) on trunk + embedding head; validated on individuals that training never saw.
 *
 * The first tree is the target species and is split by individual; the other trees (other animals' faces) are extra training data. Batches are P x K. Recipe:
 * spec/models.md 2.5 and 7, with what a small data set needs on top (decisions in docs/decisions). */
#ifndef URS_STAGES_EMBED_TRAIN_H
#define URS_STAGES_EMBED_TRAIN_H

#include "data/chips.h"
#include "stages/fit.h"

typedef struct urs_embed_train_options {
    urs_fit_options fit;
    const char *const *trees; /* borrowed; chips.h syntax; target first */
    size_t tree_count;
    const char *arch;         /* NULL: "efficientnet_lite0" */
    const char *init;         /* starting weights by name; NULL: random */
    int32_t side;             /* of the network input; 0: 160 */
    int32_t embedding;        /* 0: 256 */
    int32_t per_class;        /* K; 0: 4 */
    int32_t centres;          /* ArcFace sub-centres; 0: 1 */
    const char *loss, *miner; /* names of embed_loss.h; NULL: "arcface", "none" */
    double margin, scale;     /* 0: the loss's own; ArcFace 0.4 rad, 32 */
    double trunk_lr_scale;    /* of pretrained parameters; 0: 0.3 with init, 1 without */
    float validation, test;   /* shares of the target's chips, by individual; 0: 0.2, 0.3 */
    uint64_t split_seed;      /* 0: 1 */
    int32_t folds, fold;      /* cross-validation, see chips.h; 0: none */
    float hold;               /* share of the other trees' individuals that only validate */
    float train_share;        /* of the training individuals; 0 = all */
    bool regions;             /* the embedding sees where in the face something is (models.h) */
    bool head_only;           /* no gradients: trunk as in init, head in closed form */
    double blend;             /* 0: off; else trained trunk * blend + init's trunk * (1 - blend) (Wortsman et al. 2022), and the head in closed form again */
    bool no_augment;
} urs_embed_train_options;

urs_status urs_embed_train(const urs_embed_train_options *options, urs_fit_report *report, urs_error *err) URS_CHECKED;

/* Loads the chips the way training does: same split for the same options. */
urs_status urs_embed_train_chips(urs_chips *out, const urs_embed_train_options *options, urs_pool *pool, urs_error *err) URS_CHECKED;

#endif
