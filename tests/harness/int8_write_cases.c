/* Writes int8 cases for comparison with TFLite (tools/golden/golden_int8.py):
 *
 *   int8_write_cases FOLDER SEEDS small|large     every operator, seeds 1..SEEDS
 *   int8_write_cases FOLDER FILE.tflite RUNS      one network, RUNS random inputs
 *
 * FOLDER/NAME.tflite, NAME.in (inputs one after the other), NAME.npu and NAME.tfl (outputs by our oracles in both arithmetics). Prints one NAME a line. */
#include "int8_cases.h"

#include "base/memory.h"
#include "base/text.h"
#include "int8/reference.h"
#include "int8/tflite_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static urs_status put(const char *folder, const char *name, const char *extension, const urs_text *text, urs_error *err)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, extension);
    return urs_file_write(path, text->data ? text->data : "", text->length, err);
}

static urs_status write_case(void *context, const char *name, const urs_int8_graph *g, uint64_t seed, urs_error *err)
{
    const char *folder = context;
    void *inputs[URS_INT8_INPUTS_MAX];
    char path[512];
    urs_text text = {0};
    urs_status status = urs_int8_case_inputs(inputs, g, seed, err);
    for (int32_t i = 0; i < g->n_inputs && status == URS_OK; i++)
        urs_text_append(&text, inputs[i], urs_int8_tensor_bytes(&g->tensors[g->inputs[i]]));
    if (status == URS_OK)
        status = put(folder, name, "in", &text, err);
    for (int32_t mode = 0; mode < 2 && status == URS_OK; mode++) {
        urs_int8_values values = {0};
        urs_text_release(&text);
        status = urs_int8_reference_run(&values, g, mode ? URS_INT8_TFLITE : URS_INT8_NPU, (const void *const *)inputs, err);
        for (int32_t i = 0; i < g->n_outputs && status == URS_OK; i++)
            urs_text_append(&text, values.data[g->outputs[i]], urs_int8_tensor_bytes(&g->tensors[g->outputs[i]]));
        if (status == URS_OK)
            status = put(folder, name, mode ? "tfl" : "npu", &text, err);
        urs_int8_values_release(&values);
    }
    (void)snprintf(path, sizeof path, "%s/%s.tflite", folder, name);
    if (status == URS_OK)
        status = urs_tflite_save(g, path, err);
    for (int32_t i = 0; i < g->n_inputs; i++)
        urs_free(inputs[i]);
    urs_text_release(&text);
    if (status == URS_OK)
        (void)printf("%s\n", name);
    return status;
}

int main(int argc, char **argv)
{
    urs_error err = {0};
    urs_int8_graph *g = NULL;
    urs_status status;
    if (argc != 4) {
        (void)fputs("usage: int8_write_cases FOLDER SEEDS small|large, or FOLDER FILE.tflite RUNS\n", stderr);
        return 2;
    }
    status = urs_folder_create(argv[1], &err);
    if (status == URS_OK && !urs_file_exists(argv[2])) {
        status = urs_int8_cases_each(atoi(argv[2]), strcmp(argv[3], "small") == 0, write_case, argv[1], &err);
    } else if (status == URS_OK) {
        status = urs_tflite_load(&g, argv[2], &err);
        for (int run = 1; run <= atoi(argv[3]) && status == URS_OK; run++) {
            char name[64];
            (void)snprintf(name, sizeof name, "network_%03d", run);
            status = write_case(argv[1], name, g, (uint64_t)run, &err);
        }
    }
    urs_int8_graph_free(g);
    if (status != URS_OK)
        (void)fprintf(stderr, "int8_write_cases: %s\n", err.message);
    return status == URS_OK ? 0 : 1;
}
