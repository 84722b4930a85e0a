/* Golden tests of whole networks; see net_golden.h. */
#include "net_golden.h"

#include "formula.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

urs_status urs_net_open(urs_net *net, const char *file, const urs_model_options *options, urs_error *err)
{
    char path[1024];
    urs_status status;
    size_t n;
    *net = (urs_net){0};
    (void)snprintf(path, sizeof path, "%s/tests/golden/%s", URS_SOURCE_DIR, file);
    if ((status = urs_golden_open(&net->golden, path, err)) != URS_OK || (status = urs_model_build(&net->graph, options, err)) != URS_OK)
        return status;
    n = urs_graph_block_elements(net->graph);
    net->params = urs_aligned_new(n * sizeof(float));
    net->start = urs_aligned_new(n * sizeof(float));
    if (!net->params || !net->start)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu parameters", n);
    urs_formula_params(net->graph, net->start);
    memcpy(net->params, net->start, n * sizeof(float));
    return URS_OK;
}

urs_status urs_net_plan(urs_net *net, const char *backend, int32_t n, bool training, urs_error *err)
{
    urs_plan_options options = {.batch = n, .training = training, .dtype = strcmp(backend, "double") == 0 ? URS_DTYPE_F64 : URS_DTYPE_F32};
    urs_status status;
    net->doubles = options.dtype == URS_DTYPE_F64;
    status = urs_backend_find(&options.backend, net->doubles ? "ref" : backend, err);
    if (status != URS_OK)
        return status;
    urs_plan_free(net->plan);
    net->plan = NULL;
    memcpy(net->params, net->start, urs_graph_block_elements(net->graph) * sizeof(float));
    return urs_plan_new(&net->plan, net->graph, net->params, &options, err);
}

void urs_net_input(urs_net *net, const char *name, double low, double high)
{
    const urs_value *inputs;
    urs_dims d;
    size_t count;
    (void)urs_graph_inputs(net->graph, &inputs);
    d = urs_graph_dims(net->graph, inputs[0]);
    count = (size_t)(urs_plan_batch(net->plan) * d.c * d.h * d.w);
    if (net->doubles)
        urs_formula_fill_f64(urs_plan_input(net->plan, 0), count, name, low, high);
    else
        urs_formula_fill(urs_plan_input(net->plan, 0), count, name, low, high);
}

void urs_net_close(urs_net *net)
{
    urs_optimiser_free(net->optimiser);
    urs_plan_free(net->plan);
    urs_graph_free(net->graph);
    urs_golden_close(net->golden);
    urs_aligned_free(net->params);
    urs_aligned_free(net->start);
    *net = (urs_net){0};
}

static double value_at(const void *values, bool doubles, size_t i)
{
    return doubles ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

typedef struct sums {
    double sum, absolute, squares, largest;
} sums;

static sums sum_up(const void *values, bool doubles, size_t count)
{
    sums s = {0};
    for (size_t i = 0; i < count; i++) {
        const double x = value_at(values, doubles, i);
        s.sum += x;
        s.absolute += fabs(x);
        s.squares += x * x;
        /* not fmax: a NaN must stay */
        s.largest = fabs(x) <= s.largest ? s.largest : fabs(x);
    }
    return s;
}

static double worse(double a, double b)
{
    return a >= b || isnan(a) ? a : b;
}

double urs_net_digest_error(const urs_golden_tensor *digest, const char *name, const void *values, bool doubles, size_t count, double floor)
{
    const double *want = digest->f64, largest = fmax(want[3], fmax(floor, 1e-30));
    const double absolute = fmax(want[1], largest), squares = fmax(want[2], largest * largest);
    const sums got = sum_up(values, doubles, count);
    double error = fabs(got.sum - want[0]) / absolute;
    error = worse(fabs(got.absolute - want[1]) / absolute, error);
    error = worse(fabs(got.squares - want[2]) / squares / 2, error);
    error = worse(fabs(got.largest - want[3]) / largest, error);
    for (size_t i = 4; i < digest->count; i++)
        error = worse(fabs(value_at(values, doubles, urs_formula_sample(name, i - 4, count)) - want[i]) / largest, error);
    return error;
}

static bool is_statistic(const urs_param *p)
{
    return p->role == URS_ROLE_MEAN || p->role == URS_ROLE_VARIANCE;
}

/* The bias of a norm often has a gradient of zero by construction (a shift in front of another norm), so that only rounding remains: it is measured
 * against the gradient of the same norm's weight where that is larger. */
static double gradient_floor(const urs_net *net, const char *prefix, const urs_param *p)
{
    const urs_golden_tensor *weight;
    if (p->role != URS_ROLE_BETA)
        return 0;
    weight = urs_golden_find(net->golden, "%sgrad/%.*sweight", prefix, (int)(strlen(p->name) - strlen("bias")), p->name);
    return weight ? weight->f64[3] : 0;
}

double urs_net_check_gradients(urs_test *t, const urs_net *net, const char *prefix, double tolerance)
{
    const char *gradients = urs_plan_gradients(net->plan);
    const size_t element = net->doubles ? sizeof(double) : sizeof(float);
    const urs_param *params;
    const int32_t n = urs_graph_params(net->graph, &params);
    double worst = 0;
    for (int32_t i = 0; i < n; i++) {
        const urs_param *p = &params[i];
        const urs_golden_tensor *digest = urs_golden_find(net->golden, "%sgrad/%s", prefix, p->name);
        double error;
        if (is_statistic(p))
            continue;
        if (!digest) {
            urs_test_fail(t, __FILE__, __LINE__, "no golden gradient of %s", p->name);
            continue;
        }
        error = urs_net_digest_error(digest, p->name, gradients + p->offset * element, net->doubles, p->count, gradient_floor(net, prefix, p));
        if (!(error <= tolerance))
            urs_test_fail(t, __FILE__, __LINE__, "gradient of %s: relative error %.3g", p->name, error);
        worst = worse(error, worst);
    }
    return worst;
}

/* Changes below this share of the parameters themselves drown in the rounding of float. */
#define DELTA_FLOOR 1e-3

double urs_net_check_deltas(urs_test *t, const urs_net *net, double tolerance, double delta_tolerance)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(net->graph, &params);
    double worst = 0;
    for (int32_t i = 0; i < n; i++) {
        const urs_param *p = &params[i];
        const urs_golden_tensor *digest = urs_golden_find(net->golden, "delta/%s", p->name);
        float *delta = urs_array_new(p->count, sizeof *delta);
        const double largest = sum_up(net->params + p->offset, false, p->count).largest; /* after the steps */
        double error, absolute = 0;
        if (!digest || !delta) {
            urs_test_fail(t, __FILE__, __LINE__, "no golden change of %s", p->name);
            urs_free(delta);
            continue;
        }
        for (size_t k = 0; k < p->count; k++)
            delta[k] = net->params[p->offset + k] - net->start[p->offset + k];
        error = urs_net_digest_error(digest, p->name, delta, false, p->count, DELTA_FLOOR * largest);
        for (size_t k = 4; k < digest->count; k++)
            absolute = worse(fabs((double)delta[urs_formula_sample(p->name, k - 4, p->count)] - digest->f64[k]), absolute);
        absolute /= largest;
        if (!(absolute <= tolerance) || !(error <= delta_tolerance))
            urs_test_fail(t, __FILE__, __LINE__, "%s after the steps: relative error %.3g, %.3g of the change", p->name, absolute, error);
        worst = worse(error, worst);
        urs_free(delta);
    }
    return worst;
}

urs_status urs_net_optimiser(urs_net *net, const urs_optimiser_options *options, urs_error *err)
{
    urs_range *ranges = NULL;
    size_t n = 0;
    urs_status status = urs_optimiser_ranges(&ranges, &n, net->graph, 0, 1, NULL, err);
    urs_optimiser_free(net->optimiser);
    net->optimiser = NULL;
    if (status == URS_OK)
        status = urs_optimiser_new(&net->optimiser, options, ranges, n, urs_graph_block_elements(net->graph), err);
    urs_free(ranges);
    return status;
}

urs_status urs_net_step(urs_net *net, double lr, double momentum, double clip, urs_error *err)
{
    const float *gradients = urs_plan_gradients(net->plan);
    const urs_rates rates = {.lr = {lr, lr}, .momentum = momentum};
    double norm = 0;
    urs_status status = urs_optimiser_norm(&norm, net->optimiser, gradients, NULL, err);
    if (status == URS_OK)
        status = urs_optimiser_step(net->optimiser, net->params, gradients, urs_clip_factor(norm, clip), &rates, NULL, err);
    if (status != URS_OK)
        return status;
    urs_optimiser_statistics(net->optimiser, net->params, gradients);
    urs_plan_update(net->plan);
    return URS_OK;
}
