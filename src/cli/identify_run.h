/* What the parts of `ursid identify` share.
 *
 *      files --chain--> heads --identify--> journal (results) and store (embeddings, chips, small pictures), file by file      identify_run.c
 *      journal + store --events--> heads of an animal in an event, judged together                                            identify_events.c
 *      store --group--> heads judged new, in groups that look alike                                                            identify_groups.c
 *      journal + store + groups --> table, CSV, report, catalogue                                                              identify_output.c, identify_report.c
 *
 * An interrupted run leaves journal and store beside the result file and goes on from there; without --out both are private and vanish. */
#ifndef URS_CLI_IDENTIFY_RUN_H
#define URS_CLI_IDENTIFY_RUN_H

#include "base/progress.h"
#include "catalogue/head_store.h"
#include "cli/given_boxes.h"
#include "cli/head_models.h"
#include "interchange/journal.h"

typedef struct urs_identify_arguments {
    urs_arguments paths;
    const char *catalogue, *out, *csv, *report, *backend, *boxes;
    urs_head_arguments heads;
    int top, threads, report_frames;
    double group_at, event_gap, box_score; /* 0: default */
    bool create, enroll_new, no_events, fresh, json_progress, quiet;
} urs_identify_arguments;

typedef struct urs_new_head { /* a head judged new */
    char *file;               /* owned; name in the results */
    size_t number, group;     /* number in the file; index in groups */
} urs_new_head;

typedef struct urs_new_group {
    char *name;               /* owned; "new-1" */
    size_t heads;
    size_t *head;             /* borrowed from group_heads: indices in new_heads */
} urs_new_group;

typedef struct urs_identify_counts {
    size_t files, empty, animal, bear, heads, known, unsure, fresh, failures, frames_with_heads;
} urs_identify_counts;

typedef struct urs_identify_run {
    const urs_identify_arguments *arguments;
    urs_catalogue *catalogue;
    urs_head_models models;
    urs_given_boxes *boxes;      /* owned; NULL: none */
    urs_search *search;
    urs_identify_options how;
    urs_bears bears;             /* of the catalogue, as it was at the start */
    urs_journal *journal;
    urs_head_store *store;
    bool complete;               /* the result file is written: the store is not needed any more */
    char *private_folder;        /* owned; holds the journal without --out */
    urs_text models_text;
    urs_names files, skipped;    /* skipped: sentences about folders that cannot be read */
    size_t root, done;           /* root: bytes of a path that results leave out */
    urs_progress progress;
    /* groups of heads judged new, largest first */
    urs_new_head *new_heads;     /* by file and number */
    float *embeddings;           /* [new_count][dim] */
    float *asked;                /* [new_count][dim]: that of their animal in the event */
    size_t new_count, new_capacity, embeddings_capacity, asked_capacity;
    size_t *group_heads;
    urs_new_group *groups;
    size_t group_count;
    int64_t events;              /* that frames with heads belong to; 0: none is known */
    urs_identify_counts counts;
} urs_identify_run;

/* Opens everything; a resumed journal's files are left out of the work. */
urs_status urs_identify_open(urs_identify_run *run, const urs_identify_arguments *arguments, urs_error *err) URS_CHECKED;
/* Works through the files. URS_ECANCELLED: the user interrupted. */
urs_status urs_identify_files(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* Candidates and verdict of heads. `fill` puts them into a detection, whose own ones are replaced. */
urs_status urs_identify_fill(const urs_identify_run *run, urs_result_detection *out, const urs_identification *answer, urs_error *err) URS_CHECKED;
size_t urs_identify_candidates(const urs_identify_run *run); /* how many are asked for */
/* Judges the heads of an animal in an event together. */
urs_status urs_identify_events(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* Groups the heads judged new, from the store. */
urs_status urs_identify_group(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* Group of a head, NULL: none. */
const urs_new_group *urs_identify_group_of(const urs_identify_run *run, const char *file, size_t number);
/* Name of a bear at the start of the run; "?" when it is not there. Borrowed. */
const char *urs_identify_bear_name(const urs_identify_run *run, int64_t bear);

urs_status urs_identify_put_table(urs_identify_run *run, urs_error *err) URS_CHECKED; /* also fills counts */
urs_status urs_identify_write_csv(urs_identify_run *run, urs_error *err) URS_CHECKED;
urs_status urs_identify_write_report(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* Writes the result file. */
urs_status urs_identify_finish(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* Puts the groups into the catalogue under their proposed names, as one step for undo. */
urs_status urs_identify_enroll(urs_identify_run *run, urs_error *err) URS_CHECKED;
/* How a person names a group, for the shell; appended. */
void urs_identify_command(const urs_identify_run *run, const urs_new_group *group, urs_text *out);
/* What is offered below the table. */
urs_status urs_identify_put_proposals(urs_identify_run *run, urs_error *err) URS_CHECKED;

void urs_identify_close(urs_identify_run *run);

#endif
