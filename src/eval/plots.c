/* SVG plots; see plots.h.
 *
 *      +-----------------------------------------------+
 *      |  title                                        |
 *      |  y label                                      |
 *      |  1.0 +----------------------------------+     |
 *      |      |   grid, series, legend           |     |
 *      |  0.0 +----------------------------------+     |
 *      |      0.0          x label             1.0     |
 *      +-----------------------------------------------+ */
#include "eval/plots.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 480
#define HEIGHT 320
#define INK "#24292f"
#define SOFT "#6e7781"
#define GRID "#e5e8eb"
#define BINS_MAX 500
#define TICKS_MAX 20
#define LEGEND_ROW 18

/* Okabe and Ito, in an order that starts with the strongest contrast on white. */
static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
#define PALETTE (sizeof palette / sizeof *palette)

typedef struct frame {
    double left, top, right, bottom; /* of the plot area, pixels */
    double legend;                   /* how much higher than the y axis's label its row is */
    double x_min, x_max, y_min, y_max;
} frame;

static double at_x(const frame *f, double x)
{
    return f->left + (x - f->x_min) / (f->x_max - f->x_min) * (f->right - f->left);
}

static double at_y(const frame *f, double y)
{
    return f->bottom - (y - f->y_min) / (f->y_max - f->y_min) * (f->bottom - f->top);
}

static void text_at(urs_text *out, double x, double y, const char *anchor, int size, const char *colour, const char *weight, const char *text)
{
    urs_text_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\" font-weight=\"%s\">", x, y, anchor, size, colour, weight);
    urs_text_html(out, text);
    urs_text_add(out, "</text>");
}

static void open_svg(urs_text *out, int width, int height, const char *title)
{
    urs_text_format(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\""
                    " font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\"><title>",
                    width, height, width, height);
    urs_text_html(out, title ? title : "plot");
    urs_text_format(out, "</title><rect width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#ffffff\"/>", width, height);
    if (title)
        text_at(out, 14, 24, "start", 14, INK, "600", title);
}

/* 1, 2 or 5 times a power of ten: at most about `wanted` steps over the range. */
static double nice_step(double range, int wanted)
{
    const double raw = range / wanted, power = pow(10, floor(log10(raw))), mantissa = raw / power;
    return power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
}

static void tick_label(char label[32], double value, double step)
{
    const int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    (void)snprintf(label, 32, "%.*f", decimals > 9 ? 9 : decimals, fabs(value) < step * 1e-6 ? 0 : value);
}

static void draw_x_axis(urs_text *out, const frame *f, const char *label)
{
    const double step = nice_step(f->x_max - f->x_min, 6);
    char text[32];
    for (int i = 0; i < TICKS_MAX; i++) {
        const double v = (ceil(f->x_min / step - 1e-9) + i) * step;
        if (!(v <= f->x_max + step * 1e-6))
            break;
        urs_text_format(out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"" GRID "\"/>", at_x(f, v), f->top, f->bottom);
        tick_label(text, v, step);
        text_at(out, at_x(f, v), f->bottom + 16, "middle", 11, SOFT, "400", text);
    }
    if (label)
        text_at(out, (f->left + f->right) / 2, f->bottom + 34, "middle", 12, INK, "400", label);
}

static void draw_y_axis(urs_text *out, const frame *f, const char *label)
{
    const double step = nice_step(f->y_max - f->y_min, 5);
    char text[32];
    for (int i = 0; i < TICKS_MAX; i++) {
        const double v = (ceil(f->y_min / step - 1e-9) + i) * step;
        if (!(v <= f->y_max + step * 1e-6))
            break;
        urs_text_format(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"" GRID "\"/>", f->left, at_y(f, v), f->right);
        tick_label(text, v, step);
        text_at(out, f->left - 7, at_y(f, v) + 4, "end", 11, SOFT, "400", text);
    }
    if (label)
        text_at(out, f->left, f->top - 8, "start", 12, INK, "400", label);
}

static void widen(double v, double *low, double *high)
{
    if (!isfinite(v))
        return;
    *low = v < *low ? v : *low;
    *high = v > *high ? v : *high;
}

/* A range that is empty or a point becomes one that can be drawn. */
static void settle(double *low, double *high)
{
    if (!(*low <= *high)) {
        *low = 0;
        *high = 1;
    }
    if (*high - *low < 1e-12 * fmax(1, fabs(*high))) {
        *low -= fmax(0.5, 1e-9 * fabs(*low));
        *high += fmax(0.5, 1e-9 * fabs(*high));
    }
}

/* legend: names are shown; they get a row of their own above the label of the y axis. */
static frame make_frame(const urs_plot_axes *a, int width, int height, bool legend)
{
    frame f = {.left = 56, .top = (a->title ? 58 : 34) + (legend && a->y_label ? LEGEND_ROW : 0), .legend = legend && a->y_label ? LEGEND_ROW : 0, .right = width - 18, .bottom = height - (a->x_label ? 46 : 30)};
    f.x_min = a->x_min;
    f.x_max = a->x_max;
    f.y_min = a->y_min;
    f.y_max = a->y_max;
    return f;
}

static bool has_names(const urs_plot_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (series[i].name)
            return true;
    return false;
}

static bool given(double low, double high)
{
    return isfinite(low) && isfinite(high) && low < high;
}

/* A row above the plot area, from the right: it never covers the data. */
static void draw_legend(urs_text *out, const frame *f, const urs_plot_series *series, size_t n)
{
    double x = f->right;
    for (size_t i = n; i-- > 0;) {
        size_t characters = 0;
        if (!series[i].name)
            continue;
        for (const char *p = series[i].name; *p; p++)
            characters += ((unsigned char)*p & 0xc0) != 0x80;
        text_at(out, x, f->top - f->legend - 8, "end", 11, INK, "400", series[i].name);
        x -= 6.9 * (double)characters + 16;
        urs_text_format(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" rx=\"2\" fill=\"%s\"/>", x, f->top - f->legend - 17, palette[i % PALETTE]);
        x -= 12;
    }
}

/* Ranges that the axes do not give are those of the data. */
static void settle_frame(frame *f, double x_low, double x_high, double y_low, double y_high)
{
    settle(&x_low, &x_high);
    settle(&y_low, &y_high);
    if (!given(f->x_min, f->x_max)) {
        f->x_min = x_low;
        f->x_max = x_high;
    }
    if (!given(f->y_min, f->y_max)) {
        f->y_min = y_low;
        f->y_max = y_high;
    }
}

static void draw_point(urs_text *out, double x, double y, size_t look, const char *name)
{
    const char *colour = palette[look % PALETTE];
    const size_t shape = look / PALETTE % 3;
    if (shape == 2)
        urs_text_format(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\" fill=\"%s\" fill-opacity=\"0.5\">", x - 4, y - 4, colour);
    else
        urs_text_format(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\" fill-opacity=\"0.8\" stroke=\"%s\" stroke-width=\"1.5\">", x, y, shape ? "none" : colour, colour);
    urs_text_add(out, "<title>");
    urs_text_html(out, name);
    urs_text_add(out, shape == 2 ? "</title></rect>" : "</title></circle>");
}

void urs_plot_scatter(urs_text *out, const urs_plot_axes *axes, const urs_plot_points *points)
{
    const int width = axes->width > 0 ? axes->width : WIDTH, height = axes->height > 0 ? axes->height : HEIGHT;
    frame f = make_frame(axes, width, height, false);
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    for (size_t i = 0; i < points->count; i++) {
        widen(points->x[i], &x_low, &x_high);
        widen(points->y[i], &y_low, &y_high);
    }
    settle_frame(&f, x_low, x_high, y_low, y_high);
    open_svg(out, width, height, axes->title);
    draw_x_axis(out, &f, axes->x_label);
    draw_y_axis(out, &f, axes->y_label);
    for (size_t i = 0; i < points->count; i++)
        if (isfinite(points->x[i]) && isfinite(points->y[i]))
            draw_point(out, at_x(&f, points->x[i]), at_y(&f, points->y[i]), points->group[i], points->name ? points->name[i] : "");
    urs_text_add(out, "</svg>\n");
}

void urs_plot_curves(urs_text *out, const urs_plot_axes *axes, const urs_plot_series *series, size_t n)
{
    const int width = axes->width > 0 ? axes->width : WIDTH, height = axes->height > 0 ? axes->height : HEIGHT;
    frame f = make_frame(axes, width, height, has_names(series, n));
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < series[s].count; i++) {
            widen(series[s].x[i], &x_low, &x_high);
            widen(series[s].y[i], &y_low, &y_high);
        }
    }
    settle_frame(&f, x_low, x_high, y_low, y_high);
    open_svg(out, width, height, axes->title);
    draw_x_axis(out, &f, axes->x_label);
    draw_y_axis(out, &f, axes->y_label);
    if (axes->diagonal)
        urs_text_format(out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"" SOFT "\" stroke-dasharray=\"4 4\"/>", f.left, f.bottom, f.right, f.top);
    for (size_t s = 0; s < n; s++) {
        bool pen = false;
        urs_text_format(out, "<path fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"%s\" d=\"", palette[s % PALETTE]);
        for (size_t i = 0; i < series[s].count; i++) {
            if (!isfinite(series[s].x[i]) || !isfinite(series[s].y[i])) {
                pen = false;
                continue;
            }
            urs_text_format(out, "%s%.1f %.1f", pen ? "L" : "M", at_x(&f, series[s].x[i]), at_y(&f, series[s].y[i]));
            pen = true;
        }
        urs_text_add(out, "\"/>");
        for (size_t i = 0; axes->points && i < series[s].count; i++)
            if (isfinite(series[s].x[i]) && isfinite(series[s].y[i]))
                urs_text_format(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", at_x(&f, series[s].x[i]), at_y(&f, series[s].y[i]),
                                palette[s % PALETTE]);
    }
    draw_legend(out, &f, series, n);
    urs_text_add(out, "</svg>\n");
}

/* ---- histogram ---- */

static double fill_bins(double *share, size_t bins, const urs_plot_series *s, double low, double high)
{
    size_t counted = 0;
    double top = 0;
    memset(share, 0, bins * sizeof *share);
    for (size_t i = 0; i < s->count; i++) {
        size_t bin;
        if (!(s->x[i] >= low && s->x[i] <= high))
            continue;
        bin = (size_t)((s->x[i] - low) / (high - low) * (double)bins);
        share[bin < bins ? bin : bins - 1] += 1;
        counted++;
    }
    for (size_t b = 0; counted && b < bins; b++) {
        share[b] /= (double)counted;
        top = share[b] > top ? share[b] : top;
    }
    return top;
}

static void draw_steps(urs_text *out, const frame *f, const double *share, size_t bins, const char *colour)
{
    const double step = (f->x_max - f->x_min) / (double)bins;
    urs_text_format(out, "<path fill=\"%s\" fill-opacity=\"0.35\" stroke=\"%s\" stroke-width=\"1.5\" stroke-linejoin=\"round\" d=\"M%.1f %.1f", colour, colour,
                    f->left, f->bottom);
    for (size_t b = 0; b < bins; b++)
        urs_text_format(out, "V%.1fH%.1f", at_y(f, share[b]), at_x(f, f->x_min + step * (double)(b + 1)));
    urs_text_format(out, "V%.1fZ\"/>", f->bottom);
}

void urs_plot_histogram(urs_text *out, const urs_plot_axes *axes, const urs_plot_series *samples, size_t n, size_t bins)
{
    const int width = axes->width > 0 ? axes->width : WIDTH, height = axes->height > 0 ? axes->height : HEIGHT;
    double share[BINS_MAX], low = INFINITY, high = -INFINITY, top = 0;
    frame f = make_frame(axes, width, height, has_names(samples, n));
    bins = bins == 0 ? 30 : bins > BINS_MAX ? BINS_MAX : bins;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < samples[s].count; i++)
            widen(samples[s].x[i], &low, &high);
    settle(&low, &high);
    if (!given(f.x_min, f.x_max)) {
        f.x_min = low;
        f.x_max = high;
    }
    for (size_t s = 0; s < n; s++)
        top = fmax(top, fill_bins(share, bins, &samples[s], f.x_min, f.x_max));
    if (!given(f.y_min, f.y_max)) {
        f.y_min = 0;
        f.y_max = top > 0 ? top * 1.05 : 1;
    }
    open_svg(out, width, height, axes->title);
    draw_x_axis(out, &f, axes->x_label);
    draw_y_axis(out, &f, axes->y_label);
    for (size_t s = 0; s < n; s++) {
        (void)fill_bins(share, bins, &samples[s], f.x_min, f.x_max);
        draw_steps(out, &f, share, bins, palette[s % PALETTE]);
    }
    draw_legend(out, &f, samples, n);
    urs_text_add(out, "</svg>\n");
}

/* ---- bars ---- */

void urs_plot_bars(urs_text *out, const urs_plot_axes *axes, const char *const *names, const double *value, const double *low, const double *high, size_t n)
{
    const int width = axes->width > 0 ? axes->width : WIDTH;
    const int height = axes->height > 0 ? axes->height : (int)(90 + 26 * (n < 200 ? n : 200));
    frame f = make_frame(axes, width, height, false);
    double smallest = 0, largest = -INFINITY;
    char label[32];
    f.left = 170;
    f.right -= 46; /* room for the numbers */
    f.top = axes->title ? 38 : 14;
    for (size_t i = 0; i < n; i++) {
        widen(value[i], &smallest, &largest);
        if (high)
            widen(high[i], &smallest, &largest);
    }
    settle(&smallest, &largest);
    if (!given(f.x_min, f.x_max)) {
        f.x_min = smallest;
        f.x_max = largest;
    }
    open_svg(out, width, height, axes->title);
    draw_x_axis(out, &f, axes->x_label);
    for (size_t i = 0; i < n; i++) {
        const double pitch = (f.bottom - f.top) / (double)n, middle = f.top + pitch * ((double)i + 0.5), thick = fmin(16, pitch * 0.65);
        text_at(out, f.left - 8, middle + 4, "end", 12, INK, "400", names[i]);
        if (!isfinite(value[i]))
            continue;
        urs_text_format(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"%s\"/>", f.left, middle - thick / 2,
                        fmax(0, at_x(&f, value[i]) - f.left), thick, palette[0]);
        if (low && high && isfinite(low[i]) && isfinite(high[i]))
            urs_text_format(out, "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"" INK "\" stroke-width=\"1.5\"/>", at_x(&f, low[i]), middle,
                            at_x(&f, high[i]), at_x(&f, low[i]), middle - 4, at_x(&f, high[i]), middle - 4);
        (void)snprintf(label, sizeof label, "%.3g", value[i]);
        text_at(out, f.right + 8, middle + 4, "start", 11, SOFT, "400", label);
    }
    urs_text_add(out, "</svg>\n");
}

/* ---- confusion matrix ---- */

void urs_plot_matrix(urs_text *out, const urs_plot_table *m)
{
    const size_t larger = m->rows > m->columns ? m->rows : m->columns;
    const int cell = larger <= 6 ? 80 : larger <= 15 ? 40 : 18;
    const int left = 120, top = 84, width = left + cell * (int)m->columns + 20, height = top + cell * (int)m->rows + 24;
    char label[32];
    open_svg(out, width, height, m->title);
    text_at(out, left + cell * (double)m->columns / 2, 50, "middle", 12, SOFT, "400", "answer");
    text_at(out, left - 10, top - 10, "end", 12, SOFT, "400", "truth");
    for (size_t j = 0; j < m->columns; j++)
        text_at(out, left + cell * ((double)j + 0.5), top - 10, "middle", larger <= 6 ? 12 : 9, INK, "400", m->column_names[j]);
    for (size_t i = 0; i < m->rows; i++) {
        uint64_t total = 0;
        for (size_t j = 0; j < m->columns; j++)
            total += m->count[i * m->columns + j];
        text_at(out, left - 10, top + cell * ((double)i + 0.5) + 4, "end", 12, INK, "400", m->row_names[i]);
        for (size_t j = 0; j < m->columns; j++) {
            const uint64_t n = m->count[i * m->columns + j];
            const double share = total ? (double)n / (double)total : 0;
            const double x = left + cell * (double)j, y = top + cell * (double)i;
            const bool right = m->right ? m->right[i * m->columns + j] : i == j;
            urs_text_format(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%.3f\" stroke=\"" GRID "\"/>", x, y, cell, cell,
                            palette[right ? 0 : 1], share);
            if (larger <= 15) {
                const char *ink = share > 0.55 ? "#ffffff" : INK;
                (void)snprintf(label, sizeof label, "%llu", (unsigned long long)n);
                text_at(out, x + cell / 2.0, y + cell / 2.0 + (larger <= 6 ? 0 : 4), "middle", larger <= 6 ? 14 : 10, ink, "600", label);
                (void)snprintf(label, sizeof label, "%.1f %%", share * 100);
                if (larger <= 6 && total)
                    text_at(out, x + cell / 2.0, y + cell / 2.0 + 16, "middle", 10, ink, "400", label);
            }
        }
    }
    urs_text_add(out, "</svg>\n");
}

void urs_plot_confusion(urs_text *out, const char *title, const uint64_t *count, const char *const *names, size_t classes)
{
    urs_plot_matrix(out, &(urs_plot_table){.title = title, .count = count, .row_names = names, .column_names = names, .rows = classes, .columns = classes});
}
