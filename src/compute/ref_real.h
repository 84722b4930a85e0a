/* The element type of a family file of the reference backend. The build compiles each with URS_REF_F64=0 and with URS_REF_F64=1. */
#ifndef URS_COMPUTE_REF_REAL_H
#define URS_COMPUTE_REF_REAL_H

#include "compute/ref.h"

#if URS_REF_F64
typedef double real;
#define URS_REF_NAME(name) urs_ref_##name##_f64
#else
typedef float real;
#define URS_REF_NAME(name) urs_ref_##name##_f32
#endif

#endif
