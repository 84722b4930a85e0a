/* A labelled set of pictures, from any of the forms that people have: one list of samples, whatever was read.
 *
 *   kind        what `path` is                                   gives
 *   folders     DIR/class/file, DIR/class/individual/file,       label and individual (one level: both are the folder's name);
 *               DIR/class/individual/encounter/file              deeper folders: group; a level named train|val|test...: part
 *   csv         *.csv, or a folder with manifest.csv or          one row a picture, columns by their header names (RFC 4180)
 *               metadata.csv (WildlifeDatasets)
 *   yolo        data.yaml, or a folder with it                   heads as boxes or polygons; part
 *   imglab      *.xml (dlib imglab as BearID writes it)          heads with individuals and eye/nose points
 *   json        *.json: COCO, COCO Camera Traps                  boxes, label, camera (location), group (seq_id), day, individual
 *               MegaDetector's results                           its boxes of conf 0.2 and more as heads, to start from
 *   heads       folder with labels/NAME.json, masks/NAME.png,    heads with points and instance masks, body masks
 *               bodies/NAME.png, images/NAME.jpg
 *
 * CSV columns (any order, any case; unknown ones are skipped): path | filepath | file_name | file | image (required; relative to the CSV's
 * folder), label | class | category, individual | identity | name, camera | station | location, date | datetime | timestamp | time
 * ("YYYY-MM-DD" or "YYYY:MM:DD", an optional time behind it), infrared | ir (0/1, true/false, yes/no), group | sequence | event | encounter,
 * split | part | set (train/val/test), width, height. Empty field = unknown.
 *
 * Pictures are not opened by the readers. An urs_dataset owns everything in it; {0} is a valid empty one. Not changed after reading, so
 * any number of threads may read it. */
#ifndef URS_DATA_DATASET_H
#define URS_DATA_DATASET_H

#include "base/error.h"
#include "data/name_table.h"
#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_HEADS_MAX 255 /* of one picture: instance maps are 8 bits */

typedef enum urs_part { URS_PART_TRAIN, URS_PART_VALIDATION, URS_PART_TEST, URS_PART_NONE } urs_part;

typedef struct urs_head { /* one labelled object: a head in our use */
    urs_box box;          /* picture pixels; fractions of width and height where urs_sample.relative */
    int32_t label;        /* index in dataset.labels, -1 unknown */
    int32_t individual;   /* index in dataset.individuals, -1 unknown */
    bool has_left_eye, has_right_eye, has_nose;
    urs_point left_eye, right_eye, nose; /* left = further left in the picture */
    int32_t mask_value;   /* value of this object's pixels in mask_path; 0 = no mask there */
    urs_point *polygon;   /* owned; outline in the unit of box; NULL = none */
    size_t polygon_count;
    bool ignore;          /* imglab ignore='1': neither object nor background */
} urs_head;

typedef struct urs_sample {
    char *path;         /* owned */
    int32_t label;      /* of the whole picture; index in dataset.labels, -1 unknown */
    int32_t individual; /* index in dataset.individuals, -1 unknown */
    int32_t camera;     /* index in dataset.cameras, -1 unknown */
    int32_t group;      /* index in dataset.groups: pictures that must stay together; -1 none */
    urs_part part;      /* as published, URS_PART_NONE if not said */
    bool has_day;
    int32_t day;        /* days since 1970-01-01 */
    int8_t infrared;    /* 1 yes, 0 no, -1 unknown */
    int32_t width, height; /* as the labels say; 0 unknown */
    bool relative;      /* heads are in fractions 0..1 */
    bool has_heads;     /* heads were labelled: none in the list means none in the picture */
    urs_head *heads;    /* owned */
    size_t head_count;
    char *mask_path;    /* owned; 8-bit PNG of instance values; NULL = none */
    char *body_path;    /* owned; PNG, non-zero = animal; NULL = none */
} urs_sample;

typedef struct urs_dataset {
    urs_sample *samples; /* owned */
    size_t count, capacity;
    urs_name_table labels, individuals, cameras, groups;
} urs_dataset;

typedef enum urs_dataset_kind {
    URS_DATASET_AUTO, URS_DATASET_FOLDERS, URS_DATASET_CSV, URS_DATASET_YOLO, URS_DATASET_IMGLAB, URS_DATASET_HEADS, URS_DATASET_JSON
} urs_dataset_kind;

typedef struct urs_dataset_options {
    urs_dataset_kind kind;  /* AUTO: told from the path as above */
    const char *prefix;     /* borrowed; put in front of individual names ("seal:"), so that sets do not mix; NULL = none */
    bool append;            /* add to what `out` holds instead of starting new */
} urs_dataset_options;

/* Reads the set at `path`. options may be NULL. Errors name the file, and the line or key. On failure *out is as it was. */
urs_status urs_dataset_read(urs_dataset *out, const char *path, const urs_dataset_options *options, urs_error *err) URS_CHECKED;
void urs_dataset_release(urs_dataset *dataset);

/* Head i of the sample in pixels of a picture of width x height, which shows the whole of a file of full_width x full_height (used when the
 * labels do not say for which size they were made). The polygon stays the sample's and unscaled. */
urs_head urs_sample_head(const urs_sample *sample, size_t i, int32_t width, int32_t height, int32_t full_width, int32_t full_height);


/* ---- the readers one by one, from memory (also what the fuzz targets drive); `name` goes into messages, `folder` is where relative
 *      paths start. Samples are appended to *out; on failure *out may hold a part of them: release it. ---- */
urs_status urs_dataset_parse_csv(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix,
                                 urs_error *err) URS_CHECKED;
urs_status urs_dataset_parse_imglab(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix,
                                    urs_error *err) URS_CHECKED;
urs_status urs_dataset_parse_json(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix,
                                  urs_error *err) URS_CHECKED;
urs_status urs_dataset_parse_head_json(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, urs_error *err) URS_CHECKED;

typedef struct urs_yolo_config { /* data.yaml */
    char *root;                  /* owned; `path`, as written; NULL = none */
    urs_names parts[3];          /* train, val, test: folders or .txt lists, as written */
    urs_names names;             /* class names by index */
} urs_yolo_config;
urs_status urs_yolo_config_parse(urs_yolo_config *out, const char *data, size_t size, const char *name, urs_error *err) URS_CHECKED;
void urs_yolo_config_release(urs_yolo_config *config);
/* One label file: detection lines (class xc yc w h) and segment lines (class x1 y1 x2 y2 x3 y3 ...) into sample->heads, fractions; class i becomes
 * label i, so the caller has filled dataset.labels from the config. class_count bounds the class. */
urs_status urs_yolo_labels_parse(urs_sample *sample, const char *data, size_t size, int32_t class_count, const char *name, urs_error *err) URS_CHECKED;

/* Appends a zeroed sample (indices -1, part NONE, infrared -1) with a copy of path; *out is valid until the next append. */
urs_status urs_dataset_add(urs_dataset *dataset, const char *path, urs_sample **out, urs_error *err) URS_CHECKED;
void urs_sample_release(urs_sample *sample);

#endif
