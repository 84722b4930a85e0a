/* Drawing an animal; see figure.h. */
#include "synth/figure.h"

#include "base/memory.h"
#include "synth/noise.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CELL 12 /* pixels of a side of the squares that share a list of pieces */
#define STEP 3  /* pixels between lines of sight on plain surfaces */

typedef struct pen {
    const urs_animal *animal;
    const urs_stand *stand;
    const urs_light *light;
    float pixel; /* size of a pixel in units */
    urs_vec3 half; /* between sun and eye */
    bool eye_shines[2];
} pen;

static float lit(float x)
{
    return x > 0.0f ? x : 0.0f;
}

static float occlusion(const pen *p, const urs_solid_cell *cell, urs_vec3 at, urs_vec3 normal)
{
    const float near = urs_solid_distance(&p->animal->solid, cell, urs_vec_add(at, urs_vec_scale(normal, 0.08f))) / 0.08f;
    const float far = urs_solid_distance(&p->animal->solid, cell, urs_vec_add(at, urs_vec_scale(normal, 0.32f))) / 0.32f;
    return urs_clamp01(0.30f + 0.30f * urs_clamp01(near) + 0.45f * urs_clamp01(far));
}

/* Light that leaves the surface towards the camera. */
static urs_rgb shade(const pen *p, const urs_coat_sample *coat, urs_vec3 normal, float open)
{
    const urs_light *l = p->light;
    const float facing = lit(normal.z);
    const float edge = (1.0f - facing) * (1.0f - facing) * (1.0f - facing);
    urs_rgb out;
    if (l->night) {
        const float falloff = l->flash / (0.6f + p->stand->metres) * expf(-p->stand->metres / (l->flash_reach * 2.0f));
        const float direct = coat->fur > 0.5f ? 0.25f + 0.75f * facing : facing;
        const float glint = coat->gloss * powf(lit(urs_vec_dot(normal, p->half)), 60.0f);
        const float v = falloff * (coat->infrared * coat->infrared * 1.15f * direct * (0.45f + 0.55f * open) + 1.2f * glint);
        out = (urs_rgb){v, v, v};
    } else {
        const float toward = urs_vec_dot(normal, l->sun);
        const float direct = coat->fur > 0.5f ? lit((toward + 0.3f) / 1.3f) : lit(toward);
        const float up = 0.5f + 0.5f * normal.y;
        const float glint = coat->gloss * (powf(lit(urs_vec_dot(normal, p->half)), 50.0f) * 0.9f + 0.05f * edge);
        const float sheen = coat->fur * edge * 0.07f; /* hair seen against the light */
        const urs_rgb from = {l->sun_colour.r * direct * (0.5f + 0.5f * open) + urs_mix(l->ground.r, l->sky.r, up) * open,
                              l->sun_colour.g * direct * (0.5f + 0.5f * open) + urs_mix(l->ground.g, l->sky.g, up) * open,
                              l->sun_colour.b * direct * (0.5f + 0.5f * open) + urs_mix(l->ground.b, l->sky.b, up) * open};
        const float haze = 1.0f - expf(-0.7f * p->stand->metres / l->haze_distance);
        out = (urs_rgb){coat->colour.r * from.r + sheen * l->sky.r * 0.4f + glint * l->sky.r, coat->colour.g * from.g + sheen * l->sky.g * 0.4f + glint * l->sky.g,
                        coat->colour.b * from.b + sheen * l->sky.b * 0.4f + glint * l->sky.b};
        out = (urs_rgb){urs_mix(out.r, l->haze.r, haze) * l->exposure, urs_mix(out.g, l->haze.g, haze) * l->exposure, urs_mix(out.b, l->haze.b, haze) * l->exposure};
    }
    return out;
}

/* How much of the pixel is covered when the line of sight misses the surface by a little: stray hairs, or the soft edge of bare parts. */
static float outline_cover(const pen *p, const urs_hit *hit)
{
    const urs_piece *piece = &p->animal->solid.pieces[hit->piece];
    const urs_vec3 local = urs_frame3_in(&p->animal->solid.frames[piece->frame], hit->at);
    const bool bare = piece->material == URS_MATERIAL_NOSE || piece->material == URS_MATERIAL_CLAW || piece->material == URS_MATERIAL_HORN ||
                      piece->material == URS_MATERIAL_HOOF || piece->material == URS_MATERIAL_EYE || piece->material == URS_MATERIAL_SNOUT_DISC;
    float length = p->animal->fur, hairs;
    if (bare)
        return urs_clamp01(1.0f - hit->distance / p->pixel);
    if (piece->material == URS_MATERIAL_MUZZLE)
        length *= 0.25f;
    else if (piece->material == URS_MATERIAL_LEG)
        length *= 0.5f;
    /* hairs stand side by side along the outline and are clumped */
    hairs = 0.6f * urs_noise_3d(local.x * 23.0f, local.y * 23.0f, local.z * 23.0f, p->animal->traits.seed + 41u) +
            0.4f * urs_noise_3d(local.x * 60.0f, local.y * 60.0f, local.z * 60.0f, p->animal->traits.seed + 42u);
    length *= hairs * 1.5f;
    return urs_clamp01((length - hit->distance) / (p->pixel + 0.25f * length) + 0.5f) * urs_clamp01(1.3f - hit->distance / (p->animal->fur + p->pixel));
}

/* Where a line of sight ends, and how the surface lies there. */
typedef struct spot {
    urs_hit hit;
    urs_vec3 normal;
    float open;  /* how little is in the way of the sky */
    float cover; /* 0 .. 1 */
} spot;

static spot look(const pen *p, const urs_solid_cell *cell, const urs_figure *f, int32_t column, int32_t row)
{
    const float x = ((float)(f->x + column) + 0.5f - p->stand->x) * p->pixel, y = (p->stand->y - (float)(f->y + row) - 0.5f) * p->pixel;
    spot s = {.cover = 0.0f, .hit = {.piece = -1, .distance = FLT_MAX}};
    if (cell->count == 0)
        return s;
    s.hit = urs_solid_meet(&p->animal->solid, cell, x, y, p->pixel * 0.3f);
    if (s.hit.piece < 0 || (!s.hit.inside && s.hit.distance > p->animal->fur + p->pixel))
        return s;
    s.cover = s.hit.inside ? 1.0f : outline_cover(p, &s.hit);
    if (s.cover <= 0.004f) {
        s.cover = 0.0f;
        return s;
    }
    s.normal = urs_solid_normal(&p->animal->solid, cell, s.hit.at, p->pixel * 0.7f + 0.004f);
    s.open = s.hit.inside ? occlusion(p, cell, s.hit.at, s.normal) : 0.9f;
    return s;
}

static void paint_pixel(const pen *p, urs_figure *out, int32_t column, int32_t row, const spot *s)
{
    const size_t i = (size_t)row * (size_t)out->width + (size_t)column;
    const urs_coat_sample coat = s->cover > 0.0f ? urs_coat_at(p->animal, s->hit.piece, s->hit.at, s->normal, p->pixel) : (urs_coat_sample){.hole = true};
    urs_rgb light;
    if (coat.hole)
        return;
    light = shade(p, &coat, s->normal, s->open);
    out->colour[i * 3] = light.r;
    out->colour[i * 3 + 1] = light.g;
    out->colour[i * 3 + 2] = light.b;
    out->cover[i] = (uint8_t)(s->cover * 255.0f + 0.5f);
    if (s->cover >= 0.5f)
        out->part[i] = urs_animal_is_head(p->animal, s->hit.piece) ? URS_PART_OF_HEAD : URS_PART_OF_BODY;
}

/* Spots that can stand for the pixels between them: all on one kind of surface that runs on without a step. */
static bool alike(const pen *p, const spot *const corner[4])
{
    const urs_piece *first;
    if (!corner[0]->hit.inside)
        return false;
    first = &p->animal->solid.pieces[corner[0]->hit.piece];
    for (int i = 1; i < 4; i++) {
        const urs_piece *piece;
        if (!corner[i]->hit.inside || fabsf(corner[i]->hit.at.z - corner[0]->hit.at.z) > 8.0f * p->pixel)
            return false;
        piece = &p->animal->solid.pieces[corner[i]->hit.piece];
        if (piece->material != first->material || piece->frame != first->frame)
            return false;
    }
    return true;
}

/* Nothing of the animal is near any of the four lines of sight. */
static bool empty(const pen *p, const spot *const corner[4])
{
    for (int i = 0; i < 4; i++)
        if (corner[i]->cover > 0.0f || corner[i]->hit.distance < (float)STEP * p->pixel)
            return false;
    return true;
}

static spot between(const spot *const corner[4], float u, float v)
{
    const float w[4] = {(1.0f - u) * (1.0f - v), u * (1.0f - v), (1.0f - u) * v, u * v};
    spot s = {.hit = corner[0]->hit, .cover = 1.0f};
    s.hit.at = urs_vec(0.0f, 0.0f, 0.0f);
    for (int i = 0; i < 4; i++) {
        s.hit.at = urs_vec_add(s.hit.at, urs_vec_scale(corner[i]->hit.at, w[i]));
        s.normal = urs_vec_add(s.normal, urs_vec_scale(corner[i]->normal, w[i]));
        s.open += w[i] * corner[i]->open;
    }
    s.normal = urs_vec_unit(s.normal);
    return s;
}

/* One square: lines of sight at every third pixel, and in between only where the surface is not plain. */
static void draw_cell(const pen *p, const urs_solid_cell *cell, urs_figure *f, int32_t left, int32_t top)
{
    enum { SIDE = CELL / STEP + 1 };
    spot spots[SIDE][SIDE];
    for (int32_t r = 0; r < SIDE; r++)
        for (int32_t c = 0; c < SIDE; c++)
            spots[r][c] = look(p, cell, f, left + c * STEP, top + r * STEP);
    for (int32_t row = 0; row < CELL && top + row < f->height; row++) {
        for (int32_t column = 0; column < CELL && left + column < f->width; column++) {
            const int32_t r = row / STEP, c = column / STEP, u = column % STEP, v = row % STEP;
            const spot *const corner[4] = {&spots[r][c], &spots[r][c + 1], &spots[r + 1][c], &spots[r + 1][c + 1]};
            spot s;
            if (empty(p, corner))
                continue;
            if (u == 0 && v == 0)
                s = spots[r][c];
            else if (alike(p, corner))
                s = between(corner, (float)u / STEP, (float)v / STEP);
            else
                s = look(p, cell, f, left + column, top + row);
            paint_pixel(p, f, left + column, top + row, &s);
        }
    }
}

/* The point of the view is the first surface there (with some slack: it lies on the skin). */
static bool seen(const urs_animal *animal, urs_vec3 at, float pixel)
{
    urs_solid_cell cell;
    urs_hit hit;
    urs_solid_cell_make(&cell, &animal->solid, at.x, at.y, pixel, pixel);
    hit = urs_solid_meet(&animal->solid, &cell, at.x, at.y, 0.004f);
    return !hit.inside || hit.at.z - at.z < 0.09f;
}

static urs_point to_frame(const urs_stand *stand, urs_vec3 at)
{
    const urs_point p = {stand->x + at.x * stand->scale, stand->y - at.y * stand->scale};
    return p;
}

static bool inside_frame(urs_point p, int32_t width, int32_t height)
{
    return p.x >= 0.0f && p.y >= 0.0f && p.x < (float)width && p.y < (float)height;
}

static void find_points(urs_figure *out, const urs_animal *animal, const urs_stand *stand, int32_t width, int32_t height)
{
    const int left = animal->eye[0].x <= animal->eye[1].x ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        const urs_vec3 eye = animal->eye[i == 0 ? left : 1 - left];
        out->eye[i] = to_frame(stand, eye);
        out->eye_seen[i] = inside_frame(out->eye[i], width, height) && seen(animal, eye, 1.0f / stand->scale);
    }
    out->nose = to_frame(stand, animal->nose);
    out->nose_seen = inside_frame(out->nose, width, height) && seen(animal, animal->nose, 1.0f / stand->scale);
}

/* The flash thrown back by the eyes: a bright disc with a glow around it. */
static void add_eye_shine(const pen *p, urs_figure *out)
{
    const float radius = p->animal->traits.eye_size * p->stand->scale * 1.05f, reach = radius * 4.0f + 2.0f;
    const float bright = 2.4f * p->light->flash / (1.0f + 0.35f * p->stand->metres);
    for (int e = 0; e < 2; e++) {
        const urs_point at = out->eye[e];
        if (!out->eye_seen[e])
            continue;
        for (int32_t row = 0; row < out->height; row++) {
            const float dy = (float)(out->y + row) + 0.5f - at.y;
            if (fabsf(dy) > reach)
                continue;
            for (int32_t column = 0; column < out->width; column++) {
                const float dx = (float)(out->x + column) + 0.5f - at.x, d = sqrtf(dx * dx + dy * dy);
                const size_t i = (size_t)row * (size_t)out->width + (size_t)column;
                float v;
                if (d > reach || !out->cover[i])
                    continue;
                v = bright * (urs_clamp01(radius - d + 0.5f) + 0.10f * expf(-d * d / (radius * radius * 2.5f + 1.0f)));
                for (int c = 0; c < 3; c++)
                    out->colour[i * 3 + (size_t)c] += v;
            }
        }
    }
}

static void find_head_box(urs_figure *out)
{
    int32_t x1 = out->width, y1 = out->height, x2 = -1, y2 = -1;
    for (int32_t row = 0; row < out->height; row++) {
        for (int32_t column = 0; column < out->width; column++) {
            if (out->part[(size_t)row * (size_t)out->width + (size_t)column] != URS_PART_OF_HEAD)
                continue;
            x1 = column < x1 ? column : x1;
            x2 = column > x2 ? column : x2;
            y1 = row < y1 ? row : y1;
            y2 = row;
        }
    }
    if (x2 >= 0)
        out->head = (urs_box){(float)(out->x + x1), (float)(out->y + y1), (float)(out->x + x2 + 1), (float)(out->y + y2 + 1)};
}

static int32_t clamp_int(float x, int32_t low, int32_t high)
{
    return x < (float)low ? low : x > (float)high ? high : (int32_t)x;
}

urs_status urs_figure_draw(urs_figure *out, const urs_animal *animal, const urs_stand *stand, const urs_light *light, int32_t frame_width, int32_t frame_height,
                           urs_error *err)
{
    urs_figure f = {.metres = stand->metres};
    pen p = {.animal = animal, .stand = stand, .light = light, .pixel = 1.0f / stand->scale};
    urs_vec3 low, high;
    size_t area;

    p.half = urs_vec_unit(urs_vec_add(light->sun, urs_vec(0.0f, 0.0f, 1.0f)));
    urs_solid_bounds(&animal->solid, &low, &high);
    f.x = clamp_int(floorf(stand->x + (low.x - animal->fur) * stand->scale) - 1.0f, 0, frame_width);
    f.y = clamp_int(floorf(stand->y - (high.y + animal->fur) * stand->scale) - 1.0f, 0, frame_height);
    f.width = clamp_int(ceilf(stand->x + (high.x + animal->fur) * stand->scale) + 1.0f, 0, frame_width) - f.x;
    f.height = clamp_int(ceilf(stand->y - (low.y - animal->fur) * stand->scale) + 1.0f, 0, frame_height) - f.y;
    if (f.width < 0 || f.height < 0)
        f.width = f.height = 0;
    area = (size_t)f.width * (size_t)f.height;
    f.colour = urs_array_new(area * 3, sizeof *f.colour);
    f.cover = urs_array_new(area, 1);
    f.part = urs_array_new(area, 1);
    if (!f.colour || !f.cover || !f.part) {
        urs_figure_release(&f);
        return urs_fail(err, URS_ENOMEM, "no memory to draw an animal of %d x %d pixels", (int)f.width, (int)f.height);
    }
    for (int32_t top = 0; top < f.height; top += CELL) {
        for (int32_t left = 0; left < f.width; left += CELL) {
            urs_solid_cell cell;
            const float half = (0.5f * (float)CELL + 1.0f) * p.pixel; /* spots stand on both edges */
            const float x = ((float)(f.x + left) + 0.5f * (float)CELL - stand->x) * p.pixel, y = (stand->y - (float)(f.y + top) - 0.5f * (float)CELL) * p.pixel;
            urs_solid_cell_make(&cell, &animal->solid, x, y, half, animal->fur + p.pixel);
            if (cell.count == 0)
                continue;
            draw_cell(&p, &cell, &f, left, top);
        }
    }
    find_points(&f, animal, stand, frame_width, frame_height);
    find_head_box(&f);
    if (light->night)
        add_eye_shine(&p, &f);
    *out = f;
    return URS_OK;
}

void urs_figure_release(urs_figure *figure)
{
    urs_free(figure->colour);
    urs_free(figure->cover);
    urs_free(figure->part);
    memset(figure, 0, sizeof *figure);
}
