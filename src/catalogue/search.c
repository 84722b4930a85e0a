/* Search in memory; see search.h.
 *
 *      block of rows ──dot──> scores[BLOCK] ──> best chip (and second best) of each bear, or heap of the k best chips
 *
 * The matrix is read once per query; everything else fits in the first-level cache. */
#include "catalogue/search.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256 /* rows scored at a time */
#define NO_BEAR UINT32_MAX

struct urs_search {
    int32_t dim;
    size_t count, capacity;
    float *matrix;      /* aligned [capacity][dim] */
    int64_t *chip;      /* [capacity] */
    uint32_t *bear_of;  /* [capacity]: number of the bear below */
    size_t bears, bears_capacity, bear_ids_capacity, sums_capacity;
    int64_t *bear;      /* [bears]: its id */
    float *sum;         /* [bears][dim]: sum of its chips, for the centroid */
    uint32_t *slot;     /* open-addressing hash of bear id -> number, NO_BEAR empty */
    size_t slots;       /* power of two, at least twice `bears` */
};

urs_status urs_search_new(urs_search **out, int32_t dim, urs_error *err)
{
    urs_search *s;
    if (dim < 1 || dim > URS_EMBEDDING_DIM_MAX)
        return urs_fail(err, URS_EINVAL, "an index needs 1 to %d numbers an embedding, not %d", URS_EMBEDDING_DIM_MAX, dim);
    s = urs_array_new(1, sizeof *s);
    if (!s)
        return urs_fail(err, URS_ENOMEM, "no memory for an index");
    s->dim = dim;
    *out = s;
    return URS_OK;
}

void urs_search_free(urs_search *s)
{
    if (!s)
        return;
    urs_aligned_free(s->matrix);
    urs_free(s->chip);
    urs_free(s->bear_of);
    urs_free(s->bear);
    urs_free(s->sum);
    urs_free(s->slot);
    urs_free(s);
}

size_t urs_search_count(const urs_search *s)
{
    return s->count;
}

size_t urs_search_bear_count(const urs_search *s)
{
    return s->bears;
}

int32_t urs_search_dim(const urs_search *s)
{
    return s->dim;
}

/* ---- adding ---- */

static size_t bear_slot(const urs_search *s, int64_t id)
{
    size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (s->slots - 1);
    while (s->slot[at] != NO_BEAR && s->bear[s->slot[at]] != id)
        at = (at + 1) & (s->slots - 1);
    return at;
}

static bool grow_slots(urs_search *s)
{
    const size_t slots = s->slots ? s->slots * 2 : 64;
    uint32_t *fresh = urs_array_new(slots, sizeof *fresh);
    if (!fresh)
        return false;
    memset(fresh, 0xff, slots * sizeof *fresh);
    urs_free(s->slot);
    s->slot = fresh;
    s->slots = slots;
    for (uint32_t b = 0; b < s->bears; b++)
        s->slot[bear_slot(s, s->bear[b])] = b;
    return true;
}

static bool bear_number(urs_search *s, int64_t id, uint32_t *number)
{
    size_t at, bytes;
    if (s->bears * 2 >= s->slots && !grow_slots(s))
        return false;
    at = bear_slot(s, id);
    if (s->slot[at] != NO_BEAR) {
        *number = s->slot[at];
        return true;
    }
    if (s->bears >= NO_BEAR - 1 || !urs_mul_size(&bytes, (size_t)s->dim, sizeof *s->sum) ||
        !urs_array_reserve((void **)&s->bear, &s->bear_ids_capacity, s->bears, sizeof *s->bear) ||
        !urs_array_reserve((void **)&s->sum, &s->sums_capacity, s->bears, bytes))
        return false;
    memset(s->sum + s->bears * (size_t)s->dim, 0, bytes);
    s->bear[s->bears] = id;
    s->slot[at] = *number = (uint32_t)s->bears++;
    return true;
}

static bool grow_rows(urs_search *s)
{
    size_t capacity, bytes;
    float *fresh;
    if (s->count < s->capacity)
        return true;
    if (!urs_mul_size(&capacity, s->capacity ? s->capacity : 32, 2) || !urs_mul_size(&bytes, capacity, (size_t)s->dim * sizeof *s->matrix) ||
        !urs_array_resize((void **)&s->chip, capacity, sizeof *s->chip) || !urs_array_resize((void **)&s->bear_of, capacity, sizeof *s->bear_of))
        return false;
    fresh = urs_aligned_new(bytes);
    if (!fresh)
        return false;
    if (s->count)
        memcpy(fresh, s->matrix, s->count * (size_t)s->dim * sizeof *fresh);
    urs_aligned_free(s->matrix);
    s->matrix = fresh;
    s->capacity = capacity;
    return true;
}

urs_status urs_search_add(urs_search *s, int64_t chip, int64_t bear, const float *embedding, urs_error *err)
{
    uint32_t number = 0;
    float *row;
    if (!grow_rows(s))
        return urs_fail(err, URS_ENOMEM, "no memory for an index of %zu chips", s->count + 1);
    row = s->matrix + s->count * (size_t)s->dim;
    memcpy(row, embedding, (size_t)s->dim * sizeof *row);
    if (!urs_normalise(row, s->dim))
        return urs_fail(err, URS_EINVAL, "the embedding of chip %lld is zero or not finite", (long long)chip);
    if (!bear_number(s, bear, &number))
        return urs_fail(err, URS_ENOMEM, "no memory for an index of %zu bears", s->bears + 1);
    for (int32_t i = 0; i < s->dim; i++)
        s->sum[(size_t)number * (size_t)s->dim + (size_t)i] += row[i];
    s->chip[s->count] = chip;
    s->bear_of[s->count++] = number;
    return URS_OK;
}

static urs_status add_row(void *context, int64_t chip, int64_t bear, const float *embedding, int32_t dim, urs_error *err)
{
    (void)dim;
    return urs_search_add(context, chip, bear, embedding, err);
}

urs_status urs_search_load(urs_search **out, urs_catalogue *c, const urs_catalogue_model *model, urs_error *err)
{
    urs_search *s = NULL;
    urs_status status = urs_catalogue_model_check(c, model, err);
    if (status == URS_OK)
        status = urs_search_new(&s, model->dim, err);
    if (status == URS_OK)
        status = urs_catalogue_each_embedding(c, add_row, s, err);
    if (status == URS_OK)
        *out = s;
    else
        urs_search_free(s);
    return status;
}

/* ---- searching ---- */

static bool better(const urs_search_hit *a, const urs_search_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->chip < b->chip);
}

/* hits[k] is a heap with the worst on top while it fills; sorted at the end. */
static void sift_down(urs_search_hit *hits, size_t n, size_t at)
{
    for (;;) {
        size_t worst = at;
        const size_t left = 2 * at + 1, right = left + 1;
        if (left < n && better(&hits[worst], &hits[left]))
            worst = left;
        if (right < n && better(&hits[worst], &hits[right]))
            worst = right;
        if (worst == at)
            return;
        const urs_search_hit swap = hits[at];
        hits[at] = hits[worst];
        hits[worst] = swap;
        at = worst;
    }
}

static void offer(urs_search_hit *hits, size_t *n, size_t k, urs_search_hit hit)
{
    if (*n < k) {
        size_t at = (*n)++;
        hits[at] = hit;
        while (at > 0 && better(&hits[(at - 1) / 2], &hits[at])) {
            const urs_search_hit swap = hits[at];
            hits[at] = hits[(at - 1) / 2];
            hits[(at - 1) / 2] = swap;
            at = (at - 1) / 2;
        }
    } else if (k > 0 && better(&hit, &hits[0])) {
        hits[0] = hit;
        sift_down(hits, k, 0);
    }
}

static int compare_hits(const void *a, const void *b)
{
    return better(a, b) ? -1 : better(b, a) ? 1 : 0;
}

static urs_status normalised_query(const urs_search *s, const float *query, float **out, urs_error *err)
{
    float *q = urs_array_new((size_t)s->dim, sizeof *q);
    if (!q)
        return urs_fail(err, URS_ENOMEM, "no memory for a query");
    memcpy(q, query, (size_t)s->dim * sizeof *q);
    if (!urs_normalise(q, s->dim)) {
        urs_free(q);
        return urs_fail(err, URS_EINVAL, "the embedding of the query is zero or not finite");
    }
    *out = q;
    return URS_OK;
}

urs_status urs_search_chips(const urs_search *s, const float *query, size_t k, const urs_search_options *options, urs_search_hit *hits, size_t *count,
                            urs_error *err)
{
    const int64_t exclude = options ? options->exclude_chip : 0;
    float scores[BLOCK];
    float *q = NULL;
    size_t n = 0;
    urs_status status = normalised_query(s, query, &q, err);
    if (status != URS_OK)
        return status;
    for (size_t at = 0; at < s->count; at += BLOCK) {
        const size_t rows = s->count - at < BLOCK ? s->count - at : BLOCK;
        urs_dot_rows(s->matrix + at * (size_t)s->dim, rows, s->dim, q, scores);
        for (size_t r = 0; r < rows; r++) {
            if (s->chip[at + r] != exclude || exclude == 0)
                offer(hits, &n, k, (urs_search_hit){s->bear[s->bear_of[at + r]], s->chip[at + r], scores[r], scores[r]});
        }
    }
    qsort(hits, n, sizeof *hits, compare_hits);
    *count = n;
    urs_free(q);
    return URS_OK;
}

typedef struct bear_best {
    float first, second; /* -2: none */
    size_t row;          /* of `first` */
} bear_best;

static void scan_bears(const urs_search *s, const float *q, int64_t exclude, bear_best *best)
{
    float scores[BLOCK];
    for (size_t b = 0; b < s->bears; b++)
        best[b] = (bear_best){-2, -2, 0};
    for (size_t at = 0; at < s->count; at += BLOCK) {
        const size_t rows = s->count - at < BLOCK ? s->count - at : BLOCK;
        urs_dot_rows(s->matrix + at * (size_t)s->dim, rows, s->dim, q, scores);
        for (size_t r = 0; r < rows; r++) {
            bear_best *b = &best[s->bear_of[at + r]];
            if (exclude != 0 && s->chip[at + r] == exclude)
                continue;
            if (scores[r] > b->first || (scores[r] == b->first && s->chip[at + r] < s->chip[b->row])) {
                b->second = b->first;
                b->first = scores[r];
                b->row = at + r;
            } else if (scores[r] > b->second) {
                b->second = scores[r];
            }
        }
    }
}

static float centroid_score(const urs_search *s, size_t bear, const float *q)
{
    const float *sum = s->sum + bear * (size_t)s->dim;
    const float length = sqrtf(urs_dot(sum, sum, s->dim));
    return length > 0 ? urs_dot(sum, q, s->dim) / length : 0;
}

urs_status urs_search_bears(const urs_search *s, const float *query, size_t k, const urs_search_options *options, urs_search_hit *hits, size_t *count,
                            urs_error *err)
{
    static const urs_search_options defaults = {0};
    const urs_search_options *o = options ? options : &defaults;
    bear_best *best = NULL;
    float *q = NULL;
    size_t n = 0;
    urs_status status = normalised_query(s, query, &q, err);
    if (status != URS_OK)
        return status;
    best = urs_array_new(s->bears, sizeof *best);
    if (!best) {
        status = urs_fail(err, URS_ENOMEM, "no memory to rank %zu bears", s->bears);
        goto done;
    }
    scan_bears(s, q, o->exclude_chip, best);
    for (size_t b = 0; b < s->bears; b++) {
        float score = best[b].first;
        if (best[b].first < -1.5f)
            continue; /* its only chip is excluded */
        if (o->score == URS_BEAR_TOP2 && best[b].second > -1.5f)
            score = (best[b].first + best[b].second) / 2;
        else if (o->score == URS_BEAR_CENTROID)
            score = centroid_score(s, b, q);
        offer(hits, &n, k, (urs_search_hit){s->bear[b], s->chip[best[b].row], score, best[b].first});
    }
    qsort(hits, n, sizeof *hits, compare_hits);
    *count = n;
done:
    urs_free(best);
    urs_free(q);
    return status;
}
