/* TIFF through libtiff's RGBA reader, from memory. See codec.h.
 *
 * The first picture of the file is read. The reader gives whole rasters of A B G R words with the colour already multiplied by alpha, so that leaving alpha away is composing over
 * black. Messages and memory limits are set for the one handle, never for the process. */
#include "base/memory.h"
#include "image/codec.h"

#include <stdio.h>
#include <string.h>
#include <tiffio.h>

/* A single block of the file, unpacked; no camera writes strips of this size, but files of one strip exist. */
#define BLOCK_MAX ((tmsize_t)1 << 30)

typedef struct tiff_job {
    const urs_codec_input *in;
    uint64_t at;
    char message[256];
} tiff_job;

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t n)
{
    tiff_job *job = handle;
    const uint64_t left = job->at < job->in->size ? job->in->size - job->at : 0, take = (uint64_t)n < left ? (uint64_t)n : left;
    memcpy(out, job->in->data + (left ? job->at : 0), (size_t)take);
    job->at += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t handle, void *data, tmsize_t n)
{
    (void)handle;
    (void)data;
    (void)n;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    tiff_job *job = handle;
    job->at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? job->at + offset : job->in->size + offset;
    return job->at;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    return ((tiff_job *)handle)->in->size;
}

/* Nothing is mapped: libtiff then goes through on_read, which is bounded. */
static int on_map(thandle_t handle, void **base, toff_t *size)
{
    (void)handle;
    (void)base;
    (void)size;
    return 0;
}

static void on_unmap(thandle_t handle, void *base, toff_t size)
{
    (void)handle;
    (void)base;
    (void)size;
}

static int URS_PRINTF(4, 0) on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    tiff_job *job = user;
    (void)tiff;
    (void)module;
    if (job->message[0] == '\0') /* the first complaint is the cause */
        (void)vsnprintf(job->message, sizeof job->message, format, arguments);
    return 1;
}

static int URS_PRINTF(4, 0) on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static TIFF *open_tiff(tiff_job *job)
{
    TIFF *tiff;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, BLOCK_MAX);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, job);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, job);
    tiff = TIFFClientOpenExt("picture", "rm", job, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

/* Reads the raster in the order of the file (no turning: decode.c does that) and keeps R, G, B. */
static urs_status read_raster(urs_image *out, TIFF *tiff, tiff_job *job, int32_t width, int32_t height, urs_error *err)
{
    urs_status status;
    TIFFRGBAImage reader;
    char message[1024] = "";
    urs_image image = {0};
    uint32_t *raster = NULL;

    if (!TIFFRGBAImageOK(tiff, message) || !TIFFRGBAImageBegin(&reader, tiff, 1, message))
        return urs_fail(err, URS_EUNSUPPORTED, "'%s' is a TIFF of a kind that is not read: %s", job->in->name, message);
    reader.req_orientation = reader.orientation;
    status = urs_image_new(&image, width, height, 3, err);
    if (status != URS_OK)
        goto done;
    raster = urs_array_new((size_t)width * (size_t)height, sizeof *raster);
    if (!raster) {
        status = urs_fail(err, URS_ENOMEM, "no memory to decode '%s'", job->in->name);
        goto done;
    }
    if (!TIFFRGBAImageGet(&reader, raster, (uint32_t)width, (uint32_t)height)) {
        status = urs_fail(err, URS_EFORMAT, "'%s' is not a TIFF that can be read: %s", job->in->name, job->message[0] ? job->message : "broken picture data");
        goto done;
    }
    for (size_t i = 0, n = (size_t)width * (size_t)height; i < n; i++) {
        image.data[3 * i] = (uint8_t)TIFFGetR(raster[i]);
        image.data[3 * i + 1] = (uint8_t)TIFFGetG(raster[i]);
        image.data[3 * i + 2] = (uint8_t)TIFFGetB(raster[i]);
    }
    *out = image;
    image = (urs_image){0};
done:
    TIFFRGBAImageEnd(&reader);
    urs_free(raster);
    urs_image_release(&image);
    return status;
}

/* The fields stand in the TIFF itself and in a folder of their own for the time of the exposure. */
static void read_exif(urs_exif *out, TIFF *tiff)
{
    uint16_t orientation = 0;
    uint64_t folder = 0;
    char *make = NULL, *model = NULL, *time = NULL, *zone = NULL;
    char plain_time[32] = "";

    if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 && orientation <= 8)
        out->orientation = orientation;
    (void)TIFFGetField(tiff, TIFFTAG_MAKE, &make);
    (void)TIFFGetField(tiff, TIFFTAG_MODEL, &model);
    urs_exif_set_camera(out, make, model);
    if (TIFFGetField(tiff, TIFFTAG_DATETIME, &time) && time)
        strncpy(plain_time, time, sizeof plain_time - 1); /* reading the other folder frees it */
    if (TIFFGetField(tiff, TIFFTAG_EXIFIFD, &folder) && folder != 0 && TIFFReadEXIFDirectory(tiff, folder)) {
        time = NULL;
        if (TIFFGetField(tiff, EXIFTAG_DATETIMEORIGINAL, &time)) {
            (void)TIFFGetField(tiff, EXIFTAG_OFFSETTIMEORIGINAL, &zone);
            urs_exif_set_time(out, time, zone);
        }
    }
    if (!out->has_time)
        urs_exif_set_time(out, plain_time, NULL);
}

urs_status urs_tiff_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    urs_raw_photo photo = {.reduction = 1};
    urs_status status;
    tiff_job job = {.in = in};
    uint32_t width = 0, height = 0;
    TIFF *tiff = open_tiff(&job);

    if (!tiff)
        return urs_fail(err, URS_EFORMAT, "'%s' is not a TIFF that can be read: %s", in->name, job.message[0] ? job.message : "broken header");
    (void)TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    (void)TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    status = urs_codec_check_size(in, width, height, err);
    if (status == URS_OK)
        status = read_raster(&photo.image, tiff, &job, (int32_t)width, (int32_t)height, err);
    if (status == URS_OK) {
        photo.full_width = (int32_t)width;
        photo.full_height = (int32_t)height;
        read_exif(&photo.exif, tiff);
        *out = photo;
    }
    TIFFClose(tiff);
    return status;
}
