/* sift: thresholds, order of classes, and a network whose answer is known. */
#include "harness.h"

#include "base/memory.h"
#include "stages/sift.h"

static void verdict_follows_the_thresholds(urs_test *t)
{
    const urs_sift_thresholds half = {.bear = 0.5, .animal = 0.5}, eager = {.bear = 0.1f, .animal = 0.2f};
    const struct {
        float p[URS_FRAME_CLASSES];
        int32_t with_half, with_eager;
    } rows[] = {
        {{0.9f, 0.05f, 0.05f}, URS_FRAME_EMPTY, URS_FRAME_EMPTY},
        {{0.85f, 0.05f, 0.1f}, URS_FRAME_EMPTY, URS_FRAME_BEAR},
        {{0.75f, 0.2f, 0.05f}, URS_FRAME_EMPTY, URS_FRAME_ANIMAL},
        {{0.4f, 0.3f, 0.3f}, URS_FRAME_ANIMAL, URS_FRAME_BEAR},   /* animal and bear together are above one half */
        {{0.1f, 0.4f, 0.5f}, URS_FRAME_BEAR, URS_FRAME_BEAR},     /* on the threshold counts as above */
        {{0.5f, 0.25f, 0.25f}, URS_FRAME_ANIMAL, URS_FRAME_BEAR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        URS_CHECK_INT(t, urs_sift_decide(rows[i].p, &half), rows[i].with_half);
        URS_CHECK_INT(t, urs_sift_decide(rows[i].p, &eager), rows[i].with_eager);
    }
    URS_CHECK_TEXT(t, urs_frame_class_name(URS_FRAME_EMPTY), "empty");
    URS_CHECK_TEXT(t, urs_frame_class_name(URS_FRAME_BEAR), "bear");
}

/* A small network whose logits are the bias of its last layer alone: a known answer for every picture. */
static urs_network *fixed_network(urs_test *t, const float bias[3], int32_t classes)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small", .input_width = 32, .input_height = 32, .classes = classes};
    urs_network *n = NULL;
    urs_error err = {0};
    const urs_param *params;
    int32_t weight, b;
    if (urs_network_new(&n, &options, 1, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        return NULL;
    }
    weight = urs_graph_find_param(n->graph, "classifier.3.weight");
    b = urs_graph_find_param(n->graph, "classifier.3.bias");
    if (weight < 0 || b < 0) {
        urs_test_fail(t, __FILE__, __LINE__, "the last layer has another name");
        urs_network_free(n);
        return NULL;
    }
    (void)urs_graph_params(n->graph, &params);
    memset(n->params + params[weight].offset, 0, params[weight].count * sizeof(float));
    for (int32_t i = 0; i < 3 && i < classes; i++)
        n->params[params[b].offset + (size_t)i] = bias[i];
    return n;
}

static void probabilities_are_named_not_numbered(urs_test *t)
{
    const float bias[3] = {2, -1, 0.5f};
    urs_network *n = fixed_network(t, bias, 3);
    urs_sifter *s = NULL;
    urs_image picture = {0};
    const urs_image *pictures[2] = {&picture, &picture};
    urs_sift_result result[2];
    urs_error err = {0};
    const double sum = exp(2) + exp(-1) + exp(0.5);
    URS_REQUIRE(t, n);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 50, 40, 3, &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.classes", "[\"bear\",\"empty\",\"animal\"]", &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.thresholds", "{\"bear\": 0.9, \"animal\": 0.85}", &err), err);
    URS_REQUIRE_OK(t, urs_sifter_new(&s, n, NULL, &err), err);
    URS_CHECK_NEAR(t, urs_sifter_thresholds(s)->bear, 0.9, 1e-6);
    URS_REQUIRE_OK(t, urs_sifter_pictures(s, result, pictures, 2, &err), err);
    for (int i = 0; i < 2; i++) {
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_BEAR], exp(2) / sum, 1e-5);
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_EMPTY], exp(-1) / sum, 1e-5);
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_ANIMAL], exp(0.5) / sum, 1e-5);
        URS_CHECK_INT(t, result[i].verdict, URS_FRAME_ANIMAL); /* 0.786 is below 0.9, 0.961 above 0.85 */
    }
    urs_sifter_free(s);
    URS_REQUIRE_OK(t, urs_sifter_new(&s, n, &(urs_sifter_options){.thresholds = {.bear = 0.7}}, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_pictures(s, result, pictures, 1, &err), err);
    URS_CHECK_INT(t, result[0].verdict, URS_FRAME_BEAR);
    urs_sifter_free(s);
    urs_network_free(n);
    urs_image_release(&picture);
}

static void unfit_networks_are_refused(urs_test *t)
{
    const float bias[3] = {0, 0, 0};
    urs_network *n = fixed_network(t, bias, 3), *four = fixed_network(t, bias, 4);
    urs_sifter *s = NULL;
    urs_error err = {0};
    URS_REQUIRE(t, n && four);
    URS_CHECK_INT(t, urs_sifter_new(&s, four, NULL, &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.classes", "[\"bear\",\"cat\",\"animal\"]", &err), err);
    URS_CHECK_INT(t, urs_sifter_new(&s, n, NULL, &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.classes", "not JSON", &err), err);
    URS_CHECK_INT(t, urs_sifter_new(&s, n, NULL, &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.classes", "[\"empty\",\"animal\",\"bear\"]", &err), err);
    URS_CHECK_INT(t, urs_sifter_new(&s, n, &(urs_sifter_options){.thresholds = {.bear = 1.5}}, &err), URS_EINVAL);
    urs_network_free(n);
    urs_network_free(four);
}

static void broken_weights_are_an_error(urs_test *t)
{
    const float bias[3] = {0, (float)NAN, 0};
    urs_network *n = fixed_network(t, bias, 3);
    urs_sifter *s = NULL;
    urs_image picture = {0};
    const urs_image *pictures[1] = {&picture};
    urs_sift_result result;
    urs_error err = {0};
    URS_REQUIRE(t, n);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 50, 40, 3, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_new(&s, n, NULL, &err), err);
    URS_CHECK_INT(t, urs_sifter_pictures(s, &result, pictures, 1, &err), URS_EFORMAT);
    urs_sifter_free(s);
    urs_network_free(n);
    urs_image_release(&picture);
}

static void decoding_is_as_small_as_the_input_allows(urs_test *t)
{
    const urs_decode_options stretch = urs_input_decode_options(&(urs_input_format){.width = 224, .height = 192});
    const urs_decode_options crop = urs_input_decode_options(&(urs_input_format){.width = 224, .height = 224, .fit = URS_FIT_CENTRE_CROP});
    const urs_decode_options letterbox = urs_input_decode_options(&(urs_input_format){.width = 640, .height = 640, .fit = URS_FIT_LETTERBOX});
    URS_CHECK(t, stretch.min_width == 224 && stretch.min_height == 192);
    URS_CHECK(t, crop.min_width == 256 && crop.min_height == 256);
    URS_CHECK(t, letterbox.min_width == 640 && letterbox.min_height == 1);
}

int main(void)
{
    static const urs_case cases[] = {
        {"verdict", verdict_follows_the_thresholds},
        {"probabilities by name", probabilities_are_named_not_numbered},
        {"unfit networks", unfit_networks_are_refused},
        {"broken weights", broken_weights_are_an_error},
        {"decoding size", decoding_is_as_small_as_the_input_allows},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
