/* `ursid model info|import`: hands over to cmd_model_info.c and cmd_model_import.c. */
#include "cli/cmd_model.h"

#include "cli/option.h"
#include "cli/subcommand.h"

extern const urs_command urs_cmd_model;

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"info", "what an architecture or a weight file is", urs_model_info_main},
        {"import", "turn published weights into our file", urs_model_import_main},
    };
    return urs_verbs_run(&urs_cmd_model, verbs, URS_COUNT(verbs), argc, argv);
}

const urs_command urs_cmd_model = {
    .name = "model",
    .summary = "look into a network or a weight file, or import published weights",
    .help = "info tells the parameters, multiply-adds, input and outputs of an architecture, and of a weight file\n"
            "(safetensors, PyTorch .pth/.pt, Keras .h5/.keras, TFLite) also its tensors, fingerprint and metadata.\n"
            "import turns published weights into a file that `ursid train --init` and the stages can read.\n"
            "PyTorch files are read by an interpreter that knows tensors and containers only: nothing in them is executed.\n"
            "\n"
            "Examples:\n"
            "  ursid model info convnext_tiny\n"
            "  ursid model info models/embed.safetensors --json\n"
            "  ursid model import efficientnet-lite0-57934424.pth --arch efficientnet_lite0 --out lite0.safetensors\n"
            "  ursid model import embedder.tflite --arch mobilenet_v3_small_075 --images frames/ --out small.safetensors\n",
    .run = run,
};
