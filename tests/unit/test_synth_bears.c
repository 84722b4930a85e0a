/* Drawn bears can be told apart: two pictures of one bear are more alike than pictures of two bears, in the same pose, though light and distance differ. */
#include "harness.h"

#include "base/memory.h"
#include "synth/frame.h"
#include "synth/truth.h"

#define BEARS 8
#define SIDE 40

static void portrait(urs_test *t, float out[SIDE * SIDE * 3], int bear, float yaw, float scale, float hour, float cloud)
{
    const urs_traits traits = urs_traits_make(URS_SPECIES_BEAR, 1, bear);
    const urs_pose pose = {.heading = yaw + 0.4f, .head_yaw = yaw, .head_pitch = 0.06f, .lift = 0.1f, .camera_pitch = 0.1f};
    urs_animal animal;
    urs_random random;
    urs_light light;
    urs_stand stand = {.scale = scale, .metres = 280.0f / scale};
    urs_figure figure = {.x = 0};
    urs_synth_frame frame = {.head_count = 1};
    urs_exposure *exposure = urs_array_new(1, sizeof *exposure);
    urs_image chip = {0};
    urs_error err = {0};
    double mean = 0.0, power = 0.0;
    const int32_t size = (int32_t)(scale * 2.2f);

    urs_random_init(&random, (uint64_t)(hour * 100.0f));
    light = urs_light_make(hour, cloud, false, &random);
    urs_animal_make(&animal, &traits, &pose);
    stand.x = 0.5f * (float)size - animal.solid.frames[animal.head_frame].origin.x * scale;
    stand.y = 0.5f * (float)size + animal.solid.frames[animal.head_frame].origin.y * scale;
    URS_REQUIRE(t, exposure != NULL);
    urs_exposure_fill(exposure);
    URS_REQUIRE_OK(t, urs_figure_draw(&figure, &animal, &stand, &light, size, size, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&frame.picture, size, size, 3, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&frame.heads, size, size, 1, &err), err);
    for (int32_t y = 0; y < figure.height; y++) {
        for (int32_t x = 0; x < figure.width; x++) {
            const size_t i = (size_t)y * (size_t)figure.width + (size_t)x;
            for (int c = 0; c < 3; c++)
                urs_image_at(&frame.picture, figure.x + x, figure.y + y)[c] = urs_exposure_of(exposure, figure.colour[i * 3 + (size_t)c]);
            *urs_image_at(&frame.heads, figure.x + x, figure.y + y) = figure.part[i] == URS_PART_OF_HEAD;
        }
    }
    frame.head[0] = (urs_synth_head){.box = figure.head, .eye_seen = {figure.eye_seen[0], figure.eye_seen[1]}, .eye = {figure.eye[0], figure.eye[1]}};
    URS_CHECK(t, figure.eye_seen[0] && figure.eye_seen[1] && figure.nose_seen);
    URS_REQUIRE_OK(t, urs_truth_chip(&chip, &frame, 0, SIDE, &err), err);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        mean += chip.data[i];
    mean /= SIDE * SIDE * 3;
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        out[i] = (float)((double)chip.data[i] - mean);
        power += (double)out[i] * (double)out[i];
    }
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        out[i] /= (float)sqrt(power + 1e-9);
    urs_image_release(&chip);
    urs_synth_frame_release(&frame);
    urs_figure_release(&figure);
    urs_free(exposure);
}

static float alike(const float *a, const float *b)
{
    float sum = 0.0f;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        sum += a[i] * b[i];
    return sum;
}

static void check_yaw(urs_test *t, float yaw)
{
    float *first = urs_array_new(BEARS, sizeof(float) * SIDE * SIDE * 3), *second = urs_array_new(BEARS, sizeof(float) * SIDE * SIDE * 3);
    int right = 0;
    URS_REQUIRE(t, first && second);
    for (int i = 0; i < BEARS; i++) {
        portrait(t, first + i * SIDE * SIDE * 3, i, yaw, 60.0f, 11.0f, 0.9f);
        portrait(t, second + i * SIDE * SIDE * 3, i, yaw, 85.0f, 15.5f, 0.5f);
    }
    for (int i = 0; i < BEARS; i++) {
        const float own = alike(first + i * SIDE * SIDE * 3, second + i * SIDE * SIDE * 3);
        int best = 0;
        for (int j = 1; j < BEARS; j++)
            if (alike(first + i * SIDE * SIDE * 3, second + j * SIDE * SIDE * 3) > alike(first + i * SIDE * SIDE * 3, second + best * SIDE * SIDE * 3))
                best = j;
        right += best == i;
        URS_CHECK(t, own > 0.8f);
    }
    URS_CHECK_INT(t, right, BEARS);
    urs_free(first);
    urs_free(second);
}

static void told_apart_from_the_front(urs_test *t)
{
    check_yaw(t, 0.0f);
}

static void told_apart_turned(urs_test *t)
{
    check_yaw(t, 0.35f);
}

static void traits_are_stable(urs_test *t)
{
    for (int s = 0; s < URS_SPECIES_COUNT; s++) {
        const urs_traits a = urs_traits_make((urs_species)s, 9, 2), b = urs_traits_make((urs_species)s, 9, 2), c = urs_traits_make((urs_species)s, 9, 3);
        URS_CHECK(t, memcmp(&a, &b, sizeof a) == 0);
        URS_CHECK(t, a.seed != c.seed);
    }
}

/* A rod and an ellipsoid where the distances are known. */
static void distances_are_right(urs_test *t)
{
    urs_solid s = {.count = 0};
    urs_solid_cell cell;
    const int f = urs_solid_frame(&s, urs_frame3_identity());
    urs_hit hit;
    urs_solid_ellipsoid(&s, f, 0, urs_vec(0.0f, 0.0f, 0.0f), urs_vec(1.0f, 1.0f, 1.0f), 0.0f);
    urs_solid_rod(&s, f, 1, urs_vec(5.0f, -1.0f, 0.0f), 0.5f, urs_vec(5.0f, 1.0f, 0.0f), 0.5f, 0.0f);
    urs_solid_cell_make(&cell, &s, 0.0f, 0.0f, 10.0f, 0.0f);
    URS_CHECK_NEAR(t, urs_solid_distance(&s, &cell, urs_vec(0.0f, 3.0f, 0.0f)), 2.0, 1e-5);
    URS_CHECK_NEAR(t, urs_solid_distance(&s, &cell, urs_vec(5.0f, 0.0f, 2.0f)), 1.5, 1e-5);
    hit = urs_solid_meet(&s, &cell, 0.6f, 0.0f, 1e-4f);
    URS_CHECK(t, hit.inside && hit.piece == 0);
    URS_CHECK_NEAR(t, hit.at.z, 0.8, 1e-3);
    hit = urs_solid_meet(&s, &cell, 2.5f, 0.0f, 1e-4f);
    URS_CHECK(t, !hit.inside);
    urs_solid_cell_make(&cell, &s, 2.75f, 0.0f, 0.2f, 0.1f);
    URS_CHECK_INT(t, cell.count, 0);
}

int main(void)
{
    static const urs_case cases[] = {
        {"bears are told apart from the front", told_apart_from_the_front},
        {"bears are told apart with the head turned", told_apart_turned},
        {"traits belong to the individual", traits_are_stable},
        {"distances to solids", distances_are_right},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
