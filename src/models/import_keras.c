/* MobileNetV3 of Keras under torchvision's names; see import.h.
 *
 *      ours                                  Keras (nn/keras.h)
 *      features.0.0, features.0.1            conv, conv_bn
 *      features.<i+1>.block.<part>           expanded_conv[_<i>]_<part>    parts in our order: [expand] depthwise [squeeze_excite] project; the first block has no expand
 *      features.<last>.0, .1                 conv_1, conv_1_bn
 *      classifier.0, classifier.3            conv_2, logits                (1x1 convolutions there)
 */
#include "models/import.h"

#include <stdio.h>
#include <string.h>

/* What stands behind the layer: "0.weight" is a convolution's kernel, "1.running_mean" a norm's moving mean. */
static const char *variable_of(const char *rest)
{
    static const char *const pairs[][2] = {{"0.weight", "/kernel"},          {"0.bias", "/bias"},        {"1.weight", "_bn/gamma"},       {"1.bias", "_bn/beta"},
                                           {"1.running_mean", "_bn/moving_mean"}, {"1.running_var", "_bn/moving_variance"},
                                           {"fc1.weight", "_squeeze_excite_conv/kernel"},   {"fc1.bias", "_squeeze_excite_conv/bias"},
                                           {"fc2.weight", "_squeeze_excite_conv_1/kernel"}, {"fc2.bias", "_squeeze_excite_conv_1/bias"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strcmp(rest, pairs[i][0]) == 0)
            return pairs[i][1];
    return NULL;
}

static bool put(char *out, size_t size, const char *layer, const char *variable)
{
    return variable && (size_t)snprintf(out, size, "%s%s", layer, variable) < size;
}

bool urs_import_keras_mobilenet(void *context, const char *parameter, char *out, size_t size)
{
    static const struct {
        const char *ours, *layer;
    } ends[] = {{"classifier.0.", "conv_2"}, {"classifier.3.", "logits"}};
    int feature = 0, part = 0, used = 0;
    char layer[64];
    (void)context;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const size_t n = strlen(ends[i].ours);
        if (strncmp(parameter, ends[i].ours, n) == 0)
            return put(out, size, ends[i].layer, strcmp(parameter + n, "weight") == 0 ? "/kernel" : strcmp(parameter + n, "bias") == 0 ? "/bias" : NULL);
    }
    if (sscanf(parameter, "features.%2d.block.%1d.%n", &feature, &part, &used) == 2 && used > 0 && feature >= 1) {
        const int expand = feature > 1; /* one part more in front */
        const char *rest = parameter + used, *word = strncmp(rest, "fc", 2) == 0 ? "" : expand && part == 0 ? "_expand" : part == expand ? "_depthwise" : "_project";
        if (feature == 1)
            (void)snprintf(layer, sizeof layer, "expanded_conv%s", word);
        else
            (void)snprintf(layer, sizeof layer, "expanded_conv_%d%s", feature - 1, word);
        return put(out, size, layer, variable_of(rest));
    }
    used = 0;
    if (sscanf(parameter, "features.%2d.%n", &feature, &used) == 1 && used > 0)
        return put(out, size, feature == 0 ? "conv" : "conv_1", variable_of(parameter + used));
    return false;
}
