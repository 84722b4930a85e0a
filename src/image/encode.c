/* Pictures to JPEG and PNG bytes; writing them to a file is urs_file_write's business, so it is atomic. See decode.h.
 *
 * Both libraries report errors by longjmp; each encoder has one fence, and its state lives outside of the frames that a jump leaves. */
#include "base/memory.h"
#include "image/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#define QUALITY_DEFAULT 90

typedef struct jpeg_writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    const urs_image *in;
    int quality;
    unsigned char *data; /* made by libjpeg with malloc */
    unsigned long size;
} jpeg_writer;

static void jpeg_on_error(j_common_ptr c)
{
    jpeg_writer *w = c->client_data;
    c->err->format_message(c, w->message);
    longjmp(w->jump, 1);
}

static void jpeg_on_message(j_common_ptr c, int level)
{
    (void)c;
    (void)level;
}

static void jpeg_write(jpeg_writer *w)
{
    struct jpeg_compress_struct *jpeg = &w->jpeg;
    jpeg_create_compress(jpeg);
    jpeg->client_data = w;
    jpeg_mem_dest(jpeg, &w->data, &w->size);
    jpeg->image_width = (JDIMENSION)w->in->width;
    jpeg->image_height = (JDIMENSION)w->in->height;
    jpeg->input_components = w->in->channels;
    jpeg->in_color_space = w->in->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, w->quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = urs_image_at(w->in, 0, (int32_t)jpeg->next_scanline);
        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static bool jpeg_guarded(jpeg_writer *w)
{
    if (setjmp(w->jump) != 0)
        return false;
    jpeg_write(w);
    return true;
}

static urs_status bytes_from(urs_bytes *out, const uint8_t *data, size_t size, urs_error *err)
{
    uint8_t *copy = urs_array_new(size + 1, 1);
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory to encode a picture");
    memcpy(copy, data, size);
    *out = (urs_bytes){.data = copy, .size = size};
    return URS_OK;
}

urs_status urs_jpeg_encode(urs_bytes *out, const urs_image *in, int32_t quality, urs_error *err)
{
    urs_status status;
    jpeg_writer *w;

    if (quality < 0 || quality > 100)
        return urs_fail(err, URS_EINVAL, "a JPEG quality is 1 to 100, not %d", quality);
    w = urs_array_new(1, sizeof *w);
    if (!w)
        return urs_fail(err, URS_ENOMEM, "no memory to encode a picture");
    w->in = in;
    w->quality = quality ? quality : QUALITY_DEFAULT;
    w->jpeg.err = jpeg_std_error(&w->manager);
    w->jpeg.client_data = w;
    w->manager.error_exit = jpeg_on_error;
    w->manager.emit_message = jpeg_on_message;
    status = jpeg_guarded(w) ? bytes_from(out, w->data, w->size, err) : urs_fail(err, URS_EIO, "cannot encode a JPEG: %s", w->message);
    jpeg_destroy_compress(&w->jpeg);
    free(w->data);
    urs_free(w);
    return status;
}

typedef struct png_writer {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    char message[128];
    const urs_image *in;
    uint8_t *data; /* owned */
    size_t size, capacity;
} png_writer;

static PNG_NORETURN void png_on_error(png_structp png, png_const_charp message)
{
    png_writer *w = png_get_error_ptr(png);
    strncpy(w->message, message ? message : "", sizeof w->message - 1);
    longjmp(w->jump, 1);
}

static void png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_on_write(png_structp png, png_bytep bytes, size_t n)
{
    png_writer *w = png_get_io_ptr(png);
    void *data = w->data;
    size_t need, room;
    if (!urs_add_size(&need, w->size, n))
        png_error(png, "too large");
    if (need > w->capacity) {
        room = need > w->capacity * 2 ? need : w->capacity * 2;
        if (!urs_array_resize(&data, room, 1))
            png_error(png, "no memory");
        w->data = data;
        w->capacity = room;
    }
    memcpy(w->data + w->size, bytes, n);
    w->size = need;
}

static void png_on_flush(png_structp png)
{
    (void)png;
}

static void png_write(png_writer *w)
{
    png_set_write_fn(w->png, w, png_on_write, png_on_flush);
    png_set_IHDR(w->png, w->info, (png_uint_32)w->in->width, (png_uint_32)w->in->height, 8, w->in->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    for (int32_t y = 0; y < w->in->height; y++)
        png_write_row(w->png, urs_image_at(w->in, 0, y));
    png_write_end(w->png, w->info);
}

static bool png_guarded(png_writer *w)
{
    if (setjmp(w->jump) != 0)
        return false;
    png_write(w);
    return true;
}

urs_status urs_png_encode(urs_bytes *out, const urs_image *in, urs_error *err)
{
    urs_status status;
    png_writer *w = urs_array_new(1, sizeof *w);

    if (!w)
        return urs_fail(err, URS_ENOMEM, "no memory to encode a picture");
    w->in = in;
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, png_on_error, png_on_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    if (!w->info)
        status = urs_fail(err, URS_ENOMEM, "no memory to encode a picture");
    else if (!png_guarded(w))
        status = urs_fail(err, URS_EIO, "cannot encode a PNG: %s", w->message);
    else
        status = bytes_from(out, w->data, w->size, err);
    if (w->png)
        png_destroy_write_struct(&w->png, w->info ? &w->info : NULL);
    urs_free(w->data);
    urs_free(w);
    return status;
}

urs_status urs_image_write(const char *path, const urs_image *in, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status;
    if (urs_path_has_extension(path, "jpg") || urs_path_has_extension(path, "jpeg"))
        status = urs_jpeg_encode(&bytes, in, 0, err);
    else if (urs_path_has_extension(path, "png"))
        status = urs_png_encode(&bytes, in, err);
    else
        return urs_fail(err, URS_EINVAL, "'%s': pictures are written as .jpg or .png", path);
    if (status == URS_OK)
        status = urs_file_write(path, bytes.data, bytes.size, err);
    urs_bytes_release(&bytes);
    return status;
}
