/* P(same bear | cosine) and the thresholds of the verdict for an embedder, from chips of bears that it did not train on. */
#ifndef URS_CLI_EMBED_CALIBRATE_H
#define URS_CLI_EMBED_CALIBRATE_H

#include "stages/embed_train.h"

/* Stores both in the notes of options->fit.out (urs_identify_fit_chips) and prints them.
 *
 * folds_pattern NULL: on the validation part of the target. Else options->folds networks, {} standing for the number, each of which embeds the bears of its fold (embed_galleries.h). The
 * probabilities are those of one fitted curve for all of them.
 *
 * The networks must have been trained without the bears that they are asked about, as their files say (embed_split.h): URS_EMISMATCH. What a file does not say is taken on trust, with a
 * sentence on stderr.
 *
 * No validation bears (fold 0 without a pattern): nothing is done. max_error: share of the verdicts "known", and of "new", that may be wrong on these chips; 0: 0.1. */
urs_status urs_embed_calibrate(const urs_embed_train_options *options, const char *folds_pattern, double max_error, urs_error *err) URS_CHECKED;

/* "w{}.safetensors" -> "w2.safetensors"; text without {} as it is. Owned; NULL: no memory. */
char *urs_fold_path(const char *pattern, int fold);

#endif
