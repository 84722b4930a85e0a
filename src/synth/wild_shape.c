/* The other animals as solids: deer, fox and boar, told from bears by the shape of head, ears, legs and tail. See animal.h. */
#include "synth/animal.h"

#include <math.h>

typedef struct wild_plan { /* measures of a species in its own units */
    float length, width, depth, height; /* trunk: half length, half width, half depth; height of its middle */
    float leg_top, leg_foot;            /* radii */
    float neck, neck_radius, neck_up;
    float skull, skull_long;
    float muzzle, muzzle_base, muzzle_tip, muzzle_drop;
    float ear_width, ear_long, ear_x, ear_y, ear_tilt;
    float eye_x, eye_y, eye_z_yaw;
    float fur;
} wild_plan;

static const wild_plan plans[URS_SPECIES_COUNT] = {
    [URS_SPECIES_DEER] = {2.1f, 0.68f, 0.80f, 2.75f, 0.26f, 0.10f, 1.75f, 0.33f, 0.9f, 0.33f, 0.40f, 0.85f, 0.21f, 0.12f, 0.05f, 0.15f, 0.42f, 0.36f, 0.26f, 1.05f, 0.27f, 0.08f, 0.7f, 0.02f},
    [URS_SPECIES_FOX] = {1.7f, 0.50f, 0.55f, 1.75f, 0.22f, 0.10f, 1.0f, 0.42f, 0.35f, 0.46f, 0.44f, 0.72f, 0.22f, 0.08f, 0.06f, 0.20f, 0.44f, 0.29f, 0.42f, 0.30f, 0.22f, 0.06f, 0.3f, 0.085f},
    [URS_SPECIES_BOAR] = {2.0f, 0.78f, 1.0f, 1.85f, 0.30f, 0.12f, 0.95f, 0.75f, -0.05f, 0.48f, 0.58f, 1.15f, 0.36f, 0.19f, 0.18f, 0.17f, 0.34f, 0.30f, 0.46f, 0.35f, 0.26f, 0.12f, 0.5f, 0.07f},
};

static void add_leg(urs_animal *a, const wild_plan *p, float x, float z, float swing, bool hind)
{
    urs_solid *s = &a->solid;
    const int f = a->body_frame;
    const float foot_z = z + 0.45f * swing, knee = p->height * 0.48f;
    urs_solid_rod(s, f, URS_MATERIAL_BODY, urs_vec(x, p->height - 0.15f, z), p->leg_top * (hind ? 1.7f : 1.3f), urs_vec(x, knee, z + 0.15f * swing + (hind ? -0.12f : 0.05f)),
                  p->leg_foot * 1.4f, 0.25f);
    urs_solid_rod(s, f, URS_MATERIAL_LEG, urs_vec(x, knee, z + 0.15f * swing + (hind ? -0.12f : 0.05f)), p->leg_foot * 1.35f, urs_vec(x, 0.14f, foot_z), p->leg_foot * 0.85f, 0.08f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HOOF, urs_vec(x, 0.08f, foot_z + 0.05f), urs_vec(p->leg_foot * 1.1f, 0.1f, p->leg_foot * 1.7f), 0.03f);
}

static void add_trunk(urs_animal *a, const wild_plan *p, const urs_pose *pose)
{
    urs_solid *s = &a->solid;
    const int f = a->body_frame;
    const float b = a->traits.bulk, swing = sinf(pose->stride), counter = cosf(pose->stride);
    const urs_vec3 head = urs_frame3_in(&s->frames[f], urs_frame3_out(&s->frames[a->head_frame], urs_vec(0.0f, -0.08f, -0.2f)));
    const float front = p->length * 0.55f, back = -p->length * 0.6f, leg_x = p->width * 0.62f;

    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, p->height, front * 0.8f), urs_vec(p->width * b, p->depth * 1.05f * b, p->length * 0.5f), 0.4f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, p->height - 0.02f, -0.2f), urs_vec(p->width * b, p->depth * 0.9f * b, p->length * 0.7f), 0.4f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, p->height + 0.05f, back), urs_vec(p->width * 0.95f * b, p->depth * 0.95f * b, p->length * 0.42f), 0.4f);
    urs_solid_rod(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, p->height + p->depth * 0.25f, front * 1.1f), p->neck_radius * 1.5f, head, p->neck_radius, 0.3f);
    add_leg(a, p, -leg_x, front, swing, false);
    add_leg(a, p, leg_x, front, -swing, false);
    add_leg(a, p, -leg_x, back * 1.15f, counter, true);
    add_leg(a, p, leg_x, back * 1.15f, -counter, true);
    if (a->traits.species == URS_SPECIES_FOX) {
        urs_solid_rod(s, f, URS_MATERIAL_TAIL, urs_vec(0.0f, p->height + 0.2f, back - 0.6f), 0.16f, urs_vec(0.2f, p->height - 0.5f, back - 1.6f), 0.36f, 0.2f);
        urs_solid_rod(s, f, URS_MATERIAL_TAIL, urs_vec(0.2f, p->height - 0.5f, back - 1.6f), 0.34f, urs_vec(0.3f, p->height - 0.75f, back - 2.3f), 0.12f, 0.2f);
    } else if (a->traits.species == URS_SPECIES_BOAR) {
        urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, p->height + 0.75f, front * 0.6f), urs_vec(0.3f, 0.42f, 1.2f), 0.35f); /* bristle crest */
        urs_solid_rod(s, f, URS_MATERIAL_TAIL, urs_vec(0.0f, p->height + 0.3f, back - 0.75f), 0.07f, urs_vec(0.0f, p->height - 0.5f, back - 0.95f), 0.04f, 0.05f);
    } else {
        urs_solid_ellipsoid(s, f, URS_MATERIAL_TAIL, urs_vec(0.0f, p->height + 0.3f, back - 0.95f), urs_vec(0.13f, 0.26f, 0.12f), 0.1f);
    }
}

static void add_antler(urs_animal *a, float sign)
{
    urs_solid *s = &a->solid;
    const int f = a->head_frame;
    const urs_vec3 foot = urs_vec(sign * 0.16f, 0.34f, -0.1f), bend = urs_vec(sign * 0.6f, 0.95f, -0.45f), top = urs_vec(sign * 0.55f, 1.75f, -0.15f);
    urs_solid_rod(s, f, URS_MATERIAL_HORN, foot, 0.075f, bend, 0.06f, 0.05f);
    urs_solid_rod(s, f, URS_MATERIAL_HORN, bend, 0.06f, top, 0.025f, 0.05f);
    urs_solid_rod(s, f, URS_MATERIAL_HORN, urs_vec(sign * 0.24f, 0.45f, -0.15f), 0.05f, urs_vec(sign * 0.28f, 0.8f, 0.3f), 0.02f, 0.05f);
    urs_solid_rod(s, f, URS_MATERIAL_HORN, urs_vec(sign * 0.6f, 1.25f, -0.33f), 0.05f, urs_vec(sign * 0.9f, 1.6f, -0.05f), 0.02f, 0.05f);
}

static void add_head(urs_animal *a, const wild_plan *p)
{
    urs_solid *s = &a->solid;
    const urs_traits *t = &a->traits;
    const int f = a->head_frame, first = s->count;
    const float w = t->face_width, tip_z = p->skull_long * 0.5f + p->muzzle * t->muzzle_length, tip_y = -0.1f - p->muzzle_drop;

    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(0.0f, 0.05f, -0.05f), urs_vec(p->skull * w, p->skull * 0.98f, p->skull_long), 0.15f);
    urs_solid_rod(s, f, URS_MATERIAL_MUZZLE, urs_vec(0.0f, -0.06f, p->skull_long * 0.4f), p->muzzle_base, urs_vec(0.0f, tip_y, tip_z), p->muzzle_tip, 0.15f);
    if (t->species == URS_SPECIES_FOX) {
        urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(-0.34f, -0.12f, 0.02f), urs_vec(0.24f, 0.17f, 0.22f), 0.12f);
        urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(0.34f, -0.12f, 0.02f), urs_vec(0.24f, 0.17f, 0.22f), 0.12f);
    }
    a->nose_local = urs_vec(0.0f, tip_y + p->muzzle_tip * 0.35f, tip_z + p->muzzle_tip * 0.75f);
    if (t->species == URS_SPECIES_BOAR)
        urs_solid_ellipsoid(s, f, URS_MATERIAL_SNOUT_DISC, urs_vec(0.0f, tip_y, tip_z + p->muzzle_tip * 0.85f), urs_vec(0.2f, 0.17f, 0.05f), 0.03f);
    else
        urs_solid_ellipsoid(s, f, URS_MATERIAL_NOSE, a->nose_local, urs_vec(p->muzzle_tip * 0.75f, p->muzzle_tip * 0.5f, p->muzzle_tip * 0.5f), 0.03f);
    for (int i = 0; i < 2; i++) {
        const float x = i ? p->eye_x : -p->eye_x;
        a->eye_local[i] = urs_vec(x, p->eye_y, urs_animal_face_depth(a, first, x, p->eye_y) - 0.01f);
    }
    for (int i = 0; i < 2; i++)
        urs_solid_ellipsoid(s, f, URS_MATERIAL_EYE, a->eye_local[i], urs_vec(t->eye_size, t->eye_size, t->eye_size), 0.0f);
    for (int side = 0; side < 2; side++) {
        const float sign = side ? 1.0f : -1.0f;
        a->ear_frame[side] = urs_solid_frame(s, urs_frame3_make(&s->frames[f], urs_vec(sign * p->ear_x, p->ear_y, -0.12f), sign * 0.4f, 0.0f, -sign * p->ear_tilt));
        urs_solid_ellipsoid(s, a->ear_frame[side], URS_MATERIAL_EAR, urs_vec(0.0f, p->ear_long * 0.6f, 0.0f),
                            urs_vec(p->ear_width * t->ear_size, p->ear_long * t->ear_size, 0.07f), 0.05f);
    }
    if (t->antlers) {
        add_antler(a, -1.0f);
        add_antler(a, 1.0f);
    }
    for (int i = 0; i < 2; i++)
        a->eye[i] = urs_frame3_out(&s->frames[f], urs_vec_add(a->eye_local[i], urs_vec(0.0f, 0.0f, t->eye_size)));
    a->nose = urs_frame3_out(&s->frames[f], a->nose_local);
}

void urs_animal_build_wild(urs_animal *out, const urs_pose *pose)
{
    const wild_plan *p = &plans[out->traits.species];
    out->fur = p->fur;
    urs_animal_place_frames(out, pose, urs_vec(0.0f, p->height + p->depth * 0.4f + p->neck_up, p->length * 0.75f), p->neck);
    add_trunk(out, p, pose);
    add_head(out, p);
}
