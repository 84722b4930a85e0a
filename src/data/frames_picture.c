/* The pictures of the frame list: taken from the cache or made, augmented, and turned into a tensor; see frames.h. */
#include "base/memory.h"
#include "data/frames.h"
#include "data/frames_private.h"

#include <math.h>
#include <string.h>

#define STRIP_MIN 0.2f     /* of the picture's side */
#define FUR_DISTANCE 40.0  /* between mean colours */
#define CROP_ATTEMPTS 12
#define PASTE_COVER_MIN 0.015

bool urs_frames_free_strip(urs_box *out, const urs_scene *scene, urs_random *random)
{
    const float w = (float)scene->image.width, h = (float)scene->image.height;
    urs_box all = {w, h, 0, 0}, strips[4], fit[4];
    size_t count = 0;
    for (int32_t y = 0; y < scene->body.height; y++)
        for (int32_t x = 0; x < scene->body.width; x++)
            if (*urs_image_at(&scene->body, x, y)) {
                all.x1 = fminf(all.x1, (float)x);
                all.x2 = fmaxf(all.x2, (float)(x + 1));
                all.y1 = fminf(all.y1, (float)y);
                all.y2 = fmaxf(all.y2, (float)(y + 1));
            }
    for (size_t i = 0; i < scene->count; i++) {
        const urs_box b = scene->objects[i].box;
        all = (urs_box){fminf(all.x1, b.x1), fminf(all.y1, b.y1), fmaxf(all.x2, b.x2), fmaxf(all.y2, b.y2)};
    }
    if (all.x2 <= all.x1) /* nothing known about the animal: nothing is known to be free */
        return false;
    strips[0] = (urs_box){0, 0, all.x1 - 0.02f * w, h};
    strips[1] = (urs_box){all.x2 + 0.02f * w, 0, w, h};
    strips[2] = (urs_box){0, 0, w, all.y1 - 0.02f * h};
    strips[3] = (urs_box){0, all.y2 + 0.02f * h, w, h};
    for (int i = 0; i < 4; i++)
        if (strips[i].x2 - strips[i].x1 >= STRIP_MIN * w && strips[i].y2 - strips[i].y1 >= STRIP_MIN * h)
            fit[count++] = strips[i];
    if (count == 0)
        return false;
    *out = fit[urs_random_below(random, count)];
    return true;
}

/* Mean colour of the pixels (inside the mask where there is one). */
static void mean_colour(double mean[3], const urs_image *image, const urs_image *mask)
{
    double n = 0;
    mean[0] = mean[1] = mean[2] = 0;
    for (int32_t y = 0; y < image->height; y += 2)
        for (int32_t x = 0; x < image->width; x += 2) {
            if (mask && !*urs_image_at(mask, x, y))
                continue;
            n++;
            for (int c = 0; c < 3; c++)
                mean[c] += urs_image_at(image, x, y)[c];
        }
    for (int c = 0; c < 3 && n > 0; c++)
        mean[c] /= n;
}

/* Body masks miss a part of some animals. A piece of the animal's own colour may be its fur. */
static bool may_be_fur(const urs_image *crop, const urs_scene *scene)
{
    double a[3], b[3], distance = 0;
    mean_colour(a, crop, NULL);
    mean_colour(b, &scene->image, &scene->body);
    for (int c = 0; c < 3; c++)
        distance += (a[c] - b[c]) * (a[c] - b[c]);
    return distance < FUR_DISTANCE * FUR_DISTANCE;
}

static urs_status crop_once(urs_image *out, bool *doubtful, const urs_frames *f, urs_random *random, urs_error *err)
{
    urs_status status;
    const urs_scene *scene = &f->photos.scenes[f->croppable[urs_random_below(random, f->croppable_count)]];
    urs_box strip;
    double w, h, x, y;
    if (!urs_frames_free_strip(&strip, scene, random))
        return urs_fail(err, URS_EINVAL, "a photograph without room beside the animal");
    /* Something like the shape of a frame out of the strip. */
    w = (double)(strip.x2 - strip.x1);
    h = (double)(strip.y2 - strip.y1);
    if (w > 1.6 * h)
        w = h * urs_random_range(random, 1.0, 1.6);
    else if (h > 1.2 * w)
        h = w * urs_random_range(random, 0.7, 1.2);
    x = (double)strip.x1 + urs_random_unit(random) * ((double)(strip.x2 - strip.x1) - w);
    y = (double)strip.y1 + urs_random_unit(random) * ((double)(strip.y2 - strip.y1) - h);
    status = urs_image_crop(out, &scene->image, (int32_t)x, (int32_t)y, (int32_t)w, (int32_t)h, 0, err);
    *doubtful = status == URS_OK && may_be_fur(out, scene);
    return status;
}

static urs_status make_crop(urs_image *out, const urs_frames *f, urs_random *random, urs_error *err)
{
    for (int attempt = 0;; attempt++) {
        bool doubtful = false;
        const urs_status status = crop_once(out, &doubtful, f, random, err);
        if (status != URS_OK || !doubtful || attempt == CROP_ATTEMPTS)
            return status;
        urs_image_release(out);
    }
}

static const urs_image *draw_empty(const urs_frames *f, urs_random *random)
{
    return &f->cache.images[f->empties[urs_random_below(random, f->empty_count)]];
}

/* Share of the frame that the pasted animal covers. */
static double share_covered(const urs_image *body)
{
    const size_t n = (size_t)body->width * (size_t)body->height;
    size_t inside = 0;
    for (size_t i = 0; i < n; i++)
        inside += body->data[i] != 0;
    return (double)inside / (double)n;
}

static urs_status make_paste(urs_image *out, const urs_frames *f, urs_random *random, urs_error *err)
{
    for (int attempt = 0;; attempt++) {
        urs_scene scene = {0};
        const urs_scene *from = &f->photos.scenes[f->pasteable[urs_random_below(random, f->pasteable_count)]];
        const urs_status status = urs_scene_paste(&scene, draw_empty(f, random), from, random, err);
        /* A frame on which hardly anything of the bear is left must not be called bear. */
        const bool enough = status == URS_OK && (share_covered(&scene.body) >= PASTE_COVER_MIN || attempt == CROP_ATTEMPTS);
        if (enough) {
            *out = scene.image;
            scene.image = (urs_image){0};
        }
        urs_scene_release(&scene);
        if (status != URS_OK || enough)
            return status;
    }
}

static void draw_paste(urs_paste *how, const urs_image *frame, const urs_image *piece, urs_random *random)
{
    const double height = urs_random_range(random, 0.2, 0.9) * frame->height, scale = fmin(height / piece->height, 0.95 * frame->width / piece->width);
    *how = (urs_paste){.scale = (float)scale, .flip = urs_random_below(random, 2) == 0, .feather = (float)urs_random_range(random, 0.6, 1.6),
                       .match = (float)urs_random_range(random, 0.15, 0.7)};
    how->x = (float)urs_random_range(random, -0.1 * piece->width * scale, frame->width - 0.9 * piece->width * scale);
    how->y = (float)urs_random_range(random, 0.3 * (frame->height - piece->height * scale), frame->height - 0.9 * piece->height * scale);
}

/* A bear's outline filled with a piece of another background. */
static urs_status make_decoy(urs_image *out, const urs_frames *f, urs_random *random, urs_error *err)
{
    urs_image frame = {0};
    urs_cutout cutout = {{0}, {0}};
    urs_paste how;
    const urs_scene *shape = &f->photos.scenes[f->pasteable[urs_random_below(random, f->pasteable_count)]];
    const urs_image *texture = draw_empty(f, random);
    urs_status status = urs_image_copy(&frame, draw_empty(f, random), err);
    if (status == URS_OK)
        status = urs_cutout_make(&cutout, &shape->image, &shape->body, NULL, err);
    if (status == URS_OK) {
        const double share = urs_random_range(random, 0.3, 0.8);
        const int32_t w = (int32_t)(texture->width * share), h = (int32_t)(texture->height * share);
        urs_image part = {0};
        urs_image_release(&cutout.image);
        status = urs_image_crop(&part, texture, (int32_t)urs_random_below(random, (uint64_t)(texture->width - w) + 1),
                                (int32_t)urs_random_below(random, (uint64_t)(texture->height - h) + 1), w > 0 ? w : 1, h > 0 ? h : 1, 0, err);
        if (status == URS_OK)
            status = urs_image_resize(&cutout.image, &part, cutout.mask.width, cutout.mask.height, URS_FILTER_BILINEAR, err);
        urs_image_release(&part);
    }
    if (status == URS_OK) {
        draw_paste(&how, &frame, &cutout.image, random);
        how.match = (float)urs_random_range(random, 0.5, 1); /* a dark piece in a bear's outline by day would look like a black bear */
        status = urs_augment_paste(&frame, &cutout, &how, NULL, err);
    }
    urs_cutout_release(&cutout);
    if (status == URS_OK)
        *out = frame;
    else
        urs_image_release(&frame);
    return status;
}

/* Another animal's picture in a soft oval: nobody cut these animals out, so some of their own background comes along. */
static urs_status make_mix(urs_image *out, const urs_frames *f, urs_random *random, urs_error *err)
{
    urs_image frame = {0};
    urs_cutout cutout = {{0}, {0}};
    urs_paste how;
    const urs_image *animal = &f->cache.images[f->animals[urs_random_below(random, f->animal_count)]];
    urs_status status = urs_image_copy(&frame, draw_empty(f, random), err);
    if (status == URS_OK)
        status = urs_image_copy(&cutout.image, animal, err);
    if (status == URS_OK)
        status = urs_image_new(&cutout.mask, animal->width, animal->height, 1, err);
    if (status == URS_OK) {
        const float w = (float)animal->width, h = (float)animal->height;
        for (int32_t y = 0; y < animal->height; y++)
            for (int32_t x = 0; x < animal->width; x++) {
                const float dx = (2 * (float)x + 1 - w) / w, dy = (2 * (float)y + 1 - h) / h, r = dx * dx * dx * dx + dy * dy * dy * dy;
                const float alpha = (1 - sqrtf(r)) * 3;
                *urs_image_at(&cutout.mask, x, y) = (uint8_t)(alpha <= 0 ? 0 : alpha >= 1 ? 255 : alpha * 255);
            }
        draw_paste(&how, &frame, &cutout.image, random);
        how.feather = 2;
        status = urs_augment_paste(&frame, &cutout, &how, NULL, err);
    }
    urs_cutout_release(&cutout);
    if (status == URS_OK)
        *out = frame;
    else
        urs_image_release(&frame);
    return status;
}

urs_status urs_frames_generate(urs_image *out, const urs_frames *frames, urs_frame_source source, urs_random *random, urs_error *err)
{
    switch (source) {
    case URS_FRAMES_CROPS: return make_crop(out, frames, random, err);
    case URS_FRAMES_PASTE: return make_paste(out, frames, random, err);
    case URS_FRAMES_MIX: return make_mix(out, frames, random, err);
    case URS_FRAMES_DECOY: return make_decoy(out, frames, random, err);
    case URS_FRAMES_REAL:
    case URS_FRAMES_PHOTOS:
    case URS_FRAMES_OTHERS:
    case URS_FRAMES_SYNTH:
    case URS_FRAMES_TINY:
    case URS_FRAMES_SOURCES:
    default: return urs_fail(err, URS_EINVAL, "frames of source %s are not made", urs_frame_source_name(source));
    }
}

static bool is_generated(urs_frame_source source)
{
    return source == URS_FRAMES_CROPS || source == URS_FRAMES_PASTE || source == URS_FRAMES_MIX || source == URS_FRAMES_DECOY;
}

/* The picture of an item: `made` owns it if it was made, else it is the cache's. */
static urs_status picture_of(const urs_image **out, urs_image *made, const urs_frames *f, size_t i, urs_random *random, urs_error *err)
{
    if (i >= f->count)
        return urs_fail(err, URS_EINVAL, "frame %zu of %zu", i, f->count);
    if (is_generated(f->items[i].source)) {
        *out = made;
        return urs_frames_generate(made, f, f->items[i].source, random, err);
    }
    *out = &f->cache.images[f->items[i].picture];
    return URS_OK;
}

static void init_random(urs_random *random, const urs_frames *f, size_t i, uint64_t epoch, uint64_t position)
{
    urs_random_init_stream(random, urs_random_mix(f->seed ^ urs_random_mix(epoch)) ^ (uint64_t)i, position);
}

urs_status urs_frames_picture(urs_image *out, const urs_frames *frames, size_t i, uint64_t epoch, urs_error *err)
{
    const urs_image *picture;
    urs_image made = {0};
    urs_random random;
    urs_status status;
    init_random(&random, frames, i, epoch, 0);
    status = picture_of(&picture, &made, frames, i, &random, err);
    if (status != URS_OK)
        return status;
    if (picture == &made) {
        *out = made;
        return URS_OK;
    }
    return urs_image_copy(out, picture, err);
}

urs_frame_augment urs_frame_augment_default(void)
{
    return (urs_frame_augment){.photometric = {.brightness = 0.3f, .contrast = 0.3f, .saturation = 0.4f, .hue = 0.02f, .gamma = 0.3f, .p_grey = 0.05f,
                                               .p_infrared = 0.25f, .p_jpeg = 0.3f, .p_blur = 0.15f, .p_noise = 0.15f, .p_sharpen = 0.1f, .p_downscale = 0.15f},
                               .geometric = {.rotate = 5, .scale = 0.1f, .translate = 0.04f, .shear = 3, .flip = 0.5f, .crop_min = 0.7f, .crop_aspect = 0.2f,
                                             .erase = 0.1f, .fill = 114},
                               .p_strip = 0.3f, .p_strip_crop = 0.3f};
}

/* What `use` does to the shape of a picture, before training's own changes. */
static urs_status apply_fit(const urs_image **picture, urs_image *made, const urs_input_format *format, urs_error *err)
{
    urs_image fitted = {0};
    const urs_image *in = *picture;
    urs_status status;
    if (format->fit == URS_FIT_LETTERBOX) {
        status = urs_image_letterbox(&fitted, NULL, in, format->width, format->height, err);
    } else if (format->fit == URS_FIT_CENTRE_CROP && in->width != in->height) {
        const int32_t side = in->width < in->height ? in->width : in->height;
        status = urs_image_crop(&fitted, in, (in->width - side) / 2, (in->height - side) / 2, side, side, 0, err);
    } else {
        return URS_OK;
    }
    if (status == URS_OK) {
        urs_image_release(made);
        *made = fitted;
        *picture = made;
    }
    return status;
}

/* Replaces the picture by a copy of ours that may be painted on. */
static urs_status own(const urs_image **picture, urs_image *made, urs_error *err)
{
    urs_status status;
    if (*picture == made)
        return URS_OK;
    status = urs_image_copy(made, *picture, err);
    if (status == URS_OK)
        *picture = made;
    return status;
}

urs_status urs_frames_prepare(float *out, const urs_frames *frames, size_t i, uint64_t epoch, uint64_t position, const urs_input_format *format,
                              const urs_frame_augment *augment, urs_error *err)
{
    const urs_image *picture;
    urs_image made = {0}, ready = {0};
    urs_random random;
    urs_status status;
    double strip, cut;
    init_random(&random, frames, i, epoch, position);
    status = picture_of(&picture, &made, frames, i, &random, err);
    if (status != URS_OK)
        return status;
    if (!augment) {
        status = urs_image_to_tensor(out, picture, format, NULL, err);
        goto done;
    }
    cut = urs_random_unit(&random);
    strip = urs_random_unit(&random);
    if (cut < (double)augment->p_strip_crop) {
        urs_image shorter = {0};
        const double share = urs_random_range(&random, 0.04, 0.1);
        status = urs_augment_strip_crop(&shorter, picture, (float)share, urs_random_unit(&random) < 0.15, err);
        if (status != URS_OK)
            goto done;
        urs_image_release(&made);
        made = shorter;
        picture = &made;
    }
    if (strip < (double)augment->p_strip) {
        status = own(&picture, &made, err);
        if (status != URS_OK)
            goto done;
        urs_augment_strip(&made, &random);
    }
    status = apply_fit(&picture, &made, format, err);
    if (status == URS_OK)
        status = urs_augment_geometric(&ready, picture, format->width, format->height, &augment->geometric, &random, err);
    if (status == URS_OK)
        status = urs_augment_photometric(&ready, &augment->photometric, &random, err);
    if (status == URS_OK)
        urs_image_normalise(out, &ready, format);
done:
    urs_image_release(&ready);
    urs_image_release(&made);
    return status;
}
