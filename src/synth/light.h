/* Light of one moment: by day sun and sky, by night the infra-red flash beside the lens. Values; thread safe. */
#ifndef URS_SYNTH_LIGHT_H
#define URS_SYNTH_LIGHT_H

#include "synth/animal.h"

typedef struct urs_light {
    bool night;
    urs_vec3 sun;        /* unit, in the view: where the light comes from */
    urs_rgb sun_colour;  /* linear; 0 under cloud */
    urs_rgb sky;         /* from above */
    urs_rgb ground;      /* thrown back from below */
    urs_rgb haze;        /* what the distance fades into */
    float haze_distance; /* metres at which half is haze */
    float exposure;
    float flash;         /* night: strength at one metre */
    float flash_reach;   /* night: metres at which it is down to a tenth beyond 1/r */
    float noise;         /* deviation of the sensor noise, in 8-bit steps */
    float vignette;      /* darkening of the corners, 0 .. 1 */
    float hour;          /* 0 .. 24 */
} urs_light;

/* Light of an hour of the day; cloud 0 clear .. 1 overcast. Night when `infrared`. */
urs_light urs_light_make(float hour, float cloud, bool infrared, urs_random *random);

/* From linear light to an 8-bit sample: a film-like shoulder, then gamma. As a table, because every pixel goes through it. */
#define URS_EXPOSURE_STEPS 4096
#define URS_EXPOSURE_TOP 8.0f /* linear light at the last step */

typedef struct urs_exposure {
    uint8_t sample[URS_EXPOSURE_STEPS];
} urs_exposure;

void urs_exposure_fill(urs_exposure *table);

static inline uint8_t urs_exposure_of(const urs_exposure *table, float linear)
{
    const float at = linear * ((float)(URS_EXPOSURE_STEPS - 1) / URS_EXPOSURE_TOP);
    return table->sample[at >= (float)(URS_EXPOSURE_STEPS - 1) ? URS_EXPOSURE_STEPS - 1 : at > 0.0f ? (int)at : 0];
}

#endif
