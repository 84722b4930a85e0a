/* Training of sift's approach B: two networks in sequence, in one weight file (network.h, sift.h).
 *
 *      OUT.first    empty or not       all frames                     --+
 *      OUT.second   bear or not        frames that are not empty      --+--> thresholds for the two together, on the validation frames --> OUT
 *
 * The two files beside OUT are those of the trainings (fit.h), each with its checkpoint: an interrupted training goes on where it was. */
#ifndef URS_STAGES_SIFT_PAIR_H
#define URS_STAGES_SIFT_PAIR_H

#include "stages/sift_train.h"

/* options as for one network; role is set here; folds are URS_EINVAL. report: of the second training, with the seconds of both, and as `best` the balanced accuracy of the three classes. */
urs_status urs_sift_train_pair(const urs_sift_train_options *options, urs_fit_report *report, urs_error *err) URS_CHECKED;

/* Puts two networks into one: `second` becomes first->second (taken over). Thresholds are chosen for the wished recall on the frames (validation), and stored. score (optional): balanced accuracy. */
urs_status urs_sift_pair(urs_network *first, urs_network *second, const urs_frames *frames, double bear_recall, urs_pool *pool, double *score, urs_error *err) URS_CHECKED;

#endif
