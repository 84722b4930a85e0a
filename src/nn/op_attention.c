/* Multi-head attention inside windows of a map, or from one map to another; compute/attention.h has the geometry. */
#include "nn/op_check.h"

#include "compute/attention.h"

#include <inttypes.h>

static urs_status check_windows(const urs_op_attr *a, urs_dims in, urs_error *err)
{
    if (a->window < 0 || (a->window > 0 && (in.h % a->window || in.w % a->window)))
        return urs_fail(err, URS_EINVAL, "attention: windows of %d do not divide a map of %" PRId64 " x %" PRId64, a->window, in.h, in.w);
    if (a->shift < 0 || (a->shift > 0 && a->shift >= a->window))
        return urs_fail(err, URS_EINVAL, "attention: a shift of %d is not below the window of %d", a->shift, a->window);
    if ((int)a->position < 0 || a->position >= URS_ATTENTION_POSITIONS)
        return urs_fail(err, URS_EINVAL, "attention: there is no position number %d", (int)a->position);
    if (a->position != URS_ATTENTION_PLAIN && a->window == 0 && in.h != in.w)
        return urs_fail(err, URS_EINVAL, "attention: positions need a square, not a map of %" PRId64 " x %" PRId64, in.h, in.w);
    return URS_OK;
}

static urs_status infer(urs_dims *out, const urs_op_attr *a, const urs_dims *in, int32_t n_in, urs_error *err)
{
    const int64_t d = n_in == 1 ? in[0].c / 3 : in[0].c;
    urs_status status;
    if (a->heads < 1 || d % a->heads || (n_in == 1 && in[0].c % 3))
        return urs_fail(err, URS_EINVAL, "attention: %" PRId64 " channels cannot be cut into %s%d heads", in[0].c, n_in == 1 ? "q, k and v of " : "", a->heads);
    if (n_in == 2)
        return urs_fail(err, URS_EINVAL, "attention takes one input or three");
    if (n_in == 3 && (in[1].c != d || !urs_op_dims_equal(in[1], in[2])))
        return urs_fail(err, URS_EINVAL, "attention: k [%" PRId64 ",%" PRId64 ",%" PRId64 "] and v [%" PRId64 ",%" PRId64 ",%" PRId64 "] do not fit q of %" PRId64 " channels",
                        in[1].c, in[1].h, in[1].w, in[2].c, in[2].h, in[2].w, d);
    if (n_in == 3 && (a->window || a->shift || a->position != URS_ATTENTION_PLAIN || a->head_major))
        return urs_fail(err, URS_EINVAL, "attention: windows, positions and head_major belong to a single input");
    if ((status = check_windows(a, in[0], err)) == URS_OK)
        *out = (urs_dims){.c = d, .h = in[0].h, .w = in[0].w};
    return status;
}

static int64_t macs(const urs_op_attr *a, const urs_dims *in, int32_t n_in, urs_dims out)
{
    const urs_attention t = urs_attention_of(a, n_in, out.c, out.h, out.w, n_in == 3 ? in[1].h * in[1].w : 0);
    return 2 * t.windows * t.queries * t.keys * out.c; /* q k^T, and its product with v */
}

const urs_op urs_op_attention = {.name = "attention", .inputs_min = 1, .inputs_max = 3, .infer = infer, .macs = macs, .backward_needs_in = true};
