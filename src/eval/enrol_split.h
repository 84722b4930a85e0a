/* Which photographs of known animals are enrolled, and which are asked about, without leaking.
 *
 *      frames --one animal on one day, one event, near-duplicates--> groups (closed under union)
 *
 *      a share of the individuals is drawn to be NEW: all of their groups are asked, none is enrolled
 *      every other individual: a share of its groups is enrolled (at least one), the rest is asked; with a single group it is enrolled and never asked about
 *
 *      role ENROL    a frame of an enrolled group that shows exactly one head
 *           ASK      every frame of an asked group; every frame without a named animal (they measure sift and find)
 *           LEFT_OUT a frame of an enrolled group with several heads: whom to enrol is not clear, and asking would leak
 *
 * So no individual stands on both sides with pictures of one day or one event. A group that holds a new individual is asked as a whole, so a bear that is seen with new ones only becomes new itself: what
 * counts as known is what was enrolled. Deterministic in the seed. Thread safe. */
#ifndef URS_EVAL_ENROL_SPLIT_H
#define URS_EVAL_ENROL_SPLIT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum urs_enrol_role { URS_ROLE_ASK, URS_ROLE_ENROL, URS_ROLE_LEFT_OUT } urs_enrol_role;

typedef struct urs_enrol_frame {
    const int32_t *individual; /* borrowed [heads]: 0 .. individuals-1, -1: nobody knows */
    size_t heads;
    bool has_day, has_hash;
    int32_t day;               /* days since 1970 */
    int32_t event;             /* -1: unknown */
    uint64_t hash;             /* dHash; used where the day is not known */
} urs_enrol_frame;

typedef struct urs_enrol_options {
    double fresh;   /* share of the individuals that are new, 0 .. 1; at least one when above 0 and there are three */
    double enrol;   /* share of a known individual's groups that is enrolled, 0 .. 1 */
    uint64_t seed;
    int32_t hash_bits; /* near-duplicates differ in at most this many bits; 0: 6 */
} urs_enrol_options;

typedef struct urs_enrol_split {
    uint8_t *role;     /* owned [frames]: urs_enrol_role */
    bool *enrolled;    /* owned [individuals]: it has a frame with role ENROL */
    size_t enrol, ask, left_out;      /* frames */
    size_t groups;                    /* of frames with named animals */
    size_t undated;                   /* frames with named animals that have neither day nor event */
    size_t known, fresh, gallery_only; /* individuals: asked about and enrolled, asked about and not enrolled, enrolled only */
} urs_enrol_split;

/* URS_EINVAL: no frame names an individual. */
urs_status urs_enrol_split_make(urs_enrol_split *out, const urs_enrol_frame *frames, size_t count, size_t individuals, const urs_enrol_options *options, urs_error *err) URS_CHECKED;
void urs_enrol_split_release(urs_enrol_split *split);

/* Proves from the frames alone that no (individual, day) and no event with a named animal stands both among the enrolled and the asked; URS_EMISMATCH gives the two numbers. */
urs_status urs_enrol_split_check(const urs_enrol_split *split, const urs_enrol_frame *frames, size_t count, urs_error *err) URS_CHECKED;

#endif
