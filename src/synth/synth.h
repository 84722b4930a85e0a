/* Camera-trap scenes that are drawn, with full ground truth: for the demo, the tests and people without data. Nobody should take them for real ones.
 *
 *   OUT/images/NAME.jpg                 frames, EXIF time inside; NAME = camNN_EEEE_F (camera, event, frame in the event)
 *   OUT/manifest.csv                    path,label,camera,infrared,date,time,event,individual   (individual empty where two bears are in the frame)
 *   OUT/labels/NAME.json                heads as in a "heads" data set (data/dataset.h), with "individual" besides; every frame has one
 *   OUT/labels/NAME.txt                 YOLO boxes, for frames with heads
 *   OUT/masks/NAME.png                  8 bits, value = number of the head; for frames with heads
 *   OUT/bodies/NAME.png                 8 bits, 255 = bear; for frames with bears
 *   OUT/data.yaml, train.txt, val.txt   YOLO data set of one class, bear_head; the last camera is kept for val
 *   OUT/chips/INDIVIDUAL/NAME_K.jpg     with options.chips: heads cut out by their masks, eyes level and in place
 *
 * The same options give the same bytes. A head is labelled when at least a third of it can be seen. */
#ifndef URS_SYNTH_SYNTH_H
#define URS_SYNTH_SYNTH_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

#define URS_SYNTH_SIDE_MIN 160
#define URS_SYNTH_SIDE_MAX 4096

typedef struct urs_synth_options {
    int frames;         /* 0 = 60 */
    int bears;          /* individuals; 0 = 6 */
    int cameras;        /* 0 = 4; at most 99 */
    int width, height;  /* 0 = 1280 x 960 */
    uint64_t seed;
    bool chips;         /* write chips too */
    int chip_side;      /* 0 = 224 */
    urs_progress_style progress;
    bool (*cancelled)(void); /* optional; asked after each frame: URS_ECANCELLED */
} urs_synth_options;

typedef struct urs_synth_counts {
    int frames, empty, animal, bear, heads, infrared, events, chips;
} urs_synth_counts;

/* Renders into the folder, which is created; files of the same names are replaced. URS_EINVAL for options out of range. counts is optional. */
urs_status urs_synth_run(const char *folder, const urs_synth_options *options, urs_synth_counts *counts, urs_error *err) URS_CHECKED;

#endif
