/* Names that timm gives, or gave, to parameters of ours; see import.h. */
#include "models/import.h"

#include <stdio.h>
#include <string.h>

/* timm names EfficientNets by stage and block, ours counts blocks through. */
static bool timm_block(int number, int *stage, int *block)
{
    static const int repeats[] = {1, 2, 2, 3, 3, 4, 1};
    for (int s = 0; s < 7; s++) {
        if (number < repeats[s]) {
            *stage = s;
            *block = number;
            return true;
        }
        number -= repeats[s];
    }
    return false;
}

bool urs_import_timm_lite(void *context, const char *parameter, char *out, size_t out_size)
{
    static const char *const first[][2] = {{"_depthwise_conv", "conv_dw"}, {"_bn1", "bn1"}, {"_project_conv", "conv_pw"}, {"_bn2", "bn2"}, {NULL, NULL}};
    static const char *const other[][2] = {{"_expand_conv", "conv_pw"}, {"_bn0", "bn1"}, {"_depthwise_conv", "conv_dw"}, {"_bn1", "bn2"},
                                           {"_project_conv", "conv_pwl"}, {"_bn2", "bn3"}, {NULL, NULL}};
    static const char *const outer[][2] = {{"_conv_stem", "conv_stem"}, {"_bn0", "bn1"}, {"_conv_head", "conv_head"}, {"_bn1", "bn2"}, {"_fc", "classifier"}, {NULL, NULL}};
    const char *const(*map)[2] = outer;
    char prefix[48] = "";
    int number, used = 0, stage, block;
    size_t length;

    (void)context;
    if (sscanf(parameter, "_blocks.%3d.%n", &number, &used) == 1 && used > 0) {
        if (number < 0 || !timm_block(number, &stage, &block))
            return false;
        (void)snprintf(prefix, sizeof prefix, "blocks.%d.%d.", stage, block);
        map = number == 0 ? first : other;
        parameter += used;
    }
    length = strcspn(parameter, ".");
    for (size_t i = 0; map[i][0]; i++) {
        if (strlen(map[i][0]) == length && strncmp(map[i][0], parameter, length) == 0) {
            (void)snprintf(out, out_size, "%s%s%s", prefix, map[i][1], parameter + length);
            return true;
        }
    }
    (void)snprintf(out, out_size, "%s", parameter); /* heads of ours: not in timm's files */
    return true;
}

bool urs_import_timm_swin(void *context, const char *parameter, char *out, size_t out_size)
{
    int stage, used = 0;
    (void)context;
    if (sscanf(parameter, "layers.%1d.downsample.%n", &stage, &used) == 1 && used > 0)
        (void)snprintf(out, out_size, "layers.%d.downsample.%s", stage - 1, parameter + used);
    else if (strncmp(parameter, "head.fc.", 8) == 0)
        (void)snprintf(out, out_size, "head.%s", parameter + 8);
    else
        (void)snprintf(out, out_size, "%s", parameter);
    return true;
}
