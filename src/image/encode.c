/* Pictures to JPEG bytes, and to files; writing those is urs_file_write's business, so it is atomic. See decode.h, and encode_png.c.
 *
 * libjpeg reports errors by longjmp; the encoder has one fence, and its state lives outside of the frames that a jump leaves. */
#include "base/memory.h"
#include "image/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

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
