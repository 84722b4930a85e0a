/* IEEE 754 half precision (binary16) to and from float; round to nearest even, as F16C and NumPy do. */
#ifndef URS_BASE_HALF_H
#define URS_BASE_HALF_H

#include <stdint.h>

uint16_t urs_half_from_float(float x);
float urs_half_to_float(uint16_t h);

#endif
