/* Pictures to PNG bytes. See decode.h.
 *
 * libpng reports errors by longjmp; there is one fence, and the state lives outside of the frames that a jump leaves. */
#include "base/memory.h"
#include "image/decode.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

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
        if (!urs_array_resize(&data, room + 1, 1)) /* urs_bytes have a zero behind them */
            png_error(png, "no memory");
        w->data = data;
        w->capacity = room;
    }
    memcpy(w->data + w->size, bytes, n);
    w->size = need;
    w->data[need] = 0;
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
    if (!w->info) {
        status = urs_fail(err, URS_ENOMEM, "no memory to encode a picture");
    } else if (!png_guarded(w)) {
        status = urs_fail(err, URS_EIO, "cannot encode a PNG: %s", w->message);
    } else {
        *out = (urs_bytes){.data = w->data, .size = w->size};
        w->data = NULL;
        status = URS_OK;
    }
    if (w->png)
        png_destroy_write_struct(&w->png, w->info ? &w->info : NULL);
    urs_free(w->data);
    urs_free(w);
    return status;
}
