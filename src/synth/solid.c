/* Smooth solids; see solid.h. */
#include "synth/solid.h"

#include "synth/noise.h"

#include <float.h>
#include <math.h>

#define STEPS_MAX 48

urs_vec3 urs_vec_unit(urs_vec3 a)
{
    const float n = sqrtf(urs_vec_dot(a, a));
    return n > 1e-12f ? urs_vec_scale(a, 1.0f / n) : urs_vec(0.0f, 0.0f, 1.0f);
}

urs_frame3 urs_frame3_identity(void)
{
    const urs_frame3 f = {.ax = {1.0f, 0.0f, 0.0f}, .ay = {0.0f, 1.0f, 0.0f}, .az = {0.0f, 0.0f, 1.0f}};
    return f;
}

static urs_vec3 turn_out(const urs_frame3 *f, urs_vec3 v)
{
    return urs_vec(f->ax.x * v.x + f->ay.x * v.y + f->az.x * v.z, f->ax.y * v.x + f->ay.y * v.y + f->az.y * v.z,
                   f->ax.z * v.x + f->ay.z * v.y + f->az.z * v.z);
}

/* Columns of Ry(yaw) * Rx(pitch) * Rz(roll). */
static void angles_to_axes(float yaw, float pitch, float roll, urs_vec3 *ax, urs_vec3 *ay, urs_vec3 *az)
{
    const float cy = cosf(yaw), sy = sinf(yaw), cp = cosf(pitch), sp = sinf(pitch), cr = cosf(roll), sr = sinf(roll);
    *ax = urs_vec(cy * cr + sy * sp * sr, cp * sr, -sy * cr + cy * sp * sr);
    *ay = urs_vec(-cy * sr + sy * sp * cr, cp * cr, sy * sr + cy * sp * cr);
    *az = urs_vec(sy * cp, -sp, cy * cp);
}

urs_frame3 urs_frame3_make(const urs_frame3 *parent, urs_vec3 origin, float yaw, float pitch, float roll)
{
    urs_frame3 f;
    urs_vec3 ax, ay, az;
    angles_to_axes(yaw, pitch, roll, &ax, &ay, &az);
    f.origin = urs_frame3_out(parent, origin);
    f.ax = turn_out(parent, ax);
    f.ay = turn_out(parent, ay);
    f.az = turn_out(parent, az);
    return f;
}

urs_vec3 urs_frame3_out(const urs_frame3 *f, urs_vec3 local)
{
    return urs_vec_add(f->origin, turn_out(f, local));
}

urs_vec3 urs_frame3_turn_in(const urs_frame3 *f, urs_vec3 v)
{
    return urs_vec(urs_vec_dot(f->ax, v), urs_vec_dot(f->ay, v), urs_vec_dot(f->az, v));
}

urs_vec3 urs_frame3_in(const urs_frame3 *f, urs_vec3 view)
{
    return urs_frame3_turn_in(f, urs_vec_sub(view, f->origin));
}

int urs_solid_frame(urs_solid *s, urs_frame3 frame)
{
    if (s->frame_count >= URS_SOLID_FRAMES_MAX)
        return URS_SOLID_FRAMES_MAX - 1;
    s->frames[s->frame_count] = frame;
    return s->frame_count++;
}

/* Box of an ellipsoid: its extent along an axis of the view is the length of that row of its scaled axes. */
static void bound_ellipsoid(urs_piece *p)
{
    const urs_vec3 u = urs_vec_scale(p->ax, p->b.x), v = urs_vec_scale(p->ay, p->b.y), w = urs_vec_scale(p->az, p->b.z);
    const urs_vec3 e = urs_vec(sqrtf(u.x * u.x + v.x * v.x + w.x * w.x), sqrtf(u.y * u.y + v.y * v.y + w.y * w.y), sqrtf(u.z * u.z + v.z * v.z + w.z * w.z));
    p->low = urs_vec_sub(p->a, e);
    p->high = urs_vec_add(p->a, e);
}

void urs_solid_ellipsoid_tilted(urs_solid *s, int frame, int material, urs_vec3 centre, urs_vec3 radii, float yaw, float pitch, float roll, float blend)
{
    urs_frame3 placed;
    urs_piece *p;
    if (s->count >= URS_SOLID_PIECES_MAX)
        return;
    placed = urs_frame3_make(&s->frames[frame], centre, yaw, pitch, roll);
    p = &s->pieces[s->count++];
    *p = (urs_piece){.kind = URS_PIECE_ELLIPSOID, .frame = (uint8_t)frame, .material = (uint8_t)material, .a = placed.origin, .b = radii,
                     .ax = placed.ax, .ay = placed.ay, .az = placed.az, .blend = blend, .inverse = {1.0f / radii.x, 1.0f / radii.y, 1.0f / radii.z}};
    bound_ellipsoid(p);
}

void urs_solid_ellipsoid(urs_solid *s, int frame, int material, urs_vec3 centre, urs_vec3 radii, float blend)
{
    urs_solid_ellipsoid_tilted(s, frame, material, centre, radii, 0.0f, 0.0f, 0.0f, blend);
}

void urs_solid_rod(urs_solid *s, int frame, int material, urs_vec3 a, float ra, urs_vec3 b, float rb, float blend)
{
    const urs_frame3 *f = &s->frames[frame];
    urs_piece *p;
    urs_vec3 along;
    if (s->count >= URS_SOLID_PIECES_MAX)
        return;
    p = &s->pieces[s->count++];
    *p = (urs_piece){.kind = URS_PIECE_ROD, .frame = (uint8_t)frame, .material = (uint8_t)material, .a = urs_frame3_out(f, a), .b = urs_frame3_out(f, b),
                     .ra = ra, .rb = rb, .blend = blend};
    along = urs_vec_sub(p->b, p->a);
    p->inverse_length2 = 1.0f / (urs_vec_dot(along, along) + 1e-9f);
    p->low = urs_vec(fminf(p->a.x - ra, p->b.x - rb), fminf(p->a.y - ra, p->b.y - rb), fminf(p->a.z - ra, p->b.z - rb));
    p->high = urs_vec(fmaxf(p->a.x + ra, p->b.x + rb), fmaxf(p->a.y + ra, p->b.y + rb), fmaxf(p->a.z + ra, p->b.z + rb));
}

void urs_solid_bounds(const urs_solid *s, urs_vec3 *low, urs_vec3 *high)
{
    *low = urs_vec(FLT_MAX, FLT_MAX, FLT_MAX);
    *high = urs_vec(-FLT_MAX, -FLT_MAX, -FLT_MAX);
    for (int i = 0; i < s->count; i++) {
        const float room = 0.25f * s->pieces[i].blend; /* melting adds at most a quarter of it */
        const urs_vec3 l = urs_vec_sub(s->pieces[i].low, urs_vec(room, room, room)), h = urs_vec_add(s->pieces[i].high, urs_vec(room, room, room));
        *low = urs_vec(fminf(low->x, l.x), fminf(low->y, l.y), fminf(low->z, l.z));
        *high = urs_vec(fmaxf(high->x, h.x), fmaxf(high->y, h.y), fmaxf(high->z, h.z));
    }
}

static inline float piece_distance(const urs_piece *p, urs_vec3 at)
{
    const urs_vec3 d = urs_vec_sub(at, p->a);
    if (p->kind == URS_PIECE_ROD) {
        const urs_vec3 along = urs_vec_sub(p->b, p->a);
        const float t = urs_clamp01(urs_vec_dot(d, along) * p->inverse_length2);
        const urs_vec3 off = urs_vec_sub(d, urs_vec_scale(along, t));
        return sqrtf(urs_vec_dot(off, off)) - urs_mix(p->ra, p->rb, t);
    } else {
        /* first-order distance to an ellipsoid: |q/r| (|q/r| - 1) / |q/r^2| */
        const float qx = urs_vec_dot(d, p->ax) * p->inverse.x, qy = urs_vec_dot(d, p->ay) * p->inverse.y, qz = urs_vec_dot(d, p->az) * p->inverse.z;
        const float k0 = sqrtf(qx * qx + qy * qy + qz * qz);
        const float gx = qx * p->inverse.x, gy = qy * p->inverse.y, gz = qz * p->inverse.z;
        const float k1 = sqrtf(gx * gx + gy * gy + gz * gz);
        return k1 > 1e-9f ? k0 * (k0 - 1.0f) / k1 : -fminf(p->b.x, fminf(p->b.y, p->b.z));
    }
}

float urs_solid_distance(const urs_solid *s, const urs_solid_cell *cell, urs_vec3 p)
{
    float sum = FLT_MAX;
    for (int i = 0; i < cell->count; i++) {
        const urs_piece *piece = &s->pieces[cell->items[i]];
        const float d = piece_distance(piece, p), gap = fabsf(sum - d);
        const float h = gap < piece->blend ? piece->blend - gap : 0.0f;
        sum = (d < sum ? d : sum) - (h > 0.0f ? h * h / (4.0f * piece->blend) : 0.0f);
    }
    return sum;
}

void urs_solid_cell_make(urs_solid_cell *cell, const urs_solid *s, float x, float y, float half, float margin)
{
    const float radius = half * 1.4143f + margin;
    cell->count = 0;
    cell->near_z = -FLT_MAX;
    cell->far_z = FLT_MAX;
    for (int i = 0; i < s->count; i++) {
        const float room = half + margin + s->pieces[i].blend;
        const urs_vec3 low = s->pieces[i].low, high = s->pieces[i].high;
        if (x < low.x - room || x > high.x + room || y < low.y - room || y > high.y + room)
            continue;
        cell->items[cell->count++] = (uint8_t)i;
        cell->near_z = fmaxf(cell->near_z, high.z + margin);
        cell->far_z = fminf(cell->far_z, low.z - margin);
    }
    for (int step = 0; step < STEPS_MAX && cell->count && cell->near_z > cell->far_z; step++) {
        const float d = urs_solid_distance(s, cell, urs_vec(x, y, cell->near_z)) - radius;
        if (d < 0.2f * radius)
            break;
        cell->near_z -= d * 0.9f;
    }
    if (cell->near_z <= cell->far_z)
        cell->count = 0; /* nothing comes near these lines of sight */
}

static int nearest_piece(const urs_solid *s, const urs_solid_cell *cell, urs_vec3 p)
{
    float least = FLT_MAX;
    int best = -1;
    for (int i = 0; i < cell->count; i++) {
        const float d = piece_distance(&s->pieces[cell->items[i]], p);
        if (d < least) {
            least = d;
            best = cell->items[i];
        }
    }
    return best;
}

urs_hit urs_solid_meet(const urs_solid *s, const urs_solid_cell *cell, float x, float y, float tolerance)
{
    urs_hit hit = {.piece = -1, .distance = FLT_MAX};
    urs_vec3 p = urs_vec(x, y, cell->near_z);
    for (int step = 0; step < STEPS_MAX && p.z > cell->far_z; step++) {
        const float d = urs_solid_distance(s, cell, p);
        if (d < hit.distance) {
            hit.distance = d;
            hit.at = p;
        }
        if (d < tolerance) {
            hit.inside = true;
            hit.distance = 0.0f;
            break;
        }
        p.z -= fmaxf(d * 0.92f, 2.0f * tolerance); /* the distances are estimates: a little less than they promise, but no crawling along an outline */
    }
    if (cell->count)
        hit.piece = nearest_piece(s, cell, hit.at);
    return hit;
}

urs_vec3 urs_solid_normal(const urs_solid *s, const urs_solid_cell *cell, urs_vec3 p, float e)
{
    /* four samples at the corners of a tetrahedron */
    const float a = urs_solid_distance(s, cell, urs_vec(p.x + e, p.y - e, p.z - e)), b = urs_solid_distance(s, cell, urs_vec(p.x - e, p.y - e, p.z + e));
    const float c = urs_solid_distance(s, cell, urs_vec(p.x - e, p.y + e, p.z - e)), d = urs_solid_distance(s, cell, urs_vec(p.x + e, p.y + e, p.z + e));
    return urs_vec_unit(urs_vec(a - b - c + d, -a - b + c + d, -a + b - c + d));
}
