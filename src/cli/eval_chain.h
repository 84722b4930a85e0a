/* What the parts of `ursid eval chain` share.
 *
 *      --data --read--> photographs with classes, heads, individuals, days --split--> to enrol | to ask           eval_chain_world.c
 *      to enrol --find, embed--> gallery      to ask --sift, find, embed, match--> one case a head, one a frame    eval_chain_run.c
 *      cases of an event --urs_event_heads_fuse--> asked again, together                                             eval_chain_events.c
 *      cases --urs_chain_score_make--> tables, JSON, page with plots and the worst mistakes                        cmd_eval_chain.c, eval_chain_page.c */
#ifndef URS_CLI_EVAL_CHAIN_H
#define URS_CLI_EVAL_CHAIN_H

#include "cli/cmd_eval.h"
#include "cli/head_models.h"
#include "eval/chain_score.h"
#include "eval/enrol_split.h"

typedef struct urs_chain_arguments {
    urs_eval_arguments eval;   /* data, json, report, part, rounds, threads, seed */
    urs_head_arguments heads;
    const char *folder;        /* --model: a folder with the weights of all stages; NULL */
    double fresh, enrol;
    bool no_events, json_progress, quiet;
} urs_chain_arguments;

/* Photographs with what is known about them. */
typedef struct urs_chain_world {
    urs_dataset set;
    urs_enrol_frame *frames;   /* owned [set.count] */
    int32_t *individuals;      /* owned: of all heads, frame after frame */
    int32_t *truth;            /* owned [set.count]: URS_FRAME_..., -1 unknown */
    urs_enrol_split split;
} urs_chain_world;

urs_status urs_chain_world_read(urs_chain_world *out, const urs_chain_arguments *a, urs_error *err) URS_CHECKED;
void urs_chain_world_release(urs_chain_world *world);
const char *urs_chain_world_name(const urs_chain_world *world, int64_t individual); /* borrowed */

/* What is kept of an asked head besides its case, for JSON and page. */
typedef struct urs_chain_answer {
    size_t frame;              /* in world.set */
    size_t head;               /* number in the frame */
    double probability;        /* of the best candidate */
    size_t first_chip, right_chip; /* in gallery; SIZE_MAX: none */
    urs_bytes picture;         /* owned JPEG: the chip, or the head's place in the frame when it was not found; only with a page */
} urs_chain_answer;

typedef struct urs_gallery_chip {
    size_t frame;
    int32_t individual;
    urs_bytes thumbnail;       /* owned; only with a page */
} urs_gallery_chip;

typedef struct urs_enrol_counts { /* of the photographs that were to be enrolled */
    size_t photographs, enrolled, unreadable, headless, several, misplaced; /* misplaced: a head was found, but not where the label is */
} urs_enrol_counts;

typedef struct urs_chain_trial {
    const urs_chain_world *world;
    const urs_chain_arguments *arguments;
    urs_gallery_chip *gallery; /* owned */
    size_t gallery_count, gallery_capacity, gallery_bears;
    size_t *chips_of;          /* owned [individuals]: enrolled chips */
    urs_search *search;        /* owned */
    urs_enrol_counts enrolment;
    urs_chain_case *cases;     /* owned */
    urs_chain_answer *answers; /* owned, beside cases */
    float *embeddings;         /* owned [case_count][dim], beside cases; only of heads that came to match */
    size_t case_count, case_capacity, answer_capacity, embedding_capacity;
    size_t judged_together, judged_mixed; /* heads whose answer is from several heads of an event; of which so many from heads of several bears */
    urs_chain_frame_case *frame_cases; /* owned [ask] */
    size_t frame_count;
    bool sifted, calibrated;
    urs_verdict_options verdict;
    urs_text models;           /* which weights */
} urs_chain_trial;

/* Asks about one vector; c and a are filled. */
urs_status urs_chain_judge(urs_chain_case *c, urs_chain_answer *a, const urs_chain_trial *trial, const urs_head_models *models, const float *embedding, urs_error *err) URS_CHECKED;
/* Asks again about heads that are one animal in an event, with what they say together; only where the data tell the events, because folders that are named after bears would tell too much. */
urs_status urs_chain_judge_events(urs_chain_trial *trial, const urs_head_models *models, urs_error *err) URS_CHECKED;

/* Enrols and asks. */
urs_status urs_chain_trial_run(urs_chain_trial *out, const urs_chain_world *world, const urs_chain_arguments *a, urs_error *err) URS_CHECKED;
void urs_chain_trial_release(urs_chain_trial *trial);

/* Appends plots and the sheets of mistakes to `out`. */
urs_status urs_chain_page(urs_text *out, const urs_chain_trial *trial, const urs_chain_score *score, urs_error *err) URS_CHECKED;

#endif
