/* `ursid model info|import`: hands over to cmd_model_info.c and cmd_model_import.c. */
#include "cli/cmd_model.h"

#include "cli/option.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_model;

static int run(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "info") == 0)
        return urs_model_info_main(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "import") == 0)
        return urs_model_import_main(argc - 1, argv + 1);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)printf("Usage: ursid model info ARCH|FILE [--json]\n       ursid model import SRC --arch ARCH --out F.safetensors [OPTIONS]\n\n%s\n"
                     "`ursid model info --help` and `ursid model import --help` have the options.\n",
                     urs_cmd_model.help);
        return URS_EXIT_OK;
    }
    if (argc >= 2)
        return urs_usage_error(&urs_cmd_model, "there is no '%s': it is info or import", argv[1]);
    return urs_usage_error(&urs_cmd_model, "say info or import");
}

const urs_command urs_cmd_model = {
    .name = "model",
    .summary = "look into a network or a weight file, or import published weights",
    .help = "info tells the parameters, multiply-adds, input and outputs of an architecture, and of a weight file\n"
            "(safetensors, PyTorch .pth/.pt, TFLite) also its tensors, fingerprint and metadata.\n"
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
