/* The chain of the public API: options to paths, results to frames. See include/ursid.h. */
#include "api/api_private.h"

#include "base/file.h"
#include "base/memory.h"
#include "stages/model_path.h"

#include <string.h>

_Static_assert((int)URSID_FRAME_EMPTY == (int)URS_FRAME_EMPTY && (int)URSID_FRAME_ANIMAL == (int)URS_FRAME_ANIMAL && (int)URSID_FRAME_BEAR == (int)URS_FRAME_BEAR,
               "public and own frame classes");
_Static_assert(URS_FRAME_CLASSES == sizeof((ursid_frame *)0)->probability / sizeof(float), "one probability a class");

/* ---- opening ---- */

/* Weights of a stage: its own file, else in the folder, else the shipped ones. *out owned. */
static urs_status stage_path(char **out, const char *stage, const char *file, const char *folder, urs_error *err)
{
    urs_text path = {0};
    if (file || !folder)
        return urs_model_path(out, stage, file, err);
    urs_text_format(&path, "%s/%s.safetensors", folder, stage);
    *out = urs_text_take(&path);
    return *out ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a path");
}

static urs_status open_chain(ursid_chain *c, const ursid_chain_options *o, urs_error *err)
{
    char *sift = NULL, *find = NULL, *embed = NULL;
    urs_chain_options options = {.chips_in = o->chips_in, .bears_only = o->bears_only, .no_chips = o->no_chips || o->sift_only, .threads = o->threads,
                                 .find_options = {.score = o->score}, .chip_options = {.side = o->chip_side}};
    urs_status status = URS_OK;
    if (!(o->score >= 0 && o->score <= 1))
        return urs_fail(err, URS_EINVAL, "a score is 0 to 1");
    if (o->no_chips && !o->no_embed && !o->sift_only)
        return urs_fail(err, URS_EINVAL, "embeddings are made from chips: no_chips goes with no_embed");
    if (o->sift_only && (o->no_sift || o->chips_in))
        return urs_fail(err, URS_EINVAL, "sift_only goes neither with no_sift nor with chips_in");
    if (o->backend)
        status = urs_backend_find(&options.backend, o->backend, err);
    if (status == URS_OK && !o->no_sift && !o->chips_in)
        status = stage_path(&sift, "sift", o->sift, o->models, err);
    if (status == URS_OK && !o->sift_only && !o->chips_in)
        status = stage_path(&find, "find", o->find, o->models, err);
    if (status == URS_OK && !o->sift_only && !o->no_embed)
        status = stage_path(&embed, "embed", o->embed, o->models, err);
    if (status == URS_OK) {
        options.sift = sift;
        options.find = find;
        options.embed = embed;
        status = urs_chain_open(&c->chain, &options, err);
    }
    urs_free(sift);
    urs_free(find);
    urs_free(embed);
    return status;
}

ursid_status ursid_chain_open(ursid_chain **out, const ursid_chain_options *options, ursid_error *err)
{
    static const ursid_chain_options defaults = {0};
    ursid_chain *c = NULL;
    urs_error why = {0};
    urs_status status;
    bool calibrated;
    if (!out)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_chain_open needs a place for the chain");
    c = urs_array_new(1, sizeof *c);
    if (!c)
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for the chain");
    c->model = (urs_catalogue_model){.fingerprint = ""};
    status = open_chain(c, options ? options : &defaults, &why);
    if (status == URS_OK && urs_chain_dim(c->chain) > 0) {
        const urs_network *network = urs_chain_network(c->chain, "embed");
        c->model = (urs_catalogue_model){.fingerprint = network->fingerprint, .name = network->options.arch, .dim = urs_chain_dim(c->chain)};
        status = urs_head_calibration(&c->calibration, &c->verdict, &calibrated, network, &why);
    }
    if (status != URS_OK) {
        ursid_chain_free(c);
        return urs_api_fail(err, &why);
    }
    *out = c;
    return URSID_OK;
}

void ursid_chain_free(ursid_chain *c)
{
    if (!c)
        return;
    urs_chain_free(c->chain);
    urs_calibration_release(&c->calibration);
    urs_free(c);
}

size_t ursid_chain_dim(const ursid_chain *c)
{
    return (size_t)c->model.dim;
}

const char *ursid_chain_fingerprint(const ursid_chain *c)
{
    return c->model.fingerprint;
}

/* ---- frames ---- */

/* The public part first: a pointer to it is a pointer to the whole. */
typedef struct owned_frame {
    ursid_frame frame;
    urs_chain_result result; /* owned: what the frame borrows from */
    ursid_head *heads;       /* owned */
    char *name;              /* owned */
    char time[32];
} owned_frame;

static void release(owned_frame *o)
{
    urs_chain_result_release(&o->result);
    urs_free(o->heads);
    urs_free(o->name);
}

void ursid_frame_free(ursid_frame *frame)
{
    if (!frame)
        return;
    release((owned_frame *)(void *)frame);
    urs_free(frame);
}

static ursid_picture view(const urs_image *image)
{
    return (ursid_picture){.width = image->width, .height = image->height, .channels = image->channels, .row_bytes = (size_t)image->width * (size_t)image->channels, .data = image->data};
}

static void show_head(ursid_head *out, const urs_chain_head *h, float sx, float sy)
{
    const urs_detection *d = &h->found;
    *out = (ursid_head){.box = {d->box.x1 * sx, d->box.y1 * sy, d->box.x2 * sx, d->box.y2 * sy}, .score = d->score, .embedding = h->embedding};
    if (h->chip.data)
        out->chip = view(&h->chip);
    if (d->mask.data) {
        out->mask = view(&d->mask);
        out->mask_box = (ursid_box){(float)d->mask_x * sx, (float)d->mask_y * sy, (float)(d->mask_x + d->mask.width) * sx, (float)(d->mask_y + d->mask.height) * sy};
    }
}

/* Fills o->frame from o->result. The frame points into o, which must not move afterwards. */
static urs_status show(owned_frame *o, bool in_memory, urs_error *err)
{
    const urs_chain_result *r = &o->result;
    ursid_frame *f = &o->frame;
    const float sx = r->picture_width > 0 ? (float)r->width / (float)r->picture_width : 1, sy = r->picture_height > 0 ? (float)r->height / (float)r->picture_height : 1;
    o->name = urs_strdup(r->file);
    o->heads = urs_array_new(r->head_count, sizeof *o->heads);
    if (!o->name || !o->heads)
        return urs_fail(err, URS_ENOMEM, "no memory for a frame");
    for (size_t i = 0; i < r->head_count; i++)
        show_head(&o->heads[i], &r->heads[i], sx, sy);
    urs_head_time(o->time, r);
    *f = (ursid_frame){.index = r->index, .name = o->name, .in_memory = in_memory, .status = (ursid_status)r->error.code, .message = r->error.message, .truncated = r->truncated,
                       .width = r->width, .height = r->height, .time = o->time, .camera = r->camera, .has_class = r->has_sift, .searched = r->searched, .heads = o->heads,
                       .head_count = r->head_count};
    if (r->has_sift) {
        f->frame_class = (ursid_frame_class)r->sift.verdict;
        memcpy(f->probability, r->sift.probability, sizeof f->probability);
    }
    return URS_OK;
}

/* Turns o (owned), with its result, into a frame for the caller. */
static ursid_status hand_out(ursid_frame **out, owned_frame *o, bool in_memory, ursid_error *err)
{
    urs_error why = o->result.error;
    if (why.code == URS_OK && show(o, in_memory, &why) == URS_OK) {
        *out = &o->frame;
        return URSID_OK;
    }
    release(o);
    urs_free(o);
    return urs_api_fail(err, &why);
}

ursid_status ursid_chain_file(ursid_frame **out, ursid_chain *c, const char *path, ursid_error *err)
{
    owned_frame *o;
    if (!out || !c || !path)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_chain_file needs a chain, a path and a place for the frame");
    o = urs_array_new(1, sizeof *o);
    if (!o)
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for a frame");
    urs_chain_one(c->chain, path, &o->result);
    return hand_out(out, o, false, err);
}

static const char *name_or(const char *name)
{
    return name ? name : "picture in memory";
}

ursid_status ursid_chain_bytes(ursid_frame **out, ursid_chain *c, const void *data, size_t size, const char *name, ursid_error *err)
{
    owned_frame *o;
    if (!out || !c || (!data && size > 0))
        return urs_api_refuse(err, URSID_EINVAL, "ursid_chain_bytes needs a chain, bytes and a place for the frame");
    o = urs_array_new(1, sizeof *o);
    if (!o)
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for a frame");
    urs_chain_bytes(c->chain, data, size, name_or(name), &o->result);
    return hand_out(out, o, true, err);
}

/* The caller's pixels as packed rows of three channels; owned. */
static urs_status take_pixels(urs_image *out, const ursid_picture *p, const char *name, urs_error *err)
{
    const size_t row = (size_t)p->width * (size_t)p->channels;
    urs_image packed = {0};
    urs_status status = urs_image_new(&packed, p->width, p->height, p->channels, err);
    if (status != URS_OK) {
        urs_error_prefix(err, "'%s': ", name);
        return status;
    }
    for (int32_t y = 0; y < p->height; y++)
        memcpy(packed.data + (size_t)y * row, p->data + (size_t)y * (p->row_bytes ? p->row_bytes : row), row);
    if (p->channels == 3) {
        *out = packed;
        return URS_OK;
    }
    status = urs_image_to_rgb(out, &packed, err);
    urs_image_release(&packed);
    return status;
}

ursid_status ursid_chain_pixels(ursid_frame **out, ursid_chain *c, const ursid_picture *picture, const char *name, ursid_error *err)
{
    urs_image pixels = {0};
    urs_error why = {0};
    owned_frame *o;
    if (!out || !c || !picture || !picture->data)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_chain_pixels needs a chain, a picture and a place for the frame");
    if (picture->width < 1 || picture->height < 1 || (picture->channels != 1 && picture->channels != 3))
        return urs_api_refuse(err, URSID_EINVAL, "a picture of %d x %d pixels and %d channels: 1 or 3 channels are wanted", (int)picture->width, (int)picture->height, (int)picture->channels);
    if (picture->row_bytes && picture->row_bytes < (size_t)picture->width * (size_t)picture->channels)
        return urs_api_refuse(err, URSID_EINVAL, "rows of %zu bytes are too short for %d pixels", picture->row_bytes, (int)picture->width);
    if (take_pixels(&pixels, picture, name_or(name), &why) != URS_OK)
        return urs_api_fail(err, &why);
    o = urs_array_new(1, sizeof *o);
    if (!o) {
        urs_image_release(&pixels);
        return urs_api_refuse(err, URSID_ENOMEM, "no memory for a frame");
    }
    urs_chain_picture(c->chain, &pixels, name_or(name), &o->result);
    urs_image_release(&pixels);
    return hand_out(out, o, true, err);
}

/* ---- many files ---- */

typedef struct delivery {
    ursid_frame_callback *callback;
    void *context;
} delivery;

static urs_status deliver(void *context, urs_chain_result *result, urs_error *err)
{
    const delivery *d = context;
    owned_frame o = {.result = *result};
    urs_status status;
    memset(result, 0, sizeof *result); /* taken */
    status = show(&o, false, err);
    if (status == URS_OK && !d->callback(d->context, &o.frame))
        status = urs_fail(err, URS_ECANCELLED, "the callback ended the run at '%s'", o.name);
    release(&o);
    return status;
}

ursid_status ursid_chain_files(ursid_chain *c, const char *const *paths, size_t n, ursid_frame_callback *callback, void *context, ursid_error *err)
{
    delivery d = {.callback = callback, .context = context};
    urs_error why = {0};
    if (!c || (!paths && n > 0) || !callback)
        return urs_api_refuse(err, URSID_EINVAL, "ursid_chain_files needs a chain, paths and a callback");
    for (size_t i = 0; i < n; i++)
        if (!paths[i])
            return urs_api_refuse(err, URSID_EINVAL, "path %zu of %zu is not there", i + 1, n);
    if (n > 0 && urs_chain_run(c->chain, paths, n, &(urs_chain_calls){.context = &d, .deliver = deliver}, &why) != URS_OK)
        return urs_api_fail(err, &why);
    return URSID_OK;
}
