/* Smooth solids: a body made of ellipsoids and tapered rods that melt into each other, and the place where a line of sight meets it.
 *
 * Coordinates are those of the view: x to the right, y up, z towards the camera; sight runs along -z (weak perspective: an animal is small beside its
 * distance). A solid is described by signed distances, joined by the polynomial smooth minimum (I. Quilez, "smooth minimum"), and met by sphere tracing
 * (Hart 1996). Squares of the picture keep a short list of the pieces that can matter there, which makes it fast.
 *
 *      piece --frame--> place in the view        frames: body, head, left ear, ... each a rotation and an origin
 *
 * Values; no allocation; thread safe. */
#ifndef URS_SYNTH_SOLID_H
#define URS_SYNTH_SOLID_H

#include <stdbool.h>
#include <stdint.h>

#define URS_SOLID_PIECES_MAX 64
#define URS_SOLID_FRAMES_MAX 8

typedef struct urs_vec3 {
    float x, y, z;
} urs_vec3;

static inline urs_vec3 urs_vec(float x, float y, float z)
{
    const urs_vec3 v = {x, y, z};
    return v;
}
static inline urs_vec3 urs_vec_add(urs_vec3 a, urs_vec3 b)
{
    return urs_vec(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline urs_vec3 urs_vec_sub(urs_vec3 a, urs_vec3 b)
{
    return urs_vec(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline urs_vec3 urs_vec_scale(urs_vec3 a, float k)
{
    return urs_vec(a.x * k, a.y * k, a.z * k);
}
static inline float urs_vec_dot(urs_vec3 a, urs_vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
urs_vec3 urs_vec_unit(urs_vec3 a);

typedef struct urs_frame3 { /* a rigid placement: view = origin + axes * local */
    urs_vec3 origin;
    urs_vec3 ax, ay, az; /* unit, in the view */
} urs_frame3;

/* Turned by yaw about y (positive: the nose goes to the right of the picture), pitch about x (positive: nose down), roll about z; then put at `origin`
 * of the parent. Angles in radians. */
urs_frame3 urs_frame3_make(const urs_frame3 *parent, urs_vec3 origin, float yaw, float pitch, float roll);
urs_frame3 urs_frame3_identity(void);
urs_vec3 urs_frame3_out(const urs_frame3 *f, urs_vec3 local); /* local -> view */
urs_vec3 urs_frame3_in(const urs_frame3 *f, urs_vec3 view);   /* view -> local */
urs_vec3 urs_frame3_turn_in(const urs_frame3 *f, urs_vec3 direction);

typedef enum urs_piece_kind { URS_PIECE_ELLIPSOID, URS_PIECE_ROD } urs_piece_kind;

typedef struct urs_piece {
    urs_piece_kind kind;
    uint8_t frame;     /* index in solid.frames */
    uint8_t material;  /* the painter's business */
    urs_vec3 a, b;     /* in the view. ellipsoid: centre, radii; rod: both ends */
    urs_vec3 ax, ay, az; /* ellipsoid: its axes in the view */
    float ra, rb;      /* rod: radii at a and b */
    float inverse_length2; /* rod: 1 / |b - a|^2 */
    urs_vec3 inverse;  /* ellipsoid: 1 / radii */
    urs_vec3 low, high; /* its box in the view */
    float blend;       /* how far it melts into its neighbours; 0 = hard edge */
} urs_piece;

typedef struct urs_solid {
    urs_frame3 frames[URS_SOLID_FRAMES_MAX];
    int frame_count;
    urs_piece pieces[URS_SOLID_PIECES_MAX];
    int count;
} urs_solid;

/* Adds a piece given in coordinates of frame `frame`; does nothing when the solid is full. tilt: extra roll, pitch and yaw of an ellipsoid's axes. */
void urs_solid_ellipsoid(urs_solid *s, int frame, int material, urs_vec3 centre, urs_vec3 radii, float blend);
void urs_solid_ellipsoid_tilted(urs_solid *s, int frame, int material, urs_vec3 centre, urs_vec3 radii, float yaw, float pitch, float roll, float blend);
void urs_solid_rod(urs_solid *s, int frame, int material, urs_vec3 a, float ra, urs_vec3 b, float rb, float blend);
int urs_solid_frame(urs_solid *s, urs_frame3 frame); /* its index */

/* Extent in the view: low and high corner. */
void urs_solid_bounds(const urs_solid *s, urs_vec3 *low, urs_vec3 *high);

typedef struct urs_solid_cell { /* the pieces that matter in one square of the picture */
    uint8_t items[URS_SOLID_PIECES_MAX];
    int count;
    float near_z, far_z;
} urs_solid_cell;

/* Pieces that come closer than `margin` to the square with centre (x, y) and half side `half`; near_z is moved up to where the whole square's lines of sight
 * may first come within `margin` of the solid (a cone is marched instead of a ray). */
void urs_solid_cell_make(urs_solid_cell *cell, const urs_solid *s, float x, float y, float half, float margin);

typedef struct urs_hit {
    bool inside;     /* the line of sight meets the solid */
    urs_vec3 at;     /* where; or where it came closest */
    float distance;  /* 0, or the least distance when missed */
    int piece;       /* the piece there; -1: nothing near */
} urs_hit;

urs_hit urs_solid_meet(const urs_solid *s, const urs_solid_cell *cell, float x, float y, float tolerance);
float urs_solid_distance(const urs_solid *s, const urs_solid_cell *cell, urs_vec3 p);
urs_vec3 urs_solid_normal(const urs_solid *s, const urs_solid_cell *cell, urs_vec3 p, float step);

#endif
