/* Plants and things of a backdrop, each drawn by strokes and leaves; see backdrop.h. */
#include "synth/backdrop.h"

#include "synth/noise.h"

#include <math.h>

/* A short sequence of numbers of one plant: cheap, and independent of every other plant. */
typedef struct dice {
    uint32_t seed;
    int32_t at;
} dice;

static float roll(dice *d, float low, float high)
{
    return low + (high - low) * urs_noise_cell(d->at++, 0, d->seed);
}

static urs_rgb toned(urs_rgb c, float k)
{
    const urs_rgb out = {c.r * k, c.g * k, c.b * k};
    return out;
}

static urs_rgb mixed(urs_rgb a, urs_rgb b, float t)
{
    const urs_rgb c = {urs_mix(a.r, b.r, t), urs_mix(a.g, b.g, t), urs_mix(a.b, b.b, t)};
    return c;
}

static const urs_rgb snow_white = {0.80f, 0.84f, 0.90f};

/* Darkens the ground where something stands on it. */
static void ground_shadow(urs_backdrop *b, float x, float y, float rx, float ry)
{
    for (int32_t py = (int32_t)(y - ry); py <= (int32_t)(y + ry); py++) {
        for (int32_t px = (int32_t)(x - rx); px <= (int32_t)(x + rx); px++) {
            const float u = ((float)px - x) / rx, v = ((float)py - y) / ry, d = u * u + v * v;
            size_t i;
            float keep;
            if (d >= 1.0f || px < 0 || py < 0 || px >= b->width || py >= b->height)
                continue;
            i = (size_t)py * (size_t)b->width + (size_t)px;
            if (b->kind[i] != URS_KIND_GROUND)
                continue;
            keep = 1.0f - 0.4f * (1.0f - d);
            for (int c = 0; c < 3; c++)
                b->albedo[i * 3 + (size_t)c] = (uint8_t)((float)b->albedo[i * 3 + (size_t)c] * keep);
            b->infrared[i] = (uint8_t)((float)b->infrared[i] * keep);
            b->sunlit[i] = (uint8_t)((float)b->sunlit[i] * keep * keep);
        }
    }
}

void urs_plant_conifer(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), tall = plant->size * scale, wide = tall * roll(&d, 0.17f, 0.24f);
    const int boughs = (int)fminf(900.0f, 60.0f + tall * 1.4f);
    const float thick = fmaxf(0.8f, fminf(7.0f, tall / 75.0f)), x = plant->x;
    urs_paint wood = {.colour = {0.05f, 0.036f, 0.026f}, .infrared = 0.16f, .sunlit = 0.2f, .metres = plant->metres};
    ground_shadow(b, x, foot, wide * 1.1f, wide * 0.22f);
    urs_backdrop_stroke(b, x, foot, x, foot - tall * 0.96f, 0.0f, tall * 0.026f, 1.0f, &wood, 0.0f);
    for (int i = 0; i < boughs; i++) { /* from the top down: lower boughs lie over the upper ones' shade */
        const float t = sqrtf(((float)i + 0.5f) / (float)boughs) * 0.93f, side = roll(&d, -1.0f, 1.0f);
        const float y = foot - tall * (1.0f - t) , reach = wide * (0.04f + t) * (0.75f + 0.35f * urs_noise_2d(t * 14.0f, side * 2.0f, plant->seed)) * side;
        const float droop = fabsf(reach) * roll(&d, 0.25f, 0.5f), inner = 0.45f + 0.55f * fabsf(side);
        const bool snowy = roll(&d, 0.0f, 1.0f) < plant->snow * 0.75f;
        urs_paint p = {.metres = plant->metres};
        p.colour = toned(plant->colour, inner * roll(&d, 0.55f, 1.35f));
        p.infrared = 0.34f * inner * roll(&d, 0.7f, 1.2f);
        if (snowy) {
            p.colour = mixed(p.colour, snow_white, 0.75f);
            p.infrared = 0.6f;
        }
        p.sunlit = inner * roll(&d, 0.3f, 0.9f);
        urs_backdrop_stroke(b, x + reach * 0.12f, y, x + reach, y + droop, 0.0f, thick * 1.5f, thick * 0.5f, &p, 0.5f);
    }
}

void urs_plant_trunk(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), radius = plant->size * scale;
    const float lean = roll(&d, -0.06f, 0.06f), rough = roll(&d, 0.5f, 1.0f), moss = roll(&d, 0.0f, 1.0f) * (1.0f - plant->snow), light = roll(&d, 0.35f, 0.8f);
    ground_shadow(b, plant->x, foot, radius * 2.4f, radius * 0.7f);
    for (int32_t y = (int32_t)foot + (int32_t)(radius * 0.2f); y >= 0; y--) {
        const float up = (foot - (float)y) / scale, flare = 1.0f + 0.55f * expf(-fmaxf(up, 0.0f) / 0.14f);
        const float r = radius * flare * fmaxf(0.35f, 1.0f - up * 0.035f), centre = plant->x + lean * (foot - (float)y);
        if (y >= b->height || r < 0.5f)
            continue;
        for (int32_t x = (int32_t)(centre - r); x <= (int32_t)(centre + r) + 1; x++) {
            const float u = ((float)x + 0.5f - centre) / r;
            float around = 1.0f - u * u, bark, groove, tone, green;
            urs_paint p = {.metres = plant->metres};
            if (around <= 0.0f)
                continue;
            around = sqrtf(around);
            groove = urs_noise_fbm(asinf(u) * 5.5f + 0.35f * sinf(up * 3.0f), up * 2.2f, 3, plant->seed);
            bark = urs_noise_2d(asinf(u) * 26.0f, up * 13.0f, plant->seed + 3u);
            tone = (0.45f + 0.55f * around) * urs_mix(1.0f, 0.25f + 1.1f * urs_smooth(0.3f, 0.68f, groove) + 0.35f * bark, rough);
            green = moss * urs_smooth(1.5f, 0.0f, up) * urs_smooth(0.45f, 0.6f, urs_noise_2d(u * 3.0f, up * 5.0f, plant->seed + 7u));
            p.colour = toned(mixed(plant->colour, (urs_rgb){0.07f, 0.10f, 0.025f}, green), tone);
            p.infrared = 0.30f * tone;
            p.sunlit = light * (0.3f + 0.7f * around) * urs_smooth(0.35f, 0.6f, urs_noise_2d(u * 0.7f + 9.0f, up * 1.3f, plant->seed + 9u));
            if (plant->snow > 0.0f && u * (lean >= 0.0f ? -1.0f : 1.0f) > 0.45f && urs_noise_2d(u * 4.0f, up * 4.0f, plant->seed + 5u) > 0.55f) {
                p.colour = snow_white;
                p.infrared = 0.6f;
            }
            urs_backdrop_put(b, x, y, &p, urs_clamp01((1.0f - fabsf(u)) * r + 0.2f));
        }
    }
    for (int i = 0; i < 7; i++) { /* dead twigs */
        const float y = foot - roll(&d, 0.5f, 3.5f) * scale, side = roll(&d, -1.0f, 1.0f) < 0.0f ? -1.0f : 1.0f, reach = side * roll(&d, 0.3f, 1.0f) * scale;
        const urs_paint p = {.colour = toned(plant->colour, 0.6f), .infrared = 0.2f, .sunlit = 0.3f, .metres = plant->metres};
        urs_backdrop_stroke(b, plant->x + lean * (foot - y) + side * radius * 0.7f, y, plant->x + reach, y - roll(&d, -0.1f, 0.35f) * scale, 0.0f, 0.022f * scale, 0.006f * scale,
                            &p, 0.0f);
    }
}

void urs_plant_bush(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), radius = plant->size * scale;
    const float leaf = fmaxf(0.8f, roll(&d, 0.022f, 0.04f) * scale);
    const int leaves = (int)fminf(1500.0f, 90.0f + 2.6f * (radius / leaf) * (radius / leaf));
    const urs_paint wood = {.colour = {0.07f, 0.05f, 0.035f}, .infrared = 0.22f, .sunlit = 0.2f, .metres = plant->metres};
    ground_shadow(b, plant->x, foot, radius * 1.2f, radius * 0.3f);
    for (int i = 0; i < 9; i++)
        urs_backdrop_stroke(b, plant->x + roll(&d, -0.2f, 0.2f) * radius, foot, plant->x + roll(&d, -1.0f, 1.0f) * radius, foot - roll(&d, 0.9f, 1.7f) * radius,
                            roll(&d, -0.1f, 0.1f) * radius, 0.018f * scale, 0.006f * scale, &wood, 0.0f);
    for (int i = 0; i < leaves; i++) {
        const float angle = roll(&d, 0.0f, 6.2832f), r = sqrtf(roll(&d, 0.0f, 1.0f)) * (0.75f + 0.4f * urs_noise_2d(angle * 1.5f, 0.0f, plant->seed));
        const float x = plant->x + r * cosf(angle) * radius, y = foot - radius * (0.85f - r * sinf(angle) * 0.85f);
        const float top = urs_clamp01((foot - y) / (1.7f * radius)), tone = (0.35f + 0.75f * top) * roll(&d, 0.6f, 1.35f);
        urs_paint p = {.colour = toned(plant->colour, tone), .infrared = 0.5f * (0.5f + 0.5f * top) * roll(&d, 0.7f, 1.15f), .sunlit = top * roll(&d, 0.3f, 1.0f), .metres = plant->metres};
        if (plant->snow > 0.0f && roll(&d, 0.0f, 1.0f) < plant->snow * 0.5f * top) {
            p.colour = snow_white;
            p.infrared = 0.6f;
        }
        urs_backdrop_leaf(b, x, y, leaf * roll(&d, 0.7f, 1.3f), leaf * roll(&d, 0.35f, 0.7f), roll(&d, -1.2f, 1.2f), &p);
    }
}

void urs_plant_tuft(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), tall = plant->size * scale;
    const int blades = (int)roll(&d, 14.0f, 30.0f);
    for (int i = 0; i < blades; i++) {
        const float x = plant->x + roll(&d, -0.22f, 0.22f) * tall, length = tall * roll(&d, 0.45f, 1.0f), lean = roll(&d, -0.45f, 0.45f) * length;
        const float tone = roll(&d, 0.6f, 1.3f), dry = roll(&d, 0.0f, 1.0f);
        const urs_paint p = {.colour = toned(dry < 0.2f ? (urs_rgb){0.26f, 0.21f, 0.10f} : plant->colour, tone), .infrared = 0.42f * tone, .sunlit = roll(&d, 0.3f, 0.95f), .metres = plant->metres};
        const float root = foot + roll(&d, -0.06f, 0.06f) * tall;
        urs_backdrop_stroke(b, x, root, x + lean, root - length, lean * -0.12f, fmaxf(0.9f, 0.011f * scale), fmaxf(0.25f, 0.003f * scale), &p, 0.9f);
    }
}

void urs_plant_fern(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), tall = plant->size * scale;
    const int fronds = (int)roll(&d, 6.0f, 11.0f);
    for (int i = 0; i < fronds; i++) {
        const float side = roll(&d, -1.0f, 1.0f), length = tall * roll(&d, 0.7f, 1.0f), tone = roll(&d, 0.65f, 1.3f);
        const float tip_x = plant->x + side * length * 0.9f, tip_y = foot - length * (1.0f - 0.55f * fabsf(side));
        const urs_paint p = {.colour = toned(plant->colour, tone), .infrared = 0.45f * tone, .sunlit = roll(&d, 0.3f, 0.9f), .metres = plant->metres};
        const int leaflets = (int)fminf(22.0f, 6.0f + length / 5.0f);
        for (int k = 1; k <= leaflets; k++) {
            const float t = (float)k / (float)leaflets, arch = 4.0f * t * (1.0f - t) * 0.16f * length;
            const float x = urs_mix(plant->x, tip_x, t), y = urs_mix(foot, tip_y, t) - arch, leaf = 0.26f * length * (1.0f - 0.85f * t) * (t < 0.15f ? t / 0.15f : 1.0f);
            urs_backdrop_stroke(b, x, y, x + leaf * 0.45f, y + leaf * 0.6f, 0.0f, fmaxf(0.9f, 0.09f * leaf + 0.7f), 0.5f, &p, 0.2f);
            urs_backdrop_stroke(b, x, y, x - leaf * 0.45f, y + leaf * 0.6f, 0.0f, fmaxf(0.9f, 0.09f * leaf + 0.7f), 0.5f, &p, -0.2f);
        }
    }
}

void urs_plant_rock(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), rx = plant->size * scale, ry = rx * roll(&d, 0.5f, 0.8f);
    const float moss = roll(&d, 0.0f, 1.0f);
    ground_shadow(b, plant->x, foot + ry * 0.1f, rx * 1.35f, ry * 0.5f);
    for (int32_t y = (int32_t)(foot - ry * 1.7f); y <= (int32_t)(foot + ry * 0.3f); y++) {
        for (int32_t x = (int32_t)(plant->x - rx * 1.2f); x <= (int32_t)(plant->x + rx * 1.2f); x++) {
            const float u = ((float)x - plant->x) / rx, v = ((float)y - (foot - ry * 0.6f)) / ry;
            const float facet = urs_noise_fbm(u * 1.7f + 5.0f, v * 1.7f, 3, plant->seed) - 0.5f, d2 = u * u + v * v + 0.9f * facet * (fabsf(u) + fabsf(v));
            float grain, up, tone, top;
            urs_paint p = {.metres = plant->metres};
            if (d2 > 1.0f || (float)y > foot + ry * 0.25f)
                continue;
            grain = urs_noise_fbm(u * 9.0f, v * 11.0f, 3, plant->seed + 2u);
            up = urs_clamp01(0.55f - 0.6f * v + 1.4f * facet);
            tone = (0.35f + 0.75f * up) * (0.55f + 0.9f * grain);
            top = urs_smooth(0.35f, 0.75f, up + 0.5f * (grain - 0.5f));
            p.colour = toned(mixed(plant->colour, (urs_rgb){0.07f, 0.095f, 0.03f}, moss * 0.7f * top * (1.0f - plant->snow)), tone);
            p.infrared = 0.34f * tone;
            p.sunlit = 0.25f + 0.75f * up;
            if (plant->snow > 0.0f && top > 0.4f) {
                p.colour = toned(snow_white, 0.85f + 0.15f * up);
                p.infrared = 0.62f;
            }
            urs_backdrop_put(b, x, y, &p, urs_clamp01((1.0f - d2) * rx * 0.5f));
        }
    }
}

void urs_plant_log(urs_backdrop *b, const urs_plant *plant)
{
    dice d = {plant->seed, 0};
    const float scale = b->focal / plant->metres, foot = urs_backdrop_row(b, plant->metres), r = plant->size * scale, half = roll(&d, 1.0f, 2.2f) * scale;
    const float slope = roll(&d, -0.12f, 0.12f), moss = roll(&d, 0.2f, 1.0f);
    ground_shadow(b, plant->x, foot, half * 1.05f, r * 0.8f);
    for (int32_t x = (int32_t)(plant->x - half); x <= (int32_t)(plant->x + half); x++) {
        const float along = ((float)x - plant->x) / scale, thick = r * (1.0f - 0.15f * along * 0.4f), centre = foot - r * 0.8f + slope * ((float)x - plant->x);
        for (int32_t y = (int32_t)(centre - thick); y <= (int32_t)(centre + thick); y++) {
            const float v = ((float)y - centre) / thick;
            float groove, up, tone;
            urs_paint p = {.metres = plant->metres};
            if (fabsf(v) >= 1.0f)
                continue;
            groove = urs_noise_fbm(along * 2.0f, asinf(v) * 5.0f, 3, plant->seed);
            up = urs_clamp01(0.5f - 0.55f * v);
            tone = (0.3f + 0.8f * up) * (0.35f + 1.1f * groove);
            p.colour = toned(mixed(plant->colour, (urs_rgb){0.08f, 0.115f, 0.025f}, moss * (1.0f - plant->snow) * urs_smooth(0.5f, 0.8f, up + 0.4f * (groove - 0.5f))), tone);
            p.infrared = 0.32f * tone;
            p.sunlit = 0.2f + 0.7f * up;
            if (plant->snow > 0.0f && up > 0.72f) {
                p.colour = snow_white;
                p.infrared = 0.62f;
            }
            urs_backdrop_put(b, x, y, &p, urs_clamp01((1.0f - fabsf(v)) * thick + 0.2f));
        }
    }
}
