/* Replays a fuzz target over its corpus (files and folders named as arguments), and over every truncation and some bit flips of small files. */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUTATION_SIZE_MAX 65536

static void replay_mutations(const uint8_t *data, size_t size)
{
    urs_random r;
    uint8_t *copy = urs_array_new(size, 1);
    urs_random_init(&r, size);
    for (int round = 0; copy && round < 64 && size > 0; round++) {
        const size_t length = round % 2 ? size : (size_t)urs_random_below(&r, size);
        for (size_t i = 0; i < size; i++)
            copy[i] = data[i];
        for (int flip = 0; flip < round % 8; flip++)
            copy[urs_random_below(&r, size)] = (uint8_t)urs_random_u64(&r);
        (void)LLVMFuzzerTestOneInput(copy, length);
    }
    urs_free(copy);
}

int main(int argc, char **argv)
{
    size_t passed = 0;
    for (int i = 1; i < argc; i++) {
        urs_names files = {0};
        urs_error err = {0};
        if (urs_folder_list(&files, argv[i], NULL, &err) != URS_OK) {
            printf("%s\n0 passed, 1 failed\n", err.message);
            return 1;
        }
        for (size_t j = 0; j < files.count; j++) {
            urs_bytes bytes = {0};
            if (urs_file_read(&bytes, files.items[j], 0, &err) != URS_OK) {
                printf("%s\n0 passed, 1 failed\n", err.message);
                return 1;
            }
            (void)LLVMFuzzerTestOneInput(bytes.data, bytes.size);
            if (bytes.size <= MUTATION_SIZE_MAX)
                replay_mutations(bytes.data, bytes.size);
            urs_bytes_release(&bytes);
            passed++;
        }
        urs_names_release(&files);
    }
    printf("%zu passed, %d failed\n", passed, passed == 0);
    return passed == 0;
}
