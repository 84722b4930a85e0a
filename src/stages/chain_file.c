/* What the chain does with one file; see chain.h.
 *
 *      bytes --decode, reduced--> picture --sift--> empty: done
 *        |                           |----find----> heads --big enough here?--yes--> chips from the picture --+--> embed
 *        '--decode, less reduced-----------------------------------------no--------> chips from the detail --+
 */
#include "stages/chain_private.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)256 << 20)
#define DETAIL_PIXELS_MAX 32e6
#define REDUCTION_MAX 8

static void keep_facts(urs_chain_result *r, const urs_photo *photo)
{
    r->decoded = true;
    r->truncated = photo->truncated;
    r->width = photo->full_width;
    r->height = photo->full_height;
    r->picture_width = photo->image.width;
    r->picture_height = photo->image.height;
    if (photo->has_time)
        memcpy(r->datetime, photo->time, sizeof r->datetime);
    r->has_zone = photo->has_zone;
    r->zone_minutes = photo->zone_minutes;
    memcpy(r->camera, photo->camera, sizeof r->camera);
}

/* The heads take over what was found. */
static urs_status keep_heads(urs_chain_result *r, urs_detections *found, urs_error *err)
{
    if (found->count == 0)
        return URS_OK;
    r->heads = urs_array_new(found->count, sizeof *r->heads);
    if (!r->heads)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu heads", found->count);
    for (size_t i = 0; i < found->count; i++)
        r->heads[i].found = found->items[i];
    r->head_count = found->count;
    found->count = 0;
    return URS_OK;
}

static float longer_side(urs_box b)
{
    return fmaxf(b.x2 - b.x1, b.y2 - b.y1);
}

/* How much the file should be reduced so that the smallest head has enough pixels; `photo->reduction` when it has, or when more cannot be had. */
static int32_t wanted_reduction(const urs_chain_result *r, const urs_photo *photo, int32_t side)
{
    int32_t reduction = photo->reduction;
    float smallest = (float)side;
    for (size_t i = 0; i < r->head_count; i++)
        smallest = fminf(smallest, longer_side(r->heads[i].found.box));
    for (; reduction > 1 && smallest < (float)side; smallest *= 2)
        reduction /= 2;
    while (reduction < REDUCTION_MAX && (double)photo->full_width / reduction * ((double)photo->full_height / reduction) > DETAIL_PIXELS_MAX)
        reduction *= 2;
    return reduction < photo->reduction ? reduction : photo->reduction;
}

/* The same head in the detailed picture. The mask is resampled and cut at one half. */
static urs_status scale_detection(urs_detection *out, const urs_detection *in, double sx, double sy, urs_error *err)
{
    urs_detection d = {.score = in->score, .label = in->label};
    d.box = (urs_box){(float)(in->box.x1 * sx), (float)(in->box.y1 * sy), (float)(in->box.x2 * sx), (float)(in->box.y2 * sy)};
    if (in->mask.data) {
        const int32_t x1 = (int32_t)lround(in->mask_x * sx), x2 = (int32_t)lround((in->mask_x + in->mask.width) * sx);
        const int32_t y1 = (int32_t)lround(in->mask_y * sy), y2 = (int32_t)lround((in->mask_y + in->mask.height) * sy);
        const urs_status status = urs_image_resize(&d.mask, &in->mask, x2 > x1 ? x2 - x1 : 1, y2 > y1 ? y2 - y1 : 1, URS_FILTER_BILINEAR, err);
        if (status != URS_OK)
            return status;
        for (size_t i = 0, n = (size_t)d.mask.width * (size_t)d.mask.height; i < n; i++)
            d.mask.data[i] = d.mask.data[i] >= 128 ? 255 : 0;
        d.mask_x = x1;
        d.mask_y = y1;
    }
    *out = d;
    return URS_OK;
}

static urs_status cut_from_detail(urs_chain_head *head, const urs_image *detail, const urs_image *picture, const urs_chip_options *options, urs_error *err)
{
    urs_detection scaled = {0};
    urs_status status = scale_detection(&scaled, &head->found, (double)detail->width / picture->width, (double)detail->height / picture->height, err);
    if (status == URS_OK)
        status = urs_chip_cut(&head->chip, detail, &scaled, NULL, options, err);
    urs_detection_release(&scaled);
    return status;
}

static urs_status cut_chips(const urs_chain *c, urs_chain_result *r, const urs_photo *photo, const urs_bytes *bytes, urs_error *err)
{
    const urs_chip_options *options = &c->options.chip_options;
    const int32_t reduction = c->options.no_detail ? photo->reduction : wanted_reduction(r, photo, options->side);
    urs_photo detail = {0};
    urs_status status = URS_OK;
    if (reduction < photo->reduction) {
        const urs_decode_options larger = {.min_width = (photo->full_width + reduction - 1) / reduction, .min_height = (photo->full_height + reduction - 1) / reduction};
        status = urs_photo_decode(&detail, bytes->data, bytes->size, r->file, &larger, err);
    }
    for (size_t i = 0; status == URS_OK && i < r->head_count; i++) {
        urs_chain_head *head = &r->heads[i];
        if (detail.image.data && longer_side(head->found.box) < (float)options->side)
            status = cut_from_detail(head, &detail.image, &photo->image, options, err);
        else
            status = urs_chip_cut(&head->chip, &photo->image, &head->found, NULL, options, err);
    }
    urs_photo_release(&detail);
    return status;
}

static urs_status embed_chips(const urs_chain *c, urs_chain_worker *w, urs_chain_result *r, urs_error *err)
{
    const size_t dim = (size_t)urs_chain_dim(c);
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < r->head_count; i++) {
        const urs_image *chip = &r->heads[i].chip;
        r->heads[i].embedding = urs_array_new(dim, sizeof(float));
        if (!r->heads[i].embedding)
            return urs_fail(err, URS_ENOMEM, "no memory for an embedding");
        status = urs_embedder_pictures(w->embedder, r->heads[i].embedding, &chip, 1, err);
    }
    return status;
}

/* --chips-in: the picture is the head. */
static urs_status take_as_chip(const urs_chain *c, urs_chain_result *r, const urs_image *picture, urs_error *err)
{
    r->heads = urs_array_new(1, sizeof *r->heads);
    if (!r->heads)
        return urs_fail(err, URS_ENOMEM, "no memory for a head");
    r->head_count = 1;
    r->searched = true;
    r->heads[0].found = (urs_detection){.box = {0, 0, (float)picture->width, (float)picture->height}, .score = 1};
    return c->options.no_chips ? URS_OK : urs_chip_from_picture(&r->heads[0].chip, picture, c->options.chip_options.side, err);
}

typedef struct known_regions {
    bool known;
    const urs_region *items;
    size_t count;
} known_regions;

static known_regions regions_of(const urs_chain *c, const char *file)
{
    known_regions k = {0};
    if (c->find && c->options.regions)
        k.known = c->options.regions(c->options.regions_context, file, &k.items, &k.count);
    return k;
}

static bool worth_searching(const urs_chain *c, const urs_chain_result *r, const known_regions *where)
{
    if (!c->find)
        return false;
    if (where->known)
        return where->count > 0;
    if (!r->has_sift)
        return true;
    return c->options.bears_only ? r->sift.verdict == URS_FRAME_BEAR : r->sift.verdict != URS_FRAME_EMPTY;
}

static urs_status look_at(const urs_chain *c, urs_chain_worker *w, urs_chain_result *r, const urs_photo *photo, const urs_bytes *bytes, urs_error *err)
{
    const urs_image *picture = &photo->image;
    const known_regions where = regions_of(c, r->file);
    urs_detections found = {0};
    urs_status status = URS_OK;
    if (c->options.chips_in) {
        status = take_as_chip(c, r, picture, err);
    } else {
        if (c->sift) {
            status = urs_sifter_pictures(w->sifter, &r->sift, &picture, 1, err);
            r->has_sift = status == URS_OK;
        }
        if (status == URS_OK && worth_searching(c, r, &where)) {
            status = where.known ? urs_chain_find_in(&found, w->finder, picture, where.items, where.count, err) : urs_finder_pictures(w->finder, &found, &picture, 1, err);
            r->searched = status == URS_OK;
            if (status == URS_OK)
                status = keep_heads(r, &found, err);
            if (status == URS_OK && !c->options.no_chips && r->head_count > 0)
                status = cut_chips(c, r, photo, bytes, err);
            urs_detections_release(&found);
        }
    }
    if (status == URS_OK && c->embed)
        status = embed_chips(c, w, r, err);
    return status;
}

/* Looks at a decoded picture, or takes note of why there is none. */
static void finish(const urs_chain *c, urs_chain_worker *w, urs_chain_result *r, urs_photo *photo, const urs_bytes *bytes, urs_status status)
{
    if (status == URS_OK) {
        keep_facts(r, photo);
        status = look_at(c, w, r, photo, bytes, &r->error);
    }
    if (status != URS_OK) { /* no half results: heads without chips would look like heads */
        urs_chain_result bare = *r;
        bare.heads = NULL;
        bare.head_count = 0;
        r->picture = (urs_image){0};
        urs_chain_result_release(r);
        *r = bare;
        r->error.code = status;
    } else if (c->options.keep_picture) {
        r->picture = photo->image;
        photo->image = (urs_image){0};
    }
}

static void work_on_bytes(const urs_chain *c, urs_chain_worker *w, urs_chain_result *r, const urs_bytes *bytes)
{
    urs_photo photo = {0};
    const known_regions where = regions_of(c, r->file);
    const int32_t side = c->find ? (c->find->input.width > c->find->input.height ? c->find->input.width : c->find->input.height) : 0;
    const urs_decode_options how = urs_chain_regions_decode(&c->decode, where.items, where.count, side);
    const urs_status status = urs_photo_decode(&photo, bytes->data, bytes->size, r->file, &how, &r->error);
    finish(c, w, r, &photo, bytes, status);
    urs_photo_release(&photo);
}

void urs_chain_file(const urs_chain *c, urs_chain_worker *w, urs_chain_result *r)
{
    urs_bytes bytes = {0};
    const urs_status status = urs_file_read(&bytes, r->file, FILE_SIZE_MAX, &r->error);
    if (status == URS_OK)
        work_on_bytes(c, w, r, &bytes);
    else
        r->error.code = status;
    urs_bytes_release(&bytes);
}

/* ---- one at a time, with the first worker's plans ---- */

void urs_chain_one(urs_chain *c, const char *file, urs_chain_result *out)
{
    *out = (urs_chain_result){.file = file};
    urs_chain_file(c, &c->workers[0], out);
}

void urs_chain_bytes(urs_chain *c, const void *data, size_t size, const char *name, urs_chain_result *out)
{
    const urs_bytes bytes = {.data = (uint8_t *)data, .size = size}; /* only read */
    *out = (urs_chain_result){.file = name};
    work_on_bytes(c, &c->workers[0], out, &bytes);
}

void urs_chain_picture(urs_chain *c, const urs_image *picture, const char *name, urs_chain_result *out)
{
    urs_photo photo = {.full_width = picture->width, .full_height = picture->height, .reduction = 1};
    urs_status status;
    *out = (urs_chain_result){.file = name};
    if (picture->channels != 3) {
        (void)urs_fail(&out->error, URS_EINVAL, "'%s' has %d channels, not 3", name, (int)picture->channels);
        return;
    }
    status = c->options.keep_picture ? urs_image_copy(&photo.image, picture, &out->error) : URS_OK;
    if (!c->options.keep_picture)
        photo.image = *picture;
    finish(c, &c->workers[0], out, &photo, NULL, status);
    if (c->options.keep_picture)
        urs_photo_release(&photo);
}
