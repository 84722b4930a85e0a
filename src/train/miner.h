/* Miners: which pairs and triplets of a batch a metric loss looks at, as in pytorch-metric-learning 2.x (spec/models.md 7).
 *
 * Distances are Euclidean between embeddings of unit length, similarities their cosines; a is an anchor, p another sample of its class, n one of another class.
 *
 *      NONE              every pair
 *      BATCH_EASY_HARD   hard positives: for each anchor its farthest p and its nearest n ("batch hard", Hermans et al. 2017);
 *                        semi-hard positives: n = nearest, p = the farthest that is closer than n; anchors without one are left out
 *      TRIPLET_MARGIN    triplets by d_an - d_ap: all: at most `margin`; hard: at most 0; semi-hard: above 0 and at most `margin`
 *      MULTI_SIMILARITY  pairs with s_ap < max s_an + epsilon, and with s_an > min s_ap - epsilon (Wang et al. 2019)
 *
 * Thread safe. */
#ifndef URS_TRAIN_MINER_H
#define URS_TRAIN_MINER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_MINER_SAMPLES_MAX 4096

typedef enum urs_miner_kind { URS_MINER_NONE, URS_MINER_BATCH_EASY_HARD, URS_MINER_TRIPLET_MARGIN, URS_MINER_MULTI_SIMILARITY } urs_miner_kind;
typedef enum urs_miner_level { URS_MINER_HARD, URS_MINER_SEMIHARD, URS_MINER_ALL } urs_miner_level;

typedef struct urs_miner_options {
    urs_miner_kind kind;
    urs_miner_level level; /* BATCH_EASY_HARD: of the positives, HARD or SEMIHARD; TRIPLET_MARGIN: any */
    double margin;         /* TRIPLET_MARGIN; 0: 0.2 */
    double epsilon;        /* MULTI_SIMILARITY; 0: 0.1 */
} urs_miner_options;

enum { URS_PAIR_NONE, URS_PAIR_POSITIVE, URS_PAIR_NEGATIVE };

typedef struct urs_triplet {
    int32_t anchor, positive, negative;
} urs_triplet;

/* Owned; urs_mined_release. Triplets are listed where the miner chooses them one by one; else they are all pairs of a positive and a negative of one anchor. */
typedef struct urs_mined {
    int32_t n;
    uint8_t *pair; /* [n][n], anchor first: URS_PAIR_* */
    bool listed;
    urs_triplet *triplets;
    size_t triplet_count, triplet_capacity;
} urs_mined;

/* embeddings [n,dims], of any length; labels: equal means the same class. URS_EINVAL, URS_ENOMEM. */
urs_status urs_mine(urs_mined *out, const urs_miner_options *options, const float *embeddings, const int32_t *labels, int32_t n, int32_t dims, urs_error *err) URS_CHECKED;
void urs_mined_release(urs_mined *mined);

/* Weights for a classification loss (ArcFace): how often a sample occurs among the mined indices, over the largest such number; all 1 where nothing was mined. */
void urs_mined_weights(float *weights, const urs_mined *mined);

/* Rows of unit length (dims doubles each) and their former lengths; rows shorter than 1e-12 keep that as length. For the losses. */
void urs_unit_rows(double *unit, double *length, const float *rows, int32_t n, int32_t dims);

#endif
