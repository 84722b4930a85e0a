/* `ursid eval embed`: retrieval, new bears and calibration on chips of known bears.
 *
 *      chips of the part --network, or a floor--> vectors --+-- each against all others of the part ----------> Hit@k, mAP
 *                                                           |-- half of the bears enrolled, the others new ----> AUROC, balanced accuracy
 *                                                           '-- all pairs --calibration of the weights---------> reliability
 *
 * A floor is what comes for nothing: the colours of the chip, or a network as ImageNet left it. */
#include "cli/cmd_eval.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"
#include "cli/head_models.h"
#include "eval/calibration_curve.h"
#include "eval/openset.h"
#include "eval/plots.h"
#include "eval/retrieval.h"
#include "stages/embed.h"
#include "stages/embed_train.h"
#include "stages/model_path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HUES = 16, SATURATIONS = 4, VALUES = 4, COLOURS = HUES * SATURATIONS * VALUES, CMC_MAX = 30 };

static const urs_command command = {
    .name = "eval embed",
    .summary = "measure the stage that tells bears apart",
    .help = "--data is the first folder that `ursid train embed` was given; with the same --validation, --test and --split-seed\n"
            "the test part holds bears that training never saw. Every chip is looked for among all others of the part. For the\n"
            "new-bear test half of the part's bears are enrolled and the others are new; the threshold comes from the\n"
            "validation part. --floor measures what needs no training: colour histograms, or the trunk of ImageNet weights (--init).\n",
};

typedef struct embed_arguments {
    urs_eval_arguments common;
    urs_names data;
    const char *model, *part, *floor, *init, *arch, *backend;
    int side;
    double validation, test;
    int64_t split_seed;
} embed_arguments;

/* Vectors of one part. */
typedef struct embed_set {
    float *embedding; /* owned [count][dim] */
    int64_t *identity;
    size_t count, bears;
    int32_t dim;
} embed_set;

static void release_set(embed_set *s)
{
    urs_free(s->embedding);
    urs_free(s->identity);
    *s = (embed_set){0};
}

/* ---- vectors ---- */

/* Histogram over hue, saturation and value, of length 1. */
static void colour_histogram(float *out, const urs_image *picture)
{
    const size_t n = (size_t)picture->width * (size_t)picture->height;
    memset(out, 0, COLOURS * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const int r = picture->data[3 * i], g = picture->data[3 * i + 1], b = picture->data[3 * i + 2];
        const int top = r > g ? (r > b ? r : b) : (g > b ? g : b), low = r < g ? (r < b ? r : b) : (g < b ? g : b), range = top - low;
        double hue = 0; /* 0 .. 6 */
        int bin;
        if (range > 0)
            hue = top == r ? (double)(g - b) / range : top == g ? 2 + (double)(b - r) / range : 4 + (double)(r - g) / range;
        if (hue < 0)
            hue += 6;
        bin = (int)(hue / 6 * HUES) % HUES;
        bin = (bin * SATURATIONS + (top > 0 ? range * SATURATIONS / (top + 1) : 0)) * VALUES + top * VALUES / 256;
        out[bin] += 1;
    }
    (void)urs_normalise(out, COLOURS);
}

/* The trunk alone, with the weights of --init as they are. */
static urs_status open_pretrained(urs_network **out, const embed_arguments *a, urs_error *err)
{
    urs_model_options model;
    urs_network *n = NULL;
    int32_t loaded = 0;
    urs_status status = urs_model_options_default(&model, a->arch ? a->arch : "efficientnet_lite0", err);
    if (status != URS_OK)
        return status;
    model.input_width = model.input_height = a->side ? a->side : 160;
    model.classes = -1;
    model.tf_padding = strcmp(model.arch, "mobilenet_v3_small_075") == 0;
    status = urs_network_new(&n, &model, 1, err);
    if (status == URS_OK)
        status = urs_network_load_partial(n, a->init, &loaded, err);
    if (status == URS_OK && loaded == 0)
        status = urs_fail(err, URS_EMISMATCH, "'%s' holds nothing for %s", a->init, model.arch);
    if (status == URS_OK)
        *out = n;
    else
        urs_network_free(n);
    return status;
}

/* part URS_PART_NONE: all of them. network NULL: colours. */
static urs_status embed_part(embed_set *out, const urs_chips *chips, urs_part part, const urs_network *network, urs_pool *pool, const char *backend_name, urs_error *err)
{
    embed_set s = {.dim = COLOURS};
    urs_embedder *embedder = NULL;
    const urs_image **pictures = urs_array_new(chips->count, sizeof *pictures);
    bool *seen = urs_array_new(chips->dataset.individuals.count + 1, sizeof *seen);
    urs_embedder_options options = {.pool = pool};
    urs_status status = URS_OK;
    s.identity = urs_array_new(chips->count, sizeof *s.identity);
    if (!pictures || !seen || !s.identity)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips->count);
    for (size_t i = 0; status == URS_OK && i < chips->count; i++) {
        const urs_chip *chip = &chips->items[i];
        if (chip->tree != 0 || (part != URS_PART_NONE && chip->part != part))
            continue;
        pictures[s.count] = &chips->cache.images[i];
        s.identity[s.count++] = chip->individual;
        s.bears += !seen[chip->individual];
        seen[chip->individual] = true;
    }
    if (status == URS_OK && network) {
        if (backend_name)
            status = urs_backend_find(&options.backend, backend_name, err);
        if (status == URS_OK)
            status = urs_embedder_new(&embedder, network->graph, network->params, &network->input, &options, err);
        if (status == URS_OK)
            s.dim = urs_embedder_dim(embedder);
    }
    if (status == URS_OK) {
        s.embedding = urs_array_new(s.count, (size_t)s.dim * sizeof *s.embedding);
        if (!s.embedding)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", s.count);
    }
    if (status == URS_OK && network && s.count > 0)
        status = urs_embedder_pictures(embedder, s.embedding, pictures, s.count, err);
    else if (status == URS_OK)
        for (size_t i = 0; i < s.count; i++)
            colour_histogram(s.embedding + i * COLOURS, pictures[i]);
    urs_embedder_free(embedder);
    urs_free(pictures);
    urs_free(seen);
    if (status == URS_OK)
        *out = s;
    else
        release_set(&s);
    return status;
}

/* ---- new bears ---- */

typedef struct numbered {
    uint64_t key;
    int64_t identity;
} numbered;

static int compare_numbered(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->identity > y->identity) - (x->identity < y->identity);
}

/* Enrols half of the bears, in an order drawn from the seed, and asks for every chip how well its best match fits. A chip never matches itself. */
static urs_status new_bear_queries(urs_openset_query **out, const embed_set *s, uint64_t seed, urs_error *err)
{
    urs_openset_query *query = urs_array_new(s->count, sizeof *query);
    numbered *bear = urs_array_new(s->count, sizeof *bear);
    bool *enrolled = urs_array_new(s->count, sizeof *enrolled); /* by chip */
    urs_random random;
    size_t bears = 0;
    if (!query || !bear || !enrolled) {
        urs_free(query);
        urs_free(bear);
        urs_free(enrolled);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu queries", s->count);
    }
    urs_random_init(&random, seed);
    for (size_t i = 0; i < s->count; i++) {
        bool met = false;
        for (size_t j = 0; j < bears && !met; j++)
            met = bear[j].identity == s->identity[i];
        if (!met)
            bear[bears++] = (numbered){.key = urs_random_u64(&random), .identity = s->identity[i]};
    }
    qsort(bear, bears, sizeof *bear, compare_numbered);
    for (size_t i = 0; i < s->count; i++)
        for (size_t j = 0; j < (bears + 1) / 2; j++)
            enrolled[i] = enrolled[i] || bear[j].identity == s->identity[i];
    for (size_t i = 0; i < s->count; i++) {
        query[i] = (urs_openset_query){.identity = s->identity[i], .best_identity = -1, .score = -1};
        for (size_t j = 0; j < s->count; j++) {
            float score;
            if (j == i || !enrolled[j])
                continue;
            score = urs_dot(s->embedding + i * (size_t)s->dim, s->embedding + j * (size_t)s->dim, s->dim);
            query[i].known |= (uint8_t)(s->identity[j] == s->identity[i]);
            if (score > query[i].score) {
                query[i].score = score;
                query[i].best_identity = s->identity[j];
            }
        }
    }
    urs_free(bear);
    urs_free(enrolled);
    *out = query;
    return URS_OK;
}

/* score and known of queries as arrays of their own, and the curve. */
static urs_status plot_roc(urs_eval_result *r, const urs_openset_query *query, size_t n, urs_error *err)
{
    float *score = urs_array_new(n, sizeof *score);
    uint8_t *known = urs_array_new(n, sizeof *known);
    urs_roc roc = {0};
    urs_status status = score && known ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu queries", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        score[i] = query[i].score;
        known[i] = query[i].known;
    }
    if (status == URS_OK)
        status = urs_roc_curve(&roc, score, known, n, err);
    if (status == URS_OK) {
        const urs_plot_axes axes = {.title = "Known bears against new ones", .x_label = "new bears called known", .y_label = "known bears called known", .x_max = 1, .y_max = 1, .diagonal = true};
        const urs_plot_series series = {.x = roc.fpr, .y = roc.tpr, .count = roc.count};
        urs_plot_curves(&r->plots, &axes, &series, 1);
    }
    urs_roc_release(&roc);
    urs_free(score);
    urs_free(known);
    return status;
}

/* Threshold from the validation part; NaN when it has not both kinds. */
static urs_status validation_threshold(double *threshold, const embed_set *validation, uint64_t seed, urs_error *err)
{
    urs_openset_query *query = NULL;
    urs_openset_result result = {0};
    size_t known = 0;
    urs_status status = new_bear_queries(&query, validation, seed, err);
    *threshold = NAN;
    for (size_t i = 0; status == URS_OK && i < validation->count; i++)
        known += query[i].known;
    if (status == URS_OK && known > 0 && known < validation->count) {
        status = urs_openset_evaluate(&result, query, validation->count, NAN, -1, seed, err);
        *threshold = result.threshold;
    }
    urs_free(query);
    return status;
}

static urs_status measure_new_bears(urs_eval_result *r, const embed_set *set, const embed_set *validation, uint64_t seed, urs_error *err)
{
    urs_openset_query *query = NULL;
    urs_openset_result result = {0};
    double threshold = NAN;
    size_t known = 0;
    urs_status status = URS_OK;
    if (validation->count > 0)
        status = validation_threshold(&threshold, validation, seed, err);
    if (status == URS_OK)
        status = new_bear_queries(&query, set, seed, err);
    for (size_t i = 0; status == URS_OK && i < set->count; i++)
        known += query[i].known;
    if (status == URS_OK && (known == 0 || known == set->count)) {
        urs_eval_note(r, "too few bears in this part for the new-bear test.");
    } else if (status == URS_OK) {
        status = urs_openset_evaluate(&result, query, set->count, threshold, 0, seed, err);
        if (status == URS_OK) {
            urs_text_format(&r->text, "\nNew bears (%zu of %zu bears enrolled; threshold %s)\n", (set->bears + 1) / 2, set->bears,
                            isnan(threshold) ? "chosen on these data: optimistic" : "from the validation part");
            urs_openset_text(&result, &r->text);
            urs_eval_put(r, "new_bears", urs_openset_json(&result));
            status = plot_roc(r, query, set->count, err);
        }
    }
    urs_free(query);
    return status;
}

/* ---- retrieval and calibration ---- */

static void plot_cmc(urs_eval_result *r, const urs_retrieval_result *result)
{
    double x[CMC_MAX], chips[CMC_MAX], bears[CMC_MAX];
    for (size_t k = 1; k <= CMC_MAX; k++) {
        size_t chip = 0, bear = 0;
        for (size_t i = 0; i < result->queries; i++) {
            const urs_retrieval_query *q = &result->query[i];
            chip += q->answerable && q->chip_rank <= k;
            bear += q->answerable && q->bear_rank <= k;
        }
        x[k - 1] = (double)k;
        chips[k - 1] = (double)chip / (double)result->answerable;
        bears[k - 1] = (double)bear / (double)result->answerable;
    }
    const urs_plot_axes axes = {.title = "The right bear among the first k", .x_label = "k", .y_label = "share of queries", .x_min = 1, .x_max = CMC_MAX, .y_max = 1, .points = true};
    const urs_plot_series series[] = {{.name = "bears", .x = x, .y = bears, .count = CMC_MAX}, {.name = "chips", .x = x, .y = chips, .count = CMC_MAX}};
    urs_plot_curves(&r->plots, &axes, series, URS_COUNT(series));
}

static urs_status measure_retrieval(urs_eval_result *r, const embed_set *set, uint64_t seed, urs_error *err)
{
    const urs_retrieval_set all = {.embedding = set->embedding, .identity = set->identity, .count = set->count};
    urs_retrieval_result result = {0};
    urs_status status = urs_retrieval_evaluate(&result, &all, &all, set->dim, &(urs_retrieval_options){.leave_one_out = true, .seed = seed}, err);
    if (status == URS_OK && result.answerable == 0)
        status = urs_fail(err, URS_EINVAL, "no bear of this part has two chips: nothing can be looked for");
    if (status == URS_OK) {
        urs_text_format(&r->text, "\nRetrieval (each chip among all others of the part)\n");
        urs_retrieval_text(&result, &r->text);
        urs_eval_put(r, "retrieval", urs_retrieval_json(&result));
        plot_cmc(r, &result);
    }
    urs_retrieval_release(&result);
    return status;
}

static void plot_pairs(urs_eval_result *r, const double *same, size_t sames, const double *other, size_t others, const urs_reliability *curve)
{
    const urs_plot_axes axes = {.title = "Cosine of two chips", .x_label = "cosine", .y_label = "share"};
    const urs_plot_series samples[] = {{.name = "same bear", .x = same, .count = sames}, {.name = "two bears", .x = other, .count = others}};
    urs_plot_histogram(&r->plots, &axes, samples, URS_COUNT(samples), 0);
    if (curve) {
        const urs_plot_axes square = {.title = "Are the probabilities true?", .x_label = "probability of the same bear", .y_label = "share of same bears", .x_max = 1, .y_max = 1,
                                      .diagonal = true, .points = true};
        const urs_plot_series series = {.x = curve->confidence, .y = curve->share, .count = curve->bins};
        urs_plot_curves(&r->plots, &square, &series, 1);
    }
}

/* calibration NULL: none in the weights. */
static urs_status measure_pairs(urs_eval_result *r, const embed_set *set, const urs_calibration *calibration, urs_error *err)
{
    float *score = NULL;
    uint8_t *same = NULL;
    double *p = NULL, *of_same = NULL, *of_other = NULL;
    size_t n = 0, sames = 0, others = 0;
    urs_reliability curve;
    urs_status status = urs_calibration_pairs(&score, &same, &n, set->embedding, set->identity, NULL, set->count, set->dim, err);
    if (status != URS_OK || n == 0)
        goto done;
    p = urs_array_new(n, sizeof *p);
    of_same = urs_array_new(n, sizeof *of_same);
    of_other = urs_array_new(n, sizeof *of_other);
    if (!p || !of_same || !of_other) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu pairs", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        if (same[i])
            of_same[sames++] = (double)score[i];
        else
            of_other[others++] = (double)score[i];
        p[i] = calibration ? urs_calibration_probability(calibration, (double)score[i]) : 0;
    }
    urs_text_format(&r->text, "\nPairs: %zu of the same bear, %zu of two; AUROC %.4f\n", sames, others, urs_auroc(score, same, n));
    urs_eval_put(r, "pairs", json_pack("{s:I, s:I, s:o}", "same", (json_int_t)sames, "different", (json_int_t)others, "auroc", urs_eval_number(urs_auroc(score, same, n))));
    if (calibration) {
        status = urs_reliability_measure(&curve, p, same, n, 0, err);
        if (status != URS_OK)
            goto done;
        urs_text_format(&r->text, "Calibration: expected error %.4f, largest %.4f, Brier score %.4f\n", curve.ece, curve.mce, curve.brier);
        urs_eval_put(r, "calibration", urs_reliability_json(&curve));
    }
    plot_pairs(r, of_same, sames, of_other, others, calibration ? &curve : NULL);
done:
    urs_free(score);
    urs_free(same);
    urs_free(p);
    urs_free(of_same);
    urs_free(of_other);
    return status;
}

/* ---- the command ---- */

static urs_status open_network(urs_network **network, const embed_arguments *a, urs_error *err)
{
    char *path = NULL;
    urs_status status;
    if (a->floor && strcmp(a->floor, "colour") == 0)
        return URS_OK;
    if (a->floor)
        return open_pretrained(network, a, err);
    status = urs_model_path(&path, "embed", a->model, err);
    if (status == URS_OK)
        status = urs_network_read(network, path, "embed", err);
    urs_free(path);
    return status;
}

static urs_status describe(urs_eval_result *r, const embed_arguments *a, const urs_network *network, const embed_set *set)
{
    urs_text_format(&r->text, "embed on %s, part %s: %zu chips of %zu bears; ", a->data.items[0], a->part, set->count, set->bears);
    if (a->floor)
        urs_text_format(&r->text, "floor: %s\n", network ? a->init : "colour histogram");
    else
        urs_text_format(&r->text, "%s %.12s\n", network->options.arch, network->fingerprint);
    urs_eval_put(r, "data", json_string(a->data.items[0]));
    urs_eval_put(r, "part", json_string(a->part));
    urs_eval_put(r, "method", json_string(a->floor ? a->floor : "network"));
    urs_eval_put(r, "model", json_string(!network ? "" : a->floor ? a->init : network->fingerprint));
    urs_eval_put(r, "chips", json_integer((json_int_t)set->count));
    urs_eval_put(r, "bears", json_integer((json_int_t)set->bears));
    return URS_OK;
}

static urs_status evaluate(urs_eval_result *r, const embed_arguments *a, urs_error *err)
{
    const bool all = strcmp(a->part, "all") == 0, test = strcmp(a->part, "test") == 0;
    const uint64_t seed = (uint64_t)a->split_seed;
    urs_embed_train_options how = {.trees = (const char *const *)a->data.items, .tree_count = 1, .validation = (float)a->validation, .test = (float)a->test, .split_seed = seed};
    urs_network *network = NULL;
    urs_pool *pool = NULL;
    urs_chips chips = {0};
    embed_set set = {0}, validation = {0};
    urs_calibration calibration = {0};
    urs_verdict_options verdict;
    bool calibrated = false;
    urs_status status = open_network(&network, a, err);
    if (status == URS_OK && network)
        how.side = network->input.width;
    if (status == URS_OK && network && !a->floor)
        status = urs_head_calibration(&calibration, &verdict, &calibrated, network, err);
    if (status == URS_OK)
        status = urs_pool_new(&pool, a->common.threads, err);
    if (status == URS_OK)
        status = urs_embed_train_chips(&chips, &how, pool, err);
    if (status == URS_OK)
        status = embed_part(&set, &chips, all ? URS_PART_NONE : test ? URS_PART_TEST : URS_PART_VALIDATION, network, pool, a->backend, err);
    if (status == URS_OK && set.count < 2)
        status = urs_fail(err, URS_EINVAL, "this part of '%s' has %zu chips", a->data.items[0], set.count);
    if (status == URS_OK && test)
        status = embed_part(&validation, &chips, URS_PART_VALIDATION, network, pool, a->backend, err);
    if (status == URS_OK)
        status = describe(r, a, network, &set);
    if (status == URS_OK)
        status = measure_retrieval(r, &set, seed, err);
    if (status == URS_OK)
        status = measure_new_bears(r, &set, &validation, seed, err);
    if (status == URS_OK)
        status = measure_pairs(r, &set, calibrated ? &calibration : NULL, err);
    if (status == URS_OK) {
        urs_text_add(&r->text, "\n");
        urs_eval_note(r, "chips carry no dates, so the chips of one bear may be of one day: real seasons will be harder than these numbers.");
        if (all)
            urs_eval_note(r, "training has seen most of these bears, and no more than 60 chips of each of those are taken.");
    }
    urs_calibration_release(&calibration);
    release_set(&set);
    release_set(&validation);
    urs_chips_release(&chips);
    urs_pool_free(pool);
    urs_network_free(network);
    return status;
}

int urs_eval_embed_main(int argc, char **argv)
{
    embed_arguments a = {.part = "test", .validation = 0.2, .test = 0.3, .split_seed = 1};
    urs_eval_result r = {0};
    urs_error err = {0};
    int code;
    urs_status status;
    const urs_option options[] = {
        URS_OPTION_LIST("data", "DIR", &a.data, "chips, DIR/individual/picture; further ones are what training had besides, and are not looked at"),
        URS_OPTION_TEXT("model", "W", &a.model, "weights; default: those that come with ursid"),
        URS_EVAL_OPTIONS(&a.common),
        URS_EVAL_PART_OPTION(&a.part),
        URS_OPTION_CHOICE("floor", "colour|pretrained", &a.floor, "instead of --model: what needs no training"),
        URS_OPTION_TEXT("init", "W", &a.init, "with --floor pretrained: weights of the trunk (safetensors, .pth)"),
        URS_OPTION_TEXT("arch", "NAME", &a.arch, "with --floor pretrained: architecture; default efficientnet_lite0"),
        URS_OPTION_INT("size", "PIXELS", &a.side, 0, 2048, "with --floor pretrained: side of the input; 0: 160"),
        URS_OPTION_TEXT("backend", "NAME", &a.backend, "ref or onednn; default: the fastest"),
        URS_OPTION_DOUBLE("validation", "SHARE", &a.validation, 0.01, 0.9, "as in training"),
        URS_OPTION_DOUBLE("test", "SHARE", &a.test, 0.01, 0.9, "as in training"),
        URS_OPTION_INT64("split-seed", "S", &a.split_seed, 1, 9007199254740992.0, "as in training"),
    };
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code))
        goto done;
    code = URS_EXIT_USAGE;
    if (a.data.count == 0)
        (void)urs_usage_error(&command, "--data is missing: a folder with one sub-folder an individual");
    else if (a.floor && a.model)
        (void)urs_usage_error(&command, "--floor is measured instead of --model: give one of them");
    else if (a.floor && strcmp(a.floor, "pretrained") == 0 && !a.init)
        (void)urs_usage_error(&command, "--floor pretrained needs --init: the weights");
    else {
        status = urs_eval_start(&r, "embed", &err);
        if (status == URS_OK)
            status = evaluate(&r, &a, &err);
        code = urs_eval_finish(&r, &a.common, &command, status, &err);
    }
done:
    urs_names_release(&a.data);
    return code;
}
