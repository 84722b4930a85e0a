/* From coefficients and prototypes to the mask of one head. See find.h; spec/models.md 5.5.
 *
 *      prototypes' scale (a quarter of the network input)            picture
 *      . . . . . . . .
 *      . +-------+ . .    logits only here, 0 outside      --->      read bilinearly at the centre of every pixel of the box, above 0 = inside
 *      . | x x x | . .
 *      . +-------+ . .
 */
#include "base/memory.h"
#include "stages/find.h"

#include <math.h>
#include <string.h>

/* Part of the prototypes' plane with its logits. */
typedef struct logit_patch {
    int32_t x, y, width, height;
    float *values; /* owned */
} logit_patch;

static int32_t bounded(double v, int32_t high)
{
    return !(v > 0) ? 0 : v >= high ? high : (int32_t)v;
}

/* Cell i belongs to the box when x1 <= i < x2, as the reference cuts. */
static urs_status make_patch(logit_patch *p, const urs_find_layout *layout, const float *proto, const float *coefficients, urs_box network, urs_error *err)
{
    const double sx = (double)layout->proto_width / layout->input_width, sy = (double)layout->proto_height / layout->input_height;
    const size_t plane = (size_t)layout->proto_width * (size_t)layout->proto_height;
    const int32_t right = bounded(ceil((double)network.x2 * sx), layout->proto_width), bottom = bounded(ceil((double)network.y2 * sy), layout->proto_height);
    p->x = bounded(ceil((double)network.x1 * sx), layout->proto_width);
    p->y = bounded(ceil((double)network.y1 * sy), layout->proto_height);
    p->width = right > p->x ? right - p->x : 0;
    p->height = bottom > p->y ? bottom - p->y : 0;
    p->values = urs_array_new((size_t)p->width * (size_t)p->height, sizeof *p->values);
    if (!p->values)
        return urs_fail(err, URS_ENOMEM, "no memory for a mask of %d x %d", (int)p->width, (int)p->height);
    for (int32_t c = 0; c < layout->coefficients; c++)
        for (int32_t y = 0; y < p->height; y++) {
            const float k = coefficients[c], *from = proto + (size_t)c * plane + (size_t)(p->y + y) * (size_t)layout->proto_width + (size_t)p->x;
            float *to = p->values + (size_t)y * (size_t)p->width;
            for (int32_t x = 0; x < p->width; x++)
                to[x] += k * from[x];
        }
    return URS_OK;
}

static float patch_at(const logit_patch *p, int32_t x, int32_t y)
{
    x -= p->x;
    y -= p->y;
    return x >= 0 && y >= 0 && x < p->width && y < p->height ? p->values[(size_t)y * (size_t)p->width + (size_t)x] : 0;
}

/* A coordinate between two cells of a plane; the edge is repeated, as align_corners = false does. */
typedef struct between {
    int32_t low, high;
    float share; /* of high */
} between;

static between place(double v, int32_t size)
{
    const double at = v < 0.5 ? 0 : v - 0.5;
    const int32_t low = at >= size - 1 ? size - 1 : (int32_t)at;
    return (between){low, low + 1 < size ? low + 1 : low, (float)(at - low > 1 ? 1 : at - low)};
}

static float read_patch(const logit_patch *p, between x, between y)
{
    const float top = patch_at(p, x.low, y.low) * (1 - x.share) + patch_at(p, x.high, y.low) * x.share;
    const float bottom = patch_at(p, x.low, y.high) * (1 - x.share) + patch_at(p, x.high, y.high) * x.share;
    return top * (1 - y.share) + bottom * y.share;
}

urs_status urs_find_mask(urs_detection *d, const urs_find_layout *layout, const float *proto, const float *coefficients, const urs_letterbox *how, int32_t width, int32_t height,
                         urs_error *err)
{
    const int32_t x1 = bounded(floor((double)d->box.x1), width), y1 = bounded(floor((double)d->box.y1), height);
    const int32_t x2 = bounded(ceil((double)d->box.x2), width), y2 = bounded(ceil((double)d->box.y2), height);
    const double sx = (double)layout->proto_width / layout->input_width, sy = (double)layout->proto_height / layout->input_height;
    logit_patch patch = {0};
    between *columns = NULL;
    urs_image mask = {0};
    urs_status status = urs_image_new(&mask, x2 > x1 ? x2 - x1 : 1, y2 > y1 ? y2 - y1 : 1, 1, err);
    if (status == URS_OK)
        status = make_patch(&patch, layout, proto, coefficients, urs_letterbox_to_network(how, d->box), err);
    if (status != URS_OK)
        goto done;
    columns = urs_array_new((size_t)mask.width, sizeof *columns);
    if (!columns) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a mask");
        goto done;
    }
    for (int32_t x = 0; x < mask.width; x++)
        columns[x] = place(((x1 + x + 0.5) * (double)how->scale + how->pad_left) * sx, layout->proto_width);
    for (int32_t y = 0; y < mask.height; y++) {
        const between row = place(((y1 + y + 0.5) * (double)how->scale + how->pad_top) * sy, layout->proto_height);
        uint8_t *to = urs_image_at(&mask, 0, y);
        for (int32_t x = 0; x < mask.width; x++)
            to[x] = read_patch(&patch, columns[x], row) > 0 ? 255 : 0;
    }
    urs_image_release(&d->mask);
    d->mask = mask;
    d->mask_x = x1;
    d->mask_y = y1;
    memset(&mask, 0, sizeof mask);
done:
    urs_free(columns);
    urs_free(patch.values);
    urs_image_release(&mask);
    return status;
}

urs_status urs_detection_whole_mask(urs_image *out, const urs_detection *d, int32_t width, int32_t height, urs_error *err)
{
    urs_image whole;
    urs_status status;
    if (d->mask.data)
        return urs_image_crop(out, &d->mask, -d->mask_x, -d->mask_y, width, height, 0, err);
    status = urs_image_new(&whole, width, height, 1, err);
    if (status == URS_OK)
        *out = whole;
    return status;
}
