/* The formulas of the YOLOv8 loss on single boxes and bins; see loss_yolo.h. */
#include "train/loss_yolo.h"

#include <math.h>

#define EPS 1e-7
#define PI 3.14159265358979323846

/* Derivative of min(a, b) by a; a tie is shared, as PyTorch does. */
static double is_less(double a, double b)
{
    return a < b ? 1.0 : a > b ? 0.0 : 0.5;
}

/* x1, y1, x2, y2 of box a = 0, 1, 2, 3. A box's height has eps added, its width has not: so it is in the reference. */
double urs_yolo_ciou(const double a[4], const double b[4], double *grad)
{
    const double w1 = a[2] - a[0], h1 = a[3] - a[1] + EPS, w2 = b[2] - b[0], h2 = b[3] - b[1] + EPS;
    const double iw = fmin(a[2], b[2]) - fmax(a[0], b[0]), ih = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    const double inter = iw > 0 && ih > 0 ? iw * ih : 0;
    const double whole = w1 * h1 + w2 * h2 - inter + EPS;
    const double iou = inter / whole;
    const double cw = fmax(a[2], b[2]) - fmin(a[0], b[0]), ch = fmax(a[3], b[3]) - fmin(a[1], b[1]);
    const double c2 = cw * cw + ch * ch + EPS;
    const double dx = b[0] + b[2] - a[0] - a[2], dy = b[1] + b[3] - a[1] - a[3];
    const double rho2 = (dx * dx + dy * dy) / 4;
    const double angle = atan(w2 / h2) - atan(w1 / h1);
    const double v = 4 / (PI * PI) * angle * angle;
    const double alpha = v / (v - iou + 1 + EPS);

    if (grad) {
        /* by width and height of a: angle changes by -(h dw - w dh)/(w^2 + h^2) */
        const double square = w1 * w1 + h1 * h1;
        const double by_angle = alpha * 8 / (PI * PI) * angle;

        for (int i = 0; i < 4; i++) {
            const int axis = i & 1;
            const double side = i < 2 ? -1 : 1; /* how the width (height) follows this coordinate */
            const double other = axis ? w1 : h1, other_inter = axis ? iw : ih, extent = axis ? ch : cw, delta = axis ? dy : dx;
            const double inside = i < 2 ? is_less(b[i], a[i]) : is_less(a[i], b[i]); /* this side bounds the intersection */
            const double d_inter = inter > 0 ? side * inside * other_inter : 0;
            const double d_whole = side * other - d_inter;
            const double d_iou = (d_inter * whole - inter * d_whole) / (whole * whole);
            const double d_extent = side * (i < 2 ? is_less(a[i], b[i]) : is_less(b[i], a[i])); /* this side bounds the hull */
            const double d_rho2 = -delta / 2, d_c2 = 2 * extent * d_extent;
            const double d_angle = axis ? side * w1 / square : -side * h1 / square;

            grad[i] = d_iou - (d_rho2 * c2 - rho2 * d_c2) / (c2 * c2) - by_angle * d_angle;
        }
    }
    return iou - rho2 / c2 - alpha * v;
}

double urs_yolo_alignment(double s, double u, double alpha, double beta)
{
    return u > 0 ? pow(s, alpha) * pow(u, beta) : 0;
}

double urs_yolo_dfl(const double *logits, int32_t bins, double target, double *grad)
{
    const double t = fmax(0, fmin(target, (double)bins - 1 - 0.01));
    const int32_t low = (int32_t)t;
    const double high_share = t - (double)low, low_share = 1 - high_share;
    double top = logits[0], sum = 0, log_sum;

    for (int32_t i = 1; i < bins; i++)
        top = fmax(top, logits[i]);
    for (int32_t i = 0; i < bins; i++)
        sum += exp(logits[i] - top);
    log_sum = top + log(sum);
    if (grad) {
        for (int32_t i = 0; i < bins; i++)
            grad[i] = exp(logits[i] - log_sum);
        grad[low] -= low_share;
        grad[low + 1] -= high_share;
    }
    return low_share * (log_sum - logits[low]) + high_share * (log_sum - logits[low + 1]);
}
