/* What the files of the engine share: steps, and where tensors are. Private to src/int8. */
#ifndef URS_INT8_ENGINE_PRIVATE_H
#define URS_INT8_ENGINE_PRIVATE_H

#include "int8/binary.h"
#include "int8/engine.h"
#include "int8/int8_op.h"
#include "int8/kernels.h"
#include "int8/mean.h"

#define URS_INT8_ALIGN 64

typedef struct urs_int8_step urs_int8_step;

/* One run: where the thread's memory is. */
typedef struct urs_int8_frame {
    const urs_int8_plan *plan;
    char *arena, *scratch;
} urs_int8_frame;

typedef void urs_int8_step_run(const urs_int8_step *s, const urs_int8_frame *f);

/* A prepared operator. Which fields hold something depends on `run`. */
struct urs_int8_step {
    urs_int8_step_run *run;
    const urs_int8_op *op;
    const urs_int8_kernels *kernels;
    int32_t out;          /* tensor that it writes: the op's output, or that of the table behind it */
    size_t scratch_bytes; /* of the thread, while it runs */
    urs_int8_window rows, columns;
    size_t channels, depth, groups; /* outputs; numbers that one output sums; of them in groups of the kernels */
    bool contiguous;                /* the windows of neighbouring pixels are one block */
    bool mapped;                    /* `table` is applied to the output */
    urs_int8_table table;
    urs_int8_rescale rescale;
    void *weights;       /* owned; packed */
    int32_t *numbers;    /* owned: bias, multipliers, shifts; or the terms of a sum */
    size_t owned_bytes;
    urs_int8_binary binary;
    size_t outer, inner; /* binary: repetitions; numbers of one */
    size_t a_outer, b_outer, a_inner, b_inner; /* strides of the operands; 0: repeats */
    urs_int8_mean_factor mean;
};

struct urs_int8_plan {
    const urs_int8_graph *graph; /* borrowed */
    const urs_int8_kernels *kernels;
    urs_int8_arithmetic arithmetic;
    urs_int8_step *steps; /* owned */
    int32_t n_steps;
    int32_t *root;        /* owned; tensor whose memory a tensor has: itself, but for RESHAPE */
    size_t *offset;       /* owned; in the arena, of roots; SIZE_MAX: needs none */
    size_t activation_bytes, scratch_bytes, packed_bytes;
};

static inline const void *urs_int8_frame_read(const urs_int8_frame *f, int32_t tensor)
{
    const void *constant = f->plan->graph->tensors[tensor].data;
    return constant ? constant : f->arena + f->plan->offset[f->plan->root[tensor]];
}
static inline void *urs_int8_frame_write(const urs_int8_frame *f, int32_t tensor)
{
    return f->arena + f->plan->offset[f->plan->root[tensor]];
}

static inline size_t urs_int8_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Each prepares a step for an operator that it knows (false: it does not, the oracle will run it) or fails. op and kernels are set already. */
urs_status urs_int8_step_conv(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err) URS_CHECKED;      /* CONV_2D, FULLY_CONNECTED */
urs_status urs_int8_step_depthwise(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err) URS_CHECKED; /* of multiplier 1 */
urs_status urs_int8_step_transpose_conv(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err) URS_CHECKED; /* whose windows do not overlap */
urs_status urs_int8_step_max_pool(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err) URS_CHECKED;
urs_status urs_int8_step_elements(bool *known, urs_int8_step *s, const urs_int8_plan *plan, urs_error *err) URS_CHECKED;  /* tables, ADD, SUB, MUL, MEAN */

/* Panels and weights in the forms of kernels.h, by s->depth, groups, channels and kernels. fill: `rows` neighbouring pixels of depth numbers each. pack: [channels] rows of depth numbers, `row` numbers from one to
 * the next. offset: what the form of the panel takes off the bias of a channel whose weights are w[depth]. */
size_t urs_int8_panel_stride(const urs_int8_step *s); /* bytes of a row */
void urs_int8_panel_fill(const urs_int8_step *s, char *panel, const int8_t *x, size_t rows, int32_t zero);
void urs_int8_pack(const urs_int8_step *s, void *to, const int8_t *w, size_t row);
int32_t urs_int8_panel_offset(const urs_int8_step *s, const int8_t *w, int32_t zero);

/* Bias and factors of `channels` outputs into s->numbers and s->rescale, padded to 16; offset[c] is added to the bias. */
urs_status urs_int8_step_factors(urs_int8_step *s, const urs_int8_graph *g, size_t channels, bool up, const int32_t *offset, urs_error *err) URS_CHECKED;

/* Offsets of all tensors by their lives. */
urs_status urs_int8_arena_place(urs_int8_plan *plan, urs_error *err) URS_CHECKED;

#endif
