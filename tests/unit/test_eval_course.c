/* The log of a training as curves: what counts as a line, trainings that were gone on with, and logs that are none. */
#include "harness.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/eval_course.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static urs_status parse(urs_course *out, const char *text, urs_error *err)
{
    return urs_course_parse(out, text, strlen(text), err);
}

static void epochs_are_read(urs_test *t)
{
    urs_course c = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, parse(&c,
                            "find: 148 training photographs\n"
                            "epoch   1/4  loss 134.0118  validation box mAP50 0.100  score 0.0351 *  19.0 images/s  45 s\n"
                            "epoch   2/4  loss 97.5  19.0 images/s  86 s\n"
                            "epoch   3/4  loss 60.25  all frames but the test part were trained on  score 0.0000 *  16.0 images/s  544 s\n"
                            "epoch   4/4  loss nan  validation box  score 0.5\n"
                            "epoch   4/4  loss 50  validation box  score 0.25",
                            &err),
                   err);
    URS_REQUIRE(t, c.count == 4);
    URS_CHECK(t, c.epoch[0] == 1 && c.loss[0] == 134.0118 && c.score[0] == 0.0351);
    URS_CHECK(t, c.loss[1] == 97.5 && isnan(c.score[1]));
    URS_CHECK(t, c.loss[2] == 60.25 && isnan(c.score[2])); /* nothing was validated */
    URS_CHECK(t, c.epoch[3] == 4 && c.loss[3] == 50 && c.score[3] == 0.25);
    urs_course_release(&c);
}

/* Interrupted in epoch 3 and gone on from the checkpoint behind epoch 1. */
static void later_lines_count(urs_test *t)
{
    urs_course c = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, parse(&c, "epoch 1/3 x loss 9\nepoch 2/3 x loss 8\nepoch 3/3 x loss 7\nepoch 2/3 x loss 6\n", &err), err);
    URS_REQUIRE(t, c.count == 2);
    URS_CHECK(t, c.epoch[1] == 2 && c.loss[1] == 6);
    urs_course_release(&c);
}

static void other_texts_give_nothing(urs_test *t)
{
    static const char *const texts[] = {"", "\n\n", "epoch", "epoch x loss 3", "epoch -1 loss 3", "epoch 1e9 loss 3", "epoch 3 loss", "\0\0", "epoch 3 loss inf\n"};
    char longer[3000];
    urs_course c = {0};
    urs_error err = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        URS_REQUIRE_OK(t, parse(&c, texts[i], &err), err);
        URS_CHECK_INT(t, c.count, 0);
        urs_course_release(&c);
    }
    memset(longer, 'e', sizeof longer);
    memcpy(longer, "epoch 1 loss 3 ", 15);
    URS_REQUIRE_OK(t, urs_course_parse(&c, longer, sizeof longer, &err), err);
    URS_CHECK_INT(t, c.count, 0);
    urs_course_release(&c);
}

static void weights_without_a_log(urs_test *t)
{
    char *folder = urs_test_folder("course"), *weights = urs_path_join(folder, "w.safetensors"), *log = urs_path_join(folder, "w.safetensors.log");
    urs_text plots = {0};
    urs_error err = {0};
    URS_REQUIRE(t, weights && log);
    URS_REQUIRE_OK(t, urs_eval_course(&plots, weights, &err), err);
    URS_CHECK_INT(t, plots.length, 0);
    URS_REQUIRE_OK(t, urs_file_write(log, "epoch 1/2 x loss 9 validation score 1\nepoch 2/2 x loss 8 validation score 2\n", 76, &err), err);
    URS_REQUIRE_OK(t, urs_eval_course(&plots, weights, &err), err);
    URS_CHECK(t, strstr(urs_text_string(&plots), "Training: loss") != NULL && strstr(urs_text_string(&plots), "Training: validation score") != NULL);
    urs_text_release(&plots);
    (void)unlink(log);
    urs_free(weights);
    urs_free(log);
    free(folder);
}

int main(void)
{
    static const urs_case cases[] = {
        {"epochs are read", epochs_are_read},
        {"later lines count", later_lines_count},
        {"other texts give nothing", other_texts_give_nothing},
        {"weights without a log", weights_without_a_log},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
