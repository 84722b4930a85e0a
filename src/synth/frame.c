/* Putting a frame together; see frame.h. */
#include "synth/frame.h"

#include "base/memory.h"
#include "synth/noise.h"

#include <math.h>
#include <string.h>

#define NOISE_TABLE 8192

/* The dark patch under an animal. */
static void cast_shadow(urs_image *picture, const urs_backdrop *b, const urs_stand *stand, const urs_pose *pose)
{
    const float turned = fabsf(sinf(pose->heading)), rx = (1.0f + 2.2f * turned) * stand->scale, ry = (0.42f + 0.25f * (1.0f - turned)) * stand->scale;
    const int32_t top = (int32_t)(stand->y - ry), bottom = (int32_t)(stand->y + ry), left = (int32_t)(stand->x - rx), right = (int32_t)(stand->x + rx);
    for (int32_t y = top < 0 ? 0 : top; y <= bottom && y < picture->height; y++) {
        for (int32_t x = left < 0 ? 0 : left; x <= right && x < picture->width; x++) {
            const float u = ((float)x - stand->x) / rx, v = ((float)y - stand->y) / ry, d = u * u + v * v;
            const size_t i = (size_t)y * (size_t)b->width + (size_t)x;
            uint8_t *p = urs_image_at(picture, x, y);
            float keep;
            if (d >= 1.0f || (b->kind[i] == URS_KIND_THING && (float)b->depth[i] < stand->metres * 100.0f - 60.0f) || b->kind[i] == URS_KIND_SKY)
                continue;
            keep = 1.0f - 0.5f * (1.0f - d) * (1.0f - d * 0.5f);
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)((float)p[c] * keep);
        }
    }
}

typedef struct painted { /* what became of a figure in the frame */
    size_t head_pixels, head_hidden, body_pixels;
    bool touches_edge;
} painted;

static bool hidden(const urs_backdrop *b, int32_t x, int32_t y, float metres)
{
    const size_t i = (size_t)y * (size_t)b->width + (size_t)x;
    return b->kind[i] == URS_KIND_THING && (float)b->depth[i] < metres * 100.0f;
}

/* rows: what the strip leaves free. */
static void paste(urs_synth_frame *out, const urs_backdrop *b, const urs_figure *f, const urs_light *light, const urs_exposure *exposure, const int32_t rows[2], int number,
                  bool bear, painted *how)
{
    const float aspect = (float)b->height / (float)b->width;
    for (int32_t row = 0; row < f->height; row++) {
        const int32_t y = f->y + row;
        const float dy = ((float)y / (float)b->height - 0.5f) * 2.0f * aspect;
        for (int32_t column = 0; column < f->width; column++) {
            const size_t i = (size_t)row * (size_t)f->width + (size_t)column;
            const int32_t x = f->x + column;
            const float dx = ((float)x / (float)b->width - 0.5f) * 2.0f, round = 1.0f - light->vignette * 0.62f * (dx * dx + dy * dy);
            const float cover = (float)f->cover[i] * (1.0f / 255.0f);
            uint8_t *p;
            if (!f->cover[i])
                continue;
            if (f->part[i] == URS_PART_OF_HEAD) {
                how->head_pixels++;
                how->touches_edge |= x == 0 || y == 0 || x == b->width - 1 || y == b->height - 1;
            }
            if (y < rows[0] || y >= rows[1] || hidden(b, x, y, f->metres)) {
                how->head_hidden += f->part[i] == URS_PART_OF_HEAD;
                continue;
            }
            p = urs_image_at(&out->picture, x, y);
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)((float)p[c] + ((float)urs_exposure_of(exposure, f->colour[i * 3 + (size_t)c] * round) - (float)p[c]) * cover + 0.5f);
            if (f->part[i] == URS_PART_OF_NOTHING)
                continue;
            how->body_pixels++;
            /* whoever stands in front takes the pixel */
            *urs_image_at(&out->bodies, x, y) = bear ? 255 : 0;
            *urs_image_at(&out->heads, x, y) = (uint8_t)(f->part[i] == URS_PART_OF_HEAD ? number : 0);
        }
    }
}

static bool point_seen(const urs_synth_frame *out, const urs_backdrop *b, urs_point p, int number)
{
    const int32_t x = (int32_t)p.x, y = (int32_t)p.y;
    if (x < 0 || y < 0 || x >= b->width || y >= b->height)
        return false;
    return *urs_image_at(&out->heads, x, y) == number;
}

typedef struct cast { /* the animals of one frame, far ones first */
    urs_animal animal[URS_ACTORS_MAX];
    urs_stand stand[URS_ACTORS_MAX];
    urs_figure figure[URS_ACTORS_MAX];
    painted how[URS_ACTORS_MAX];
    int actor[URS_ACTORS_MAX];
    int count;
    urs_exposure exposure;
} cast;

static void choose_cast(cast *c, const urs_event *event, int frame, const urs_story *story, const urs_backdrop *backdrop)
{
    for (int i = 0; i < event->actor_count; i++)
        if (frame >= event->actors[i].from && frame < event->actors[i].to)
            c->actor[c->count++] = i;
    if (c->count == 2 && event->actors[c->actor[0]].metres < event->actors[c->actor[1]].metres) {
        const int swap = c->actor[0];
        c->actor[0] = c->actor[1];
        c->actor[1] = swap;
    }
    for (int i = 0; i < c->count; i++)
        urs_actor_place(&c->animal[i], &c->stand[i], event, c->actor[i], frame, story, backdrop);
}

/* Heads of which at least a third can be seen become truth; others are wiped from the map, and the numbers close up. */
static void collect_heads(urs_synth_frame *out, const cast *c, const urs_event *event, const urs_backdrop *b)
{
    uint8_t renumber[URS_ACTORS_MAX + 1] = {0};
    size_t visible[URS_ACTORS_MAX + 1] = {0};
    const size_t n = (size_t)b->width * (size_t)b->height;
    for (size_t i = 0; i < n; i++)
        visible[out->heads.data[i]]++;
    for (int i = 0; i < c->count; i++) {
        const urs_figure *f = &c->figure[i];
        const urs_actor *actor = &event->actors[c->actor[i]];
        const int number = i + 1;
        urs_synth_head *head = &out->head[out->head_count];
        if (actor->species != URS_SPECIES_BEAR || visible[number] * 3 < c->how[i].head_pixels || visible[number] < 64)
            continue;
        *head = (urs_synth_head){.individual = actor->individual, .box = f->head, .nose = f->nose, .yaw = actor->pose.head_yaw};
        head->whole = !c->how[i].touches_edge && visible[number] == c->how[i].head_pixels;
        head->nose_seen = f->nose_seen && point_seen(out, b, f->nose, number);
        for (int e = 0; e < 2; e++) {
            head->eye[e] = f->eye[e];
            head->eye_seen[e] = f->eye_seen[e] && point_seen(out, b, f->eye[e], number);
        }
        renumber[number] = (uint8_t)++out->head_count;
    }
    for (size_t i = 0; i < n; i++)
        out->heads.data[i] = renumber[out->heads.data[i]];
}

void urs_sensor_noise(urs_image *picture, float deviation, bool grey, urs_random *random)
{
    int8_t table[NOISE_TABLE];
    const size_t n = (size_t)picture->width * (size_t)picture->height;
    uint32_t state = (uint32_t)urs_random_u64(random) | 1u;
    int before = 0;
    for (int i = 0; i < NOISE_TABLE; i++) {
        const double v = urs_random_normal(random) * (double)deviation * 1.35;
        table[i] = (int8_t)(v < -120.0 ? -120.0 : v > 120.0 ? 120.0 : v);
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = picture->data + i * 3;
        int grain, colour;
        state = state * 1664525u + 1013904223u;
        /* neighbours share some of it, as after the camera's own smoothing */
        grain = (3 * table[state >> 19] + 2 * before) / 4;
        before = table[state >> 19];
        colour = grey ? 0 : table[(state >> 6) & (NOISE_TABLE - 1)] / 3;
        for (int c = 0; c < 3; c++) {
            const int v = p[c] + grain + (c == 0 ? colour : c == 2 ? -colour : 0);
            p[c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
}

urs_status urs_synth_frame_make(urs_synth_frame *out, const urs_event *event, int frame, const urs_story *story, const urs_backdrop *backdrop, urs_error *err)
{
    urs_synth_frame f = {.head_count = 0};
    urs_status status;
    urs_random random = event->random;
    const urs_civil_time time = urs_civil_from_seconds(event->start + frame);
    urs_light light = urs_light_make((float)time.hour + (float)time.minute / 60.0f, event->cloud, event->infrared, &random);
    cast *c = urs_array_new(1, sizeof *c);
    int32_t rows[2];

    if (!c)
        return urs_fail(err, URS_ENOMEM, "no memory for a frame");
    if (backdrop->habitat == URS_HABITAT_SNOW)
        light.exposure *= 0.62f, light.flash *= 0.8f; /* the camera measures the bright ground */
    status = urs_backdrop_light(&f.picture, backdrop, &light, err);
    if (status == URS_OK)
        status = urs_image_new(&f.heads, backdrop->width, backdrop->height, 1, err);
    if (status == URS_OK)
        status = urs_image_new(&f.bodies, backdrop->width, backdrop->height, 1, err);
    if (status != URS_OK)
        goto done;
    urs_exposure_fill(&c->exposure);
    urs_strip_rows(event, backdrop->width, backdrop->height, &rows[0], &rows[1]);
    choose_cast(c, event, frame, story, backdrop);
    for (int i = 0; i < c->count; i++) {
        const urs_actor *actor = &event->actors[c->actor[i]];
        const bool bear = actor->species == URS_SPECIES_BEAR;
        status = urs_figure_draw(&c->figure[i], &c->animal[i], &c->stand[i], &light, backdrop->width, backdrop->height, err);
        if (status != URS_OK)
            goto done;
        cast_shadow(&f.picture, backdrop, &c->stand[i], &actor->pose);
        paste(&f, backdrop, &c->figure[i], &light, &c->exposure, rows, i + 1, bear, &c->how[i]);
        if (c->how[i].body_pixels > 200) {
            f.bears += bear;
            f.others += !bear;
        }
    }
    collect_heads(&f, c, event, backdrop);
    urs_random_init_stream(&random, event->random.state[0], (uint64_t)frame);
    urs_sensor_noise(&f.picture, light.noise, light.night, &random);
    urs_strip_draw(&f.picture, event, frame);
    *out = f;
    f = (urs_synth_frame){.head_count = 0};
done:
    for (int i = 0; i < c->count; i++)
        urs_figure_release(&c->figure[i]);
    urs_free(c);
    urs_synth_frame_release(&f);
    return status;
}

void urs_synth_frame_release(urs_synth_frame *frame)
{
    urs_image_release(&frame->picture);
    urs_image_release(&frame->heads);
    urs_image_release(&frame->bodies);
    frame->head_count = 0;
}
