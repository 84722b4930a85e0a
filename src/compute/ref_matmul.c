/* Product of two activations, one matrix for each sample and channel: a [H,K] x b [K,W]. */
#include "compute/ref_real.h"

/* c [rows, columns] = a [rows, inner] x b [inner, columns], either factor read transposed. */
static void product(int64_t rows, int64_t inner, int64_t columns, const real *a, bool a_transposed, const real *b, bool b_transposed, real *c)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < inner; k++)
                sum += (double)a[a_transposed ? k * rows + i : i * inner + k] * (double)b[b_transposed ? j * inner + k : k * columns + j];
            c[i * columns + j] = (real)sum;
        }
}

static void forward(const urs_ref_kernel *k)
{
    const urs_tensor_shape a = k->spec.in[0], b = k->spec.in[1];
    const real *pa = k->args.in[0], *pb = k->args.in[1];
    real *out = k->args.out;
    for (int64_t i = 0; i < a.n * a.c; i++)
        product(a.h, a.w, b.w, pa + i * a.h * a.w, false, pb + i * b.h * b.w, false, out + i * a.h * b.w);
}

static void backward(const urs_ref_kernel *k)
{
    const urs_tensor_shape a = k->spec.in[0], b = k->spec.in[1];
    const real *pa = k->args.in[0], *pb = k->args.in[1], *d_out = k->args.d_out;
    real *da = k->args.d_in[0], *db = k->args.d_in[1];
    for (int64_t i = 0; i < a.n * a.c; i++) {
        const real *d = d_out + i * a.h * b.w;
        if (da)
            product(a.h, b.w, a.w, d, false, pb + i * b.h * b.w, true, da + i * a.h * a.w);
        if (db)
            product(b.h, a.h, b.w, pa + i * a.h * a.w, true, d, false, db + i * b.h * b.w);
    }
}

const urs_ref_op URS_REF_NAME(matmul) = {.forward = forward, .backward = backward};
