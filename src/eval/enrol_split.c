/* Groups and roles; see enrol_split.h. */
#include "eval/enrol_split.h"

#include "base/disjoint.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define HASH_BITS 6
#define FRESH_FROM 3 /* individuals from which on a share above 0 makes at least one of them new */

void urs_enrol_split_release(urs_enrol_split *s)
{
    urs_free(s->role);
    urs_free(s->enrolled);
    *s = (urs_enrol_split){0};
}

/* ---- groups ---- */

typedef enum key_kind { KEY_EVENT, KEY_DAY, KEY_UNDATED } key_kind;

typedef struct key { /* frames with equal kind, a and b belong together (undated: only those that look alike) */
    key_kind kind;
    int32_t a, b;
    size_t frame;
} key;

static int compare_keys(const void *pa, const void *pb)
{
    const key *a = pa, *b = pb;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    if (a->b != b->b)
        return a->b < b->b ? -1 : 1;
    return (a->frame > b->frame) - (a->frame < b->frame);
}

static bool same_key(const key *a, const key *b)
{
    return a->kind == b->kind && a->a == b->a && a->b == b->b;
}

static bool names_anybody(const urs_enrol_frame *f)
{
    for (size_t i = 0; i < f->heads; i++)
        if (f->individual[i] >= 0)
            return true;
    return false;
}

/* Owned keys of all frames that name an animal. */
static urs_status make_keys(key **out, size_t *n, const urs_enrol_frame *frames, size_t count, urs_error *err)
{
    size_t room = 0, at = 0;
    key *keys;
    for (size_t i = 0; i < count; i++)
        if (!urs_add_size(&room, room, frames[i].heads + 1))
            return urs_fail(err, URS_ENOMEM, "no memory to split %zu frames", count);
    keys = urs_array_new(room, sizeof *keys);
    if (!keys)
        return urs_fail(err, URS_ENOMEM, "no memory to split %zu frames", count);
    for (size_t i = 0; i < count; i++) {
        const urs_enrol_frame *f = &frames[i];
        if (!names_anybody(f))
            continue;
        if (f->event >= 0)
            keys[at++] = (key){KEY_EVENT, f->event, 0, i};
        for (size_t k = 0; k < f->heads; k++) {
            if (f->individual[k] < 0)
                continue;
            if (f->has_day)
                keys[at++] = (key){KEY_DAY, f->individual[k], f->day, i};
            else if (f->has_hash)
                keys[at++] = (key){KEY_UNDATED, f->individual[k], 0, i};
        }
    }
    qsort(keys, at, sizeof *keys, compare_keys);
    *out = keys;
    *n = at;
    return URS_OK;
}

static int32_t bits_apart(uint64_t a, uint64_t b)
{
    int32_t n = 0;
    for (uint64_t d = a ^ b; d; d &= d - 1)
        n++;
    return n;
}

static urs_status make_groups(size_t *parent, const urs_enrol_frame *frames, size_t count, int32_t bits, urs_error *err)
{
    key *keys = NULL;
    size_t n = 0;
    const urs_status status = make_keys(&keys, &n, frames, count, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        parent[i] = i;
    for (size_t i = 1; i < n; i++)
        if (keys[i].kind != KEY_UNDATED && same_key(&keys[i], &keys[i - 1]))
            urs_disjoint_join(parent, keys[i].frame, keys[i - 1].frame);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && same_key(&keys[to], &keys[from]); to++) {
        }
        if (keys[from].kind != KEY_UNDATED)
            continue;
        for (size_t i = from; i < to; i++)
            for (size_t k = from; k < i; k++)
                if (bits_apart(frames[keys[i].frame].hash, frames[keys[k].frame].hash) <= bits)
                    urs_disjoint_join(parent, keys[i].frame, keys[k].frame);
    }
    for (size_t i = 0; i < count; i++)
        parent[i] = urs_disjoint_root(parent, i);
    urs_free(keys);
    return URS_OK;
}

/* ---- roles ---- */

enum { UNDECIDED, ASKED, ENROLLED };

typedef struct roles {
    const urs_enrol_frame *frames;
    size_t count, individuals;
    size_t *group;        /* [count]: first frame of the frame's group */
    uint8_t *side;        /* [count], of the first frame of a group */
    uint8_t *single;      /* [count], likewise: the group has a frame with exactly one head */
    bool *fresh;          /* [individuals] */
    size_t *member;       /* frames by individual, each group once: member[start[i]] .. member[start[i + 1] - 1] are first frames */
    size_t *start;        /* [individuals + 1] */
} roles;

/* Lists the groups of every individual. */
static bool list_groups(roles *r)
{
    size_t room = 0;
    size_t *last = urs_array_new(r->individuals, sizeof *last); /* filled so far */
    key *pair = NULL;
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        room += r->frames[i].heads;
    pair = urs_array_new(room, sizeof *pair);
    r->member = urs_array_new(room, sizeof *r->member);
    r->start = urs_array_new(r->individuals + 1, sizeof *r->start);
    if (!last || !pair || !r->member || !r->start) {
        urs_free(last);
        urs_free(pair);
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->frames[i].heads; k++)
            if (r->frames[i].individual[k] >= 0)
                pair[n++] = (key){KEY_DAY, r->frames[i].individual[k], 0, r->group[i]};
    qsort(pair, n, sizeof *pair, compare_keys);
    for (size_t i = 0, at = 0; i <= r->individuals; i++) {
        r->start[i] = i ? r->start[i - 1] + last[i - 1] : 0;
        for (; i < r->individuals && at < n && (size_t)pair[at].a == i; at++)
            if (last[i] == 0 || r->member[r->start[i] + last[i] - 1] != pair[at].frame)
                r->member[r->start[i] + last[i]++] = pair[at].frame;
    }
    urs_free(last);
    urs_free(pair);
    return true;
}

static size_t share_of(double share, size_t n)
{
    return (size_t)(share * (double)n + 0.5);
}

static void choose_fresh(roles *r, size_t *order, size_t n, double share)
{
    size_t fresh = share_of(share, n);
    if (fresh == 0 && share > 0 && n >= FRESH_FROM)
        fresh = 1;
    for (size_t i = 0; i < fresh && i < n; i++) {
        r->fresh[order[i]] = true;
        for (size_t k = r->start[order[i]]; k < r->start[order[i] + 1]; k++)
            r->side[r->member[k]] = ASKED;
    }
}

/* Sides of the groups of one known individual, in drawn order: enrolled until its share is reached, then asked. */
static void divide(roles *r, size_t individual, double share, urs_random *random)
{
    size_t *group = r->member + r->start[individual];
    const size_t n = r->start[individual + 1] - r->start[individual];
    size_t wanted = share_of(share, n), have = 0;
    if (n > 1 && wanted >= n)
        wanted = n - 1;
    if (wanted == 0)
        wanted = 1;
    urs_random_shuffle(random, group, n);
    for (size_t i = 0; i < n; i++)
        have += r->side[group[i]] == ENROLLED;
    for (size_t i = 0; i < n; i++) {
        if (r->side[group[i]] != UNDECIDED)
            continue;
        r->side[group[i]] = have < wanted && r->single[group[i]] ? ENROLLED : ASKED;
        have += r->side[group[i]] == ENROLLED;
    }
}

static void count_individuals(urs_enrol_split *s, const roles *r, bool *asked)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->frames[i].heads; k++) {
            const int32_t who = r->frames[i].individual[k];
            if (who < 0)
                continue;
            s->enrolled[who] = s->enrolled[who] || s->role[i] == URS_ROLE_ENROL;
            asked[who] = asked[who] || s->role[i] == URS_ROLE_ASK;
        }
    for (size_t i = 0; i < r->individuals; i++) {
        s->known += s->enrolled[i] && asked[i];
        s->fresh += !s->enrolled[i] && asked[i];
        s->gallery_only += s->enrolled[i] && !asked[i];
    }
}

static void give_roles(urs_enrol_split *s, const roles *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const urs_enrol_frame *f = &r->frames[i];
        const bool named = names_anybody(f);
        s->groups += named && r->group[i] == i;
        s->undated += named && !f->has_day && f->event < 0;
        s->role[i] = !named || r->side[r->group[i]] != ENROLLED ? URS_ROLE_ASK : f->heads == 1 ? URS_ROLE_ENROL : URS_ROLE_LEFT_OUT;
        s->enrol += s->role[i] == URS_ROLE_ENROL;
        s->ask += s->role[i] == URS_ROLE_ASK;
        s->left_out += s->role[i] == URS_ROLE_LEFT_OUT;
    }
}

urs_status urs_enrol_split_make(urs_enrol_split *out, const urs_enrol_frame *frames, size_t count, size_t individuals, const urs_enrol_options *o, urs_error *err)
{
    urs_enrol_split s = {0};
    roles r = {.frames = frames, .count = count, .individuals = individuals};
    size_t *order = urs_array_new(individuals, sizeof *order), n = 0;
    bool *asked = urs_array_new(individuals, sizeof *asked);
    urs_random random;
    urs_status status = URS_OK;
    urs_random_init(&random, o->seed);
    r.group = urs_array_new(count, sizeof *r.group);
    r.side = urs_array_new(count, 1);
    r.single = urs_array_new(count, 1);
    r.fresh = urs_array_new(individuals, sizeof *r.fresh);
    s.role = urs_array_new(count, 1);
    s.enrolled = urs_array_new(individuals, sizeof *s.enrolled);
    if (!order || !asked || !r.group || !r.side || !r.single || !r.fresh || !s.role || !s.enrolled)
        status = urs_fail(err, URS_ENOMEM, "no memory to split %zu frames", count);
    if (status == URS_OK)
        status = make_groups(r.group, frames, count, o->hash_bits > 0 ? o->hash_bits : HASH_BITS, err);
    if (status == URS_OK && !list_groups(&r))
        status = urs_fail(err, URS_ENOMEM, "no memory to split %zu frames", count);
    for (size_t i = 0; status == URS_OK && i < individuals; i++)
        if (r.start[i + 1] > r.start[i])
            order[n++] = i;
    if (status == URS_OK && n == 0)
        status = urs_fail(err, URS_EINVAL, "none of the %zu photographs names an individual", count);
    if (status == URS_OK) {
        for (size_t i = 0; i < count; i++)
            if (frames[i].heads == 1 && frames[i].individual[0] >= 0)
                r.single[r.group[i]] = 1;
        urs_random_shuffle(&random, order, n);
        choose_fresh(&r, order, n, o->fresh);
        for (size_t i = 0; i < n; i++)
            if (!r.fresh[order[i]])
                divide(&r, order[i], o->enrol, &random);
        give_roles(&s, &r);
        count_individuals(&s, &r, asked);
        *out = s;
    } else {
        urs_enrol_split_release(&s);
    }
    urs_free(order);
    urs_free(asked);
    urs_free(r.group);
    urs_free(r.side);
    urs_free(r.single);
    urs_free(r.fresh);
    urs_free(r.member);
    urs_free(r.start);
    return status;
}

urs_status urs_enrol_split_check(const urs_enrol_split *split, const urs_enrol_frame *frames, size_t count, urs_error *err)
{
    key *keys = NULL;
    size_t n = 0;
    urs_status status = make_keys(&keys, &n, frames, count, err);
    for (size_t from = 0, to; status == URS_OK && from < n; from = to) {
        size_t enrolled = SIZE_MAX, asked = SIZE_MAX;
        for (to = from; to < n && same_key(&keys[to], &keys[from]); to++) {
            const uint8_t role = split->role[keys[to].frame];
            if (role == URS_ROLE_ENROL)
                enrolled = keys[to].frame;
            else if (role == URS_ROLE_ASK)
                asked = keys[to].frame;
        }
        if (keys[from].kind != KEY_UNDATED && enrolled != SIZE_MAX && asked != SIZE_MAX)
            status = urs_fail(err, URS_EMISMATCH, "frames %zu (enrolled) and %zu (asked) share %s", enrolled, asked, keys[from].kind == KEY_EVENT ? "an event" : "an individual and a day");
    }
    urs_free(keys);
    return status;
}
