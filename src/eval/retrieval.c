/* Retrieval measures; see retrieval.h. */
#include "eval/retrieval.h"

#include "base/memory.h"
#include "base/vector.h"
#include "eval/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int urs_hit_k[URS_HIT_KS] = {1, 3, 5, 10};

typedef struct ranked_chip {
    float score;
    uint32_t bear; /* dense number */
    bool right;
} ranked_chip;

/* Falling score; among equals the wrong ones first. */
static int compare_chips(const void *pa, const void *pb)
{
    const ranked_chip *a = pa, *b = pb;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->right != b->right)
        return a->right ? 1 : -1;
    return (a->bear > b->bear) - (a->bear < b->bear);
}

static int compare_numbers(const void *pa, const void *pb)
{
    const int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

typedef struct ranking_room {
    float *score;       /* owned [gallery] */
    ranked_chip *list;  /* owned [gallery] */
    int64_t *bear;      /* owned [bears]: identities, rising */
    uint32_t *number;   /* owned [gallery]: dense number of each chip's bear */
    size_t *seen;       /* owned [bears]: query in which the bear was last met, plus one */
    size_t bears;
} ranking_room;

static bool make_room(ranking_room *room, const urs_retrieval_set *gallery)
{
    room->score = urs_array_new(gallery->count, sizeof *room->score);
    room->list = urs_array_new(gallery->count, sizeof *room->list);
    room->bear = urs_array_new(gallery->count, sizeof *room->bear);
    room->number = urs_array_new(gallery->count, sizeof *room->number);
    room->seen = urs_array_new(gallery->count, sizeof *room->seen);
    if (!room->score || !room->list || !room->bear || !room->number || !room->seen)
        return false;
    if (gallery->count)
        memcpy(room->bear, gallery->identity, gallery->count * sizeof *room->bear);
    qsort(room->bear, gallery->count, sizeof *room->bear, compare_numbers);
    for (size_t i = 0; i < gallery->count; i++)
        if (i == 0 || room->bear[i] != room->bear[room->bears - 1])
            room->bear[room->bears++] = room->bear[i];
    for (size_t i = 0; i < gallery->count; i++) {
        const int64_t *at = bsearch(&gallery->identity[i], room->bear, room->bears, sizeof *room->bear, compare_numbers);
        room->number[i] = (uint32_t)(at - room->bear);
    }
    return true;
}

static void free_room(ranking_room *room)
{
    urs_free(room->score);
    urs_free(room->list);
    urs_free(room->bear);
    urs_free(room->number);
    urs_free(room->seen);
}

/* Ranks the allowed gallery for query i; *bears gets how many different ones it holds. */
static void rank_query(ranking_room *room, urs_retrieval_query *q, size_t *bears, const urs_retrieval_set *query, const urs_retrieval_set *gallery, size_t i,
                       int32_t dim, const urs_retrieval_options *o)
{
    size_t n = 0, right = 0, hits = 0, different = 0;
    double sum = 0;
    *q = (urs_retrieval_query){.identity = query->identity[i], .average_precision = NAN, .best_score = -1, .right_score = NAN, .best_identity = -1};
    if (o->similarity)
        memcpy(room->score, o->similarity + i * gallery->count, gallery->count * sizeof *room->score);
    else
        urs_dot_rows(gallery->embedding, gallery->count, dim, query->embedding + i * (size_t)dim, room->score);
    for (size_t j = 0; j < gallery->count; j++) {
        const bool same_group = query->group && gallery->group && query->group[i] >= 0 && query->group[i] == gallery->group[j];
        if ((o->leave_one_out && j == i) || same_group)
            continue;
        room->list[n].score = room->score[j];
        room->list[n].bear = room->number[j];
        room->list[n].right = gallery->identity[j] == q->identity;
        right += room->list[n++].right;
    }
    qsort(room->list, n, sizeof *room->list, compare_chips);
    q->answerable = right > 0;
    if (n > 0) {
        q->best_score = room->list[0].score;
        q->best_identity = room->bear[room->list[0].bear];
    }
    for (size_t r = 0; r < n; r++) {
        const uint32_t bear = room->list[r].bear;
        if (room->seen[bear] != i + 1) {
            room->seen[bear] = i + 1;
            different++;
            if (room->list[r].right)
                q->bear_rank = different;
        }
        if (room->list[r].right) {
            if (hits == 0) {
                q->chip_rank = r + 1;
                q->right_score = room->list[r].score;
            }
            hits++;
            sum += (double)hits / (double)(r + 1);
        }
    }
    if (right > 0)
        q->average_precision = sum / (double)right;
    *bears = different;
}

/* ---- statistics over queries ---- */

typedef struct hit_macro { /* mean over individuals of the mean of their queries */
    const double *value;   /* [queries], NaN: not counted */
    const size_t *cluster; /* dense number of each query's individual */
    double *sum;           /* [individuals] */
    double *weight;
    const double *own;     /* [individuals]: counted queries that it really has */
    size_t individuals;
} hit_macro;

static double macro_mean(void *context, const size_t *item, size_t count)
{
    hit_macro *m = context;
    double total = 0, individuals = 0;
    memset(m->sum, 0, m->individuals * sizeof *m->sum);
    memset(m->weight, 0, m->individuals * sizeof *m->weight);
    for (size_t i = 0; i < count; i++) {
        const double v = m->value[item[i]];
        if (isnan(v))
            continue;
        m->sum[m->cluster[item[i]]] += v;
        m->weight[m->cluster[item[i]]] += 1;
    }
    for (size_t k = 0; k < m->individuals; k++) {
        if (m->weight[k] > 0) {
            const double copies = m->weight[k] / m->own[k]; /* how often the bootstrap drew it: it counts as that many individuals */
            total += m->sum[k] / m->weight[k] * copies;
            individuals += copies;
        }
    }
    return individuals > 0 ? total / individuals : NAN;
}

typedef struct measured {
    urs_retrieval_result *r;
    const int64_t *identity; /* [queries] */
    const urs_retrieval_options *o;
    double *value;           /* owned [queries], scratch */
    size_t *dense;           /* owned [queries] */
    double *sum, *weight, *own; /* owned [individuals] */
    size_t individuals;
} measured;

static urs_status measure_mean(measured *m, urs_interval *out, urs_error *err)
{
    return urs_interval_mean(out, m->value, m->identity, m->r->queries, m->o->rounds, m->o->seed, err);
}

static urs_status measure_all(measured *m, urs_error *err)
{
    urs_retrieval_result *r = m->r;
    urs_status status = URS_OK;
    for (int k = 0; status == URS_OK && k < URS_HIT_KS; k++) {
        const size_t limit = (size_t)urs_hit_k[k];
        hit_macro macro = {m->value, m->dense, m->sum, m->weight, m->own, m->individuals};
        for (size_t i = 0; i < r->queries; i++)
            m->value[i] = r->query[i].answerable ? r->query[i].chip_rank <= limit : NAN;
        status = measure_mean(m, &r->chip_hit[k], err);
        for (size_t i = 0; i < r->queries; i++)
            m->value[i] = r->query[i].answerable ? r->query[i].bear_rank <= limit : NAN;
        if (status == URS_OK)
            status = measure_mean(m, &r->bear_hit[k], err);
        if (status == URS_OK)
            status = urs_interval_bootstrap(&r->macro_bear_hit[k], macro_mean, &macro, m->identity, r->queries, m->o->rounds, m->o->seed, err);
    }
    for (size_t i = 0; i < r->queries; i++)
        m->value[i] = r->query[i].average_precision;
    if (status == URS_OK)
        status = measure_mean(m, &r->mean_ap, err);
    for (size_t i = 0; i < r->queries; i++)
        m->value[i] = r->query[i].answerable ? 1 / (double)r->query[i].chip_rank : NAN;
    if (status == URS_OK)
        status = measure_mean(m, &r->mrr, err);
    return status;
}

/* Dense numbers of individuals, and how many of them have an answerable query. */
static bool number_individuals(measured *m)
{
    const size_t n = m->r->queries;
    int64_t *sorted = urs_array_new(n, sizeof *sorted);
    bool *answerable = urs_array_new(n, sizeof *answerable);
    if (!sorted || !answerable) {
        urs_free(sorted);
        urs_free(answerable);
        return false;
    }
    if (n)
        memcpy(sorted, m->identity, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_numbers);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[m->individuals - 1])
            sorted[m->individuals++] = sorted[i];
    for (size_t i = 0; i < n; i++) {
        const int64_t *at = bsearch(&m->identity[i], sorted, m->individuals, sizeof *sorted, compare_numbers);
        m->dense[i] = (size_t)(at - sorted);
        if (m->r->query[i].answerable) {
            answerable[m->dense[i]] = true;
            m->own[m->dense[i]] += 1;
        }
    }
    for (size_t k = 0; k < m->individuals; k++)
        m->r->identities += answerable[k];
    urs_free(sorted);
    urs_free(answerable);
    return true;
}

urs_status urs_retrieval_evaluate(urs_retrieval_result *out, const urs_retrieval_set *query, const urs_retrieval_set *gallery, int32_t dim,
                                  const urs_retrieval_options *options, urs_error *err)
{
    static const urs_retrieval_options defaults = {0};
    const urs_retrieval_options *o = options ? options : &defaults;
    urs_retrieval_result r = {.queries = query->count, .gallery = gallery->count, .chance_hit1 = NAN, .mean_gallery_bears = NAN};
    ranking_room room = {0};
    measured m = {.r = &r, .identity = query->identity, .o = o};
    double bears_sum = 0, chance_sum = 0;
    urs_status status = URS_OK;

    if (dim < 1 || (o->leave_one_out && (query->embedding != gallery->embedding || query->count != gallery->count)))
        return urs_fail(err, URS_EINVAL, "leave-one-out compares a set with itself");
    r.query = urs_array_new(query->count, sizeof *r.query);
    m.value = urs_array_new(query->count, sizeof *m.value);
    m.dense = urs_array_new(query->count, sizeof *m.dense);
    m.sum = urs_array_new(query->count, sizeof *m.sum);
    m.weight = urs_array_new(query->count, sizeof *m.weight);
    m.own = urs_array_new(query->count, sizeof *m.own);
    if (!r.query || !m.value || !m.dense || !m.sum || !m.weight || !m.own || !make_room(&room, gallery)) {
        status = urs_fail(err, URS_ENOMEM, "no memory to rank %zu queries against %zu chips", query->count, gallery->count);
        goto done;
    }
    for (size_t i = 0; i < query->count; i++) {
        size_t bears = 0;
        rank_query(&room, &r.query[i], &bears, query, gallery, i, dim, o);
        r.answerable += r.query[i].answerable;
        if (r.query[i].answerable) {
            bears_sum += (double)bears;
            chance_sum += 1 / (double)bears;
        }
    }
    r.lone = r.queries - r.answerable;
    if (r.answerable) {
        r.mean_gallery_bears = bears_sum / (double)r.answerable;
        r.chance_hit1 = chance_sum / (double)r.answerable;
    }
    if (!number_individuals(&m))
        status = urs_fail(err, URS_ENOMEM, "no memory to rank %zu queries", query->count);
    else
        status = measure_all(&m, err);
    if (status == URS_OK) {
        *out = r;
        r.query = NULL;
    }
done:
    free_room(&room);
    urs_free(r.query);
    urs_free(m.value);
    urs_free(m.dense);
    urs_free(m.sum);
    urs_free(m.weight);
    urs_free(m.own);
    return status;
}

void urs_retrieval_release(urs_retrieval_result *r)
{
    urs_free(r->query);
    *r = (urs_retrieval_result){0};
}

/* ---- output ---- */

static json_t *hits_json(const urs_interval hit[URS_HIT_KS])
{
    json_t *o = json_object();
    for (int k = 0; o && k < URS_HIT_KS; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", urs_hit_k[k]);
        (void)json_object_set_new(o, name, urs_interval_json(hit[k]));
    }
    return o;
}

json_t *urs_retrieval_json(const urs_retrieval_result *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "queries", (json_int_t)r->queries, "answerable",
                     (json_int_t)r->answerable, "lone", (json_int_t)r->lone, "gallery_chips", (json_int_t)r->gallery, "individuals", (json_int_t)r->identities,
                     "mean_gallery_bears", isfinite(r->mean_gallery_bears) ? json_real(r->mean_gallery_bears) : json_null(), "chance_hit1",
                     isfinite(r->chance_hit1) ? json_real(r->chance_hit1) : json_null(), "hit_chips", hits_json(r->chip_hit), "hit_bears",
                     hits_json(r->bear_hit), "hit_bears_macro", hits_json(r->macro_bear_hit), "map", urs_interval_json(r->mean_ap), "mrr",
                     urs_interval_json(r->mrr));
}

static void interval_row(urs_table *t, const char *name, urs_interval v)
{
    urs_table_add(t, name);
    urs_table_number(t, v.value, 4);
    urs_table_number(t, v.low, 4);
    urs_table_number(t, v.high, 4);
}

void urs_retrieval_text(const urs_retrieval_result *r, urs_text *out)
{
    static const char *const what[3] = {"over chips", "over bears", "over bears, mean of individuals"};
    const urs_interval *hit[3] = {r->chip_hit, r->bear_hit, r->macro_bear_hit};
    urs_table t;
    char name[64];
    urs_text_format(out, "%zu queries: %zu answerable (of %zu individuals, among %.1f bears on average), %zu lone\n\n", r->queries, r->answerable, r->identities,
                    r->mean_gallery_bears, r->lone);
    urs_table_start(&t, 4);
    urs_table_add(&t, "measure");
    urs_table_add(&t, "value");
    urs_table_add(&t, "95% from");
    urs_table_add(&t, "to");
    for (int kind = 0; kind < 3; kind++) {
        for (int k = 0; k < URS_HIT_KS; k++) {
            (void)snprintf(name, sizeof name, "Hit@%d %s", urs_hit_k[k], what[kind]);
            interval_row(&t, name, hit[kind][k]);
        }
    }
    interval_row(&t, "mAP", r->mean_ap);
    interval_row(&t, "MRR", r->mrr);
    interval_row(&t, "Hit@1 by chance", (urs_interval){r->chance_hit1, NAN, NAN});
    urs_table_end(&t, out);
}
