/* The place where a camera hangs: ground, plants, rocks, hills and sky, drawn once a camera and lit anew for every frame.
 *
 *      planes, [height][width]:   albedo  u8 x 3  square root of reflectance (decode: (v/255)^2)
 *                                 infrared u8     the same for the flash's light
 *                                 sunlit  u8      share of the sun's light that arrives
 *                                 depth   u16     centimetres, at most 65535
 *                                 kind    u8      sky, ground, or a thing that hides what is behind it
 *
 *   the ground is a plane seen from camera_height metres:   row = horizon + focal * camera_height / metres
 *
 * Owns its planes. Made from (seed, camera number) alone. Reading is thread safe. */
#ifndef URS_SYNTH_BACKDROP_H
#define URS_SYNTH_BACKDROP_H

#include "base/error.h"
#include "image/image.h"
#include "synth/light.h"

typedef enum urs_habitat { URS_HABITAT_FOREST, URS_HABITAT_MEADOW, URS_HABITAT_SNOW, URS_HABITAT_ROCKS, URS_HABITAT_COUNT } urs_habitat;
enum { URS_KIND_SKY, URS_KIND_GROUND, URS_KIND_THING };

typedef struct urs_backdrop {
    int32_t width, height;
    urs_habitat habitat;
    float horizon, focal, camera_height;
    uint8_t *albedo, *infrared, *sunlit, *kind;
    uint16_t *depth;
} urs_backdrop;

/* Cameras of one world take turns through the habitats. */
urs_habitat urs_backdrop_habitat(int camera, uint64_t seed);

urs_status urs_backdrop_make(urs_backdrop *out, int camera, uint64_t seed, int32_t width, int32_t height, urs_error *err) URS_CHECKED;
void urs_backdrop_release(urs_backdrop *backdrop);

static inline float urs_backdrop_row(const urs_backdrop *b, float metres)
{
    return b->horizon + b->focal * b->camera_height / metres;
}

/* The empty frame under a light: 3 channels, no noise yet. */
urs_status urs_backdrop_light(urs_image *out, const urs_backdrop *backdrop, const urs_light *light, urs_error *err) URS_CHECKED;

/* ---- painting, for the files that draw into a backdrop ---- */
typedef struct urs_paint {
    urs_rgb colour;   /* linear reflectance */
    float infrared;   /* linear, to the flash */
    float sunlit;     /* 0 .. 1 */
    float metres;
} urs_paint;

void urs_backdrop_put(urs_backdrop *b, int32_t x, int32_t y, const urs_paint *paint, float cover);
/* A tapering stroke from (x0, y0) to (x1, y1), bent sideways by `bend` pixels in its middle; widths in pixels. Its tone rises by `gain` from foot to tip. */
void urs_backdrop_stroke(urs_backdrop *b, float x0, float y0, float x1, float y1, float bend, float w0, float w1, const urs_paint *paint, float gain);
/* A leaf: a small soft-edged ellipse, turned by `angle`. */
void urs_backdrop_leaf(urs_backdrop *b, float x, float y, float rx, float ry, float angle, const urs_paint *paint);

/* Plants and things; x in pixels of the picture, metres = distance. Sizes in metres. */
typedef struct urs_plant {
    float x, metres, size;
    urs_rgb colour;
    float snow;       /* 0 .. 1 */
    uint32_t seed;
    bool leafy;
} urs_plant;
void urs_plant_conifer(urs_backdrop *b, const urs_plant *plant);
void urs_plant_trunk(urs_backdrop *b, const urs_plant *plant);
void urs_plant_bush(urs_backdrop *b, const urs_plant *plant);
void urs_plant_tuft(urs_backdrop *b, const urs_plant *plant);
void urs_plant_rock(urs_backdrop *b, const urs_plant *plant);
void urs_plant_log(urs_backdrop *b, const urs_plant *plant);
void urs_plant_fern(urs_backdrop *b, const urs_plant *plant);

#endif
