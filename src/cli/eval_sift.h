/* `ursid eval sift`: sets of weights of any approach (stages/sift.h) judged on the same frames, side by side.
 *
 *      weights --run (eval_sift_run.c)--> probabilities, answers, time --+--> Table 1: measures with intervals (eval_sift_table.c)
 *      weights --run ...                                                +--> curves, confusions, mistakes for the page (eval_sift_page.c) */
#ifndef URS_CLI_EVAL_SIFT_H
#define URS_CLI_EVAL_SIFT_H

#include "cli/cmd_eval.h"
#include "eval/classification.h"
#include "eval/interval.h"
#include "stages/sift.h"

#define URS_EVAL_SIFT_MODELS_MAX 16

typedef struct urs_eval_sift_options {
    urs_names models;          /* weight files of sift or find, in the order of the columns; none: those that come with ursid */
    const char *find;          /* weights of the second stage, for its cost; NULL: those that come with ursid */
    const char *heads;         /* labelled bear photographs, for the sizes of bears; NULL: sizes are not known */
    double bear, animal;       /* 0: the weight file's */
    double min_bear_recall;    /* 0: thresholds as above; else chosen on the validation part */
} urs_eval_sift_options;

typedef struct urs_sift_column { /* one set of weights, measured */
    char *path;                  /* owned */
    char name[48];               /* heading: "A sift", "C find" */
    urs_network *network;        /* owned */
    urs_sift_approach approach;
    urs_sift_thresholds thresholds;
    float *p;                    /* owned [frames][URS_FRAME_CLASSES]; B: the second network asked about every frame */
    int32_t *answer;             /* owned [frames]: what the chain would go on with */
    double reached;              /* recall of bears on the validation part with these thresholds; NaN: not chosen there */
    float *validation_p;         /* owned, with the labels below; NULL: not chosen there */
    int32_t *validation_labels;  /* owned */
    size_t validation_count;
    size_t through;              /* frames that are not called empty: the second stage looks at them */
    double sift_seconds, find_seconds; /* processor time of one frame, without decoding; find: NaN where there are no weights or no frames */
} urs_sift_column;

typedef struct urs_sift_study {
    const urs_eval_arguments *arguments;
    const urs_eval_sift_options *options;
    urs_pool *pool;       /* owned */
    urs_frames frames;    /* owned; of the part, as the last column saw them */
    int32_t cache_side;   /* of them */
    int64_t *camera;      /* owned [frames]: what is drawn as a whole */
    size_t cameras;       /* different ones */
    float *size;          /* owned [frames]: side of a bear's largest labelled head in a frame that is scaled to 320 pixels; NaN: not known or no bear */
    urs_sift_column *columns; /* owned */
    size_t count;
} urs_sift_study;

urs_status urs_sift_study_run(urs_sift_study *out, const urs_eval_arguments *a, const urs_eval_sift_options *options, urs_error *err) URS_CHECKED;
void urs_sift_study_release(urs_sift_study *study);

extern const char *const urs_sift_class_names[URS_FRAME_CLASSES];

/* Frames by class and answer; of a detector, which knows only bears, 2 x 2. *names: constant, as many as out->classes. */
urs_status urs_sift_confusion(urs_confusion *out, const char *const **names, const urs_sift_study *study, const urs_sift_column *column, urs_error *err) URS_CHECKED;

/* Table 1 and what belongs to it, as text, and as an array of one object a column (new reference). */
urs_status urs_sift_table(urs_text *text, json_t **out, const urs_sift_study *study, urs_error *err) URS_CHECKED;

/* <svg> and sections of the page: precision and recall of all columns, confusion of each, mistakes of the last one (whose pictures are at hand). */
urs_status urs_sift_page(urs_text *plots, const urs_sift_study *study, urs_error *err) URS_CHECKED;

#endif
