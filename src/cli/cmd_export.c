/* `ursid export`: int8 networks for other programs and for boards. */
#include "cli/int8_summary.h"
#include "cli/option.h"
#include "int8/tflite_file.h"

extern const urs_command urs_cmd_export;

/* Inputs, outputs and all between must be int8, or an NPU leaves a part to the CPU. */
static urs_status check_int8(const urs_int8_graph *g, urs_error *err)
{
    for (int32_t i = 0; i < g->n_tensors; i++)
        if (!g->tensors[i].data && g->tensors[i].type != URS_INT8_TYPE_INT8)
            return urs_fail(err, URS_EUNSUPPORTED, "tensor '%.200s' is not int8", g->tensors[i].name);
    return URS_OK;
}

static int run(int argc, char **argv)
{
    const char *tflite = NULL;
    bool json = false;
    urs_arguments source = {0};
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("tflite", "F.tflite", &tflite, "TFLite file to write: every tensor int8, biases int32"),
        URS_OPTION_FLAG("json", &json, "describe what was written as one JSON object"),
        URS_OPTION_REST("W8", &source, 1, 1, "int8 weights of `ursid quantize`, or an int8 .tflite"),
    };
    urs_int8_graph *g = NULL;
    json_t *summary = NULL;
    urs_error err = {0};
    urs_status status;
    int code;

    if (!urs_options_parse(&urs_cmd_export, options, URS_COUNT(options), argc, argv, &code))
        return code;
    status = urs_tflite_load(&g, source.items[0], &err);
    if (status == URS_OK && (status = check_int8(g, &err)) != URS_OK)
        urs_error_prefix(&err, "%s: ", source.items[0]);
    if (status == URS_OK)
        status = urs_tflite_save(g, tflite, &err);
    if (status == URS_OK)
        status = urs_int8_summary_json(&summary, g, &err);
    if (status == URS_OK && json)
        (void)json_dumpf(summary, stdout, JSON_INDENT(2));
    else if (status == URS_OK)
        urs_int8_summary_print(summary, tflite, stdout);
    json_decref(summary);
    urs_int8_graph_free(g);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(&urs_cmd_export, &err);
}

const urs_command urs_cmd_export = {
    .name = "export",
    .summary = "write an int8 network as a TFLite file",
    .help = "Writes the network as a TFLite file in which everything is int8, for TensorFlow Lite and for Vela, the compiler of Ethos-U NPUs.\n"
            "The file is read back and compared with the network before it is put in place. Class names, thresholds and calibration travel\n"
            "in it. What it computes: tests compare every operator with TensorFlow Lite, byte for byte.\n"
            "\n"
            "Examples:\n"
            "  ursid export sift8.tflite --tflite board/sift.tflite\n",
    .run = run,
};
