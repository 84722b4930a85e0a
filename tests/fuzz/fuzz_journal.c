/* The journal of a run after a crash, or by somebody else: any bytes behind the right header (or, with a first byte of 'R', any bytes at all). What is refused leaves no journal; what is opened
 * can be visited, added to and finished. */
#include "fuzz_file.h"

#include "base/memory.h"
#include "interchange/journal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] = "{\"ursid_journal\": 1, \"key\": \"k\"}\n";

static urs_status visit(void *context, urs_result_image *image, urs_error *err)
{
    size_t *n = context;
    (void)err;
    if (!image->file || !*image->file)
        abort();
    ++*n;
    return URS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char result[64], path[72];
    const size_t before = size > 0 && data[0] == 'R' ? 0 : sizeof header - 1, skip = size > 0 && data[0] == 'R';
    uint8_t *bytes = urs_array_new(before + size, 1);
    urs_journal *j = NULL;
    urs_error err = {0};
    urs_result_image image = {.file = (char *)"not in any corpus"};
    size_t n = 0;
    if (!bytes)
        return 0;
    memcpy(bytes, header, before);
    memcpy(bytes + before, data + skip, size - skip);
    fuzz_path(result, sizeof result, "");
    (void)snprintf(path, sizeof path, "%s.journal", result);
    fuzz_write(path, bytes, before + size - skip);
    if (urs_journal_open(&j, result, "k", false, &err) == URS_OK) {
        const size_t count = urs_journal_count(j);
        if (urs_journal_visit(j, visit, &n, &err) != URS_OK || n != count)
            abort();
        if (!urs_journal_has(j, image.file) && (urs_journal_add(j, &image, &err) != URS_OK || urs_journal_count(j) != count + 1))
            abort();
        if (urs_journal_finish(j, &(urs_result_info){0}, &err) != URS_OK)
            abort();
        urs_journal_close(j);
    } else if (err.message[0] == '\0') {
        abort();
    }
    (void)unlink(path);
    (void)unlink(result);
    urs_free(bytes);
    return 0;
}
