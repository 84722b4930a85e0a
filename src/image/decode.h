/* From a file to an urs_image: JPEG (reduced-size), PNG, TIFF, WebP; orientation and time from EXIF.
 *
 * The kind is told from the first bytes, never from the name. Limits (URS_IMAGE_SIDE_MAX, URS_IMAGE_PIXELS_MAX, file 256 MiB) are checked before
 * anything is allocated. Sixteen-bit samples are reduced to eight, palettes and alpha resolved (alpha over black). The result is upright (EXIF orientation applied) and has 3 channels.
 * Thread safe. */
#ifndef URS_IMAGE_DECODE_H
#define URS_IMAGE_DECODE_H

#include "base/file.h"
#include "image/image.h"

typedef struct urs_decode_options {
    int32_t min_width, min_height; /* JPEG: the smallest reduced size (1/1, 1/2, 1/4, 1/8) that is still at least this large on both sides (before rotation: on the
                                      corresponding sides); 0 = full size */
} urs_decode_options;

typedef struct urs_photo {
    urs_image image;               /* owned */
    int32_t full_width, full_height; /* upright size of the picture in the file */
    int32_t reduction;             /* 1, 2, 4, 8 */
    bool truncated;                /* the file ended early; `image` has what could be decoded, the rest grey */
    bool has_time;
    char time[20];                 /* "YYYY:MM:DD HH:MM:SS" (EXIF DateTimeOriginal, else DateTime) */
    bool has_zone;
    int32_t zone_minutes;          /* east of UTC, from OffsetTimeOriginal */
    char camera[64];               /* EXIF make and model, "" if none */
} urs_photo;

urs_status urs_photo_read(urs_photo *out, const char *path, const urs_decode_options *options, urs_error *err) URS_CHECKED;
/* `name` is used in messages only. */
urs_status urs_photo_decode(urs_photo *out, const void *data, size_t size, const char *name, const urs_decode_options *options, urs_error *err) URS_CHECKED;
void urs_photo_release(urs_photo *photo);

/* True for names that end in an extension we read (jpg jpeg png tif tiff webp); a urs_path_filter. */
bool urs_photo_has_extension(const char *path);

/* Encoders; owned bytes out. quality 0 = 90. */
urs_status urs_jpeg_encode(urs_bytes *out, const urs_image *in, int32_t quality, urs_error *err) URS_CHECKED;
urs_status urs_png_encode(urs_bytes *out, const urs_image *in, urs_error *err) URS_CHECKED;
/* JPEG or PNG by extension. */
urs_status urs_image_write(const char *path, const urs_image *in, urs_error *err) URS_CHECKED;

#endif
