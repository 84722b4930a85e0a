/* Measures of Table 1 against counting by hand, and the curve of precision and recall. */
#include "harness.h"

#include "base/memory.h"
#include "eval/class_measure.h"
#include "eval/classification.h"

#include <math.h>

enum { EMPTY = 1, ANIMAL = 2, BEAR = 4, FRAMES = 12 };

/*                                    camera 0      1           2        3        4  */
static const int32_t truth[FRAMES] = {0, 0, 0, /**/ 1, 1, 1, /**/ 2, 2, /**/ 2, /**/ 1, 0, 2};
static const int32_t answer[FRAMES] = {0, 0, 2, /**/ 1, 2, 0, /**/ 2, 2, /**/ 1, /**/ 1, 0, 0};
static const int32_t other[FRAMES] = {0, 0, 0, /**/ 1, 2, 0, /**/ 2, 0, /**/ 0, /**/ 1, 0, 0};
static const int64_t camera[FRAMES] = {0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 4};

static void every_measure_is_counted(urs_test *t)
{
    static const struct {
        urs_class_measure measure;
        double value;
        size_t of;
    } rows[] = {
        {{URS_MEASURE_ACCURACY, 0, 0}, 7.0 / 12, 12},
        {{URS_MEASURE_ACCURACY, BEAR, BEAR}, 8.0 / 12, 12},     /* 2 bears found, 6 others not called bear */
        {{URS_MEASURE_RECALL, EMPTY, EMPTY}, 3.0 / 4, 4},
        {{URS_MEASURE_PRECISION, EMPTY, EMPTY}, 3.0 / 5, 5},
        {{URS_MEASURE_F1, EMPTY, EMPTY}, 2 * 3.0 / 9, 12},
        {{URS_MEASURE_RECALL, ANIMAL, ANIMAL}, 2.0 / 4, 4},
        {{URS_MEASURE_RECALL, BEAR, BEAR}, 2.0 / 4, 4},
        {{URS_MEASURE_PRECISION, BEAR, BEAR}, 2.0 / 4, 4},
        {{URS_MEASURE_RECALL, EMPTY, BEAR}, 1.0 / 4, 4},        /* false alarms */
        {{URS_MEASURE_RECALL, BEAR, EMPTY}, 1.0 / 4, 4},        /* bears lost */
        {{URS_MEASURE_RECALL, EMPTY | ANIMAL | BEAR, ANIMAL | BEAR}, 7.0 / 12, 12},
    };
    const urs_class_answers x = {.truth = truth, .answer = answer, .cluster = camera, .count = FRAMES};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        urs_interval v;
        urs_error err = {0};
        size_t of = 0;
        URS_REQUIRE_OK(t, urs_class_measure_take(&v, &of, &rows[i].measure, &x, 200, 1, &err), err);
        URS_CHECK_NEAR(t, v.value, rows[i].value, 1e-12);
        URS_CHECK(t, v.low <= v.value && v.value <= v.high && v.low >= 0 && v.high <= 1);
        URS_CHECK_INT(t, of, rows[i].of);
    }
}

static void parts_and_differences(urs_test *t)
{
    const urs_class_measure recall = {URS_MEASURE_RECALL, BEAR, BEAR}, night = {URS_MEASURE_RECALL, ANIMAL, BEAR};
    bool use[FRAMES] = {0};
    urs_class_answers x = {.truth = truth, .answer = answer, .less = other, .cluster = camera, .use = use, .count = FRAMES};
    urs_interval v;
    urs_error err = {0};
    size_t of;
    use[6] = use[7] = use[8] = true; /* three bears: two found, against one */
    URS_REQUIRE_OK(t, urs_class_measure_take(&v, &of, &recall, &x, 200, 1, &err), err);
    URS_CHECK_NEAR(t, v.value, 1.0 / 3, 1e-12);
    URS_CHECK_INT(t, of, 3);
    URS_CHECK(t, v.low >= 0 && v.high <= 0.5 + 1e-12); /* 0 where only camera 3 is drawn, 1/2 where only camera 2 is */
    x.less = answer;
    URS_REQUIRE_OK(t, urs_class_measure_take(&v, &of, &recall, &x, 200, 1, &err), err);
    URS_CHECK(t, v.value == 0 && v.low == 0 && v.high == 0); /* paired: a classifier differs from itself in no draw */
    URS_REQUIRE_OK(t, urs_class_measure_take(&v, &of, &night, &x, 200, 1, &err), err);
    URS_CHECK(t, isnan(v.value) && of == 0); /* no animals among these */
}

/* The area under the steps is the average precision. */
static void curve_holds_the_average_precision(urs_test *t)
{
    static const float score[] = {0.9f, 0.8f, 0.8f, 0.7f, 0.3f, 0.2f, 0.2f, 0.1f};
    static const uint8_t positive[] = {1, 0, 1, 1, 0, 0, 1, 0}, none[8] = {0};
    double recall[8], precision[8], area = 0;
    size_t n = 0;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_precision_recall(recall, precision, &n, score, positive, 8, &err), err);
    URS_CHECK_INT(t, n, 6); /* two ties */
    for (size_t i = 0; i < n; i++) {
        area += (recall[i] - (i ? recall[i - 1] : 0)) * precision[i];
        URS_CHECK(t, i == 0 || recall[i] >= recall[i - 1]);
    }
    URS_CHECK_NEAR(t, area, urs_average_precision(score, positive, 8), 1e-12);
    URS_CHECK(t, recall[n - 1] == 1 && precision[n - 1] == 0.5);
    URS_CHECK_NEAR(t, precision[1], 2.0 / 3, 1e-12);
    URS_CHECK_INT(t, urs_precision_recall(recall, precision, &n, score, none, 8, &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {
        {"every measure is counted", every_measure_is_counted},
        {"parts and differences", parts_and_differences},
        {"curve holds the average precision", curve_holds_the_average_precision},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
