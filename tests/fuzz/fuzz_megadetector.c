/* Results of others and of ours, as a file and as one line of a journal; what reads must pass our own writer and read again. */
#include "interchange/megadetector.h"
#include "interchange/megadetector_check.h"
#include "interchange/result_csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_result_set set = {.count = 0}, again = {.count = 0};
    urs_result_image image = {.count = 0};
    urs_names warnings = {0};
    urs_error err;
    urs_text text = {0};
    if (urs_results_parse(&set, data, size, "fuzz", &err) == URS_OK) {
        urs_results_format_head(&text, &set.info);
        for (size_t i = 0; i < set.count; i++) {
            urs_text_add(&text, i ? ",\n" : "\n");
            urs_results_format_image(&text, &set.images[i]);
        }
        urs_results_format_tail(&text);
        if (urs_results_parse(&again, urs_text_string(&text), text.length, "again", &err) != URS_OK || again.count != set.count)
            abort(); /* what we write we can read */
        urs_text_release(&text);
        for (size_t i = 0; i < set.count; i++)
            urs_results_csv_rows(&text, &set.images[i], &set.info, 3);
    }
    if (urs_results_parse_image(&image, data, size, "fuzz", &err) == URS_OK)
        urs_results_format_image(&text, &image);
    (void)!urs_results_check(data, size, "fuzz", &warnings, &err);
    urs_names_release(&warnings);
    urs_text_release(&text);
    urs_result_image_release(&image);
    urs_result_set_release(&set);
    urs_result_set_release(&again);
    return 0;
}
