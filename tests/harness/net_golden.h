/* What the golden tests of whole networks share: a graph with formula weights, plans over it, and comparing blocks with digests.
 *
 * A digest (tools/golden/formula.py) is [sum, sum of |x|, sum of squares, largest |x|, samples ...]. Its error is the largest of
 *      |d sum| / sum of |x|,   |d sum of |x|| / sum of |x|,   |d squares| / squares / 2,   |d largest| / largest,   |d sample| / largest
 * with the reference's numbers below the line: relative to the size of the whole tensor. */
#ifndef URS_TESTS_NET_GOLDEN_H
#define URS_TESTS_NET_GOLDEN_H

#include "golden.h"
#include "harness.h"

#include "models/models.h"
#include "nn/plan.h"
#include "train/optimiser.h"

typedef struct urs_net {
    urs_golden *golden;
    urs_graph *graph;
    float *params;         /* block, formula values */
    float *start;          /* the same, never changed */
    urs_plan *plan;        /* of urs_net_plan */
    urs_optimiser *optimiser; /* of urs_net_optimiser */
    bool doubles;          /* the plan computes in double */
} urs_net;

/* Opens tests/golden/FILE and builds the model with formula weights. */
urs_status urs_net_open(urs_net *net, const char *file, const urs_model_options *options, urs_error *err) URS_CHECKED;
/* (Again) a plan with the starting weights. `backend` by name, or "double": ref in double precision; n images. */
urs_status urs_net_plan(urs_net *net, const char *backend, int32_t n, bool training, urs_error *err) URS_CHECKED;
/* Fills input 0 of the plan with formula values. */
void urs_net_input(urs_net *net, const char *name, double low, double high);
void urs_net_close(urs_net *net);

/* values: doubles or floats. A tensor whose largest value is below `floor` counts as that large. */
double urs_net_digest_error(const urs_golden_tensor *digest, const char *name, const void *values, bool doubles, size_t count, double floor);

/* Compares the gradients of all trained parameters with "<prefix>grad/NAME"; reports those worse than `tolerance`; returns the worst. */
double urs_net_check_gradients(urs_test *t, const urs_net *net, const char *prefix, double tolerance);

/* Compares (params - start) of all parameters and buffers with "delta/NAME": absolute error within `tolerance` of the tensor's largest |value| after the steps, and
 * within `delta_tolerance` of the largest change. Returns the worst share of change. */
double urs_net_check_deltas(urs_test *t, const urs_net *net, double tolerance, double delta_tolerance);

/* Weights in group 0, everything else in group 1. */
urs_status urs_net_optimiser(urs_net *net, const urs_optimiser_options *options, urs_error *err) URS_CHECKED;

/* Gradients of the plan -> parameters, running statistics, plan. clip 0: none. */
urs_status urs_net_step(urs_net *net, double lr, double momentum, double clip, urs_error *err) URS_CHECKED;

#endif
