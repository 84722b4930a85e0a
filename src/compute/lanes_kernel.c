/* Kernels around the tables of lanes.h: which table this processor can run, what a kernel saves, and where a table does not apply. */
#include "compute/attention.h"
#include "compute/lanes.h"
#include "compute/onednn_private.h"

#include "base/memory.h"

typedef struct lanes_kernel {
    urs_kernel base;
    urs_kernel_spec spec;
    urs_kernel_args args;
    urs_lanes_run *call;
} lanes_kernel;

const urs_lanes_table *urs_lanes_runnable(int32_t index)
{
    const urs_lanes_table *tables[4] = {NULL};
    int32_t n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        tables[n++] = &urs_lanes_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        tables[n++] = &urs_lanes_avx2;
#endif
    tables[n++] = &urs_lanes_baseline;
    return index >= 0 && index < n ? tables[index] : NULL;
}

static urs_status bind_lanes(urs_kernel *self, const urs_kernel_args *args, urs_error *err)
{
    (void)err;
    ((lanes_kernel *)self)->args = *args;
    return URS_OK;
}

static urs_status run_lanes(urs_kernel *self, urs_error *err)
{
    lanes_kernel *k = (lanes_kernel *)self;
    (void)err;
    k->call(&k->spec, &k->args);
    return URS_OK;
}

static void free_lanes(urs_kernel *self)
{
    urs_free(self);
}

static bool same_block(const urs_kernel_spec *s)
{
    return s->in[0].block == s->out.block;
}

static bool is_depthwise(const urs_kernel_spec *s)
{
    const urs_op_attr *a = &s->attr;
    return s->op == URS_OP_CONV && a->groups > 1 && a->groups == s->in[0].c && s->out.c == s->in[0].c && (a->kernel_h == 3 || a->kernel_h == 5 || a->kernel_h == 7) &&
           a->kernel_w == a->kernel_h && a->stride_w == a->stride_h && a->activation == URS_ACT_NONE && !a->has_residual && same_block(s) &&
           (s->out.block == 16 || s->out.block == 8) && a->pad_top < a->kernel_h && a->pad_left < a->kernel_w;
}

/* The gradients keep all pairs of tokens of a window, and TABLE and DISTANCE those of all heads. */
#define ATTENTION_TOKENS_MAX 400

static bool attention_applies(const urs_kernel_spec *s)
{
    const urs_attention t = urs_attention_of_spec(s);
    const bool few = t.queries <= ATTENTION_TOKENS_MAX && t.keys <= ATTENTION_TOKENS_MAX;
    if (s->pass == URS_PASS_BACKWARD)
        return few && s->attr.position != URS_ATTENTION_QUERY;
    return few || s->attr.position == URS_ATTENTION_PLAIN || s->attr.position == URS_ATTENTION_QUERY;
}

/* A transposed convolution whose windows do not overlap. */
static bool windows_apart(const urs_kernel_spec *s)
{
    const urs_op_attr *a = &s->attr;
    return same_block(s) && (s->out.block == 16 || s->out.block == 8) && a->groups <= 1 && a->kernel_h == a->stride_h && a->kernel_w == a->stride_w &&
           !a->pad_top && !a->pad_left && !a->pad_bottom && !a->pad_right && a->activation == URS_ACT_NONE && !a->has_residual;
}

/* Layouts and attributes that the kernels of the table take. */
static bool applies(const urs_kernel_spec *s)
{
    switch (s->op) {
    case URS_OP_GLOBAL_POOL:
        return s->out.block == s->out.c || s->out.block == 1;
    case URS_OP_CONV_TRANSPOSE:
        return windows_apart(s);
    case URS_OP_MAX_POOL:
        return same_block(s) && (s->out.block == 16 || s->out.block == 8 || s->out.block == 1) && s->attr.kernel_h * s->attr.kernel_w <= 255;
    case URS_OP_RESIZE:
        return same_block(s) && s->attr.resize == URS_RESIZE_NEAREST;
    case URS_OP_MUL:
        return same_block(s) && (s->in[1].block == s->in[1].c || s->in[1].block == s->in[0].block);
    case URS_OP_ADD:
        return same_block(s) && s->in[1].block == s->out.block;
    case URS_OP_CONCAT:
    case URS_OP_SLICE:
        return true;
    case URS_OP_ATTENTION:
        return attention_applies(s);
    case URS_OP_MERGE:
        return same_block(s) && s->in[0].c % s->in[0].block == 0;
    default:
        return same_block(s);
    }
}

static size_t saved_bytes(const urs_kernel_spec *s)
{
    if (s->op == URS_OP_BATCH_NORM)
        return (size_t)s->out.c * 2 * sizeof(float);
    if (s->op == URS_OP_DROP_PATH)
        return (size_t)s->out.n;
    if (s->op == URS_OP_MAX_POOL)
        return (size_t)urs_tensor_elements(s->out);
    return 0;
}

urs_status urs_lanes_new_from(urs_kernel **out, const urs_lanes_table *t, const urs_kernel_spec *spec, urs_error *err)
{
    urs_lanes_run *call = is_depthwise(spec) ? t->depthwise[spec->pass] : spec->op == URS_OP_CONV ? NULL : t->run[spec->op][spec->pass];
    lanes_kernel *k;
    if (!call || (spec->op != URS_OP_CONV && !applies(spec)))
        return URS_OK;
    k = urs_array_new(1, sizeof *k);
    if (!k)
        return urs_fail(err, URS_ENOMEM, "no memory for a kernel");
    k->base = (urs_kernel){.saved_bytes = saved_bytes(spec), .bind = bind_lanes, .run = run_lanes, .free = free_lanes};
    if (t->scratch[spec->op])
        k->base.scratch_bytes = t->scratch[spec->op](spec);
    k->spec = *spec;
    k->call = call;
    *out = &k->base;
    return URS_OK;
}

urs_status urs_lanes_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err)
{
    return urs_lanes_new_from(out, urs_lanes_runnable(0), spec, err);
}
