/* Light of a moment; see light.h. */
#include "synth/light.h"

#include "synth/noise.h"

#include <math.h>

static urs_rgb scaled(float r, float g, float b, float k)
{
    const urs_rgb c = {r * k, g * k, b * k};
    return c;
}

urs_light urs_light_make(float hour, float cloud, bool infrared, urs_random *random)
{
    urs_light l = {.night = infrared, .hour = hour};
    if (infrared) {
        l.sun = urs_vec_unit(urs_vec(0.05f, -0.12f, 1.0f));
        l.flash = (float)urs_random_range(random, 3.4f, 4.6f);
        l.flash_reach = (float)urs_random_range(random, 9.0f, 15.0f);
        l.noise = (float)urs_random_range(random, 4.5f, 8.0f);
        l.vignette = (float)urs_random_range(random, 0.55f, 0.8f);
        l.exposure = 1.0f;
    } else {
        /* height of the sun over the horizon, 0 at six, 1 at noon */
        const float high = sinf(urs_clamp01((hour - 5.0f) / 15.0f) * 3.14159f), low = urs_clamp01(1.0f - high * 1.6f);
        const float side = (hour - 12.5f) / 7.5f, clear = 1.0f - cloud;
        l.sun = urs_vec_unit(urs_vec(-side * 1.1f + 0.1f, 0.35f + 0.9f * high, 0.45f));
        l.sun_colour = scaled(1.0f, urs_mix(0.93f, 0.70f, low), urs_mix(0.82f, 0.42f, low), 1.9f * clear * (0.35f + 0.65f * high));
        l.sky = scaled(urs_mix(0.80f, 0.95f, cloud), urs_mix(0.95f, 0.99f, cloud), urs_mix(1.12f, 1.03f, cloud), urs_mix(0.62f, 1.05f, cloud) * (0.55f + 0.45f * high));
        l.ground = scaled(0.34f, 0.30f, 0.22f, 0.5f + 0.5f * high);
        l.haze = scaled(0.75f, 0.82f, 0.90f, 0.55f + 0.35f * high);
        l.haze_distance = urs_mix(260.0f, 90.0f, cloud);
        l.noise = urs_mix(1.3f, 2.6f, low) + 0.6f * cloud;
        l.vignette = 0.22f;
        l.exposure = 1.15f / (0.45f + 0.55f * high * (0.6f + 0.4f * clear));
        l.exposure *= (float)urs_random_range(random, 0.9f, 1.1f);
    }
    return l;
}

void urs_exposure_fill(urs_exposure *table)
{
    for (int i = 0; i < URS_EXPOSURE_STEPS; i++) {
        const float x = URS_EXPOSURE_TOP * (float)i / (float)(URS_EXPOSURE_STEPS - 1);
        const float y = x * (1.0f + x * 0.16f) / (1.0f + x * 0.75f); /* the shoulder: 1 comes to 0.66, 4 to 1.6, so clipped white is rare */
        const float v = 255.0f * powf(y, 1.0f / 2.1f);
        table->sample[i] = (uint8_t)(v > 255.0f ? 255.0f : v + 0.5f);
    }
}
