/* The note "ursid.input" of a weight file: any text; what is accepted must be a format that can be used and written again. */
#include "base/memory.h"
#include "stages/network.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = urs_array_new(size + 1, 1), *again = NULL;
    urs_input_format format = {0}, same = {0};
    urs_error err = {0};
    if (!text)
        return 0;
    memcpy(text, data, size);
    if (urs_input_format_from_json(&format, text, &err) != URS_OK) {
        if (err.message[0] == '\0' || format.width)
            abort();
    } else if (format.width < 1 || format.height < 1 || urs_input_format_to_json(&again, &format, &err) != URS_OK || urs_input_format_from_json(&same, again, &err) != URS_OK ||
               same.width != format.width || same.height != format.height || same.fit != format.fit || same.filter != format.filter) {
        abort();
    }
    urs_free(again);
    urs_free(text);
    return 0;
}
