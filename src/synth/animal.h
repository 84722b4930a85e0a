/* Animals as solids: what makes an individual (stable), and how it stands at one moment (changes from frame to frame).
 *
 *   head coordinates (one unit = about 28 cm of a grown bear; the head is about 1.25 wide), seen from the front:
 *
 *            y      .-.         .-.          z = towards the nose
 *            |     ( e )_______( e )  ears
 *            |      /   forehead  \          body coordinates: y = 0 is the ground, z forwards
 *            |     |   o       o   |  eyes at (-+eye_spread, eye_height)
 *            0     |     \   /     |
 *            |      \    ( # )    /   nose
 *            |        `--.___.--'     jaw
 *            +------------ 0 ------------ x
 *
 * Values without pointers; thread safe. */
#ifndef URS_SYNTH_ANIMAL_H
#define URS_SYNTH_ANIMAL_H

#include "base/random.h"
#include "synth/solid.h"

typedef enum urs_species { URS_SPECIES_BEAR, URS_SPECIES_DEER, URS_SPECIES_FOX, URS_SPECIES_BOAR, URS_SPECIES_COUNT } urs_species;

typedef enum urs_material {
    URS_MATERIAL_BODY, URS_MATERIAL_LEG, URS_MATERIAL_HEAD, URS_MATERIAL_MUZZLE, URS_MATERIAL_NOSE, URS_MATERIAL_EYE, URS_MATERIAL_EAR, URS_MATERIAL_HORN,
    URS_MATERIAL_HOOF, URS_MATERIAL_TAIL, URS_MATERIAL_SNOUT_DISC, URS_MATERIAL_CLAW
} urs_material;

typedef struct urs_rgb { /* reflectance or light, linear */
    float r, g, b;
} urs_rgb;

#define URS_SCARS_MAX 3

typedef struct urs_scar { /* a bare line on the face, head coordinates as seen from the front */
    float x1, y1, x2, y2, width;
} urs_scar;

typedef struct urs_traits { /* what stays with an individual; lengths are factors on the usual measure unless they are places */
    urs_species species;
    uint32_t seed;          /* of its blotches and fur */
    float face_width, cheek, forehead, brow;
    float muzzle_length, muzzle_width, muzzle_drop, nose_width;
    float eye_spread, eye_height, eye_size;                    /* places */
    float ear_size, ear_spread, ear_height, ear_length, ear_tilt; /* spread and height: places; length: tall or round */
    float bulk, hump, leg_length, size;
    urs_rgb coat, muzzle, dark;   /* main colour, muzzle, legs and ears */
    float grizzle;          /* share of light hair tips */
    float blotch;           /* strength of the face's stable pattern */
    float eye_patch;        /* -1 light rings .. 1 dark rings */
    float blaze;            /* light stripe on the forehead */
    float blaze_width;
    float chest_patch, chest_width;
    float ear_rim;          /* light rims */
    int notch_ear;          /* 0 none, -1, 1 */
    float notch_angle, notch_size;
    int scar_count;
    urs_scar scars[URS_SCARS_MAX];
    bool antlers;
} urs_traits;

typedef struct urs_pose {
    float heading;                      /* of the body; 0 = faces the camera, positive = to the right of the picture; radians */
    float head_yaw, head_pitch, head_roll; /* of the head, against the camera */
    float lift;                         /* -1 head near the ground .. 0 level .. 1 held high */
    float stride;                       /* phase of the walk */
    float camera_pitch;                 /* camera looks down by this */
} urs_pose;

typedef struct urs_animal { /* an individual in a pose */
    urs_traits traits;
    urs_solid solid;
    int body_frame, head_frame, ear_frame[2];
    urs_vec3 eye[2];        /* view; [0] is at -x of the head */
    urs_vec3 nose;
    urs_vec3 nose_local;    /* head coordinates */
    urs_vec3 eye_local[2];
    float fur;              /* length of the outline's hair */
} urs_animal;

/* Individual number `index` of a world with this seed; bears differ clearly from one another. */
urs_traits urs_traits_make(urs_species species, uint64_t seed, int index);
void urs_animal_make(urs_animal *out, const urs_traits *traits, const urs_pose *pose);
/* Builders behind it, one a file. */
void urs_animal_build_bear(urs_animal *out, const urs_pose *pose);
void urs_animal_build_wild(urs_animal *out, const urs_pose *pose);

/* Is this piece a part of the head? (by its frame) */
bool urs_animal_is_head(const urs_animal *animal, int piece);
const char *urs_species_name(urs_species species);

/* Root frame (camera pitch), body frame and head frame put at their places; shared by the builders. `pivot` and `reach` are the neck's foot (body
 * coordinates) and its length. */
void urs_animal_place_frames(urs_animal *out, const urs_pose *pose, urs_vec3 pivot, float reach);
/* Depth of the face at (x, y) of the head's own coordinates, as built so far; `pieces_from` = the first piece of the head. */
float urs_animal_face_depth(const urs_animal *animal, int pieces_from, float x, float y);

typedef struct urs_coat_sample {
    urs_rgb colour;     /* linear reflectance */
    float infrared;     /* reflectance to the flash */
    float gloss;        /* 0 fur .. 1 wet nose, eye */
    float fur;          /* 1 fur .. 0 bare */
    bool hole;          /* a notch: nothing is there */
} urs_coat_sample;

/* What the surface looks like at a point of the view on piece `piece`; `detail` = size of a pixel in units. */
urs_coat_sample urs_coat_at(const urs_animal *animal, int piece, urs_vec3 at, urs_vec3 normal, float detail);

#endif
