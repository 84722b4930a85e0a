/* sift: is there an animal in the frame, and is it a bear? Three ways to ask, one kind of answer:
 *
 *   A   one network        frame --> empty | animal | bear           p(empty), p(animal), p(bear)
 *
 *   B   two in sequence    frame --> empty | animal                  q = p(animal of any kind)
 *                                       '--q >= animal--> animal | bear       p(animal) = q r(animal), p(bear) = q r(bear)
 *                                       '--else                      p(animal) = q, p(bear) = 0: the second network is not asked
 *
 *   C   a detector (find)  frame --> heads; score s of the best one  p(bear) = s, p(empty) = 1 - s, p(animal) = 0: it knows no other animals
 *
 * The class follows from the thresholds (sift_threshold.h), which come from the weight file: ursid.thresholds {"bear": .., "animal": ..}, else 0.5 and 0.5; C: "bear", else the detector's "score",
 * else 0.25, and "animal" is always the same as "bear".
 *
 * Classes are found by their names in ursid.classes, in any order; probabilities are always given in the order of data/frames.h (URS_FRAME_EMPTY, _ANIMAL, _BEAR). A urs_sifter belongs to one
 * thread at a time and uses the pool's threads itself. */
#ifndef URS_STAGES_SIFT_H
#define URS_STAGES_SIFT_H

#include "data/frames.h"
#include "image/decode.h"
#include "stages/runner.h"
#include "stages/sift_threshold.h"

const char *urs_frame_class_name(int32_t c); /* "empty", "animal", "bear"; constant */
const char *urs_sift_approach_name(urs_sift_approach approach); /* "A", "B", "C"; constant */

typedef struct urs_sift_result {
    float probability[URS_FRAME_CLASSES];
    int32_t verdict; /* URS_FRAME_... */
} urs_sift_result;

/* Reads the weights of sift (A, B), or of find to be used as a filter (C). URS_EMISMATCH: of another stage. *out: owned. */
urs_status urs_sift_network_read(urs_network **out, const char *path, urs_error *err) URS_CHECKED;

urs_sift_approach urs_sift_approach_of(const urs_network *network);
/* As the weight file has them; see above. */
urs_sift_thresholds urs_sift_thresholds_of(const urs_network *network);

typedef struct urs_sifter urs_sifter;

typedef struct urs_sifter_options {
    urs_sift_thresholds thresholds; /* 0: the weight file's */
    bool ungated;   /* B: the second network is asked about every frame; for curves, and to choose thresholds */
    urs_pool *pool; /* borrowed; NULL: one thread */
    int32_t batch;  /* 0: 1 */
    const urs_backend *backend;
} urs_sifter_options;

/* network is borrowed. */
urs_status urs_sifter_new(urs_sifter **out, const urs_network *network, const urs_sifter_options *options, urs_error *err) URS_CHECKED;
void urs_sifter_free(urs_sifter *sifter);
const urs_sift_thresholds *urs_sifter_thresholds(const urs_sifter *sifter); /* in force; borrowed */

/* result[n], overwritten. Pictures have three channels. */
urs_status urs_sifter_pictures(urs_sifter *sifter, urs_sift_result *result, const urs_image *const *pictures, size_t n, urs_error *err) URS_CHECKED;

/* The smallest size that a JPEG may be decoded at for this input (decode.h). */
urs_decode_options urs_input_decode_options(const urs_input_format *input);

#endif
