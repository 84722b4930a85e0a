/* The report of an identification as HTML: what was found, what to do next, the proposed new bears, and every frame with its heads in boxes, each head beside the bears that it could be.
 *
 *      open -> head(info) -> failure* -> group* -> frame* -> finish
 *
 *      card.html      head, failures, groups, frames 1 .. N
 *      card-2.html    frames N+1 .. 2N        and so on, N = info.frames_per_page; every page links to the others by name, so the pages stay together in one folder
 *
 * Written piece by piece to files beside the pages (.tmp) that are renamed at the end, so memory does not grow with the number of frames, and pages are whole or not there; pages that an earlier, longer
 * report left behind are removed then. A section that gets nothing is left out. Pictures are JPEG bytes and go into the page. All pointers are borrowed for the call. One owner at a time. */
#ifndef URS_INTERCHANGE_REPORT_HTML_H
#define URS_INTERCHANGE_REPORT_HTML_H

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_report urs_report;

typedef struct urs_report_seen { /* a bear of the catalogue that was recognised */
    const char *name;
    size_t heads;
    const size_t *frames;                 /* numbers of the frames, 1 = the first with heads */
    size_t frame_count;                   /* of `frames`; may be fewer than there are */
} urs_report_seen;

typedef struct urs_report_info {
    const char *title, *subtitle;         /* subtitle may be NULL */
    size_t files, empty, animal, bear;    /* frames by class; unsifted when all three are 0 */
    size_t heads, known, unsure, fresh;   /* fresh: judged new */
    size_t failures;
    size_t bears, chips;                  /* in the catalogue */
    size_t frames_with_heads;             /* will be added, all of them */
    size_t frames_per_page;               /* 0: 200 */
    const char *catalogue;                /* its path, for commands; NULL: none are shown */
    const urs_report_seen *seen;          /* by number of heads */
    size_t seen_count;
    size_t groups, groups_shown;          /* proposed new bears; of which so many will be added */
    const char *const (*facts)[2];        /* name and text: catalogue, models, date ... */
    size_t fact_count;
} urs_report_info;

typedef struct urs_report_picture { /* JPEG; data NULL: none */
    const void *data;
    size_t size;
} urs_report_picture;

typedef struct urs_report_candidate {
    const char *name;
    double probability; /* 0 .. 1 */
    urs_report_picture picture;
} urs_report_candidate;

typedef struct urs_report_head {
    double x, y, width, height; /* fractions of the picture */
    double confidence;          /* 0 .. 1 */
    const char *verdict;        /* "known", "unsure", "new" */
    const char *group;          /* proposed name, NULL: none */
    double p_new;               /* that it is no bear of the catalogue */
    int64_t views;              /* heads of the event that the answer is from; 0 or 1: this one alone */
    urs_report_picture chip;
    const urs_report_candidate *candidates; /* best first */
    size_t candidate_count;
} urs_report_head;

typedef struct urs_report_frame {
    const char *file, *datetime; /* datetime "" or NULL: unknown */
    const char *frame_class;     /* NULL: not sifted */
    const char *warning;         /* NULL: none */
    int64_t event;               /* 0: not known */
    urs_report_picture picture;
    int32_t width, height;       /* of the picture */
    const urs_report_head *heads;
    size_t head_count;
} urs_report_frame;

typedef struct urs_report_group { /* heads that look alike */
    const char *name;             /* proposed */
    const char *command;          /* how to give it a real name; NULL: none */
    const urs_report_picture *chips;
    const char *const *files;     /* of the chips */
    size_t chip_count, heads;     /* heads: in the group, of which chip_count are shown */
} urs_report_group;

/* Owned; path's folder must exist. */
urs_status urs_report_open(urs_report **out, const char *path, urs_error *err) URS_CHECKED;
urs_status urs_report_head_of_page(urs_report *report, const urs_report_info *info, urs_error *err) URS_CHECKED;
urs_status urs_report_add_group(urs_report *report, const urs_report_group *group, urs_error *err) URS_CHECKED;
urs_status urs_report_add_frame(urs_report *report, const urs_report_frame *frame, urs_error *err) URS_CHECKED;
urs_status urs_report_add_failure(urs_report *report, const char *file, const char *reason, urs_error *err) URS_CHECKED;
/* Ends the page and puts it in its place. */
urs_status urs_report_finish(urs_report *report, urs_error *err) URS_CHECKED;
/* Without finish before: removes what was written. NULL is fine. */
void urs_report_close(urs_report *report);

#endif
