/* Samplers: counts, composition of batches, and order as a pure function of seed and epoch. */
#include "data/sampler.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

static bool same(const urs_order *a, const urs_order *b)
{
    return a->count == b->count && memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

static void shuffle_is_a_permutation(urs_test *t)
{
    urs_order a = {0}, b = {0}, c = {0};
    urs_error err = {0};
    bool seen[100] = {false};
    URS_REQUIRE_OK(t, urs_sample_shuffle(&a, 100, 7, 3, &err), err);
    URS_REQUIRE_OK(t, urs_sample_shuffle(&b, 100, 7, 3, &err), err);
    URS_REQUIRE_OK(t, urs_sample_shuffle(&c, 100, 7, 4, &err), err);
    URS_CHECK(t, same(&a, &b) && !same(&a, &c));
    for (size_t i = 0; i < 100; i++) {
        URS_REQUIRE(t, a.items[i] < 100 && !seen[a.items[i]]);
        seen[a.items[i]] = true;
    }
    urs_order_release(&a);
    urs_order_release(&b);
    urs_order_release(&c);
}

static void repeats_count(urs_test *t)
{
    int32_t labels[1000];
    const float repeats[3] = {3, 1, 0.5f};
    size_t count[3] = {0}, times[1000] = {0};
    urs_order a = {0}, b = {0};
    urs_error err = {0};
    for (int i = 0; i < 1000; i++)
        labels[i] = i % 4 == 3 ? -1 : i % 4;
    URS_REQUIRE_OK(t, urs_sample_repeat(&a, labels, 1000, repeats, 3, 1, 1, &err), err);
    URS_REQUIRE_OK(t, urs_sample_repeat(&b, labels, 1000, repeats, 3, 1, 1, &err), err);
    URS_CHECK(t, same(&a, &b));
    for (size_t i = 0; i < a.count; i++) {
        URS_REQUIRE(t, labels[a.items[i]] >= 0);
        count[labels[a.items[i]]]++;
        times[a.items[i]]++;
    }
    URS_CHECK_INT(t, count[0], 750);
    URS_CHECK_INT(t, count[1], 250);
    URS_CHECK_NEAR(t, count[2], 125, 35);
    for (size_t i = 0; i < 1000; i++)
        URS_CHECK(t, labels[i] < 0 ? times[i] == 0 : labels[i] == 2 ? times[i] <= 1 : times[i] == (labels[i] == 0 ? 3 : 1));
    URS_CHECK_INT(t, urs_sample_repeat(&b, labels, 1000, (const float[]){1, -1, 0}, 3, 1, 1, &err), URS_EINVAL);
    urs_order_release(&a);
    urs_order_release(&b);
}

static void weights_are_followed(urs_test *t)
{
    const float weights[4] = {1, 0, 3, 0};
    size_t count[4] = {0};
    urs_order a = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_sample_weighted(&a, weights, 4, 8000, 5, 0, &err), err);
    for (size_t i = 0; i < a.count; i++)
        count[a.items[i]]++;
    URS_CHECK(t, count[1] == 0 && count[3] == 0);
    URS_CHECK_NEAR(t, count[2], 6000, 200); /* deviation 39 */
    urs_order_release(&a);
    URS_CHECK_INT(t, urs_sample_weighted(&a, (const float[]){0, 0}, 2, 5, 1, 1, &err), URS_EINVAL);
}

/* 12 classes: class c has c + 1 samples. */
static size_t make_labels(int32_t *labels)
{
    size_t n = 0;
    for (int32_t c = 0; c < 12; c++)
        for (int32_t k = 0; k <= c; k++)
            labels[n++] = c * 10;
    return n;
}

static void batches_hold_p_classes_with_k_each(urs_test *t)
{
    int32_t labels[100];
    const size_t n = make_labels(labels); /* 78 */
    urs_order a = {0}, b = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_sample_pk(&a, labels, n, 4, 16, NULL, 11, 2, &err), err);
    URS_REQUIRE_OK(t, urs_sample_pk(&b, labels, n, 4, 16, NULL, 11, 2, &err), err);
    URS_CHECK(t, same(&a, &b));
    URS_CHECK_INT(t, a.count, 64); /* floor(78 / 16) batches */
    for (size_t batch = 0; batch < a.count / 16; batch++)
        for (size_t g = 0; g < 4; g++) {
            const size_t *items = a.items + batch * 16 + g * 4;
            for (size_t i = 1; i < 4; i++)
                URS_CHECK_INT(t, labels[items[i]], labels[items[0]]);
            for (size_t h = 0; h < g; h++)
                URS_CHECK(t, labels[a.items[batch * 16 + h * 4]] != labels[items[0]]);
            if (labels[items[0]] >= 30) /* four samples or more: without replacement */
                for (size_t i = 1; i < 4; i++)
                    for (size_t j = 0; j < i; j++)
                        URS_CHECK(t, items[i] != items[j]);
        }
    urs_order_release(&a);
    urs_order_release(&b);
}

static void passes_walk_all_classes(urs_test *t)
{
    int32_t labels[100];
    size_t n = make_labels(labels), seen[12] = {0};
    urs_order a = {0};
    urs_error err = {0};
    labels[n - 1] = -1;
    URS_REQUIRE_OK(t, urs_sample_pk(&a, labels, n, 3, 0, NULL, 1, 1, &err), err);
    URS_CHECK_INT(t, a.count, 72); /* two passes of 12 x 3 */
    for (size_t i = 0; i < a.count; i++) {
        URS_REQUIRE(t, a.items[i] != n - 1);
        seen[labels[a.items[i]] / 10]++;
        if (i == 35)
            for (size_t c = 0; c < 12; c++)
                URS_CHECK_INT(t, seen[c], 3);
    }
    urs_order_release(&a);
    URS_CHECK_INT(t, urs_sample_pk(&a, labels, n, 4, 18, NULL, 1, 1, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_sample_pk(&a, labels, n, 1, 13, NULL, 1, 1, &err), URS_EINVAL);
}

static void domains_never_meet(urs_test *t)
{
    int32_t labels[100], domains[100];
    const size_t n = make_labels(labels);
    urs_order a = {0};
    urs_error err = {0};
    size_t of[3] = {0};
    for (size_t i = 0; i < n; i++)
        domains[i] = labels[i] / 10 % 3;
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        URS_REQUIRE_OK(t, urs_sample_pk(&a, labels, n, 2, 12, domains, 3, epoch, &err), err);
        for (size_t batch = 0; batch < a.count / 12; batch++) {
            int32_t domain = 0;
            for (size_t i = 0; i < 12; i++) {
                const int32_t d = domains[a.items[batch * 12 + i]];
                of[d]++;
                URS_CHECK(t, d == 0 || domain == 0 || d == domain);
                domain = d ? d : domain;
            }
        }
        urs_order_release(&a);
    }
    URS_CHECK(t, of[0] > 0 && of[1] > 0 && of[2] > 0);
    /* Nine classes in a batch, but at most eight (four without and four of a domain) may meet. */
    URS_CHECK_INT(t, urs_sample_pk(&a, labels, n, 2, 18, domains, 3, 0, &err), URS_EINVAL);
}

int main(void)
{
    static const urs_case cases[] = {{"shuffle_is_a_permutation", shuffle_is_a_permutation},
                                     {"repeats_count", repeats_count},
                                     {"weights_are_followed", weights_are_followed},
                                     {"batches_hold_p_classes_with_k_each", batches_hold_p_classes_with_k_each},
                                     {"passes_walk_all_classes", passes_walk_all_classes},
                                     {"domains_never_meet", domains_never_meet}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
