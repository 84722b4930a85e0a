/* Composing a camera's place from back to front; see backdrop.h. */
#include "synth/backdrop.h"

#include "base/memory.h"
#include "base/random.h"
#include "synth/noise.h"

#include <math.h>
#include <stdlib.h>

#define THINGS_MAX 900

typedef void plant_drawer(urs_backdrop *b, const urs_plant *plant);

typedef struct thing {
    urs_plant plant;
    plant_drawer *draw;
} thing;

typedef struct place { /* what a backdrop is made of while it is composed */
    urs_backdrop *b;
    urs_random random;
    uint32_t seed;
    urs_rgb ground_a, ground_b, litter, leaf, needle, bark;
    float snow, dapple; /* dapple: how much of the ground lies in broken shade */
    thing *things;
    int count;
} place;

static float draw(place *p, float low, float high)
{
    return (float)urs_random_range(&p->random, low, high);
}

static void choose_colours(place *p)
{
    const float dry = draw(p, 0.0f, 1.0f);
    switch (p->b->habitat) {
    case URS_HABITAT_MEADOW:
        p->ground_a = (urs_rgb){0.10f + 0.08f * dry, 0.14f, 0.04f};
        p->ground_b = (urs_rgb){0.19f, 0.17f, 0.07f};
        p->litter = (urs_rgb){0.25f, 0.21f, 0.10f};
        p->leaf = (urs_rgb){0.10f + 0.08f * dry, 0.16f, 0.04f};
        p->dapple = 0.15f;
        break;
    case URS_HABITAT_SNOW:
        p->ground_a = (urs_rgb){0.74f, 0.78f, 0.84f};
        p->ground_b = (urs_rgb){0.60f, 0.66f, 0.76f};
        p->litter = (urs_rgb){0.55f, 0.60f, 0.68f};
        p->leaf = (urs_rgb){0.17f, 0.13f, 0.07f};
        p->snow = draw(p, 0.6f, 1.0f);
        p->dapple = 0.35f;
        break;
    case URS_HABITAT_ROCKS:
        p->ground_a = (urs_rgb){0.17f, 0.155f, 0.135f};
        p->ground_b = (urs_rgb){0.10f, 0.12f, 0.05f};
        p->litter = (urs_rgb){0.24f, 0.22f, 0.20f};
        p->leaf = (urs_rgb){0.11f, 0.14f, 0.05f};
        p->dapple = 0.05f;
        break;
    case URS_HABITAT_FOREST:
    case URS_HABITAT_COUNT:
        p->ground_a = (urs_rgb){0.11f, 0.072f, 0.04f};
        p->ground_b = (urs_rgb){0.055f, 0.085f, 0.025f};
        p->litter = (urs_rgb){0.20f, 0.12f, 0.055f};
        p->leaf = (urs_rgb){0.05f, 0.11f, 0.025f};
        p->dapple = 0.75f;
        break;
    }
    p->needle = (urs_rgb){0.030f + 0.02f * dry, 0.060f, 0.026f};
    p->bark = dry < 0.35f ? (urs_rgb){0.20f, 0.18f, 0.155f} : (urs_rgb){0.115f, 0.08f, 0.055f};
}

static void set_pixel(urs_backdrop *b, int32_t x, int32_t y, urs_rgb colour, float infrared, float sunlit, float metres, uint8_t kind)
{
    const size_t i = (size_t)y * (size_t)b->width + (size_t)x;
    const urs_paint paint = {.colour = colour, .infrared = infrared, .sunlit = sunlit, .metres = metres};
    urs_backdrop_put(b, x, y, &paint, 1.0f);
    b->kind[i] = kind;
}

static void paint_sky(place *p)
{
    urs_backdrop *b = p->b;
    const float cloudy = draw(p, 0.2f, 0.8f);
    for (int32_t y = 0; y < b->height && (float)y < b->horizon + 2.0f; y++) {
        const float up = 1.0f - (float)y / b->horizon;
        for (int32_t x = 0; x < b->width; x++) {
            const float u = ((float)x / (float)b->width - 0.5f) / (0.18f + up), v = 1.0f / (0.18f + up);
            const float cloud = urs_smooth(0.62f - 0.3f * cloudy, 0.8f - 0.2f * cloudy, urs_noise_fbm(u * 3.0f, v * 2.0f, 4, p->seed + 50u));
            const urs_rgb blue = {urs_mix(0.60f, 0.22f, up), urs_mix(0.72f, 0.42f, up), urs_mix(0.86f, 0.78f, up)};
            const urs_rgb c = {urs_mix(blue.r, 0.92f, cloud), urs_mix(blue.g, 0.93f, cloud), urs_mix(blue.b, 0.95f, cloud)};
            set_pixel(b, x, y, c, 0.0f, 0.0f, 655.0f, URS_KIND_SKY);
        }
    }
}

static void paint_ridges(place *p)
{
    urs_backdrop *b = p->b;
    const int ridges = b->habitat == URS_HABITAT_FOREST ? 1 : 3;
    for (int k = 0; k < ridges; k++) {
        const float metres = 520.0f / (1.0f + 1.4f * (float)k), tall = b->horizon * (0.42f - 0.13f * (float)k) * draw(p, 0.7f, 1.2f);
        const uint32_t seed = p->seed + 60u + (uint32_t)k;
        const float rocky = b->habitat == URS_HABITAT_ROCKS ? 0.8f : 0.0f;
        for (int32_t x = 0; x < b->width; x++) {
            const float u = (float)x / (float)b->width, edge = b->horizon - tall * urs_noise_fbm(u * 3.5f + 4.0f * (float)k, 0.5f, 5, seed) - 0.012f * (float)b->height * urs_noise_cell(x / 3, 1, seed);
            for (int32_t y = (int32_t)fmaxf(0.0f, edge); y < b->height && (float)y < b->horizon + 2.0f; y++) {
                const float trees = urs_noise_2d((float)x * 0.28f, (float)y * 0.16f, seed + 9u), patch = urs_noise_fbm(u * 16.0f, (float)y * 0.03f, 3, seed + 5u);
                const float bare = urs_smooth(0.5f, 0.62f, patch + 0.25f * rocky) * (rocky > 0.0f ? 1.0f : 0.3f);
                urs_rgb c = {urs_mix(0.045f, 0.22f, bare) * (0.5f + trees), urs_mix(0.07f, 0.21f, bare) * (0.5f + trees), urs_mix(0.035f, 0.17f, bare) * (0.5f + trees)};
                const float white = p->snow * (0.25f + 0.6f * bare);
                c = (urs_rgb){urs_mix(c.r, 0.75f, white), urs_mix(c.g, 0.8f, white), urs_mix(c.b, 0.88f, white)};
                set_pixel(b, x, y, c, 0.2f, 0.35f + 0.6f * trees, metres, URS_KIND_THING);
            }
        }
    }
}

static void paint_ground(place *p)
{
    urs_backdrop *b = p->b;
    for (int32_t y = (int32_t)b->horizon; y < b->height; y++) {
        const float below = (float)y + 0.5f - b->horizon, metres = fminf(300.0f, b->focal * b->camera_height / fmaxf(below, 0.5f));
        const float pixel = metres / b->focal; /* metres a pixel across */
        const int fine = (int)fmaxf(1.0f, fminf(5.0f, logf(0.16f / pixel) / 0.6931f));
        for (int32_t x = 0; x < b->width; x++) {
            const float u = ((float)x - 0.5f * (float)b->width) * pixel, v = metres;
            const float broad = urs_noise_fbm(u * 0.45f, v * 0.45f, 3, p->seed + 70u), grain = urs_noise_fbm(u * 6.0f, v * 6.0f * 0.6f, fine, p->seed + 71u);
            const float patch = urs_smooth(0.42f, 0.6f, broad + 0.25f * (grain - 0.5f)), crumb = urs_smooth(0.58f, 0.72f, grain);
            const float bump = p->snow > 0.0f ? 0.82f + 0.36f * urs_noise_fbm(u * 1.1f, v * 0.7f, 3, p->seed + 72u) : 0.35f + 1.3f * grain;
            const float open = 1.0f - p->dapple * urs_smooth(0.62f, 0.42f, urs_noise_fbm(u * 0.8f + 7.0f, v * 0.55f, 3, p->seed + 73u));
            urs_rgb c = {urs_mix(p->ground_a.r, p->ground_b.r, patch), urs_mix(p->ground_a.g, p->ground_b.g, patch), urs_mix(p->ground_a.b, p->ground_b.b, patch)};
            c = (urs_rgb){urs_mix(c.r, p->litter.r, 0.6f * crumb) * bump, urs_mix(c.g, p->litter.g, 0.6f * crumb) * bump, urs_mix(c.b, p->litter.b, 0.6f * crumb) * bump};
            set_pixel(b, x, y, c, (p->snow > 0.0f ? 0.62f : 0.30f) * (0.35f + 0.65f * bump), open * (0.7f + 0.3f * bump), metres, URS_KIND_GROUND);
        }
    }
}

/* Fallen leaves and twigs on the near ground. */
static void paint_litter(place *p)
{
    urs_backdrop *b = p->b;
    const int pieces = b->habitat == URS_HABITAT_FOREST ? 2600 : b->habitat == URS_HABITAT_SNOW ? 120 : 900;
    for (int i = 0; i < pieces; i++) {
        const float metres = 1.2f + 9.0f * powf(draw(p, 0.0f, 1.0f), 1.6f), scale = b->focal / metres, y = urs_backdrop_row(b, metres), x = draw(p, 0.0f, (float)b->width);
        const float tone = draw(p, 0.4f, 1.5f);
        const urs_paint paint = {.colour = {p->litter.r * tone, p->litter.g * tone * draw(p, 0.92f, 1.06f), p->litter.b * tone}, .infrared = 0.36f * tone,
                                 .sunlit = draw(p, 0.1f, 0.9f) * (1.0f - 0.6f * p->dapple), .metres = metres};
        const float size = draw(p, 0.012f, b->habitat == URS_HABITAT_FOREST ? 0.04f : 0.022f) * scale;
        if (draw(p, 0.0f, 1.0f) < 0.12f)
            urs_backdrop_stroke(b, x, y, x + draw(p, -0.25f, 0.25f) * scale, y + draw(p, -0.05f, 0.05f) * scale, 0.0f, 0.008f * scale, 0.004f * scale, &paint, 0.0f);
        else
            urs_backdrop_leaf(b, x, y, size, size * draw(p, 0.25f, 0.5f), draw(p, -0.7f, 0.7f), &paint);
    }
    /* litter lies on the ground: it must not hide feet */
    for (size_t i = (size_t)b->horizon * (size_t)b->width; i < (size_t)b->width * (size_t)b->height; i++)
        b->kind[i] = URS_KIND_GROUND;
}

static void add(place *p, plant_drawer *drawer, float x, float metres, float size, urs_rgb colour)
{
    if (p->count < THINGS_MAX)
        p->things[p->count++] = (thing){{.x = x, .metres = metres, .size = size, .colour = colour, .snow = p->snow, .seed = (uint32_t)urs_random_u64(&p->random)}, drawer};
}

/* A place across the picture that leaves the middle free where the animals walk: things near the camera stand at the sides. */
static float side_place(place *p, float metres)
{
    const float w = (float)p->b->width, free = metres > 9.0f ? 0.0f : 0.30f;
    const float x = draw(p, 0.0f, 0.5f - 0.5f * free);
    return (draw(p, 0.0f, 1.0f) < 0.5f ? x : 1.0f - x) * w * 1.1f - 0.05f * w;
}

static void choose_things(place *p)
{
    const float w = (float)p->b->width;
    const urs_habitat h = p->b->habitat;
    const int far_trees = h == URS_HABITAT_FOREST ? 70 : h == URS_HABITAT_SNOW ? 55 : h == URS_HABITAT_MEADOW ? 26 : 8;
    const int trunks = h == URS_HABITAT_FOREST ? 16 : h == URS_HABITAT_SNOW ? 7 : h == URS_HABITAT_MEADOW ? 2 : 1;
    const int tufts = h == URS_HABITAT_MEADOW ? 420 : h == URS_HABITAT_FOREST ? 90 : h == URS_HABITAT_SNOW ? 45 : 120;
    const int rocks = h == URS_HABITAT_ROCKS ? 26 : 3, bushes = h == URS_HABITAT_SNOW ? 4 : 8, ferns = h == URS_HABITAT_FOREST ? 26 : 0;
    for (int i = 0; i < far_trees; i++)
        add(p, urs_plant_conifer, draw(p, -0.05f, 1.05f) * w, draw(p, 13.0f, 60.0f), draw(p, 6.0f, 15.0f), p->needle);
    for (int i = 0; i < trunks; i++) {
        const float metres = draw(p, 3.4f, 22.0f);
        add(p, urs_plant_trunk, side_place(p, metres), metres, draw(p, 0.09f, 0.26f), p->bark);
    }
    for (int i = 0; i < (h == URS_HABITAT_MEADOW ? 1 : 3); i++) {
        const float metres = draw(p, 7.0f, 13.0f);
        add(p, urs_plant_conifer, side_place(p, 5.0f), metres, draw(p, 2.0f, 5.0f), p->needle);
    }
    for (int i = 0; i < bushes; i++) {
        const float metres = draw(p, 3.0f, 14.0f);
        add(p, urs_plant_bush, side_place(p, metres), metres, draw(p, 0.3f, 0.75f), p->leaf);
    }
    for (int i = 0; i < ferns; i++)
        add(p, urs_plant_fern, side_place(p, 10.0f), draw(p, 2.2f, 12.0f), draw(p, 0.3f, 0.6f), (urs_rgb){p->leaf.r * 1.5f, p->leaf.g * 1.3f, p->leaf.b});
    for (int i = 0; i < rocks; i++) {
        const float metres = draw(p, 2.6f, 18.0f);
        add(p, urs_plant_rock, side_place(p, metres), metres, draw(p, 0.15f, h == URS_HABITAT_ROCKS ? 0.8f : 0.4f), (urs_rgb){0.21f, 0.20f, 0.185f});
    }
    if (h != URS_HABITAT_ROCKS)
        add(p, urs_plant_log, draw(p, 0.1f, 0.9f) * w, draw(p, 4.0f, 9.0f), draw(p, 0.10f, 0.2f), p->bark);
    for (int i = 0; i < tufts; i++)
        add(p, urs_plant_tuft, draw(p, -0.02f, 1.02f) * w, 1.3f + 14.0f * powf(draw(p, 0.0f, 1.0f), 1.5f), draw(p, 0.12f, 0.34f) * (h == URS_HABITAT_MEADOW ? 1.3f : 1.0f), p->leaf);
}

static int far_first(const void *a, const void *b)
{
    const thing *x = a, *y = b;
    if (x->plant.metres != y->plant.metres)
        return x->plant.metres < y->plant.metres ? 1 : -1;
    return (x->plant.seed > y->plant.seed) - (x->plant.seed < y->plant.seed);
}

/* Leaves that hang into the picture from above. */
static void paint_canopy(place *p)
{
    urs_backdrop *b = p->b;
    const int leaves = b->habitat == URS_HABITAT_FOREST ? 1900 : b->habitat == URS_HABITAT_MEADOW ? 250 : 0;
    for (int i = 0; i < leaves; i++) {
        const float metres = draw(p, 3.0f, 9.0f), scale = b->focal / metres, x = draw(p, 0.0f, 1.0f);
        const float hang = urs_noise_fbm(x * 4.0f, 0.3f, 3, p->seed + 80u), y = (float)b->height * (0.36f * hang * hang - 0.02f) * draw(p, 0.0f, 1.6f), tone = draw(p, 0.5f, 1.5f);
        const urs_paint paint = {.colour = {p->leaf.r * tone * 1.2f, p->leaf.g * tone * 1.2f, p->leaf.b * tone}, .infrared = 0.45f * tone, .sunlit = draw(p, 0.1f, 0.9f), .metres = metres};
        urs_backdrop_leaf(b, x * (float)b->width, y, 0.028f * scale, 0.014f * scale, draw(p, -1.5f, 1.5f), &paint);
    }
}

static urs_status allocate(urs_backdrop *b, urs_error *err)
{
    const size_t n = (size_t)b->width * (size_t)b->height;
    b->albedo = urs_array_new(n, 3);
    b->infrared = urs_array_new(n, 1);
    b->sunlit = urs_array_new(n, 1);
    b->kind = urs_array_new(n, 1);
    b->depth = urs_array_new(n, sizeof *b->depth);
    if (!b->albedo || !b->infrared || !b->sunlit || !b->kind || !b->depth)
        return urs_fail(err, URS_ENOMEM, "no memory for a scene of %d x %d pixels", (int)b->width, (int)b->height);
    return URS_OK;
}

urs_habitat urs_backdrop_habitat(int camera, uint64_t seed)
{
    return (urs_habitat)((camera + (int)(seed % URS_HABITAT_COUNT)) % URS_HABITAT_COUNT);
}

urs_status urs_backdrop_make(urs_backdrop *out, int camera, uint64_t seed, int32_t width, int32_t height, urs_error *err)
{
    urs_backdrop b = {.width = width, .height = height, .habitat = urs_backdrop_habitat(camera, seed)};
    place p = {.b = &b};
    urs_status status = allocate(&b, err);
    p.things = urs_array_new(THINGS_MAX, sizeof *p.things);
    if (status == URS_OK && !p.things)
        status = urs_fail(err, URS_ENOMEM, "no memory for the plants of a scene");
    if (status != URS_OK)
        goto done;
    urs_random_init_stream(&p.random, seed ^ 0xbacd0fbacd0full, (uint64_t)camera);
    p.seed = (uint32_t)urs_random_u64(&p.random);
    b.horizon = (float)height * draw(&p, 0.30f, 0.42f);
    b.focal = (float)width * draw(&p, 0.8f, 0.95f);
    b.camera_height = draw(&p, 0.9f, 1.25f);
    choose_colours(&p);
    paint_sky(&p);
    paint_ridges(&p);
    paint_ground(&p);
    paint_litter(&p);
    choose_things(&p);
    qsort(p.things, (size_t)p.count, sizeof *p.things, far_first);
    for (int i = 0; i < p.count; i++)
        p.things[i].draw(&b, &p.things[i].plant);
    paint_canopy(&p);
    *out = b;
    b = (urs_backdrop){0};
done:
    urs_free(p.things);
    urs_backdrop_release(&b);
    return status;
}
