/* Fuzz target: model options from the metadata of a weight file. What is accepted must survive a round trip. */
#include "base/memory.h"
#include "models/models.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_model_options options, again;
    char *text = NULL, *json = malloc(size + 1);
    if (!json)
        return 0;
    memcpy(json, data, size);
    json[size] = '\0';
    if (urs_model_options_from_json(&options, json, NULL) == URS_OK) {
        if (urs_model_options_to_json(&text, &options, NULL) != URS_OK || urs_model_options_from_json(&again, text, NULL) != URS_OK ||
            strcmp(options.arch, again.arch) != 0)
            abort();
        urs_free(text);
    }
    free(json);
    return 0;
}
