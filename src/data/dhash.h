/* Difference hash: 64 bits that hardly change when a picture is scaled, re-compressed or brightened; finds near-duplicates.
 *
 * Grey, antialiased to 9 x 8, bit = left neighbour darker than right one; rows from the top, most significant bit first (N. Krawetz, 2013). */
#ifndef URS_DATA_DHASH_H
#define URS_DATA_DHASH_H

#include "image/image.h"

urs_status urs_image_dhash(uint64_t *out, const urs_image *image, urs_error *err) URS_CHECKED;
int32_t urs_dhash_distance(uint64_t a, uint64_t b); /* bits that differ, 0..64 */

#endif
