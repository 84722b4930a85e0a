/* Candidates and verdicts against a plain computation, thresholds fitted on drawn bears, and the store of a run. */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/vector.h"
#include "catalogue/head_store.h"
#include "catalogue/identify.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIM = 24, CHIPS = 6 };

/* Bears as random directions, chips around them; [bears * CHIPS][DIM]. */
static float *draw_bears(size_t bears, float spread, uint64_t seed, int64_t *identity)
{
    float *e = urs_array_new(bears * CHIPS * DIM, sizeof *e), centre[DIM];
    urs_random r;
    urs_random_init(&r, seed);
    for (size_t b = 0; e && b < bears; b++) {
        for (int k = 0; k < DIM; k++)
            centre[k] = (float)urs_random_normal(&r);
        (void)urs_normalise(centre, DIM);
        for (size_t c = 0; c < CHIPS; c++) {
            float *v = e + (b * CHIPS + c) * DIM;
            for (int k = 0; k < DIM; k++)
                v[k] = centre[k] + spread * (float)urs_random_normal(&r);
            (void)urs_normalise(v, DIM);
            identity[b * CHIPS + c] = (int64_t)(100 + b);
        }
    }
    return e;
}

static void answers_are_posteriors(urs_test *t)
{
    int64_t identity[10 * CHIPS];
    float *e = draw_bears(10, 0.15f, 1, identity);
    const urs_calibration cal = {.kind = URS_CALIBRATION_LOGISTIC, .slope = 12, .intercept = -6, .prior = 0.1};
    urs_identify_options how = {.calibration = &cal, .verdict = {.known_at = 0.5, .new_below = 0.3}, .new_prior = 0.4};
    urs_identification a;
    urs_search *s = NULL;
    urs_error err = {0};
    double best[10], total = 0.4, sum = 0;
    URS_REQUIRE(t, e);
    URS_REQUIRE_OK(t, urs_search_new(&s, DIM, &err), err);
    URS_REQUIRE_OK(t, urs_identify(&a, s, e, 5, &how, &err), err);
    URS_CHECK(t, a.count == 0 && a.verdict == URS_VERDICT_NEW && a.p_new == 1); /* nobody is known */
    for (size_t i = 1; i < 10 * CHIPS; i++)
        URS_REQUIRE_OK(t, urs_search_add(s, (int64_t)i, identity[i], e + i * DIM, &err), err);
    URS_REQUIRE_OK(t, urs_identify(&a, s, e, 10, &how, &err), err);
    URS_CHECK_INT(t, a.count, 10);
    URS_CHECK_INT(t, a.candidate[0].bear, 100);
    for (size_t b = 0; b < 10; b++) {
        double cosine = -1;
        for (size_t c = 0; c < CHIPS; c++)
            if (b + c > 0)
                cosine = fmax(cosine, (double)urs_dot(e, e + (b * CHIPS + c) * DIM, DIM));
        best[b] = exp(12 * cosine - 6) * (0.9 / 0.1) * 0.6 / 10;
        total += best[b];
    }
    for (size_t i = 0; i < 10; i++) {
        URS_CHECK_NEAR(t, a.candidate[i].probability, best[a.candidate[i].bear - 100] / total, 1e-5);
        URS_CHECK(t, i == 0 || a.candidate[i].probability <= a.candidate[i - 1].probability);
        sum += a.candidate[i].probability;
    }
    URS_CHECK_NEAR(t, sum + a.p_new, 1, 1e-9);
    URS_CHECK_INT(t, a.verdict, URS_VERDICT_KNOWN);
    how.verdict = (urs_verdict_options){.known_at = 2, .new_below = -1};
    URS_REQUIRE_OK(t, urs_identify(&a, s, e, 3, &how, &err), err);
    URS_CHECK(t, a.verdict == URS_VERDICT_UNSURE && a.count == 3);
    URS_CHECK_INT(t, urs_identify_verdict(0.1, 0.8, &(urs_verdict_options){.known_at = 0.5, .new_below = 0.3}), URS_VERDICT_NEW);
    URS_CHECK_INT(t, urs_identify_verdict(0.1, 0.6, &(urs_verdict_options){.known_at = 0.5, .new_below = 0.3}), URS_VERDICT_UNSURE);
    URS_CHECK_INT(t, urs_identify(&a, s, e, 0, &how, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_identify(&a, s, e, URS_CANDIDATES_MAX + 1, &how, &err), URS_EINVAL);
    urs_search_free(s);
    urs_free(e);
}

/* Thresholds from some bears, verdicts on others, half of which are in the gallery. */
/* Every question asked again of an index that holds what the question allows. */
static void cases_are_what_identify_says(urs_test *t)
{
    enum { BEARS = 5 };
    int64_t identity[BEARS * CHIPS];
    float *e = draw_bears(BEARS, 0.3f, 4, identity);
    const urs_calibration cal = {.kind = URS_CALIBRATION_LOGISTIC, .slope = 9, .intercept = -5, .prior = 0.2};
    const urs_identify_options how = {.calibration = &cal, .new_prior = 0.3};
    urs_identify_case *cases = NULL;
    urs_error err = {0};
    size_t n = 0, at = 0, wrong = 0;
    URS_REQUIRE(t, e);
    identity[BEARS * CHIPS - 1] = 999; /* a lone chip: only asked as a new one */
    URS_REQUIRE_OK(t, urs_identify_cases(&cases, &n, e, identity, BEARS * CHIPS, DIM, &cal, 0.3, &err), err);
    URS_CHECK_INT(t, n, 2 * BEARS * CHIPS - 1);
    for (size_t i = 0; i < BEARS * CHIPS; i++)
        for (int with_own = 0; with_own < 2 && at < n; with_own++) {
            urs_identification a;
            urs_search *s = NULL;
            if (with_own && identity[i] == 999)
                continue;
            URS_REQUIRE_OK(t, urs_search_new(&s, DIM, &err), err);
            for (size_t j = 0; j < BEARS * CHIPS; j++)
                if (j != i && (with_own || identity[j] != identity[i]))
                    URS_REQUIRE_OK(t, urs_search_add(s, (int64_t)j + 1, identity[j], e + j * DIM, &err), err);
            URS_REQUIRE_OK(t, urs_identify(&a, s, e + i * DIM, 1, &how, &err), err);
            URS_CHECK_INT(t, cases[at].identity, identity[i]);
            URS_CHECK_INT(t, cases[at].known, with_own);
            URS_CHECK_NEAR(t, cases[at].best, a.candidate[0].probability, 1e-6);
            URS_CHECK_NEAR(t, cases[at].p_new, a.p_new, 1e-6);
            URS_CHECK_INT(t, cases[at].first_is_own, a.candidate[0].bear == identity[i]);
            wrong += with_own && !cases[at].first_is_own;
            at++;
            urs_search_free(s);
        }
    URS_CHECK(t, at == n && wrong > 0); /* else this test says little */
    urs_free(cases);
    urs_free(e);
}

static void fitted_thresholds_hold(urs_test *t)
{
    enum { BEARS = 40 };
    static int64_t identity[BEARS * CHIPS];
    float *fit_on = draw_bears(BEARS, 0.13f, 2, identity), *use_on = draw_bears(BEARS, 0.13f, 3, identity);
    urs_identify_fit fit = {0};
    urs_search *s = NULL;
    urs_identification a;
    urs_error err = {0};
    size_t known = 0, known_right = 0, fresh = 0, fresh_right = 0;
    URS_REQUIRE(t, fit_on && use_on);
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&fit, fit_on, identity, BEARS * CHIPS, DIM, NULL, &err), err);
    URS_CHECK_INT(t, fit.known_cases, BEARS * CHIPS);
    URS_CHECK_INT(t, fit.new_cases, BEARS * CHIPS);
    URS_CHECK(t, fit.known_precision >= 0.9 && fit.new_precision >= 0.9);
    URS_CHECK(t, fit.known_share > 0.5 && fit.new_share > 0.5);
    URS_CHECK_NEAR(t, fit.calibration.prior, 1.0 / BEARS, 1e-9);
    URS_REQUIRE_OK(t, urs_search_new(&s, DIM, &err), err);
    for (size_t i = 0; i < BEARS * CHIPS; i++)
        if (i % CHIPS < CHIPS / 2 && i / CHIPS < BEARS / 2)
            URS_REQUIRE_OK(t, urs_search_add(s, (int64_t)i + 1, identity[i], use_on + i * DIM, &err), err);
    for (size_t i = 0; i < BEARS * CHIPS; i++) {
        const urs_identify_options how = {.calibration = &fit.calibration, .verdict = fit.verdict};
        const bool in_gallery = i / CHIPS < BEARS / 2;
        if (i % CHIPS < CHIPS / 2)
            continue;
        URS_REQUIRE_OK(t, urs_identify(&a, s, use_on + i * DIM, 5, &how, &err), err);
        known += a.verdict == URS_VERDICT_KNOWN;
        known_right += a.verdict == URS_VERDICT_KNOWN && a.candidate[0].bear == identity[i];
        fresh += a.verdict == URS_VERDICT_NEW;
        fresh_right += a.verdict == URS_VERDICT_NEW && !in_gallery;
    }
    URS_CHECK(t, known > 20 && fresh > 20);
    URS_CHECK(t, (double)known_right >= 0.8 * (double)known);
    URS_CHECK(t, (double)fresh_right >= 0.8 * (double)fresh);
    urs_search_free(s);
    urs_calibration_release(&fit.calibration);
    urs_free(fit_on);
    urs_free(use_on);
}

/* Names are right nine times in ten in small catalogues and large ones, when as many of the heads asked about are strangers. Each chip is asked in one catalogue with its bear and one without. */
static void thresholds_hold_in_catalogues_of_any_size(urs_test *t)
{
    enum { BEARS = 20 };
    static int64_t identity[BEARS * CHIPS];
    float *e = draw_bears(BEARS, 0.24f, 8, identity);
    urs_identify_fit fit = {0};
    urs_identification a;
    urs_error err = {0};
    urs_random random;
    URS_REQUIRE(t, e);
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&fit, e, identity, BEARS * CHIPS, DIM, &(urs_identify_fit_options){.never_isotonic = true}, &err), err);
    urs_random_init(&random, 3);
    for (size_t size = 1; size < BEARS; size *= 2) {
        const urs_identify_options how = {.calibration = &fit.calibration, .verdict = fit.verdict};
        size_t named = 0, right = 0;
        for (size_t ask = 0; ask < 10 * 2 * BEARS * CHIPS; ask++) {
            const size_t chip = ask / 2 % (BEARS * CHIPS), own = chip / CHIPS, first = 1 + urs_random_below(&random, BEARS - 1), with_own = ask % 2;
            urs_search *s = NULL;
            URS_REQUIRE_OK(t, urs_search_new(&s, DIM, &err), err);
            for (size_t k = 0; k < size; k++) {
                const size_t bear = k == 0 && with_own ? own : (own + 1 + (first + k) % (BEARS - 1)) % BEARS;
                for (size_t c = bear * CHIPS; c < (bear + 1) * CHIPS; c++)
                    if (c != chip)
                        URS_REQUIRE_OK(t, urs_search_add(s, (int64_t)c + 1, identity[c], e + c * DIM, &err), err);
            }
            URS_REQUIRE_OK(t, urs_identify(&a, s, e + chip * DIM, 1, &how, &err), err);
            named += a.verdict == URS_VERDICT_KNOWN;
            right += a.verdict == URS_VERDICT_KNOWN && a.candidate[0].bear == identity[chip];
            urs_search_free(s);
        }
        URS_CHECK(t, named > 50);
        URS_CHECK(t, (double)right >= 0.89 * (double)named);
    }
    urs_calibration_release(&fit.calibration);
    urs_free(e);
}

/* Two networks see the same bears; where the first puts a bear, the second puts the one before it. As two galleries they say what one of them says; as one they contradict each other. */
static void galleries_of_two_spaces_are_kept_apart(urs_test *t)
{
    enum { BEARS = 20, N = BEARS * CHIPS };
    static int64_t identity[2 * N], group[2 * N];
    float *one = draw_bears(BEARS, 0.13f, 6, identity), *two = urs_array_new(2 * (size_t)N, DIM * sizeof *two);
    urs_identify_fit alone = {0}, apart = {0}, mixed = {0};
    urs_error err = {0};
    URS_REQUIRE(t, one && two);
    for (size_t i = 0; i < 2 * N; i++) {
        for (size_t d = 0; d < DIM; d++)
            two[i * DIM + d] = one[(i + (i < N ? 0 : CHIPS)) % N * DIM + d];
        identity[i] = identity[i % N];
        group[i] = i < N ? 7 : 3;
    }
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&alone, one, identity, N, DIM, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&apart, two, identity, 2 * N, DIM, &(urs_identify_fit_options){.group = group}, &err), err);
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&mixed, two, identity, 2 * N, DIM, NULL, &err), err);
    URS_CHECK_INT(t, apart.known_cases, 2 * alone.known_cases);
    URS_CHECK_INT(t, apart.calibration.pairs, 2 * alone.calibration.pairs);
    URS_CHECK_NEAR(t, apart.calibration.prior, alone.calibration.prior, 1e-12);
    URS_CHECK(t, alone.known_share > 0.9);
    URS_CHECK_NEAR(t, apart.known_share, alone.known_share, 0.02);
    URS_CHECK(t, mixed.known_share < 0.6 * alone.known_share);
    urs_calibration_release(&alone.calibration);
    urs_calibration_release(&apart.calibration);
    urs_calibration_release(&mixed.calibration);
    urs_free(one);
    urs_free(two);
}

/* Chips that say nothing about the bear: nothing may be called known or new. */
static void noise_gives_no_verdicts(urs_test *t)
{
    enum { BEARS = 12 };
    int64_t identity[BEARS * CHIPS];
    float *e = draw_bears(BEARS, 100, 4, identity);
    urs_identify_fit fit = {0};
    urs_error err = {0};
    URS_REQUIRE(t, e);
    URS_REQUIRE_OK(t, urs_identify_fit_chips(&fit, e, identity, BEARS * CHIPS, DIM, NULL, &err), err);
    URS_CHECK(t, fit.verdict.known_at > 1);
    URS_CHECK(t, fit.verdict.new_below < 0);
    urs_calibration_release(&fit.calibration);
    for (size_t i = 0; i < BEARS * CHIPS; i++)
        identity[i] = 5;
    URS_CHECK_INT(t, urs_identify_fit_chips(&fit, e, identity, BEARS * CHIPS, DIM, NULL, &err), URS_EINVAL);
    for (size_t i = 0; i < BEARS * CHIPS; i++)
        identity[i] = (int64_t)i;
    URS_CHECK_INT(t, urs_identify_fit_chips(&fit, e, identity, BEARS * CHIPS, DIM, NULL, &err), URS_EINVAL);
    urs_free(e);
}

/* ---- the store ---- */

typedef struct seen {
    size_t count;
    char names[8][16];
    size_t numbers[8];
    float first[8], asked[8];
} seen;

static urs_status see(void *context, const char *file, size_t number, const float *embedding, const float *asked, urs_error *err)
{
    seen *s = context;
    (void)err;
    if (s->count < 8) {
        (void)snprintf(s->names[s->count], sizeof s->names[0], "%s", file);
        s->numbers[s->count] = number;
        s->first[s->count] = embedding[0];
        s->asked[s->count] = asked[0];
    }
    s->count++;
    return URS_OK;
}

static void store_keeps_heads(urs_test *t)
{
    char *folder = urs_test_folder("head-store"), path[512];
    urs_identification fresh = {.verdict = URS_VERDICT_NEW, .p_new = 0.75, .count = 2, .candidate = {{7, 70, 0.5f, 0.2}, {8, 80, 0.25f, 0.05}}};
    urs_identification known = {.verdict = URS_VERDICT_KNOWN, .p_new = 0.1}, back = {0};
    float e[2][3] = {{1, 0, 0}, {2, 0, 0}}, later[3] = {3, 0, 0};
    uint8_t chip[] = "chip", picture[] = "picture";
    urs_kept_picture shown = {.jpeg = {picture, sizeof picture}, .width = 40, .height = 30}, got = {0};
    const urs_kept_head heads[2] = {{e[0], {chip, sizeof chip}, &fresh}, {e[1], {0}, &known}}, other = {later, {0}, &fresh};
    urs_head_store *s = NULL;
    urs_bytes bytes = {0};
    urs_error err = {0};
    seen found = {0};
    (void)snprintf(path, sizeof path, "%s/r.json.heads", folder);
    (void)unlink(path);
    URS_REQUIRE_OK(t, urs_head_store_open(&s, path, 3, false, &err), err);
    URS_REQUIRE_OK(t, urs_head_store_add(s, "b \xff.jpg", heads, 2, &shown, &err), err);
    URS_REQUIRE_OK(t, urs_head_store_add(s, "b \xff.jpg", heads, 2, &shown, &err), err); /* again: replaces */
    URS_REQUIRE_OK(t, urs_head_store_add(s, "a.jpg", &other, 1, NULL, &err), err);
    urs_head_store_close(s, false);
    URS_CHECK_INT(t, urs_head_store_open(&s, path, 4, false, &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_head_store_open(&s, path, 3, false, &err), err);
    URS_REQUIRE_OK(t, urs_head_store_each(s, URS_VERDICT_NEW, see, &found, &err), err);
    URS_CHECK_INT(t, found.count, 2);
    URS_CHECK_TEXT(t, found.names[0], "a.jpg");
    URS_CHECK_TEXT(t, found.names[1], "b \xff.jpg");
    URS_CHECK(t, found.first[0] == 3 && found.first[1] == 1 && found.numbers[1] == 0 && found.asked[0] == 3);
    { /* judged again: the answer changes, the embedding stays */
        const float vector[3] = {7, 8, 9};
        float embedding[3];
        urs_identification again = {.verdict = URS_VERDICT_NEW, .p_new = 0.5, .count = 1, .candidate = {{.bear = 4, .chip = 44, .score = 0.25f, .probability = 0.5}}};
        URS_REQUIRE_OK(t, urs_head_store_judge(s, "a.jpg", 0, vector, &again, &err), err);
        URS_CHECK_INT(t, urs_head_store_judge(s, "a.jpg", 1, vector, &again, &err), URS_ENOTFOUND);
        URS_REQUIRE_OK(t, urs_head_store_head(s, "a.jpg", 0, NULL, &back, &err), err);
        URS_CHECK(t, back.count == 1 && back.candidate[0].chip == 44 && back.p_new == 0.5);
        URS_REQUIRE_OK(t, urs_head_store_embedding(s, "a.jpg", 0, embedding, &err), err);
        URS_CHECK(t, embedding[0] == 3);
        URS_CHECK_INT(t, urs_head_store_embedding(s, "a.jpg", 1, embedding, &err), URS_ENOTFOUND);
        found.count = 0;
        URS_REQUIRE_OK(t, urs_head_store_each(s, URS_VERDICT_NEW, see, &found, &err), err);
        URS_CHECK(t, found.count == 2 && found.first[0] == 3 && found.asked[0] == 7 && found.asked[1] == found.first[1]);
    }
    URS_REQUIRE_OK(t, urs_head_store_head(s, "b \xff.jpg", 0, &bytes, &back, &err), err);
    URS_CHECK(t, bytes.size == sizeof chip && memcmp(bytes.data, chip, sizeof chip) == 0);
    URS_CHECK(t, back.verdict == URS_VERDICT_NEW && back.count == 2 && back.candidate[1].chip == 80 && back.candidate[0].probability == 0.2 && back.p_new == 0.75);
    urs_bytes_release(&bytes);
    URS_REQUIRE_OK(t, urs_head_store_head(s, "b \xff.jpg", 1, &bytes, NULL, &err), err);
    URS_CHECK(t, bytes.data == NULL);
    URS_CHECK_INT(t, urs_head_store_head(s, "b \xff.jpg", 2, &bytes, NULL, &err), URS_ENOTFOUND);
    URS_REQUIRE_OK(t, urs_head_store_picture(s, "b \xff.jpg", &got, &err), err);
    URS_CHECK(t, got.jpeg.size == sizeof picture && got.width == 40 && got.height == 30);
    urs_bytes_release(&got.jpeg);
    URS_REQUIRE_OK(t, urs_head_store_picture(s, "a.jpg", &got, &err), err);
    URS_CHECK(t, got.jpeg.data == NULL);
    urs_head_store_close(s, false);
    URS_REQUIRE_OK(t, urs_head_store_open(&s, path, 4, true, &err), err); /* fresh: another length is fine */
    found.count = 0;
    URS_REQUIRE_OK(t, urs_head_store_each(s, URS_VERDICT_NEW, see, &found, &err), err);
    URS_CHECK_INT(t, found.count, 0);
    urs_head_store_close(s, true);
    URS_CHECK(t, !urs_file_exists(path));
    URS_REQUIRE_OK(t, urs_head_store_open(&s, NULL, 3, false, &err), err);
    URS_REQUIRE_OK(t, urs_head_store_add(s, "a.jpg", &other, 1, NULL, &err), err);
    urs_head_store_close(s, true);
    URS_REQUIRE_OK(t, urs_file_write(path, "no database at all, but long enough to be one", 46, &err), err);
    URS_CHECK(t, urs_head_store_open(&s, path, 3, false, &err) != URS_OK);
    (void)unlink(path);
    free(folder);
}

int main(void)
{
    static const urs_case cases[] = {
        {"cases are what identify says", cases_are_what_identify_says},
        {"probabilities over all bears", answers_are_posteriors},
        {"fitted thresholds hold on other bears", fitted_thresholds_hold},
        {"thresholds hold in catalogues of any size", thresholds_hold_in_catalogues_of_any_size},
        {"galleries of two spaces are kept apart", galleries_of_two_spaces_are_kept_apart},
        {"noise gives no verdicts", noise_gives_no_verdicts},
        {"store of a run", store_keeps_heads},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
