/* The list of cases that every operation is tested on, and how to run one of them on any backend, element type and layout.
 *
 * One list serves three tests: tests/backend/test_ops_ref.c (against PyTorch, by golden files: the tensors of case "conv/plain" are "conv/plain/in0" ...),
 * tests/grad/test_grad_ops.c (central differences in double) and tests/backend/test_backends.c (every backend against ref). A new operation needs
 * lines in op_cases.c and in tools/golden/golden_ops.py; the first two tests fail as long as it has none. */
#ifndef URS_TESTS_OP_CASES_H
#define URS_TESTS_OP_CASES_H

#include "compute/kernel.h"

typedef enum urs_op_mode {
    URS_MODE_TRAIN,  /* forward in training, and backward */
    URS_MODE_FROZEN, /* the same with the running statistics of batch norms */
    URS_MODE_INFER   /* forward only, training off */
} urs_op_mode;

typedef struct urs_op_case {
    const char *name; /* "<operation>/<what is special>" */
    urs_op_kind op;
    urs_op_mode mode;
    int32_t n_in;
    int64_t in[3][4]; /* N, C, H, W of each input */
    double scale;     /* deviation of the inputs; 0: 1 */
    bool wide;        /* many channels: compared between backends only, no golden tensors and no gradient check */
    urs_op_attr attr;
} urs_op_case;

/* Seed and salt of the masks in every case. */
#define URS_CASE_SEED 20240601u
#define URS_CASE_SALT 7u

/* The whole list; static memory. */
const urs_op_case *urs_op_cases(size_t *count);

/* All tensors of one case, NCHW, as doubles. Owned; urs_op_data_release. */
typedef struct urs_op_data {
    urs_tensor_shape in_shape[URS_INPUTS_MAX], out_shape; /* block 1 */
    size_t in_count[URS_INPUTS_MAX], param_count[URS_PARAMS_MAX], out_count;
    int32_t n_in, n_params;
    int32_t n_trained; /* the first ones of the parameters have gradients */
    double *in[URS_INPUTS_MAX], *param[URS_PARAMS_MAX], *d_out;                    /* what a run reads */
    double *out, *d_in[URS_INPUTS_MAX], *d_param[URS_PARAMS_MAX];                  /* what a run writes */
} urs_op_data;

/* Allocates for a case (its shapes come from the operation's own shape rule) and fills inputs, parameters and d_out with random numbers that are exact in
 * float, different for each case. */
urs_status urs_op_data_new(urs_op_data *data, const urs_op_case *c, urs_error *err) URS_CHECKED;
void urs_op_data_release(urs_op_data *data);

/* Which block an activation gets. */
typedef enum urs_op_layout {
    URS_LAYOUT_PLAIN,    /* 1 everywhere */
    URS_LAYOUT_OWN,      /* what the backend asks for */
    URS_LAYOUT_ENTRANCE, /* inputs 1, as the graph's input has it, output what the backend asks for */
    URS_LAYOUT_8,        /* 8, and C for activations of one pixel */
    URS_LAYOUT_16,
    URS_LAYOUT_COUNT
} urs_op_layout;

/* Runs forward, and backward unless the mode is INFER or `forward_only`. Memory that a kernel must write is filled with NaN first, so a value that was left
 * out shows; and a padded channel of an activation or gradient that is not zero is an error (URS_EMISMATCH). `in_place`: the output takes the memory of
 * input 1 (fused residual). */
typedef struct urs_op_run_options {
    const urs_backend *backend;
    urs_dtype dtype;
    urs_op_layout layout;
    bool forward_only, in_place;
} urs_op_run_options;
urs_status urs_op_case_run(const urs_op_case *c, urs_op_data *data, const urs_op_run_options *options, urs_error *err) URS_CHECKED;

/* Largest |a-b| over the largest |b| (over 1 if b is all zero); infinity for NaN. */
double urs_op_error(const double *a, const double *b, size_t count);

#endif
