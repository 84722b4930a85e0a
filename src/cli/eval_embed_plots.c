/* Curves and maps of `ursid eval embed`; see eval_embed.h. */
#include "cli/eval_embed.h"

#include "base/memory.h"
#include "eval/plots.h"
#include "train/principal.h"

#include <math.h>
#include <string.h>

#define RANKS_MAX 50

urs_status urs_eval_embed_cmc(urs_text *plots, const urs_retrieval_result *r, urs_error *err)
{
    double x[RANKS_MAX], hit[RANKS_MAX] = {0}, chance[RANKS_MAX];
    const double bears = r->mean_gallery_bears;
    const size_t ranks = bears < RANKS_MAX ? (size_t)ceil(fmax(bears, 1)) : RANKS_MAX;
    if (r->answerable == 0)
        return URS_OK;
    (void)err;
    for (size_t k = 0; k < ranks; k++) {
        x[k] = (double)(k + 1);
        chance[k] = fmin(1, x[k] / bears);
    }
    for (size_t i = 0; i < r->queries; i++)
        for (size_t k = 0; r->query[i].answerable && k < ranks; k++)
            hit[k] += r->query[i].bear_rank <= k + 1 ? 1 / (double)r->answerable : 0;
    const urs_plot_series both[] = {{.name = "model", .x = x, .y = hit, .count = ranks}, {.name = "chance", .x = x, .y = chance, .count = ranks}};
    urs_plot_curves(plots, &(urs_plot_axes){.title = "The right bear among the first k (CMC)", .x_label = "k bears looked at", .y_label = "share of queries", .x_min = 1, .x_max = (double)(ranks > 1 ? ranks : 2), .y_max = 1}, both, 2);
    return URS_OK;
}

/* Numbers 0, 1, .. in the order in which the individuals come. */
static size_t number_of(int64_t *seen, size_t *count, int64_t identity)
{
    for (size_t i = 0; i < *count; i++)
        if (seen[i] == identity)
            return i;
    seen[*count] = identity;
    return (*count)++;
}

urs_status urs_eval_embed_map(urs_text *plots, const urs_chips *chips, const urs_embedded_part *part, urs_error *err)
{
    const size_t n = part->count, dim = (size_t)part->dim;
    float *rows = urs_array_new(n * dim, sizeof *rows), *components = urs_array_new(2 * dim, sizeof *components), variance[2];
    double *x = urs_array_new(n, sizeof *x), *y = urs_array_new(n, sizeof *y), *mean = urs_array_new(dim, sizeof *mean), total = 0;
    size_t *group = urs_array_new(n, sizeof *group), individuals = 0;
    int64_t *seen = urs_array_new(n, sizeof *seen);
    const char **name = urs_array_new(n, sizeof *name);
    urs_text label = {0};
    urs_status status = rows && components && x && y && mean && group && seen && name ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a map of %zu chips", n);
    if (status == URS_OK && dim >= 2 && n >= 3) {
        for (size_t i = 0; i < n * dim; i++)
            mean[i % dim] += (double)part->embedding[i] / (double)n;
        for (size_t i = 0; i < n * dim; i++) {
            rows[i] = part->embedding[i] - (float)mean[i % dim];
            total += (double)rows[i] * (double)rows[i] / (double)n;
        }
        status = urs_principal_components(components, variance, rows, n, dim, 2, 1, err);
    }
    if (status == URS_OK && total > 0) {
        for (size_t i = 0; i < n; i++) {
            for (size_t d = 0; d < dim; d++) {
                x[i] += (double)rows[i * dim + d] * (double)components[d];
                y[i] += (double)rows[i * dim + d] * (double)components[dim + d];
            }
            group[i] = number_of(seen, &individuals, part->identity[i]);
            name[i] = urs_name_table_get(&chips->dataset.individuals, (int32_t)part->identity[i]);
        }
        urs_text_format(&label, "first principal component (%.0f %% of the variance; second: %.0f %%)", 100 * (double)variance[0] / total, 100 * (double)variance[1] / total);
        urs_plot_scatter(plots, &(urs_plot_axes){.title = "Map of the embeddings, a look for each individual", .x_label = urs_text_string(&label), .y_label = "second principal component"},
                         &(urs_plot_points){.x = x, .y = y, .group = group, .name = name, .count = n});
    }
    urs_text_release(&label);
    urs_free(rows);
    urs_free(components);
    urs_free(x);
    urs_free(y);
    urs_free(mean);
    urs_free(group);
    urs_free(seen);
    urs_free((void *)name);
    return status;
}
