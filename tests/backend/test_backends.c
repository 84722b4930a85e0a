/* Every backend against `ref` in float: every case of op_cases.c in every layout that the backend uses, forward and backward, error at most 1e-4 of the
 * largest value of each tensor. */
#include "harness.h"
#include "op_cases.h"

#define TOLERANCE 1e-4

static const char *const layout_names[URS_LAYOUT_COUNT] = {"NCHW", "own", "entrance", "8", "16"};

static void compare(urs_test *t, const urs_op_case *c, const char *layout, const char *what, int index, const double *got, const double *expected, size_t count)
{
    const double e = urs_op_error(got, expected, count);
    if (!(e <= TOLERANCE))
        urs_test_fail(t, __FILE__, __LINE__, "%s, layout %s: %s %d is off by %.3g of its size", c->name, layout, what, index, e);
}

static void check_layout(urs_test *t, const urs_op_case *c, const urs_op_data *expected, urs_op_data *d, const urs_op_run_options *options)
{
    const char *layout = options->in_place ? "own, in place" : layout_names[options->layout];
    const bool backward = c->mode != URS_MODE_INFER;
    urs_error err;
    if (urs_op_case_run(c, d, options, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s, layout %s: %s", c->name, layout, err.message);
        return;
    }
    compare(t, c, layout, "output", 0, d->out, expected->out, d->out_count);
    for (int i = 0; backward && i < d->n_in; i++)
        compare(t, c, layout, "gradient of input", i, d->d_in[i], expected->d_in[i], d->in_count[i]);
    for (int i = 0; backward && i < (c->mode == URS_MODE_FROZEN ? d->n_trained : d->n_params); i++)
        compare(t, c, layout, "gradient of parameter", i, d->d_param[i], expected->d_param[i], d->param_count[i]);
}

/* Whether the backend ever asks for this block. */
static bool uses_block(const urs_backend *backend, int64_t block)
{
    return backend->block(64, 16, 16) == block;
}

static void check_case(urs_test *t, const urs_backend *backend, const urs_op_case *c)
{
    const urs_op_run_options ref = {.backend = urs_backend_ref()};
    urs_op_data expected = {0}, d = {0};
    urs_error err;
    if (urs_op_data_new(&expected, c, &err) != URS_OK || urs_op_data_new(&d, c, &err) != URS_OK || urs_op_case_run(c, &expected, &ref, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s on ref: %s", c->name, err.message);
    } else {
        for (int layout = 0; layout < URS_LAYOUT_COUNT; layout++) {
            const urs_op_run_options options = {.backend = backend, .layout = (urs_op_layout)layout};
            if ((layout == URS_LAYOUT_8 && !uses_block(backend, 8)) || (layout == URS_LAYOUT_16 && !uses_block(backend, 16)))
                continue;
            check_layout(t, c, &expected, &d, &options);
        }
        if (c->attr.has_residual) {
            const urs_op_run_options options = {.backend = backend, .layout = URS_LAYOUT_OWN, .in_place = true};
            check_layout(t, c, &expected, &d, &options);
        }
    }
    urs_op_data_release(&expected);
    urs_op_data_release(&d);
}

static void check_all(urs_test *t, const urs_backend *backend)
{
    size_t count;
    const urs_op_case *cases = urs_op_cases(&count);
    for (size_t i = 0; i < count; i++)
        check_case(t, backend, &cases[i]);
}

static void ref_repeats_itself(urs_test *t)
{
    check_all(t, urs_backend_ref());
}

static void onednn_agrees(urs_test *t)
{
    const urs_backend *onednn = urs_backend_onednn();
    if (!onednn) {
        urs_test_skip(t, "this build has no oneDNN");
        return;
    }
    check_all(t, onednn);
}

int main(void)
{
    static const urs_case cases[] = {{"ref", ref_repeats_itself}, {"onednn agrees with ref", onednn_agrees}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
