/* The embedding head in closed form; see embed_head.h. */
#include "stages/embed_head.h"

#include "base/memory.h"
#include "stages/runner.h"
#include "train/principal.h"

#include <math.h>
#include <string.h>

#define BATCH 8
#define PER_INDIVIDUAL 4 /* chips that the components are made from: more of the same animal say little */
#define REGION_WEIGHT 2  /* of all regions against all features; 0.5, 1 and 2 were tried, see docs/results/embed.md */

/* Where the head's parameters lie in a block; NULL: the network has no such. */
typedef struct head_params {
    float *bn_mean, *bn_variance, *bn_weight, *bn_bias, *weight, *bias;
    float *region_mean, *region_variance, *region_weight, *region_bias, *region_kernel;
} head_params;

static float *find(const urs_graph *graph, float *params, const char *name)
{
    const urs_param *list;
    const int32_t i = urs_graph_find_param(graph, name);
    (void)urs_graph_params(graph, &list);
    return i < 0 ? NULL : params + list[i].offset;
}

static urs_status find_head(head_params *h, const urs_network *n, float *params, urs_error *err)
{
    const urs_graph *g = n->graph;
    *h = (head_params){
        .bn_mean = find(g, params, "embedder.0.bn.running_mean"), .bn_variance = find(g, params, "embedder.0.bn.running_var"), .bn_weight = find(g, params, "embedder.0.bn.weight"),
        .bn_bias = find(g, params, "embedder.0.bn.bias"), .weight = find(g, params, "embedder.0.linear.weight"), .bias = find(g, params, "embedder.0.linear.bias"),
        .region_mean = find(g, params, "embedder.regions.bn.running_mean"), .region_variance = find(g, params, "embedder.regions.bn.running_var"),
        .region_weight = find(g, params, "embedder.regions.bn.weight"), .region_bias = find(g, params, "embedder.regions.bn.bias"),
        .region_kernel = find(g, params, "embedder.regions.conv.weight")};
    if (!h->bias || !h->weight || !h->bn_mean || n->options.hidden[0] || n->options.head != URS_HEAD_PLAIN)
        return urs_fail(err, URS_EUNSUPPORTED, "only a plain embedding head with norm can be made in closed form");
    return URS_OK;
}

/* ---- outputs of a network for views of chips ---- */

typedef struct view_run {
    const urs_chips *chips;
    const size_t *items; /* of the views, item v is view v % views of chip items[v / views] */
    size_t views;
    const urs_input_format *input;
    const urs_chip_augment *augment[4]; /* a view each; NULL: plain */
    uint64_t seed;
    int32_t output[2]; /* the second: -1 for none */
    size_t width[2];
    float *rows;       /* [count * views][width[0] + width[1]] */
} view_run;

static urs_status prepare_view(void *context, size_t item, float *tensor, urs_error *err)
{
    const view_run *v = context;
    const size_t view = item % v->views;
    return urs_chips_prepare(tensor, v->chips, v->items[item / v->views], v->seed, view, item, v->input, v->augment[view], err);
}

static urs_status take_view(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    const view_run *v = context;
    float *to = v->rows + item * (v->width[0] + v->width[1]);
    (void)err;
    for (int k = 0; k < 2 && v->output[k] >= 0; k++, to += v->width[0])
        memcpy(to, urs_outputs_of(outputs, v->output[k]) + (size_t)index * v->width[k], v->width[k] * sizeof *to);
    return URS_OK;
}

static urs_status run_views(view_run *v, size_t count, const urs_network *network, urs_pool *pool, urs_error *err)
{
    const urs_runner_calls calls = {.context = v, .prepare = prepare_view, .take = take_view};
    urs_runner *runner = NULL;
    size_t elements;
    urs_status status = URS_OK;
    for (int k = 0; k < 2; k++)
        v->width[k] = v->output[k] >= 0 ? urs_graph_output_elements(network->graph, v->output[k]) : 0;
    if (!urs_mul_size(&elements, count * v->views, v->width[0] + v->width[1]) || !(v->rows = urs_array_new(elements, sizeof *v->rows)))
        return urs_fail(err, URS_ENOMEM, "no memory for the features of %zu chips", count);
    status = urs_runner_new(&runner, network, &(urs_runner_options){.batch = BATCH, .pool = pool}, err);
    if (status == URS_OK)
        status = urs_runner_run(runner, count * v->views, &calls, err);
    urs_runner_free(runner);
    return status;
}

/* ---- whitening ---- */

/* Mean and variance of each channel of rows [n][width] from column `first`: `channels` channels of `cells` columns. Then the columns are standardised and times `scale`. */
static void standardise(float *rows, size_t n, size_t width, size_t first, size_t channels, size_t cells, float scale, float *mean_out, float *variance_out)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0, square = 0;
        const double count = (double)(n * cells);
        for (size_t i = 0; i < n; i++)
            for (size_t e = 0; e < cells; e++) {
                const double x = (double)rows[i * width + first + c * cells + e];
                sum += x;
                square += x * x;
            }
        mean_out[c] = (float)(sum / count);
        variance_out[c] = (float)fmax(square / count - sum / count * (sum / count), 0);
        {
            const float m = mean_out[c], factor = scale / sqrtf(variance_out[c] + 1e-5f);
            for (size_t i = 0; i < n; i++)
                for (size_t e = 0; e < cells; e++) {
                    float *x = &rows[i * width + first + c * cells + e];
                    *x = (*x - m) * factor;
                }
        }
    }
}

/* Takes the mean of each tree away: what tells a seal from a cat is not what tells two bears apart. */
static urs_status centre_trees(float *rows, size_t n, size_t width, const view_run *v, urs_error *err)
{
    int32_t trees = 0;
    double *sum;
    size_t *count;
    for (size_t i = 0; i < n; i++)
        trees = v->chips->items[v->items[i / v->views]].tree >= trees ? v->chips->items[v->items[i / v->views]].tree + 1 : trees;
    sum = urs_array_new((size_t)trees * width, sizeof *sum);
    count = urs_array_new((size_t)trees, sizeof *count);
    if (!sum || !count) {
        urs_free(sum);
        urs_free(count);
        return urs_fail(err, URS_ENOMEM, "no memory for the means of %d folders", (int)trees);
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            const size_t tree = (size_t)v->chips->items[v->items[i / v->views]].tree;
            double *s = sum + tree * width;
            count[tree] += pass == 0;
            for (size_t d = 0; d < width; d++) {
                if (pass == 0)
                    s[d] += (double)rows[i * width + d];
                else
                    rows[i * width + d] -= (float)(s[d] / (double)count[tree]);
            }
        }
    urs_free(sum);
    urs_free(count);
    return URS_OK;
}

static void fill(float *to, float value, size_t n)
{
    for (size_t i = 0; to && i < n; i++)
        to[i] = value;
}

/* The two layers from the components. Both see channels that their norms have standardised; the regions' share was scaled so that it weighs as much as the features'. */
static void set_layers(const head_params *h, const float *components, const float *variance, size_t dim, size_t features, size_t regions, double shrink, float region_scale)
{
    const size_t width = features + regions;
    double mean = 0;
    for (size_t k = 0; k < dim; k++)
        mean += (double)variance[k] / (double)dim;
    for (size_t k = 0; k < dim; k++) {
        const float factor = (float)(1 / sqrt((double)variance[k] + shrink * mean + 1e-12));
        for (size_t d = 0; d < features; d++)
            h->weight[k * features + d] = components[k * width + d] * factor;
        for (size_t d = 0; d < regions; d++)
            h->region_kernel[k * regions + d] = components[k * width + features + d] * factor * region_scale;
        h->bias[k] = 0;
    }
}

/* The trunk alone, with the parameters of the network's trunk. */
static urs_status open_trunk(urs_network **out, const urs_network *network, urs_error *err)
{
    urs_model_options options = network->options;
    urs_network *trunk = NULL;
    const urs_param *list;
    int32_t n;
    urs_status status;
    options.embedding = 0;
    options.unit = false;
    options.classes = -1;
    status = urs_network_new(&trunk, &options, 1, err);
    if (status != URS_OK)
        return status;
    n = urs_graph_params(trunk->graph, &list);
    for (int32_t i = 0; i < n; i++) {
        const float *from = find(network->graph, network->params, list[i].name);
        if (from)
            memcpy(trunk->params + list[i].offset, from, list[i].count * sizeof *from);
    }
    *out = trunk;
    return URS_OK;
}

/* What the components are made from: the other animals if there are any, so that no bear is in them and all folds of the target share them. Owned, of *kept items. */
static size_t *choose_items(size_t *kept, const urs_chips *chips, const size_t *items, size_t count)
{
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    size_t *chosen = urs_array_new(count + 1, sizeof *chosen), *taken = urs_array_new(individuals + 1, sizeof *taken);
    bool others = false;
    *kept = 0;
    for (size_t i = 0; i < count; i++)
        others = others || chips->items[items[i]].tree > 0;
    for (size_t i = 0; chosen && taken && i < count; i++) {
        const urs_chip *chip = &chips->items[items[i]];
        if ((chip->tree > 0 || !others) && taken[chip->individual]++ < PER_INDIVIDUAL)
            chosen[(*kept)++] = items[i];
    }
    if (!taken)
        *kept = 0;
    urs_free(taken);
    return chosen;
}

urs_status urs_embed_head_start(urs_network *network, const urs_chips *chips, const size_t *all, size_t all_count, const urs_embed_head_options *o, urs_error *err)
{
    const size_t dim = (size_t)network->options.embedding;
    view_run v = {.chips = chips, .views = o->augment ? 2 : 1, .input = &network->input, .augment = {NULL, o->augment}, .seed = o->seed};
    head_params h;
    urs_network *trunk = NULL;
    float *components = NULL, *variance = NULL;
    size_t *items = NULL, count = 0, rows, width = 0, channels = 0;
    float region_scale = 1;
    urs_status status = find_head(&h, network, network->params, err);
    if (status != URS_OK)
        return status;
    v.items = items = choose_items(&count, chips, all, all_count);
    if (count == 0)
        status = items ? urs_fail(err, URS_EINVAL, "there are no chips to make a head from") : urs_fail(err, URS_ENOMEM, "no memory for %zu chips", all_count);
    if (status == URS_OK)
        status = open_trunk(&trunk, network, err);
    if (status != URS_OK)
        goto done;
    v.output[0] = urs_graph_find_output(trunk->graph, "features");
    v.output[1] = urs_graph_find_output(trunk->graph, "regions");
    status = run_views(&v, count, trunk, o->pool, err);
    if (status != URS_OK)
        goto done;
    rows = count * v.views;
    width = v.width[0] + v.width[1];
    standardise(v.rows, rows, width, 0, v.width[0], 1, 1, h.bn_mean, h.bn_variance);
    fill(h.bn_weight, 1, v.width[0]);
    fill(h.bn_bias, 0, v.width[0]);
    if (v.width[1] > 0) {
        const urs_param *list;
        (void)urs_graph_params(network->graph, &list);
        channels = list[urs_graph_find_param(network->graph, "embedder.regions.bn.running_mean")].count;
        region_scale = REGION_WEIGHT * sqrtf((float)v.width[0] / (float)v.width[1]);
        standardise(v.rows, rows, width, v.width[0], channels, v.width[1] / channels, region_scale, h.region_mean, h.region_variance);
        fill(h.region_weight, 1, channels);
        fill(h.region_bias, 0, channels);
    }
    if (dim > width)
        status = urs_fail(err, URS_EINVAL, "an embedding of %zu numbers from %zu features of %s: at most as many can be made", dim, width, network->options.arch);
    if (status == URS_OK)
        status = centre_trees(v.rows, rows, width, &v, err);
    components = urs_array_new(dim * width, sizeof *components);
    variance = urs_array_new(dim, sizeof *variance);
    if (status == URS_OK && (!components || !variance))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu components", dim);
    if (status == URS_OK)
        status = urs_principal_components(components, variance, v.rows, rows, width, dim, o->seed + 1, err);
    if (status == URS_OK)
        set_layers(&h, components, variance, dim, v.width[0], v.width[1], o->shrink > 0 ? o->shrink : 0.1, region_scale);
done:
    urs_free(items);
    urs_free(v.rows);
    urs_free(components);
    urs_free(variance);
    urs_network_free(trunk);
    return status;
}

urs_status urs_embed_head_centre(const urs_network *network, float *params, const urs_chips *chips, const size_t *items, size_t count, const urs_embed_head_options *o, urs_error *err)
{
    const urs_chip_augment mirror = {.flip = 1}, masked = {.p_black = 1}, both = {.flip = 1, .p_black = 1};
    view_run v = {.chips = chips, .views = 4, .input = &network->input, .augment = {NULL, &mirror, &masked, &both}, .seed = o->seed, .output = {-1, -1}};
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    size_t *target = urs_array_new(count + 1, sizeof *target), *pictures = urs_array_new(individuals + 1, sizeof *pictures), targets = 0, animals = 0;
    double *mean = urs_array_new((size_t)network->options.embedding + 1, sizeof *mean);
    head_params h;
    urs_status status = find_head(&h, network, params, err);
    if (status == URS_OK && (!target || !pictures || !mean))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", count);
    for (size_t i = 0; status == URS_OK && i < count; i++) {
        if (chips->items[items[i]].tree != 0)
            continue;
        target[targets++] = items[i];
        animals += pictures[chips->items[items[i]].individual]++ == 0;
    }
    if (status == URS_OK && targets == 0)
        status = urs_fail(err, URS_EINVAL, "there are no chips of the target to centre on");
    if (status == URS_OK) {
        const urs_network view = urs_network_view(network, params);
        v.items = target;
        v.output[0] = urs_graph_find_output(network->graph, "embedding");
        status = run_views(&v, targets, &view, o->pool, err);
    }
    for (size_t i = 0; status == URS_OK && i < targets * v.views; i++) {
        const double share = 1.0 / ((double)animals * (double)pictures[chips->items[target[i / v.views]].individual] * (double)v.views);
        for (size_t d = 0; d < v.width[0]; d++)
            mean[d] += share * (double)v.rows[i * v.width[0] + d];
    }
    for (size_t d = 0; status == URS_OK && d < v.width[0]; d++)
        h.bias[d] -= (float)mean[d];
    urs_free(v.rows);
    urs_free(target);
    urs_free(pictures);
    urs_free(mean);
    return status;
}
