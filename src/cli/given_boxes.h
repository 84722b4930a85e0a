/* Where another detector has seen animals: a MegaDetector batch file as starting point for find (--boxes).
 *
 *      {"file": "DCIM/a.jpg", "detections": [{"category": "1", "conf": 0.93, "bbox": [...]}]}   -> look at this box
 *      {"file": "DCIM/b.jpg", "detections": []}                                                  -> no animal, do not look
 *      {"file": "DCIM/c.jpg", "failure": "...", "detections": null}, or not in the file          -> look at the whole picture
 *
 * An entry belongs to a photograph when its name is the photograph's path, or that below the folder that was given. Boxes of the category "animal" count (all but "person" and "vehicle" where there is none of that
 * name), from the file's typical_detection_threshold on, or 0.2. Immutable once open, so any thread may ask. */
#ifndef URS_CLI_GIVEN_BOXES_H
#define URS_CLI_GIVEN_BOXES_H

#include "cli/option.h"
#include "stages/chain.h"

typedef struct urs_given_boxes urs_given_boxes;

#define URS_GIVEN_BOXES_OPTIONS(path, score)                                                                                                  \
    URS_OPTION_TEXT("boxes", "F.json", path, "MegaDetector's results for these photographs: look for heads only where it has seen animals, which finds smaller ones"), \
        URS_OPTION_DOUBLE("box-score", "P", score, 0, 1, "with --boxes: from this confidence on; 0: what the file calls typical, or 0.2")

/* folders: the PATH arguments, borrowed as long as the boxes live. score 0: as above. Owned. */
urs_status urs_given_boxes_open(urs_given_boxes **out, const char *json, const urs_arguments *folders, double score, urs_error *err) URS_CHECKED;
void urs_given_boxes_free(urs_given_boxes *boxes);

/* A `regions` of urs_chain_options; context: the boxes. */
bool urs_given_boxes_regions(void *boxes, const char *file, const urs_region **regions, size_t *count);

/* URS_ENOTFOUND with both kinds of names when not one of the files is in it; else *known. */
urs_status urs_given_boxes_check(const urs_given_boxes *boxes, const urs_names *files, size_t *known, urs_error *err) URS_CHECKED;

/* What results depend on, for a journal's key. */
void urs_given_boxes_describe(const urs_given_boxes *boxes, urs_text *out);

#endif
