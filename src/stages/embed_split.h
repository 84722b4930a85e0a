/* Which individuals an embedder was trained without, as its weight file says it, and whether those are the ones that it is asked about now.
 *
 *      note ursid.split   {"folds": 3, "fold": 1, "held_out": "5f0c..."}
 *
 * held_out: SHA-256 of the names of the target's validation individuals, sorted, each with its zero byte. Without folds both numbers are 0; fold 0 of K: none were held out but the test part. */
#ifndef URS_STAGES_EMBED_SPLIT_H
#define URS_STAGES_EMBED_SPLIT_H

#include "data/chips.h"
#include "stages/network.h"

/* Sets the note for a training on these chips. */
urs_status urs_embed_split_note(urs_network *network, const urs_chips *chips, int32_t folds, int32_t fold, urs_error *err) URS_CHECKED;

/* URS_EMISMATCH: the network, from the file `path`, was not trained without exactly the target's validation individuals of `chips`: of another fold, or of other data or shares. What would be
 * measured on them would be too good. A network without the note, as imported and older ones are, passes; *says (may be NULL) is false then. */
urs_status urs_embed_split_check(const urs_network *network, const char *path, const urs_chips *chips, int32_t folds, int32_t fold, bool *says, urs_error *err) URS_CHECKED;

#endif
