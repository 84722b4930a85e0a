/* libjpeg-turbo alone; see jpeg_floor.h. */
#include "jpeg_floor.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#define ROW_BYTES_MAX ((size_t)65500 * 3)
#define ROWS 16

struct urs_jpeg_floor {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr manager;
    jmp_buf jump;
    uint8_t *rows; /* owned, ROWS rows of ROW_BYTES_MAX */
};

static void on_error(j_common_ptr c)
{
    urs_jpeg_floor *f = c->client_data;
    longjmp(f->jump, 1);
}

urs_jpeg_floor *urs_jpeg_floor_new(void)
{
    urs_jpeg_floor *f = urs_array_new(1, sizeof *f);
    if (!f)
        return NULL;
    f->rows = urs_array_new(ROWS, ROW_BYTES_MAX);
    f->jpeg.err = jpeg_std_error(&f->manager);
    f->manager.error_exit = on_error;
    f->jpeg.client_data = f;
    if (!f->rows || setjmp(f->jump) != 0) {
        urs_jpeg_floor_free(f);
        return NULL;
    }
    jpeg_create_decompress(&f->jpeg);
    f->jpeg.client_data = f;
    return f;
}

void urs_jpeg_floor_free(urs_jpeg_floor *f)
{
    if (!f)
        return;
    jpeg_destroy_decompress(&f->jpeg);
    urs_free(f->rows);
    urs_free(f);
}

urs_status urs_jpeg_floor_run(urs_jpeg_floor *f, const uint8_t *data, size_t size, int reduction, int *width, int *height, urs_error *err)
{
    struct jpeg_decompress_struct *jpeg = &f->jpeg;
    JSAMPROW rows[ROWS];
    if (setjmp(f->jump) != 0) {
        jpeg_abort_decompress(jpeg);
        return urs_fail(err, URS_EFORMAT, "libjpeg cannot decode a frame");
    }
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = f->rows + i * ROW_BYTES_MAX;
    jpeg_mem_src(jpeg, data, (unsigned long)size);
    (void)jpeg_read_header(jpeg, TRUE);
    jpeg->scale_num = 1;
    jpeg->scale_denom = (unsigned)reduction;
    jpeg->out_color_space = JCS_RGB;
    jpeg->do_fancy_upsampling = FALSE;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height)
        (void)jpeg_read_scanlines(jpeg, rows, ROWS);
    *width = (int)jpeg->output_width;
    *height = (int)jpeg->output_height;
    (void)jpeg_finish_decompress(jpeg);
    return URS_OK;
}
