/* The bear as a solid; measures by eye from photographs of brown bears, not from any model. See animal.h. */
#include "synth/animal.h"

#include <math.h>

static void add_leg(urs_animal *a, float x, float z, float swing, bool hind)
{
    urs_solid *s = &a->solid;
    const urs_traits *t = &a->traits;
    const float knee_y = 0.95f * t->leg_length, top = hind ? 1.75f : 1.85f, bulk = t->bulk;
    const float foot_z = z + 0.55f * swing, knee_z = z + 0.2f * swing + (hind ? 0.18f : 0.0f), lift = swing > 0.5f ? 0.12f : 0.0f;
    urs_solid_rod(s, a->body_frame, URS_MATERIAL_BODY, urs_vec(x, top, z), (hind ? 0.62f : 0.5f) * bulk, urs_vec(x * 1.02f, knee_y, knee_z), 0.36f * bulk, 0.35f);
    urs_solid_rod(s, a->body_frame, URS_MATERIAL_LEG, urs_vec(x * 1.02f, knee_y, knee_z), 0.35f * bulk, urs_vec(x, 0.22f + lift, foot_z), 0.26f * bulk, 0.15f);
    urs_solid_ellipsoid(s, a->body_frame, URS_MATERIAL_LEG, urs_vec(x, 0.16f + lift, foot_z + 0.16f), urs_vec(0.30f * bulk, 0.19f, 0.42f), 0.12f);
    for (int i = -2; i <= 2; i++)
        urs_solid_rod(s, a->body_frame, URS_MATERIAL_CLAW, urs_vec(x + (float)i * 0.1f, 0.12f + lift, foot_z + 0.5f), 0.035f,
                      urs_vec(x + (float)i * 0.105f, 0.04f + lift, foot_z + 0.66f), 0.012f, 0.0f);
}

static void add_body(urs_animal *a, const urs_pose *pose)
{
    urs_solid *s = &a->solid;
    const urs_traits *t = &a->traits;
    const float b = t->bulk, swing = sinf(pose->stride), counter = cosf(pose->stride);
    const int f = a->body_frame;
    const urs_vec3 head = urs_frame3_in(&s->frames[f], urs_frame3_out(&s->frames[a->head_frame], urs_vec(0.0f, -0.1f, -0.35f)));

    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, 2.12f, 0.75f), urs_vec(0.98f * b, 1.0f * b, 1.1f), 0.5f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, 1.95f, -0.7f), urs_vec(1.04f * b, 0.98f * b, 1.5f), 0.5f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, 2.08f, -1.9f), urs_vec(0.98f * b, 1.02f * b, 0.95f), 0.5f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, 2.78f, 0.55f), urs_vec(0.5f, 0.48f * t->hump, 0.75f), 0.5f);
    urs_solid_rod(s, f, URS_MATERIAL_BODY, urs_vec(0.0f, 2.25f, 1.1f), 0.86f * b, head, 0.54f, 0.45f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_TAIL, urs_vec(0.0f, 2.2f, -2.85f), urs_vec(0.16f, 0.22f, 0.16f), 0.1f);
    add_leg(a, -0.62f * b, 1.15f, swing, false);
    add_leg(a, 0.62f * b, 1.15f, -swing, false);
    add_leg(a, -0.62f * b, -1.95f, counter, true);
    add_leg(a, 0.62f * b, -1.95f, -counter, true);
}

static void add_ear(urs_animal *a, int side)
{
    urs_solid *s = &a->solid;
    const urs_traits *t = &a->traits;
    const float sign = side ? 1.0f : -1.0f, size = t->ear_size;
    const urs_frame3 frame = urs_frame3_make(&s->frames[a->head_frame], urs_vec(sign * t->ear_spread * t->face_width, t->ear_height, -0.14f), sign * 0.35f, -0.1f,
                                             -sign * t->ear_tilt);
    a->ear_frame[side] = urs_solid_frame(s, frame);
    urs_solid_ellipsoid(s, a->ear_frame[side], URS_MATERIAL_EAR, urs_vec(0.0f, 0.04f, 0.0f), urs_vec(0.205f * size, 0.225f * size * t->ear_length, 0.085f), 0.10f);
}

static void add_head(urs_animal *a)
{
    urs_solid *s = &a->solid;
    const urs_traits *t = &a->traits;
    const int f = a->head_frame, first = s->count;
    const float w = t->face_width, ml = t->muzzle_length, mw = t->muzzle_width, drop = t->muzzle_drop;

    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(0.0f, 0.06f, -0.05f), urs_vec(0.58f * w, 0.54f, 0.60f), 0.22f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(-0.36f * w, -0.17f, -0.02f), urs_vec(0.31f * t->cheek, 0.36f, 0.34f), 0.22f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(0.36f * w, -0.17f, -0.02f), urs_vec(0.31f * t->cheek, 0.36f, 0.34f), 0.22f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(0.0f, 0.31f, 0.22f), urs_vec(0.38f * w, 0.24f * t->forehead, 0.28f), 0.2f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(-t->eye_spread, t->eye_height + 0.1f, 0.42f), urs_vec(0.15f, 0.07f * t->brow, 0.10f), 0.12f);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_HEAD, urs_vec(t->eye_spread, t->eye_height + 0.1f, 0.42f), urs_vec(0.15f, 0.07f * t->brow, 0.10f), 0.12f);
    urs_solid_rod(s, f, URS_MATERIAL_MUZZLE, urs_vec(0.0f, -0.16f, 0.34f), 0.30f * mw, urs_vec(0.0f, -0.215f - drop, 0.42f + 0.52f * ml), 0.175f * mw, 0.14f);
    urs_solid_rod(s, f, URS_MATERIAL_MUZZLE, urs_vec(0.0f, 0.09f, 0.40f), 0.17f, urs_vec(0.0f, -0.13f - drop, 0.46f + 0.52f * ml), 0.115f * mw, 0.14f);
    urs_solid_rod(s, f, URS_MATERIAL_MUZZLE, urs_vec(0.0f, -0.36f, 0.24f), 0.20f, urs_vec(0.0f, -0.395f - drop, 0.34f + 0.46f * ml), 0.115f * mw, 0.05f);
    a->nose_local = urs_vec(0.0f, -0.135f - drop, 0.565f + 0.52f * ml);
    urs_solid_ellipsoid(s, f, URS_MATERIAL_NOSE, a->nose_local, urs_vec(0.135f * t->nose_width, 0.095f, 0.085f), 0.03f);
    for (int i = 0; i < 2; i++) {
        const float x = i ? t->eye_spread : -t->eye_spread;
        a->eye_local[i] = urs_vec(x, t->eye_height, urs_animal_face_depth(a, first, x, t->eye_height) - 0.008f);
    }
    for (int i = 0; i < 2; i++)
        urs_solid_ellipsoid(s, f, URS_MATERIAL_EYE, a->eye_local[i], urs_vec(t->eye_size * 1.15f, t->eye_size, t->eye_size), 0.0f);
    add_ear(a, 0);
    add_ear(a, 1);
    for (int i = 0; i < 2; i++)
        a->eye[i] = urs_frame3_out(&s->frames[f], urs_vec_add(a->eye_local[i], urs_vec(0.0f, 0.0f, t->eye_size)));
    a->nose = urs_frame3_out(&s->frames[f], urs_vec_add(a->nose_local, urs_vec(0.0f, 0.0f, 0.085f)));
}

void urs_animal_build_bear(urs_animal *out, const urs_pose *pose)
{
    out->fur = 0.075f;
    urs_animal_place_frames(out, pose, urs_vec(0.0f, 2.55f, 1.55f), 1.15f);
    add_body(out, pose);
    add_head(out);
}
