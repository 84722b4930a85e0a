/* Results of a run in memory: what every stage found in every picture, before it is written in one format or another.
 *
 *      urs_result_set
 *        info                      who made it, categories
 *        images[]                  one for every picture that was tried
 *          file, failure | size, time, frame class probabilities
 *          detections[]            one for every head (or animal)
 *            category, conf, box   box as fractions of the picture
 *            mask, points          where they are known
 *            individuals[]         candidates, best first;  verdict
 *
 * Every struct owns what it points to; {0} is valid and empty; release frees the contents, not the struct. One owner at a time. */
#ifndef URS_INTERCHANGE_RESULT_H
#define URS_INTERCHANGE_RESULT_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_result_score { /* a name with a probability */
    char *name;                   /* owned, UTF-8 */
    double probability;           /* 0 .. 1 */
} urs_result_score;

typedef struct urs_result_scores {
    urs_result_score *items; /* owned */
    size_t count, capacity;
} urs_result_scores;

typedef struct urs_result_class { /* a class of info.classification_categories */
    int32_t category;             /* index there */
    double probability;
} urs_result_class;

typedef struct urs_result_classes {
    urs_result_class *items; /* owned */
    size_t count, capacity;
} urs_result_classes;

typedef struct urs_result_points { /* fractions of width and height; left = further left in the picture */
    bool has_left_eye, has_right_eye, has_nose;
    double left_eye[2], right_eye[2], nose[2];
} urs_result_points;

typedef struct urs_result_detection {
    int32_t category;                /* index in info.detection_categories */
    double conf;                     /* 0 .. 1 */
    double x, y, width, height;      /* fractions of the picture, origin top left */
    urs_result_classes classes;      /* falling */
    char *mask;                      /* owned; COCO run-length string of the whole picture (coco_rle.h); NULL = none */
    int32_t mask_width, mask_height; /* size that the string is for */
    urs_result_points points;
    urs_result_scores individuals;   /* candidates, best first */
    char *verdict;                   /* owned; "known", "new", "unsure"; NULL = not asked */
    int64_t views;                   /* heads of the event that candidates and verdict are from; 0 or 1: this one alone */
} urs_result_detection;

typedef struct urs_result_image {
    char *file;                      /* owned; path as it is to be written, any bytes */
    char *failure;                   /* owned; NULL = read without failure; else why, and there are no detections */
    char *warning;                   /* owned; NULL = none; "truncated" and the like */
    int32_t width, height;           /* upright; 0 = not known */
    char datetime[20];               /* "YYYY:MM:DD HH:MM:SS", "" = not known */
    char camera[64];                 /* make and model, "" = not known */
    int64_t event;                   /* from 1; 0 = not known */
    urs_result_scores frame_classes; /* sift's probabilities, in the order of its classes */
    char *frame_class;               /* owned; sift's decision; NULL = not asked */
    urs_result_detection *detections; /* owned */
    size_t count, capacity;
} urs_result_image;

typedef struct urs_result_info {
    char *detector, *classifier;     /* owned; base names of weight files; NULL = not used */
    char *completed;                 /* owned; "YYYY-MM-DD HH:MM:SS"; NULL = the time of writing */
    double typical_threshold, conservative_threshold; /* of conf; 0 = not said */
    urs_names detection_categories;  /* "animal", ...; number i is written as key "i+1"; one at least */
    urs_names classification_categories;
} urs_result_info;

typedef struct urs_result_set {
    urs_result_info info;
    urs_result_image *images; /* owned */
    size_t count, capacity;
} urs_result_set;

void urs_result_set_release(urs_result_set *set);
void urs_result_info_release(urs_result_info *info);
void urs_result_image_release(urs_result_image *image);
void urs_result_detection_release(urs_result_detection *detection);
void urs_result_scores_release(urs_result_scores *scores);

/* A zeroed element at the end, borrowed until the next one is added; NULL: no memory. */
urs_result_image *urs_result_set_add(urs_result_set *set);
urs_result_detection *urs_result_image_add(urs_result_image *image);
/* name is copied. */
urs_status urs_result_scores_add(urs_result_scores *scores, const char *name, double probability, urs_error *err) URS_CHECKED;
urs_status urs_result_classes_add(urs_result_classes *classes, int32_t category, double probability, urs_error *err) URS_CHECKED;
/* Replaces *field by an owned copy of value (NULL clears it). */
urs_status urs_result_set_text(char **field, const char *value, urs_error *err) URS_CHECKED;

/* Moves everything out of `from`, which is empty afterwards. */
urs_result_image urs_result_image_take(urs_result_image *from);

#endif
