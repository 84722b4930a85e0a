/* Risk against coverage; see risk.h. */
#include "eval/risk.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define POINTS_MAX 200

typedef struct answer {
    double confidence;
    uint8_t right;
} answer;

static int compare_falling(const void *pa, const void *pb)
{
    const answer *a = pa, *b = pb;
    return (a->confidence < b->confidence) - (a->confidence > b->confidence);
}

urs_status urs_risk_curve_make(urs_risk_curve *out, const double *confidence, const uint8_t *right, size_t n, urs_error *err)
{
    urs_risk_curve c = {0};
    answer *list = NULL;
    size_t wrong = 0;
    if (n == 0)
        return urs_fail(err, URS_EINVAL, "risk and coverage need at least one answer");
    list = urs_array_new(n, sizeof *list);
    c.coverage = urs_array_new(n, sizeof *c.coverage);
    c.risk = urs_array_new(n, sizeof *c.risk);
    c.confidence = urs_array_new(n, sizeof *c.confidence);
    if (!list || !c.coverage || !c.risk || !c.confidence) {
        urs_free(list);
        urs_risk_curve_release(&c);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu answers", n);
    }
    for (size_t i = 0; i < n; i++)
        list[i] = (answer){confidence[i], right[i] != 0};
    qsort(list, n, sizeof *list, compare_falling);
    for (size_t i = 0; i < n;) {
        const size_t begin = i;
        const double at = list[i].confidence;
        for (; i < n && list[i].confidence == at; i++)
            wrong += !list[i].right;
        c.coverage[c.count] = (double)i / (double)n;
        c.risk[c.count] = (double)wrong / (double)i;
        c.area += c.risk[c.count] * (double)(i - begin) / (double)n;
        c.confidence[c.count++] = at;
    }
    urs_free(list);
    *out = c;
    return URS_OK;
}

void urs_risk_curve_release(urs_risk_curve *c)
{
    urs_free(c->coverage);
    urs_free(c->risk);
    urs_free(c->confidence);
    *c = (urs_risk_curve){0};
}

double urs_risk_coverage(const urs_risk_curve *c, double risk, double *confidence)
{
    double coverage = 0, from = INFINITY;
    for (size_t i = 0; i < c->count; i++)
        if (c->risk[i] <= risk + 1e-12) {
            coverage = c->coverage[i];
            from = c->confidence[i];
        }
    if (confidence)
        *confidence = from;
    return coverage;
}

json_t *urs_risk_curve_json(const urs_risk_curve *c)
{
    json_t *points = json_array();
    const size_t step = (c->count + POINTS_MAX - 1) / POINTS_MAX;
    for (size_t i = 0; points && i < c->count; i++)
        if (i % step == 0 || i + 1 == c->count)
            (void)json_array_append_new(points, json_pack("[f, f, f]", c->coverage[i], c->risk[i], c->confidence[i]));
    return json_pack("{s:f, s:o}", "area", c->area, "coverage_risk_confidence", points);
}
