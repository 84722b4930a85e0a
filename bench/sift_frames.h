/* What sift is measured on: frames of 12 megapixels drawn by the scene generator (kept in a folder, because drawing one takes seconds), and weights with random values. */
#ifndef URS_BENCH_SIFT_FRAMES_H
#define URS_BENCH_SIFT_FRAMES_H

#include "base/text.h"

/* Paths of `count` frames in FOLDER/scenes, drawn if they are not there; the caller releases the list. */
urs_status urs_sift_frames(urs_names *out, const char *folder, int count, urs_error *err) URS_CHECKED;

/* Owned path of FOLDER/sift.safetensors: mobilenet_v3_small, three classes, random weights. Speed does not depend on the values. */
urs_status urs_sift_weights(char **out, const char *folder, urs_error *err) URS_CHECKED;

#endif
