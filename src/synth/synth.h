/* Camera-trap scenes that are drawn, with full ground truth: for the demo, the tests and people without data. Nobody should take them for real ones.
 *
 *   OUT/manifest.csv                    path,label,camera,infrared,date,time,event,individual
 *   OUT/data.yaml                       YOLO data set (one class, bear_head) with the label files beside the pictures
 *   OUT/images/CAMERA/NAME.jpg          frames, EXIF DateTimeOriginal inside
 *   OUT/labels/CAMERA/NAME.txt          YOLO boxes
 *   OUT/heads/images/NAME.jpg           the bear frames again (hard links), as a "heads" data set:
 *   OUT/heads/labels/NAME.json, masks/NAME.png, bodies/NAME.png
 *   OUT/chips/INDIVIDUAL/NAME.jpg       with options.chips: heads cut out by their masks, eyes aligned
 *
 * The same options give the same bytes. */
#ifndef URS_SYNTH_SYNTH_H
#define URS_SYNTH_SYNTH_H

#include "base/error.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct urs_synth_options {
    int frames;         /* 0 = 60 */
    int bears;          /* individuals; 0 = 6 */
    int cameras;        /* 0 = 4 */
    int width, height;  /* 0 = 1280 x 960; 160 .. 4096 */
    uint64_t seed;
    bool chips;         /* write chips too */
    int chip_side;      /* 0 = 224 */
    urs_progress_style progress;
    bool (*cancelled)(void); /* optional; asked after each frame */
} urs_synth_options;

typedef struct urs_synth_counts {
    int frames, empty, animal, bear, heads, infrared, events;
} urs_synth_counts;

/* Renders into the folder, which is created; files of the same names are replaced. URS_EINVAL for options out of range. counts is optional. */
urs_status urs_synth_run(const char *folder, const urs_synth_options *options, urs_synth_counts *counts, urs_error *err) URS_CHECKED;

#endif
