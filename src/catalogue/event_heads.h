/* What the frames of an event say together: which heads are one animal, and one vector for each of them.
 *
 *      heads of one event --join--> animals --mean of their embeddings--> one vector for each, with which all its heads are asked about
 *
 * Two heads are joined (average linkage, cluster.h) while their cosine speaks for one animal rather than for two: P(same bear | cosine) at least the share of same-bear pairs that the calibration was
 * fitted on, i.e. a likelihood ratio of one. Two heads in one frame are two animals. The mean is a plain one: weights by sharpness and size did not help where it was measured
 * (docs/results/embed.md). Thread safe: no state. */
#ifndef URS_CATALOGUE_EVENT_HEADS_H
#define URS_CATALOGUE_EVENT_HEADS_H

#include "catalogue/verdict.h"

#define URS_EVENT_HEADS_MAX 1024

/* embeddings [n][dim] normalised, of one event; frame [n]: two heads of one frame have the same number; cal NULL: none. fused [n][dim]: for each head the vector of its animal, normalised (its own
 * embedding where it stands alone); animal [n]: 0 .. by first head; views [n]: how many heads the vector is from. Outputs may not overlap inputs. URS_ELIMIT: more than URS_EVENT_HEADS_MAX heads. */
urs_status urs_event_heads_fuse(float *fused, size_t *animal, size_t *views, const float *embeddings, const int64_t *frame, size_t n, int32_t dim, const urs_calibration *cal,
                                urs_error *err) URS_CHECKED;

#endif
