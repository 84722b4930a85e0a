/* Several chips as one vector: weights and sums against numbers worked out by hand. */
#include "harness.h"

#include "stages/fuse.h"

#include <math.h>
#include <string.h>

static void sharp_is_more_than_blurred(urs_test *t)
{
    urs_image image = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_image_new(&image, 5, 5, 3, &err), err);
    memset(image.data, 100, 75);
    URS_CHECK_NEAR(t, urs_chip_sharpness(&image), 0, 0);
    memset(urs_image_at(&image, 2, 2), 150, 3);
    /* Laplacians of the inner 3 x 3: -200 in the middle, 50 at its four neighbours, 0 at the corners. */
    URS_CHECK_NEAR(t, urs_chip_sharpness(&image), sqrt((40000.0 + 4 * 2500) / 9), 1e-9);
    memset(image.data, 0, 75);
    URS_CHECK_NEAR(t, urs_chip_sharpness(&image), 0, 0); /* a mask's black is not looked at */
    URS_CHECK(t, urs_chip_weight(100, 0) > 0 && urs_chip_weight(200, 3) > urs_chip_weight(100, 3));
    urs_image_release(&image);
}

static void sums_have_length_one(urs_test *t)
{
    const float rows[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0.6f, 0.8f}};
    const size_t two[2] = {0, 1}, against[2] = {0, 2}, one[1] = {3};
    const double weight[2] = {3, 4};
    float out[2];
    URS_CHECK(t, urs_embeddings_fuse(out, rows[0], 2, two, NULL, 2));
    URS_CHECK_NEAR(t, (double)out[0], sqrt(0.5), 1e-6);
    URS_CHECK(t, urs_embeddings_fuse(out, rows[0], 2, two, weight, 2));
    URS_CHECK_NEAR(t, (double)out[0], 0.6, 1e-6);
    URS_CHECK_NEAR(t, (double)out[1], 0.8, 1e-6);
    URS_CHECK(t, urs_embeddings_fuse(out, rows[0], 2, one, NULL, 1));
    URS_CHECK_NEAR(t, (double)out[1], 0.8, 1e-6);
    URS_CHECK(t, !urs_embeddings_fuse(out, rows[0], 2, against, NULL, 2));
    URS_CHECK(t, out[0] == 0 && out[1] == 0);
}

int main(void)
{
    static const urs_case cases[] = {{"sharpness", sharp_is_more_than_blurred}, {"sums", sums_have_length_one}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
