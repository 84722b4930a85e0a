/* A damaged or hostile catalogue. The input is a list of patches on a sound one,
 *
 *      byte 0..2  offset, little-endian, modulo the size of the file      byte 3  the new value
 *
 * or, when it starts as SQLite files do, a whole file. Everything that reads is tried, and one thing that writes: it may refuse, it may not crash, and no number may come out that cannot be. */
#include "fuzz_file.h"

#include "base/file.h"
#include "base/memory.h"
#include "catalogue/identify.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DIM = 4 };
static const urs_catalogue_model model = {"fp", "tiny", DIM};
static urs_bytes sound; /* the catalogue that is patched; made at the first input */

static void remove_all(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char p[80];
        (void)snprintf(p, sizeof p, "%s%s", path, tails[i]);
        (void)unlink(p);
    }
}

static void make_sound(const char *path)
{
    urs_catalogue *c = NULL;
    remove_all(path);
    if (urs_catalogue_open(&c, path, &(urs_catalogue_options){.create = true}, NULL) != URS_OK)
        abort();
    for (int i = 0; i < 6; i++) {
        const float e[DIM] = {1, (float)i, 2, -1};
        const char name[2] = {(char)('A' + i / 2), 0};
        const urs_chip_entry chip = {.path = i % 2 ? "b.jpg" : "a.jpg", .content_hash = "aa", .box = {(float)(9 * i), 0, (float)(9 * i + 8), 8}, .camera = i ? "cam" : NULL,
                                     .time = i > 2 ? "2024-07-03T18:22:05" : NULL, .confidence = 0.5, .embedding = e, .thumbnail = "jpeg", .thumbnail_size = 4};
        if (urs_catalogue_enrol(c, &model, i == 5 ? NULL : name, &chip, 1, 0, NULL, NULL) != URS_OK)
            abort();
    }
    if (urs_catalogue_rename(c, "A", "Otis", NULL) != URS_OK || urs_catalogue_remove_bear(c, "B", NULL) != URS_OK)
        abort();
    urs_catalogue_close(c);
    if (urs_file_read(&sound, path, 0, NULL) != URS_OK)
        abort();
}

static void use(urs_catalogue *c)
{
    urs_bears bears = {0};
    urs_stored_chips chips = {0};
    urs_decisions decisions = {0};
    urs_search *search = NULL;
    urs_text csv = {0};
    uint8_t *jpeg = NULL;
    size_t jpeg_size = 0;
    urs_status ignored = urs_catalogue_check(c, NULL);
    if (urs_catalogue_bears(c, &bears, NULL) == URS_OK)
        urs_bears_release(&bears);
    if (urs_catalogue_chips(c, NULL, &chips, NULL) == URS_OK)
        urs_stored_chips_release(&chips);
    if (urs_catalogue_decisions(c, 0, &decisions, NULL) == URS_OK)
        urs_decisions_release(&decisions);
    if (urs_catalogue_thumbnail(c, 1, &jpeg, &jpeg_size, NULL) == URS_OK)
        urs_free(jpeg);
    if (urs_search_load(&search, c, &model, NULL) == URS_OK) {
        static urs_identification who;
        const float query[DIM] = {1, 0, 2, -1};
        if (urs_identify(&who, search, query, 3, NULL, NULL) == URS_OK)
            for (size_t i = 0; i < who.count; i++)
                if (!(fabsf(who.candidate[i].score) <= 1.001f) || !(who.candidate[i].probability >= 0 && who.candidate[i].probability <= 1))
                    abort();
        urs_search_free(search);
    }
    ignored = urs_catalogue_export_chips(c, &csv, NULL);
    ignored = urs_catalogue_undo(c, NULL, NULL, NULL);
    ignored = urs_catalogue_merge(c, "C", "Otis", NULL);
    (void)ignored;
    urs_text_release(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    uint8_t *file;
    size_t n;
    urs_catalogue *c = NULL;
    urs_error err = {0};
    fuzz_path(path, sizeof path, ".db");
    if (!sound.data)
        make_sound(path);
    const bool whole = size >= 16 && memcmp(data, "SQLite format 3", 16) == 0;
    n = whole ? size : sound.size;
    file = urs_array_new(n, 1);
    if (!file)
        return 0;
    memcpy(file, whole ? data : sound.data, n);
    for (size_t i = 0; !whole && i + 4 <= size; i += 4)
        file[((size_t)data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16) % n] = data[i + 3];
    remove_all(path);
    fuzz_write(path, file, n);
    if (urs_catalogue_open(&c, path, NULL, &err) == URS_OK) {
        use(c);
        urs_catalogue_close(c);
    } else if (err.message[0] == '\0' || c) {
        abort();
    }
    remove_all(path);
    urs_free(file);
    return 0;
}
