/* Fitting P(same bear | cosine), and its JSON; see verdict.h. */
#include "catalogue/verdict.h"

#include "base/memory.h"
#include "base/vector.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KNOT_GAP 1e-9      /* least distance of two knots in cosine */
#define TIE_STEP 0x1p-30   /* what a step of 1 in cosine adds where the curve is flat */

void urs_calibration_release(urs_calibration *cal)
{
    urs_free(cal->x);
    urs_free(cal->y);
    urs_free(cal->d);
    *cal = (urs_calibration){0};
}

/* ---- monotone cubic (Fritsch and Carlson 1980; ends by the three-point formula of Fritsch and Butland, as SciPy's PCHIP) ---- */

static double end_slope(double h0, double h1, double m0, double m1)
{
    double d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1);
    if (d * m0 <= 0)
        return 0;
    if (m0 * m1 <= 0 && fabs(d) > 3 * fabs(m0))
        return 3 * m0;
    return d;
}

static void cubic_slopes(const double *x, const double *y, double *d, size_t n)
{
    if (n == 2) {
        d[0] = d[1] = (y[1] - y[0]) / (x[1] - x[0]);
        return;
    }
    for (size_t i = 1; i + 1 < n; i++) {
        const double h0 = x[i] - x[i - 1], h1 = x[i + 1] - x[i];
        const double m0 = (y[i] - y[i - 1]) / h0, m1 = (y[i + 1] - y[i]) / h1;
        const double w0 = 2 * h1 + h0, w1 = h1 + 2 * h0;
        d[i] = m0 * m1 <= 0 ? 0 : (w0 + w1) / (w0 / m0 + w1 / m1);
    }
    d[0] = end_slope(x[1] - x[0], x[2] - x[1], (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1]));
    d[n - 1] = end_slope(x[n - 1] - x[n - 2], x[n - 2] - x[n - 3], (y[n - 1] - y[n - 2]) / (x[n - 1] - x[n - 2]),
                         (y[n - 2] - y[n - 3]) / (x[n - 2] - x[n - 3]));
}

static double cubic_value(const urs_calibration *cal, double x)
{
    size_t low = 0, high = cal->count - 1;
    double h, t;
    if (x <= cal->x[0])
        return cal->y[0];
    if (x >= cal->x[high])
        return cal->y[high];
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (cal->x[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    h = cal->x[high] - cal->x[low];
    t = (x - cal->x[low]) / h;
    return (1 + 2 * t) * (1 - t) * (1 - t) * cal->y[low] + t * (1 - t) * (1 - t) * h * cal->d[low] + t * t * (3 - 2 * t) * cal->y[high] +
           t * t * (t - 1) * h * cal->d[high];
}

double urs_calibration_probability(const urs_calibration *cal, double cosine)
{
    double p;
    if (isnan(cosine))
        return 0;
    switch (cal ? cal->kind : URS_CALIBRATION_NONE) {
    case URS_CALIBRATION_LOGISTIC: p = 1 / (1 + exp(-(cal->slope * cosine + cal->intercept))); break;
    case URS_CALIBRATION_ISOTONIC: p = cubic_value(cal, cosine) * (1 - 2 * TIE_STEP) + (1 + cosine) * TIE_STEP; break;
    case URS_CALIBRATION_NONE:
    default: p = (1 + cosine) / 2;
    }
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* ---- fitting ---- */

typedef struct pair_score {
    float score;
    uint8_t same;
} pair_score;

static int compare_pairs(const void *a, const void *b)
{
    const float x = ((const pair_score *)a)->score, y = ((const pair_score *)b)->score;
    return (x > y) - (x < y);
}

static urs_status count_pairs(const float *score, const uint8_t *same, size_t n, size_t *positives, urs_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(score[i]) || same[i] > 1)
            return urs_fail(err, URS_EINVAL, "calibration: pair %zu has no finite score or no clear answer", i);
        count += same[i];
    }
    if (count == 0 || count == n)
        return urs_fail(err, URS_EINVAL, "calibration needs pairs of the same bear and of different bears (%zu of %zu are the same)", count, n);
    *positives = count;
    return URS_OK;
}

/* A run of pairs that share one probability. The mid-point is of its lowest and highest score. */
typedef struct block {
    double weight, sum, low, high;
} block;

static bool blocks_violate(const block *a, const block *b)
{
    return a->sum * b->weight >= b->sum * a->weight; /* mean of a >= mean of b: equal ones are joined too */
}

static size_t pool_violators(block *blocks, const pair_score *pairs, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        block b = {0, 0, (double)pairs[i].score, (double)pairs[i].score};
        for (const float score = pairs[i].score; i < n && pairs[i].score == score; i++) { /* equal scores are one observation */
            b.weight += 1;
            b.sum += pairs[i].same;
        }
        blocks[count++] = b;
        while (count > 1 && blocks_violate(&blocks[count - 2], &blocks[count - 1])) {
            block *a = &blocks[count - 2];
            a->weight += blocks[count - 1].weight;
            a->sum += blocks[count - 1].sum;
            a->high = blocks[count - 1].high;
            count--;
        }
    }
    return count;
}

/* Joins blocks whose mid-points are closer than a cubic can be drawn through, then pairs of neighbours until at most `limit` are left. Means stay in order. */
static size_t thin_blocks(block *blocks, size_t count, size_t limit)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        block *last = &blocks[kept > 0 ? kept - 1 : 0];
        if (kept > 0 && blocks[i].low + blocks[i].high - last->low - last->high < 2 * KNOT_GAP) {
            last->weight += blocks[i].weight;
            last->sum += blocks[i].sum;
            last->high = blocks[i].high;
        } else {
            blocks[kept++] = blocks[i];
        }
    }
    count = kept;
    while (count > limit) {
        const size_t parts = (count + 1) / 2;
        for (size_t i = 0; i < parts; i++) {
            block b = blocks[2 * i];
            if (2 * i + 1 < count) {
                b.weight += blocks[2 * i + 1].weight;
                b.sum += blocks[2 * i + 1].sum;
                b.high = blocks[2 * i + 1].high;
            }
            blocks[i] = b;
        }
        count = parts;
    }
    return count;
}

static urs_status set_knots(urs_calibration *out, const double *x, const double *y, size_t n, urs_error *err)
{
    urs_calibration cal = {.kind = URS_CALIBRATION_ISOTONIC, .count = n};
    cal.x = urs_array_new(n, sizeof *cal.x);
    cal.y = urs_array_new(n, sizeof *cal.y);
    cal.d = urs_array_new(n, sizeof *cal.d);
    if (!cal.x || !cal.y || !cal.d) {
        urs_calibration_release(&cal);
        return urs_fail(err, URS_ENOMEM, "no memory for a calibration");
    }
    memcpy(cal.x, x, n * sizeof *x);
    memcpy(cal.y, y, n * sizeof *y);
    cubic_slopes(cal.x, cal.y, cal.d, n);
    *out = cal;
    return URS_OK;
}

urs_status urs_calibration_fit_isotonic(urs_calibration *out, const float *score, const uint8_t *same, size_t n, urs_error *err)
{
    pair_score *pairs = NULL;
    block *blocks = NULL;
    double *knots = NULL;
    size_t positives = 0, count;
    urs_calibration cal = {0};
    urs_status status = count_pairs(score, same, n, &positives, err);
    if (status != URS_OK)
        return status;
    pairs = urs_array_new(n, sizeof *pairs);
    blocks = urs_array_new(n, sizeof *blocks);
    if (!pairs || !blocks) {
        status = urs_fail(err, URS_ENOMEM, "no memory to calibrate %zu pairs", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        pairs[i] = (pair_score){score[i], same[i]};
    qsort(pairs, n, sizeof *pairs, compare_pairs);
    count = thin_blocks(blocks, pool_violators(blocks, pairs, n), URS_CALIBRATION_KNOTS_MAX);
    if (count == 1) { /* the score tells nothing: one probability from the lowest to the highest score */
        blocks[1] = blocks[0];
        blocks[0].high = blocks[0].low;
        blocks[1].low = blocks[1].high;
        count = blocks[1].low - blocks[0].low > KNOT_GAP ? 2 : 1;
    }
    if (count == 1) {
        status = urs_fail(err, URS_EINVAL, "calibration: all %zu pairs have the same score", n);
        goto done;
    }
    knots = urs_array_new(count * 2, sizeof *knots);
    if (!knots) {
        status = urs_fail(err, URS_ENOMEM, "no memory to calibrate %zu pairs", n);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        knots[i] = (blocks[i].low + blocks[i].high) / 2;
        knots[count + i] = blocks[i].sum / blocks[i].weight;
    }
    status = set_knots(&cal, knots, knots + count, count, err);
    if (status == URS_OK) {
        cal.prior = (double)positives / (double)n;
        cal.pairs = (int64_t)n;
        *out = cal;
    }
done:
    urs_free(knots);
    urs_free(blocks);
    urs_free(pairs);
    return status;
}

static double logistic_loss(const float *score, const uint8_t *same, size_t n, const double target[2], double a, double b)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        const double z = a * (double)score[i] + b;
        /* -t log p - (1-t) log(1-p), without overflow */
        loss += (z > 0 ? z + log1p(exp(-z)) : log1p(exp(z))) - target[same[i]] * z;
    }
    return loss;
}

urs_status urs_calibration_fit_logistic(urs_calibration *out, const float *score, const uint8_t *same, size_t n, urs_error *err)
{
    size_t positives = 0;
    double a = 0, b, loss, target[2];
    urs_status status = count_pairs(score, same, n, &positives, err);
    if (status != URS_OK)
        return status;
    target[0] = 1 / ((double)(n - positives) + 2);
    target[1] = ((double)positives + 1) / ((double)positives + 2);
    b = log(((double)positives + 1) / ((double)(n - positives) + 1));
    loss = logistic_loss(score, same, n, target, a, b);
    for (int round = 0; round < 200; round++) {
        double haa = 1e-12, hab = 0, hbb = 1e-12, ga = 0, gb = 0, det, da, db, step = 1;
        bool better = false;
        for (size_t i = 0; i < n; i++) {
            const double x = (double)score[i], p = 1 / (1 + exp(-(a * x + b))), w = p * (1 - p), g = p - target[same[i]];
            haa += w * x * x;
            hab += w * x;
            hbb += w;
            ga += g * x;
            gb += g;
        }
        det = haa * hbb - hab * hab;
        if (fabs(ga) + fabs(gb) < 1e-10 * (double)n || !(fabs(det) > 0))
            break;
        da = -(hbb * ga - hab * gb) / det;
        db = -(haa * gb - hab * ga) / det;
        for (int half = 0; half < 40 && !better; half++, step /= 2) { /* line search: Newton may overshoot where the curve is flat */
            const double fresh = logistic_loss(score, same, n, target, a + step * da, b + step * db);
            if (fresh < loss) {
                a += step * da;
                b += step * db;
                loss = fresh;
                better = true;
            }
        }
        if (!better)
            break;
    }
    if (!isfinite(a) || !isfinite(b))
        return urs_fail(err, URS_EINVAL, "calibration: the scores cannot be fitted");
    *out = (urs_calibration){.kind = URS_CALIBRATION_LOGISTIC, .slope = a, .intercept = b, .prior = (double)positives / (double)n, .pairs = (int64_t)n};
    return URS_OK;
}

urs_status urs_calibration_pairs(float **score, uint8_t **same, size_t *pairs, const float *embeddings, const int64_t *identity, const int64_t *group, size_t n,
                                 int32_t dim, urs_error *err)
{
    size_t most = 0, count = 0;
    float *s = NULL, *row = NULL;
    uint8_t *t = NULL;
    if (n < 2)
        return urs_fail(err, URS_EINVAL, "calibration needs at least two chips");
    if (!urs_mul_size(&most, n, n - 1))
        return urs_fail(err, URS_ELIMIT, "calibration: too many chips (%zu)", n);
    most /= 2;
    s = urs_array_new(most, sizeof *s);
    t = urs_array_new(most, sizeof *t);
    row = urs_array_new(n, sizeof *row);
    if (!s || !t || !row) {
        urs_free(s);
        urs_free(t);
        urs_free(row);
        return urs_fail(err, URS_ENOMEM, "no memory for the pairs of %zu chips", n);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        urs_dot_rows(embeddings + (i + 1) * (size_t)dim, n - i - 1, dim, embeddings + i * (size_t)dim, row);
        for (size_t j = i + 1; j < n; j++) {
            if (group && group[i] >= 0 && group[i] == group[j])
                continue;
            s[count] = row[j - i - 1];
            t[count++] = identity[i] == identity[j];
        }
    }
    urs_free(row);
    *score = s;
    *same = t;
    *pairs = count;
    return URS_OK;
}

/* ---- JSON ---- */

static json_t *number_list(const double *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++) {
        if (json_array_append_new(list, json_real(v[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

char *urs_calibration_to_json(const urs_calibration *cal)
{
    json_t *root = NULL;
    char *text, *copy;
    switch (cal->kind) {
    case URS_CALIBRATION_LOGISTIC: root = json_pack("{s:s, s:f, s:f}", "kind", "logistic", "slope", cal->slope, "intercept", cal->intercept); break;
    case URS_CALIBRATION_ISOTONIC:
        root = json_pack("{s:s, s:o, s:o}", "kind", "isotonic", "x", number_list(cal->x, cal->count), "y", number_list(cal->y, cal->count));
        break;
    case URS_CALIBRATION_NONE:
    default: root = json_pack("{s:s}", "kind", "none");
    }
    if (!root)
        return NULL;
    if (cal->prior > 0)
        (void)json_object_set_new(root, "prior", json_real(cal->prior));
    if (cal->pairs > 0)
        (void)json_object_set_new(root, "pairs", json_integer(cal->pairs));
    text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(root);
    copy = urs_strdup(text); /* jansson's own block would need jansson's free */
    free(text);
    return copy;
}

static bool read_numbers(const json_t *list, double *out, size_t n, double low, double high, bool strict)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_number(item))
            return false;
        out[i] = json_number_value(item);
        if (!(out[i] >= low && out[i] <= high) || (i > 0 && (strict ? out[i] - out[i - 1] < KNOT_GAP / 2 : out[i] < out[i - 1])))
            return false;
    }
    return true;
}

static urs_status read_isotonic(urs_calibration *out, const json_t *root, urs_error *err)
{
    const json_t *xs = json_object_get(root, "x"), *ys = json_object_get(root, "y");
    const size_t n = json_array_size(xs);
    double *knots;
    urs_status status;
    if (n < 2 || json_array_size(ys) != n)
        return urs_fail(err, URS_EFORMAT, "calibration: x and y must be lists of the same length, at least 2");
    if (n > URS_CALIBRATION_KNOTS_MAX)
        return urs_fail(err, URS_ELIMIT, "calibration: more than %d knots", URS_CALIBRATION_KNOTS_MAX);
    knots = urs_array_new(2 * n, sizeof *knots);
    if (!knots)
        return urs_fail(err, URS_ENOMEM, "no memory for a calibration");
    if (!read_numbers(xs, knots, n, -1e6, 1e6, true) || !read_numbers(ys, knots + n, n, 0, 1, false))
        status = urs_fail(err, URS_EFORMAT, "calibration: x must rise, and y must lie between 0 and 1 and not fall");
    else
        status = set_knots(out, knots, knots + n, n, err);
    urs_free(knots);
    return status;
}

urs_status urs_calibration_from_json(urs_calibration *out, const char *json, size_t size, urs_error *err)
{
    json_error_t why;
    urs_calibration cal = {0};
    const char *kind;
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    urs_status status = URS_OK;
    if (!root)
        return urs_fail(err, URS_EFORMAT, "calibration: %s", why.text);
    kind = json_string_value(json_object_get(root, "kind"));
    if (kind && !strcmp(kind, "isotonic")) {
        status = read_isotonic(&cal, root, err);
    } else if (kind && !strcmp(kind, "logistic")) {
        const json_t *slope = json_object_get(root, "slope"), *intercept = json_object_get(root, "intercept");
        cal.kind = URS_CALIBRATION_LOGISTIC;
        cal.slope = json_number_value(slope);
        cal.intercept = json_number_value(intercept);
        if (!json_is_number(slope) || !json_is_number(intercept) || !(fabs(cal.slope) < 1e12) || !(fabs(cal.intercept) < 1e12))
            status = urs_fail(err, URS_EFORMAT, "calibration: slope and intercept must be numbers");
    } else if (!kind || strcmp(kind, "none") != 0) {
        status = urs_fail(err, URS_EFORMAT, "calibration: the kind must be isotonic, logistic or none");
    }
    if (status == URS_OK) {
        const double prior = json_number_value(json_object_get(root, "prior"));
        const json_int_t pairs = json_integer_value(json_object_get(root, "pairs"));
        cal.prior = prior > 0 && prior < 1 ? prior : 0;
        cal.pairs = pairs > 0 ? pairs : 0;
        *out = cal;
    } else {
        urs_calibration_release(&cal);
    }
    json_decref(root);
    return status;
}
