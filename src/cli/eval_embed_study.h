/* Studies of one model: the same questions asked in several ways, and what each way gains, pair by pair over individuals.
 *
 *      --ablate              picture alone -> + mirror image -> query expansion, re-ranking; one chip -> two chips of a bear as one query
 *      --background-control  whole chip -> head alone, background alone -> beside what a random order of the chips would give */
#ifndef URS_CLI_EVAL_EMBED_STUDY_H
#define URS_CLI_EVAL_EMBED_STUDY_H

#include "cli/eval_embed.h"

typedef enum urs_study { URS_STUDY_NONE, URS_STUDY_ABLATE, URS_STUDY_BACKGROUND } urs_study;

/* With folds->folds 0 over the part a->part, else over all folds (a->model with {} for the number of the fold, or one file). */
urs_status urs_eval_embed_study(const urs_eval_arguments *a, const urs_eval_folds *folds, urs_study study, urs_error *err) URS_CHECKED;

#endif
