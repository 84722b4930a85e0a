/* What animals have in common, and how individuals are drawn by lot; see animal.h. */
#include "synth/animal.h"

#include "synth/noise.h"

#include <math.h>

const char *urs_species_name(urs_species species)
{
    static const char *const names[] = {[URS_SPECIES_BEAR] = "bear", [URS_SPECIES_DEER] = "deer", [URS_SPECIES_FOX] = "fox", [URS_SPECIES_BOAR] = "boar"};
    return species < URS_SPECIES_COUNT ? names[species] : "unknown";
}

static float draw(urs_random *r, float low, float high)
{
    return (float)urs_random_range(r, low, high);
}

static urs_rgb mix_rgb(urs_rgb a, urs_rgb b, float t)
{
    const urs_rgb c = {urs_mix(a.r, b.r, t), urs_mix(a.g, b.g, t), urs_mix(a.b, b.b, t)};
    return c;
}

/* Spreads individuals evenly over 0 .. 1 (golden ratio), with some luck: neighbours in number are far apart in kind. */
static float spread(urs_random *r, int index, int which)
{
    const double x = (double)index * 0.61803398875 + (double)which * 0.7548776662 + urs_random_range(r, -0.06, 0.06) + 1.0;
    return (float)(x - floor(x));
}

static void draw_marks(urs_traits *t, urs_random *r)
{
    t->notch_ear = (int)urs_random_below(r, 3) - 1;
    t->notch_angle = draw(r, -1.2f, 1.2f);
    t->notch_size = draw(r, 0.05f, 0.1f);
    t->scar_count = (int)urs_random_below(r, URS_SCARS_MAX + 1);
    for (int i = 0; i < t->scar_count; i++) {
        const float x = draw(r, -0.42f, 0.42f), y = draw(r, -0.32f, 0.42f), angle = draw(r, 0.0f, 3.14f), length = draw(r, 0.1f, 0.28f);
        t->scars[i] = (urs_scar){x, y, x + length * cosf(angle), y + length * sinf(angle), draw(r, 0.015f, 0.03f)};
    }
}

static void draw_bear(urs_traits *t, urs_random *r, int index)
{
    static const urs_rgb coats[] = {{0.085f, 0.047f, 0.024f}, {0.30f, 0.185f, 0.085f}, {0.028f, 0.021f, 0.018f}, {0.17f, 0.088f, 0.038f},
                                    {0.20f, 0.14f, 0.085f}, {0.055f, 0.036f, 0.025f}, {0.13f, 0.095f, 0.066f}};
    static const urs_rgb muzzles[] = {{0.36f, 0.24f, 0.13f}, {0.20f, 0.12f, 0.06f}, {0.46f, 0.34f, 0.21f}, {0.27f, 0.17f, 0.10f}};
    const size_t coat_count = sizeof coats / sizeof coats[0];
    const size_t coat = ((size_t)index + (size_t)urs_random_below(r, 2) * 3) % coat_count;
    t->coat = mix_rgb(coats[coat], coats[urs_random_below(r, coat_count)], draw(r, 0.0f, 0.3f));
    t->muzzle = mix_rgb(muzzles[urs_random_below(r, 4)], t->coat, draw(r, 0.0f, 0.55f));
    t->dark = mix_rgb(t->coat, (urs_rgb){0.022f, 0.015f, 0.011f}, draw(r, 0.3f, 0.85f));
    t->face_width = urs_mix(0.88f, 1.14f, spread(r, index, 0));
    t->cheek = urs_mix(0.82f, 1.22f, spread(r, index, 1));
    t->forehead = urs_mix(0.75f, 1.35f, spread(r, index, 2));
    t->brow = urs_mix(0.7f, 1.3f, spread(r, index, 3));
    t->muzzle_length = urs_mix(0.72f, 1.3f, spread(r, index, 4));
    t->muzzle_width = urs_mix(0.82f, 1.2f, spread(r, index, 5));
    t->muzzle_drop = urs_mix(-0.03f, 0.09f, spread(r, index, 6));
    t->nose_width = urs_mix(0.82f, 1.2f, spread(r, index, 7));
    t->eye_spread = urs_mix(0.205f, 0.30f, spread(r, index, 8));
    t->eye_height = urs_mix(0.06f, 0.17f, spread(r, index, 9));
    t->eye_size = urs_mix(0.044f, 0.058f, spread(r, index, 10));
    t->ear_size = urs_mix(0.76f, 1.25f, spread(r, index, 11));
    t->ear_spread = urs_mix(0.36f, 0.54f, spread(r, index, 12));
    t->ear_height = urs_mix(0.46f, 0.60f, spread(r, index, 13));
    t->ear_length = urs_mix(0.85f, 1.2f, spread(r, index, 14));
    t->ear_tilt = urs_mix(0.15f, 0.65f, spread(r, index, 15));
    t->bulk = draw(r, 0.9f, 1.15f);
    t->hump = draw(r, 0.7f, 1.2f);
    t->leg_length = draw(r, 0.92f, 1.06f);
    t->size = draw(r, 0.85f, 1.1f);
    t->grizzle = draw(r, 0.0f, 0.75f);
    t->blotch = draw(r, 0.25f, 0.8f);
    t->eye_patch = urs_mix(-0.35f, 0.95f, spread(r, index, 16));
    t->blaze = urs_random_unit(r) < 0.4 ? draw(r, 0.4f, 0.9f) : 0.0f;
    t->blaze_width = draw(r, 0.05f, 0.12f);
    t->chest_patch = urs_random_unit(r) < 0.4 ? draw(r, 0.4f, 1.0f) : 0.0f;
    t->chest_width = draw(r, 0.5f, 0.9f);
    t->ear_rim = draw(r, 0.0f, 0.8f);
    draw_marks(t, r);
}

static void draw_wild(urs_traits *t, urs_random *r)
{
    static const urs_rgb coats[] = {[URS_SPECIES_DEER] = {0.20f, 0.115f, 0.06f}, [URS_SPECIES_FOX] = {0.36f, 0.13f, 0.035f}, [URS_SPECIES_BOAR] = {0.06f, 0.046f, 0.036f}};
    static const float sizes[] = {[URS_SPECIES_DEER] = 0.72f, [URS_SPECIES_FOX] = 0.36f, [URS_SPECIES_BOAR] = 0.62f};
    const float tone = draw(r, 0.75f, 1.3f);
    t->coat = (urs_rgb){coats[t->species].r * tone, coats[t->species].g * tone * draw(r, 0.93f, 1.07f), coats[t->species].b * tone};
    t->muzzle = mix_rgb(t->coat, (urs_rgb){0.5f, 0.45f, 0.38f}, t->species == URS_SPECIES_FOX ? 0.85f : 0.3f);
    t->dark = mix_rgb(t->coat, (urs_rgb){0.02f, 0.017f, 0.015f}, t->species == URS_SPECIES_DEER ? 0.3f : 0.9f);
    t->size = sizes[t->species] * draw(r, 0.85f, 1.15f);
    t->face_width = draw(r, 0.92f, 1.08f);
    t->muzzle_length = draw(r, 0.9f, 1.15f);
    t->ear_size = draw(r, 0.9f, 1.15f);
    t->bulk = draw(r, 0.92f, 1.1f);
    t->leg_length = draw(r, 0.95f, 1.05f);
    t->grizzle = t->species == URS_SPECIES_BOAR ? draw(r, 0.4f, 0.9f) : 0.1f;
    t->blotch = 0.3f;
    t->antlers = t->species == URS_SPECIES_DEER && urs_random_unit(r) < 0.5;
    t->eye_size = 0.05f;
}

urs_traits urs_traits_make(urs_species species, uint64_t seed, int index)
{
    urs_traits t = {.species = species};
    urs_random r;
    urs_random_init_stream(&r, seed ^ (uint64_t)(species + 1) * 0x51ed270b0a5f3dull, (uint64_t)index);
    t.seed = (uint32_t)urs_random_u64(&r);
    if (species == URS_SPECIES_BEAR)
        draw_bear(&t, &r, index + (int)(seed % 977));
    else
        draw_wild(&t, &r);
    return t;
}

void urs_animal_place_frames(urs_animal *out, const urs_pose *pose, urs_vec3 pivot, float reach)
{
    urs_solid *s = &out->solid;
    const urs_frame3 identity = urs_frame3_identity();
    const urs_frame3 root = urs_frame3_make(&identity, urs_vec(0.0f, 0.0f, 0.0f), 0.0f, pose->camera_pitch, 0.0f);
    const urs_frame3 body = urs_frame3_make(&root, urs_vec(0.0f, 0.0f, 0.0f), pose->heading, 0.0f, 0.0f);
    const float angle = pose->lift > 0.0f ? pose->lift * 0.9f : pose->lift * 1.15f;
    /* the neck follows the head's turn by half */
    const float turn = 0.5f * (pose->head_yaw - pose->heading);
    const urs_vec3 place = urs_vec(pivot.x + reach * cosf(angle) * sinf(turn), pivot.y + reach * sinf(angle), pivot.z + reach * cosf(angle) * cosf(turn));
    const urs_vec3 in_root = urs_frame3_in(&root, urs_frame3_out(&body, place));
    out->body_frame = urs_solid_frame(s, body);
    out->head_frame = urs_solid_frame(s, urs_frame3_make(&root, in_root, pose->head_yaw, pose->head_pitch - pose->camera_pitch, pose->head_roll));
    out->ear_frame[0] = out->ear_frame[1] = -1;
}

float urs_animal_face_depth(const urs_animal *animal, int pieces_from, float x, float y)
{
    const urs_solid *s = &animal->solid;
    const urs_frame3 *head = &s->frames[animal->head_frame];
    urs_solid_cell cell = {.count = 0};
    float z = 2.5f;
    for (int i = pieces_from; i < s->count; i++)
        cell.items[cell.count++] = (uint8_t)i;
    for (int step = 0; step < 60 && z > -1.0f; step++) {
        const float d = urs_solid_distance(s, &cell, urs_frame3_out(head, urs_vec(x, y, z)));
        if (d < 0.002f)
            break;
        z -= d * 0.8f;
    }
    return z;
}

bool urs_animal_is_head(const urs_animal *animal, int piece)
{
    const int frame = piece < 0 ? -1 : animal->solid.pieces[piece].frame;
    return frame >= 0 && (frame == animal->head_frame || frame == animal->ear_frame[0] || frame == animal->ear_frame[1]);
}

void urs_animal_make(urs_animal *out, const urs_traits *traits, const urs_pose *pose)
{
    *out = (urs_animal){.traits = *traits};
    if (traits->species == URS_SPECIES_BEAR)
        urs_animal_build_bear(out, pose);
    else
        urs_animal_build_wild(out, pose);
}
