/* Plots for the HTML report, as self-contained SVG text appended to `out` (no script, no external font or style).
 *
 * Every function appends one <svg> element with a title; text is escaped. Sizes are in CSS pixels (width 0: 480). NaN values are left out. Colours keep their difference for readers who do not see red and green apart
 * (Okabe and Ito). Nothing fails but memory: see urs_text_ok. */
#ifndef URS_EVAL_PLOTS_H
#define URS_EVAL_PLOTS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct urs_plot_axes {
    const char *title, *x_label, *y_label; /* borrowed; NULL: none */
    int width, height;                     /* 0: 480 x 320 */
    double x_min, x_max, y_min, y_max;     /* min == max: from the data */
    bool diagonal;                         /* dashed line from corner to corner (chance, or perfect calibration) */
    bool points;                           /* mark each point */
} urs_plot_axes;

typedef struct urs_plot_series {
    const char *name; /* borrowed; NULL: not in the legend */
    const double *x, *y;
    size_t count;
} urs_plot_series;

void urs_plot_curves(urs_text *out, const urs_plot_axes *axes, const urs_plot_series *series, size_t n);
/* Points by group: 21 looks (seven colours; full, ring, half-strength square), then they repeat. Pointing at one shows its name[i]. */
typedef struct urs_plot_points {
    const double *x, *y;     /* borrowed [count] */
    const size_t *group;     /* borrowed [count] */
    const char *const *name; /* borrowed [count]; NULL: none */
    size_t count;
} urs_plot_points;
void urs_plot_scatter(urs_text *out, const urs_plot_axes *axes, const urs_plot_points *points);
/* Shares within each row are the shade, counts the text. */
void urs_plot_confusion(urs_text *out, const char *title, const uint64_t *count, const char *const *names, size_t classes);
/* The same for any table of truths (rows) and answers (columns); right[rows * columns]: cells that count as right answers. */
typedef struct urs_plot_table {
    const char *title;
    const uint64_t *count;
    const char *const *row_names, *const *column_names; /* borrowed */
    size_t rows, columns;
    const bool *right; /* NULL: the diagonal */
} urs_plot_table;
void urs_plot_matrix(urs_text *out, const urs_plot_table *table);
/* Histograms of several samples over the same bins, drawn as steps filled at half strength, heights as shares of each sample. bins 0: 30. */
void urs_plot_histogram(urs_text *out, const urs_plot_axes *axes, const urs_plot_series *samples, size_t n, size_t bins); /* uses series.x only */
/* Horizontal bars with value and interval whiskers (low/high may be NULL). */
void urs_plot_bars(urs_text *out, const urs_plot_axes *axes, const char *const *names, const double *value, const double *low, const double *high, size_t n);

#endif
