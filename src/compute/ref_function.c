/* Activation functions and their slopes. At corners PyTorch's choice. */
#include "compute/ref.h"

#include <math.h>

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Phi, the normal distribution function; erfc keeps its digits far below zero. */
static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

double urs_ref_activate(urs_activation kind, double x)
{
    switch (kind) {
    case URS_ACT_RELU: return x > 0.0 || isnan(x) ? x : 0.0;
    case URS_ACT_RELU6: return clamp(x, 0.0, 6.0);
    case URS_ACT_HARD_SWISH: return x * clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case URS_ACT_HARD_SIGMOID: return clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case URS_ACT_SIGMOID: return sigmoid(x);
    case URS_ACT_SILU: return x * sigmoid(x);
    case URS_ACT_GELU: return x * normal_cdf(x);
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return x;
}

double urs_ref_activate_slope(urs_activation kind, double x)
{
    switch (kind) {
    case URS_ACT_RELU: return x > 0.0 ? 1.0 : 0.0;
    case URS_ACT_RELU6: return x > 0.0 && x < 6.0 ? 1.0 : 0.0;
    case URS_ACT_HARD_SWISH: return x < -3.0 ? 0.0 : x <= 3.0 ? x / 3.0 + 0.5 : 1.0;
    case URS_ACT_HARD_SIGMOID: return x > -3.0 && x < 3.0 ? 1.0 / 6.0 : 0.0;
    case URS_ACT_SIGMOID: return sigmoid(x) * (1.0 - sigmoid(x));
    case URS_ACT_SILU: return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)));
    case URS_ACT_GELU: return normal_cdf(x) + x * exp(-0.5 * x * x) * (0.5 * M_SQRT1_2 * M_2_SQRTPI);
    case URS_ACT_NONE:
    case URS_ACT_COUNT: break;
    }
    return 1.0;
}
