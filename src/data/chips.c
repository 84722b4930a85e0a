/* Chips from folder trees: reading, splitting, thinning, classes; see chips.h. */
#include "data/chips.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/dhash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIDE_DEFAULT 160
#define MEMORY_DEFAULT ((size_t)500 * 1000 * 1000)
#define LEAST_DEFAULT 2

void urs_chips_release(urs_chips *chips)
{
    urs_dataset_release(&chips->dataset);
    urs_free(chips->items);
    urs_picture_cache_release(&chips->cache);
    urs_free(chips->class_domains);
    memset(chips, 0, sizeof *chips);
}

/*  DIR[:prefix[@domain]]    the colon counts only behind the last slash  */
typedef struct tree {
    char *folder, *prefix; /* owned */
    int32_t domain;
} tree;

static void tree_release(tree *t)
{
    urs_free(t->folder);
    urs_free(t->prefix);
}

static urs_status parse_tree(tree *out, const char *text, bool target, urs_error *err)
{
    tree t = {.folder = urs_strdup(text)};
    urs_text prefix = {0};
    char *colon, *at;
    long long domain = 0;
    if (!t.folder)
        return urs_fail(err, URS_ENOMEM, "no memory for a path");
    colon = strrchr(t.folder, ':');
    if (colon && !strchr(colon, '/')) {
        *colon++ = '\0';
        at = strchr(colon, '@');
        if (at) {
            *at++ = '\0';
            if (!urs_parse_int(at, 1, 1000, &domain)) {
                tree_release(&t);
                return urs_fail(err, URS_EINVAL, "'%s': the domain behind @ must be 1 .. 1000", text);
            }
        }
        urs_text_add(&prefix, colon);
    } else if (!target) { /* two trees never share names by accident */
        size_t n = strlen(t.folder);
        while (n > 1 && t.folder[n - 1] == '/')
            t.folder[--n] = '\0';
        urs_text_add(&prefix, urs_path_base(t.folder));
    }
    if (prefix.length > 0)
        urs_text_add(&prefix, ":");
    t.prefix = urs_text_take(&prefix);
    t.domain = (int32_t)domain;
    if (!t.prefix) {
        tree_release(&t);
        return urs_fail(err, URS_ENOMEM, "no memory for a name");
    }
    *out = t;
    return URS_OK;
}

/* "F.csv", "F.csv:prefix@2" */
static bool is_manifest(const char *text)
{
    const char *colon = strrchr(text, ':');
    const size_t n = colon && !strchr(colon, '/') ? (size_t)(colon - text) : strlen(text);
    return n > 4 && strncasecmp(text + n - 4, ".csv", 4) == 0;
}

/* Samples of nobody known, which a manifest may hold. */
static void drop_unknown(urs_dataset *d, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < d->count; i++) {
        if (d->samples[i].individual < 0)
            urs_sample_release(&d->samples[i]);
        else
            d->samples[kept++] = d->samples[i];
    }
    d->count = kept;
}

static urs_status read_trees(urs_chips *chips, size_t *target_count, const urs_chips_options *o, urs_error *err)
{
    urs_status status = URS_OK;
    size_t capacity = 0;
    for (size_t i = 0; i < o->tree_count; i++) {
        tree t = {0};
        const size_t before = chips->dataset.count;
        status = parse_tree(&t, o->trees[i], i == 0, err);
        if (status != URS_OK)
            return status;
        status = urs_dataset_read(&chips->dataset, t.folder,
                                  &(urs_dataset_options){.kind = is_manifest(t.folder) ? URS_DATASET_CSV : URS_DATASET_FOLDERS, .prefix = t.prefix, .append = true}, err);
        if (status == URS_OK && is_manifest(t.folder))
            drop_unknown(&chips->dataset, before);
        for (size_t k = before; status == URS_OK && k < chips->dataset.count; k++) {
            const urs_sample *s = &chips->dataset.samples[k];
            if (s->individual < 0)
                status = urs_fail(err, URS_EFORMAT, "'%s' lies in no folder of an individual", s->path);
            else if (!urs_array_reserve((void **)&chips->items, &capacity, chips->count, sizeof *chips->items))
                status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips->count);
            else
                chips->items[chips->count++] = (urs_chip){.path = s->path, .individual = s->individual, .train_class = -1, .tree = (int32_t)i, .domain = t.domain};
        }
        tree_release(&t);
        if (status != URS_OK)
            return status;
        if (i == 0)
            *target_count = chips->count;
    }
    return URS_OK;
}

/* Parts as the manifest has them, if it has any. Chips without one are in none. */
static bool take_published(urs_chips *chips, size_t target_count, const urs_chips_options *o)
{
    bool any = false;
    for (size_t i = 0; is_manifest(o->trees[0]) && i < target_count; i++)
        any = any || chips->dataset.samples[i].part != URS_PART_NONE;
    for (size_t i = 0; any && i < target_count; i++)
        chips->items[i].part = chips->dataset.samples[i].part;
    return any;
}

static urs_status split_target(urs_chips *chips, size_t target_count, const urs_chips_options *o, urs_error *err)
{
    urs_split split = {0};
    urs_dataset target = chips->dataset; /* a view of the first samples; not released */
    const urs_split_options how = {.by = URS_SPLIT_INDIVIDUAL, .share_of_groups = true, .validation = o->validation, .test = o->test, .seed = o->seed};
    urs_status status;
    if (take_published(chips, target_count, o))
        return URS_OK;
    target.count = target_count;
    /* Labels of a tree with one level are the individuals: they would make every share a matter of single animals. */
    memset(&target.labels, 0, sizeof target.labels);
    for (size_t i = 0; i < target_count; i++)
        target.samples[i].label = -1;
    status = urs_split_make(&split, &target, &how, err);
    if (status == URS_OK)
        status = urs_split_check(&split, &target, &how, err);
    for (size_t i = 0; status == URS_OK && i < target_count; i++)
        chips->items[i].part = split.parts[i];
    urs_split_release(&split);
    return status;
}

/* A number of an individual's own, 0 .. 2^64-1, that does not depend on who else is there. */
static uint64_t lot(const urs_chips *chips, int32_t individual, uint64_t seed)
{
    const char *name = urs_name_table_get(&chips->dataset.individuals, individual);
    uint64_t h = urs_random_mix(seed);
    for (; name && *name; name++)
        h = urs_random_mix(h ^ (uint64_t)(unsigned char)*name);
    return h;
}

typedef struct dealt {
    uint64_t lot;
    int32_t individual;
} dealt;

static int compare_lots(const void *a, const void *b)
{
    const dealt *x = a, *y = b;
    return x->lot != y->lot ? (x->lot < y->lot ? -1 : 1) : (x->individual > y->individual) - (x->individual < y->individual);
}

/* Individuals that can be asked for (two pictures and more) in the order of their lots to the folds in turn, so that these are of one size; the rest only trains. */
static urs_status deal_folds(urs_chips *chips, size_t target_count, const urs_chips_options *o, urs_error *err)
{
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    dealt *order = urs_array_new(individuals + 1, sizeof *order);
    size_t *pictures = urs_array_new(individuals + 1, sizeof *pictures), count = 0;
    int32_t *fold = urs_array_new(individuals + 1, sizeof *fold);
    const urs_status status = order && pictures && fold ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", individuals);
    for (size_t i = 0; status == URS_OK && i < target_count; i++) {
        const int32_t who = chips->items[i].individual;
        if (chips->items[i].part != URS_PART_TEST && ++pictures[who] == 2)
            order[count++] = (dealt){lot(chips, who, o->seed), who};
    }
    if (status == URS_OK)
        qsort(order, count, sizeof *order, compare_lots);
    for (size_t i = 0; i < count; i++)
        fold[order[i].individual] = 1 + (int32_t)(i % (size_t)o->folds);
    for (size_t i = 0; status == URS_OK && i < target_count; i++)
        if (chips->items[i].part != URS_PART_TEST)
            chips->items[i].part = o->fold > 0 && fold[chips->items[i].individual] == o->fold ? URS_PART_VALIDATION : URS_PART_TRAIN;
    urs_free(order);
    urs_free(pictures);
    urs_free(fold);
    return status;
}

static void hold_others(urs_chips *chips, size_t target_count, const urs_chips_options *o)
{
    for (size_t i = target_count; i < chips->count; i++)
        if ((double)(lot(chips, chips->items[i].individual, o->seed) >> 11) * 0x1p-53 < (double)o->hold)
            chips->items[i].part = URS_PART_VALIDATION;
}

/* Of every tree the first training individuals in the order of their lots (others than those of the folds), rounded up. */
static urs_status leave_share(urs_chips *chips, const urs_chips_options *o, urs_error *err)
{
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    dealt *order = urs_array_new(individuals + 1, sizeof *order);
    int32_t *place = urs_array_new(individuals + 1, sizeof *place); /* 1 ..: in the order; 0: not in this tree's training */
    const urs_status status = order && place ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", individuals);
    for (int32_t of = 0; status == URS_OK && of < (int32_t)o->tree_count; of++) {
        size_t count = 0;
        memset(place, 0, individuals * sizeof *place);
        for (size_t i = 0; i < chips->count; i++) {
            const int32_t who = chips->items[i].individual;
            if (chips->items[i].tree == of && chips->items[i].part == URS_PART_TRAIN && !place[who]) {
                place[who] = 1;
                order[count++] = (dealt){lot(chips, who, ~o->seed), who};
            }
        }
        qsort(order, count, sizeof *order, compare_lots);
        for (size_t i = 0; i < count; i++)
            place[order[i].individual] = (int32_t)i + 1;
        for (size_t i = 0; i < chips->count; i++)
            if (chips->items[i].tree == of && chips->items[i].part == URS_PART_TRAIN &&
                (double)place[chips->items[i].individual] >= (double)o->train_share * (double)count + 1)
                chips->items[i].part = URS_PART_NONE;
    }
    urs_free(order);
    urs_free(place);
    return status;
}

/* ---- thinning ---- */

static int compare_chips(const void *a, const void *b)
{
    const urs_chip *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    if (x->individual != y->individual)
        return x->individual < y->individual ? -1 : 1;
    if (x->part != y->part) /* a manifest may have one individual in several parts */
        return x->part < y->part ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Marks near-duplicates within items from .. to-1 (one individual in one part). */
static urs_status thin_one(bool *drop, urs_chips *chips, size_t from, size_t to, int32_t bits, uint64_t *hashes, urs_error *err)
{
    size_t kept = 0;
    for (size_t i = from; i < to; i++) {
        uint64_t hash = 0;
        const urs_status status = urs_image_dhash(&hash, &chips->cache.images[i], err);
        if (status != URS_OK)
            return status;
        for (size_t k = 0; k < kept && !drop[i]; k++)
            drop[i] = urs_dhash_distance(hash, hashes[k]) <= bits;
        if (drop[i])
            chips->thinned++;
        else
            hashes[kept++] = hash;
    }
    return URS_OK;
}

/* Leaves at most `most`, evenly spread, and nobody with fewer than `least`. */
static void cap_one(bool *drop, size_t from, size_t to, size_t most, size_t least)
{
    size_t left = 0, seen = 0;
    for (size_t i = from; i < to; i++)
        left += !drop[i];
    for (size_t i = from; i < to; i++) {
        if (drop[i])
            continue;
        /* Item number s of `left` stays when s * most / left steps up. */
        if (left < least || (most > 0 && left > most && seen > 0 && seen * most / left == (seen - 1) * most / left))
            drop[i] = true;
        seen++;
    }
}

static void compact(urs_chips *chips, const bool *drop)
{
    size_t kept = 0;
    for (size_t i = 0; i < chips->count; i++) {
        if (drop[i]) {
            chips->cache.bytes -= (size_t)chips->cache.images[i].width * (size_t)chips->cache.images[i].height * 3;
            urs_image_release(&chips->cache.images[i]);
            continue;
        }
        chips->items[kept] = chips->items[i];
        if (kept != i) {
            chips->cache.images[kept] = chips->cache.images[i];
            chips->cache.images[i] = (urs_image){0};
        }
        kept++;
    }
    chips->count = kept;
}

static urs_status thin(urs_chips *chips, const urs_chips_options *o, urs_error *err)
{
    urs_status status = URS_OK;
    const size_t least = o->least ? o->least : LEAST_DEFAULT;
    bool *drop = urs_array_new(chips->count, sizeof *drop);
    uint64_t *hashes = urs_array_new(chips->count, sizeof *hashes);
    if (!drop || !hashes) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips->count);
        goto done;
    }
    for (size_t from = 0, to; from < chips->count; from = to) {
        const urs_chip *first = &chips->items[from];
        for (to = from + 1; to < chips->count && chips->items[to].individual == first->individual && chips->items[to].tree == first->tree &&
                               chips->items[to].part == first->part;)
            to++;
        if (o->thin_bits > 0 && (first->tree > 0 || o->thin_target)) {
            status = thin_one(drop, chips, from, to, o->thin_bits, hashes, err);
            if (status != URS_OK)
                goto done;
        }
        if (first->part == URS_PART_TRAIN || (o->folds > 0 && first->part == URS_PART_VALIDATION))
            cap_one(drop, from, to, o->per_individual, least);
    }
    compact(chips, drop);
done:
    urs_free(hashes);
    urs_free(drop);
    return status;
}

static urs_status number_classes(urs_chips *chips, urs_error *err)
{
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    int32_t *class_of = urs_array_new(individuals + 1, sizeof *class_of);
    chips->class_domains = urs_array_new(individuals + 1, sizeof *chips->class_domains);
    if (!class_of || !chips->class_domains) {
        urs_free(class_of);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu classes", individuals);
    }
    for (size_t i = 0; i < chips->count; i++) {
        urs_chip *chip = &chips->items[i];
        if (chip->part != URS_PART_TRAIN)
            continue;
        if (class_of[chip->individual] == 0) {
            chips->class_domains[chips->train_classes] = chip->domain;
            class_of[chip->individual] = ++chips->train_classes;
        }
        chip->train_class = class_of[chip->individual] - 1;
    }
    urs_free(class_of);
    return URS_OK;
}

static urs_status fill_cache(urs_chips *chips, const urs_chips_options *o, urs_pool *pool, urs_error *err)
{
    urs_status status;
    const char **paths = urs_array_new(chips->count, sizeof *paths);
    if (!paths)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips->count);
    for (size_t i = 0; i < chips->count; i++)
        paths[i] = chips->items[i].path;
    status = urs_picture_cache_load(&chips->cache, paths, chips->count, o->side > 0 ? o->side : SIDE_DEFAULT, o->memory_limit ? o->memory_limit : MEMORY_DEFAULT,
                                    false, pool, err);
    urs_free(paths);
    return status;
}

urs_status urs_chips_load(urs_chips *out, const urs_chips_options *options, urs_pool *pool, urs_error *err)
{
    urs_chips chips = {.count = 0};
    size_t target_count = 0;
    urs_status status;
    if (options->tree_count == 0)
        return urs_fail(err, URS_EINVAL, "no folder of chips was named");
    if (options->folds < 0 || options->folds == 1 || options->fold < 0 || options->fold > options->folds)
        return urs_fail(err, URS_EINVAL, "fold %d of %d", (int)options->fold, (int)options->folds);
    status = read_trees(&chips, &target_count, options, err);
    if (status == URS_OK)
        status = split_target(&chips, target_count, options, err);
    if (status == URS_OK && options->folds > 0)
        status = deal_folds(&chips, target_count, options, err);
    if (status == URS_OK) {
        hold_others(&chips, target_count, options);
        status = options->train_share > 0 ? leave_share(&chips, options, err) : URS_OK;
    }
    if (status == URS_OK) {
        qsort(chips.items, chips.count, sizeof *chips.items, compare_chips);
        status = fill_cache(&chips, options, pool, err);
    }
    if (status == URS_OK)
        status = thin(&chips, options, err);
    if (status == URS_OK)
        status = number_classes(&chips, err);
    if (status == URS_OK && chips.count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "no individual has enough chips");
    if (status == URS_OK)
        *out = chips;
    else
        urs_chips_release(&chips);
    return status;
}

urs_status urs_chips_part(size_t **items, int32_t **labels, int32_t **domains, size_t *count, const urs_chips *chips, urs_part part, urs_error *err)
{
    size_t *which = urs_array_new(chips->count, sizeof *which), n = 0;
    int32_t *label = urs_array_new(chips->count, sizeof *label), *domain = urs_array_new(chips->count, sizeof *domain);
    if (!which || !label || !domain) {
        urs_free(which);
        urs_free(label);
        urs_free(domain);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu chips", chips->count);
    }
    for (size_t i = 0; i < chips->count; i++) {
        const urs_chip *chip = &chips->items[i];
        if (chip->part != part)
            continue;
        which[n] = i;
        label[n] = part == URS_PART_TRAIN ? chip->train_class : chip->individual;
        domain[n++] = chip->domain;
    }
    *items = which;
    *labels = label;
    *count = n;
    if (domains)
        *domains = domain;
    else
        urs_free(domain);
    return URS_OK;
}
