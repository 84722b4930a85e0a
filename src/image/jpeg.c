/* JPEG through the libjpeg interface of libjpeg-turbo. See codec.h.
 *
 * libjpeg reports errors by longjmp. All of that is fenced in one function, guarded(): every step keeps its state in jpeg_job, which lives outside of the frames that a jump
 * leaves, so nothing is lost or clobbered.
 *
 *      guarded(read_header) -> EXIF, size check, reduction -> allocate -> guarded(read_rows) -> destroy
 *
 * Speed and accuracy, decided once:
 * - Reduced sizes are 1/2, 1/4, 1/8 only: those have vector code in libjpeg-turbo (1/8 needs only the DC terms), the steps between do not.
 * - JDCT_ISLOW: libjpeg-turbo's vector code makes it as quick as JDCT_IFAST within a few per cent, it is exact at high qualities, and the
 *   reduced transforms do not depend on the choice.
 * - Smooth chroma upsampling only at full size: a reduced picture is going to be resampled anyway, and 4:2:0 chroma is not upsampled at all there.
 *
 * Hostile files: the size is checked before anything that depends on it is allocated; the number of progressive scans is limited (each one costs a pass over the whole picture); progressive
 * pictures keep all coefficients in memory, so they have a smaller limit of pixels. */
#include "base/memory.h"
#include "image/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#define SCANS_MAX 200
#define PROGRESSIVE_PIXELS_MAX ((int64_t)100 * 1000 * 1000)
#define EXIF_APP1_MAX 0xFFFF
#define ROWS_AT_ONCE 16
#define GREY 128

typedef struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    bool ended_early, too_many_scans;
    int error_code;
    const urs_codec_input *in;
    urs_image image;   /* owned until success */
    uint8_t *cmyk;     /* owned; ROWS_AT_ONCE rows of four samples, for such files only */
    int32_t rows_done; /* rows of image that are complete */
} jpeg_job;

static void on_error(j_common_ptr c)
{
    jpeg_job *job = c->client_data;
    c->err->format_message(c, job->message);
    job->error_code = c->err->msg_code;
    longjmp(job->jump, 1);
}

/* Warnings are counted by libjpeg; two of them mean that data ends too early. */
static void on_message(j_common_ptr c, int level)
{
    jpeg_job *job = c->client_data;
    if (level < 0) {
        c->err->num_warnings++;
        if (c->err->msg_code == JWRN_JPEG_EOF || c->err->msg_code == JWRN_HIT_MARKER)
            job->ended_early = true;
    }
}

static void on_progress(j_common_ptr c)
{
    jpeg_job *job = c->client_data;
    if (job->jpeg.input_scan_number > SCANS_MAX) {
        job->too_many_scans = true;
        longjmp(job->jump, 1);
    }
}

static void step_read_header(jpeg_job *job)
{
    jpeg_create_decompress(&job->jpeg);
    job->jpeg.client_data = job;
    job->jpeg.progress = &job->progress;
    jpeg_mem_src(&job->jpeg, job->in->data, (unsigned long)job->in->size);
    jpeg_save_markers(&job->jpeg, JPEG_APP0 + 1, EXIF_APP1_MAX);
    (void)jpeg_read_header(&job->jpeg, TRUE);
}

/* Adobe programs store inverted ink; the marker says so. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t n, bool inverted)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned flip = inverted ? 0u : 255u, k = cmyk[4 * i + 3] ^ flip;
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)(((cmyk[4 * i + c] ^ flip) * k + 127u) / 255u);
    }
}

static void step_read_rows(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    const size_t width = (size_t)job->image.width;
    (void)jpeg_start_decompress(jpeg);
    if (jpeg->output_width != (JDIMENSION)job->image.width || jpeg->output_height != (JDIMENSION)job->image.height)
        ERREXIT(jpeg, JERR_BAD_LENGTH);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW rows[ROWS_AT_ONCE];
        const JDIMENSION at = jpeg->output_scanline, left = jpeg->output_height - at, want = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        JDIMENSION got;
        for (JDIMENSION i = 0; i < want; i++)
            rows[i] = job->cmyk ? job->cmyk + i * width * 4 : urs_image_at(&job->image, 0, (int32_t)(at + i));
        got = jpeg_read_scanlines(jpeg, rows, want);
        for (JDIMENSION i = 0; job->cmyk && i < got; i++)
            cmyk_to_rgb(urs_image_at(&job->image, 0, (int32_t)(at + i)), rows[i], width, jpeg->saw_Adobe_marker);
        job->rows_done = (int32_t)(at + got);
    }
    /* The rows are there; that the end marker follows is the only thing left to know. */
    (void)jpeg_finish_decompress(jpeg);
}

/* THE fence: runs a step; false if libjpeg gave up in it. */
static bool guarded(jpeg_job *job, void (*step)(jpeg_job *job))
{
    if (setjmp(job->jump) != 0)
        return false;
    step(job);
    return true;
}

static void find_exif(urs_exif *out, const jpeg_job *job)
{
    for (jpeg_saved_marker_ptr m = job->jpeg.marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 14 && memcmp(m->data, "Exif\0", 6) == 0) {
            urs_exif_parse(out, m->data, m->data_length);
            return;
        }
}

static urs_status give_up(const jpeg_job *job, urs_error *err)
{
    urs_status code = URS_EFORMAT;
    if (job->too_many_scans)
        return urs_fail(err, URS_ELIMIT, "'%s' is a JPEG of more than %d scans", job->in->name, SCANS_MAX);
    if (job->error_code == JERR_OUT_OF_MEMORY)
        code = URS_ENOMEM;
    else if (job->error_code == JERR_SOF_UNSUPPORTED || job->error_code == JERR_BAD_PRECISION || job->error_code == JERR_ARITH_NOTIMPL ||
             job->error_code == JERR_CONVERSION_NOTIMPL)
        code = URS_EUNSUPPORTED;
    return urs_fail(err, code, "'%s' is not a JPEG that can be read: %s", job->in->name, job->message);
}

static urs_status prepare(jpeg_job *job, urs_raw_photo *photo, urs_error *err)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    const bool ink = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    urs_status status = urs_codec_check_size(job->in, jpeg->image_width, jpeg->image_height, err);

    if (status != URS_OK)
        return status;
    if (jpeg->progressive_mode && (int64_t)jpeg->image_width * jpeg->image_height > PROGRESSIVE_PIXELS_MAX)
        return urs_fail(err, URS_ELIMIT, "'%s' is a progressive JPEG of %u x %u pixels, more than what is accepted", job->in->name, jpeg->image_width,
                        jpeg->image_height);
    photo->full_width = (int32_t)jpeg->image_width;
    photo->full_height = (int32_t)jpeg->image_height;
    find_exif(&photo->exif, job);
    photo->reduction = urs_codec_reduction(photo->full_width, photo->full_height, photo->exif.orientation, job->in->min_width, job->in->min_height);

    jpeg->scale_num = 1;
    jpeg->scale_denom = (unsigned)photo->reduction;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = photo->reduction == 1;
    jpeg->out_color_space = ink ? JCS_CMYK : JCS_RGB;

    status = urs_image_new(&job->image, (photo->full_width + photo->reduction - 1) / photo->reduction,
                           (photo->full_height + photo->reduction - 1) / photo->reduction, 3, err);
    if (status == URS_OK && ink) {
        job->cmyk = urs_array_new((size_t)job->image.width, (size_t)4 * ROWS_AT_ONCE);
        if (!job->cmyk)
            status = urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", job->in->name);
    }
    return status;
}

urs_status urs_jpeg_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    urs_raw_photo photo = {0};
    urs_status status;
    jpeg_job *job = urs_array_new(1, sizeof *job);

    if (!job)
        return urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", in->name);
    job->in = in;
    job->jpeg.err = jpeg_std_error(&job->manager);
    job->jpeg.client_data = job;
    job->manager.error_exit = on_error;
    job->manager.emit_message = on_message;
    job->progress.progress_monitor = on_progress;

    status = guarded(job, step_read_header) ? prepare(job, &photo, err) : give_up(job, err);
    if (status != URS_OK)
        goto done;
    if (!guarded(job, step_read_rows)) {
        if (job->rows_done == 0 || job->too_many_scans) {
            status = give_up(job, err);
            goto done;
        }
        /* What came before the break is good; the rest is grey, as libjpeg itself makes it when only the data ends. */
        if (job->rows_done < job->image.height)
            memset(urs_image_at(&job->image, 0, job->rows_done), GREY,
                   (size_t)(job->image.height - job->rows_done) * (size_t)job->image.width * 3);
        job->ended_early = true;
    }
    photo.truncated = job->ended_early;
    photo.image = job->image;
    job->image = (urs_image){0};
    *out = photo;
done:
    jpeg_destroy_decompress(&job->jpeg);
    urs_image_release(&job->image);
    urs_free(job->cmyk);
    urs_free(job);
    return status;
}
