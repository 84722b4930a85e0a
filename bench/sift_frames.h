/* What sift is measured on: frames of 12 megapixels drawn by the scene generator (kept in a folder, because drawing one takes seconds), and the
 * weights that ship with the program. */
#ifndef URS_BENCH_SIFT_FRAMES_H
#define URS_BENCH_SIFT_FRAMES_H

#include "base/text.h"

/* Paths of `count` frames in FOLDER/scenes, drawn if they are not there; the caller releases the list. */
urs_status urs_sift_frames(urs_names *out, const char *folder, int count, urs_error *err) URS_CHECKED;

/* Owned path of the shipped weights (model_path.h); without them FOLDER/sift.safetensors: mobilenet_v3_small, three classes, random values, on which speed does not depend. */
urs_status urs_sift_weights(char **out, const char *folder, urs_error *err) URS_CHECKED;

#endif
