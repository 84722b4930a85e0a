/* Writes ONNX models and what we compute with them, for comparison with ONNX Runtime (tools/golden/golden_onnx.py):
 *
 *   onnx_write_cases FOLDER SEEDS        every architecture in float with random weights, and every int8 operator, seeds 1..SEEDS
 *   onnx_write_cases FOLDER W RUNS       weights W (float or int8), RUNS random inputs
 *
 * FOLDER/NAME.onnx; NAME.in, NAME.out: inputs and outputs as float32, one after the other; NAME.steps: for each output its count, and the step of int8 (0 for float). Prints one NAME a line. */
#include "int8_cases.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "int8/onnx_int8.h"
#include "int8/reference.h"
#include "models/models.h"
#include "nn/onnx_float.h"
#include "nn/plan.h"
#include "stages/int8_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct files {
    urs_text in, out, steps;
} files;

static urs_status put(const char *folder, const char *name, const char *extension, const void *data, size_t size, urs_error *err)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, extension);
    return urs_file_write(path, data ? data : "", size, err);
}

static urs_status put_all(const char *folder, const char *name, files *f, urs_bytes *onnx, urs_error *err)
{
    urs_status status = put(folder, name, "onnx", onnx->data, onnx->size, err);
    if (status == URS_OK)
        status = put(folder, name, "in", f->in.data, f->in.length, err);
    if (status == URS_OK)
        status = put(folder, name, "out", f->out.data, f->out.length, err);
    if (status == URS_OK)
        status = put(folder, name, "steps", f->steps.data, f->steps.length, err);
    if (status == URS_OK)
        (void)printf("%s\n", name);
    urs_text_release(&f->in);
    urs_text_release(&f->out);
    urs_text_release(&f->steps);
    urs_bytes_release(onnx);
    return status;
}

/* [1,H,W,C] int8 as [1,C,H,W] numbers. */
static urs_status add_values(urs_text *to, const void *data, const urs_int8_tensor *t, urs_error *err)
{
    float *values = urs_array_new(urs_int8_shape_elements(t->shape), sizeof *values);
    if (!values)
        return urs_fail(err, URS_ENOMEM, "no memory for a case");
    if (t->shape.rank == 4)
        urs_int8_read_output(values, data, t);
    else
        for (size_t i = 0; i < urs_int8_shape_elements(t->shape); i++)
            values[i] = t->quant.scale * (float)(((const int8_t *)data)[i] - t->quant.zero_point);
    urs_text_append(to, (const char *)values, urs_int8_shape_elements(t->shape) * sizeof *values);
    urs_free(values);
    return URS_OK;
}

static urs_status write_int8(const char *folder, const char *name, const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    void *inputs[URS_INT8_INPUTS_MAX] = {0};
    urs_int8_values values = {0};
    urs_bytes onnx = {0};
    files f = {0};
    urs_status status = urs_onnx_encode_int8(&onnx, g, err);
    if (status == URS_EUNSUPPORTED) {
        (void)fprintf(stderr, "%s: %s\n", name, err->message);
        return URS_OK;
    }
    if (status == URS_OK)
        status = urs_int8_case_inputs(inputs, g, seed, err);
    if (status == URS_OK)
        status = urs_int8_reference_run(&values, g, URS_INT8_NPU, (const void *const *)inputs, err);
    for (int32_t i = 0; i < g->n_inputs && status == URS_OK; i++)
        status = add_values(&f.in, inputs[i], &g->tensors[g->inputs[i]], err);
    for (int32_t i = 0; i < g->n_outputs && status == URS_OK; i++) {
        const urs_int8_tensor *t = &g->tensors[g->outputs[i]];
        status = add_values(&f.out, values.data[g->outputs[i]], t, err);
        urs_text_format(&f.steps, "%zu %.9g\n", urs_int8_shape_elements(t->shape), (double)t->quant.scale);
    }
    urs_int8_values_release(&values);
    for (int32_t i = 0; i < g->n_inputs; i++)
        urs_free(inputs[i]);
    return status == URS_OK ? put_all(folder, name, &f, &onnx, err) : status;
}

static urs_status write_float(const char *folder, const char *name, const urs_graph *g, const float *block, uint64_t seed, urs_error *err)
{
    const urs_value *outputs, *inputs;
    const int32_t n_outputs = urs_graph_outputs(g, &outputs);
    urs_plan *plan = NULL;
    urs_bytes onnx = {0};
    urs_random random;
    files f = {0};
    urs_status status = urs_onnx_encode_float(&onnx, NULL, g, block, NULL, err);
    urs_random_init(&random, seed);
    if (status == URS_EUNSUPPORTED) {
        (void)fprintf(stderr, "%s: %s\n", name, err->message);
        return URS_OK;
    }
    if (status == URS_OK)
        status = urs_plan_new(&plan, g, block, NULL, err);
    if (status == URS_OK) {
        urs_dims d;
        float *x = urs_plan_input(plan, 0);
        (void)urs_graph_inputs(g, &inputs);
        d = urs_graph_dims(g, inputs[0]);
        for (int64_t i = 0; i < d.c * d.h * d.w; i++)
            x[i] = (float)urs_random_normal(&random);
        urs_text_append(&f.in, (const char *)x, (size_t)(d.c * d.h * d.w) * sizeof *x);
        status = urs_plan_forward(plan, err);
    }
    for (int32_t i = 0; status == URS_OK && i < n_outputs; i++) {
        const urs_dims d = urs_graph_dims(g, outputs[i]);
        urs_text_append(&f.out, (const char *)urs_plan_output(plan, i), (size_t)(d.c * d.h * d.w) * sizeof(float));
        urs_text_format(&f.steps, "%zu 0\n", (size_t)(d.c * d.h * d.w));
    }
    urs_plan_free(plan);
    return status == URS_OK ? put_all(folder, name, &f, &onnx, err) : status;
}

static urs_status write_architectures(const char *folder, urs_error *err)
{
    urs_status status = URS_OK;
    for (int32_t i = 0; status == URS_OK && i < urs_arch_count(); i++) {
        const urs_arch *arch = urs_arch_at(i);
        urs_model_options options = {.input_width = arch->detector ? 96 : 0, .input_height = arch->detector ? 64 : 0};
        urs_graph *g = NULL;
        float *block = NULL;
        (void)snprintf(options.arch, sizeof options.arch, "%s", arch->name);
        status = urs_model_build(&g, &options, err);
        if (status == URS_OK) {
            block = urs_aligned_new(urs_graph_block_elements(g) * sizeof *block);
            status = block ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for weights");
        }
        if (status == URS_OK) {
            urs_graph_init_params(g, block, 1);
            status = write_float(folder, arch->name, g, block, 1, err);
        }
        urs_aligned_free(block);
        urs_graph_free(g);
    }
    return status;
}

static urs_status write_operator(void *context, const char *name, const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    return write_int8(context, name, g, seed, err);
}

int main(int argc, char **argv)
{
    urs_error err = {0};
    urs_network *network = NULL;
    urs_status status;
    if (argc != 3 && argc != 4) {
        (void)fputs("usage: onnx_write_cases FOLDER SEEDS, or FOLDER W RUNS\n", stderr);
        return 2;
    }
    status = urs_folder_create(argv[1], &err);
    if (status == URS_OK && argc == 3) {
        status = write_architectures(argv[1], &err);
        if (status == URS_OK)
            status = urs_int8_cases_each(atoi(argv[2]), true, write_operator, argv[1], &err);
    } else if (status == URS_OK) {
        status = urs_network_read(&network, argv[2], NULL, &err);
        for (int run = 1; status == URS_OK && run <= atoi(argv[3]); run++) {
            char *stem = urs_path_stem(argv[2]), name[300];
            (void)snprintf(name, sizeof name, "%s_%03d", stem ? stem : "network", run);
            urs_free(stem);
            status = network->int8 ? write_int8(argv[1], name, network->int8, (uint64_t)run, &err) : write_float(argv[1], name, network->graph, network->params, (uint64_t)run, &err);
        }
    }
    urs_network_free(network);
    if (status != URS_OK)
        (void)fprintf(stderr, "onnx_write_cases: %s\n", err.message);
    return status == URS_OK ? 0 : 1;
}
