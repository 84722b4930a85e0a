/* What the two halves of `ursid eval embed` share: one part of one split (cmd_eval_embed.c), and cross-validation (eval_embed_folds.c). */
#ifndef URS_CLI_EVAL_EMBED_H
#define URS_CLI_EVAL_EMBED_H

#include "cli/cmd_eval.h"
#include "data/chips.h"
#include "eval/retrieval.h"

typedef struct urs_embedded_part {
    float *embedding;  /* owned [count][dim], normalised */
    int64_t *identity; /* owned [count]: index in chips->dataset.individuals */
    size_t *item;      /* owned [count]: index in chips->items */
    size_t count;
    int32_t dim;
} urs_embedded_part;

void urs_embedded_part_release(urs_embedded_part *p);

typedef enum urs_chip_shows {
    URS_SHOWS_ALL,
    URS_SHOWS_HEAD,      /* an oval in the place of a mask, black outside, like heads from find */
    URS_SHOWS_BACKGROUND /* the oval that touches all four sides is black: what is left is not the face */
} urs_chip_shows;

typedef struct urs_chip_view { /* zero: as `ursid identify` sees a chip */
    urs_chip_shows shows;
    bool one_picture; /* without the sum with the mirror image */
    bool mirrored;    /* the mirror image in the picture's place */
} urs_chip_view;

/* The chips of a part by a network, or by their colour histogram without one. tree: only of this tree; -1: of all. view may be NULL. URS_EINVAL: fewer than two chips. */
urs_status urs_embedded_part_make(urs_embedded_part *out, const urs_chips *chips, urs_part part, int32_t tree, const urs_chip_view *view, const urs_network *network, urs_pool *pool,
                                  urs_error *err) URS_CHECKED;

/* Writes path (.npy, interchange/npy.h), one row a chip, and beside it the same name with .csv: row, path, individual, split. */
urs_status urs_embedded_part_write(const char *path, const urs_chips *chips, const urs_embedded_part *part, urs_error *err) URS_CHECKED;

/* SVG: share of queries whose right bear is among the first k, for every k, beside chance. */
urs_status urs_eval_embed_cmc(urs_text *plots, const urs_retrieval_result *r, urs_error *err) URS_CHECKED;
/* SVG: chips on the two principal components of their embeddings, a look for each individual. */
urs_status urs_eval_embed_map(urs_text *plots, const urs_chips *chips, const urs_embedded_part *part, urs_error *err) URS_CHECKED;

/* What the verdicts known, new and unsure are worth on these chips (eval_embed_verdicts.c).
 *
 *      calibration, thresholds   of the network's notes; with max_error, or where it has none: fitted on `fit_on`, other individuals than those judged
 *      reliability, risk         of the forced answer (best name or new, whichever is likelier) and its probability
 *      verdicts                  with the band of "unsure" in between: how many are decided, how many of these are wrong
 *
 * Appends to text; "verdicts" is set in facts; plots (may be NULL): SVG. fit_on NULL: only the network's own. Without any calibration: one sentence, URS_OK. */
typedef struct urs_embed_verdicts {
    const urs_network *network;       /* borrowed; NULL: none */
    const urs_embedded_part *fit_on;  /* borrowed; may be NULL */
    const urs_embedded_part *judged;  /* borrowed */
    double max_error;                 /* share of the verdicts "known", and of "new", that may be wrong; 0: as the network says, else 0.1 */
    int rounds;
} urs_embed_verdicts;
urs_status urs_eval_embed_verdicts(const urs_embed_verdicts *v, urs_text *text, json_t *facts, urs_text *plots, urs_error *err) URS_CHECKED;

/* Whether nothing is left to see around the oval that touches all four sides. */
bool urs_chip_is_black_around(const urs_image *image);

/* An embedder as it is; of any other weight file the trunk without its last layer. Owned. */
urs_status urs_eval_open_pretrained(urs_network **out, const char *path, urs_error *err) URS_CHECKED;

typedef struct urs_eval_folds {
    int folds;
    double hold;        /* as --hold-others of the training */
    const char *beside; /* weights of the pretrained trunk, a floor; or with {}, like the model, other weights of every fold; NULL: neither */
    bool masked;
} urs_eval_folds;

/* The network and the chips of one fold, or of the whole split when there are no folds. *path: owned, replaced; *network and *chips belong to the caller, after a failure too. */
urs_status urs_eval_fold_open(urs_network **network, urs_chips *chips, char **path, const urs_eval_arguments *a, const urs_eval_folds *folds, int fold, urs_pool *pool, urs_error *err) URS_CHECKED;
size_t urs_eval_count_chips(const urs_chips *chips, size_t tree, urs_part part);

/* Cross-validation; a->model has {} where the number of the fold stands, or is one file that none of the folds trained. */
urs_status urs_eval_embed_folds(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_error *err) URS_CHECKED;

/* How well new heads are grouped (eval_embed_groups.c); a->model as for cross-validation. */
urs_status urs_eval_embed_groups(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_error *err) URS_CHECKED;

#endif
