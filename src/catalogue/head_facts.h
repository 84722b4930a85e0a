/* What the catalogue takes from networks and heads: the calibration that travels with embed's weights, a small picture, the time of the frame. Thread safe: no state. */
#ifndef URS_CATALOGUE_HEAD_FACTS_H
#define URS_CATALOGUE_HEAD_FACTS_H

#include "catalogue/verdict.h"
#include "stages/chain.h"

/* Calibration (owned) and thresholds of a network's notes; without a calibration nothing is ever called known or new (*calibrated false). */
urs_status urs_head_calibration(urs_calibration *cal, urs_verdict_options *verdict, bool *calibrated, const urs_network *network, urs_error *err) URS_CHECKED;

/* JPEG of a chip for catalogue and reports, owned bytes; none when the chip is empty. */
urs_status urs_head_thumbnail(urs_bytes *out, const urs_image *chip, urs_error *err) URS_CHECKED;

/* "2024-07-03T18:22:05+02:00" from what the frame says; "" when it says nothing. */
void urs_head_time(char out[32], const urs_chain_result *result);

#endif
