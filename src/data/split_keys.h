/* Keys that hold samples together, shared by the making and the proving of a split; not for other rooms. */
#ifndef URS_DATA_SPLIT_KEYS_H
#define URS_DATA_SPLIT_KEYS_H

#include "data/split.h"

enum { URS_KEY_MAIN, URS_KEY_GROUP, URS_KEY_TOGETHER, URS_KEY_CAMERA_DAY };

typedef struct urs_split_key {
    int32_t kind, first, second; /* samples with these three equal belong together */
    size_t sample;
} urs_split_key;

/* All keys of all samples, sorted by key, then sample; owned array. unknown: samples without the key that `by` asks for. */
urs_status urs_split_keys_make(urs_split_key **out, size_t *count, size_t *unknown, const urs_dataset *d, const urs_split_options *o, urs_error *err) URS_CHECKED;
bool urs_split_keys_equal(const urs_split_key *a, const urs_split_key *b);
int32_t urs_split_hash_bits(const urs_split_options *options); /* -1: no near-duplicates asked for */

#endif
