/* Folders of chips of which it is known where the individual can be read: a colour of its own inside of an oval, or around it. */
#ifndef URS_TESTS_TELLING_CHIPS_H
#define URS_TESTS_TELLING_CHIPS_H

#include "base/file.h"
#include "image/decode.h"

#include <stdio.h>

enum { INDIVIDUALS = 12, CHIPS = 5, SIDE = 40 };

/* The colour that tells the individual stands around the oval or inside of it; the other place is drawn anew for every picture. */
static inline bool telling_chips_write(const char *tree, bool tells_around)
{
    bool ok = true;
    uint32_t state = 12345;
    for (int who = 0; ok && who < INDIVIDUALS; who++)
        for (int c = 0; ok && c < CHIPS; c++) {
            char path[700];
            urs_image image = {0};
            urs_error err = {0};
            int other;
            state = state * 1664525u + 1013904223u;
            other = (int)(state >> 16) % INDIVIDUALS;
            (void)snprintf(path, sizeof path, "%s/who %d", tree, who);
            ok = urs_folder_create(path, NULL) == URS_OK && urs_image_new(&image, SIDE, SIDE, 3, &err) == URS_OK;
            for (int32_t y = 0; ok && y < SIDE; y++)
                for (int32_t x = 0; x < SIDE; x++) {
                    const double dx = (x + 0.5) / (SIDE / 2.0) - 1, dy = (y + 0.5) / (SIDE / 2.0) - 1;
                    const bool outside = dx * dx + dy * dy >= 1;
                    const int colour = outside == tells_around ? who : other;
                    uint8_t *p = urs_image_at(&image, x, y);
                    p[0] = (uint8_t)(20 + 40 * (colour % 6));
                    p[1] = (uint8_t)(20 + 120 * (colour / 6));
                    p[2] = (uint8_t)(230 - 40 * (colour % 6));
                }
            (void)snprintf(path, sizeof path, "%s/who %d/%d.png", tree, who, c);
            ok = ok && urs_image_write(path, &image, &err) == URS_OK;
            urs_image_release(&image);
        }
    return ok;
}

#endif
