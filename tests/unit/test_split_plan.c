/* Plans for splits: every pair of samples is asked what the header promises; what leaks is found; the manifest reads back as it was. */
#include "harness.h"

#include "base/day.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/split_plan.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLES = 300, FIRST_DAY = 17532 /* 2018-01-01 */ };

static void make_set(urs_dataset *d, uint64_t seed, bool all_named)
{
    urs_random r;
    urs_random_init(&r, seed);
    for (int i = 0; i < SAMPLES; i++) {
        char text[32];
        urs_sample *s = NULL;
        const int event = i / 3; /* three frames each, of one camera and day */
        (void)snprintf(text, sizeof text, "p/%d,\"x\".jpg", i);
        if (urs_dataset_add(d, text, &s, NULL) != URS_OK)
            return;
        urs_random_init_stream(&r, seed, (uint64_t)event);
        (void)snprintf(text, sizeof text, "cam %d", (int)urs_random_below(&r, 5));
        (void)!urs_name_table_add(&d->cameras, text, &s->camera, NULL);
        s->has_day = urs_random_below(&r, 12) > 0;
        s->day = FIRST_DAY + (int32_t)urs_random_below(&r, 4 * 365);
        (void)snprintf(text, sizeof text, "e%d", event);
        if (urs_random_below(&r, 2) == 0)
            (void)!urs_name_table_add(&d->groups, text, &s->group, NULL);
        (void)snprintf(text, sizeof text, "bear%d", (int)urs_random_below(&r, 15));
        if (all_named || urs_random_below(&r, 4) > 0)
            (void)!urs_name_table_add(&d->individuals, text, &s->individual, NULL);
        s->infrared = (int8_t)(i % 2);
        if (s->individual < 0)
            s->has_day = s->has_day || all_named;
    }
}

static bool same_event(const urs_sample *a, const urs_sample *b)
{
    return a->group >= 0 && a->group == b->group;
}

static bool same_animal_day(const urs_sample *a, const urs_sample *b)
{
    return a->individual >= 0 && a->individual == b->individual && a->has_day && b->has_day && a->day == b->day;
}

static void no_pair_leaks(urs_test *t)
{
    for (int kind = URS_PLAN_CLOSED; kind <= URS_PLAN_YEAR; kind++)
        for (uint64_t seed = 1; seed <= 4; seed++) {
            urs_dataset d = {0};
            urs_part *parts = NULL;
            urs_error err = {0};
            urs_split_plan plan = {.kind = (urs_split_plan_kind)kind, .validation = 0.2f, .test = 0.3f, .fresh = 0.2f, .cut_day = FIRST_DAY + 1000, .camera = 2, .year = 2019, .seed = seed};
            urs_split_counts c;
            make_set(&d, seed, seed % 2 == 0);
            URS_REQUIRE_OK(t, urs_split_plan_make(&parts, &d, &plan, &err), err);
            for (size_t i = 0; i < d.count; i++) {
                const urs_sample *a = &d.samples[i];
                const bool key = kind == URS_PLAN_CAMERA ? a->camera >= 0 : kind >= URS_PLAN_TIME ? a->has_day : a->individual >= 0;
                URS_CHECK(t, (parts[i] == URS_PART_NONE) == !key);
                if (!key || a->group >= 0) /* events follow their first frame: the same day here, so nothing changes, but the camera of an event is one, too */
                    continue;
                if (kind == URS_PLAN_TIME)
                    URS_CHECK(t, (parts[i] == URS_PART_TEST) == (a->day >= plan.cut_day));
                if (kind == URS_PLAN_CAMERA)
                    URS_CHECK(t, (parts[i] == URS_PART_TEST) == (a->camera == 2));
                if (kind == URS_PLAN_YEAR)
                    URS_CHECK(t, (parts[i] == URS_PART_TEST) == (a->day >= FIRST_DAY + 365 && a->day < FIRST_DAY + 730));
            }
            for (size_t i = 0; i < d.count; i++)
                for (size_t j = i + 1; j < d.count; j++) {
                    const urs_sample *a = &d.samples[i], *b = &d.samples[j];
                    const bool test = parts[i] == URS_PART_TEST || parts[j] == URS_PART_TEST;
                    if (parts[i] == parts[j] || parts[i] == URS_PART_NONE || parts[j] == URS_PART_NONE)
                        continue;
                    URS_CHECK(t, !same_event(a, b));
                    URS_CHECK(t, !same_animal_day(a, b) || (kind == URS_PLAN_CAMERA && test));
                    if (kind == URS_PLAN_DISJOINT)
                        URS_CHECK(t, a->individual != b->individual);
                    if (kind == URS_PLAN_TIME && parts[i] == URS_PART_TRAIN && parts[j] == URS_PART_VALIDATION)
                        URS_CHECK(t, a->day < b->day);
                }
            URS_REQUIRE_OK(t, urs_split_count(&c, &d, parts, &err), err);
            URS_CHECK_INT(t, c.samples[0] + c.samples[1] + c.samples[2] + c.left_out, d.count);
            URS_CHECK_INT(t, c.known + c.fresh, c.individuals[URS_PART_TEST]);
            if (kind == URS_PLAN_CLOSED)
                URS_CHECK_INT(t, c.fresh, 0);
            if (kind == URS_PLAN_OPEN)
                URS_CHECK(t, c.fresh >= 3 && c.known >= 3); /* a fifth of 15 */
            if (kind == URS_PLAN_DISJOINT)
                URS_CHECK_INT(t, c.known, 0);
            urs_free(parts);
            urs_dataset_release(&d);
        }
}

static void leaks_are_found(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    urs_leak *leaks = NULL;
    size_t n = 0;
    uint64_t hashes[SAMPLES];
    urs_part parts[SAMPLES];
    urs_random r;
    make_set(&d, 3, true);
    urs_random_init(&r, 5);
    for (int i = 0; i < SAMPLES; i++) {
        hashes[i] = urs_random_mix((uint64_t)i);
        parts[i] = i < 200 ? URS_PART_TRAIN : URS_PART_TEST;
        d.samples[i].group = -1;
        d.samples[i].has_day = false;
    }
    hashes[250] = hashes[7] ^ 5;     /* two bits */
    hashes[251] = hashes[7] ^ 0xFF;  /* eight bits */
    hashes[9] = hashes[10];          /* one side */
    d.samples[8].group = d.samples[252].group = 0;
    d.samples[6].has_day = d.samples[253].has_day = true;
    d.samples[6].day = d.samples[253].day = 100;
    d.samples[6].individual = d.samples[253].individual = 1;
    URS_REQUIRE_OK(t, urs_split_leaks(&leaks, &n, &d, parts, hashes, 6, true, 10, &err), err);
    URS_CHECK_INT(t, n, 3);
    URS_CHECK(t, leaks[0].kind == URS_LEAK_DAY && leaks[0].a == 6 && leaks[0].b == 253);
    URS_CHECK(t, leaks[1].kind == URS_LEAK_NEAR && leaks[1].a == 7 && leaks[1].b == 250 && leaks[1].bits == 2);
    URS_CHECK(t, leaks[2].kind == URS_LEAK_GROUP && leaks[2].a == 8 && leaks[2].b == 252);
    urs_free(leaks);
    leaks = NULL;
    parts[250] = URS_PART_NONE;
    URS_REQUIRE_OK(t, urs_split_leaks(&leaks, &n, &d, parts, hashes, 8, false, 0, &err), err);
    URS_CHECK_INT(t, n, 2); /* the eight bits, and the event */
    urs_free(leaks);
    urs_dataset_release(&d);
}

static void manifest_reads_back(urs_test *t)
{
    urs_dataset d = {0}, back = {0};
    urs_part *parts = NULL;
    urs_text text = {0};
    urs_error err = {0};
    const urs_split_plan plan = {.kind = URS_PLAN_TIME, .validation = 0.2f, .cut_day = FIRST_DAY + 1000, .seed = 1};
    size_t k = 0;
    make_set(&d, 9, false);
    URS_REQUIRE_OK(t, urs_split_plan_make(&parts, &d, &plan, &err), err);
    URS_REQUIRE_OK(t, urs_manifest_text(&text, &d, parts, "/nowhere", &err), err);
    URS_REQUIRE_OK(t, urs_dataset_parse_csv(&back, urs_text_string(&text), text.length, "m.csv", "", NULL, &err), err);
    for (size_t i = 0; i < d.count; i++) {
        const urs_sample *a = &d.samples[i], *b = &back.samples[k];
        if (parts[i] == URS_PART_NONE)
            continue;
        URS_REQUIRE(t, k++ < back.count);
        URS_CHECK_TEXT(t, b->path, a->path);
        URS_CHECK_INT(t, b->part, parts[i]);
        URS_CHECK(t, b->has_day == a->has_day && b->day == a->day && b->infrared == a->infrared);
        URS_CHECK_TEXT(t, urs_name_table_get(&back.individuals, b->individual), urs_name_table_get(&d.individuals, a->individual));
        URS_CHECK_TEXT(t, urs_name_table_get(&back.cameras, b->camera), urs_name_table_get(&d.cameras, a->camera));
        URS_CHECK_TEXT(t, urs_name_table_get(&back.groups, b->group), urs_name_table_get(&d.groups, a->group));
    }
    URS_CHECK_INT(t, k, back.count);
    urs_text_release(&text);
    urs_free(parts);
    urs_dataset_release(&d);
    urs_dataset_release(&back);
}

static void days_are_dates(urs_test *t)
{
    char text[16];
    for (int32_t day = -400000; day < 400000; day += 37) {
        int32_t back;
        urs_day_text(text, day);
        URS_CHECK(t, urs_day_parse(text, &back) && back == day);
    }
    urs_day_text(text, 18321);
    URS_CHECK_TEXT(t, text, "2020-02-29");
    URS_CHECK_INT(t, urs_day_year(18262), 2020);
    URS_CHECK_INT(t, urs_day_year(18261), 2019);
}

/* PICTURE and PLACE are the splits of the trainings, by the same shares and seed. */
static void trainings_split_so(urs_test *t)
{
    for (int place = 0; place < 2; place++) {
        const urs_split_plan plan = {.kind = place ? URS_PLAN_PLACE : URS_PLAN_PICTURE, .validation = 0.2f, .test = 0.2f, .seed = 3};
        const urs_split_options how = {.by = place ? URS_SPLIT_CAMERA : URS_SPLIT_SAMPLE, .validation = 0.2f, .test = 0.2f, .seed = 3};
        urs_dataset d = {0};
        urs_part *parts = NULL;
        urs_split split = {0};
        urs_error err = {0};
        make_set(&d, 5, true);
        URS_REQUIRE_OK(t, urs_split_plan_make(&parts, &d, &plan, &err), err);
        URS_REQUIRE_OK(t, urs_split_make(&split, &d, &how, &err), err);
        for (size_t i = 0; i < d.count; i++)
            URS_CHECK_INT(t, parts[i], split.parts[i]);
        urs_split_release(&split);
        urs_free(parts);
        urs_dataset_release(&d);
    }
}

static void refused(urs_test *t)
{
    urs_dataset d = {0};
    urs_part *parts = NULL;
    urs_error err = {0};
    urs_split_plan plan = {.kind = URS_PLAN_TIME, .cut_day = FIRST_DAY + 100000};
    make_set(&d, 2, true);
    URS_CHECK_INT(t, urs_split_plan_make(&parts, &d, &plan, &err), URS_EINVAL);
    URS_CHECK(t, strstr(err.message, "nothing to test on"));
    plan.cut_day = 0;
    URS_CHECK_INT(t, urs_split_plan_make(&parts, &d, &plan, &err), URS_EINVAL);
    URS_CHECK(t, strstr(err.message, "nothing to train on"));
    for (size_t i = 0; i < d.count; i++)
        d.samples[i].has_day = false;
    plan.kind = URS_PLAN_YEAR;
    URS_CHECK_INT(t, urs_split_plan_make(&parts, &d, &plan, &err), URS_EINVAL);
    URS_CHECK(t, strstr(err.message, "a date"));
    urs_dataset_release(&d);
}

int main(void)
{
    static const urs_case cases[] = {{"no pair leaks", no_pair_leaks}, {"leaks are found", leaks_are_found}, {"manifest reads back", manifest_reads_back}, {"days", days_are_dates}, {"trainings split so", trainings_split_so},
        {"refused", refused}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
