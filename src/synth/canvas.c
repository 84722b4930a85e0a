/* Painting into a backdrop, and lighting it; see backdrop.h. */
#include "synth/backdrop.h"

#include "base/memory.h"
#include "synth/noise.h"

#include <math.h>
#include <string.h>

#define DEPTH_STEPS 65536

static uint8_t encode(float linear)
{
    const float v = 255.0f * sqrtf(linear > 0.0f ? linear : 0.0f);
    return (uint8_t)(v > 255.0f ? 255.0f : v + 0.5f);
}

static uint8_t blend(uint8_t old, uint8_t new, float cover)
{
    return (uint8_t)((float)old + ((float)new - (float)old) * cover + 0.5f);
}

void urs_backdrop_put(urs_backdrop *b, int32_t x, int32_t y, const urs_paint *paint, float cover)
{
    size_t i;
    float centimetres;
    if (x < 0 || y < 0 || x >= b->width || y >= b->height || cover <= 0.01f)
        return;
    if (cover > 1.0f)
        cover = 1.0f;
    i = (size_t)y * (size_t)b->width + (size_t)x;
    b->albedo[i * 3] = blend(b->albedo[i * 3], encode(paint->colour.r), cover);
    b->albedo[i * 3 + 1] = blend(b->albedo[i * 3 + 1], encode(paint->colour.g), cover);
    b->albedo[i * 3 + 2] = blend(b->albedo[i * 3 + 2], encode(paint->colour.b), cover);
    b->infrared[i] = blend(b->infrared[i], encode(paint->infrared), cover);
    b->sunlit[i] = blend(b->sunlit[i], (uint8_t)(255.0f * urs_clamp01(paint->sunlit)), cover);
    if (cover >= 0.5f) {
        centimetres = paint->metres * 100.0f;
        b->depth[i] = (uint16_t)(centimetres > 65535.0f ? 65535.0f : centimetres);
        b->kind[i] = URS_KIND_THING;
    }
}

void urs_backdrop_stroke(urs_backdrop *b, float x0, float y0, float x1, float y1, float bend, float w0, float w1, const urs_paint *paint, float gain)
{
    const float dx = x1 - x0, dy = y1 - y0, length = sqrtf(dx * dx + dy * dy);
    const bool upright = fabsf(dy) >= fabsf(dx);
    const int steps = (int)(upright ? fabsf(dy) : fabsf(dx)) + 1;
    const float slant = length > 0.0f ? length / ((upright ? fabsf(dy) : fabsf(dx)) + 1e-6f) : 1.0f;
    if (steps > 8192)
        return;
    for (int i = 0; i <= steps; i++) {
        const float t = (float)i / (float)steps, bow = 4.0f * t * (1.0f - t) * bend;
        const float half = 0.5f * slant * urs_mix(w0, w1, t), tone = 1.0f + gain * (t - 0.5f);
        const float centre = upright ? x0 + dx * t + bow : y0 + dy * t + bow;
        const int32_t other = (int32_t)floorf(upright ? y0 + dy * t : x0 + dx * t);
        urs_paint p = *paint;
        p.colour = (urs_rgb){p.colour.r * tone, p.colour.g * tone, p.colour.b * tone};
        p.infrared *= tone;
        if (half < 0.5f) { /* thinner than a pixel: fainter */
            const int32_t at = (int32_t)floorf(centre);
            urs_backdrop_put(b, upright ? at : other, upright ? other : at, &p, half * 2.0f);
            continue;
        }
        for (int32_t at = (int32_t)floorf(centre - half); at <= (int32_t)floorf(centre + half); at++) {
            const float cover = urs_clamp01(half + 0.5f - fabsf((float)at + 0.5f - centre));
            urs_backdrop_put(b, upright ? at : other, upright ? other : at, &p, cover);
        }
    }
}

void urs_backdrop_leaf(urs_backdrop *b, float x, float y, float rx, float ry, float angle, const urs_paint *paint)
{
    const float c = cosf(angle), s = sinf(angle), reach = (rx > ry ? rx : ry) + 1.0f, soft = 1.0f / (ry < rx ? ry : rx);
    if (reach > 400.0f || x + reach < 0.0f || y + reach < 0.0f || x - reach > (float)b->width || y - reach > (float)b->height)
        return;
    if (rx < 0.6f && ry < 0.6f) {
        urs_backdrop_put(b, (int32_t)x, (int32_t)y, paint, rx * ry * 3.0f);
        return;
    }
    for (int32_t py = (int32_t)floorf(y - reach); py <= (int32_t)(y + reach); py++) {
        for (int32_t px = (int32_t)floorf(x - reach); px <= (int32_t)(x + reach); px++) {
            const float dx = (float)px + 0.5f - x, dy = (float)py + 0.5f - y;
            const float u = (c * dx + s * dy) / rx, v = (c * dy - s * dx) / ry, d = sqrtf(u * u + v * v);
            if (d < 1.0f + soft)
                urs_backdrop_put(b, px, py, paint, urs_clamp01((1.0f - d) / soft + 0.5f));
        }
    }
}

typedef struct light_tables {
    float square[256];            /* stored byte -> linear */
    urs_exposure exposure;
    float haze[DEPTH_STEPS], flash[DEPTH_STEPS]; /* by centimetres */
} light_tables;

static void fill_tables(light_tables *t, const urs_light *light)
{
    for (int i = 0; i < 256; i++)
        t->square[i] = ((float)i / 255.0f) * ((float)i / 255.0f);
    urs_exposure_fill(&t->exposure);
    for (int i = 0; i < DEPTH_STEPS; i++) {
        const float metres = ((float)i + 0.5f) * 0.01f;
        t->haze[i] = light->night ? 0.0f : 1.0f - expf(-0.7f * metres / light->haze_distance);
        t->flash[i] = light->night ? light->flash / (0.6f + metres) * expf(-metres / (light->flash_reach * 0.65f)) : 0.0f;
    }
}

static void light_row(uint8_t *out, const urs_backdrop *b, const urs_light *l, const light_tables *t, int32_t y)
{
    const float aspect = (float)b->height / (float)b->width, dy = ((float)y / (float)b->height - 0.5f) * 2.0f * aspect;
    for (int32_t x = 0; x < b->width; x++, out += 3) {
        const size_t i = (size_t)y * (size_t)b->width + (size_t)x;
        const float dx = ((float)x / (float)b->width - 0.5f) * 2.0f, round = 1.0f - l->vignette * 0.62f * (dx * dx + dy * dy);
        const size_t far = b->depth[i];
        if (l->night) {
            out[0] = out[1] = out[2] = urs_exposure_of(&t->exposure, t->square[b->infrared[i]] * t->flash[far] * (round > 0.05f ? round : 0.05f));
        } else if (b->kind[i] == URS_KIND_SKY) {
            const float k = 1.5f * l->exposure * round;
            out[0] = urs_exposure_of(&t->exposure, t->square[b->albedo[i * 3]] * l->sky.r * k);
            out[1] = urs_exposure_of(&t->exposure, t->square[b->albedo[i * 3 + 1]] * l->sky.g * k);
            out[2] = urs_exposure_of(&t->exposure, t->square[b->albedo[i * 3 + 2]] * l->sky.b * k);
        } else {
            const float sun = (float)b->sunlit[i] * (1.0f / 255.0f), haze = t->haze[far], k = l->exposure * round;
            const float r = t->square[b->albedo[i * 3]] * (l->sky.r + 0.3f * l->ground.r + sun * l->sun_colour.r);
            const float g = t->square[b->albedo[i * 3 + 1]] * (l->sky.g + 0.3f * l->ground.g + sun * l->sun_colour.g);
            const float u = t->square[b->albedo[i * 3 + 2]] * (l->sky.b + 0.3f * l->ground.b + sun * l->sun_colour.b);
            out[0] = urs_exposure_of(&t->exposure, (r + (l->haze.r - r) * haze) * k);
            out[1] = urs_exposure_of(&t->exposure, (g + (l->haze.g - g) * haze) * k);
            out[2] = urs_exposure_of(&t->exposure, (u + (l->haze.b - u) * haze) * k);
        }
    }
}

urs_status urs_backdrop_light(urs_image *out, const urs_backdrop *backdrop, const urs_light *light, urs_error *err)
{
    light_tables *tables = urs_array_new(1, sizeof *tables);
    urs_status status;
    if (!tables)
        return urs_fail(err, URS_ENOMEM, "no memory for the light of a scene");
    fill_tables(tables, light);
    status = urs_image_new(out, backdrop->width, backdrop->height, 3, err);
    for (int32_t y = 0; status == URS_OK && y < backdrop->height; y++)
        light_row(urs_image_at(out, 0, y), backdrop, light, tables, y);
    urs_free(tables);
    return status;
}

void urs_backdrop_release(urs_backdrop *b)
{
    urs_free(b->albedo);
    urs_free(b->infrared);
    urs_free(b->sunlit);
    urs_free(b->kind);
    urs_free(b->depth);
    memset(b, 0, sizeof *b);
}
