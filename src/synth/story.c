/* Events and actors; see story.h. */
#include "synth/story.h"

#include "base/day.h"
#include "synth/noise.h"

#include <math.h>

#define FIRST_DAY 19493 /* 2023-05-16, in days since 1970 */
#define METRES_A_UNIT 0.29f

urs_civil_time urs_civil_from_seconds(int64_t seconds)
{
    const int64_t rest = seconds % 86400;
    int32_t year, month, date;
    urs_day_split(seconds / 86400, &year, &month, &date);
    const urs_civil_time t = {year, month, date, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60)};
    return t;
}

static float draw(urs_random *r, float low, float high)
{
    return (float)urs_random_range(r, low, high);
}

static float limited(float x, float most)
{
    return x < -most ? -most : x > most ? most : x;
}

static int least_seen(urs_random *r, const urs_story *story)
{
    int best = (int)urs_random_below(r, (uint64_t)story->bears);
    const int start = best;
    for (int i = 0; i < story->bears; i++) {
        const int k = (start + i) % story->bears;
        if (story->appearances[k] < story->appearances[best])
            best = k;
    }
    return best;
}

static void make_actor(urs_actor *a, urs_event *e, urs_species species, int individual)
{
    urs_random *r = &e->random;
    const bool is_bear = species == URS_SPECIES_BEAR, profile = urs_random_unit(r) < (is_bear ? 0.12 : 0.5);
    const float side = urs_random_unit(r) < 0.5 ? -1.0f : 1.0f;
    *a = (urs_actor){.species = species, .individual = individual, .to = e->frames};
    a->metres = is_bear ? 1.7f * powf(3.6f, draw(r, 0.0f, 1.0f)) : 2.2f * powf(3.2f, draw(r, 0.0f, 1.0f));
    a->across = 0.5f + limited((float)urs_random_normal(r) * 0.19f, 0.42f);
    a->pose.head_yaw = profile ? side * draw(r, 0.9f, 1.4f) : limited((float)urs_random_normal(r) * 0.36f, 0.95f);
    a->pose.heading = limited(a->pose.head_yaw + side * draw(r, 0.0f, 1.0f), 1.9f);
    if (a->pose.heading - a->pose.head_yaw > 1.1f)
        a->pose.heading = a->pose.head_yaw + 1.1f;
    a->pose.head_pitch = limited(0.06f + (float)urs_random_normal(r) * 0.11f, 0.4f);
    a->pose.head_roll = limited((float)urs_random_normal(r) * 0.09f, 0.3f);
    a->pose.lift = urs_random_unit(r) < 0.2 ? draw(r, -0.9f, -0.4f) : draw(r, -0.15f, 0.35f);
    if (a->pose.lift < -0.35f)
        a->pose.head_pitch += 0.15f;
    a->pose.stride = draw(r, 0.0f, 6.28f);
    a->step_across = sinf(a->pose.heading) * draw(r, 0.0f, 0.09f) * 3.0f / a->metres;
    a->step_metres = -cosf(a->pose.heading) * draw(r, 0.0f, 0.25f);
    a->step_yaw = (float)urs_random_normal(r) * 0.14f;
    /* the trap goes off a moment too early or too long: frames without the animal */
    if (e->frames >= 2 && urs_random_unit(r) < 0.3)
        a->to -= 1 + (e->frames >= 4 && urs_random_unit(r) < 0.4);
    else if (e->frames >= 3 && urs_random_unit(r) < 0.15)
        a->from = 1;
}

void urs_event_make(urs_event *out, urs_story *story, int camera, int number, int64_t *clock)
{
    urs_event e = {.camera = camera, .number = number};
    urs_random *r = &e.random;
    double what, pause;
    int hour;
    urs_random_init_stream(r, story->seed ^ 0x5707f5707full, (uint64_t)camera * 1000003u + (uint64_t)number);
    if (*clock == 0)
        *clock = (int64_t)(FIRST_DAY + (int64_t)urs_random_below(r, 10)) * 86400 + (int64_t)urs_random_below(r, 86400);
    pause = 900.0 + 10.0 * 3600.0 * -log(1.0 - urs_random_unit(r));
    e.start = *clock + (int64_t)pause;
    e.frames = 1 + (int)urs_random_below(r, URS_EVENT_FRAMES_MAX);
    hour = urs_civil_from_seconds(e.start).hour;
    e.infrared = hour < 5 || hour >= 21;
    e.cloud = (float)urs_random_beta(r, 1.2, 1.2);
    e.temperature = (int)lround(13.0 - 8.0 * cos(((double)hour - 3.0) / 24.0 * 6.2832) + urs_random_normal(r) * 3.0);
    if (urs_backdrop_habitat(camera, story->seed) == URS_HABITAT_SNOW)
        e.temperature -= 17;
    what = urs_random_unit(r);
    if (what < 0.52) {
        const int who = least_seen(r, story);
        make_actor(&e.actors[e.actor_count++], &e, URS_SPECIES_BEAR, who);
        story->appearances[who]++;
        if (story->bears > 1 && urs_random_unit(r) < 0.1) { /* company, a little behind and to the side */
            const int other = (who + 1 + (int)urs_random_below(r, (uint64_t)story->bears - 1)) % story->bears;
            make_actor(&e.actors[e.actor_count], &e, URS_SPECIES_BEAR, other);
            e.actors[1].metres = e.actors[0].metres + draw(r, 0.8f, 2.2f);
            e.actors[1].across = e.actors[0].across < 0.5f ? e.actors[0].across + draw(r, 0.25f, 0.42f) : e.actors[0].across - draw(r, 0.25f, 0.42f);
            e.actor_count++;
            story->appearances[other]++;
        }
    } else if (what < 0.78) {
        const urs_species species = (urs_species)(URS_SPECIES_DEER + (int)urs_random_below(r, URS_SPECIES_COUNT - URS_SPECIES_DEER));
        make_actor(&e.actors[e.actor_count++], &e, species, (int)urs_random_below(r, 40));
    }
    *clock = e.start + e.frames;
    *out = e;
}

void urs_actor_place(urs_animal *animal, urs_stand *stand, const urs_event *event, int actor, int frame, const urs_story *story, const urs_backdrop *backdrop)
{
    const urs_actor *a = &event->actors[actor];
    const urs_traits traits = urs_traits_make(a->species, story->seed, a->individual);
    const float k = (float)(frame - a->from);
    float metres = a->metres + a->step_metres * k;
    urs_pose pose = a->pose;
    urs_vec3 head;
    if (metres < 1.5f)
        metres = 1.5f;
    pose.head_yaw += a->step_yaw * k;
    pose.head_pitch += 0.05f * sinf(1.7f * k + pose.stride);
    pose.head_roll += 0.04f * sinf(2.3f * k + 2.0f * pose.stride);
    pose.stride += 0.9f * k;
    pose.camera_pitch = fminf(0.26f, 0.5f * atanf(backdrop->camera_height / metres));
    urs_animal_make(animal, &traits, &pose);
    stand->metres = metres;
    stand->scale = backdrop->focal / metres * METRES_A_UNIT * traits.size;
    head = animal->solid.frames[animal->head_frame].origin;
    stand->x = (a->across + a->step_across * k) * (float)backdrop->width - head.x * stand->scale;
    stand->y = urs_backdrop_row(backdrop, metres);
}
