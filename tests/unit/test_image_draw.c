/* Drawing: where the dots go, and that nothing goes outside (the sanitizers watch). */
#include "image_picture.h"

static const urs_colour red = {255, 0, 0};

static size_t painted(const urs_image *image)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++)
        n += image->data[i * (size_t)image->channels] != 0;
    return n;
}

static urs_image canvas(int32_t width, int32_t height, int32_t channels)
{
    urs_image image = {0};
    urs_error err = {0};
    if (urs_image_new(&image, width, height, channels, &err) != URS_OK)
        abort();
    return image;
}

static void boxes(urs_test *t)
{
    urs_image image = canvas(40, 30, 3);
    urs_draw_box(&image, (urs_box){5, 6, 25, 16}, red, 2);
    URS_CHECK_INT(t, painted(&image), 20 * 10 - 16 * 6);
    URS_CHECK_INT(t, urs_image_at(&image, 5, 6)[0], 255);
    URS_CHECK_INT(t, urs_image_at(&image, 24, 15)[0], 255);
    URS_CHECK_INT(t, urs_image_at(&image, 25, 15)[0], 0);
    URS_CHECK_INT(t, urs_image_at(&image, 7, 8)[0], 0);
    urs_image_release(&image);
    image = canvas(40, 30, 3);
    urs_draw_box(&image, (urs_box){-10, -10, 20, 20}, red, 1); /* only the edges that are in sight */
    URS_CHECK_INT(t, painted(&image), 20 + 20 - 1);
    urs_draw_box(&image, (urs_box){20, 20, 10, 10}, red, 1); /* inside out: nothing */
    urs_draw_box(&image, (urs_box){NAN, 0, 1e30f, INFINITY}, red, 1);
    urs_draw_box(&image, (urs_box){-1e30f, -1e30f, 1e30f, 1e30f}, red, 2147483647);
    urs_image_release(&image);
}

static void lines_and_discs(urs_test *t)
{
    urs_image image = canvas(60, 60, 1);
    double area = 0.0;
    urs_draw_disc(&image, 30.0f, 30.0f, 12.0f, (urs_colour){255, 255, 255});
    for (size_t i = 0; i < 3600; i++)
        area += image.data[i] / 255.0;
    URS_CHECK_NEAR(t, area, 3.14159 * 144.0, 4.0);
    urs_image_release(&image);
    image = canvas(60, 60, 3);
    urs_draw_line(&image, 10.0f, 20.5f, 50.0f, 20.5f, red, 1.0f);
    URS_CHECK_INT(t, urs_image_at(&image, 30, 20)[0], 255);
    URS_CHECK_INT(t, urs_image_at(&image, 30, 22)[0], 0);
    URS_CHECK_INT(t, urs_image_at(&image, 55, 20)[0], 0);
    urs_draw_line(&image, -500.0f, -500.0f, 900.0f, 900.0f, red, 3.0f);
    URS_CHECK_INT(t, urs_image_at(&image, 59, 59)[0], 255);
    urs_draw_line(&image, NAN, 0.0f, 5.0f, 5.0f, red, 3.0f);
    urs_draw_line(&image, 0.0f, 0.0f, 1e30f, 5.0f, red, 3.0f);
    urs_draw_disc(&image, 1e5f, -1e5f, 1e4f, red);
    urs_image_release(&image);
}

static void texts(urs_test *t)
{
    urs_image image = canvas(100, 30, 3);
    URS_CHECK_INT(t, urs_draw_text(&image, 3, 4, "I", red, 1), 6);
    URS_CHECK_INT(t, painted(&image), 11); /* two serifs of three dots and five between */
    URS_CHECK_INT(t, urs_image_at(&image, 5, 4)[0], 255);
    URS_CHECK_INT(t, urs_image_at(&image, 3, 4)[0], 0);
    urs_image_release(&image);
    image = canvas(100, 30, 3);
    URS_CHECK_INT(t, urs_draw_text(&image, 0, 0, "II", red, 3), 36);
    URS_CHECK_INT(t, painted(&image), 2 * 11 * 9);
    URS_CHECK_INT(t, urs_draw_text(&image, 0, 0, "", red, 3), 0);
    urs_draw_text(&image, -1000, -3, "clipped on every side \x01\xC3\xA4", red, 9);
    urs_draw_text(&image, 2147483000, 2147483000, "far away", red, 64);
    urs_draw_text(&image, -2147483647, -2147483647, "far away", red, 64);
    urs_image_release(&image);
}

/* Every printable character has a shape of its own. */
static void glyphs_differ(urs_test *t)
{
    uint8_t shapes[95][35];
    for (int c = 0; c < 95; c++) {
        urs_image image = canvas(5, 7, 1);
        const char text[2] = {(char)(' ' + c), '\0'};
        urs_draw_text(&image, 0, 0, text, (urs_colour){255, 255, 255}, 1);
        memcpy(shapes[c], image.data, 35);
        for (int other = 0; other < c; other++)
            if (memcmp(shapes[other], shapes[c], 35) == 0)
                urs_test_fail(t, __FILE__, __LINE__, "'%c' looks like '%c'", ' ' + c, ' ' + other);
        urs_image_release(&image);
    }
}

static void masks(urs_test *t)
{
    urs_image image = canvas(10, 10, 3), mask = canvas(10, 10, 1), wrong = canvas(9, 10, 1);
    memset(image.data, 100, 300);
    *urs_image_at(&mask, 4, 5) = 1;
    urs_draw_mask(&image, &mask, red, 0.5f);
    URS_CHECK_INT(t, urs_image_at(&image, 4, 5)[0], 178);
    URS_CHECK_INT(t, urs_image_at(&image, 4, 5)[1], 50);
    URS_CHECK_INT(t, urs_image_at(&image, 5, 5)[0], 100);
    urs_draw_mask(&image, &wrong, red, 1.0f); /* another size: left alone */
    URS_CHECK_INT(t, urs_image_at(&image, 0, 0)[0], 100);
    urs_image_release(&image);
    urs_image_release(&mask);
    urs_image_release(&wrong);
}

int main(void)
{
    static const urs_case cases[] = {{"boxes", boxes}, {"lines and discs", lines_and_discs}, {"texts", texts}, {"glyphs differ", glyphs_differ}, {"masks", masks}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
