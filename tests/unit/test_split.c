/* Splits: no key on both sides, the same everywhere, and a check that notices. */
#include "base/memory.h"
#include "base/random.h"
#include "data/dhash.h"
#include "data/split.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

/* n samples with random labels, cameras, individuals and days, some of them unknown. */
static void make_set(urs_dataset *d, size_t n, uint64_t seed)
{
    urs_random r;
    urs_random_init(&r, seed);
    for (size_t i = 0; i < n; i++) {
        char text[32];
        urs_sample *s = NULL;
        (void)snprintf(text, sizeof text, "p/%zu.jpg", i);
        if (urs_dataset_add(d, text, &s, NULL) != URS_OK)
            return;
        (void)snprintf(text, sizeof text, "label%d", (int)urs_random_below(&r, 3));
        (void)!urs_name_table_add(&d->labels, text, &s->label, NULL);
        if (urs_random_below(&r, 10) > 0) {
            (void)snprintf(text, sizeof text, "cam%d", (int)urs_random_below(&r, 20));
            (void)!urs_name_table_add(&d->cameras, text, &s->camera, NULL);
        }
        if (urs_random_below(&r, 10) > 0) {
            (void)snprintf(text, sizeof text, "bear%d", (int)urs_random_below(&r, 25));
            (void)!urs_name_table_add(&d->individuals, text, &s->individual, NULL);
        }
        s->has_day = urs_random_below(&r, 10) > 0;
        s->day = (int32_t)urs_random_below(&r, 6);
        if (urs_random_below(&r, 20) == 0) {
            (void)snprintf(text, sizeof text, "g%d", (int)urs_random_below(&r, 5));
            (void)!urs_name_table_add(&d->groups, text, &s->group, NULL);
        }
    }
}

/* Every pair, by the words of the header. */
static bool belong(const urs_sample *a, const urs_sample *b, urs_split_by by)
{
    const bool camera = a->camera >= 0 && a->camera == b->camera, animal = a->individual >= 0 && a->individual == b->individual;
    const bool day = a->has_day && b->has_day && a->day == b->day, no_day = !a->has_day && !b->has_day;
    if (a->group >= 0 && a->group == b->group)
        return true;
    switch (by) {
    case URS_SPLIT_CAMERA: return camera;
    case URS_SPLIT_CAMERA_DAY: return camera && (day || no_day);
    case URS_SPLIT_INDIVIDUAL: return animal;
    case URS_SPLIT_INDIVIDUAL_DAY: return animal && day;
    case URS_SPLIT_SAMPLE:
    case URS_SPLIT_PUBLISHED:
    default: return false;
    }
}

static void no_pair_is_torn_apart(urs_test *t)
{
    urs_dataset d = {0};
    make_set(&d, 600, 5);
    for (int by = 0; by <= URS_SPLIT_SAMPLE; by++) {
        urs_split s = {0};
        urs_error err = {0};
        const urs_split_options o = {.by = (urs_split_by)by, .validation = 0.2f, .test = 0.2f, .seed = 9};
        size_t torn = 0;
        URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
        URS_REQUIRE_OK(t, urs_split_check(&s, &d, &o, &err), err);
        for (size_t i = 0; i < d.count; i++)
            for (size_t j = 0; j < i; j++)
                torn += s.parts[i] != s.parts[j] && belong(&d.samples[i], &d.samples[j], (urs_split_by)by);
        URS_CHECK_INT(t, torn, 0);
        URS_CHECK_INT(t, s.part_counts[0] + s.part_counts[1] + s.part_counts[2], d.count);
        /* Shares near what was asked: the largest group here is a sixth of the set. */
        for (int p = 1; p < 3; p++)
            URS_CHECK_NEAR(t, (double)s.part_counts[p] / (double)d.count, 0.2, 0.1);
        urs_split_release(&s);
    }
    urs_dataset_release(&d);
}

static void every_tampering_is_noticed(urs_test *t)
{
    urs_dataset d = {0};
    urs_split s = {0};
    urs_error err = {0};
    size_t missed = 0;
    const urs_split_options o = {.by = URS_SPLIT_CAMERA, .validation = 0.2f, .test = 0.2f, .seed = 1};
    make_set(&d, 200, 6);
    URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
    for (size_t i = 0; i < d.count; i++) {
        const urs_part old = s.parts[i];
        bool alone = true;
        for (size_t j = 0; j < d.count; j++)
            alone = alone && (i == j || !belong(&d.samples[i], &d.samples[j], URS_SPLIT_CAMERA));
        s.parts[i] = old == URS_PART_TRAIN ? URS_PART_TEST : URS_PART_TRAIN;
        missed += (urs_split_check(&s, &d, &o, &err) == URS_EMISMATCH) == alone;
        s.parts[i] = old;
    }
    URS_CHECK_INT(t, missed, 0);
    s.parts[0] = URS_PART_NONE;
    URS_CHECK_INT(t, urs_split_check(&s, &d, &o, &err), URS_EMISMATCH);
    urs_split_release(&s);
    urs_dataset_release(&d);
}

static void seeds_give_the_same_split_everywhere(urs_test *t)
{
    urs_dataset d = {0};
    urs_split a = {0}, b = {0}, c = {0};
    urs_error err = {0};
    urs_split_options o = {.by = URS_SPLIT_CAMERA_DAY, .validation = 0.15f, .test = 0.25f, .seed = 42};
    uint64_t hash = 0;
    make_set(&d, 300, 7);
    URS_REQUIRE_OK(t, urs_split_make(&a, &d, &o, &err), err);
    URS_REQUIRE_OK(t, urs_split_make(&b, &d, &o, &err), err);
    o.seed = 43;
    URS_REQUIRE_OK(t, urs_split_make(&c, &d, &o, &err), err);
    URS_CHECK(t, memcmp(a.parts, b.parts, a.count * sizeof *a.parts) == 0);
    URS_CHECK(t, memcmp(a.parts, c.parts, a.count * sizeof *a.parts) != 0);
    for (size_t i = 0; i < a.count; i++)
        hash = urs_random_mix(hash ^ (uint64_t)a.parts[i]);
    /* Golden: a published split must not change with a new version or on another machine. */
    if (hash != 0x81f211fab26adca1u)
        urs_test_fail(t, __FILE__, __LINE__, "the split of seed 42 has changed: %016llx", (unsigned long long)hash);
    urs_split_release(&a);
    urs_split_release(&b);
    urs_split_release(&c);
    urs_dataset_release(&d);
}

static void closed_sets_know_everybody(urs_test *t)
{
    urs_dataset d = {0};
    urs_split s = {0};
    urs_error err = {0};
    const urs_split_options o = {.by = URS_SPLIT_INDIVIDUAL_DAY, .test = 0.3f, .seed = 2};
    bool known[64] = {false};
    make_set(&d, 400, 8);
    URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
    for (size_t i = 0; i < d.count; i++)
        if (s.parts[i] == URS_PART_TRAIN && d.samples[i].individual >= 0)
            known[d.samples[i].individual] = true;
    for (size_t i = 0; i < d.count; i++)
        URS_CHECK(t, d.samples[i].individual < 0 || known[d.samples[i].individual]);
    URS_CHECK(t, s.part_counts[URS_PART_TEST] > 60);
    URS_CHECK(t, s.unknown > 0);
    urs_split_release(&s);
    urs_dataset_release(&d);
}

/* One animal with half of all pictures: counted by samples it would leave nothing else to train on. */
static void shares_can_be_of_groups(urs_test *t)
{
    urs_dataset d = {0};
    urs_split s = {0};
    urs_error err = {0};
    urs_split_options o = {.by = URS_SPLIT_INDIVIDUAL, .validation = 0.2f, .test = 0.2f, .seed = 4, .share_of_groups = true};
    size_t animals[3] = {0};
    bool seen[64] = {false};
    for (int i = 0; i < 240; i++) {
        char text[32];
        urs_sample *sample = NULL;
        (void)snprintf(text, sizeof text, "%d.jpg", i);
        URS_REQUIRE_OK(t, urs_dataset_add(&d, text, &sample, &err), err);
        (void)snprintf(text, sizeof text, "bear%d", i < 120 ? 0 : 1 + (i - 120) / 3);
        URS_REQUIRE_OK(t, urs_name_table_add(&d.individuals, text, &sample->individual, &err), err);
    }
    URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
    URS_REQUIRE_OK(t, urs_split_check(&s, &d, &o, &err), err);
    for (size_t i = 0; i < d.count; i++) {
        animals[s.parts[i]] += !seen[d.samples[i].individual];
        seen[d.samples[i].individual] = true;
    }
    URS_CHECK_INT(t, s.parts[0], URS_PART_TRAIN);
    URS_CHECK_NEAR(t, animals[1], 8, 1); /* a fifth of 41 */
    URS_CHECK_NEAR(t, animals[2], 8, 1);
    urs_split_release(&s);
    urs_dataset_release(&d);
}

static void scenes_named_together_stay_together(urs_test *t)
{
    urs_dataset d = {0};
    urs_error err = {0};
    uint64_t hashes[40];
    size_t apart = 0;
    urs_sample *s;
    for (int i = 0; i < 40; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "x/bear%03d.jpg", i);
        URS_REQUIRE_OK(t, urs_dataset_add(&d, path, &s, &err), err);
        (void)!urs_name_table_add(&d.cameras, "photo", &s->camera, &err);
        hashes[i] = urs_random_mix((uint64_t)i);
    }
    hashes[31] = hashes[30] ^ 0x11; /* two bits */
    for (uint64_t seed = 0; seed < 20; seed++) {
        const urs_split_options o = {.by = URS_SPLIT_CAMERA, .validation = 0.3f, .test = 0.3f, .seed = seed, .collections = "deer,photo",
                                     .together = "bear008,bear009;bear017,bear019", .hashes = hashes, .hash_bits = 2};
        urs_split split = {0};
        URS_REQUIRE_OK(t, urs_split_make(&split, &d, &o, &err), err);
        URS_REQUIRE_OK(t, urs_split_check(&split, &d, &o, &err), err);
        URS_CHECK_INT(t, split.parts[8], split.parts[9]);
        URS_CHECK_INT(t, split.parts[17], split.parts[19]);
        URS_CHECK_INT(t, split.parts[30], split.parts[31]);
        apart += split.parts[1] != split.parts[2];
        split.parts[30] = (urs_part)((split.parts[30] + 1) % 3);
        URS_CHECK_INT(t, urs_split_check(&split, &d, &o, &err), URS_EMISMATCH);
        urs_split_release(&split);
    }
    URS_CHECK(t, apart > 0); /* a collection is not one camera */
    urs_dataset_release(&d);
}

static void published_parts_are_kept(urs_test *t)
{
    urs_dataset d = {0};
    urs_split s = {0};
    urs_error err = {0};
    const urs_split_options o = {.by = URS_SPLIT_PUBLISHED};
    size_t *items = NULL, count = 0;
    make_set(&d, 10, 3);
    d.samples[4].part = URS_PART_TEST;
    d.samples[7].part = URS_PART_VALIDATION;
    URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
    URS_CHECK_INT(t, s.parts[4], URS_PART_TEST);
    URS_CHECK_INT(t, s.parts[7], URS_PART_VALIDATION);
    URS_CHECK_INT(t, s.unknown, 8);
    URS_REQUIRE_OK(t, urs_split_part(&items, &count, &s, URS_PART_TEST, &err), err);
    URS_CHECK(t, count == 1 && items[0] == 4);
    urs_free(items);
    urs_split_release(&s);
    URS_CHECK_INT(t, urs_split_make(&s, &d, &(urs_split_options){.validation = 0.5f, .test = 0.5f}, &err), URS_EINVAL);
    urs_dataset_release(&d);
}

static void folds_leave_every_camera_out_once(urs_test *t)
{
    enum { FOLDS = 3 };
    urs_dataset d = {0};
    urs_split whole = {0};
    urs_error err = {0};
    const urs_split_options o = {.by = URS_SPLIT_CAMERA, .validation = 0.2f, .test = 0.2f, .seed = 4};
    int left_out[600] = {0}, of_camera[20];
    size_t size[FOLDS] = {0}, torn = 0, wrong = 0;
    make_set(&d, 600, 5);
    for (size_t i = 0; i < d.count; i++)
        d.samples[i].group = -1; /* these would tie most of the cameras together */
    URS_REQUIRE_OK(t, urs_split_make(&whole, &d, &o, &err), err);
    memset(of_camera, -1, sizeof of_camera);
    for (int32_t k = 0; k <= FOLDS; k++) {
        urs_split s = {0};
        URS_REQUIRE_OK(t, urs_split_make(&s, &d, &o, &err), err);
        URS_REQUIRE_OK(t, urs_split_fold(&s, &d, FOLDS, k, 7, &err), err);
        URS_REQUIRE_OK(t, urs_split_check(&s, &d, &o, &err), err);
        URS_CHECK(t, (s.part_counts[URS_PART_VALIDATION] == 0) == (k == 0));
        for (size_t i = 0; i < d.count; i++) {
            const int32_t camera = d.samples[i].camera;
            wrong += (whole.parts[i] == URS_PART_TEST) != (s.parts[i] == URS_PART_TEST);
            if (s.parts[i] != URS_PART_VALIDATION)
                continue;
            left_out[i]++;
            size[k - 1]++;
            torn += camera >= 0 && of_camera[camera] >= 0 && of_camera[camera] != k;
            if (camera >= 0)
                of_camera[camera] = k;
        }
        urs_split_release(&s);
    }
    for (size_t i = 0; i < d.count; i++)
        wrong += left_out[i] != (whole.parts[i] != URS_PART_TEST);
    URS_CHECK_INT(t, wrong, 0);
    URS_CHECK_INT(t, torn, 0);
    for (int k = 0; k < FOLDS; k++)
        URS_CHECK_NEAR(t, (double)size[k] / (double)(d.count - whole.part_counts[URS_PART_TEST]), 1.0 / FOLDS, 0.06);
    URS_CHECK_INT(t, urs_split_fold(&whole, &d, 1, 1, 7, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_split_fold(&whole, &d, 3, 4, 7, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_split_fold(&whole, &d, 3, -1, 7, &err), URS_EINVAL);
    urs_split_release(&whole);
    urs_dataset_release(&d);
}

static void hashes_see_the_same_picture(urs_test *t)
{
    urs_image a = {0}, b = {0};
    urs_error err = {0};
    uint64_t x = 0, y = 0, z = 0;
    URS_CHECK_INT(t, urs_dhash_distance(0xF0, 0x0F), 8);
    URS_REQUIRE_OK(t, urs_image_new(&a, 180, 128, 3, &err), err);
    for (int32_t v = 0; v < 128; v++)
        for (int32_t u = 0; u < 180; u++)
            for (int c = 0; c < 3; c++)
                urs_image_at(&a, u, v)[c] = (uint8_t)(128 + 100 * sin(u * 0.11 + v * 0.03) * cos(v * 0.07));
    URS_REQUIRE_OK(t, urs_image_dhash(&x, &a, &err), err);
    URS_REQUIRE_OK(t, urs_image_resize(&b, &a, 97, 61, URS_FILTER_BILINEAR, &err), err);
    for (size_t i = 0; i < 97 * 61 * 3; i++)
        b.data[i] = (uint8_t)(b.data[i] * 0.8 + 20);
    URS_REQUIRE_OK(t, urs_image_dhash(&y, &b, &err), err);
    URS_CHECK(t, urs_dhash_distance(x, y) <= 4);
    urs_image_flip(&b);
    URS_REQUIRE_OK(t, urs_image_dhash(&z, &b, &err), err);
    URS_CHECK(t, urs_dhash_distance(x, z) > 16);
    urs_image_release(&a);
    urs_image_release(&b);
}

int main(void)
{
    static const urs_case cases[] = {{"no_pair_is_torn_apart", no_pair_is_torn_apart},
                                     {"every_tampering_is_noticed", every_tampering_is_noticed},
                                     {"seeds_give_the_same_split_everywhere", seeds_give_the_same_split_everywhere},
                                     {"closed_sets_know_everybody", closed_sets_know_everybody},
                                     {"shares_can_be_of_groups", shares_can_be_of_groups},
                                     {"scenes_named_together_stay_together", scenes_named_together_stay_together},
                                     {"published_parts_are_kept", published_parts_are_kept},
        {"folds", folds_leave_every_camera_out_once},
                                     {"hashes_see_the_same_picture", hashes_see_the_same_picture}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
