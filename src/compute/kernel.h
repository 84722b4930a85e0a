/* The contract between the graph and whoever computes it.
 *
 * A backend turns a kernel specification (what operation, which shapes and layouts, which pass) into a kernel that is bound once to fixed
 * addresses and then run any number of times without allocating. Two backends exist: `ref` (plain C, float and double; the oracle and
 * the fallback) and `onednn` (fast). They must agree; tests/backend walks every operation over both.
 *
 * Layout of every activation, on every backend: [N][ceil(C/B)][H*W][B]
 *
 *      B = 1      NCHW (the users' layout, and the only one of `ref`)
 *      B = C      NHWC
 *      B = 8, 16  channel blocks, the SIMD-friendly one; the last block is padded with channels that are ZERO
 *
 *      image 0                                   image 1 ...
 *      +---------------------+------------------+---
 *      | block 0: channels   | block 1          |
 *      | 0..B-1 of pixel 0,  | B..2B-1 of pixel |
 *      | of pixel 1, ...     | 0, 1, ...        |
 *      +---------------------+------------------+---
 *
 * Parameters always come in the reference implementation's own order (PyTorch: convolution [out, in/groups, kh, kw], transposed
 * convolution [in, out/groups, kh, kw], linear [out, in]); a kernel keeps a packed copy if it wants another order.
 *
 * Elements are float, or double on `ref` with dtype F64. Kernels of one backend may run in several threads at once, each kernel in one. */
#ifndef URS_COMPUTE_KERNEL_H
#define URS_COMPUTE_KERNEL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_INPUTS_MAX 8
#define URS_PARAMS_MAX 4

typedef enum urs_dtype { URS_DTYPE_F32, URS_DTYPE_F64 } urs_dtype;

typedef enum urs_op_kind {
    URS_OP_INPUT,          /* no computation */
    URS_OP_CONV,           /* params: weight [, bias]; inputs: x [, residual] */
    URS_OP_CONV_TRANSPOSE, /* params: weight [, bias] */
    URS_OP_LINEAR,         /* over channels of every pixel; params: weight [out, in] [, bias] */
    URS_OP_MATMUL,         /* a [N,C,H,K] x b [N,C,K,W] -> [N,C,H,W] */
    URS_OP_BATCH_NORM,     /* params: gamma, beta, running mean, running variance */
    URS_OP_LAYER_NORM,     /* over channels of every pixel; params: gamma, beta */
    URS_OP_ACTIVATION,
    URS_OP_SOFTMAX,        /* over channels of every pixel */
    URS_OP_MAX_POOL,
    URS_OP_AVG_POOL,       /* padding is not counted */
    URS_OP_GLOBAL_POOL,    /* mean over H*W -> [N,C,1,1] */
    URS_OP_RESIZE,
    URS_OP_ADD,            /* two inputs of one shape */
    URS_OP_MUL,            /* a [N,C,H,W] times b: same shape or [N,C,1,1] */
    URS_OP_CONCAT,         /* channels */
    URS_OP_SLICE,          /* channels begin .. begin+count-1 */
    URS_OP_DROPOUT,        /* training only; scales by 1/(1-p) */
    URS_OP_DROP_PATH,      /* stochastic depth, whole samples ("row" mode); scales by 1/(1-p) */
    URS_OP_L2_NORM,        /* over channels of every pixel: x / max(|x|, eps) */
    URS_OP_SCALE,          /* layer scale; params: gamma [C] */
    URS_OP_FAKE_QUANT,     /* to the nearest int8 step and back; params: step [1], state [3] = zero point, -, -; see ref_fake_quant.c */
    URS_OP_ATTENTION,      /* softmax(q k^T / sqrt(head dim) + position + mask) v, see compute/attention.h; inputs: one that holds q, k and v, or those three;
                              params: as attr.position says */
    URS_OP_PAD,            /* rows and columns of zeros on the sides that attr.pad_* name; where negative, rows and columns are cut off */
    URS_OP_MERGE,          /* 2x2 pixels become one of 4C channels: (0,0), (1,0), (0,1), (1,1), row first: Swin's patch merging */
    URS_OP_POSITION,       /* x + table; params: table [1,H,W,C], one for all images */
    URS_OP_COUNT
} urs_op_kind;

typedef enum urs_activation {
    URS_ACT_NONE,
    URS_ACT_RELU,
    URS_ACT_RELU6,
    URS_ACT_HARD_SWISH,   /* x * relu6(x+3) / 6 */
    URS_ACT_HARD_SIGMOID, /* relu6(x+3) / 6 */
    URS_ACT_SIGMOID,
    URS_ACT_SILU,
    URS_ACT_GELU, /* exact: x * Phi(x) */
    URS_ACT_COUNT
} urs_activation;

/* What attention adds to the logit of query (y,x) and key (y',x') inside a window of side S; dy = y - y', dx = x - x'. */
typedef enum urs_attention_position {
    URS_ATTENTION_PLAIN,    /* nothing; no parameters */
    URS_ATTENTION_TABLE,    /* table[(dy+S-1)(2S-1) + dx+S-1][head]; params: table [(2S-1)^2, heads]. Swin */
    URS_ATTENTION_DISTANCE, /* table[head][|dy| S + |dx|]; params: table [heads, S^2]. TinyViT */
    URS_ATTENTION_QUERY,    /* q . rows[dy+S-1] + q . columns[dx+S-1], q not scaled; params: rows and columns [2S-1, head dim]. SAM's ViT */
    URS_ATTENTION_POSITIONS
} urs_attention_position;

typedef enum urs_resize_mode { URS_RESIZE_NEAREST, URS_RESIZE_BILINEAR /* half-pixel centres, as align_corners=False */ } urs_resize_mode;

/* Attributes of an operation; only the fields that its line above names matter, the others are zero. */
typedef struct urs_op_attr {
    int32_t kernel_h, kernel_w, stride_h, stride_w;       /* conv, transposed conv, pools */
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t groups;                                       /* conv, transposed conv: >= 1 */
    int32_t out_channels;                                 /* conv, transposed conv, linear */
    bool has_bias;                                        /* conv, transposed conv, linear */
    urs_activation activation;                            /* ACTIVATION; fused into CONV and LINEAR, and after BATCH_NORM, by the plan */
    bool has_residual;                                    /* fused CONV: out = activation(conv) + in[1]; out may be in[1] itself if there is no activation */
    float eps, momentum;                                  /* norms; momentum as PyTorch's */
    float p;                                              /* dropout, drop path: share dropped */
    int32_t begin, count;                                 /* slice */
    urs_resize_mode resize;                               /* resize to out_h x out_w */
    int32_t out_h, out_w;
    int32_t heads;                                        /* attention: >= 1; channels are cut into that many heads side by side */
    int32_t window, shift;                                /* attention: side of the square windows, 0: the whole map; rows and columns that they are shifted by */
    bool head_major;                                      /* attention with one input: channels are q, k, v of head 0, then of head 1 ...; else all q, all k, all v */
    urs_attention_position position;
} urs_op_attr;

/* Shape and layout of an activation; block as above, >= 1. */
typedef struct urs_tensor_shape {
    int64_t n, c, h, w;
    int64_t block;
} urs_tensor_shape;

static inline int64_t urs_tensor_padded_channels(urs_tensor_shape s)
{
    return (s.c + s.block - 1) / s.block * s.block;
}

/* Number of elements in memory, padding included. */
static inline int64_t urs_tensor_elements(urs_tensor_shape s)
{
    return s.n * urs_tensor_padded_channels(s) * s.h * s.w;
}

typedef enum urs_pass { URS_PASS_FORWARD, URS_PASS_BACKWARD } urs_pass;

typedef struct urs_kernel_spec {
    urs_op_kind op;
    urs_pass pass;
    bool training;     /* FORWARD: batch statistics, dropout active. BACKWARD is always of a training plan. */
    bool frozen_norm;  /* BATCH_NORM uses the running statistics even when training */
    urs_dtype dtype;
    urs_op_attr attr;
    int32_t n_in;
    urs_tensor_shape in[URS_INPUTS_MAX];
    urs_tensor_shape out;
    bool want_d_in[URS_INPUTS_MAX]; /* BACKWARD: which input gradients are needed */
    bool want_d_param;              /* BACKWARD: whether parameter gradients are needed */
} urs_kernel_spec;

/* Addresses, fixed from bind to free; all borrowed. Which are given depends on the pass:
 *   FORWARD   in, out, param, saved (training), scratch, seed
 *   BACKWARD  in, out (forward values; NULL unless the operation's record asks for them), param, d_out, d_in (NULL = not wanted),
 *             d_param (NULL = not wanted), saved, scratch
 * d_in and d_param are overwritten, never added to. For BATCH_NORM d_param[2], d_param[3] receive the batch mean and the unbiased batch
 * variance from the FORWARD pass in training (that pass gets d_param too), so that the trainer can update the running statistics.
 * `seed` points to a number that the plan changes every step: dropout masks follow from it and from `salt`. */
typedef struct urs_kernel_args {
    const void *in[URS_INPUTS_MAX];
    void *out;
    const void *param[URS_PARAMS_MAX];
    const void *d_out;
    void *d_in[URS_INPUTS_MAX];
    void *d_param[URS_PARAMS_MAX];
    void *saved;
    void *scratch;
    const uint64_t *seed;
    uint64_t salt;
} urs_kernel_args;

/* A prepared kernel. The backend allocates a bigger struct that begins with this one. */
typedef struct urs_kernel urs_kernel;
struct urs_kernel {
    size_t saved_bytes;   /* kept from FORWARD to BACKWARD; both passes of one operation must report the same number */
    size_t scratch_bytes; /* only during run; shared with other kernels */
    urs_status (*bind)(urs_kernel *self, const urs_kernel_args *args, urs_error *err);
    void (*pack)(urs_kernel *self); /* (optional) re-reads the parameters after they changed; called after bind and before run */
    urs_status (*run)(urs_kernel *self, urs_error *err);
    void (*free)(urs_kernel *self);
};

typedef struct urs_backend {
    const char *name;
    /* Block of the layout this backend wants for an activation inside a plan. */
    int64_t (*block)(int64_t c, int64_t h, int64_t w);
    urs_status (*kernel_new)(urs_kernel **out, const urs_kernel_spec *spec, urs_error *err);
} urs_backend;

const urs_backend *urs_backend_ref(void);
const urs_backend *urs_backend_onednn(void); /* NULL in builds without oneDNN */

/* "ref", "onednn", or NULL/"" for the fastest there is. */
urs_status urs_backend_find(const urs_backend **out, const char *name, urs_error *err) URS_CHECKED;

/* Copies between two layouts of one shape, zeroing padded channels (float). Not for hot paths with exotic blocks. */
void urs_tensor_convert(float *out, urs_tensor_shape out_shape, const float *in, urs_tensor_shape in_shape);

#endif
