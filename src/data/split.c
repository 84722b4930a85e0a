/* Splits that do not leak; see split.h.
 *
 *   keys of a sample (camera, day, individual, group, stem, hash)  --union-find-->  groups  --largest first, most lacking part-->  parts
 */
#include "data/split.h"

#include "base/file.h"
#include "base/disjoint.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/dhash.h"
#include "data/split_keys.h"

#include <stdlib.h>
#include <string.h>

#define DHASH_BITS_DEFAULT 6
#define SHARE_ONE 1000000 /* shares as whole numbers: the same arithmetic everywhere */

void urs_split_release(urs_split *split)
{
    urs_free(split->parts);
    urs_free(split->groups);
    memset(split, 0, sizeof *split);
}

static int compare_keys(const void *a, const void *b)
{
    const urs_split_key *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->second != y->second)
        return x->second < y->second ? -1 : 1;
    return x->sample < y->sample ? -1 : x->sample > y->sample;
}

bool urs_split_keys_equal(const urs_split_key *a, const urs_split_key *b)
{
    return a->kind == b->kind && a->first == b->first && a->second == b->second;
}

int32_t urs_split_hash_bits(const urs_split_options *options)
{
    if (!options->hashes)
        return -1;
    return options->hash_bits > 0 ? options->hash_bits : DHASH_BITS_DEFAULT;
}

/* ---- keys ---- */

static bool in_list(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = list; p && *p;) {
        const size_t length = strcspn(p, ",");
        if (length == n && strncmp(p, name, n) == 0)
            return true;
        p += length + (p[length] == ',');
    }
    return false;
}

/* Number of the together-group that holds the stem, -1 if none. */
static int32_t together_of(const char *together, const char *path)
{
    const char *base = urs_path_base(path), *dot = strrchr(base, '.');
    const size_t n = dot ? (size_t)(dot - base) : strlen(base);
    int32_t group = 0;
    for (const char *p = together; p && *p;) {
        const size_t length = strcspn(p, ",;");
        if (length == n && n > 0 && strncmp(p, base, n) == 0)
            return group;
        p += length;
        group += *p == ';';
        p += *p != '\0';
    }
    return -1;
}

/* The key that `by` makes of a sample; false if it stands for itself. */
static bool main_key(urs_split_key *key, const urs_dataset *d, const urs_sample *s, const urs_split_options *o)
{
    const bool place = s->camera >= 0 && !in_list(o->collections, urs_name_table_get(&d->cameras, s->camera));
    const int32_t day = s->has_day ? s->day : INT32_MIN;
    switch (o->by) {
    case URS_SPLIT_CAMERA: *key = (urs_split_key){URS_KEY_MAIN, s->camera, 0, 0}; return place;
    case URS_SPLIT_CAMERA_DAY: *key = (urs_split_key){URS_KEY_MAIN, s->camera, day, 0}; return place;
    case URS_SPLIT_INDIVIDUAL: *key = (urs_split_key){URS_KEY_MAIN, s->individual, 0, 0}; return s->individual >= 0;
    case URS_SPLIT_INDIVIDUAL_DAY: *key = (urs_split_key){URS_KEY_MAIN, s->individual, day, 0}; return s->individual >= 0 && s->has_day;
    case URS_SPLIT_SAMPLE:
    case URS_SPLIT_PUBLISHED:
    default: return false;
    }
}

urs_status urs_split_keys_make(urs_split_key **out, size_t *count, size_t *unknown, const urs_dataset *d, const urs_split_options *o, urs_error *err)
{
    urs_split_key *keys = urs_array_new(d->count * 4, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return urs_fail(err, URS_ENOMEM, "no memory to split %zu samples", d->count);
    *unknown = 0;
    for (size_t i = 0; i < d->count; i++) {
        const urs_sample *s = &d->samples[i];
        const int32_t together = together_of(o->together, s->path);
        urs_split_key key;
        if (main_key(&key, d, s, o)) {
            key.sample = i;
            keys[n++] = key;
        } else {
            (*unknown)++;
        }
        if (s->group >= 0)
            keys[n++] = (urs_split_key){URS_KEY_GROUP, s->group, 0, i};
        if (o->camera_days && s->camera >= 0 && s->has_day)
            keys[n++] = (urs_split_key){URS_KEY_CAMERA_DAY, s->camera, s->day, i};
        if (together >= 0)
            keys[n++] = (urs_split_key){URS_KEY_TOGETHER, together, 0, i};
    }
    if (o->by == URS_SPLIT_SAMPLE || o->by == URS_SPLIT_PUBLISHED)
        *unknown = 0;
    if (n > 1)
        qsort(keys, n, sizeof *keys, compare_keys);
    *out = keys;
    *count = n;
    return URS_OK;
}

/* ---- dealing out ---- */

typedef struct group {
    size_t size, draw; /* draw: place in a random order, breaks ties */
    size_t first;      /* members[first .. first+size-1] */
} group;

static int compare_groups(const void *a, const void *b)
{
    const group *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->draw < y->draw ? -1 : x->draw > y->draw;
}

typedef struct deal {
    const urs_dataset *dataset;
    size_t label_count;   /* one more than the table: the last stands for "no label" */
    int64_t share[3];     /* of SHARE_ONE */
    int64_t *have, *all;  /* [3][label_count], [label_count] */
} deal;

static size_t label_of(const deal *d, size_t sample)
{
    const int32_t label = d->dataset->samples[sample].label;
    return label >= 0 ? (size_t)label : d->label_count - 1;
}

/* How much of what the group brings the part still lacks: per label wanted - had, relative to the label's total, summed over the members. */
static int64_t lack(const deal *d, int part, const size_t *members, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t label = label_of(d, members[i]);
        const int64_t all = d->all[label], wanted = all * d->share[part], had = d->have[(size_t)part * d->label_count + label] * SHARE_ONE;
        sum += (wanted - had) / all;
    }
    /* Relative to the share, so that a small part is filled as soon as a large one; a full part is never preferred. */
    return sum > 0 ? sum * 1000 / d->share[part] : sum;
}

/* counted: how many of the members count towards the shares. */
static void deal_group(urs_split *out, deal *d, const size_t *members, size_t n, size_t counted, int32_t number, int forced)
{
    int best = forced;
    int64_t most = 0;
    for (int part = 0; part < 3 && forced < 0; part++) {
        const int64_t l = d->share[part] > 0 ? lack(d, part, members, counted) : INT64_MIN;
        if (d->share[part] > 0 && (best < 0 || l > most)) {
            best = part;
            most = l;
        }
    }
    for (size_t i = 0; i < n; i++) {
        out->parts[members[i]] = (urs_part)best;
        out->groups[members[i]] = number;
        d->have[(size_t)best * d->label_count + label_of(d, members[i])] += i < counted;
        out->part_counts[best]++;
    }
}

/* INDIVIDUAL_DAY is a closed set: the first group (in dealing order) of every individual goes to train, so nobody is known only from the test. */
static bool brings_new_individual(const urs_dataset *dataset, bool *seen, const size_t *members, size_t n)
{
    bool fresh = false;
    for (size_t i = 0; i < n; i++) {
        const int32_t who = dataset->samples[members[i]].individual;
        if (who >= 0 && !seen[who]) {
            seen[who] = true;
            fresh = true;
        }
    }
    return fresh;
}

static urs_status deal_groups(urs_split *out, const urs_dataset *dataset, const urs_split_options *o, size_t *parent, urs_error *err)
{
    urs_status status = URS_OK;
    const size_t n = dataset->count;
    deal d = {.dataset = dataset, .label_count = urs_name_table_count(&dataset->labels) + 1};
    size_t *members = urs_array_new(n, sizeof *members), *place = urs_array_new(n, sizeof *place), *order = urs_array_new(n, sizeof *order);
    group *groups = urs_array_new(n, sizeof *groups);
    bool *seen = urs_array_new(urs_name_table_count(&dataset->individuals) + 1, sizeof *seen);
    urs_random random;
    size_t count = 0, at = 0;
    d.have = urs_array_new(3 * d.label_count, sizeof *d.have);
    d.all = urs_array_new(d.label_count, sizeof *d.all);
    if (!members || !place || !order || !groups || !seen || !d.have || !d.all) {
        status = urs_fail(err, URS_ENOMEM, "no memory to split %zu samples", n);
        goto done;
    }
    d.share[1] = (int64_t)((double)o->validation * SHARE_ONE + 0.5);
    d.share[2] = (int64_t)((double)o->test * SHARE_ONE + 0.5);
    d.share[0] = SHARE_ONE - d.share[1] - d.share[2];
    for (size_t i = 0; i < n; i++) { /* roots come before their members: place[root] is set when needed */
        const size_t root = urs_disjoint_root(parent, i);
        if (root == i)
            place[i] = count++;
        groups[place[root]].size++;
        d.all[label_of(&d, i)] += !o->share_of_groups || root == i;
    }
    for (size_t g = 0; g < count; g++) {
        groups[g].first = at;
        at += groups[g].size;
        groups[g].size = 0;
        order[g] = g;
    }
    for (size_t i = 0; i < n; i++) {
        group *g = &groups[place[urs_disjoint_root(parent, i)]];
        members[g->first + g->size++] = i;
    }
    urs_random_init(&random, o->seed);
    urs_random_shuffle(&random, order, count);
    for (size_t g = 0; g < count; g++)
        groups[g].draw = order[g];
    qsort(groups, count, sizeof *groups, compare_groups);
    out->group_count = count;
    for (size_t g = 0; g < count; g++) {
        const size_t *m = members + groups[g].first;
        const bool first = o->by == URS_SPLIT_INDIVIDUAL_DAY && brings_new_individual(dataset, seen, m, groups[g].size);
        deal_group(out, &d, m, groups[g].size, o->share_of_groups ? 1 : groups[g].size, (int32_t)g, first ? 0 : -1);
    }
done:
    urs_free(d.all);
    urs_free(d.have);
    urs_free(seen);
    urs_free(groups);
    urs_free(order);
    urs_free(place);
    urs_free(members);
    return status;
}

static void take_published(urs_split *out, const urs_dataset *dataset)
{
    out->group_count = dataset->count;
    for (size_t i = 0; i < dataset->count; i++) {
        const urs_part part = dataset->samples[i].part;
        out->parts[i] = part == URS_PART_NONE ? URS_PART_TRAIN : part;
        out->groups[i] = (int32_t)i;
        out->unknown += part == URS_PART_NONE;
        out->part_counts[out->parts[i]]++;
    }
}

urs_status urs_split_make(urs_split *out, const urs_dataset *dataset, const urs_split_options *options, urs_error *err)
{
    urs_status status = URS_OK;
    const size_t n = dataset->count;
    const int32_t bits = urs_split_hash_bits(options);
    urs_split split = {.count = n, .parts = urs_array_new(n, sizeof *split.parts), .groups = urs_array_new(n, sizeof *split.groups)};
    size_t *parent = urs_array_new(n, sizeof *parent);
    urs_split_key *keys = NULL;
    size_t key_count = 0;
    if (!split.parts || !split.groups || !parent) {
        status = urs_fail(err, URS_ENOMEM, "no memory to split %zu samples", n);
        goto done;
    }
    if (!(options->validation >= 0) || !(options->test >= 0) || !(options->validation + options->test < 1)) {
        status = urs_fail(err, URS_EINVAL, "shares of %g for validation and %g for test leave nothing to train on", (double)options->validation, (double)options->test);
        goto done;
    }
    if (options->by == URS_SPLIT_PUBLISHED) {
        take_published(&split, dataset);
    } else {
        for (size_t i = 0; i < n; i++)
            parent[i] = i;
        status = urs_split_keys_make(&keys, &key_count, &split.unknown, dataset, options, err);
        if (status != URS_OK)
            goto done;
        for (size_t i = 1; i < key_count; i++)
            if (urs_split_keys_equal(&keys[i - 1], &keys[i]))
                urs_disjoint_join(parent, keys[i - 1].sample, keys[i].sample);
        for (size_t i = 0; bits >= 0 && i < n; i++)
            for (size_t j = i + 1; j < n; j++)
                if (urs_dhash_distance(options->hashes[i], options->hashes[j]) <= bits)
                    urs_disjoint_join(parent, i, j);
        status = deal_groups(&split, dataset, options, parent, err);
        if (status != URS_OK)
            goto done;
    }
    *out = split;
    split = (urs_split){0};
done:
    urs_free(keys);
    urs_free(parent);
    urs_split_release(&split);
    return status;
}
