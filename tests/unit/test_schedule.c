/* Learning-rate schedules against torch's, and the warm-up. */
#include "golden.h"
#include "harness.h"
#include "train/schedule.h"

static void as_pytorch(urs_test *t)
{
    const urs_schedule cosine = {.kind = URS_SCHEDULE_COSINE, .lr = 1e-3, .final = 1e-3, .steps = 20};
    const urs_schedule step = {.kind = URS_SCHEDULE_STEP, .lr = 1e-3, .steps = 20, .every = 4, .factor = 0.3};
    const urs_schedule linear = {.kind = URS_SCHEDULE_LINEAR, .lr = 1e-3, .final = 0.01, .steps = 20};
    urs_golden *g;
    urs_error err = {0};

    URS_REQUIRE_OK(t, urs_golden_open(&g, URS_SOURCE_DIR "/tests/golden/optimiser.gold", &err), err);
    for (uint64_t i = 0; i <= 20; i++) {
        URS_CHECK_NEAR(t, urs_schedule_at(&cosine, i), urs_golden_find(g, "schedule/cosine")->f64[i], 1e-15);
        URS_CHECK_NEAR(t, urs_schedule_at(&step, i), urs_golden_find(g, "schedule/step")->f64[i], 1e-15);
        URS_CHECK_NEAR(t, urs_schedule_at(&linear, i), urs_golden_find(g, "schedule/linear")->f64[i], 1e-15);
    }
    URS_CHECK_NEAR(t, urs_schedule_at(&linear, 1000), 1e-5, 1e-18);
    urs_golden_close(g);
}

static void warms_up(urs_test *t)
{
    urs_schedule s = {.kind = URS_SCHEDULE_CONSTANT, .lr = 0.01, .steps = 100, .warmup = 10, .warmup_start = 0.1};

    URS_CHECK_NEAR(t, urs_schedule_at(&s, 0), 0.1, 1e-15); /* YOLO's biases come from above */
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 5), 0.055, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 10), 0.01, 1e-15);
    /* the line goes to the value of the moment, not to the first one */
    s = (urs_schedule){.kind = URS_SCHEDULE_LINEAR, .lr = 1, .steps = 100, .warmup = 10};
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 5), 0.5 * 0.95, 1e-15);
    s.decay_after = true;
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 10), 1, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 55), 0.5, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 100), 0, 1e-15);
    /* stairs hold still during an epoch */
    s = (urs_schedule){.kind = URS_SCHEDULE_LINEAR, .lr = 1, .steps = 100, .stair = 10};
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 19), 0.9, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_at(&s, 20), 0.8, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_ramp(3, 4, 0.8, 0.9), 0.875, 1e-15);
    URS_CHECK_NEAR(t, urs_schedule_ramp(0, 0, 0.8, 0.9), 0.9, 1e-15);
}

int main(void)
{
    static const urs_case cases[] = {{"as_pytorch", as_pytorch}, {"warms_up", warms_up}};

    return urs_run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
