/* Results as MegaDetector batch JSON, format 1.6 (agentmorris/MegaDetector, megadetector-output-format), which the tools of this field open.
 *
 *   { "info": {"format_version": "1.6", "detector": ..., "detection_completion_time": ..., "detector_metadata": {...}},
 *     "detection_categories": {"1": "animal"},
 *     "classification_categories": {...},                       only when there are any
 *     "images": [
 *       {"file": "a/b.jpg", "width": W, "height": H, "datetime": "...", "frame_class": "bear", "frame_probabilities": {"empty": 0.01, ...},
 *        "detections": [
 *          {"category": "1", "conf": 0.93, "bbox": [x, y, w, h], "classifications": [["1", 0.9]],
 *           "mask": {"size": [H, W], "counts": "..."}, "points": {"left_eye": [x, y], "right_eye": [x, y], "nose": [x, y]},
 *           "individuals": [["Otis", 0.81], ...], "verdict": "known"}]},
 *       {"file": "broken.jpg", "failure": "...", "detections": null} ] }
 *
 * Ours, and ignored by other readers: frame_class, frame_probabilities, warning, mask, points, individuals, verdict, camera, event, views, file_bytes. Numbers that the format
 * calls floats always carry a decimal point. One image a line. A name that is not UTF-8 is written with U+FFFD for the broken bytes, and exactly in
 * "file_bytes" (hexadecimal). Thread safe. */
#ifndef URS_INTERCHANGE_MEGADETECTOR_H
#define URS_INTERCHANGE_MEGADETECTOR_H

#include "interchange/result.h"

#define URS_FAILURE_ACCESS "image access failure"
#define URS_FAILURE_INFERENCE "inference failure"

/* Whole files, for results that fit in memory; long runs use journal.h. The file is replaced in one act. */
urs_status urs_results_write(const char *path, const urs_result_set *set, urs_error *err) URS_CHECKED;
/* Accepts every 1.3 and later file that obeys the rules; unknown fields are skipped. At most 1 GiB. */
urs_status urs_results_read(urs_result_set *out, const char *path, urs_error *err) URS_CHECKED;
/* The same from memory; `name` is used in messages. */
urs_status urs_results_parse(urs_result_set *out, const void *data, size_t size, const char *name, urs_error *err) URS_CHECKED;

/* Pieces for a writer that goes image by image: what stands before the first image, one image (no newline, no comma), what stands behind the last. */
void urs_results_format_head(urs_text *out, const urs_result_info *info);
void urs_results_format_image(urs_text *out, const urs_result_image *image);
void urs_results_format_tail(urs_text *out);
/* One image object as it stands between the commas. */
urs_status urs_results_parse_image(urs_result_image *out, const void *data, size_t size, const char *name, urs_error *err) URS_CHECKED;

#endif
