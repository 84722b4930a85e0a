/* Chips: trees, identity-disjoint split, thinning, classes, and tensors as a function of seed, epoch and place. */
#include "base/file.h"
#include "base/memory.h"
#include "data/chips.h"
#include "harness.h"
#include "image/decode.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A smooth pattern that differs by seed (seeds that are equal: the same picture). */
static void write_chip(urs_test *t, const char *dir, const char *name, int32_t w, int32_t h, int seed)
{
    urs_image image = {0};
    urs_error err = {0};
    urs_random r;
    double f[6];
    char *path = urs_path_join(dir, name), *parent = urs_path_folder(path);
    urs_random_init(&r, (uint64_t)seed);
    for (int i = 0; i < 6; i++)
        f[i] = urs_random_range(&r, 0.05, 0.4);
    URS_REQUIRE_OK(t, urs_image_new(&image, w, h, 3, &err), err);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                urs_image_at(&image, x, y)[c] = (uint8_t)(128 + 60 * sin(f[0] * x + f[1] * y + c) + 60 * cos(f[2] * x - f[3] * y));
    URS_REQUIRE_OK(t, urs_folder_create(parent, &err), err);
    URS_REQUIRE_OK(t, urs_image_write(path, &image, &err), err);
    urs_image_release(&image);
    urs_free(parent);
    urs_free(path);
}

/* bears: 10 with 3 chips, one of which has a single; seals: 4 with 5, of which three are one burst. */
static char *make_trees(urs_test *t, const char *name)
{
    char *dir = urs_test_folder(name), text[64];
    for (int b = 0; b < 10; b++)
        for (int i = 0; i < (b == 9 ? 1 : 3); i++) {
            (void)snprintf(text, sizeof text, "bears/bf_%d/%d.png", b, i);
            write_chip(t, dir, text, 40, 40, 100 + b * 10 + i);
        }
    for (int s = 0; s < 4; s++)
        for (int i = 0; i < 5; i++) {
            (void)snprintf(text, sizeof text, "seals/%d/%d.png", s, i);
            write_chip(t, dir, text, 60, 30, 1000 + s * 10 + (i < 3 ? 0 : i));
        }
    return dir;
}

static urs_text tree_text(const char *dir, const char *rest)
{
    urs_text t = {0};
    urs_text_format(&t, "%s/%s", dir, rest);
    return t;
}

static void trees_are_split_and_thinned(urs_test *t)
{
    urs_chips c = {0};
    urs_error err = {0};
    char *dir = make_trees(t, "chips");
    urs_text bears = tree_text(dir, "bears"), seals = tree_text(dir, "seals:s19@2");
    const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
    const urs_chips_options o = {.trees = trees, .tree_count = 2, .validation = 0.2f, .test = 0.2f, .seed = 4, .thin_bits = 3};
    urs_part of[64];
    size_t parts[3] = {0};
    URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
    URS_CHECK_INT(t, c.thinned, 8);
    for (int i = 0; i < 64; i++)
        of[i] = URS_PART_NONE;
    for (size_t i = 0; i < c.count; i++) {
        const urs_chip *chip = &c.items[i];
        parts[chip->part]++;
        URS_CHECK(t, of[chip->individual] == URS_PART_NONE || of[chip->individual] == chip->part);
        of[chip->individual] = chip->part;
        URS_CHECK(t, chip->tree == 0 || chip->part == URS_PART_TRAIN);
        URS_CHECK((t), (chip->train_class >= 0) == (chip->part == URS_PART_TRAIN));
        URS_CHECK_INT(t, chip->domain, chip->tree == 1 ? 2 : 0);
        URS_CHECK(t, chip->train_class < 0 || c.class_domains[chip->train_class] == chip->domain);
        URS_CHECK(t, c.cache.images[i].data != NULL);
        URS_CHECK(t, (strstr(chip->path, "/seals/") != NULL) == (chip->tree == 1));
        if (chip->tree == 1)
            URS_CHECK(t, strncmp(urs_name_table_get(&c.dataset.individuals, chip->individual), "s19:", 4) == 0);
    }
    URS_CHECK(t, parts[1] >= 3 && parts[2] >= 3);
    {
        size_t *items = NULL, n = 0;
        int32_t *labels = NULL, *domains = NULL;
        URS_REQUIRE_OK(t, urs_chips_part(&items, &labels, &domains, &n, &c, URS_PART_TRAIN, &err), err);
        URS_CHECK_INT(t, n, parts[0]);
        for (size_t i = 0; i < n; i++)
            URS_CHECK(t, labels[i] == c.items[items[i]].train_class && labels[i] < c.train_classes);
        urs_free(items);
        urs_free(labels);
        urs_free(domains);
    }
    urs_chips_release(&c);
    urs_text_release(&bears);
    urs_text_release(&seals);
    free(dir);
}

static void caps_and_limits_hold(urs_test *t)
{
    urs_chips c = {0};
    urs_error err = {0};
    char *dir = make_trees(t, "chipscap");
    urs_text bears = tree_text(dir, "bears"), seals = tree_text(dir, "seals"), wrong = tree_text(dir, "bears/bf_1"), domain = tree_text(dir, "seals:x@y");
    const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
    urs_chips_options o = {.trees = trees, .tree_count = 2, .per_individual = 2, .side = 20};
    size_t count[64] = {0};
    URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
    for (size_t i = 0; i < c.count; i++) {
        count[c.items[i].individual]++;
        URS_CHECK(t, c.cache.images[i].width == 20 && c.cache.images[i].height == (c.items[i].tree ? 10 : 20));
    }
    for (int i = 0; i < 64; i++)
        URS_CHECK(t, count[i] == 0 || count[i] == 2);
    URS_CHECK_INT(t, c.train_classes, 9 + 4); /* the bear with one chip is left out */
    URS_CHECK_TEXT(t, urs_name_table_get(&c.dataset.individuals, c.items[c.count - 1].individual), "seals:3");
    urs_chips_release(&c);
    o.memory_limit = 20000;
    URS_CHECK_INT(t, urs_chips_load(&c, &o, NULL, &err), URS_ELIMIT);
    trees[0] = urs_text_string(&wrong);
    URS_CHECK_INT(t, urs_chips_load(&c, &o, NULL, &err), URS_EFORMAT);
    trees[0] = urs_text_string(&domain);
    URS_CHECK_INT(t, urs_chips_load(&c, &o, NULL, &err), URS_EINVAL);
    urs_text_release(&bears);
    urs_text_release(&seals);
    urs_text_release(&wrong);
    urs_text_release(&domain);
    free(dir);
}

/* A share of the individuals of each tree trains, a smaller one is part of a larger one, and who validates stays the same. */
static void shares_of_training(urs_test *t)
{
    urs_error err = {0};
    char *dir = make_trees(t, "chipsshare");
    urs_text bears = tree_text(dir, "bears"), seals = tree_text(dir, "seals");
    const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
    urs_chips_options o = {.trees = trees, .tree_count = 2, .seed = 2, .validation = 0.3f};
    static const float shares[] = {0, 0.3f, 0.5f, 1};
    urs_part of[4][64];
    int trained[4][2] = {{0}};
    for (int s = 0; s < 4; s++) {
        urs_chips c = {0};
        o.train_share = shares[s];
        URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
        for (int i = 0; i < 64; i++)
            of[s][i] = URS_PART_NONE;
        for (size_t i = 0; i < c.count; i++) {
            const urs_chip *chip = &c.items[i];
            trained[s][chip->tree] += chip->part == URS_PART_TRAIN && of[s][chip->individual] != URS_PART_TRAIN;
            of[s][chip->individual] = chip->part;
        }
        urs_chips_release(&c);
    }
    for (int i = 0; i < 64; i++) {
        URS_CHECK(t, of[0][i] == of[3][i]);
        URS_CHECK(t, of[1][i] != URS_PART_TRAIN || of[2][i] == URS_PART_TRAIN);
        URS_CHECK(t, of[2][i] != URS_PART_TRAIN || of[3][i] == URS_PART_TRAIN);
        URS_CHECK(t, (of[1][i] == URS_PART_VALIDATION) == (of[3][i] == URS_PART_VALIDATION));
    }
    for (int tree = 0; tree < 2; tree++)
        for (int s = 1; s < 4; s++)
            URS_CHECK_INT(t, trained[s][tree], (int)ceil((double)shares[s] * trained[0][tree] - 1e-6));
    urs_text_release(&bears);
    urs_text_release(&seals);
    free(dir);
}

/* Three folds of the bears outside of the test part, which is the same for all; every bear with two chips validates once; some seals never train. */
static void folds_cover_every_bear_once(urs_test *t)
{
    urs_error err = {0};
    char *dir = make_trees(t, "chipsfolds");
    urs_text bears = tree_text(dir, "bears"), seals = tree_text(dir, "seals");
    const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
    urs_chips_options o = {.trees = trees, .tree_count = 2, .test = 0.3f, .seed = 2, .folds = 3, .hold = 0.5f};
    int validated[64] = {0}, tested[64] = {0}, held = 0;
    for (o.fold = 0; o.fold <= 3; o.fold++) {
        urs_chips c = {0};
        urs_part of[64];
        URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
        for (int i = 0; i < 64; i++)
            of[i] = URS_PART_NONE;
        for (size_t i = 0; i < c.count; i++) {
            const urs_chip *chip = &c.items[i];
            URS_CHECK(t, of[chip->individual] == URS_PART_NONE || of[chip->individual] == chip->part);
            if (of[chip->individual] == URS_PART_NONE) {
                validated[chip->individual] += chip->part == URS_PART_VALIDATION;
                tested[chip->individual] += chip->part == URS_PART_TEST;
                held += chip->part == URS_PART_VALIDATION && chip->tree == 1;
                URS_CHECK(t, chip->tree == 1 || o.fold > 0 || chip->part != URS_PART_VALIDATION);
            }
            of[chip->individual] = chip->part;
        }
        urs_chips_release(&c);
    }
    URS_CHECK(t, held > 0 && held < 16 && held % 4 == 0); /* the same ones each time */
    for (int i = 0; i < 10; i++)
        URS_CHECK(t, (tested[i] == 4 && validated[i] == 0) || (tested[i] == 0 && validated[i] <= 1));
    URS_CHECK_INT(t, tested[0] + tested[1] + tested[2] + tested[3] + tested[4] + tested[5] + tested[6] + tested[7] + tested[8] + tested[9], 12);
    o.fold = 4;
    {
        urs_chips c = {0};
        URS_CHECK_INT(t, urs_chips_load(&c, &o, NULL, &err), URS_EINVAL);
    }
    urs_text_release(&bears);
    urs_text_release(&seals);
    free(dir);
}

static void plain_tensors_are_what_use_makes(urs_test *t)
{
    urs_image chip = {0};
    urs_error err = {0};
    static float x[3 * 32 * 32], y[3 * 32 * 32];
    const urs_input_format f = {.width = 32, .height = 32, .mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}};
    const urs_chip_augment none = {0};
    urs_random r;
    urs_random_init(&r, 1);
    URS_REQUIRE_OK(t, urs_image_new(&chip, 32, 16, 3, &err), err);
    memset(chip.data, 255, 32 * 16 * 3);
    urs_image_at(&chip, 5, 3)[0] = 0;
    URS_REQUIRE_OK(t, urs_chip_tensor(x, &chip, &f, NULL, NULL, &err), err);
    URS_CHECK_NEAR(t, x[0], -1, 1e-6); /* black above and below */
    URS_CHECK_NEAR(t, x[31 * 32], -1, 1e-6);
    URS_CHECK_NEAR(t, x[16 * 32], 1, 1e-6);
    URS_CHECK_NEAR(t, x[(8 + 3) * 32 + 5], -1, 1e-6);
    /* With settings that draw nothing, the other path gives the same. */
    URS_REQUIRE_OK(t, urs_chip_tensor(y, &chip, &f, &none, &r, &err), err);
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        URS_CHECK_NEAR(t, x[i], y[i], 1e-6);
    urs_image_release(&chip);
}

static void augmented_tensors_repeat_and_differ(urs_test *t)
{
    urs_chips c = {0};
    urs_error err = {0};
    char *dir = make_trees(t, "chipstensor");
    urs_text bears = tree_text(dir, "bears"), seals = tree_text(dir, "seals");
    const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
    const urs_chips_options o = {.trees = trees, .tree_count = 2};
    const urs_input_format f = {.width = 48, .height = 48};
    const urs_chip_augment a = urs_chip_augment_default(), black = {.p_black = 1};
    static float x[3 * 48 * 48], y[3 * 48 * 48];
    URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
    for (size_t i = 0; i < c.count; i++) {
        URS_REQUIRE_OK(t, urs_chips_prepare(x, &c, i, 1, 2, 3, &f, &a, &err), err);
        URS_REQUIRE_OK(t, urs_chips_prepare(y, &c, i, 1, 2, 3, &f, &a, &err), err);
        URS_CHECK(t, memcmp(x, y, sizeof x) == 0);
        URS_REQUIRE_OK(t, urs_chips_prepare(y, &c, i, 1, 3, 3, &f, &a, &err), err);
        URS_CHECK(t, memcmp(x, y, sizeof x) != 0);
        URS_REQUIRE_OK(t, urs_chips_prepare(x, &c, i, 1, 2, 4, &f, &black, &err), err);
        URS_CHECK(t, x[0] == 0 && x[47] == 0 && x[48 * 48 - 1] == 0 && x[24 * 48 + 24] > 0);
    }
    URS_CHECK_INT(t, urs_chips_prepare(x, &c, c.count, 1, 2, 3, &f, &a, &err), URS_EINVAL);
    urs_chips_release(&c);
    urs_text_release(&bears);
    urs_text_release(&seals);
    free(dir);
}

/* Without colour changes the flip is exact, and a rotation of the picture by the warp is one of the tensor. */
static void flips_are_exact(urs_test *t)
{
    urs_image chip = {0};
    urs_error err = {0};
    static float x[3 * 32 * 32], y[3 * 32 * 32];
    const urs_input_format f = {.width = 32, .height = 32};
    const urs_chip_augment flip = {.flip = 1};
    urs_random r;
    urs_random_init(&r, 1);
    URS_REQUIRE_OK(t, urs_image_new(&chip, 32, 32, 3, &err), err);
    for (size_t i = 0; i < 32 * 32 * 3; i++)
        chip.data[i] = (uint8_t)(urs_random_u64(&r) & 255);
    URS_REQUIRE_OK(t, urs_chip_tensor(x, &chip, &f, NULL, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_chip_tensor(y, &chip, &f, &flip, &r, &err), err);
    for (int p = 0; p < 3 * 32; p++)
        for (int i = 0; i < 32; i++)
            URS_CHECK_NEAR(t, x[p * 32 + i], y[p * 32 + 31 - i], 1e-6);
    urs_image_release(&chip);
}

static void shared_chips_fit_in_memory(urs_test *t)
{
    urs_chips c = {0};
    urs_error err = {0};
    urs_text bears = {0}, seals = {0};
    const char *shared = urs_test_shared();
    if (!shared) {
        urs_test_skip(t, "no shared photographs");
        return;
    }
    urs_text_format(&bears, "%s/data/chips/brooks_falls", shared);
    urs_text_format(&seals, "%s/data/others/seal2019:seal19@1", shared);
    {
        const char *trees[2] = {urs_text_string(&bears), urs_text_string(&seals)};
        const urs_chips_options o = {.trees = trees, .tree_count = 2, .validation = 0.2f, .test = 0.2f, .thin_bits = 6, .per_individual = 20};
        URS_REQUIRE_OK(t, urs_chips_load(&c, &o, NULL, &err), err);
    }
    URS_CHECK(t, c.thinned > 20 && c.cache.bytes < 60000000 && c.train_classes > 60);
    urs_chips_release(&c);
    urs_text_release(&bears);
    urs_text_release(&seals);
}

int main(void)
{
    static const urs_case cases[] = {{"trees_are_split_and_thinned", trees_are_split_and_thinned},
                                     {"caps_and_limits_hold", caps_and_limits_hold},
                                     {"shares_of_training", shares_of_training},
                                     {"folds_cover_every_bear_once", folds_cover_every_bear_once},
                                     {"plain_tensors_are_what_use_makes", plain_tensors_are_what_use_makes},
                                     {"augmented_tensors_repeat_and_differ", augmented_tensors_repeat_and_differ},
                                     {"flips_are_exact", flips_are_exact},
                                     {"shared_chips_fit_in_memory", shared_chips_fit_in_memory}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
