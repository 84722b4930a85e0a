/* The bridge to oneDNN: the only place where its 2.x and 3.x C APIs differ for us.
 *
 * 2.x describes an operation (op_desc), then makes a primitive descriptor from it; 3.x makes the primitive descriptor directly, and its memory
 * descriptors are opaque pointers. Here both become: one function per operation that gives a ready primitive descriptor.
 *
 * The engine is a process-wide handle of the library without state of ours; streams are one per kernel. Thread safe. */
#ifndef URS_COMPUTE_DNNL_BRIDGE_H
#define URS_COMPUTE_DNNL_BRIDGE_H

#include "compute/kernel.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t urs_dnnl_desc;          /* owned handle */
typedef const_dnnl_memory_desc_t urs_dnnl_desc_ref; /* borrowed */
#else
typedef dnnl_memory_desc_t urs_dnnl_desc;
typedef const dnnl_memory_desc_t *urs_dnnl_desc_ref;
#endif

typedef enum urs_dnnl_conv_kind { URS_DNNL_FORWARD, URS_DNNL_BACKWARD_DATA, URS_DNNL_BACKWARD_WEIGHTS } urs_dnnl_conv_kind;

typedef struct urs_dnnl_conv {
    urs_dnnl_conv_kind kind;
    bool training, transposed;
    urs_tensor_shape in, out;
    urs_op_attr attr; /* kernel, stride, padding, groups, bias, activation, residual */
} urs_dnnl_conv;

/* Turns a library status into ours, with a sentence. */
urs_status urs_dnnl_check(dnnl_status_t status, const char *what, urs_error *err) URS_CHECKED;

urs_status urs_dnnl_engine(dnnl_engine_t *out, urs_error *err) URS_CHECKED;

/* Descriptor of an activation in the layout of kernel.h, of a weight in PyTorch's order, of a vector. */
urs_status urs_dnnl_desc_activation(urs_dnnl_desc *out, urs_tensor_shape shape, urs_error *err) URS_CHECKED;
urs_status urs_dnnl_desc_weight(urs_dnnl_desc *out, const urs_dnnl_conv *conv, bool any, urs_error *err) URS_CHECKED;
void urs_dnnl_desc_release(urs_dnnl_desc *desc);
#if DNNL_VERSION_MAJOR >= 3
#define URS_DNNL_REF(d) (d)
#else
#define URS_DNNL_REF(d) (&(d))
#endif

/* Primitive descriptor of a (transposed) convolution; the scratchpad is the caller's. `hint` is the forward descriptor for the backward kinds. Owned. */
urs_status urs_dnnl_conv_desc(dnnl_primitive_desc_t *out, const urs_dnnl_conv *conv, const_dnnl_primitive_desc_t hint, urs_error *err) URS_CHECKED;

/* Descriptor inside a primitive descriptor (borrowed), and its size in bytes. */
urs_dnnl_desc_ref urs_dnnl_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what);
size_t urs_dnnl_bytes(urs_dnnl_desc_ref desc);
bool urs_dnnl_same(urs_dnnl_desc_ref a, urs_dnnl_desc_ref b);

/* One thread inside each operation from here on in the calling thread: work is split across images. */
void urs_dnnl_single_thread(void);

#endif
