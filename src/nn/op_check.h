/* What the shape rules share: limits on dims, and one sentence for each way in which they do not fit. Private to src/nn. */
#ifndef URS_NN_OP_CHECK_H
#define URS_NN_OP_CHECK_H

#include "nn/op.h"

#define URS_SIDE_MAX 65536            /* channels, rows, columns */
#define URS_ELEMENTS_MAX (1LL << 31)  /* of one image's activation; indices of pools fit in 32 bits */

/* URS_EINVAL when a side is below 1, URS_ELIMIT when a side or the product is too big. `what` begins the sentence ("output of a convolution"). */
urs_status urs_op_check_dims(urs_dims d, const char *what, urs_error *err) URS_CHECKED;

/* Kernel and stride at least 1, paddings not negative and smaller than the kernel where `pad_below_kernel`. */
urs_status urs_op_check_window(const urs_op_attr *attr, bool pad_below_kernel, const char *what, urs_error *err) URS_CHECKED;

/* Dims of sliding a window over `in`: floor((size + padding - kernel) / stride) + 1 rows and columns; `channels` are taken as they are. */
urs_status urs_op_window_dims(urs_dims *out, const urs_op_attr *attr, urs_dims in, int64_t channels, const char *what, urs_error *err) URS_CHECKED;

/* Rule of every operation whose output looks like its only input. */
urs_status urs_op_same_dims(urs_dims *out, const urs_op_attr *attr, const urs_dims *in, int32_t n_in, urs_error *err) URS_CHECKED;

bool urs_op_dims_equal(urs_dims a, urs_dims b);

#endif
