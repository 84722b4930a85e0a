/* One set of classes against the rest; see class_measure.h. */
#include "eval/class_measure.h"

#include <math.h>

typedef struct measuring {
    const urs_class_measure *measure;
    const urs_class_answers *answers;
} measuring;

typedef struct counts {
    size_t both, missed, extra, rest, same; /* a, b, c, d of the header; truth itself */
} counts;

static bool among(uint32_t set, int32_t class)
{
    return set >> class & 1;
}

static counts count(const measuring *m, const int32_t *answer, const size_t *item, size_t n)
{
    const urs_class_answers *x = m->answers;
    counts c = {0};
    for (size_t k = 0; k < n; k++) {
        const size_t i = item ? item[k] : k;
        bool truth, answered;
        if (x->use && !x->use[i])
            continue;
        truth = among(m->measure->truths, x->truth[i]);
        answered = among(m->measure->answers, answer[i]);
        c.same += x->truth[i] == answer[i];
        *(truth ? (answered ? &c.both : &c.missed) : (answered ? &c.extra : &c.rest)) += 1;
    }
    return c;
}

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static size_t denominator(const urs_class_measure *m, const counts *c)
{
    return m->kind == URS_MEASURE_RECALL ? c->both + c->missed : m->kind == URS_MEASURE_PRECISION ? c->both + c->extra : c->both + c->missed + c->extra + c->rest;
}

static double value(const urs_class_measure *m, const counts *c)
{
    switch (m->kind) {
    case URS_MEASURE_RECALL:
    case URS_MEASURE_PRECISION:
        return share(c->both, denominator(m, c));
    case URS_MEASURE_F1:
        return share(2 * c->both, 2 * c->both + c->missed + c->extra);
    case URS_MEASURE_ACCURACY:
    default:
        return share(m->truths == 0 && m->answers == 0 ? c->same : c->both + c->rest, denominator(m, c));
    }
}

static double statistic(void *context, const size_t *item, size_t n)
{
    const measuring *m = context;
    counts c = count(m, m->answers->answer, item, n);
    double v = value(m->measure, &c);
    if (m->answers->less) {
        c = count(m, m->answers->less, item, n);
        v -= value(m->measure, &c);
    }
    return v;
}

urs_status urs_class_measure_take(urs_interval *out, size_t *of, const urs_class_measure *measure, const urs_class_answers *answers, int rounds, uint64_t seed, urs_error *err)
{
    measuring m = {measure, answers};
    const counts whole = count(&m, answers->answer, NULL, answers->count);
    const urs_status status = urs_interval_bootstrap(out, statistic, &m, answers->cluster, answers->count, rounds, seed, err);
    if (status == URS_OK && of)
        *of = denominator(measure, &whole);
    return status;
}
