/* Who is enrolled and who is asked, without leaks; and what became of every head, against counts made by hand. */
#include "base/memory.h"
#include "eval/chain_score.h"
#include "eval/enrol_split.h"
#include "harness.h"

#include <stdlib.h>

/* ---- the split ---- */

enum { ANIMALS = 10, DAYS = 4, SHOTS = 3, FRAMES = ANIMALS * DAYS * SHOTS };

/* Every animal on four days, three shots a day; animal 9 on one day only. */
static void make_frames(urs_enrol_frame *frames, int32_t *who)
{
    for (int i = 0; i < FRAMES; i++) {
        who[i] = i / (DAYS * SHOTS);
        frames[i] = (urs_enrol_frame){.individual = &who[i], .heads = 1, .has_day = true, .day = who[i] == ANIMALS - 1 ? 0 : i / SHOTS % DAYS, .event = -1};
    }
}

static size_t with_role(const urs_enrol_split *s, const int32_t *who, int32_t animal, urs_enrol_role role)
{
    size_t n = 0;
    for (size_t i = 0; i < FRAMES; i++)
        n += who[i] == animal && s->role[i] == role;
    return n;
}

static void days_stay_on_one_side(urs_test *t)
{
    urs_enrol_frame frames[FRAMES];
    int32_t who[FRAMES];
    urs_error err = {0};
    make_frames(frames, who);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        urs_enrol_split s = {0};
        size_t fresh = 0;
        URS_REQUIRE_OK(t, urs_enrol_split_make(&s, frames, FRAMES, ANIMALS, &(urs_enrol_options){.fresh = 0.3, .enrol = 0.5, .seed = seed}, &err), err);
        URS_REQUIRE_OK(t, urs_enrol_split_check(&s, frames, FRAMES, &err), err);
        URS_CHECK_INT(t, s.enrol + s.ask + s.left_out, FRAMES);
        URS_CHECK_INT(t, s.known + s.fresh + s.gallery_only, ANIMALS);
        URS_CHECK_INT(t, s.fresh, 3);
        URS_CHECK_INT(t, s.undated, 0);
        URS_CHECK_INT(t, s.groups, (ANIMALS - 1) * DAYS + 1);
        for (int32_t a = 0; a < ANIMALS; a++) {
            const size_t enrolled = with_role(&s, who, a, URS_ROLE_ENROL);
            fresh += enrolled == 0;
            URS_CHECK_INT(t, s.enrolled[a], enrolled > 0);
            if (enrolled && a < ANIMALS - 1)
                URS_CHECK_INT(t, enrolled, DAYS / 2 * SHOTS);
            if (enrolled && a == ANIMALS - 1)
                URS_CHECK_INT(t, enrolled, DAYS * SHOTS); /* a single day: enrolled, never asked */
        }
        URS_CHECK_INT(t, fresh, 3);
        urs_enrol_split_release(&s);
    }
}

static void the_check_sees_a_leak(urs_test *t)
{
    urs_enrol_frame frames[FRAMES];
    int32_t who[FRAMES];
    urs_enrol_split s = {0};
    urs_error err = {0};
    size_t i = 0;
    make_frames(frames, who);
    URS_REQUIRE_OK(t, urs_enrol_split_make(&s, frames, FRAMES, ANIMALS, &(urs_enrol_options){.fresh = 0.3, .enrol = 0.5, .seed = 1}, &err), err);
    while (s.role[i] != URS_ROLE_ENROL)
        i++;
    s.role[i] = URS_ROLE_ASK; /* its neighbours of the same day are enrolled */
    URS_CHECK_INT(t, urs_enrol_split_check(&s, frames, FRAMES, &err), URS_EMISMATCH);
    urs_enrol_split_release(&s);
}

/* Events tie animals together; a frame of two is never enrolled; look-alikes without a day stay together. */
static void events_and_doubles(urs_test *t)
{
    static const int32_t a = 0, b = 1, nobody = -1, both[2] = {0, 1};
    const urs_enrol_frame frames[] = {
        {.individual = &a, .heads = 1, .has_day = true, .day = 1, .event = 7},
        {.individual = both, .heads = 2, .has_day = true, .day = 1, .event = 7},
        {.individual = &a, .heads = 1, .has_day = true, .day = 2, .event = -1},
        {.individual = &b, .heads = 1, .has_day = true, .day = 3, .event = -1},
        {.individual = &b, .heads = 1, .event = -1, .has_hash = true, .hash = 0xff},
        {.individual = &b, .heads = 1, .event = -1, .has_hash = true, .hash = 0xfe},
        {.individual = &nobody, .heads = 1, .has_day = true, .day = 1, .event = 7},
        {.heads = 0, .event = -1},
    };
    const size_t n = sizeof frames / sizeof frames[0];
    urs_error err = {0};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        urs_enrol_split s = {0};
        URS_REQUIRE_OK(t, urs_enrol_split_make(&s, frames, n, 2, &(urs_enrol_options){.fresh = 0, .enrol = 0.5, .seed = seed}, &err), err);
        URS_REQUIRE_OK(t, urs_enrol_split_check(&s, frames, n, &err), err);
        URS_CHECK_INT(t, s.role[1] != URS_ROLE_ENROL, 1);
        URS_CHECK_INT(t, s.role[1], s.role[0] == URS_ROLE_ENROL ? URS_ROLE_LEFT_OUT : URS_ROLE_ASK);
        URS_CHECK_INT(t, s.role[4], s.role[5]);
        URS_CHECK_INT(t, s.role[6], URS_ROLE_ASK);
        URS_CHECK_INT(t, s.role[7], URS_ROLE_ASK);
        URS_CHECK_INT(t, s.undated, 2);
        URS_CHECK_INT(t, s.groups, 4);
        URS_CHECK_INT(t, s.fresh, 0);
        urs_enrol_split_release(&s);
    }
    {
        urs_enrol_split s = {0};
        URS_CHECK_INT(t, urs_enrol_split_make(&s, frames + 6, 2, 2, &(urs_enrol_options){.fresh = 0.3, .enrol = 0.5, .seed = 1}, &err), URS_EINVAL);
    }
}

static void same_seed_same_split(urs_test *t)
{
    urs_enrol_frame frames[FRAMES];
    int32_t who[FRAMES];
    urs_enrol_split s[3] = {{0}};
    urs_error err = {0};
    make_frames(frames, who);
    for (int i = 0; i < 3; i++)
        URS_REQUIRE_OK(t, urs_enrol_split_make(&s[i], frames, FRAMES, ANIMALS, &(urs_enrol_options){.fresh = 0.3, .enrol = 0.5, .seed = i < 2 ? 4 : 5}, &err), err);
    URS_CHECK(t, memcmp(s[0].role, s[1].role, FRAMES) == 0);
    URS_CHECK(t, memcmp(s[0].role, s[2].role, FRAMES) != 0);
    for (int i = 0; i < 3; i++)
        urs_enrol_split_release(&s[i]);
}

/* ---- the score ---- */

enum { UNSURE, CALLED_KNOWN, CALLED_NEW };

static const urs_chain_case cases[] = {
    /* known bears 0 .. 3 */
    {.individual = 0, .known = true, .verdict = CALLED_KNOWN, .first = 0, .rank = 1, .cosine = 0.9f, .p_new = 0.1},
    {.individual = 0, .known = true, .verdict = CALLED_KNOWN, .first = 1, .rank = 2, .cosine = 0.8f, .p_new = 0.2},
    {.individual = 1, .known = true, .verdict = UNSURE, .first = 1, .rank = 1, .cosine = 0.7f, .p_new = 0.4},
    {.individual = 1, .known = true, .verdict = UNSURE, .first = 0, .rank = 4, .cosine = 0.6f, .p_new = 0.6},
    {.individual = 1, .known = true, .verdict = UNSURE, .first = 0, .rank = 7, .cosine = 0.5f, .p_new = 0.6},
    {.individual = 2, .known = true, .verdict = CALLED_NEW, .first = 0, .rank = 3, .cosine = 0.2f, .p_new = 0.9},
    {.individual = 2, .known = true, .stop = URS_STOP_SIFT, .first = -1},
    {.individual = 2, .known = true, .stop = URS_STOP_FIND, .first = -1},
    {.individual = 3, .known = true, .stop = URS_STOP_ENROL, .first = -1},
    {.individual = 3, .known = true, .stop = URS_STOP_FILE, .first = -1},
    /* new bears 4 and 5 */
    {.individual = 4, .verdict = CALLED_NEW, .first = 0, .cosine = 0.1f, .p_new = 0.95},
    {.individual = 4, .verdict = CALLED_KNOWN, .first = 0, .cosine = 0.85f, .p_new = 0.1},
    {.individual = 5, .verdict = UNSURE, .first = 2, .cosine = 0.3f, .p_new = 0.7},
    {.individual = 5, .stop = URS_STOP_FIND, .first = -1},
};

static const urs_chain_frame_case frame_cases[] = {
    {.truth = 2, .answer = 2, .cluster = 0, .heads = 2, .found = 2, .boxes = true, .searched = true, .false_heads = 1, .false_known = 1},
    {.truth = 2, .answer = 1, .cluster = 0, .heads = 1, .found = 0, .boxes = true, .searched = true},
    {.truth = 2, .answer = 0, .cluster = 1, .heads = 1, .boxes = true},
    {.truth = 0, .answer = 0, .cluster = 2, .boxes = true},
    {.truth = 0, .answer = 2, .cluster = 3, .boxes = true, .searched = true, .false_heads = 2},
    {.truth = 1, .answer = 1, .cluster = 4, .searched = true},
    {.truth = 2, .answer = -1, .cluster = 5, .unreadable = true},
};

static void every_head_is_counted_once(urs_test *t)
{
    static const size_t known[URS_FATES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, fresh[URS_FATES] = {1, 0, 0, 1, 0, 1, 0, 0, 0, 1};
    const size_t n = sizeof cases / sizeof cases[0], f = sizeof frame_cases / sizeof frame_cases[0];
    urs_chain_score s = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_chain_score_make(&s, cases, n, frame_cases, f, true, 3, 30, 200, 1, &err), err);
    for (int i = 0; i < URS_FATES; i++) {
        URS_CHECK_INT(t, s.side[1].fate[i], known[i]);
        URS_CHECK_INT(t, s.side[0].fate[i], fresh[i]);
    }
    URS_CHECK_INT(t, s.side[1].heads, 10);
    URS_CHECK_INT(t, s.side[0].heads, 4);
    URS_CHECK_INT(t, s.side[1].individuals, 4);
    URS_CHECK_INT(t, s.side[0].individuals, 2);
    URS_CHECK_INT(t, s.ranked, 6);
    /* shares by hand */
    URS_CHECK_NEAR(t, s.side[1].reached.value, 6.0 / 10, 1e-12);
    URS_CHECK_NEAR(t, s.side[1].right.value, 1.0 / 10, 1e-12);
    URS_CHECK_NEAR(t, s.side[1].verdict_right.value, 1.0 / 6, 1e-12);
    URS_CHECK_NEAR(t, s.side[1].decided_right.value, 1.0 / 3, 1e-12);
    URS_CHECK_NEAR(t, s.side[0].right.value, 1.0 / 4, 1e-12);
    URS_CHECK_NEAR(t, s.side[0].verdict_right.value, 1.0 / 3, 1e-12);
    URS_CHECK_NEAR(t, s.side[0].decided_right.value, 1.0 / 2, 1e-12);
    URS_CHECK_NEAR(t, s.end_to_end.value, 2.0 / 14, 1e-12);
    URS_CHECK_NEAR(t, s.hit[0].value, 2.0 / 6, 1e-12);
    URS_CHECK_NEAR(t, s.hit[1].value, 4.0 / 6, 1e-12);
    URS_CHECK_NEAR(t, s.hit[2].value, 5.0 / 6, 1e-12);
    URS_CHECK_NEAR(t, s.hit[3].value, 1, 1e-12);
    URS_CHECK_NEAR(t, s.hit_all[0].value, 2.0 / 10, 1e-12);
    URS_CHECK_NEAR(t, s.hit_all[3].value, 6.0 / 10, 1e-12);
    /* known .9 .8 .7 .6 .5 .2 against new .1 .85 .3: 3 + 2 + 2 + 2 + 2 + 1 of 18 pairs are in order */
    URS_CHECK_NEAR(t, s.auroc.value, 12.0 / 18, 1e-12);
    /* known with p_new < .5: 3 of 6; new with p_new >= .5: 2 of 3 */
    URS_CHECK_NEAR(t, s.balanced_accuracy.value, (3.0 / 6 + 2.0 / 3) / 2, 1e-12);
    URS_CHECK(t, s.side[1].right.low <= s.side[1].right.value && s.side[1].right.value <= s.side[1].right.high);
}

static void frames_are_counted(urs_test *t)
{
    urs_chain_score s = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_chain_score_make(&s, cases, sizeof cases / sizeof cases[0], frame_cases, sizeof frame_cases / sizeof frame_cases[0], true, 3, 30, 100, 1, &err), err);
    URS_CHECK_INT(t, s.frames, 7);
    URS_CHECK_INT(t, s.unreadable, 1);
    URS_CHECK_INT(t, s.bear_frames, 3);
    URS_CHECK_INT(t, s.bear_frames_kept, 2);
    URS_CHECK_INT(t, s.empty_frames_dropped, 1);
    URS_CHECK_INT(t, s.confusion[2][1], 1);
    URS_CHECK_NEAR(t, s.bear_kept.value, 2.0 / 3, 1e-12);
    URS_CHECK_NEAR(t, s.empty_dropped.value, 1.0 / 2, 1e-12);
    URS_CHECK_INT(t, s.boxed_heads, 3);
    URS_CHECK_INT(t, s.boxed_found, 2);
    URS_CHECK_INT(t, s.false_heads, 3);
    URS_CHECK_INT(t, s.false_known, 1);
    URS_CHECK_NEAR(t, s.found.value, 2.0 / 3, 1e-12);
}

static void tables_and_json_say_the_same(urs_test *t)
{
    urs_chain_score s = {0};
    urs_text text = {0};
    urs_error err = {0};
    json_t *j;
    URS_REQUIRE_OK(t, urs_chain_score_make(&s, cases, sizeof cases / sizeof cases[0], frame_cases, sizeof frame_cases / sizeof frame_cases[0], true, 3, 30, 100, 1, &err), err);
    urs_chain_score_text(&s, &text);
    URS_CHECK(t, urs_text_ok(&text) && strstr(urs_text_string(&text), "heads asked about") && strstr(urs_text_string(&text), "A right name by chance: 1 in 3."));
    j = urs_chain_score_json(&s);
    URS_REQUIRE(t, j);
    URS_CHECK_INT(t, json_integer_value(json_object_get(json_object_get(json_object_get(j, "known"), "fates"), "sifted_away")), 1);
    URS_CHECK_NEAR(t, json_real_value(json_object_get(json_object_get(j, "end_to_end"), "value")), 2.0 / 14, 1e-9);
    URS_CHECK_INT(t, json_integer_value(json_array_get(json_array_get(json_object_get(json_object_get(j, "sift"), "confusion"), 2), 1)), 1);
    json_decref(j);
    urs_text_release(&text);
}

static void nothing_gives_no_numbers(urs_test *t)
{
    urs_chain_score s = {0};
    urs_text text = {0};
    urs_error err = {0};
    json_t *j;
    URS_REQUIRE_OK(t, urs_chain_score_make(&s, NULL, 0, NULL, 0, false, 0, 0, 10, 1, &err), err);
    URS_CHECK(t, isnan(s.end_to_end.value) && isnan(s.auroc.value) && !s.open_set);
    urs_chain_score_text(&s, &text);
    j = urs_chain_score_json(&s);
    URS_CHECK(t, urs_text_ok(&text) && j);
    json_decref(j);
    urs_text_release(&text);
}

int main(void)
{
    static const urs_case all[] = {
        {"days stay on one side", days_stay_on_one_side},
        {"the check sees a leak", the_check_sees_a_leak},
        {"events and doubles", events_and_doubles},
        {"same seed, same split", same_seed_same_split},
        {"every head is counted once", every_head_is_counted_once},
        {"frames are counted", frames_are_counted},
        {"tables and JSON say the same", tables_and_json_say_the_same},
        {"nothing gives no numbers", nothing_gives_no_numbers},
    };
    return urs_run_cases(all, sizeof all / sizeof all[0]);
}
