#include "nn/op_check.h"

#include <inttypes.h>

urs_status urs_op_check_dims(urs_dims d, const char *what, urs_error *err)
{
    if (d.c < 1 || d.h < 1 || d.w < 1)
        return urs_fail(err, URS_EINVAL, "%s would be [%" PRId64 ",%" PRId64 ",%" PRId64 "]: every side must be at least 1", what, d.c, d.h, d.w);
    if (d.c > URS_SIDE_MAX || d.h > URS_SIDE_MAX || d.w > URS_SIDE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s would be [%" PRId64 ",%" PRId64 ",%" PRId64 "]: a side may be at most %d", what, d.c, d.h, d.w, URS_SIDE_MAX);
    /* Three sides of 2^16 fit in 63 bits. */
    if (d.c * d.h * d.w >= URS_ELEMENTS_MAX)
        return urs_fail(err, URS_ELIMIT, "%s would be [%" PRId64 ",%" PRId64 ",%" PRId64 "]: more than 2^31 elements", what, d.c, d.h, d.w);
    return URS_OK;
}

urs_status urs_op_check_window(const urs_op_attr *attr, bool pad_below_kernel, const char *what, urs_error *err)
{
    if (attr->kernel_h < 1 || attr->kernel_w < 1)
        return urs_fail(err, URS_EINVAL, "%s: kernel %d x %d must be at least 1 x 1", what, attr->kernel_h, attr->kernel_w);
    if (attr->stride_h < 1 || attr->stride_w < 1)
        return urs_fail(err, URS_EINVAL, "%s: stride %d x %d must be at least 1 x 1", what, attr->stride_h, attr->stride_w);
    if (attr->kernel_h > URS_SIDE_MAX || attr->kernel_w > URS_SIDE_MAX || attr->stride_h > URS_SIDE_MAX || attr->stride_w > URS_SIDE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: kernel and stride may be at most %d", what, URS_SIDE_MAX);
    if (attr->pad_top < 0 || attr->pad_left < 0 || attr->pad_bottom < 0 || attr->pad_right < 0)
        return urs_fail(err, URS_EINVAL, "%s: padding must not be negative", what);
    if (attr->pad_top > URS_SIDE_MAX || attr->pad_left > URS_SIDE_MAX || attr->pad_bottom > URS_SIDE_MAX || attr->pad_right > URS_SIDE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: padding may be at most %d", what, URS_SIDE_MAX);
    if (pad_below_kernel && (attr->pad_top >= attr->kernel_h || attr->pad_bottom >= attr->kernel_h || attr->pad_left >= attr->kernel_w ||
                             attr->pad_right >= attr->kernel_w))
        return urs_fail(err, URS_EINVAL, "%s: padding must be smaller than the kernel %d x %d", what, attr->kernel_h, attr->kernel_w);
    return URS_OK;
}

urs_status urs_op_window_dims(urs_dims *out, const urs_op_attr *attr, urs_dims in, int64_t channels, const char *what, urs_error *err)
{
    const int64_t h = in.h + attr->pad_top + attr->pad_bottom, w = in.w + attr->pad_left + attr->pad_right;
    if (h < attr->kernel_h || w < attr->kernel_w)
        return urs_fail(err, URS_EINVAL, "%s: kernel %d x %d is larger than the padded input %" PRId64 " x %" PRId64, what, attr->kernel_h,
                        attr->kernel_w, h, w);
    const urs_dims d = {.c = channels, .h = (h - attr->kernel_h) / attr->stride_h + 1, .w = (w - attr->kernel_w) / attr->stride_w + 1};
    const urs_status status = urs_op_check_dims(d, what, err);
    if (status == URS_OK)
        *out = d;
    return status;
}

urs_status urs_op_same_dims(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err)
{
    (void)attr;
    (void)n_in;
    const urs_status status = urs_op_check_dims(in[0], "input of an operation", err);
    if (status == URS_OK)
        *out = in[0];
    return status;
}

bool urs_op_dims_equal(urs_dims a, urs_dims b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}
