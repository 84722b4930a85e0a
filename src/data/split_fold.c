/* Folds of cross-validation inside what is not test; see split.h. */
#include "base/memory.h"
#include "base/random.h"
#include "data/split.h"

#include <stdlib.h>

#define SHARE_ONE 1000000 /* as in split.c: integers, so that the folds are the same on every machine */

typedef struct fold_group {
    size_t size, draw;
    int32_t number;
} fold_group;

static int compare_fold_groups(const void *a, const void *b)
{
    const fold_group *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->draw < y->draw ? -1 : x->draw > y->draw;
}

/* The fold that has least of what the group brings: per member, the share of its label's total that the fold has already. */
static int32_t emptiest(const int64_t *have, const int64_t *all, size_t label_count, const int64_t *brings, int32_t folds)
{
    int32_t best = 0;
    int64_t least = INT64_MAX;
    for (int32_t f = 0; f < folds; f++) {
        int64_t sum = 0;
        for (size_t l = 0; l < label_count; l++)
            sum += brings[l] ? brings[l] * (have[(size_t)f * label_count + l] * SHARE_ONE / all[l]) : 0;
        if (sum < least) {
            least = sum;
            best = f;
        }
    }
    return best;
}

urs_status urs_split_fold(urs_split *split, const urs_dataset *dataset, int32_t folds, int32_t fold, uint64_t seed, urs_error *err)
{
    const size_t labels = urs_name_table_count(&dataset->labels) + 1, groups = split->group_count;
    int64_t *have = NULL, *all = NULL, *brings = NULL;
    fold_group *order = NULL;
    size_t *draw = NULL;
    int32_t *of_group = NULL;
    urs_random random;
    urs_status status = URS_OK;
    if (folds < 2 || folds > 100 || fold < 0 || fold > folds)
        return urs_fail(err, URS_EINVAL, "fold %d of %d: 2 to 100 folds, counted from 1 (0: none left out) are expected", (int)fold, (int)folds);
    have = urs_array_new((size_t)folds * labels, sizeof *have);
    all = urs_array_new(labels, sizeof *all);
    brings = urs_array_new(groups * labels, sizeof *brings);
    order = urs_array_new(groups, sizeof *order);
    draw = urs_array_new(groups, sizeof *draw);
    of_group = urs_array_new(groups, sizeof *of_group);
    if (!have || !all || !brings || !order || !draw || !of_group) {
        status = urs_fail(err, URS_ENOMEM, "no memory for folds of %zu samples", split->count);
        goto done;
    }
    for (size_t g = 0; g < groups; g++)
        draw[g] = g;
    urs_random_init(&random, seed);
    urs_random_shuffle(&random, draw, groups);
    for (size_t g = 0; g < groups; g++)
        order[g] = (fold_group){.draw = draw[g], .number = (int32_t)g};
    for (size_t i = 0; i < split->count; i++) {
        const size_t label = dataset->samples[i].label >= 0 ? (size_t)dataset->samples[i].label : labels - 1, g = (size_t)split->groups[i];
        if (split->parts[i] == URS_PART_TEST)
            continue;
        order[g].size++;
        all[label]++;
        brings[g * labels + label]++;
    }
    qsort(order, groups, sizeof *order, compare_fold_groups);
    for (size_t k = 0; k < groups; k++) {
        const int64_t *b = brings + (size_t)order[k].number * labels;
        const int32_t f = emptiest(have, all, labels, b, folds);
        of_group[order[k].number] = f;
        for (size_t l = 0; l < labels; l++)
            have[(size_t)f * labels + l] += b[l];
    }
    split->part_counts[URS_PART_TRAIN] = split->part_counts[URS_PART_VALIDATION] = 0;
    for (size_t i = 0; i < split->count; i++) {
        if (split->parts[i] == URS_PART_TEST)
            continue;
        split->parts[i] = of_group[split->groups[i]] == fold - 1 ? URS_PART_VALIDATION : URS_PART_TRAIN;
        split->part_counts[split->parts[i]]++;
    }
done:
    urs_free(of_group);
    urs_free(draw);
    urs_free(order);
    urs_free(brings);
    urs_free(all);
    urs_free(have);
    return status;
}
