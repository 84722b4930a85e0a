/* The bridge to oneDNN; see dnnl_bridge.h. */
#include "compute/dnnl_bridge.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

urs_status urs_dnnl_check(dnnl_status_t status, const char *what, urs_error *err)
{
    if (status == dnnl_success)
        return URS_OK;
    if (status == dnnl_out_of_memory)
        return urs_fail(err, URS_ENOMEM, "oneDNN has no memory for %s", what);
    return urs_fail(err, status == dnnl_unimplemented ? URS_EUNSUPPORTED : URS_EINVAL, "oneDNN refuses %s (status %d)", what, (int)status);
}

/* The engine is created once and lives as long as the program, like the library itself. */
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine_handle;
static struct openmp { /* of the runtime that oneDNN itself uses; NULL: oneDNN was built without OpenMP */
    int (*max_threads)(void);
    void (*set_threads)(int n);
} openmp;

/* Compilers have OpenMP runtimes of their own (libgomp, libomp), and the number of threads must be set in oneDNN's: it is looked up in that library and in what it depends on. */
static void find_openmp(void)
{
    Dl_info info;
    void *library = dladdr((const void *)&dnnl_version, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!library)
        library = dlopen(NULL, RTLD_LAZY); /* oneDNN is part of the program */
    if (!library)
        return;
    *(void **)&openmp.max_threads = dlsym(library, "omp_get_max_threads");
    *(void **)&openmp.set_threads = dlsym(library, "omp_set_num_threads");
    (void)dlclose(library); /* the program itself keeps it loaded */
}

static void create_engine(void)
{
    if (dnnl_engine_create(&engine_handle, dnnl_cpu, 0) != dnnl_success)
        engine_handle = NULL;
    find_openmp();
}

urs_status urs_dnnl_engine(dnnl_engine_t *out, urs_error *err)
{
    (void)pthread_once(&engine_once, create_engine);
    if (!engine_handle)
        return urs_fail(err, URS_EUNSUPPORTED, "oneDNN cannot use this processor");
    *out = engine_handle;
    return URS_OK;
}

void urs_dnnl_single_thread(void)
{
    if (openmp.max_threads && openmp.set_threads && openmp.max_threads() != 1)
        openmp.set_threads(1);
}

static urs_status desc_by_tag(urs_dnnl_desc *out, int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag, urs_error *err)
{
#if DNNL_VERSION_MAJOR >= 3
    return urs_dnnl_check(dnnl_memory_desc_create_with_tag(out, rank, dims, dnnl_f32, tag), "a memory layout", err);
#else
    return urs_dnnl_check(dnnl_memory_desc_init_by_tag(out, rank, dims, dnnl_f32, tag), "a memory layout", err);
#endif
}

void urs_dnnl_desc_release(urs_dnnl_desc *desc)
{
#if DNNL_VERSION_MAJOR >= 3
    if (*desc)
        (void)dnnl_memory_desc_destroy(*desc);
    *desc = NULL;
#else
    memset(desc, 0, sizeof *desc);
#endif
}

urs_status urs_dnnl_desc_activation(urs_dnnl_desc *out, urs_tensor_shape s, urs_error *err)
{
    const dnnl_dims_t dims = {s.n, s.c, s.h, s.w};
    dnnl_format_tag_t tag;
    if (s.block == 1)
        tag = dnnl_abcd;
    else if (s.block == s.c && s.block != 8 && s.block != 16)
        tag = dnnl_acdb;
    else if (s.block == 16)
        tag = dnnl_aBcd16b;
    else if (s.block == 8)
        tag = dnnl_aBcd8b;
    else
        return urs_fail(err, URS_EUNSUPPORTED, "oneDNN has no layout with blocks of %lld channels", (long long)s.block);
    return desc_by_tag(out, 4, dims, tag, err);
}

urs_status urs_dnnl_desc_weight(urs_dnnl_desc *out, const urs_dnnl_conv *c, bool any, urs_error *err)
{
    const int64_t g = c->attr.groups > 1 ? c->attr.groups : 1, o = c->out.c / g, i = c->in.c / g, kh = c->attr.kernel_h, kw = c->attr.kernel_w;
    if (g > 1) {
        /* oneDNN wants [g, out, in, kh, kw]; PyTorch's transposed weights are [g, in, out, kh, kw]: the same data under another tag */
        const dnnl_dims_t dims = {g, o, i, kh, kw};
        return desc_by_tag(out, 5, dims, any ? dnnl_format_tag_any : c->transposed ? dnnl_acbde : dnnl_abcde, err);
    } else {
        const dnnl_dims_t dims = {o, i, kh, kw};
        return desc_by_tag(out, 4, dims, any ? dnnl_format_tag_any : c->transposed ? dnnl_bacd : dnnl_abcd, err);
    }
}

static dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
#else
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
#endif
}

static dnnl_status_t append_activation(dnnl_post_ops_t ops, urs_activation activation)
{
    dnnl_status_t status;
    switch (activation) {
    case URS_ACT_RELU: return append_eltwise(ops, dnnl_eltwise_relu, 0.0f, 0.0f);
    case URS_ACT_RELU6: return append_eltwise(ops, dnnl_eltwise_clip, 0.0f, 6.0f);
#if DNNL_VERSION_MAJOR >= 3
    case URS_ACT_HARD_SWISH: return append_eltwise(ops, dnnl_eltwise_hardswish, 1.0f / 6.0f, 0.5f);
#else
    case URS_ACT_HARD_SWISH: return append_eltwise(ops, dnnl_eltwise_hardswish, 0.0f, 0.0f);
#endif
    case URS_ACT_HARD_SIGMOID:
        status = append_eltwise(ops, dnnl_eltwise_linear, 1.0f / 6.0f, 0.5f);
        return status == dnnl_success ? append_eltwise(ops, dnnl_eltwise_clip, 0.0f, 1.0f) : status;
    case URS_ACT_SIGMOID: return append_eltwise(ops, dnnl_eltwise_logistic, 0.0f, 0.0f);
    case URS_ACT_SILU: return append_eltwise(ops, dnnl_eltwise_swish, 1.0f, 0.0f);
    case URS_ACT_GELU: return append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.0f, 0.0f);
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return dnnl_success;
}

static urs_status make_attributes(dnnl_primitive_attr_t *out, const urs_dnnl_conv *c, urs_error *err)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && c->kind == URS_DNNL_FORWARD && (c->attr.activation != URS_ACT_NONE || c->attr.has_residual)) {
        status = dnnl_post_ops_create(&ops);
        if (status == dnnl_success)
            status = append_activation(ops, c->attr.activation);
        if (status == dnnl_success && c->attr.has_residual)
#if DNNL_VERSION_MAJOR >= 3
            status = dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
#else
            status = dnnl_post_ops_append_sum(ops, 1.0f);
#endif
        if (status == dnnl_success)
            status = dnnl_primitive_attr_set_post_ops(attr, ops);
    }
    if (ops)
        (void)dnnl_post_ops_destroy(ops);
    if (status != dnnl_success) {
        if (attr)
            (void)dnnl_primitive_attr_destroy(attr);
        return urs_dnnl_check(status, "fused operations", err);
    }
    *out = attr;
    return URS_OK;
}

typedef struct conv_descs {
    urs_dnnl_desc in, out, weight, bias;
    bool has_in, has_out, has_weight, has_bias;
} conv_descs;

static void release_descs(conv_descs *d)
{
    if (d->has_in)
        urs_dnnl_desc_release(&d->in);
    if (d->has_out)
        urs_dnnl_desc_release(&d->out);
    if (d->has_weight)
        urs_dnnl_desc_release(&d->weight);
    if (d->has_bias)
        urs_dnnl_desc_release(&d->bias);
}

static urs_status make_descs(conv_descs *d, const urs_dnnl_conv *c, urs_error *err)
{
    const dnnl_dims_t channels = {c->out.c};
    urs_status status = urs_dnnl_desc_activation(&d->in, c->in, err);
    d->has_in = status == URS_OK;
    if (status == URS_OK) {
        status = urs_dnnl_desc_activation(&d->out, c->out, err);
        d->has_out = status == URS_OK;
    }
    if (status == URS_OK) {
        status = urs_dnnl_desc_weight(&d->weight, c, true, err);
        d->has_weight = status == URS_OK;
    }
    if (status == URS_OK && c->attr.has_bias) {
        status = desc_by_tag(&d->bias, 1, channels, dnnl_a, err);
        d->has_bias = status == URS_OK;
    }
    return status;
}

urs_status urs_dnnl_conv_desc(dnnl_primitive_desc_t *out, const urs_dnnl_conv *c, const_dnnl_primitive_desc_t hint, urs_error *err)
{
    const dnnl_dims_t strides = {c->attr.stride_h, c->attr.stride_w}, dilates = {0, 0};
    const dnnl_dims_t low = {c->attr.pad_top, c->attr.pad_left}, high = {c->attr.pad_bottom, c->attr.pad_right};
    const dnnl_prop_kind_t forward = c->training ? dnnl_forward_training : dnnl_forward_inference;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_engine_t engine = NULL;
    dnnl_status_t library;
    conv_descs d = {0};
    urs_status status = urs_dnnl_engine(&engine, err);

    urs_dnnl_single_thread();
    if (status == URS_OK)
        status = make_descs(&d, c, err);
    if (status == URS_OK)
        status = make_attributes(&attr, c, err);
    if (status != URS_OK)
        goto done;
    {
        const urs_dnnl_desc_ref in = URS_DNNL_REF(d.in), dst = URS_DNNL_REF(d.out), weight = URS_DNNL_REF(d.weight);
        const urs_dnnl_desc_ref bias = d.has_bias ? URS_DNNL_REF(d.bias) : NULL;
#if DNNL_VERSION_MAJOR >= 3
        if (!c->transposed && c->kind == URS_DNNL_FORWARD)
            library = dnnl_convolution_forward_primitive_desc_create(out, engine, forward, dnnl_convolution_direct, in, weight, bias, dst, strides, dilates, low, high, attr);
        else if (!c->transposed && c->kind == URS_DNNL_BACKWARD_DATA)
            library = dnnl_convolution_backward_data_primitive_desc_create(out, engine, dnnl_convolution_direct, in, weight, dst, strides, dilates, low, high, hint, attr);
        else if (!c->transposed)
            library = dnnl_convolution_backward_weights_primitive_desc_create(out, engine, dnnl_convolution_direct, in, weight, bias, dst, strides, dilates, low, high, hint, attr);
        else if (c->kind == URS_DNNL_FORWARD)
            library = dnnl_deconvolution_forward_primitive_desc_create(out, engine, forward, dnnl_deconvolution_direct, in, weight, bias, dst, strides, dilates, low, high, attr);
        else if (c->kind == URS_DNNL_BACKWARD_DATA)
            library = dnnl_deconvolution_backward_data_primitive_desc_create(out, engine, dnnl_deconvolution_direct, in, weight, dst, strides, dilates, low, high, hint, attr);
        else
            library = dnnl_deconvolution_backward_weights_primitive_desc_create(out, engine, dnnl_deconvolution_direct, in, weight, bias, dst, strides, dilates, low, high, hint, attr);
#else
        dnnl_convolution_desc_t op; /* a deconvolution's description is the same type */
        if (!c->transposed && c->kind == URS_DNNL_FORWARD)
            library = dnnl_dilated_convolution_forward_desc_init(&op, forward, dnnl_convolution_direct, in, weight, bias, dst, strides, dilates, low, high);
        else if (!c->transposed && c->kind == URS_DNNL_BACKWARD_DATA)
            library = dnnl_dilated_convolution_backward_data_desc_init(&op, dnnl_convolution_direct, in, weight, dst, strides, dilates, low, high);
        else if (!c->transposed)
            library = dnnl_dilated_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct, in, weight, bias, dst, strides, dilates, low, high);
        else if (c->kind == URS_DNNL_FORWARD)
            library = dnnl_dilated_deconvolution_forward_desc_init(&op, forward, dnnl_deconvolution_direct, in, weight, bias, dst, strides, dilates, low, high);
        else if (c->kind == URS_DNNL_BACKWARD_DATA)
            library = dnnl_dilated_deconvolution_backward_data_desc_init(&op, dnnl_deconvolution_direct, in, weight, dst, strides, dilates, low, high);
        else
            library = dnnl_dilated_deconvolution_backward_weights_desc_init(&op, dnnl_deconvolution_direct, in, weight, bias, dst, strides, dilates, low, high);
        if (library == dnnl_success)
            library = dnnl_primitive_desc_create(out, &op, attr, engine, hint);
#endif
    }
    status = urs_dnnl_check(library, c->transposed ? "a transposed convolution" : "a convolution", err);
done:
    if (attr)
        (void)dnnl_primitive_attr_destroy(attr);
    release_descs(&d);
    return status;
}

urs_dnnl_desc_ref urs_dnnl_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

size_t urs_dnnl_bytes(urs_dnnl_desc_ref desc)
{
    return desc ? dnnl_memory_desc_get_size(desc) : 0;
}

bool urs_dnnl_same(urs_dnnl_desc_ref a, urs_dnnl_desc_ref b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}
