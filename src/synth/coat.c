/* The look of the surface: colour, pattern, hair, marks. Everything that tells individuals apart is a function of the place on the animal, so it moves
 * with the animal and comes back in every picture. See animal.h. */
#include "synth/animal.h"

#include "synth/noise.h"

#include <math.h>

static urs_rgb mix_rgb(urs_rgb a, urs_rgb b, float t)
{
    const urs_rgb c = {urs_mix(a.r, b.r, t), urs_mix(a.g, b.g, t), urs_mix(a.b, b.b, t)};
    return c;
}

static urs_rgb scale_rgb(urs_rgb a, float k)
{
    const urs_rgb c = {a.r * k, a.g * k, a.b * k};
    return c;
}

/* Brightness of the single hairs, mean 0: strands that are finer than a pixel fade away instead of flickering. */
static float strands(float across, float along, float strand_size, float detail, uint32_t seed)
{
    const float coarse = urs_noise_2d(across, along, seed) - 0.5f;
    const float fine = urs_noise_2d(across * 2.7f, along * 2.1f, seed + 5u) - 0.5f;
    const float visible = urs_clamp01(strand_size / (detail * 1.2f)), visible_fine = urs_clamp01(strand_size / (detail * 3.0f));
    return coarse * (0.35f + 0.65f * visible) + 0.7f * fine * visible_fine;
}

static float head_strands(const urs_animal *a, urs_vec3 p, float detail)
{
    const urs_vec3 q = urs_vec_sub(p, a->nose_local);
    const float r = sqrtf(urs_vec_dot(q, q)), angle = atan2f(q.x, q.y);
    const float tuft = urs_noise_3d(p.x * 5.0f, p.y * 5.0f, p.z * 5.0f, a->traits.seed + 6u);
    return 0.85f * strands(angle * 30.0f + 1.5f * tuft, r * 7.0f + 2.0f * tuft, 0.03f, detail, a->traits.seed);
}

static float body_strands(const urs_animal *a, urs_vec3 p, float detail)
{
    /* hair hangs down the flanks and lies backwards on the back: long along y, fine along z and x; tufts break the lines */
    const float tuft = urs_noise_3d(p.x * 3.0f, p.y * 2.0f, p.z * 3.0f, a->traits.seed + 78u);
    const float across = (p.z + 0.15f * tuft) * 26.0f + p.x * 21.0f, along = p.y * 5.0f + p.z * 3.0f + 4.0f * tuft;
    return 0.6f * strands(across, along, 0.04f, detail, a->traits.seed + 77u);
}

static float segment_distance(float x, float y, const urs_scar *scar)
{
    const float dx = scar->x2 - scar->x1, dy = scar->y2 - scar->y1;
    const float t = urs_clamp01(((x - scar->x1) * dx + (y - scar->y1) * dy) / (dx * dx + dy * dy + 1e-9f));
    const float ex = x - scar->x1 - t * dx, ey = y - scar->y1 - t * dy;
    return sqrtf(ex * ex + ey * ey);
}

static float gauss(float d, float width)
{
    return expf(-d * d / (2.0f * width * width));
}

static float eye_nearness(const urs_animal *a, urs_vec3 p, float width)
{
    float best = 0.0f;
    for (int i = 0; i < 2; i++) {
        const urs_vec3 d = urs_vec_sub(p, a->eye_local[i]);
        const float g = gauss(sqrtf(d.x * d.x * 0.7f + d.y * d.y + d.z * d.z * 0.5f), width);
        best = g > best ? g : best;
    }
    return best;
}

static void paint_mouth(const urs_animal *a, urs_vec3 p, urs_coat_sample *out)
{
    const float tip = a->nose_local.z, front = urs_smooth(tip - 0.55f, tip - 0.3f, p.z);
    /* the line between the lips falls back towards the cheeks, a short furrow joins it to the nose */
    const float lip = a->nose_local.y - 0.155f - 0.35f * p.x * p.x + 0.10f * (p.z - tip);
    const float line = gauss(p.y - lip, 0.016f) * front;
    const float furrow = gauss(p.x, 0.012f) * front * (p.y < a->nose_local.y - 0.05f && p.y > lip ? 1.0f : 0.0f);
    const float dark = line > furrow ? line : furrow;
    out->colour = mix_rgb(out->colour, (urs_rgb){0.012f, 0.009f, 0.008f}, 0.85f * dark);
    out->infrared *= 1.0f - 0.75f * dark;
}

static urs_coat_sample bear_head(const urs_animal *a, urs_vec3 p, bool muzzle_piece, float detail)
{
    const urs_traits *t = &a->traits;
    urs_coat_sample out = {.fur = 1.0f};
    const float blotch = urs_noise_3d(p.x * 2.6f + 3.0f, p.y * 2.6f, p.z * 2.6f, t->seed + 11u) - 0.5f;
    const float blotch_fine = urs_noise_3d(p.x * 6.0f, p.y * 6.0f, p.z * 6.0f, t->seed + 12u) - 0.5f;
    const float pattern = t->blotch * (1.5f * blotch + 0.7f * blotch_fine);
    const float muzzle = urs_smooth(0.38f, 0.62f, p.z + 0.22f * pattern - 0.2f * fabsf(p.x) - 0.35f * (p.y + 0.05f));
    const float patch = eye_nearness(a, p, 0.105f) * (1.0f - 0.4f * muzzle);
    const float hair = head_strands(a, p, detail);
    const float blaze = t->blaze * gauss(p.x, t->blaze_width) * urs_smooth(0.62f, 0.45f, p.y) * urs_smooth(0.05f, 0.2f, p.y) * urs_smooth(0.0f, 0.2f, p.z);
    float tone;

    out.colour = mix_rgb(t->coat, t->muzzle, muzzle);
    out.colour = mix_rgb(out.colour, t->muzzle, blaze);
    out.colour = mix_rgb(out.colour, t->eye_patch > 0.0f ? t->dark : t->muzzle, patch * fabsf(t->eye_patch));
    /* light tips on the cheeks and the crown */
    out.colour = mix_rgb(out.colour, (urs_rgb){0.42f, 0.34f, 0.24f}, t->grizzle * 0.55f * urs_clamp01(hair * 1.6f) * (1.0f - muzzle));
    tone = (1.0f + 0.75f * pattern) * (1.0f + hair * (muzzle_piece ? 0.5f : 1.15f));
    out.colour = scale_rgb(out.colour, tone < 0.25f ? 0.25f : tone);
    out.infrared = 0.17f + 0.90f * sqrtf((out.colour.r + out.colour.g + out.colour.b) / 3.0f);
    for (int i = 0; i < t->scar_count; i++) {
        const float d = segment_distance(p.x, p.y, &t->scars[i]);
        const float bare = p.z > 0.1f ? 1.0f - urs_smooth(t->scars[i].width * 0.6f, t->scars[i].width * 1.3f, d) : 0.0f;
        out.colour = mix_rgb(out.colour, (urs_rgb){0.36f, 0.25f, 0.22f}, 0.8f * bare);
        out.infrared = urs_mix(out.infrared, 0.72f, 0.8f * bare);
        out.fur *= 1.0f - bare;
    }
    paint_mouth(a, p, &out);
    /* wet rims of the eyes */
    out.colour = mix_rgb(out.colour, (urs_rgb){0.01f, 0.008f, 0.007f}, urs_smooth(0.55f, 0.9f, eye_nearness(a, p, 0.055f)));
    return out;
}

static urs_coat_sample wild_head(const urs_animal *a, urs_vec3 p, float detail)
{
    const urs_traits *t = &a->traits;
    urs_coat_sample out = {.fur = 1.0f};
    const float hair = head_strands(a, p, detail);
    float white = 0.0f;
    if (t->species == URS_SPECIES_FOX)
        white = urs_smooth(0.02f, -0.1f, p.y - 0.15f * fabsf(p.x));
    else if (t->species == URS_SPECIES_DEER)
        white = 0.7f * urs_smooth(-0.12f, -0.25f, p.y) + 0.5f * gauss(p.z - a->nose_local.z + 0.12f, 0.06f);
    out.colour = mix_rgb(t->coat, t->muzzle, urs_clamp01(white));
    if (t->species == URS_SPECIES_BOAR)
        out.colour = mix_rgb(out.colour, t->muzzle, 0.6f * gauss(p.y + 0.25f, 0.1f) * urs_smooth(0.1f, 0.4f, p.z));
    out.colour = scale_rgb(out.colour, 1.0f + 0.8f * hair);
    out.colour = mix_rgb(out.colour, t->dark, 0.7f * eye_nearness(a, p, 0.07f));
    out.infrared = 0.22f + 0.80f * sqrtf((out.colour.r + out.colour.g + out.colour.b) / 3.0f);
    return out;
}

static urs_coat_sample ear(const urs_animal *a, urs_vec3 p, int side, float detail)
{
    const urs_traits *t = &a->traits;
    urs_coat_sample out = {.fur = 1.0f};
    const float rx = 0.205f * t->ear_size, ry = 0.225f * t->ear_size * (t->ear_length > 0.0f ? t->ear_length : 1.0f);
    const float rim = sqrtf((p.x / rx) * (p.x / rx) + ((p.y - 0.04f) / ry) * ((p.y - 0.04f) / ry));
    const float hair = strands(p.x * 40.0f, p.y * 9.0f, 0.025f, detail, t->seed + 31u);
    const float sign = side ? 1.0f : -1.0f;
    out.colour = mix_rgb(t->coat, t->dark, t->species == URS_SPECIES_BEAR ? 0.45f : 0.25f);
    if (t->species == URS_SPECIES_BEAR) {
        if (p.z > 0.0f)
            out.colour = mix_rgb(out.colour, (urs_rgb){0.035f, 0.024f, 0.018f}, urs_smooth(0.85f, 0.45f, rim));
        out.colour = mix_rgb(out.colour, t->muzzle, t->ear_rim * urs_smooth(0.75f, 0.95f, rim));
        if (t->notch_ear && t->notch_ear == (side ? 1 : -1)) {
            const float nx = rx * sinf(t->notch_angle) * sign, ny = 0.04f + ry * cosf(t->notch_angle);
            const float d = sqrtf((p.x - nx) * (p.x - nx) + (p.y - ny) * (p.y - ny));
            out.hole = d < t->notch_size;
        }
    } else if (p.z > 0.0f) {
        out.colour = mix_rgb(out.colour, (urs_rgb){0.34f, 0.26f, 0.22f}, 0.6f * urs_smooth(0.15f, 0.05f, fabsf(p.x)));
    } else if (t->species == URS_SPECIES_FOX) {
        out.colour = t->dark;
    }
    out.colour = scale_rgb(out.colour, 1.0f + 0.9f * hair);
    out.infrared = 0.20f + 0.85f * sqrtf((out.colour.r + out.colour.g + out.colour.b) / 3.0f);
    return out;
}

static urs_coat_sample body(const urs_animal *a, urs_vec3 p, urs_vec3 n, bool leg, float detail)
{
    const urs_traits *t = &a->traits;
    urs_coat_sample out = {.fur = 1.0f};
    const float hair = body_strands(a, p, detail);
    const float clumps = urs_noise_3d(p.x * 2.2f, p.y * 1.4f, p.z * 2.2f, t->seed + 21u) - 0.5f;
    const float dark = leg ? 0.85f : urs_smooth(1.6f, 0.7f, p.y) * 0.75f;
    out.colour = mix_rgb(t->coat, t->dark, t->species == URS_SPECIES_DEER ? 0.3f * dark : dark);
    if (t->species == URS_SPECIES_BEAR) {
        /* the chest patch: a crescent between the forelegs */
        const float crescent = gauss(p.y - 2.0f - 0.55f * p.x * p.x / (t->chest_width * t->chest_width), 0.12f) * urs_smooth(t->chest_width, t->chest_width * 0.7f, fabsf(p.x));
        out.colour = mix_rgb(out.colour, (urs_rgb){0.5f, 0.4f, 0.26f}, t->chest_patch * crescent * urs_smooth(1.0f, 1.5f, p.z));
        out.colour = mix_rgb(out.colour, (urs_rgb){0.42f, 0.34f, 0.24f}, t->grizzle * 0.6f * urs_clamp01(hair * 1.7f + 0.1f) * urs_smooth(1.5f, 2.7f, p.y));
    } else if (t->species == URS_SPECIES_DEER) {
        out.colour = mix_rgb(out.colour, (urs_rgb){0.55f, 0.5f, 0.42f}, 0.8f * urs_smooth(0.0f, -0.6f, n.y) * urs_smooth(1.5f, 1.9f, p.y));
        out.colour = mix_rgb(out.colour, (urs_rgb){0.6f, 0.56f, 0.48f}, 0.8f * urs_smooth(-1.75f, -2.0f, p.z) * urs_smooth(2.2f, 2.6f, p.y));
    } else if (t->species == URS_SPECIES_FOX) {
        out.colour = mix_rgb(out.colour, (urs_rgb){0.6f, 0.55f, 0.48f}, 0.85f * urs_smooth(1.5f, 1.3f, p.y) * (leg ? 0.0f : 1.0f) * urs_smooth(-0.5f, 0.8f, p.z));
        out.colour = mix_rgb(out.colour, (urs_rgb){0.7f, 0.66f, 0.6f}, urs_smooth(-2.95f, -3.2f, p.z));
    }
    out.colour = scale_rgb(out.colour, (1.0f + 1.0f * hair) * (1.0f + 0.7f * clumps));
    out.infrared = 0.17f + 0.90f * sqrtf((out.colour.r + out.colour.g + out.colour.b) / 3.0f);
    return out;
}

static urs_coat_sample bare(urs_rgb colour, float infrared, float gloss)
{
    const urs_coat_sample s = {.colour = colour, .infrared = infrared, .gloss = gloss};
    return s;
}

static urs_coat_sample nose(const urs_animal *a, urs_vec3 p)
{
    const float grain = urs_noise_3d(p.x * 45.0f, p.y * 45.0f, p.z * 45.0f, a->traits.seed) - 0.5f;
    const float left = gauss(sqrtf((p.x + 0.062f) * (p.x + 0.062f) + 1.8f * (p.y - a->nose_local.y + 0.018f) * (p.y - a->nose_local.y + 0.018f)), 0.026f);
    const float right = gauss(sqrtf((p.x - 0.062f) * (p.x - 0.062f) + 1.8f * (p.y - a->nose_local.y + 0.018f) * (p.y - a->nose_local.y + 0.018f)), 0.026f);
    const float hole = left + right;
    urs_coat_sample s = bare(scale_rgb((urs_rgb){0.034f, 0.028f, 0.027f}, 1.0f + grain), 0.26f + 0.08f * grain, 0.7f);
    s.colour = scale_rgb(s.colour, 1.0f - 0.85f * urs_clamp01(hole));
    s.infrared *= 1.0f - 0.8f * urs_clamp01(hole);
    s.gloss *= 1.0f - urs_clamp01(hole);
    return s;
}

urs_coat_sample urs_coat_at(const urs_animal *animal, int piece, urs_vec3 at, urs_vec3 normal, float detail)
{
    const urs_piece *what = &animal->solid.pieces[piece];
    const urs_vec3 p = urs_frame3_in(&animal->solid.frames[what->frame], at);
    const urs_vec3 n = urs_frame3_turn_in(&animal->solid.frames[what->frame], normal);
    const bool is_bear = animal->traits.species == URS_SPECIES_BEAR;
    switch ((urs_material)what->material) {
    case URS_MATERIAL_HEAD: return is_bear ? bear_head(animal, p, false, detail) : wild_head(animal, p, detail);
    case URS_MATERIAL_MUZZLE: return is_bear ? bear_head(animal, p, true, detail) : wild_head(animal, p, detail);
    case URS_MATERIAL_NOSE: return nose(animal, p);
    case URS_MATERIAL_EYE: return bare((urs_rgb){0.020f, 0.011f, 0.006f}, 0.1f, 1.0f);
    case URS_MATERIAL_EAR: return ear(animal, p, what->frame == animal->ear_frame[1], detail);
    case URS_MATERIAL_HORN: return bare((urs_rgb){0.28f, 0.2f, 0.13f}, 0.6f, 0.15f);
    case URS_MATERIAL_HOOF: return bare((urs_rgb){0.02f, 0.017f, 0.015f}, 0.2f, 0.2f);
    case URS_MATERIAL_CLAW: return bare((urs_rgb){0.10f, 0.08f, 0.06f}, 0.5f, 0.4f);
    case URS_MATERIAL_SNOUT_DISC: {
        urs_coat_sample s = bare((urs_rgb){0.12f, 0.08f, 0.07f}, 0.5f, 0.3f);
        const float hole = gauss(sqrtf((fabsf(p.x) - 0.07f) * (fabsf(p.x) - 0.07f) + (p.y - animal->nose_local.y + 0.07f) * (p.y - animal->nose_local.y + 0.07f)), 0.03f);
        s.colour = scale_rgb(s.colour, 1.0f - 0.9f * hole);
        return s;
    }
    case URS_MATERIAL_LEG: return body(animal, p, n, true, detail);
    case URS_MATERIAL_BODY:
    case URS_MATERIAL_TAIL: return body(animal, p, n, false, detail);
    }
    return body(animal, p, n, false, detail);
}
