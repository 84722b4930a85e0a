/* EXIF for a rendered JPEG: camera and time, as a trap camera writes them.
 *
 *      FF D8 | FF E1 len "Exif\0\0" II 2A 00 08 00 00 00 | IFD0: Make, Model, DateTime, Exif IFD | Exif IFD: DateTimeOriginal | strings | rest of the JPEG
 *
 * Thread safe. */
#ifndef URS_SYNTH_EXIF_BLOCK_H
#define URS_SYNTH_EXIF_BLOCK_H

#include "base/file.h"

/* Puts the block behind the start marker of a JPEG (jpeg is replaced by a longer one). time: "YYYY:MM:DD HH:MM:SS". URS_EINVAL when it is no JPEG or a text is
 * longer than 200 bytes. */
urs_status urs_exif_insert(urs_bytes *jpeg, const char *make, const char *model, const char *time, urs_error *err) URS_CHECKED;

#endif
