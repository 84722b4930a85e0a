/* `ursid export`: networks for other programs and for boards. */
#include "cli/int8_summary.h"
#include "cli/option.h"
#include "int8/onnx_int8.h"
#include "int8/onnx_model.h"
#include "int8/tflite_file.h"
#include "nn/onnx_float.h"
#include "quant/npu_stem.h"
#include "stages/int8_network.h"
#include "stages/network.h"

extern const urs_command urs_cmd_export;

typedef struct export_arguments {
    const char *tflite, *onnx, *source;
    bool npu_stem, json;
} export_arguments;

/* Inputs, outputs and all between must be int8, or an NPU leaves a part to the CPU. */
static urs_status check_int8(const urs_int8_graph *g, urs_error *err)
{
    for (int32_t i = 0; i < g->n_tensors; i++)
        if (!g->tensors[i].data && g->tensors[i].type != URS_INT8_TYPE_INT8)
            return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.200s' is not int8", g->tensors[i].name);
    return URS_OK;
}

static urs_status export_int8(const export_arguments *a, urs_error *err)
{
    urs_int8_graph *g = NULL;
    json_t *summary = NULL;
    urs_bytes onnx = {0};
    urs_status status = urs_tflite_load(&g, a->source, err);
    if (status == URS_OK && (status = check_int8(g, err)) != URS_OK)
        urs_error_prefix(err, "%s: ", a->source);
    if (status == URS_OK && a->npu_stem) {
        urs_int8_graph *pixels = g;
        g = NULL;
        status = urs_quant_npu_stem(&g, pixels, err);
        if (status != URS_OK)
            urs_error_prefix(err, "%s: ", a->source);
        urs_int8_graph_free(pixels);
    }
    if (status == URS_OK && a->tflite)
        status = urs_tflite_save(g, a->tflite, err);
    if (status == URS_OK && a->onnx) {
        status = urs_onnx_encode_int8(&onnx, g, err);
        if (status == URS_OK)
            status = urs_file_write(a->onnx, onnx.data, onnx.size, err);
    }
    if (status == URS_OK)
        status = urs_int8_summary_json(&summary, g, err);
    if (status == URS_OK && a->json)
        (void)json_dumpf(summary, stdout, JSON_INDENT(2));
    else if (status == URS_OK)
        urs_int8_summary_print(summary, a->tflite ? a->tflite : a->onnx, stdout);
    json_decref(summary);
    urs_bytes_release(&onnx);
    urs_int8_graph_free(g);
    return status;
}

static urs_status export_float(const export_arguments *a, urs_error *err)
{
    urs_network *network = NULL;
    urs_bytes onnx = {0};
    urs_onnx_facts facts = {0};
    urs_status status = a->tflite ? urs_fail(err, URS_EINVAL, "%s: --tflite wants int8 weights; `ursid quantize` makes them", a->source) : urs_network_read(&network, a->source, NULL, err);
    if (status == URS_OK)
        status = urs_onnx_encode_float(&onnx, &facts, network->graph, network->params, network->notes, err);
    if (status == URS_OK)
        status = urs_file_write(a->onnx, onnx.data, onnx.size, err);
    if (status == URS_OK && a->json)
        (void)printf("{\"arch\":\"%s\",\"opset\":%d,\"nodes\":%zu,\"constant_bytes\":%zu,\"outputs\":%zu}\n", network->options.arch, URS_ONNX_OPSET, facts.nodes, facts.constant_bytes, facts.outputs);
    else if (status == URS_OK)
        (void)printf("wrote '%s': %s, float32, opset %d, %zu nodes, %.1f MB of weights, input [batch,3,%d,%d]\n", a->onnx, network->options.arch, URS_ONNX_OPSET, facts.nodes,
                     (double)facts.constant_bytes / 1e6, (int)network->input.height, (int)network->input.width);
    urs_bytes_release(&onnx);
    urs_network_free(network);
    return status;
}

static int run(int argc, char **argv)
{
    export_arguments a = {0};
    urs_arguments source = {0};
    const urs_option options[] = {
        URS_OPTION_OUTPUT("tflite", "F.tflite", &a.tflite, "TFLite file to write: every tensor int8, biases int32"),
        URS_OPTION_OUTPUT("onnx", "F.onnx", &a.onnx, "ONNX file to write (opset 17): float32 of float weights, QuantizeLinear and DequantizeLinear of int8 ones"),
        URS_OPTION_FLAG("npu-stem", &a.npu_stem, "int8 only: the first convolution reads blocks of 2x2 pixels [1,H/2,W/2,12] instead of pixels, which an NPU does in half the time; the results are the same"),
        URS_OPTION_FLAG("json", &a.json, "describe what was written as one JSON object"),
        URS_OPTION_REST("W", &source, 1, 1, "weights: int8 ones of `ursid quantize`, an int8 .tflite, or (for --onnx) float ones"),
    };
    urs_error err = {0};
    urs_status status;
    int code;

    if (!urs_options_parse(&urs_cmd_export, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (!a.tflite && !a.onnx)
        return urs_usage_error(&urs_cmd_export, "give --tflite or --onnx: what to write");
    a.source = source.items[0];
    if (a.npu_stem && urs_file_exists(a.source) && !urs_is_tflite(a.source))
        return urs_usage_error(&urs_cmd_export, "--npu-stem is for int8 weights; `ursid quantize` makes them");
    status = urs_is_tflite(a.source) || !urs_file_exists(a.source) ? export_int8(&a, &err) : export_float(&a, &err);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(&urs_cmd_export, &err);
}

const urs_command urs_cmd_export = {
    .name = "export",
    .summary = "write a network as a TFLite or ONNX file",
    .help = "--tflite writes a network in which everything is int8, for TensorFlow Lite and for Vela, the compiler of Ethos-U NPUs.\n"
            "The file is read back and compared with the network before it is put in place. What it computes: tests compare every\n"
            "operator with TensorFlow Lite, byte for byte.\n"
            "--onnx writes float weights as they are, for ONNX Runtime and its kin, and int8 ones with their scales written out. The\n"
            "input is what the note ursid.input (float) or ursid.onnx.input (int8) says. Class names, thresholds and calibration travel\n"
            "in the metadata of both.\n"
            "\n"
            "Examples:\n"
            "  ursid export sift8.tflite --tflite board/sift.tflite\n"
            "  ursid export sift8.tflite --tflite board/sift.tflite --npu-stem\n"
            "  ursid export models/sift.safetensors --onnx sift.onnx\n",
    .run = run,
};
