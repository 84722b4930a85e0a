/* Plans for splits; see split_plan.h. */
#include "data/split_plan.h"

#include "data/frames.h"

#include "base/day.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* ---- a split of some of the samples ---- */

/* Deals the samples marked in `use` by split.h; the others keep their parts. Labels do not steer the shares: individuals or days do. */
static urs_status split_some(urs_part *parts, const urs_dataset *dataset, const bool *use, const urs_split_options *options, urs_error *err)
{
    urs_split_options how = *options;
    urs_split split = {0};
    urs_dataset view = *dataset; /* shallow; not released */
    size_t *place = urs_array_new(dataset->count, sizeof *place), n = 0;
    uint64_t *hashes = urs_array_new(dataset->count, sizeof *hashes);
    urs_status status = URS_OK;
    view.samples = urs_array_new(dataset->count, sizeof *view.samples);
    if (!place || !view.samples || !hashes)
        status = urs_fail(err, URS_ENOMEM, "no memory to split %zu samples", dataset->count);
    for (size_t i = 0; status == URS_OK && i < dataset->count; i++) {
        if (!use[i])
            continue;
        place[n] = i;
        hashes[n] = options->hashes ? options->hashes[i] : 0;
        view.samples[n] = dataset->samples[i];
        view.samples[n++].label = -1;
    }
    view.count = n;
    memset(&view.labels, 0, sizeof view.labels);
    how.hashes = options->hashes ? hashes : NULL;
    if (status == URS_OK && n > 0)
        status = urs_split_make(&split, &view, &how, err);
    if (status == URS_OK && n > 0)
        status = urs_split_check(&split, &view, &how, err);
    for (size_t i = 0; status == URS_OK && i < n; i++)
        parts[place[i]] = split.parts[i];
    urs_split_release(&split);
    urs_free(place);
    urs_free(hashes);
    urs_free(view.samples);
    return status;
}

/* Draws individuals until their share is reached: all of their samples go to test, with whole events; the others are marked for dealing. */
static urs_status draw_fresh(urs_part *parts, bool *use, const urs_dataset *d, const urs_split_plan *plan, urs_error *err)
{
    const size_t n = urs_name_table_count(&d->individuals);
    size_t *order = urs_array_new(n + 1, sizeof *order), seen = 0, wanted;
    bool *there = urs_array_new(n + 1, sizeof *there), *fresh = urs_array_new(n + 1, sizeof *fresh), *group = urs_array_new(urs_name_table_count(&d->groups) + 1, sizeof *group);
    urs_status status = order && there && fresh && group ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", n);
    urs_random random;
    for (size_t i = 0; status == URS_OK && i < d->count; i++)
        if (use[i] && !there[d->samples[i].individual]) {
            there[d->samples[i].individual] = true;
            order[seen++] = (size_t)d->samples[i].individual;
        }
    if (status == URS_OK) {
        wanted = (size_t)((double)plan->fresh * (double)seen + 0.5);
        wanted = plan->fresh > 0 && wanted == 0 ? 1 : wanted;
        urs_random_init(&random, plan->seed);
        urs_random_shuffle(&random, order, seen);
        for (size_t i = 0; i < wanted && i < seen; i++)
            fresh[order[i]] = true;
    }
    /* An event with a new animal is asked as a whole; an animal that is only seen in such events becomes new itself. */
    for (size_t i = 0; status == URS_OK && i < d->count; i++)
        if (use[i] && fresh[d->samples[i].individual] && d->samples[i].group >= 0)
            group[d->samples[i].group] = true;
    for (size_t i = 0; status == URS_OK && i < d->count; i++)
        if (use[i] && (fresh[d->samples[i].individual] || (d->samples[i].group >= 0 && group[d->samples[i].group]))) {
            parts[i] = URS_PART_TEST;
            use[i] = false;
        }
    urs_free(order);
    urs_free(there);
    urs_free(fresh);
    urs_free(group);
    return status;
}

/* ---- by time, camera, year ---- */

static bool is_left_out(const urs_sample *s, const urs_split_plan *plan)
{
    switch (plan->kind) {
    case URS_PLAN_TIME: return s->day >= plan->cut_day;
    case URS_PLAN_CAMERA: return s->camera == plan->camera;
    case URS_PLAN_YEAR: return urs_day_year(s->day) == plan->year;
    case URS_PLAN_CLOSED:
    case URS_PLAN_OPEN:
    case URS_PLAN_DISJOINT:
    case URS_PLAN_PICTURE:
    case URS_PLAN_PLACE:
    default: return false;
    }
}

static bool has_key(const urs_sample *s, const urs_split_plan *plan)
{
    return plan->kind == URS_PLAN_CAMERA ? s->camera >= 0 : plan->kind == URS_PLAN_TIME || plan->kind == URS_PLAN_YEAR ? s->has_day : s->individual >= 0;
}

/* Test part by a fact of each sample; whole events follow their first sample. What is left is marked in `use`. */
static urs_status leave_out(urs_part *parts, bool *use, const urs_dataset *d, const urs_split_plan *plan, urs_error *err)
{
    enum { UNSEEN, HERE, OUT };
    uint8_t *group = urs_array_new(urs_name_table_count(&d->groups) + 1, 1);
    if (!group)
        return urs_fail(err, URS_ENOMEM, "no memory for events");
    for (size_t i = 0; i < d->count; i++) {
        const urs_sample *s = &d->samples[i];
        bool out;
        if (!use[i])
            continue;
        out = is_left_out(s, plan);
        if (s->group >= 0 && group[s->group] != UNSEEN)
            out = group[s->group] == OUT;
        else if (s->group >= 0)
            group[s->group] = out ? OUT : HERE;
        if (out) {
            parts[i] = URS_PART_TEST;
            use[i] = false;
        }
    }
    urs_free(group);
    return URS_OK;
}

static int compare_days(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Before the cut-off: the last days, until they hold the share, are validation. An event that runs over midnight follows its first sample. */
static urs_status last_days(urs_part *parts, const bool *use, const urs_dataset *d, double share, urs_error *err)
{
    int32_t *days = urs_array_new(d->count + 1, sizeof *days);
    uint8_t *group = urs_array_new(urs_name_table_count(&d->groups) + 1, 1); /* 0 unseen, else part + 1 */
    size_t n = 0;
    int32_t first;
    if (!days || !group) {
        urs_free(days);
        urs_free(group);
        return urs_fail(err, URS_ENOMEM, "no memory for %zu days", d->count);
    }
    for (size_t i = 0; i < d->count; i++)
        if (use[i])
            days[n++] = d->samples[i].day;
    qsort(days, n, sizeof *days, compare_days);
    first = share > 0 && n > 0 ? days[n - 1 - (size_t)(share * (double)(n - 1))] : INT32_MAX;
    if (n > 0 && first <= days[0]) /* one day has it all: nothing would be left to train on */
        first = INT32_MAX;
    for (size_t i = 0; i < d->count; i++) {
        const urs_sample *s = &d->samples[i];
        if (!use[i])
            continue;
        parts[i] = s->day >= first ? URS_PART_VALIDATION : URS_PART_TRAIN;
        if (s->group >= 0 && group[s->group])
            parts[i] = (urs_part)(group[s->group] - 1);
        else if (s->group >= 0)
            group[s->group] = (uint8_t)(parts[i] + 1);
    }
    urs_free(days);
    urs_free(group);
    return URS_OK;
}

static urs_status check_parts(const urs_dataset *d, const urs_part *parts, const urs_split_plan *plan, urs_error *err)
{
    size_t n[4] = {0};
    for (size_t i = 0; i < d->count; i++)
        n[parts[i]]++;
    if (n[URS_PART_NONE] == d->count)
        return urs_fail(err, URS_EINVAL, "none of the %zu pictures has %s, which this split goes by", d->count,
                        plan->kind == URS_PLAN_CAMERA ? "a camera" : plan->kind == URS_PLAN_TIME || plan->kind == URS_PLAN_YEAR ? "a date" : "an individual");
    if (n[URS_PART_TRAIN] == 0 || n[URS_PART_TEST] == 0)
        return urs_fail(err, URS_EINVAL, "the split leaves nothing %s (%zu pictures for training, %zu for validation, %zu for test)", n[URS_PART_TRAIN] == 0 ? "to train on" : "to test on", n[URS_PART_TRAIN],
                        n[URS_PART_VALIDATION], n[URS_PART_TEST]);
    return URS_OK;
}

/* As the trainings of find and sift split: every picture, or every camera, by itself, but for the extra groups. */
static urs_status split_as_trained(urs_part *parts, const urs_dataset *d, const urs_split_plan *plan, urs_error *err)
{
    const urs_split_options how = {.by = plan->kind == URS_PLAN_PLACE ? URS_SPLIT_CAMERA : URS_SPLIT_SAMPLE, .validation = plan->validation, .test = plan->test, .seed = plan->seed,
                                   .together = plan->together, .collections = URS_FRAMES_COLLECTIONS};
    urs_split split = {0};
    urs_status status = urs_split_make(&split, d, &how, err);
    for (size_t i = 0; status == URS_OK && i < d->count; i++)
        parts[i] = split.parts[i];
    urs_split_release(&split);
    return status;
}

urs_status urs_split_plan_make(urs_part **out, const urs_dataset *d, const urs_split_plan *plan, urs_error *err)
{
    const bool by_individual = plan->kind == URS_PLAN_DISJOINT, closed = plan->kind == URS_PLAN_CLOSED || plan->kind == URS_PLAN_OPEN;
    urs_split_options how = {.by = by_individual ? URS_SPLIT_INDIVIDUAL : URS_SPLIT_INDIVIDUAL_DAY, .share_of_groups = by_individual, .validation = plan->validation,
                             .test = by_individual || closed ? plan->test : 0, .seed = plan->seed,
                             .hashes = by_individual || closed ? plan->hashes : NULL, .hash_bits = plan->hash_bits};
    urs_part *parts = urs_array_new(d->count + 1, sizeof *parts);
    bool *use = urs_array_new(d->count + 1, sizeof *use);
    urs_status status = parts && use ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to split %zu samples", d->count);
    for (size_t i = 0; status == URS_OK && i < d->count; i++) {
        parts[i] = URS_PART_NONE;
        use[i] = has_key(&d->samples[i], plan);
        /* Frames without names: what makes them alike is the place and its day. */
        how.camera_days = how.camera_days || (use[i] && d->samples[i].individual < 0);
    }
    if (status == URS_OK && plan->kind == URS_PLAN_OPEN)
        status = draw_fresh(parts, use, d, plan, err);
    if (status == URS_OK && (plan->kind == URS_PLAN_TIME || plan->kind == URS_PLAN_CAMERA || plan->kind == URS_PLAN_YEAR))
        status = leave_out(parts, use, d, plan, err);
    if (status == URS_OK)
        status = plan->kind == URS_PLAN_PICTURE || plan->kind == URS_PLAN_PLACE ? split_as_trained(parts, d, plan, err)
                 : plan->kind == URS_PLAN_TIME                                 ? last_days(parts, use, d, (double)plan->validation, err)
                                                                               : split_some(parts, d, use, &how, err);
    if (status == URS_OK)
        status = check_parts(d, parts, plan, err);
    urs_free(use);
    if (status == URS_OK)
        *out = parts;
    else
        urs_free(parts);
    return status;
}

urs_status urs_split_count(urs_split_counts *out, const urs_dataset *d, const urs_part *parts, urs_error *err)
{
    const size_t n = urs_name_table_count(&d->individuals);
    uint8_t *in = urs_array_new(n + 1, 1); /* bit p: has a sample in part p */
    urs_split_counts c = {0};
    if (!in)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", n);
    for (size_t i = 0; i < d->count; i++) {
        if (parts[i] == URS_PART_NONE) {
            c.left_out++;
            continue;
        }
        c.samples[parts[i]]++;
        if (d->samples[i].individual >= 0)
            in[d->samples[i].individual] |= (uint8_t)(1u << parts[i]);
    }
    for (size_t k = 0; k < n; k++) {
        const bool elsewhere = in[k] & ((1u << URS_PART_TRAIN) | (1u << URS_PART_VALIDATION));
        for (int p = 0; p < 3; p++)
            c.individuals[p] += (in[k] >> p) & 1;
        if (in[k] & (1u << URS_PART_TEST))
            *(elsewhere ? &c.known : &c.fresh) += 1;
    }
    urs_free(in);
    *out = c;
    return URS_OK;
}
