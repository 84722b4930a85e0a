/* What the files of the onednn backend share. */
#ifndef URS_COMPUTE_ONEDNN_PRIVATE_H
#define URS_COMPUTE_ONEDNN_PRIVATE_H

#include "compute/dnnl_bridge.h"

/* CONV, CONV_TRANSPOSE and LINEAR. */
urs_status urs_onednn_conv_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) URS_CHECKED;
/* Any operation, by way of NCHW and the reference kernels. */
urs_status urs_adapter_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) URS_CHECKED;
/* Operations with a kernel on blocked layouts of our own (lanes.h); *out stays NULL for the others. */
urs_status urs_lanes_new(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err) URS_CHECKED;

#endif
