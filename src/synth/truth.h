/* The truth about a frame on disk: label files, masks, chips, and its line in the manifest. Layout in synth.h. Thread safe. */
#ifndef URS_SYNTH_TRUTH_H
#define URS_SYNTH_TRUTH_H

#include "base/text.h"
#include "synth/frame.h"

typedef struct urs_truth_name {
    const char *folder; /* borrowed: OUT */
    char stem[64];      /* NAME */
    char camera[16];
} urs_truth_name;

/* Writes labels, masks and bodies of the frame. */
urs_status urs_truth_write(const urs_truth_name *name, const urs_synth_frame *frame, urs_error *err) URS_CHECKED;
/* Appends the frame's row to the manifest. */
void urs_truth_row(urs_text *manifest, const urs_truth_name *name, const urs_synth_frame *frame, const urs_event *event, int frame_number);
/* The head cut out by its mask, black around. With both eyes in sight they come to (0.38, 0.48) and (0.62, 0.48) of the side; else the box fills the square. */
urs_status urs_truth_chip(urs_image *out, const urs_synth_frame *frame, int head, int32_t side, urs_error *err) URS_CHECKED;
/* "bear_03" */
void urs_truth_individual(char name[24], int individual);
const char *urs_truth_label(const urs_synth_frame *frame); /* empty, animal, bear */

#endif
