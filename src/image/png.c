/* PNG through libpng. See codec.h.
 *
 * libpng reports errors by longjmp; as in jpeg.c, all of it is fenced in guarded() and the state lives in png_job.
 *
 *      guarded(read_header) -> size check -> allocate -> guarded(read_rows) -> destroy
 *
 * All kinds come out as 8-bit RGB: libpng expands palettes and low depths, rounds 16 bits to 8, and composes alpha over black. Extra chunks (text, profiles) are skipped unread, so nothing of
 * them is decompressed; eXIf is found by a walk over the chunks:
 *
 *      89 PNG\r\n 1A \n | length4 type4 data.. crc4 | length4 type4 data.. crc4 | ...      (numbers big-endian)
 */
#include "base/memory.h"
#include "base/reader.h"
#include "image/codec.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

#define CHUNK_MEMORY_MAX ((png_alloc_size_t)8 << 20)
#define SIGNATURE_SIZE 8
#define GREY 128

typedef struct png_job {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    char message[128];
    bool ended_early;
    const urs_codec_input *in;
    size_t at;
    png_uint_32 width, height;
    int passes;
    urs_image image; /* owned until success */
    int32_t rows_done;
} png_job;

static PNG_NORETURN void on_error(png_structp png, png_const_charp message)
{
    png_job *job = png_get_error_ptr(png);
    strncpy(job->message, message ? message : "", sizeof job->message - 1);
    longjmp(job->jump, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    png_job *job = png_get_io_ptr(png);
    if (n > job->in->size - job->at) {
        job->ended_early = true;
        png_error(png, "the file ends too early");
    }
    memcpy(out, job->in->data + job->at, n);
    job->at += n;
}

static void step_read_header(png_job *job)
{
    int depth, colour, interlace;
    const png_color_16 black = {0};
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, URS_IMAGE_SIDE_MAX, URS_IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(job->png, CHUNK_MEMORY_MAX);
    png_set_keep_unknown_chunks(job->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(job->png, job->info);
    (void)png_get_IHDR(job->png, job->info, &job->width, &job->height, &depth, &colour, &interlace, NULL, NULL);
    png_set_expand(job->png);
    png_set_scale_16(job->png);
    png_set_gray_to_rgb(job->png);
    if ((colour & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(job->png, job->info, PNG_INFO_tRNS))
        png_set_background(job->png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    job->passes = png_set_interlace_handling(job->png);
}

static void step_read_rows(png_job *job)
{
    png_read_update_info(job->png, job->info);
    if (png_get_rowbytes(job->png, job->info) != (size_t)job->width * 3)
        png_error(job->png, "rows have an unexpected length");
    for (int pass = 0; pass < job->passes; pass++)
        for (int32_t y = 0; y < job->image.height; y++) {
            png_read_row(job->png, urs_image_at(&job->image, 0, y), NULL);
            if (y >= job->rows_done)
                job->rows_done = y + 1;
        }
}

/* THE fence: runs a step; false if libpng gave up in it. */
static bool guarded(png_job *job, void (*step)(png_job *job))
{
    if (setjmp(job->jump) != 0)
        return false;
    step(job);
    return true;
}

static uint32_t big_u32(urs_reader *r)
{
    return __builtin_bswap32(urs_reader_u32(r));
}

static void find_exif(urs_exif *out, const urs_codec_input *in)
{
    urs_reader r = urs_reader_new(in->data, in->size);
    urs_reader_seek(&r, SIGNATURE_SIZE);
    while (!r.failed) {
        const uint32_t length = big_u32(&r);
        const uint8_t *type = urs_reader_take(&r, 4), *data = urs_reader_take(&r, length);
        if (type && data && memcmp(type, "eXIf", 4) == 0) {
            urs_exif_parse(out, data, length);
            return;
        }
        (void)urs_reader_u32(&r);
    }
}

static urs_status give_up(const png_job *job, urs_error *err)
{
    return urs_fail(err, URS_EFORMAT, "'%s' is not a PNG that can be read: %s", job->in->name, job->message);
}

urs_status urs_png_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    urs_raw_photo photo = {.reduction = 1};
    urs_status status = URS_OK;
    png_job *job = urs_array_new(1, sizeof *job);

    if (!job)
        return urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", in->name);
    job->in = in;
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info) {
        status = urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", in->name);
        goto done;
    }
    /* libpng checks its limits only after IHDR; read the sides ourselves so that the sentence names them */
    if (in->size >= SIGNATURE_SIZE + 16 && memcmp(in->data + SIGNATURE_SIZE + 4, "IHDR", 4) == 0) {
        urs_reader r = urs_reader_new(in->data, in->size);
        uint32_t width, height;
        urs_reader_seek(&r, SIGNATURE_SIZE + 8);
        width = big_u32(&r);
        height = big_u32(&r);
        status = urs_codec_check_size(in, width, height, err);
        if (status != URS_OK)
            goto done;
    }
    if (!guarded(job, step_read_header)) {
        status = give_up(job, err);
        goto done;
    }
    status = urs_codec_check_size(in, job->width, job->height, err);
    if (status == URS_OK)
        status = urs_image_new(&job->image, (int32_t)job->width, (int32_t)job->height, 3, err);
    if (status != URS_OK)
        goto done;
    if (!guarded(job, step_read_rows)) {
        if (!job->ended_early || job->rows_done == 0) {
            status = give_up(job, err);
            goto done;
        }
        if (job->rows_done < job->image.height)
            memset(urs_image_at(&job->image, 0, job->rows_done), GREY, (size_t)(job->image.height - job->rows_done) * (size_t)job->image.width * 3);
        photo.truncated = true;
    }
    find_exif(&photo.exif, in);
    photo.full_width = job->image.width;
    photo.full_height = job->image.height;
    photo.image = job->image;
    job->image = (urs_image){0};
    *out = photo;
done:
    if (job->png)
        png_destroy_read_struct(&job->png, job->info ? &job->info : NULL, NULL);
    urs_image_release(&job->image);
    urs_free(job);
    return status;
}
