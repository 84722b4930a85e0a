/* Cross-validation of sift: thresholds from pooled scores, the report, the CSV, and a whole small run. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "stages/sift_folds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 10 bears whose scores fall from 0.95 to 0.05, 4 empties, 4 animals, and probes that would spoil every threshold if they counted. */
static urs_sift_scores made_scores(void)
{
    urs_sift_scores s = {.items = urs_array_new(28, sizeof *s.items)};
    for (int i = 0; s.items && i < 28; i++) {
        urs_sift_score *x = &s.items[s.count++];
        const float bear = i < 10 ? 0.95f - 0.1f * (float)i : 0.01f;
        *x = (urs_sift_score){.label = i < 10 ? URS_FRAME_BEAR : i < 14 ? URS_FRAME_EMPTY : i < 18 ? URS_FRAME_ANIMAL : URS_FRAME_BEAR, .fold = 1 + i % 2, .group = i};
        x->source = i >= 18 ? URS_FRAMES_PASTE : i < 10 ? URS_FRAMES_PHOTOS : URS_FRAMES_REAL;
        x->p[URS_FRAME_BEAR] = i >= 18 ? 0 : bear;
        x->p[URS_FRAME_ANIMAL] = i >= 14 && i < 18 ? 0.9f : 0;
        x->p[URS_FRAME_EMPTY] = 1 - x->p[URS_FRAME_BEAR] - x->p[URS_FRAME_ANIMAL];
        (void)snprintf(x->name, sizeof x->name, "f%d.jpg", i);
    }
    return s;
}

static void thresholds_come_from_real_frames(urs_test *t)
{
    urs_sift_scores s = made_scores();
    urs_sift_thresholds at = {0};
    urs_text text = {0};
    urs_error err = {0};
    URS_REQUIRE(t, s.items);
    URS_REQUIRE_OK(t, urs_sift_scores_thresholds(&at, &s, 0.8, &err), err);
    URS_CHECK_NEAR(t, at.bear, 0.25, 1e-6); /* the eighth of ten bears */
    URS_REQUIRE_OK(t, urs_sift_scores_text(&text, &s, &at, 200, &err), err);
    URS_CHECK(t, strstr(urs_text_string(&text), "0.800 (") && strstr(urs_text_string(&text), "probe: paste, bear"));
    URS_CHECK(t, !strstr(urs_text_string(&text), "probe: crops"));
    urs_text_release(&text);
    urs_sift_scores_release(&s);
}

static void scores_are_a_table(urs_test *t)
{
    urs_sift_scores s = made_scores();
    urs_bytes bytes = {0};
    urs_error err = {0};
    char *dir = urs_test_folder("siftscores"), *path = urs_path_join(dir, "s.csv");
    const char *second;
    URS_REQUIRE(t, s.items);
    URS_REQUIRE_OK(t, urs_sift_scores_write(&s, path, &err), err);
    URS_REQUIRE_OK(t, urs_file_read(&bytes, path, 1 << 20, &err), err);
    URS_CHECK(t, strncmp((const char *)bytes.data, "name,source,camera,group,fold,label,empty,animal,bear\n", 54) == 0);
    second = strchr((const char *)bytes.data, '\n') + 1;
    URS_CHECK(t, strncmp(second, "\"f0.jpg\",photos,\"\",0,1,bear,0.05000,0.00000,0.95000\n", 52) == 0);
    urs_bytes_release(&bytes);
    urs_sift_scores_release(&s);
    urs_free(path);
    free(dir);
}

/* 6 cameras with an empty frame, an animal and a bear each: grey, green, red. */
static char *make_frames(urs_test *t, const char *name)
{
    char *dir = urs_test_folder(name), *path;
    urs_text csv = {0};
    urs_error err = {0};
    urs_text_add(&csv, "path,label,camera,infrared\n");
    for (int i = 0; i < 18; i++) {
        static const char *const labels[] = {"empty", "animal", "bear"};
        urs_image image = {0};
        char file[32];
        (void)snprintf(file, sizeof file, "f%02d.png", i);
        path = urs_path_join(dir, file);
        URS_CHECK(t, urs_image_new(&image, 40, 30, 3, &err) == URS_OK);
        for (size_t p = 0; image.data && p < 40 * 30; p++) {
            image.data[3 * p] = i % 3 == 2 ? 220 : 90;
            image.data[3 * p + 1] = i % 3 == 1 ? 220 : 90;
            image.data[3 * p + 2] = 90;
        }
        URS_CHECK(t, urs_image_write(path, &image, &err) == URS_OK);
        urs_image_release(&image);
        urs_free(path);
        urs_text_format(&csv, "%s,%s,cam%d,0\n", file, labels[i % 3], i / 3);
    }
    path = urs_path_join(dir, "manifest.csv");
    URS_CHECK(t, urs_file_write(path, urs_text_string(&csv), csv.length, &err) == URS_OK);
    urs_free(path);
    urs_text_release(&csv);
    return dir;
}

static void every_frame_is_judged_by_a_stranger(urs_test *t)
{
    char *dir = make_frames(t, "siftfolds"), *out = urs_path_join(dir, "w.safetensors");
    const urs_sift_thresholds given = {.bear = 0.125, .animal = 0.25};
    urs_sift_train_options o = {.fit = {.out = out, .epochs = 1, .batch = 2, .threads = 1, .seed = 1, .quiet = true},
                                .frames = {.manifest = dir, .sources = "real", .test = 0.34f, .seed = 1, .folds = 2, .fold_seed = 5}, .side = 32, .draws = 9};
    urs_sift_scores scores = {0}, again = {0};
    urs_network *network = NULL;
    urs_error err = {0};
    size_t twice = 0, same = 0;
    URS_REQUIRE_OK(t, urs_sift_cross_validate(&scores, &o, &err), err);
    URS_CHECK_INT(t, scores.count, 12);
    for (size_t i = 0; i < scores.count; i++)
        for (size_t j = 0; j < i; j++) {
            twice += strcmp(scores.items[i].name, scores.items[j].name) == 0;
            same += scores.items[i].group == scores.items[j].group && scores.items[i].fold != scores.items[j].fold;
        }
    URS_CHECK_INT(t, twice, 0);
    URS_CHECK_INT(t, same, 0);
    o.fit.resume = true; /* finished folds are read, not trained again */
    URS_REQUIRE_OK(t, urs_sift_cross_validate(&again, &o, &err), err);
    URS_REQUIRE(t, again.count == scores.count);
    for (size_t i = 0; i < scores.count; i++)
        URS_CHECK(t, strcmp(again.items[i].name, scores.items[i].name) == 0 && memcmp(again.items[i].p, scores.items[i].p, sizeof scores.items[i].p) == 0);
    URS_CHECK_INT(t, urs_sift_train(&o, NULL, &err), URS_EINVAL); /* nothing is left out: thresholds must come from somewhere */
    o.thresholds = &given;
    o.fit.resume = false;
    URS_REQUIRE_OK(t, urs_sift_train(&o, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_network_read(&network, out, "sift", &err), err);
    URS_CHECK_NEAR(t, urs_network_number(network, "ursid.thresholds", "bear", 0), 0.125, 1e-6);
    URS_CHECK_NEAR(t, urs_network_number(network, "ursid.thresholds", "animal", 0), 0.25, 1e-6);
    o.frames.folds = 0;
    URS_CHECK_INT(t, urs_sift_cross_validate(&again, &o, &err), URS_EINVAL);
    urs_network_free(network);
    urs_sift_scores_release(&scores);
    urs_sift_scores_release(&again);
    urs_free(out);
    free(dir);
}

int main(void)
{
    static const urs_case cases[] = {
        {"thresholds", thresholds_come_from_real_frames},
        {"table", scores_are_a_table},
        {"folds", every_frame_is_judged_by_a_stranger},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
