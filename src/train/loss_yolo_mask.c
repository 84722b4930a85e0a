/* The mask part of the YOLOv8-seg loss: one foreground anchor against its target's mask; see loss_yolo.h. */
#include "train/loss_yolo_private.h"

#include <math.h>

/* BCE of one row; the logits turn into gradients (sigmoid - truth). */
static double row_bce(float *row, const uint8_t *map, uint8_t mine, int32_t count)
{
    double sum = 0;

    for (int32_t i = 0; i < count; i++) {
        const float x = row[i], e = expf(-fabsf(x)), t = map[i] == mine ? 1.0f : 0.0f;

        sum += (double)(fmaxf(x, 0) - x * t + log1pf(e));
        row[i] = (x >= 0 ? 1 / (1 + e) : e / (1 + e)) - t;
    }
    return sum;
}

static int32_t clamp_pixel(double x, int32_t limit)
{
    return x <= 0 ? 0 : x >= (double)limit ? limit : (int32_t)ceil(x);
}

double urs_yolo_mask_loss(urs_yolo_loss *y, int32_t image, urs_yolo_anchor at, int32_t target, double scale, float *d_coef, float *d_proto)
{
    const urs_yolo_loss_options *o = &y->options;
    const urs_yolo_targets *truth = &y->targets[image];
    const float *box = truth->boxes + 4 * target;
    const double to_x = (double)o->proto_w / (double)o->input_w, to_y = (double)o->proto_h / (double)o->input_h;
    /* A pixel belongs to the crop if x1 <= its index < x2, in proto units. */
    const int32_t left = clamp_pixel((double)box[0] * to_x, o->proto_w), right = clamp_pixel((double)box[2] * to_x, o->proto_w);
    const int32_t top = clamp_pixel((double)box[1] * to_y, o->proto_h), bottom = clamp_pixel((double)box[3] * to_y, o->proto_h);
    const double area = ((double)box[2] - (double)box[0]) / o->input_w * (((double)box[3] - (double)box[1]) / o->input_h);
    const size_t pixels = (size_t)o->proto_h * (size_t)o->proto_w, plane = urs_yolo_map_plane(y, at.level);
    const size_t coef_at = urs_yolo_map_offset(y, at, image, o->coefficients);
    const float *coef = y->outputs.coef[at.level] + coef_at, *proto = y->outputs.proto + (size_t)image * (size_t)o->coefficients * pixels;
    const double divide = 1 / ((double)pixels * area);
    const float factor = (float)(scale * divide);
    const int32_t width = right - left;
    float *restrict row = y->mask_row;
    double sum = 0;

    if (width <= 0 || bottom <= top)
        return 0;
    for (int32_t v = top; v < bottom; v++) {
        const size_t start = (size_t)v * (size_t)o->proto_w + (size_t)left;

        for (int32_t i = 0; i < width; i++)
            row[i] = 0;
        for (int32_t k = 0; k < o->coefficients; k++) {
            const float c = coef[(size_t)k * plane];
            const float *restrict p = proto + (size_t)k * pixels + start;

            for (int32_t i = 0; i < width; i++)
                row[i] += c * p[i];
        }
        sum += row_bce(row, truth->index_map + start, (uint8_t)(target + 1), width);
        if (!d_coef)
            continue;
        for (int32_t i = 0; i < width; i++)
            row[i] *= factor;
        for (int32_t k = 0; k < o->coefficients; k++) {
            const float c = coef[(size_t)k * plane];
            const float *restrict p = proto + (size_t)k * pixels + start;
            float *restrict d = d_proto + (size_t)image * (size_t)o->coefficients * pixels + (size_t)k * pixels + start;
            float lanes[8] = {0};
            int32_t i = 0;

            for (; i + 8 <= width; i += 8)
                for (int32_t lane = 0; lane < 8; lane++) {
                    lanes[lane] += row[i + lane] * p[i + lane];
                    d[i + lane] += c * row[i + lane];
                }
            for (; i < width; i++) {
                lanes[0] += row[i] * p[i];
                d[i] += c * row[i];
            }
            d_coef[coef_at + (size_t)k * plane] += ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
        }
    }
    return sum * divide;
}
