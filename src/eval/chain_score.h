/* The whole chain in numbers: what became of every head of a named animal, and where the losses happen.
 *
 *      heads asked about --file not readable--> lost
 *                        --sift: frame thrown away--> lost
 *                        --find: nothing overlaps the head--> lost
 *                        --no picture of its bear could be enrolled--> lost     (known bears only)
 *                        --match--> verdict known | new | unsure: right, wrong, or left to a person
 *
 * Every head has exactly one fate, so the table of fates adds up to the number of heads. Pure functions over records; thread safe. */
#ifndef URS_EVAL_CHAIN_SCORE_H
#define URS_EVAL_CHAIN_SCORE_H

#include "base/text.h"
#include "eval/interval.h"
#include "eval/openset.h"
#include "eval/retrieval.h"

#include <jansson.h>

typedef enum urs_fate {
    URS_FATE_RIGHT,         /* known bear named rightly, new bear called new */
    URS_FATE_UNREADABLE,
    URS_FATE_SIFTED_AWAY,
    URS_FATE_NOT_FOUND,
    URS_FATE_NOT_ENROLLED,  /* it should have been known, but none of its photographs could be enrolled */
    URS_FATE_WRONG_NAME,    /* verdict known, with the name of another bear */
    URS_FATE_CALLED_NEW,    /* known bears only */
    URS_FATE_UNSURE_FIRST,  /* unsure, and the right bear is the first candidate */
    URS_FATE_UNSURE_LISTED, /* unsure, and the right bear is among the first URS_CHAIN_SHOWN */
    URS_FATE_UNSURE_OTHER,  /* unsure, and it is not; all unsure new bears */
    URS_FATES
} urs_fate;

#define URS_CHAIN_SHOWN 5 /* candidates that a person is expected to look at */

typedef enum urs_chain_stop { URS_STOP_NONE, URS_STOP_FILE, URS_STOP_SIFT, URS_STOP_FIND, URS_STOP_ENROL } urs_chain_stop;

typedef struct urs_chain_case {
    int64_t individual;
    bool known;             /* it was to be enrolled */
    urs_chain_stop stop;    /* where it was lost before match; then nothing below counts */
    int verdict;            /* 0 unsure, 1 known, 2 new: urs_verdict of the catalogue room */
    int64_t first;          /* best candidate's individual, -1 none */
    size_t rank;            /* of the right bear among all that are enrolled, 1 = first; 0: not enrolled */
    float cosine;           /* of the best candidate; -1: no bear is enrolled */
    double p_new;           /* that it is none of the enrolled */
} urs_chain_case;

typedef struct urs_chain_frame_case {
    int32_t truth;          /* 0 empty, 1 animal, 2 bear; -1 unknown */
    int32_t answer;         /* of sift; -1: there was none (not readable, or no sift) */
    int64_t cluster;        /* for intervals: what is drawn together */
    size_t heads, found;    /* labelled heads of the frame, and how many of them were found; of frames with labelled boxes */
    size_t false_heads;     /* detections that overlap no labelled head; of frames with labelled boxes that sift let through */
    size_t false_known;     /* of which so many got the verdict "known" */
    bool boxes;             /* the frame's heads are labelled with boxes */
    bool searched;          /* find looked at it */
    bool unreadable;
} urs_chain_frame_case;

typedef struct urs_chain_side { /* known bears, or new ones */
    size_t individuals, heads, fate[URS_FATES];
    urs_interval reached, right, verdict_right; /* shares: that came as far as match; right in the end; right among those that came to match */
    urs_interval decided_right;                 /* right among the verdicts that are not "unsure" */
} urs_chain_side;

typedef struct urs_chain_score {
    bool sifted;
    size_t frames, unreadable, confusion[3][3];
    size_t bear_frames, bear_frames_kept, empty_frames, empty_frames_dropped;
    urs_interval bear_kept, empty_dropped;
    size_t boxed_frames, boxed_heads, boxed_found, false_heads, false_known;
    urs_interval found;          /* share of labelled heads (with boxes) of searched frames that were found */
    urs_chain_side side[2];      /* [0] new bears, [1] known bears */
    urs_interval end_to_end;     /* share of all heads with a right verdict */
    size_t ranked;               /* heads of enrolled bears that came to match */
    urs_interval hit[URS_HIT_KS];     /* right bear among the first k, of the heads that came to match */
    urs_interval hit_all[URS_HIT_KS]; /* the same of all heads of known bears */
    bool open_set;               /* both kinds came to match */
    urs_interval auroc, balanced_accuracy; /* best cosine, known against new; balanced accuracy at p_new 0.5 */
    size_t gallery_bears, gallery_chips;
} urs_chain_score;

urs_fate urs_chain_fate(const urs_chain_case *c);
const char *urs_fate_name(urs_fate fate); /* constant sentence for tables */

/* gallery: bears and chips that were enrolled. sifted: sift was in use. rounds as in interval.h. */
urs_status urs_chain_score_make(urs_chain_score *out, const urs_chain_case *cases, size_t count, const urs_chain_frame_case *frames, size_t frame_count, bool sifted, size_t gallery_bears,
                                size_t gallery_chips, int rounds, uint64_t seed, urs_error *err) URS_CHECKED;

json_t *urs_chain_score_json(const urs_chain_score *s); /* new reference */
void urs_chain_score_text(const urs_chain_score *s, urs_text *out);

#endif
