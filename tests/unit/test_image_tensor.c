/* The one function from picture to network input, against Pillow and NumPy (tests/golden/tensor.bin, made by tools/golden/golden_resize.py). */
#include "image_picture.h"

#include "base/reader.h"

#include <stdlib.h>

static const urs_input_format imagenet = {.width = 28, .height = 28, .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}};

static float as_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static void agrees_with_reference(urs_test *t)
{
    char path[4096];
    urs_bytes bytes = {0};
    urs_error err = {0};
    urs_image in = make_picture(97, 61, false);
    urs_reader r;
    int cases = 0;

    URS_REQUIRE_OK(t, urs_file_read(&bytes, source_path(path, sizeof path, "tests/golden/tensor.bin"), 0, &err), err);
    r = urs_reader_new(bytes.data, bytes.size);
    while (urs_reader_left(&r) > 0) {
        urs_input_format format = imagenet;
        float *out;
        double worst = 0.0;
        size_t exact = 0, n;
        static const urs_fit fits[] = {URS_FIT_STRETCH, URS_FIT_LETTERBOX, URS_FIT_CENTRE_CROP};
        format.fit = fits[urs_reader_u32(&r) % 3];
        format.filter = (urs_filter)urs_reader_u32(&r);
        format.width = (int32_t)urs_reader_u32(&r);
        format.height = (int32_t)urs_reader_u32(&r);
        n = (size_t)format.width * (size_t)format.height * 3;
        out = urs_array_new(n, sizeof *out);
        URS_REQUIRE(t, out != NULL);
        URS_REQUIRE_OK(t, urs_image_to_tensor(out, &in, &format, NULL, &err), err);
        for (size_t i = 0; i < n; i++) {
            const double d = fabs((double)(out[i] - as_float(urs_reader_u32(&r))));
            worst = d > worst ? d : worst;
            exact += d < 1e-6;
        }
        /* one level of 255, divided by the smallest deviation */
        if (!(worst <= 1.0 / 255.0 / 0.224 + 1e-5) || exact < n * 2 / 3)
            urs_test_fail(t, __FILE__, __LINE__, "fit %d filter %d: off by %g, %zu of %zu exact", (int)format.fit, (int)format.filter, worst, exact, n);
        urs_free(out);
        cases++;
    }
    URS_CHECK(t, !r.failed);
    URS_CHECK_INT(t, cases, 5);
    urs_bytes_release(&bytes);
    urs_image_release(&in);
}

static void normalises(urs_test *t)
{
    urs_image in = make_picture(28, 28, false), grey = {0};
    urs_error err = {0};
    float a[3 * 28 * 28], b[3 * 28 * 28];
    urs_input_format format = imagenet;
    urs_image_normalise(a, &in, &format);
    URS_REQUIRE_OK(t, urs_image_to_tensor(b, &in, &format, NULL, &err), err);
    URS_CHECK(t, memcmp(a, b, sizeof a) == 0);
    for (int32_t y = 0; y < 28; y++)
        for (int32_t x = 0; x < 28; x++)
            for (int c = 0; c < 3; c++)
                URS_CHECK_NEAR(t, a[(c * 28 + y) * 28 + x], (urs_image_at(&in, x, y)[c] / 255.0 - (double)format.mean[c]) / (double)format.std[c], 1e-5);
    format = (urs_input_format){.width = 28, .height = 28}; /* zero: only 0..1 */
    URS_REQUIRE_OK(t, urs_image_to_grey(&grey, &in, &err), err);
    urs_image_normalise(a, &grey, &format);
    URS_CHECK_NEAR(t, a[5], grey.data[5] / 255.0, 1e-6);
    URS_CHECK(t, memcmp(a, a + 28 * 28, 28 * 28 * sizeof *a) == 0);
    URS_CHECK(t, memcmp(a, a + 2 * 28 * 28, 28 * 28 * sizeof *a) == 0);
    urs_image_release(&in);
    urs_image_release(&grey);
}

static void says_how_and_refuses_nonsense(urs_test *t)
{
    urs_image in = make_picture(100, 50, false);
    urs_error err = {0};
    float out[3 * 28 * 28];
    urs_letterbox how = {0};
    urs_input_format format = imagenet;
    format.fit = URS_FIT_LETTERBOX;
    URS_REQUIRE_OK(t, urs_image_to_tensor(out, &in, &format, &how, &err), err);
    URS_CHECK_NEAR(t, how.scale, 0.28, 1e-6);
    URS_CHECK_INT(t, how.pad_top, 7);
    URS_CHECK_INT(t, how.width, 28);
    format.width = 0;
    URS_CHECK_INT(t, urs_image_to_tensor(out, &in, &format, &how, &err), URS_EINVAL);
    urs_image_release(&in);
}

int main(void)
{
    static const urs_case cases[] = {{"agrees with the reference", agrees_with_reference},
                                     {"normalises", normalises},
                                     {"says how, refuses nonsense", says_how_and_refuses_nonsense}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
