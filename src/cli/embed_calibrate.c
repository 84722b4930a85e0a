/* Calibration of an embedder; see embed_calibrate.h. */
#include "cli/embed_calibrate.h"

#include "base/memory.h"
#include "base/text.h"
#include "catalogue/identify.h"
#include "cli/embed_galleries.h"
#include "stages/embed_split.h"

#include <stdio.h>
#include <string.h>

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

/* Adds the validation bears of one split, embedded by one network. */
static urs_status add_bears(urs_galleries *g, const urs_embed_train_options *o, const char *path, urs_pool *pool, urs_error *err)
{
    urs_network *network = NULL;
    urs_chips chips = {0};
    bool says = false;
    urs_status status = urs_network_read(&network, path, "embed", err);
    if (status == URS_OK) {
        urs_embed_train_options target = *o; /* the other animals are not asked for: they need not be read */
        target.tree_count = 1;
        target.side = network->input.width;
        status = urs_embed_train_chips(&chips, &target, pool, err);
        if (status == URS_OK)
            status = urs_embed_split_check(network, path, &chips, o->folds, o->fold, &says, err);
        if (status == URS_OK && !says)
            (void)fprintf(stderr, "'%s' does not say which individuals it was trained without; it is taken on trust that it does not know these\n", path);
    }
    if (status == URS_OK)
        status = urs_galleries_add(g, network, path, &chips, pool, err);
    urs_network_free(network);
    urs_chips_release(&chips);
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
        (void)printf("in a catalogue of one bear: %.0f %% of its heads are named, %.1f %% of other bears' heads get its name\n", 100 * fit->alone_named, 100 * fit->alone_wrong);
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
    urs_galleries g = {0};
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
        const urs_identify_fit_options how = {.group = g.group, .precision = max_error > 0 ? 1 - max_error : 0};
        status = urs_identify_fit_chips(&fit, g.embedding, g.identity, g.count, g.dim, &how, err);
        fitted = status == URS_OK;
    }
    if (fitted)
        status = store(&fit, options, err);
    else if (status == URS_OK)
        (void)printf("%s: no validation bears, so no calibration: --calibrate-with\n", o.fit.out);
    urs_calibration_release(&fit.calibration);
    urs_galleries_release(&g);
    urs_pool_free(pool);
    return status;
}
