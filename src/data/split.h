/* Splits that do not leak: pictures that share a background, a day or an animal stay on one side.
 *
 *   by                  never on both sides                          for
 *   CAMERA              frames of one camera                         sift: other cameras
 *   CAMERA_DAY          frames of one camera on one day              sift: known cameras
 *   INDIVIDUAL          one animal                                   embed: new bears (identity-disjoint)
 *   INDIVIDUAL_DAY      one animal on one day; every animal with     embed: known bears (date-grouped, closed)
 *                       more than one day has days in train
 *   SAMPLE              (only the extra groups below)                photographs
 *   PUBLISHED           parts as the data set says; samples without a part go to train
 *
 * Extra groups hold for all kinds but PUBLISHED: equal `group` of the sample, `together`, and near-duplicates. Groups are closed under union: a chain
 * of shared keys is one group. Unknown camera: each sample by itself (CAMERA), unknown day: as one unknown day of that camera or, for INDIVIDUAL_DAY,
 * each sample by itself; unknown individual: each sample by itself.
 *
 * The groups are put in an order drawn from the seed with our own generator and integer arithmetic, largest first, each to the part that lacks
 * most of its labels, so every label gets near its share and the split is the same on every machine. Thread safe. */
#ifndef URS_DATA_SPLIT_H
#define URS_DATA_SPLIT_H

#include "data/dataset.h"

typedef enum urs_split_by {
    URS_SPLIT_CAMERA, URS_SPLIT_CAMERA_DAY, URS_SPLIT_INDIVIDUAL, URS_SPLIT_INDIVIDUAL_DAY, URS_SPLIT_SAMPLE, URS_SPLIT_PUBLISHED
} urs_split_by;

typedef struct urs_split_options {
    urs_split_by by;
    float validation, test;   /* shares of the samples, 0..1, together below 1; the rest is train */
    bool share_of_groups;     /* the shares are of groups (individuals), not of samples: one animal with half of all pictures does not fill a part alone */
    uint64_t seed;
    const char *collections;  /* borrowed; camera names, comma separated, that stand for many places: their samples are singles; NULL = none */
    const char *together;     /* borrowed; groups of file stems: "bear081,bear095;bear171,bear199"; NULL = none */
    bool camera_days;         /* besides what `by` says, what one camera saw on one day stays together */
    const uint64_t *hashes;   /* borrowed; dHash of every sample for near-duplicates; NULL = off */
    int32_t hash_bits;        /* samples whose hashes differ in at most this many bits are one group; 0 = 6 when hashes is given */
} urs_split_options;

typedef struct urs_split {
    urs_part *parts;   /* owned; one a sample */
    int32_t *groups;   /* owned; group number of each sample, 0 .. group_count-1 */
    size_t count, group_count;
    size_t part_counts[3];
    size_t unknown;    /* samples whose key (camera, day, individual) is not known */
} urs_split;

urs_status urs_split_make(urs_split *out, const urs_dataset *dataset, const urs_split_options *options, urs_error *err) URS_CHECKED;
void urs_split_release(urs_split *split);

/* Cross-validation inside what is not test. The groups outside the test part are dealt anew, largest first, each to the one of `folds` (2 .. 100) that has least of
 * its labels; fold `fold` (1 .. folds) becomes the validation part and the rest train. fold 0 leaves nothing out. The folds depend on the seed, the test part does
 * not; groups stay whole, so urs_split_check holds after it as before. */
urs_status urs_split_fold(urs_split *split, const urs_dataset *dataset, int32_t folds, int32_t fold, uint64_t seed, urs_error *err) URS_CHECKED;

/* Proves from the samples alone (not from the groups that were made) that no key and no extra group stands in two parts. URS_EMISMATCH names the
 * two files and the key. Also for a split that came from elsewhere. */
urs_status urs_split_check(const urs_split *split, const urs_dataset *dataset, const urs_split_options *options, urs_error *err) URS_CHECKED;

/* Indices of the samples of one part, in order; owned array, urs_free. */
urs_status urs_split_part(size_t **out, size_t *count, const urs_split *split, urs_part part, urs_error *err) URS_CHECKED;

/* dHash of every sample's picture (reads them all at reduced size); owned array, urs_free. A picture that cannot be read gets a hash that is near no other. */
urs_status urs_dataset_hashes(uint64_t **out, const urs_dataset *dataset, urs_error *err) URS_CHECKED;

#endif
