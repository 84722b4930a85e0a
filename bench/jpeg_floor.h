/* The floor of sift: libjpeg-turbo decoding the same files at the same reduced size, and nothing else.
 *
 * The compressed files are in memory already and rows go to one buffer over and over: no reading of files, no allocation of pictures, no EXIF. Nobody who wants the pixels can be faster with
 * this library. Errors are those of a damaged file. */
#ifndef URS_BENCH_JPEG_FLOOR_H
#define URS_BENCH_JPEG_FLOOR_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* One of these a thread. */
typedef struct urs_jpeg_floor urs_jpeg_floor;
urs_jpeg_floor *urs_jpeg_floor_new(void); /* NULL: no memory */
void urs_jpeg_floor_free(urs_jpeg_floor *floor);

/* Decodes to RGB at 1/reduction (1, 2, 4, 8); width and height: of the result. */
urs_status urs_jpeg_floor_run(urs_jpeg_floor *floor, const uint8_t *data, size_t size, int reduction, int *width, int *height, urs_error *err) URS_CHECKED;

#endif
