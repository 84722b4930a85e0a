/* Calibration of an embedder; see embed_calibrate.h. */
#include "cli/embed_calibrate.h"

#include "base/memory.h"
#include "base/text.h"
#include "catalogue/identify.h"
#include "stages/embed.h"

#include <stdio.h>
#include <string.h>

#define CHIPS_OF_A_BEAR 6

typedef struct gallery {
    float *embedding;  /* owned [count][dim] */
    int64_t *identity; /* owned [count] */
    size_t count;
    int32_t dim;
} gallery;

char *urs_fold_path(const char *pattern, int fold)
{
    const char *at = strstr(pattern, "{}");
    urs_text path = {0};
    if (at)
        urs_text_format(&path, "%.*s%d%s", (int)(at - pattern), pattern, fold, at + 2);
    else
        urs_text_add(&path, pattern);
    return urs_text_take(&path);
}

/* The validation chips of the target, few of each bear; *n of them. Owned. */
static size_t *choose(size_t *n, const urs_chips *chips)
{
    size_t *taken = urs_array_new(urs_name_table_count(&chips->dataset.individuals) + 1, sizeof *taken), *items = urs_array_new(chips->count + 1, sizeof *items);
    *n = 0;
    for (size_t i = 0; taken && items && i < chips->count; i++)
        if (chips->items[i].tree == 0 && chips->items[i].part == URS_PART_VALIDATION && taken[chips->items[i].individual]++ < CHIPS_OF_A_BEAR)
            items[(*n)++] = i;
    urs_free(taken);
    return items;
}

/* Adds the validation bears of one split, embedded by one network. */
static urs_status add_bears(gallery *g, const urs_embed_train_options *o, const char *path, urs_pool *pool, urs_error *err)
{
    urs_network *network = NULL;
    urs_embedder *embedder = NULL;
    urs_chips chips = {0};
    const urs_image **pictures = NULL;
    float *rows = NULL;
    size_t *items = NULL, n = 0, elements;
    urs_status status = urs_network_read(&network, path, "embed", err);
    if (status == URS_OK) {
        urs_embed_train_options target = *o; /* the other animals are not asked for: they need not be read */
        target.tree_count = 1;
        target.side = network->input.width;
        status = urs_embed_train_chips(&chips, &target, pool, err);
    }
    if (status == URS_OK && !(items = choose(&n, &chips)))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips.count);
    if (status == URS_OK)
        status = urs_embedder_new(&embedder, network, &(urs_embedder_options){.pool = pool}, err);
    if (status == URS_OK) {
        g->dim = g->count ? g->dim : urs_embedder_dim(embedder);
        if (g->dim != urs_embedder_dim(embedder))
            status = urs_fail(err, URS_EMISMATCH, "'%s' has vectors of %d numbers, those before of %d", path, (int)urs_embedder_dim(embedder), (int)g->dim);
    }
    if (status == URS_OK) {
        pictures = urs_array_new(n + 1, sizeof *pictures);
        if (!pictures || !urs_mul_size(&elements, g->count + n, (size_t)g->dim) || !urs_array_resize((void **)&g->embedding, elements + 1, sizeof *g->embedding) ||
            !urs_array_resize((void **)&g->identity, g->count + n + 1, sizeof *g->identity))
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", g->count + n);
    }
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        pictures[i] = &chips.cache.images[items[i]];
        g->identity[g->count + i] = chips.items[items[i]].individual;
    }
    rows = status == URS_OK ? g->embedding + g->count * (size_t)g->dim : NULL;
    if (status == URS_OK && n > 0)
        status = urs_embedder_pictures(embedder, rows, pictures, n, err);
    if (status == URS_OK)
        g->count += n;
    urs_embedder_free(embedder);
    urs_network_free(network);
    urs_chips_release(&chips);
    urs_free((void *)pictures);
    urs_free(items);
    return status;
}

static urs_status store(const urs_identify_fit *fit, const urs_embed_train_options *o, urs_error *err)
{
    urs_network *network = NULL;
    urs_text thresholds = {0};
    char *json = urs_calibration_to_json(&fit->calibration);
    urs_status status = urs_network_read(&network, o->fit.out, "embed", err);
    urs_text_format(&thresholds, "{\"known\": %.6f, \"new\": %.6f}", fit->verdict.known_at, fit->verdict.new_below);
    if (status == URS_OK && (!json || !urs_text_ok(&thresholds)))
        status = urs_fail(err, URS_ENOMEM, "no memory for the calibration");
    if (status == URS_OK)
        status = urs_network_set_note(network, "ursid.calibration", json, err);
    if (status == URS_OK)
        status = urs_network_set_note(network, "ursid.thresholds", urs_text_string(&thresholds), err);
    if (status == URS_OK)
        status = urs_network_write(network, o->fit.out, !o->fit.full_precision, err);
    if (status == URS_OK) {
        (void)printf("%s: P(same bear | cosine) from %zu chips: %s\n", o->fit.out, fit->queries, json);
        (void)printf("known from %.3f: %.0f %% of %zu known cases, %.0f %% of those called known are right; new below %.3f: %.0f %% of %zu new cases, %.0f %% of those called new are "
                     "right\n",
                     fit->verdict.known_at, 100 * fit->known_share, fit->known_cases, 100 * fit->known_precision, fit->verdict.new_below, 100 * fit->new_share, fit->new_cases,
                     100 * fit->new_precision);
    }
    urs_free(json);
    urs_text_release(&thresholds);
    urs_network_free(network);
    return status;
}

urs_status urs_embed_calibrate(const urs_embed_train_options *options, const char *folds_pattern, double max_error, urs_error *err)
{
    urs_embed_train_options o = *options;
    urs_identify_fit fit = {0};
    gallery g = {0};
    urs_pool *pool = NULL;
    bool fitted = false;
    urs_status status = urs_pool_new(&pool, o.fit.threads, err);
    if (status == URS_OK && !folds_pattern && !(o.folds > 0 && o.fold == 0))
        status = add_bears(&g, &o, o.fit.out, pool, err);
    for (o.fold = 1; status == URS_OK && folds_pattern && o.fold <= o.folds; o.fold++) {
        char *path = urs_fold_path(folds_pattern, o.fold);
        status = path ? add_bears(&g, &o, path, pool, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_free(path);
    }
    if (status == URS_OK && g.count > 0) {
        status = urs_identify_fit_chips(&fit, g.embedding, g.identity, g.count, g.dim, &(urs_identify_fit_options){.precision = max_error > 0 ? 1 - max_error : 0}, err);
        fitted = status == URS_OK;
    }
    if (fitted)
        status = store(&fit, options, err);
    else if (status == URS_OK)
        (void)printf("%s: no validation bears, so no calibration: --calibrate-with\n", o.fit.out);
    urs_calibration_release(&fit.calibration);
    urs_free(g.embedding);
    urs_free(g.identity);
    urs_pool_free(pool);
    return status;
}
