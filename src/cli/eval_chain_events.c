/* Heads that share an event, asked about together, as `ursid identify` does it; see eval_chain.h and catalogue/event_heads.h. */
#include "cli/eval_chain.h"

#include "base/memory.h"
#include "catalogue/event_heads.h"

#include <stdlib.h>
#include <string.h>

urs_status urs_chain_judge(urs_chain_case *c, urs_chain_answer *a, const urs_chain_trial *t, const urs_head_models *models, const float *embedding, urs_error *err)
{
    const urs_identify_options how = {.calibration = &models->calibration, .verdict = models->verdict};
    urs_identification answer;
    const urs_status status = urs_identify(&answer, t->search, embedding, URS_CANDIDATES_MAX, &how, err);
    if (status != URS_OK)
        return status;
    c->verdict = (int)answer.verdict;
    c->p_new = answer.p_new;
    c->rank = 0;
    for (size_t i = 0; i < answer.count; i++) {
        if (answer.candidate[i].bear - 1 == c->individual) {
            c->rank = i + 1;
            a->right_chip = (size_t)(answer.candidate[i].chip - 1);
        }
    }
    if (answer.count) {
        c->first = answer.candidate[0].bear - 1;
        c->cosine = answer.candidate[0].score;
        a->first_chip = (size_t)(answer.candidate[0].chip - 1);
        a->probability = answer.candidate[0].probability;
    }
    return URS_OK;
}

typedef struct event_case {
    int32_t event;
    size_t number; /* in the trial's cases */
} event_case;

static int compare_cases(const void *a, const void *b)
{
    const event_case *x = a, *y = b;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

typedef struct event_room { /* for the largest event */
    float *embeddings, *fused;
    int64_t *frame;
    size_t *animal, *views;
} event_room;

/* Does the animal of head i hold heads of several bears? */
static bool mixed(const urs_chain_trial *t, const event_case *cases, const size_t *animal, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (animal[k] == animal[i] && t->cases[cases[k].number].individual != t->cases[cases[i].number].individual)
            return true;
    return false;
}

static urs_status judge_event(urs_chain_trial *t, const urs_head_models *models, const event_case *cases, size_t n, const event_room *room, urs_error *err)
{
    const size_t dim = (size_t)models->model.dim;
    urs_status status;
    for (size_t i = 0; i < n; i++) {
        memcpy(room->embeddings + i * dim, t->embeddings + cases[i].number * dim, dim * sizeof *room->embeddings);
        room->frame[i] = (int64_t)t->answers[cases[i].number].frame;
    }
    status = urs_event_heads_fuse(room->fused, room->animal, room->views, room->embeddings, room->frame, n, models->model.dim, models->calibrated ? &models->calibration : NULL, err);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        if (room->views[i] < 2)
            continue;
        t->judged_together++;
        t->judged_mixed += mixed(t, cases, room->animal, n, i);
        status = urs_chain_judge(&t->cases[cases[i].number], &t->answers[cases[i].number], t, models, room->fused + i * dim, err);
    }
    return status;
}

urs_status urs_chain_judge_events(urs_chain_trial *t, const urs_head_models *models, urs_error *err)
{
    const size_t dim = (size_t)models->model.dim, n = t->case_count;
    event_case *cases = urs_array_new(n, sizeof *cases);
    event_room room = {0};
    size_t count = 0, largest = 0;
    urs_status status = cases ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu heads", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const int32_t event = t->world->frames[t->answers[i].frame].event;
        if (t->cases[i].stop == URS_STOP_NONE && event >= 0)
            cases[count++] = (event_case){event, i};
    }
    if (count)
        qsort(cases, count, sizeof *cases, compare_cases);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && cases[end].event == cases[i].event;)
            end++;
        largest = end - i > largest ? end - i : largest;
    }
    room.embeddings = urs_array_new(largest * dim, sizeof *room.embeddings);
    room.fused = urs_array_new(largest * dim, sizeof *room.fused);
    room.frame = urs_array_new(largest, sizeof *room.frame);
    room.animal = urs_array_new(largest, sizeof *room.animal);
    room.views = urs_array_new(largest, sizeof *room.views);
    if (status == URS_OK && (!room.embeddings || !room.fused || !room.frame || !room.animal || !room.views))
        status = urs_fail(err, URS_ENOMEM, "no memory for the %zu heads of an event", largest);
    for (size_t i = 0, end; status == URS_OK && i < count; i = end) {
        for (end = i + 1; end < count && cases[end].event == cases[i].event;)
            end++;
        status = judge_event(t, models, cases + i, end - i, &room, err);
    }
    urs_free(cases);
    urs_free(room.embeddings);
    urs_free(room.fused);
    urs_free(room.frame);
    urs_free(room.animal);
    urs_free(room.views);
    return status;
}
