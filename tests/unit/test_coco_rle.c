/* Run-length strings against pycocotools (tests/golden/rle.txt, made by tools/golden/golden_rle.py), and against themselves. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "interchange/coco_rle.h"

#include <stdio.h>
#include <stdlib.h>

static bool inside(const char *kind, int64_t x, int64_t y, int64_t w, int64_t h)
{
    if (strcmp(kind, "full") == 0)
        return true;
    if (strcmp(kind, "checker") == 0)
        return (x + y) % 2 == 1 && !(w * h > 1000 && x >= 8);
    if (strcmp(kind, "disc") == 0)
        return (2 * x + 1 - w) * (2 * x + 1 - w) * h * h + (2 * y + 1 - h) * (2 * y + 1 - h) * w * w < w * w * h * h;
    if (strcmp(kind, "stripes") == 0)
        return x % 7 < 3;
    if (strcmp(kind, "corner") == 0)
        return (x == 0 && y == 0) || (x == w - 1 && y == h - 1);
    if (strcmp(kind, "block") == 0)
        return y >= 1000 && y < 2500 && x >= 700 && x < 3100;
    return false; /* empty; noise is drawn by its own rule */
}

static void paint(urs_image *mask, const char *kind)
{
    uint32_t state = (uint32_t)(mask->width * 1000 + mask->height);
    for (int32_t y = 0; y < mask->height; y++) {
        for (int32_t x = 0; x < mask->width; x++) {
            bool in = inside(kind, x, y, mask->width, mask->height);
            if (strcmp(kind, "noise") == 0) {
                state = state * 1664525u + 1013904223u;
                in = (state >> 16 & 1) && !(mask->width * mask->height > 1000 && x >= 8);
            }
            *urs_image_at(mask, x, y) = in ? 1 : 0;
        }
    }
}

static void as_pycocotools(urs_test *t)
{
    urs_bytes golden = {0};
    urs_error err = {0};
    char *line, *rest = NULL;
    int lines = 0;
    URS_REQUIRE_OK(t, urs_file_read(&golden, URS_SOURCE_DIR "/tests/golden/rle.txt", 0, &err), err);
    for (line = strtok_r((char *)golden.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char kind[16], want[4096];
        int w, h;
        long long area;
        int64_t measured = -1;
        urs_image mask = {0}, back = {0};
        char *got = NULL;
        lines++;
        URS_REQUIRE(t, sscanf(line, "%15s %d %d %lld %4095s", kind, &w, &h, &area, want) == 5);
        URS_REQUIRE_OK(t, urs_image_new(&mask, w, h, 1, &err), err);
        paint(&mask, kind);
        URS_REQUIRE_OK(t, urs_rle_encode(&got, &mask, &err), err);
        if (strcmp(kind, "block") == 0) {
            const char *dots = strstr(want, "...");
            URS_REQUIRE(t, dots);
            URS_CHECK(t, strncmp(got, want, (size_t)(dots - want)) == 0 && strlen(got) == strtoul(dots + 3, NULL, 10));
        } else {
            URS_CHECK_TEXT(t, got, want);
        }
        URS_REQUIRE_OK(t, urs_rle_area(&measured, got, w, h, &err), err);
        URS_CHECK_INT(t, measured, area);
        URS_REQUIRE_OK(t, urs_rle_decode(&back, got, w, h, &err), err);
        for (int64_t i = 0; i < (int64_t)w * h; i++)
            if ((back.data[i] != 0) != (mask.data[i] != 0)) {
                urs_test_fail(t, __FILE__, __LINE__, "%s %d x %d differs at %lld", kind, w, h, (long long)i);
                break;
            }
        free(got);
        urs_image_release(&mask);
        urs_image_release(&back);
    }
    URS_CHECK(t, lines > 30);
    urs_bytes_release(&golden);
}

static void part_is_as_the_whole(urs_test *t)
{
    urs_error err = {0};
    urs_random r;
    urs_random_init(&r, 4);
    for (int round = 0; round < 200; round++) {
        const int32_t w = 1 + (int32_t)urs_random_below(&r, 40), h = 1 + (int32_t)urs_random_below(&r, 40), pw = 1 + (int32_t)urs_random_below(&r, 50), ph = 1 + (int32_t)urs_random_below(&r, 50);
        const int32_t x = (int32_t)urs_random_below(&r, 80) - 40, y = (int32_t)urs_random_below(&r, 80) - 40;
        urs_image whole = {0}, part = {0};
        char *a = NULL, *b = NULL;
        URS_REQUIRE_OK(t, urs_image_new(&whole, w, h, 1, &err), err);
        URS_REQUIRE_OK(t, urs_image_new(&part, pw, ph, 1, &err), err);
        for (int32_t py = 0; py < ph; py++) {
            for (int32_t px = 0; px < pw; px++) {
                const bool in = urs_random_below(&r, 3) > 0;
                *urs_image_at(&part, px, py) = in;
                if (x + px >= 0 && x + px < w && y + py >= 0 && y + py < h)
                    *urs_image_at(&whole, x + px, y + py) = in;
            }
        }
        URS_REQUIRE_OK(t, urs_rle_encode(&a, &whole, &err), err);
        URS_REQUIRE_OK(t, urs_rle_encode_part(&b, &part, x, y, w, h, &err), err);
        URS_CHECK_TEXT(t, b, a);
        free(a);
        free(b);
        urs_image_release(&whole);
        urs_image_release(&part);
    }
}

static void broken_strings_are_refused(urs_test *t)
{
    static const char *const bad[] = {"", "0", "S", "S1S1", "T1", "\x7f", "  ", "ooooooooooooo", "00000000000000000000000000000", "O1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        urs_error err = {0};
        urs_image mask = {0};
        int64_t area;
        URS_CHECK_INT(t, urs_rle_decode(&mask, bad[i], 5, 7, &err), URS_EFORMAT);
        URS_CHECK(t, mask.data == NULL && err.message[0]);
        URS_CHECK_INT(t, urs_rle_area(&area, bad[i], 5, 7, &err), URS_EFORMAT);
    }
    {
        urs_error err = {0};
        urs_image mask = {0};
        URS_CHECK_INT(t, urs_rle_decode(&mask, "S1", 0, 7, &err), URS_ELIMIT);
        URS_CHECK_INT(t, urs_rle_decode(&mask, "S1", 65000, 65000, &err), URS_ELIMIT);
    }
}

int main(void)
{
    static const urs_case cases[] = {
        {"strings, areas and masks are those of pycocotools", as_pycocotools},
        {"a part is as the whole", part_is_as_the_whole},
        {"broken strings are refused", broken_strings_are_refused},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
