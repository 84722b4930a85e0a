/* find: from pictures to heads, boxes and masks (spec/models.md 5.5).
 *
 *      picture --letterbox--> network --+-- box0..2   [64,h,w]   distances left, top, right, bottom, 16 bins each --softmax, expectation--> boxes
 *                                       |-- class0..2 [nc,h,w]   --sigmoid--> scores > threshold, sorted --> suppression of overlaps per class
 *                                       |-- coef0..2  [32,h,w]   --+
 *                                       '-- proto     [32,H,W]   --+-- coefficients . prototypes, cut to the box --> mask
 *
 * urs_find_decode is a pure function from raw outputs to detections, for use and for the validation of training alike. A urs_finder is a network with its
 * runner: it belongs to one thread at a time and uses the pool's threads itself. */
#ifndef URS_STAGES_FIND_H
#define URS_STAGES_FIND_H

#include "stages/runner.h"

#define URS_FIND_LEVELS_MAX 5

/* One head. box: pixels of the picture, clipped to it, never without area. mask: owned, one channel, 255 inside, 0 outside; it covers the part of the picture that starts at
 * (mask_x, mask_y), the box rounded outwards to whole pixels; empty ({0}) when the network makes no masks or none was asked for. */
typedef struct urs_detection {
    urs_box box;
    float score;       /* 0 .. 1 */
    int32_t label;     /* class, 0 .. classes-1 */
    urs_image mask;
    int32_t mask_x, mask_y;
} urs_detection;

typedef struct urs_detections {
    urs_detection *items; /* owned; falling score */
    size_t count;
} urs_detections;

void urs_detection_release(urs_detection *detection);
void urs_detections_release(urs_detections *detections);

/* The mask on a picture of its own, width x height, one channel (owned); all 0 when there is no mask. */
urs_status urs_detection_whole_mask(urs_image *out, const urs_detection *detection, int32_t width, int32_t height, urs_error *err) URS_CHECKED;

typedef struct urs_find_options {
    float score;             /* detections must be above it; 0: 0.25 (a finder: the weight file's, else 0.25); validation uses 0.001 */
    float iou;               /* of one class: a box that overlaps a better one by more is dropped; 0: 0.7 (a finder: the weight file's, else 0.7) */
    int32_t max_detections;  /* 0: 300 */
    int32_t max_candidates;  /* best ones that go into suppression; 0: 30000 */
    bool multi_label;        /* every class above the threshold makes a detection, not only the best one (validation with several classes) */
    bool no_masks;
} urs_find_options;

/* How the outputs of a detector lie: found in its graph once. */
typedef struct urs_find_layout {
    int32_t input_width, input_height;
    int32_t levels, classes, bins;
    int32_t coefficients;              /* 0: no masks */
    int32_t proto_width, proto_height;
    struct {
        int32_t width, height, stride; /* network pixels a cell */
        int32_t box, cls, coef;        /* indices of the graph's outputs; coef -1: none */
    } level[URS_FIND_LEVELS_MAX];
    int32_t proto;                     /* index of the output, -1: none */
} urs_find_layout;

/* URS_EMISMATCH: the graph is no detector of this kind. */
urs_status urs_find_layout_read(urs_find_layout *out, const urs_graph *graph, urs_error *err) URS_CHECKED;

/* Raw outputs of ONE image, borrowed: box[l] [4*bins,h,w], cls[l] [classes,h,w], coef[l] [coefficients,h,w], proto [coefficients,H,W]; coef and proto may be NULL. */
typedef struct urs_find_outputs {
    const float *box[URS_FIND_LEVELS_MAX], *cls[URS_FIND_LEVELS_MAX], *coef[URS_FIND_LEVELS_MAX];
    const float *proto;
} urs_find_outputs;

/* Image `image` of a batch. */
void urs_find_outputs_of(urs_find_outputs *out, const urs_find_layout *layout, const urs_outputs *outputs, int32_t image);

/* Raw outputs -> detections in pixels of a width x height picture. how: the letterbox that made the network input of it; NULL: the picture is the network input. options NULL:
 * defaults. *out: owned, urs_detections_release. Numbers that are not finite make no detections. Thread safe.
 *
 * Masks: the logits coefficients . prototypes with everything outside of the box (at the prototypes' scale) set to 0 are read bilinearly at the centre of every picture pixel of the
 * box, and are inside where above 0. This is the reference's upsampling to the letterboxed picture and the way back to the picture in one step. */
urs_status urs_find_decode(urs_detections *out, const urs_find_layout *layout, const urs_find_outputs *raw, const urs_letterbox *how, int32_t width, int32_t height,
                           const urs_find_options *options, urs_error *err) URS_CHECKED;

/* Only the mask of one detection, whose box is set: the last step of urs_find_decode. coefficients: `layout->coefficients` numbers. */
urs_status urs_find_mask(urs_detection *detection, const urs_find_layout *layout, const float *proto, const float *coefficients, const urs_letterbox *how, int32_t width,
                         int32_t height, urs_error *err) URS_CHECKED;

typedef struct urs_finder urs_finder;

typedef struct urs_finder_options {
    urs_find_options find;
    urs_pool *pool;  /* borrowed; NULL: one thread */
    int32_t batch;   /* 0: 1 */
    const urs_backend *backend;
} urs_finder_options;

/* network is borrowed; its input must be fitted by letterbox (URS_EMISMATCH). */
urs_status urs_finder_new(urs_finder **out, const urs_network *network, const urs_finder_options *options, urs_error *err) URS_CHECKED;
void urs_finder_free(urs_finder *finder);
/* The options in force, defaults filled in; borrowed. */
const urs_find_options *urs_finder_settings(const urs_finder *finder);

/* found[n], overwritten: owned lists. On failure all are empty. Pictures have three channels. */
urs_status urs_finder_pictures(urs_finder *finder, urs_detections *found, const urs_image *const *pictures, size_t n, urs_error *err) URS_CHECKED;

#endif
