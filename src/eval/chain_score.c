/* Counting what became of every head; see chain_score.h. Tables and JSON are in chain_score_text.c. */
#include "eval/chain_score.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { NEW, KNOWN, UNSURE = 0, CALLED_KNOWN, CALLED_NEW };

urs_fate urs_chain_fate(const urs_chain_case *c)
{
    switch (c->stop) {
    case URS_STOP_FILE: return URS_FATE_UNREADABLE;
    case URS_STOP_SIFT: return URS_FATE_SIFTED_AWAY;
    case URS_STOP_FIND: return URS_FATE_NOT_FOUND;
    case URS_STOP_ENROL: return URS_FATE_NOT_ENROLLED;
    case URS_STOP_NONE: break;
    }
    if (c->verdict == CALLED_KNOWN)
        return c->known && c->first == c->individual ? URS_FATE_RIGHT : URS_FATE_WRONG_NAME;
    if (c->verdict == CALLED_NEW)
        return c->known ? URS_FATE_CALLED_NEW : URS_FATE_RIGHT;
    if (c->known && c->rank == 1)
        return URS_FATE_UNSURE_FIRST;
    return c->known && c->rank > 0 && c->rank <= URS_CHAIN_SHOWN ? URS_FATE_UNSURE_LISTED : URS_FATE_UNSURE_OTHER;
}

/* ---- shares of cases, with intervals by individual ---- */

typedef struct sums {
    const urs_chain_case *cases;
    size_t count;
    int64_t *cluster; /* [count], or of the frames */
    double *value;    /* scratch [count] */
    int rounds;
    uint64_t seed;
} sums;

static urs_status mean(urs_interval *out, const sums *s, urs_error *err)
{
    return urs_interval_mean(out, s->value, s->cluster, s->count, s->rounds, s->seed, err);
}

static urs_status measure_side(urs_chain_side *out, const sums *s, bool known, urs_error *err)
{
    urs_status status = URS_OK;
    for (int what = 0; status == URS_OK && what < 4; what++) {
        urs_interval *const where[] = {&out->reached, &out->right, &out->verdict_right, &out->decided_right};
        for (size_t i = 0; i < s->count; i++) {
            const urs_chain_case *c = &s->cases[i];
            const urs_fate fate = urs_chain_fate(c);
            const bool reached = c->stop == URS_STOP_NONE;
            s->value[i] = what == 0 ? (double)reached : (double)(fate == URS_FATE_RIGHT);
            if (c->known != known || (what >= 2 && !reached) || (what == 3 && c->verdict == UNSURE))
                s->value[i] = NAN;
        }
        status = mean(where[what], s, err);
    }
    return status;
}

static urs_status measure_hits(urs_chain_score *out, const sums *s, urs_error *err)
{
    urs_status status = URS_OK;
    for (int k = 0; status == URS_OK && k < 2 * URS_HIT_KS; k++) {
        const bool all = k >= URS_HIT_KS;
        const size_t first = (size_t)urs_hit_k[k % URS_HIT_KS];
        for (size_t i = 0; i < s->count; i++) {
            const urs_chain_case *c = &s->cases[i];
            const bool reached = c->stop == URS_STOP_NONE;
            s->value[i] = !c->known || (!all && !reached) ? NAN : (double)(reached && c->rank > 0 && c->rank <= first);
        }
        status = mean(all ? &out->hit_all[k - URS_HIT_KS] : &out->hit[k], s, err);
    }
    for (size_t i = 0; i < s->count; i++)
        s->value[i] = (double)(urs_chain_fate(&s->cases[i]) == URS_FATE_RIGHT);
    return status == URS_OK ? mean(&out->end_to_end, s, err) : status;
}

static int compare_numbers(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How many individuals there are among the cases of one side; list is scratch [count]. */
static size_t individuals_of(const sums *s, bool known, int64_t *list)
{
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->cases[i].known == known)
            list[n++] = s->cases[i].individual;
    qsort(list, n, sizeof *list, compare_numbers);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || list[i] != list[i - 1];
    return distinct;
}

/* ---- known against new ---- */

typedef struct drawn {
    const urs_chain_case *cases;
    float *score;   /* [room] */
    uint8_t *known; /* [room] */
    size_t room;
    bool failed;
} drawn;

static bool reserve(drawn *d, size_t count)
{
    if (count <= d->room)
        return true;
    if (!urs_array_resize((void **)&d->score, count, sizeof *d->score) || !urs_array_resize((void **)&d->known, count, 1)) {
        d->failed = true;
        return false;
    }
    d->room = count;
    return true;
}

static double auroc_of(void *context, const size_t *item, size_t count)
{
    drawn *d = context;
    size_t n = 0;
    if (!reserve(d, count))
        return NAN;
    for (size_t i = 0; i < count; i++) {
        const urs_chain_case *c = &d->cases[item[i]];
        if (c->stop != URS_STOP_NONE)
            continue;
        d->score[n] = c->cosine;
        d->known[n++] = c->known;
    }
    return urs_auroc(d->score, d->known, n);
}

/* Mean of the shares of known bears that are more likely known than new and of new ones that are not. */
static double balanced_of(void *context, const size_t *item, size_t count)
{
    const drawn *d = context;
    size_t n[2] = {0}, right[2] = {0};
    for (size_t i = 0; i < count; i++) {
        const urs_chain_case *c = &d->cases[item[i]];
        if (c->stop != URS_STOP_NONE)
            continue;
        n[c->known]++;
        right[c->known] += (c->p_new < 0.5) == c->known;
    }
    return n[NEW] && n[KNOWN] ? ((double)right[NEW] / (double)n[NEW] + (double)right[KNOWN] / (double)n[KNOWN]) / 2 : NAN;
}

static urs_status measure_open_set(urs_chain_score *out, const sums *s, urs_error *err)
{
    drawn d = {.cases = s->cases};
    size_t n[2] = {0};
    urs_status status;
    out->auroc = out->balanced_accuracy = (urs_interval){NAN, NAN, NAN};
    for (size_t i = 0; i < s->count; i++)
        n[s->cases[i].known] += s->cases[i].stop == URS_STOP_NONE;
    out->ranked = n[KNOWN];
    out->open_set = n[NEW] && n[KNOWN];
    if (!out->open_set)
        return URS_OK;
    status = urs_interval_bootstrap(&out->auroc, auroc_of, &d, s->cluster, s->count, s->rounds, s->seed, err);
    if (status == URS_OK)
        status = urs_interval_bootstrap(&out->balanced_accuracy, balanced_of, &d, s->cluster, s->count, s->rounds, s->seed, err);
    if (status == URS_OK && d.failed)
        status = urs_fail(err, URS_ENOMEM, "no memory for intervals over %zu heads", s->count);
    urs_free(d.score);
    urs_free(d.known);
    return status;
}

/* ---- frames ---- */

static void count_frames(urs_chain_score *out, const urs_chain_frame_case *frames, size_t n)
{
    out->frames = n;
    for (size_t i = 0; i < n; i++) {
        const urs_chain_frame_case *f = &frames[i];
        out->unreadable += f->unreadable;
        if (f->truth >= 0 && f->truth < 3 && f->answer >= 0 && f->answer < 3) {
            out->confusion[f->truth][f->answer]++;
            out->bear_frames += f->truth == 2;
            out->bear_frames_kept += f->truth == 2 && f->answer != 0;
            out->empty_frames += f->truth == 0;
            out->empty_frames_dropped += f->truth == 0 && f->answer == 0;
        }
        if (f->boxes && f->searched) {
            out->boxed_frames++;
            out->boxed_heads += f->heads;
            out->boxed_found += f->found;
            out->false_heads += f->false_heads;
            out->false_known += f->false_known;
        }
    }
}

typedef struct frame_sums {
    const urs_chain_frame_case *frames;
} frame_sums;

static double found_of(void *context, const size_t *item, size_t count)
{
    const frame_sums *s = context;
    size_t heads = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        const urs_chain_frame_case *f = &s->frames[item[i]];
        if (f->boxes && f->searched) {
            heads += f->heads;
            found += f->found;
        }
    }
    return heads ? (double)found / (double)heads : NAN;
}

static urs_status measure_frames(urs_chain_score *out, const urs_chain_frame_case *frames, size_t n, int rounds, uint64_t seed, urs_error *err)
{
    frame_sums context = {frames};
    int64_t *cluster = urs_array_new(n, sizeof *cluster);
    double *value = urs_array_new(n, sizeof *value);
    urs_status status = cluster && value ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (int what = 0; status == URS_OK && what < 2; what++) {
        for (size_t i = 0; i < n; i++) {
            cluster[i] = frames[i].cluster;
            value[i] = frames[i].truth != (what ? 0 : 2) || frames[i].answer < 0 ? NAN : (double)((frames[i].answer == 0) == (what == 1));
        }
        status = urs_interval_mean(what ? &out->empty_dropped : &out->bear_kept, value, cluster, n, rounds, seed, err);
    }
    if (status == URS_OK)
        status = urs_interval_bootstrap(&out->found, found_of, &context, cluster, n, rounds, seed, err);
    urs_free(cluster);
    urs_free(value);
    return status;
}

urs_status urs_chain_score_make(urs_chain_score *out, const urs_chain_case *cases, size_t count, const urs_chain_frame_case *frames, size_t frame_count, bool sifted, size_t gallery_bears,
                                size_t gallery_chips, int rounds, uint64_t seed, urs_error *err)
{
    urs_chain_score score = {.sifted = sifted, .gallery_bears = gallery_bears, .gallery_chips = gallery_chips};
    sums s = {.cases = cases, .count = count, .rounds = rounds, .seed = seed};
    int64_t *list = urs_array_new(count, sizeof *list);
    urs_status status = URS_OK;
    s.cluster = urs_array_new(count, sizeof *s.cluster);
    s.value = urs_array_new(count, sizeof *s.value);
    if (!list || !s.cluster || !s.value)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu heads", count);
    for (size_t i = 0; status == URS_OK && i < count; i++) {
        urs_chain_side *side = &score.side[cases[i].known];
        s.cluster[i] = cases[i].individual;
        side->heads++;
        side->fate[urs_chain_fate(&cases[i])]++;
    }
    for (size_t i = 0; status == URS_OK && i < 2; i++) {
        score.side[i].individuals = individuals_of(&s, i == KNOWN, list);
        status = measure_side(&score.side[i], &s, i == KNOWN, err);
    }
    if (status == URS_OK)
        status = measure_hits(&score, &s, err);
    if (status == URS_OK)
        status = measure_open_set(&score, &s, err);
    if (status == URS_OK) {
        count_frames(&score, frames, frame_count);
        status = measure_frames(&score, frames, frame_count, rounds, seed, err);
    }
    urs_free(list);
    urs_free(s.cluster);
    urs_free(s.value);
    if (status == URS_OK)
        *out = score;
    return status;
}
