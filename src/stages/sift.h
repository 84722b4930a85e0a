/* sift: is there an animal in the frame, and is it a bear?
 *
 *      logits [3] --softmax--> p(empty), p(animal), p(bear)
 *
 *      p(bear) >= bear ------------------------> bear      thresholds from the weight file: ursid.thresholds {"bear": .., "animal": ..}, else 0.5 and 0.5
 *      else p(animal) + p(bear) >= animal -----> animal
 *      else -----------------------------------> empty
 *
 * Classes are found by their names in ursid.classes, in any order; probabilities are always given in the order of data/frames.h (URS_FRAME_EMPTY, _ANIMAL, _BEAR).
 * urs_sift_thresholds (0: the weight file's) and the rule above, urs_sift_decide, are those of the training, sift_train.h. A urs_sifter belongs to one thread at a time and uses the pool's threads itself. */
#ifndef URS_STAGES_SIFT_H
#define URS_STAGES_SIFT_H

#include "data/frames.h"
#include "image/decode.h"
#include "stages/runner.h"
#include "stages/sift_train.h"

const char *urs_frame_class_name(int32_t c); /* "empty", "animal", "bear"; constant */

typedef struct urs_sift_result {
    float probability[URS_FRAME_CLASSES];
    int32_t verdict; /* URS_FRAME_... */
} urs_sift_result;

/* Where the classes stand in the logits of a network: order[URS_FRAME_BEAR] is the index of "bear". URS_EMISMATCH: ursid.classes are not these three. Without the note: empty, animal,
 * bear. */
urs_status urs_sift_class_order(int32_t order[URS_FRAME_CLASSES], const urs_network *network, urs_error *err) URS_CHECKED;

typedef struct urs_sifter urs_sifter;

typedef struct urs_sifter_options {
    urs_sift_thresholds thresholds; /* 0: the weight file's, else 0.5 */
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
