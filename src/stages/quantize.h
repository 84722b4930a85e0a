/* Post-training quantisation of a stage's network: pictures of its training part, ranges, remedies, int8 network.
 *
 *      network --deploy--> [equalise] --> calibrate --> [choose roundings] --> [correct biases] --> int8 network, with the notes of the float one
 *
 * Thresholds and probabilities of the notes are the float network's until they are fitted again on int8 scores (`ursid quantize` does). */
#ifndef URS_STAGES_QUANTIZE_H
#define URS_STAGES_QUANTIZE_H

#include "data/chips.h"
#include "data/frames.h"
#include "quant/calibrate.h"
#include "stages/int8_network.h"

typedef struct urs_quantize_options {
    urs_calibrate_options calibrate;
    bool equalise, adaround, bias_correction;
} urs_quantize_options;

/* What was done, for people and for the note ursid.quantisation. */
typedef struct urs_quantize_report {
    int32_t convolutions, groups; /* of values */
    int32_t equalised;            /* pairs of convolutions */
    double rounding_before, rounding_after; /* remedies.h */
    int64_t flipped, weights;
    size_t pictures;
} urs_quantize_report;

/* Sets up d (of network's graph): ranges and remedies. */
urs_status urs_quantize_deploy(urs_deploy *d, const float *params, const urs_quant_pictures *pictures, const urs_quantize_options *options, urs_quantize_report *report, urs_pool *pool,
                               urs_error *err) URS_CHECKED;

/* Writes the note ursid.quantisation. epochs: of quantisation-aware training; 0: none. */
urs_status urs_quantize_note(urs_network *int8_network, const urs_network *float_network, const urs_quantize_options *options, const urs_quantize_report *report, int32_t epochs, const char *how,
                             urs_error *err) URS_CHECKED;

/* At most n pictures as the stage prepares them; *out: owned (urs_quant_pictures_release).
 * Frames: drawn evenly from empty, animal and bear, by day and in infra-red, as far as there are any. Counts (optional): [label][infra-red]. */
urs_status urs_quantize_frames(urs_quant_pictures *out, size_t counts[URS_FRAME_CLASSES][2], const urs_frames *frames, const urs_input_format *input, size_t n, urs_error *err) URS_CHECKED;
/* Labelled photographs; a fifth are backgrounds where the set has them. */
urs_status urs_quantize_scenes(urs_quant_pictures *out, const urs_scene_set *scenes, const urs_input_format *input, size_t n, urs_error *err) URS_CHECKED;
/* Chips of the training part, individual after individual; every other one black outside of the head, as those of photographs are. */
urs_status urs_quantize_chips(urs_quant_pictures *out, const urs_chips *chips, const urs_input_format *input, size_t n, urs_error *err) URS_CHECKED;

#endif
