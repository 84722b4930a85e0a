/* Inside the image room: what the four decoders share. Users include decode.h.
 *
 *      bytes --sniff--> jpeg.c | png.c | tiff.c | webp.c --> urs_raw_photo (as stored in the file) --decode.c: orientation--> urs_photo
 *                             \________ exif.c _________/
 *
 * A decoder checks the size in the header with urs_codec_check_size before it allocates, and gives a picture of 3 channels. Thread safe. */
#ifndef URS_IMAGE_CODEC_H
#define URS_IMAGE_CODEC_H

#include "image/decode.h"

typedef struct urs_exif {
    int32_t orientation; /* 1 .. 8; 0 = not stated */
    bool has_time;
    char time[20];
    bool has_zone;
    int32_t zone_minutes;
    char camera[64];
} urs_exif;

typedef struct urs_raw_photo {
    urs_image image;                 /* owned; not yet upright */
    int32_t full_width, full_height; /* as stored */
    int32_t reduction;
    bool truncated;
    urs_exif exif;
} urs_raw_photo;

typedef struct urs_codec_input {
    const uint8_t *data; /* borrowed */
    size_t size;
    const char *name;               /* for messages */
    int32_t min_width, min_height;  /* as in urs_decode_options */
    int64_t pixels_max;             /* of the picture in the file; at most URS_IMAGE_PIXELS_MAX */
} urs_codec_input;

typedef urs_status urs_codec_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err);
urs_codec_decode urs_jpeg_decode, urs_png_decode, urs_tiff_decode, urs_webp_decode;

/* urs_photo_decode with a limit of one's own on the pixels in the file (the fuzz target keeps its pictures small with it). */
urs_status urs_photo_decode_limited(urs_photo *out, const urs_codec_input *in, urs_error *err) URS_CHECKED;

/* URS_EFORMAT for an empty picture, URS_ELIMIT for one that is too large. */
urs_status urs_codec_check_size(const urs_codec_input *in, uint64_t width, uint64_t height, urs_error *err) URS_CHECKED;

/* The largest of 1, 2, 4, 8 that leaves at least min_width x min_height; sides as stored, orientation as in EXIF. */
int32_t urs_codec_reduction(int32_t width, int32_t height, int32_t orientation, int32_t min_width, int32_t min_height);

/* Reads an EXIF block ("Exif\0\0" and what follows, or the TIFF structure alone). What cannot be understood is left out: pictures with broken EXIF are common. */
void urs_exif_parse(urs_exif *out, const uint8_t *data, size_t size);
/* The parts of it, for formats that have them elsewhere. `zone` may be NULL. */
void urs_exif_set_time(urs_exif *out, const char *time, const char *zone);
void urs_exif_set_camera(urs_exif *out, const char *make, const char *model);

/* Turns a picture as stored upright, EXIF orientation 1 .. 8 (anything else: as it is). `in` is consumed: on success it is empty, its data moved or released. */
urs_status urs_image_orient(urs_image *out, urs_image *in, int32_t orientation, urs_error *err) URS_CHECKED;

#endif
