/* Any operation on any layout: convert to NCHW, run the reference kernel, convert back. Slow, always right. */
#include "compute/onednn_private.h"

#include "base/memory.h"

#include <string.h>

typedef struct adapter {
    urs_kernel base;
    urs_kernel_spec spec;  /* with the layouts of the plan */
    urs_kernel *inner;     /* owned; NCHW */
    urs_kernel_args args;
    size_t in_at[URS_INPUTS_MAX], d_in_at[URS_INPUTS_MAX], out_at, d_out_at, inner_at; /* bytes into scratch */
} adapter;

static urs_tensor_shape plain(urs_tensor_shape s)
{
    s.block = 1;
    return s;
}

static size_t reserve(size_t *total, urs_tensor_shape s)
{
    const size_t at = *total;
    *total += ((size_t)urs_tensor_elements(plain(s)) * sizeof(float) + 63) / 64 * 64;
    return at;
}

static void free_adapter(urs_kernel *self)
{
    adapter *a = (adapter *)self;
    if (a->inner)
        a->inner->free(a->inner);
    urs_free(a);
}

static void *at(const adapter *a, size_t offset)
{
    return (char *)a->args.scratch + offset;
}

static urs_status bind_adapter(urs_kernel *self, const urs_kernel_args *args, urs_error *err)
{
    adapter *a = (adapter *)self;
    urs_kernel_args inner = *args;
    a->args = *args;
    for (int32_t i = 0; i < a->spec.n_in; i++) {
        inner.in[i] = args->in[i] ? at(a, a->in_at[i]) : NULL;
        inner.d_in[i] = args->d_in[i] ? at(a, a->d_in_at[i]) : NULL;
    }
    inner.out = args->out ? at(a, a->out_at) : NULL;
    inner.d_out = args->d_out ? at(a, a->d_out_at) : NULL;
    inner.scratch = at(a, a->inner_at);
    return a->inner->bind(a->inner, &inner, err);
}

static void pack_adapter(urs_kernel *self)
{
    adapter *a = (adapter *)self;
    if (a->inner->pack)
        a->inner->pack(a->inner);
}

static urs_status run_adapter(urs_kernel *self, urs_error *err)
{
    adapter *a = (adapter *)self;
    const urs_kernel_spec *s = &a->spec;
    const bool backward = s->pass == URS_PASS_BACKWARD;
    urs_status status;
    for (int32_t i = 0; i < s->n_in; i++)
        if (a->args.in[i])
            urs_tensor_convert(at(a, a->in_at[i]), plain(s->in[i]), a->args.in[i], s->in[i]);
    if (backward && a->args.out)
        urs_tensor_convert(at(a, a->out_at), plain(s->out), a->args.out, s->out);
    if (a->args.d_out)
        urs_tensor_convert(at(a, a->d_out_at), plain(s->out), a->args.d_out, s->out);
    status = a->inner->run(a->inner, err);
    if (status != URS_OK)
        return status;
    if (!backward)
        urs_tensor_convert(a->args.out, s->out, at(a, a->out_at), plain(s->out));
    for (int32_t i = 0; backward && i < s->n_in; i++)
        if (a->args.d_in[i])
            urs_tensor_convert(a->args.d_in[i], s->in[i], at(a, a->d_in_at[i]), plain(s->in[i]));
    return URS_OK;
}

urs_status urs_adapter_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err)
{
    urs_kernel_spec inner = *spec;
    size_t total = 0;
    urs_status status;
    adapter *a = urs_array_new(1, sizeof *a);
    if (!a)
        return urs_fail(err, URS_ENOMEM, "no memory for a kernel");
    a->base = (urs_kernel){.bind = bind_adapter, .pack = pack_adapter, .run = run_adapter, .free = free_adapter};
    a->spec = *spec;
    for (int32_t i = 0; i < spec->n_in; i++) {
        inner.in[i] = plain(spec->in[i]);
        a->in_at[i] = reserve(&total, spec->in[i]);
        a->d_in_at[i] = reserve(&total, spec->in[i]);
    }
    inner.out = plain(spec->out);
    a->out_at = reserve(&total, spec->out);
    a->d_out_at = reserve(&total, spec->out);
    a->inner_at = total;
    status = urs_backend_ref()->kernel_new(&a->inner, &inner, err);
    if (status != URS_OK) {
        urs_free(a);
        return status;
    }
    a->base.saved_bytes = a->inner->saved_bytes;
    a->base.scratch_bytes = total + a->inner->scratch_bytes;
    *out = &a->base;
    return URS_OK;
}
