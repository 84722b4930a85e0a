/* From lowered operations to steps and buffers: the forward pass in order, then the backward pass in reverse.
 *
 * Gradients: the first consumer that is walked back writes a value's gradient, later ones write to a temporary that is added. An addition hands its
 * gradient on without a kernel; a summand with no other consumer shares the buffer. */
#include "nn/plan_private.h"

#include "base/memory.h"

#include <string.h>

typedef struct builder {
    urs_plan *plan;
    const urs_node *nodes;
    const urs_param *params;
    int32_t n_nodes;
    int32_t *uses;     /* consumers among the lowered operations, outputs included */
    int32_t *saved;    /* per lowered: buffer kept from forward to backward */
    bool *needs_grad;  /* per value */
    bool *is_output;
    urs_error *err;
} builder;

static int32_t new_buffer(builder *b, size_t bytes, bool pinned)
{
    urs_plan *p = b->plan;
    size_t capacity = (size_t)p->buffer_capacity;
    if (!urs_array_reserve((void **)&p->buffers, &capacity, (size_t)p->n_buffers, sizeof *p->buffers)) {
        (void)urs_fail(b->err, URS_ENOMEM, "no memory to plan buffers");
        return -1;
    }
    p->buffer_capacity = (int32_t)capacity;
    p->buffers[p->n_buffers] = (urs_buffer){.bytes = bytes ? bytes : 1, .first = INT32_MAX, .last = -1, .pinned = pinned};
    return p->n_buffers++;
}

static size_t shape_bytes(const urs_plan *p, urs_tensor_shape s)
{
    return (size_t)urs_tensor_elements(s) * p->element;
}

static urs_tensor_shape plain(urs_tensor_shape s)
{
    s.block = 1;
    return s;
}

static bool is_plain(urs_tensor_shape s)
{
    return s.block == 1 || (s.h * s.w == 1 && s.c % s.block == 0);
}

static void touch(builder *b, int32_t buffer, int32_t step)
{
    urs_buffer *x;
    if (buffer < 0)
        return;
    x = &b->plan->buffers[buffer];
    if (step < x->first)
        x->first = step;
    if (step > x->last)
        x->last = step;
}

/* A new empty step; NULL when out of memory. */
static urs_step *new_step(builder *b, urs_step_kind kind, bool backward)
{
    urs_plan *p = b->plan;
    size_t capacity = (size_t)p->step_capacity;
    urs_step *s;
    if (!urs_array_reserve((void **)&p->steps, &capacity, (size_t)p->n_steps, sizeof *p->steps)) {
        (void)urs_fail(b->err, URS_ENOMEM, "no memory to plan steps");
        return NULL;
    }
    p->step_capacity = (int32_t)capacity;
    s = &p->steps[p->n_steps++];
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->backward = backward;
    s->out = s->d_out = s->saved = s->lowered = -1;
    for (int i = 0; i < URS_INPUTS_MAX; i++)
        s->in[i] = s->d_in[i] = -1;
    return s;
}

/* ADD, COPY or CONVERT from one buffer to another. */
static urs_status move_step(builder *b, urs_step_kind kind, bool backward, int32_t from, urs_tensor_shape from_shape, int32_t to, urs_tensor_shape to_shape)
{
    urs_step *s = new_step(b, kind, backward);
    if (!s || from < 0 || to < 0)
        return URS_ENOMEM;
    s->in[0] = from;
    s->out = to;
    s->from = from_shape;
    s->to = to_shape;
    touch(b, from, b->plan->n_steps - 1);
    touch(b, to, b->plan->n_steps - 1);
    return URS_OK;
}

static bool any_trainable(const builder *b, const urs_lowered *l)
{
    for (int32_t i = 0; i < l->n_params; i++) {
        const urs_param_role role = b->params[l->param[i]].role;
        if (role != URS_ROLE_MEAN && role != URS_ROLE_VARIANCE && !(b->plan->frozen && b->plan->frozen[l->param[i]]))
            return true;
    }
    return false;
}

static void make_spec(const builder *b, const urs_lowered *l, urs_pass pass, urs_kernel_spec *spec)
{
    const urs_plan *p = b->plan;
    memset(spec, 0, sizeof *spec);
    spec->op = l->op;
    spec->pass = pass;
    spec->training = p->options.training;
    spec->frozen_norm = p->options.frozen_norm;
    spec->dtype = p->options.dtype;
    spec->attr = l->attr;
    spec->n_in = l->n_in;
    for (int32_t i = 0; i < l->n_in; i++)
        spec->in[i] = p->shape[l->in[i]];
    spec->out = p->shape[l->out];
}

static urs_status forward_step(builder *b, int32_t index, int32_t *uses_left)
{
    urs_plan *p = b->plan;
    const urs_lowered *l = &p->lowered[index];
    const urs_op *op = urs_op_find(l->op);
    urs_kernel_spec spec;
    urs_kernel *kernel = NULL;
    urs_step *s;
    urs_status status;

    make_spec(b, l, URS_PASS_FORWARD, &spec);
    status = p->backend->kernel_new(&kernel, &spec, b->err);
    if (status != URS_OK) {
        urs_error_prefix(b->err, "%s: ", op->name);
        return status;
    }
    s = new_step(b, URS_STEP_KERNEL, false);
    if (!s) {
        kernel->free(kernel);
        return URS_ENOMEM;
    }
    s->kernel = kernel;
    s->lowered = index;
    for (int32_t i = 0; i < l->n_in; i++) {
        s->in[i] = p->value_buffer[l->in[i]];
        uses_left[l->in[i]]--;
    }
    if (p->value_buffer[l->out] < 0) {
        const urs_value skip = l->attr.has_residual ? l->in[1] : URS_NO_VALUE;
        /* The sum may take the place of a skip connection that nobody reads any more; not where an activation comes in between (kernel.h), nor where the
         * convolution reads the same value. */
        if (skip >= 0 && skip != l->in[0] && l->attr.activation == URS_ACT_NONE && uses_left[skip] == 0 && !b->is_output[skip] &&
            b->nodes[skip].op != URS_OP_INPUT && p->shape[skip].block == p->shape[l->out].block)
            p->value_buffer[l->out] = p->value_buffer[skip];
        else
            p->value_buffer[l->out] = new_buffer(b, shape_bytes(p, p->shape[l->out]), false);
    }
    s->out = p->value_buffer[l->out];
    if (s->out < 0)
        return URS_ENOMEM;
    if (p->options.training && kernel->saved_bytes) {
        s->saved = b->saved[index] = new_buffer(b, kernel->saved_bytes, false);
        if (s->saved < 0)
            return URS_ENOMEM;
        touch(b, s->saved, p->n_steps - 1);
    }
    for (int32_t i = 0; i < l->n_in; i++)
        touch(b, s->in[i], p->n_steps - 1);
    touch(b, s->out, p->n_steps - 1);
    if (kernel->scratch_bytes > p->scratch_bytes)
        p->scratch_bytes = kernel->scratch_bytes;
    return URS_OK;
}

static urs_status forward_pass(builder *b)
{
    urs_plan *p = b->plan;
    const urs_value *outputs, *inputs;
    const int32_t n_outputs = urs_graph_outputs(p->graph, &outputs), n_inputs = urs_graph_inputs(p->graph, &inputs);
    int32_t *uses_left = urs_array_new((size_t)b->n_nodes, sizeof *uses_left);
    urs_status status = URS_OK;

    if (!uses_left)
        return urs_fail(b->err, URS_ENOMEM, "no memory to plan the forward pass");
    memcpy(uses_left, b->uses, (size_t)b->n_nodes * sizeof *uses_left);
    for (int32_t i = 0; i < n_inputs; i++)
        p->value_buffer[inputs[i]] = new_buffer(b, shape_bytes(p, p->shape[inputs[i]]), true);
    for (int32_t i = 0; i < n_outputs; i++) {
        const urs_value v = p->alias[outputs[i]];
        p->output_buffer[i] = -1;
        if (is_plain(p->shape[v]) && p->value_buffer[v] < 0)
            p->value_buffer[v] = new_buffer(b, shape_bytes(p, p->shape[v]), true);
        if (is_plain(p->shape[v]))
            p->output_buffer[i] = p->value_buffer[v];
    }
    for (int32_t i = 0; status == URS_OK && i < p->n_lowered; i++)
        if (!p->lowered[i].dropped)
            status = forward_step(b, i, uses_left);
    for (int32_t i = 0; status == URS_OK && i < n_outputs; i++) {
        const urs_value v = p->alias[outputs[i]];
        if (p->output_buffer[i] >= 0)
            continue;
        p->output_buffer[i] = new_buffer(b, shape_bytes(p, plain(p->shape[v])), true);
        status = move_step(b, URS_STEP_CONVERT, false, p->value_buffer[v], p->shape[v], p->output_buffer[i], plain(p->shape[v]));
    }
    p->n_forward = p->n_steps;
    urs_free(uses_left);
    return status;
}

/* The gradients that the caller fills become gradients of values. */
static urs_status seed_gradients(builder *b)
{
    urs_plan *p = b->plan;
    const urs_value *outputs;
    const int32_t n = urs_graph_outputs(p->graph, &outputs);
    urs_status status = URS_OK;
    for (int32_t i = 0; status == URS_OK && i < n; i++) {
        const urs_value v = p->alias[outputs[i]];
        const urs_tensor_shape shape = p->shape[v];
        int32_t given = new_buffer(b, shape_bytes(p, plain(shape)), true), target;
        p->output_grad_buffer[i] = given;
        if (given < 0)
            return URS_ENOMEM;
        if (!b->needs_grad[v])
            continue;
        if (p->grad_buffer[v] < 0 && is_plain(shape) && b->uses[v] == 1) {
            p->grad_buffer[v] = given;
            continue;
        }
        target = new_buffer(b, shape_bytes(p, shape), false);
        status = move_step(b, URS_STEP_CONVERT, true, given, plain(shape), target, shape);
        if (status != URS_OK)
            break;
        if (p->grad_buffer[v] < 0)
            p->grad_buffer[v] = target;
        else
            status = move_step(b, URS_STEP_ADD, true, target, shape, p->grad_buffer[v], shape);
    }
    return status;
}

/* The gradient of a sum is the gradient of each summand. Only the graph's input can have another layout than the sum. */
static urs_status backward_add(builder *b, const urs_lowered *l)
{
    urs_plan *p = b->plan;
    const urs_tensor_shape shape = p->shape[l->out];
    urs_status status = URS_OK;
    for (int32_t k = 0; status == URS_OK && k < 2; k++) {
        const urs_value x = l->in[k];
        const bool same = p->shape[x].block == shape.block;
        int32_t from = p->grad_buffer[l->out];
        if (!b->needs_grad[x])
            continue;
        if (same && p->grad_buffer[x] < 0 && b->uses[x] == 1) {
            p->grad_buffer[x] = from;
            continue;
        }
        if (!same || p->grad_buffer[x] < 0) {
            const int32_t copy = new_buffer(b, shape_bytes(p, p->shape[x]), false);
            status = move_step(b, same ? URS_STEP_COPY : URS_STEP_CONVERT, true, from, shape, copy, p->shape[x]);
            from = copy;
        }
        if (p->grad_buffer[x] < 0)
            p->grad_buffer[x] = from;
        else if (status == URS_OK)
            status = move_step(b, URS_STEP_ADD, true, from, p->shape[x], p->grad_buffer[x], p->shape[x]);
    }
    return status;
}

static urs_status backward_step(builder *b, int32_t index)
{
    urs_plan *p = b->plan;
    const urs_lowered *l = &p->lowered[index];
    const urs_op *op = urs_op_find(l->op);
    int32_t d_in[URS_INPUTS_MAX], pending[URS_INPUTS_MAX], step;
    urs_kernel_spec spec;
    urs_kernel *kernel = NULL;
    urs_step *s;
    urs_status status;
    bool wanted = false;

    if (!b->needs_grad[l->out] || p->grad_buffer[l->out] < 0)
        return URS_OK;
    if (l->op == URS_OP_ADD)
        return backward_add(b, l);

    make_spec(b, l, URS_PASS_BACKWARD, &spec);
    spec.want_d_param = any_trainable(b, l);
    for (int32_t k = 0; k < l->n_in; k++) {
        d_in[k] = pending[k] = -1;
        spec.want_d_in[k] = b->needs_grad[l->in[k]];
        wanted |= spec.want_d_in[k];
    }
    if (!wanted && !spec.want_d_param)
        return URS_OK;
    status = p->backend->kernel_new(&kernel, &spec, b->err);
    if (status != URS_OK) {
        urs_error_prefix(b->err, "%s backward: ", op->name);
        return status;
    }
    for (int32_t k = 0; k < l->n_in; k++) {
        const urs_value x = l->in[k];
        if (!spec.want_d_in[k])
            continue;
        d_in[k] = new_buffer(b, shape_bytes(p, p->shape[x]), false);
        if (p->grad_buffer[x] < 0)
            p->grad_buffer[x] = d_in[k];
        else
            pending[k] = d_in[k];
    }
    s = new_step(b, URS_STEP_KERNEL, true);
    if (!s) {
        kernel->free(kernel);
        return URS_ENOMEM;
    }
    step = p->n_steps - 1;
    s->kernel = kernel;
    s->lowered = index;
    s->d_out = p->grad_buffer[l->out];
    touch(b, s->d_out, step);
    for (int32_t k = 0; k < l->n_in; k++) {
        s->d_in[k] = d_in[k];
        touch(b, d_in[k], step);
        if (op->backward_needs_in)
            touch(b, s->in[k] = p->value_buffer[l->in[k]], step);
    }
    if (op->backward_needs_out)
        touch(b, s->out = p->value_buffer[l->out], step);
    s->saved = b->saved[index];
    touch(b, s->saved, step);
    if (kernel->scratch_bytes > p->scratch_bytes)
        p->scratch_bytes = kernel->scratch_bytes;
    for (int32_t k = 0; status == URS_OK && k < l->n_in; k++) {
        const urs_value x = l->in[k];
        if (pending[k] >= 0)
            status = move_step(b, URS_STEP_ADD, true, pending[k], p->shape[x], p->grad_buffer[x], p->shape[x]);
    }
    return status;
}

static void choose_shapes(builder *b)
{
    urs_plan *p = b->plan;
    for (int32_t i = 0; i < b->n_nodes; i++) {
        const urs_dims d = b->nodes[i].dims;
        urs_tensor_shape s = {.n = p->options.batch, .c = d.c, .h = d.h, .w = d.w, .block = 1};
        if (b->nodes[i].op != URS_OP_INPUT)
            s.block = p->backend->block(d.c, d.h, d.w);
        p->shape[i] = s;
        p->value_buffer[i] = p->grad_buffer[i] = -1;
    }
}

static void find_needs(builder *b)
{
    urs_plan *p = b->plan;
    const urs_value *outputs, *inputs;
    const int32_t n_outputs = urs_graph_outputs(p->graph, &outputs);
    (void)urs_graph_inputs(p->graph, &inputs);
    if (p->options.input_gradient)
        b->needs_grad[inputs[0]] = true;
    for (int32_t i = 0; i < p->n_lowered; i++) {
        const urs_lowered *l = &p->lowered[i];
        if (l->dropped)
            continue;
        for (int32_t k = 0; k < l->n_in; k++) {
            b->uses[l->in[k]]++;
            b->needs_grad[l->out] |= b->needs_grad[l->in[k]];
        }
        b->needs_grad[l->out] |= any_trainable(b, l);
    }
    for (int32_t i = 0; i < n_outputs; i++) {
        b->uses[p->alias[outputs[i]]]++;
        b->is_output[p->alias[outputs[i]]] = true;
    }
}

urs_status urs_plan_build_steps(urs_plan *plan, urs_error *err)
{
    builder b = {.plan = plan, .err = err};
    const urs_value *list;
    const size_t n_outputs = (size_t)urs_graph_outputs(plan->graph, &list);
    urs_status status = URS_OK;

    b.n_nodes = urs_graph_nodes(plan->graph, &b.nodes);
    (void)urs_graph_params(plan->graph, &b.params);
    b.uses = urs_array_new((size_t)b.n_nodes, sizeof *b.uses);
    b.saved = urs_array_new((size_t)plan->n_lowered, sizeof *b.saved);
    b.needs_grad = urs_array_new((size_t)b.n_nodes, sizeof *b.needs_grad);
    b.is_output = urs_array_new((size_t)b.n_nodes, sizeof *b.is_output);
    plan->value_buffer = urs_array_new((size_t)b.n_nodes, sizeof *plan->value_buffer);
    plan->grad_buffer = urs_array_new((size_t)b.n_nodes, sizeof *plan->grad_buffer);
    plan->shape = urs_array_new((size_t)b.n_nodes, sizeof *plan->shape);
    plan->output_buffer = urs_array_new(n_outputs, sizeof *plan->output_buffer);
    plan->output_grad_buffer = urs_array_new(n_outputs, sizeof *plan->output_grad_buffer);
    if (!b.uses || !b.saved || !b.needs_grad || !b.is_output || !plan->value_buffer || !plan->grad_buffer || !plan->shape || !plan->output_buffer ||
        !plan->output_grad_buffer) {
        status = urs_fail(err, URS_ENOMEM, "no memory to plan %d operations", (int)b.n_nodes);
        goto done;
    }
    for (int32_t i = 0; i < plan->n_lowered; i++)
        b.saved[i] = -1;
    choose_shapes(&b);
    find_needs(&b);
    status = forward_pass(&b);
    if (status == URS_OK && plan->options.training) {
        status = seed_gradients(&b);
        for (int32_t i = plan->n_lowered - 1; status == URS_OK && i >= 0; i--)
            if (!plan->lowered[i].dropped)
                status = backward_step(&b, i);
    }
    if (status == URS_OK && plan->options.training && plan->options.input_gradient) {
        (void)urs_graph_inputs(plan->graph, &list);
        plan->input_grad_buffer = plan->grad_buffer[list[0]];
        if (plan->input_grad_buffer >= 0)
            plan->buffers[plan->input_grad_buffer].pinned = true;
    }
    if (status == URS_ENOMEM && err && err->code == URS_OK)
        status = urs_fail(err, URS_ENOMEM, "no memory to plan the network");
done:
    urs_free(b.uses);
    urs_free(b.saved);
    urs_free(b.needs_grad);
    urs_free(b.is_output);
    return status;
}
