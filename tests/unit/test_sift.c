/* sift: thresholds, order of classes, and a network whose answer is known. */
#include "harness.h"

#include "base/memory.h"
#include "base/random.h"
#include "stages/find.h"
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

/* Two networks in sequence whose answers are known, as the second of the first. */
static urs_network *two_networks(urs_test *t, float filled, float bear)
{
    const float first[3] = {0, filled}, second[3] = {0, bear};
    urs_network *n = fixed_network(t, first, 2);
    urs_error err = {0};
    if (n && urs_network_set_note(n, "ursid.classes", "[\"empty\",\"animal\"]", &err) == URS_OK)
        n->second = fixed_network(t, second, 2);
    if (n && n->second && urs_network_set_note(n->second, "ursid.classes", "[\"animal\",\"bear\"]", &err) == URS_OK)
        return n;
    urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_network_free(n);
    return NULL;
}

static void second_network_is_asked_about_what_passes(urs_test *t)
{
    const double q = exp(1) / (1 + exp(1)), r = exp(2) / (1 + exp(2)); /* 0.731, 0.881 */
    urs_network *n = two_networks(t, 1, 2);
    urs_sifter *s = NULL;
    urs_image picture = {0};
    const urs_image *pictures[2] = {&picture, &picture};
    urs_sift_result result[2];
    urs_error err = {0};
    URS_REQUIRE(t, n);
    URS_CHECK_INT(t, urs_sift_approach_of(n), URS_SIFT_TWO_NETWORKS);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 50, 40, 3, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_new(&s, n, &(urs_sifter_options){.thresholds = {.bear = 0.6, .animal = 0.7}}, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_pictures(s, result, pictures, 2, &err), err);
    for (int i = 0; i < 2; i++) {
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_EMPTY], 1 - q, 1e-6);
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_ANIMAL], q * (1 - r), 1e-6);
        URS_CHECK_NEAR(t, result[i].probability[URS_FRAME_BEAR], q * r, 1e-6);
        URS_CHECK_INT(t, result[i].verdict, URS_FRAME_BEAR);
    }
    urs_sifter_free(s);
    /* The first network keeps it back: the second, whose weights are broken now, is not asked, unless everything is to be seen. */
    urs_network_free(n);
    n = two_networks(t, 1, (float)NAN);
    URS_REQUIRE(t, n);
    for (int ungated = 0; ungated < 2; ungated++) {
        URS_REQUIRE_OK(t, urs_sifter_new(&s, n, &(urs_sifter_options){.thresholds = {.bear = 0.6, .animal = 0.75}, .ungated = ungated}, &err), err);
        URS_CHECK_INT(t, urs_sifter_pictures(s, result, pictures, 2, &err), ungated ? URS_EFORMAT : URS_OK);
        if (!ungated) {
            URS_CHECK_NEAR(t, result[1].probability[URS_FRAME_ANIMAL], q, 1e-6);
            URS_CHECK(t, result[1].probability[URS_FRAME_BEAR] == 0 && result[1].verdict == URS_FRAME_EMPTY);
        }
        urs_sifter_free(s);
    }
    urs_network_free(n);
    urs_image_release(&picture);
}

/* Both networks are in the file, nobody else takes the first one for the whole, and a file that lacks a part of the second is refused. */
static void two_networks_are_one_file(urs_test *t)
{
    char *folder = urs_test_folder("sift"), *path = urs_path_join(folder, "pair.safetensors"), *part = urs_path_join(folder, "part.safetensors");
    urs_network *n = two_networks(t, 1, 2), *again = NULL;
    urs_sifter *s[2] = {0};
    urs_image picture = {0};
    const urs_image *pictures[1] = {&picture};
    urs_sift_result result[2];
    urs_weights *w = NULL, *less = NULL;
    urs_error err = {0};
    URS_REQUIRE(t, n);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 50, 40, 3, &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.stage", "sift", &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.thresholds", "{\"bear\": 0.25, \"animal\": 0.125}", &err), err);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "licence", "CC0", &err), err);
    URS_REQUIRE_OK(t, urs_network_write(n, path, false, &err), err);
    URS_REQUIRE_OK(t, urs_sift_network_read(&again, path, &err), err);
    URS_REQUIRE(t, again->second);
    URS_CHECK_TEXT(t, urs_network_note(again, "ursid.classes"), "[\"empty\",\"animal\"]");
    URS_CHECK_TEXT(t, urs_network_note(again->second, "ursid.classes"), "[\"animal\",\"bear\"]");
    URS_CHECK_TEXT(t, urs_network_note(again, "licence"), "CC0");
    URS_CHECK_TEXT(t, urs_network_note(again, "ursid.second.classes"), "");
    URS_CHECK_NEAR(t, urs_sift_thresholds_of(again).animal, 0.125, 0);
    URS_REQUIRE_OK(t, urs_sifter_new(&s[0], n, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_sifter_new(&s[1], again, NULL, &err), err);
    for (int i = 0; i < 2; i++)
        URS_REQUIRE_OK(t, urs_sifter_pictures(s[i], &result[i], pictures, 1, &err), err);
    for (int c = 0; c < URS_FRAME_CLASSES; c++)
        URS_CHECK(t, result[0].probability[c] == result[1].probability[c]);
    urs_sifter_free(s[0]);
    urs_sifter_free(s[1]);
    urs_network_free(again);
    again = NULL;
    URS_CHECK_INT(t, urs_network_read(&again, path, "sift", &err), URS_EMISMATCH);
    URS_CHECK(t, strstr(err.message, "two networks in sequence") && !again);
    URS_REQUIRE_OK(t, urs_weights_read(&w, path, &err), err);
    URS_REQUIRE_OK(t, urs_weights_new(&less, &err), err);
    for (size_t i = 0; i < urs_weights_metadata_count(w); i++) {
        const char *key, *value;
        urs_weights_metadata_at(w, i, &key, &value);
        URS_REQUIRE_OK(t, urs_weights_set_metadata(less, key, value, &err), err);
    }
    for (size_t i = 0; i < urs_weights_count(w); i++) {
        const urs_weight *one = urs_weights_at(w, i);
        if (strcmp(one->name, "second.classifier.3.bias") != 0)
            URS_REQUIRE_OK(t, urs_weights_add(less, one->name, one->rank, one->shape, one->data, &err), err);
    }
    URS_REQUIRE_OK(t, urs_weights_write_safetensors(part, less, URS_WEIGHT_F32, &err), err);
    URS_CHECK_INT(t, urs_sift_network_read(&again, part, &err), URS_EMISMATCH);
    URS_CHECK(t, strstr(err.message, "classifier.3.bias") && !again);
    urs_weights_free(w);
    urs_weights_free(less);
    urs_network_free(n);
    urs_image_release(&picture);
    urs_free(path);
    urs_free(part);
    urs_free(folder);
}

/* Scores in front of the chain and of the detector itself are the same numbers. */
static void detector_is_a_filter(urs_test *t)
{
    const urs_model_options options = {.arch = "yolov8n-seg", .input_width = 64, .input_height = 64, .classes = 1};
    urs_network *n = NULL;
    urs_sifter *s = NULL;
    urs_finder *f = NULL;
    urs_detections found = {0};
    urs_image picture = {0};
    const urs_image *pictures[1] = {&picture};
    urs_sift_result r;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_network_new(&n, &options, 5, &err), err);
    URS_REQUIRE_OK(t, urs_image_new(&picture, 50, 40, 3, &err), err);
    for (size_t i = 0; i < 50 * 40 * 3; i++)
        picture.data[i] = (uint8_t)(i * 2654435761u >> 13);
    URS_CHECK_INT(t, urs_sift_approach_of(n), URS_SIFT_DETECTOR);
    URS_REQUIRE_OK(t, urs_network_set_note(n, "ursid.thresholds", "{\"score\": 0.4, \"iou\": 0.7}", &err), err);
    URS_REQUIRE_OK(t, urs_finder_new(&f, n, &(urs_finder_options){.find = {.score = 1e-4f}}, &err), err);
    URS_REQUIRE_OK(t, urs_finder_pictures(f, &found, pictures, 1, &err), err);
    URS_REQUIRE(t, found.count > 0);
    for (int high = 0; high < 2; high++) { /* a threshold on either side of the score */
        const double bear = (double)found.items[0].score * (high ? 1.01 : 0.99);
        URS_REQUIRE_OK(t, urs_sifter_new(&s, n, &(urs_sifter_options){.thresholds = {.bear = bear, .animal = 0.9}}, &err), err);
        URS_CHECK_NEAR(t, urs_sifter_thresholds(s)->animal, bear, 1e-12);
        URS_REQUIRE_OK(t, urs_sifter_pictures(s, &r, pictures, 1, &err), err);
        URS_CHECK_NEAR(t, r.probability[URS_FRAME_BEAR], found.items[0].score, 1e-7);
        URS_CHECK_NEAR(t, r.probability[URS_FRAME_EMPTY], 1 - found.items[0].score, 1e-7);
        URS_CHECK(t, r.probability[URS_FRAME_ANIMAL] == 0);
        URS_CHECK_INT(t, r.verdict, high ? URS_FRAME_EMPTY : URS_FRAME_BEAR);
        urs_sifter_free(s);
    }
    URS_REQUIRE_OK(t, urs_sifter_new(&s, n, NULL, &err), err);
    URS_CHECK_NEAR(t, urs_sifter_thresholds(s)->bear, 0.4, 1e-12);
    urs_sifter_free(s);
    urs_detections_release(&found);
    urs_finder_free(f);
    urs_network_free(n);
    urs_image_release(&picture);
}

enum { CHOSEN = 40 };

/* Frames of every class with drawn probabilities that lean to the truth. */
static void draw_probabilities(float *p, int32_t *labels)
{
    urs_random random;
    urs_random_init(&random, 4);
    for (size_t i = 0; i < CHOSEN; i++) {
        float sum = 0;
        labels[i] = (int32_t)(i % URS_FRAME_CLASSES);
        for (int c = 0; c < URS_FRAME_CLASSES; c++)
            sum += p[i * 3 + (size_t)c] = (float)urs_random_unit(&random) + (c == labels[i] ? 0.5f : 0);
        for (int c = 0; c < URS_FRAME_CLASSES; c++)
            p[i * 3 + (size_t)c] /= sum;
    }
}

static double recall_with(const float *p, const int32_t *labels, urs_sift_approach approach, const urs_sift_thresholds *t)
{
    double bears = 0, found = 0;
    for (size_t i = 0; i < CHOSEN; i++) {
        float q[3] = {p[i * 3], p[i * 3 + 1], p[i * 3 + 2]};
        urs_sift_gate(q, approach, t);
        bears += labels[i] == URS_FRAME_BEAR;
        found += labels[i] == URS_FRAME_BEAR && urs_sift_decide(q, t) == URS_FRAME_BEAR;
    }
    return found / bears;
}

/* The wished share is reached by every approach, and with a bear threshold a little higher it is not (A: unless capped). */
static void thresholds_reach_the_wished_recall(urs_test *t)
{
    static const double wished[] = {0.5, 0.7, 0.9, 1};
    float p[CHOSEN * 3];
    int32_t labels[CHOSEN];
    draw_probabilities(p, labels);
    for (int a = URS_SIFT_ONE_NETWORK; a <= URS_SIFT_DETECTOR; a++)
        for (size_t w = 0; w < 4; w++) {
            urs_sift_thresholds x = {0}, more;
            urs_error err = {0};
            URS_REQUIRE_OK(t, urs_sift_choose_thresholds(&x, (urs_sift_approach)a, p, labels, CHOSEN, wished[w], &err), err);
            URS_CHECK(t, recall_with(p, labels, (urs_sift_approach)a, &x) >= wished[w] - 1e-9);
            more = x;
            more.bear += 1e-6;
            if (a != URS_SIFT_ONE_NETWORK || x.bear < 0.5)
                URS_CHECK(t, recall_with(p, labels, (urs_sift_approach)a, &more) < wished[w]);
            if (a == URS_SIFT_DETECTOR)
                URS_CHECK_NEAR(t, x.animal, x.bear, 0);
        }
    for (size_t i = 0; i < CHOSEN; i++)
        labels[i] = URS_FRAME_EMPTY;
    for (int a = URS_SIFT_ONE_NETWORK; a <= URS_SIFT_DETECTOR; a++) { /* no bears: nothing to choose on */
        urs_sift_thresholds x = {0};
        urs_error err = {0};
        URS_REQUIRE_OK(t, urs_sift_choose_thresholds(&x, (urs_sift_approach)a, p, labels, CHOSEN, 0.9, &err), err);
        URS_CHECK_NEAR(t, x.bear, 0.5, 0);
    }
}

int main(void)
{
    static const urs_case cases[] = {
        {"verdict", verdict_follows_the_thresholds},
        {"probabilities by name", probabilities_are_named_not_numbered},
        {"unfit networks", unfit_networks_are_refused},
        {"broken weights", broken_weights_are_an_error},
        {"second network is asked about what passes", second_network_is_asked_about_what_passes},
        {"two networks are one file", two_networks_are_one_file},
        {"detector is a filter", detector_is_a_filter},
        {"thresholds reach the wished recall", thresholds_reach_the_wished_recall},
        {"decoding size", decoding_is_as_small_as_the_input_allows},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
