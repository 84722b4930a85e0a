/* The splits by which re-identification is judged, made from the facts of a data set (dates, cameras, individuals). On top of split.h, which keeps together what belongs together.
 *
 *   plan      test part                                          train and validation                                        says
 *   CLOSED    a share of each individual's days                  the other days; everybody is in train                       known bears
 *   OPEN      the same, and all of a share of the individuals    as CLOSED                                                   known and new bears together
 *   DISJOINT  all of a share of the individuals                  other individuals                                           new bears
 *   TIME      from the cut-off day on                            before it; validation is the last days of that              next year's bears
 *   CAMERA    everything of one camera                           the other cameras; validation by day (and individual)       another place
 *   YEAR      everything of one year                             the other years; validation by day (and individual)         another year
 *   PICTURE   a share of the pictures                            other pictures: as `ursid train find` splits them           photographs
 *   PLACE     a share of the cameras, by frames                  other cameras: as `ursid train sift` splits them            frames
 *
 * An event (`group`) stays on one side: under TIME, CAMERA and YEAR it follows its sample that comes first in the list. CLOSED, OPEN, DISJOINT leave out samples without an individual, TIME and YEAR those
 * without a date, CAMERA those without a camera: URS_PART_NONE. One animal on one day never stands on both sides under CLOSED, OPEN and TIME, nor within the remainder of CAMERA and YEAR; the left-out
 * camera itself may have seen an animal that another camera saw on that day, which is what leaving a camera out asks. Deterministic in the seed. Thread safe. */
#ifndef URS_DATA_SPLIT_PLAN_H
#define URS_DATA_SPLIT_PLAN_H

#include "data/split.h"

typedef enum urs_split_plan_kind { URS_PLAN_CLOSED, URS_PLAN_OPEN, URS_PLAN_DISJOINT, URS_PLAN_TIME, URS_PLAN_CAMERA, URS_PLAN_YEAR, URS_PLAN_PICTURE, URS_PLAN_PLACE } urs_split_plan_kind;

typedef struct urs_split_plan {
    urs_split_plan_kind kind;
    float validation, test; /* shares, 0 .. 1; test is not looked at by TIME, CAMERA, YEAR */
    float fresh;            /* OPEN: share of the individuals that are in the test part only */
    int32_t cut_day;        /* TIME: first day of the test part */
    int32_t camera, year;   /* CAMERA, YEAR: what is left out */
    uint64_t seed;
    const char *together;   /* PICTURE, PLACE: borrowed; as in urs_split_options; NULL: none */
    const uint64_t *hashes; /* CLOSED, OPEN, DISJOINT: borrowed [count]; near-duplicates among what is dealt stay on one side; NULL: off */
    int32_t hash_bits;      /* as in urs_split_options */
} urs_split_plan;

typedef struct urs_split_counts {
    size_t samples[3], individuals[3];
    size_t left_out;          /* samples in no part */
    size_t known, fresh;      /* individuals of the test part that are in train or validation, and that are not */
} urs_split_counts;

/* *parts: owned [dataset->count]. URS_EINVAL: a part would be empty, and why. */
urs_status urs_split_plan_make(urs_part **parts, const urs_dataset *dataset, const urs_split_plan *plan, urs_error *err) URS_CHECKED;
urs_status urs_split_count(urs_split_counts *out, const urs_dataset *dataset, const urs_part *parts, urs_error *err) URS_CHECKED;


/* ---- what a sceptic asks of any split, wherever it came from ---- */

typedef enum urs_leak_kind { URS_LEAK_NEAR, URS_LEAK_DAY, URS_LEAK_GROUP } urs_leak_kind; /* nearly the same picture; one animal on one day; one event */

typedef struct urs_leak {
    urs_leak_kind kind;
    size_t a, b;  /* samples on different sides, a < b */
    int32_t bits; /* NEAR: bits in which the hashes differ */
} urs_leak;

/* Pairs of samples in different parts (those in no part are not looked at). hashes [count] from urs_dataset_hashes, NULL: pictures are not compared; bits: at most so many differ, NEAR; days: one animal on
 * one day is a leak (not for CAMERA). At most `most` are kept, *count says how many there are. *leaks: owned. Time grows with the square of the samples. */
urs_status urs_split_leaks(urs_leak **leaks, size_t *count, const urs_dataset *dataset, const urs_part *parts, const uint64_t *hashes, int32_t bits, bool days, size_t most, urs_error *err) URS_CHECKED;

/* The data set as a CSV manifest (dataset.h) with a column `split`: path,individual,label,camera,date,event,infrared,split; columns that nobody has are left out, and samples of URS_PART_NONE. Paths below
 * `folder` (absolute, with links resolved) are written relative to it, others absolute. Appends to `out`. */
urs_status urs_manifest_text(urs_text *out, const urs_dataset *dataset, const urs_part *parts, const char *folder, urs_error *err) URS_CHECKED;

#endif
