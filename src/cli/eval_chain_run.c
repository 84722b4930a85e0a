/* Enrolling one side and asking the other; see eval_chain.h. */
#include "cli/eval_chain.h"

#include "base/memory.h"
#include "base/progress.h"
#include "cli/cancel.h"
#include "eval/detection_ap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OVERLAP 0.5          /* IoU from which a detection is the head */
#define NOT_FOUND_MARGIN 0.3 /* of the box, shown around a head that was not found */

typedef struct pass { /* one of the two runs of the chain */
    urs_chain_trial *trial;
    const urs_head_models *models;
    const size_t *frame_of; /* number in the world of each file */
    urs_progress progress;
    size_t done;
} pass;

void urs_chain_trial_release(urs_chain_trial *t)
{
    for (size_t i = 0; i < t->gallery_count; i++)
        urs_bytes_release(&t->gallery[i].thumbnail);
    for (size_t i = 0; i < t->case_count; i++)
        urs_bytes_release(&t->answers[i].picture);
    urs_free(t->gallery);
    urs_free(t->chips_of);
    urs_free(t->cases);
    urs_free(t->answers);
    urs_free(t->embeddings);
    urs_free(t->frame_cases);
    urs_search_free(t->search);
    urs_text_release(&t->models);
    *t = (urs_chain_trial){0};
}

/* ---- labels and detections ---- */

typedef struct matches {
    size_t heads;           /* labelled */
    urs_box *box;           /* owned [heads], in pixels of the decoded picture */
    size_t *detection;      /* owned [heads]: the one that found it, SIZE_MAX: none */
    bool *used;             /* owned [detections] */
} matches;

static void release_matches(matches *m)
{
    urs_free(m->box);
    urs_free(m->detection);
    urs_free(m->used);
}

static bool boxes_known(const pass *p, const urs_sample *s)
{
    return s->has_heads && !p->trial->arguments->heads.chips_in;
}

/* Detections in falling score, each to the free label that it overlaps most. Where only the name is known, the surest detection is the head. */
static urs_status match_heads(matches *out, const pass *p, size_t frame, const urs_chain_result *r, urs_error *err)
{
    const urs_sample *s = &p->trial->world->set.samples[frame];
    const urs_enrol_frame *f = &p->trial->world->frames[frame];
    matches m = {.heads = f->heads};
    m.box = urs_array_new(f->heads, sizeof *m.box);
    m.detection = urs_array_new(f->heads, sizeof *m.detection);
    m.used = urs_array_new(r->head_count, sizeof *m.used);
    if (!m.box || !m.detection || !m.used) {
        release_matches(&m);
        return urs_fail(err, URS_ENOMEM, "no memory for the heads of '%s'", s->path);
    }
    for (size_t i = 0; i < f->heads; i++) {
        m.detection[i] = SIZE_MAX;
        if (boxes_known(p, s) && r->picture_width > 0)
            m.box[i] = urs_sample_head(s, i, r->picture_width, r->picture_height, r->width, r->height).box;
    }
    for (size_t d = 0; d < r->head_count; d++) {
        double best = OVERLAP;
        size_t label = SIZE_MAX;
        for (size_t i = 0; i < f->heads; i++) {
            const double overlap = boxes_known(p, s) ? urs_box_iou(m.box[i], r->heads[d].found.box) : 1;
            if (m.detection[i] == SIZE_MAX && overlap >= best) {
                best = overlap;
                label = i;
            }
        }
        m.used[d] = label != SIZE_MAX;
        if (label != SIZE_MAX)
            m.detection[label] = d;
    }
    *out = m;
    return URS_OK;
}

/* ---- enrolling ---- */

static urs_status enrol_head(pass *p, size_t frame, const urs_chain_head *head, urs_error *err)
{
    urs_chain_trial *t = p->trial;
    const int32_t individual = t->world->frames[frame].individual[0];
    urs_gallery_chip chip = {.frame = frame, .individual = individual};
    urs_status status = URS_OK;
    if (!urs_array_reserve((void **)&t->gallery, &t->gallery_capacity, t->gallery_count, sizeof *t->gallery))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu enrolled heads", t->gallery_count);
    if (t->arguments->eval.report)
        status = urs_head_thumbnail(&chip.thumbnail, &head->chip, err);
    if (status == URS_OK) /* numbers from 1 on, as in a catalogue */
        status = urs_search_add(t->search, (int64_t)t->gallery_count + 1, (int64_t)individual + 1, head->embedding, err);
    if (status != URS_OK) {
        urs_bytes_release(&chip.thumbnail);
        return status;
    }
    t->gallery[t->gallery_count++] = chip;
    t->gallery_bears += t->chips_of[individual]++ == 0;
    t->enrolment.enrolled++;
    return URS_OK;
}

static urs_status take_enrolment(void *context, urs_chain_result *r, urs_error *err)
{
    pass *p = context;
    const size_t frame = p->frame_of[r->index];
    urs_enrol_counts *n = &p->trial->enrolment;
    matches m = {0};
    urs_status status = URS_OK;
    n->photographs++;
    if (r->error.code != URS_OK) {
        n->unreadable++;
    } else if (r->head_count == 0) {
        n->headless++;
    } else {
        status = match_heads(&m, p, frame, r, err);
        n->several += status == URS_OK && r->head_count > 1;
        if (status == URS_OK && m.detection[0] == SIZE_MAX)
            n->misplaced++;
        else if (status == URS_OK)
            status = enrol_head(p, frame, &r->heads[m.detection[0]], err);
        release_matches(&m);
    }
    urs_progress_step(&p->progress, ++p->done);
    return status;
}

/* ---- asking ---- */

/* A wrong answer's picture for the page: the chip, or the place of a head that was missed. */
static urs_status keep_picture(urs_chain_answer *a, const urs_chain_result *r, const urs_chain_head *head, const urs_box *missed, urs_error *err)
{
    urs_image part = {0};
    urs_status status = URS_OK;
    if (head)
        return urs_head_thumbnail(&a->picture, &head->chip, err);
    if (!r->picture.data)
        return URS_OK;
    if (missed && missed->x2 > missed->x1) {
        const float w = missed->x2 - missed->x1, h = missed->y2 - missed->y1, side = (w > h ? w : h) * (1 + (float)NOT_FOUND_MARGIN);
        status = urs_image_crop(&part, &r->picture, (int32_t)(missed->x1 + (w - side) / 2), (int32_t)(missed->y1 + (h - side) / 2), (int32_t)side + 1, (int32_t)side + 1, 0, err);
    } else {
        const int32_t side = r->picture.width > r->picture.height ? r->picture.width : r->picture.height;
        status = urs_image_crop(&part, &r->picture, (r->picture.width - side) / 2, (r->picture.height - side) / 2, side, side, 0, err);
    }
    if (status == URS_OK)
        status = urs_head_thumbnail(&a->picture, &part, err);
    urs_image_release(&part);
    return status;
}

static urs_status ask_head(pass *p, size_t frame, size_t number, const urs_chain_result *r, const matches *m, urs_error *err)
{
    urs_chain_trial *t = p->trial;
    const int32_t individual = t->world->frames[frame].individual[number];
    const size_t found = m->detection[number], dim = (size_t)p->models->model.dim;
    const urs_chain_head *head = found != SIZE_MAX ? &r->heads[found] : NULL;
    urs_chain_case c = {.individual = individual, .known = t->world->split.enrolled[individual], .first = -1, .cosine = -1, .p_new = 1};
    urs_chain_answer a = {.frame = frame, .head = number, .first_chip = SIZE_MAX, .right_chip = SIZE_MAX};
    urs_status status = URS_OK;
    c.stop = r->error.code != URS_OK ? URS_STOP_FILE : !r->searched ? URS_STOP_SIFT : !head ? URS_STOP_FIND : c.known && t->chips_of[individual] == 0 ? URS_STOP_ENROL : URS_STOP_NONE;
    if (!urs_array_reserve((void **)&t->cases, &t->case_capacity, t->case_count, sizeof *t->cases) ||
        !urs_array_reserve((void **)&t->answers, &t->answer_capacity, t->case_count, sizeof *t->answers) ||
        !urs_array_reserve((void **)&t->embeddings, &t->embedding_capacity, t->case_count, dim * sizeof *t->embeddings))
        return urs_fail(err, URS_ENOMEM, "no memory for %zu heads", t->case_count);
    if (c.stop == URS_STOP_NONE)
        status = urs_chain_judge(&c, &a, t, p->models, head->embedding, err);
    if (c.stop == URS_STOP_NONE) /* cases that were lost have no row that is read */
        memcpy(t->embeddings + t->case_count * dim, head->embedding, dim * sizeof *t->embeddings);
    if (status == URS_OK && t->arguments->eval.report) /* of right ones too: its event may change the verdict */
        status = keep_picture(&a, r, head, &m->box[number], err);
    if (status != URS_OK) {
        urs_bytes_release(&a.picture);
        return status;
    }
    t->cases[t->case_count] = c;
    t->answers[t->case_count++] = a;
    return URS_OK;
}

/* Detections where no label is, and which of them get a name. */
static urs_status count_false(urs_chain_frame_case *out, pass *p, const urs_chain_result *r, const matches *m, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t d = 0; status == URS_OK && d < r->head_count; d++) {
        urs_chain_case c = {.individual = -1};
        urs_chain_answer unused = {0};
        if (m->used[d])
            continue;
        out->false_heads++;
        status = urs_chain_judge(&c, &unused, p->trial, p->models, r->heads[d].embedding, err);
        out->false_known += status == URS_OK && c.verdict == URS_VERDICT_KNOWN;
    }
    return status;
}

/* What is drawn together for intervals: a bear's frames, an event, else each frame by itself. */
static int64_t cluster_of(const urs_chain_world *w, size_t frame)
{
    const urs_enrol_frame *f = &w->frames[frame];
    const int64_t individuals = (int64_t)urs_name_table_count(&w->set.individuals), events = (int64_t)urs_name_table_count(&w->set.groups);
    for (size_t i = 0; i < f->heads; i++)
        if (f->individual[i] >= 0)
            return f->individual[i];
    return f->event >= 0 ? individuals + f->event : individuals + events + (int64_t)frame;
}

static urs_status take_question(void *context, urs_chain_result *r, urs_error *err)
{
    pass *p = context;
    urs_chain_trial *t = p->trial;
    const size_t frame = p->frame_of[r->index];
    const urs_enrol_frame *f = &t->world->frames[frame];
    urs_chain_frame_case c = {.truth = t->world->truth[frame], .answer = r->has_sift ? r->sift.verdict : -1, .cluster = cluster_of(t->world, frame), .searched = r->searched,
                              .unreadable = r->error.code != URS_OK, .boxes = boxes_known(p, &t->world->set.samples[frame])};
    matches m = {0};
    urs_status status = match_heads(&m, p, frame, r, err);
    for (size_t i = 0; status == URS_OK && i < f->heads; i++) {
        c.heads++;
        c.found += m.detection[i] != SIZE_MAX;
        if (f->individual[i] >= 0)
            status = ask_head(p, frame, i, r, &m, err);
    }
    if (status == URS_OK && c.boxes)
        status = count_false(&c, p, r, &m, err);
    t->frame_cases[t->frame_count++] = c;
    release_matches(&m);
    urs_progress_step(&p->progress, ++p->done);
    return status;
}

/* ---- the two passes ---- */

static urs_status run_pass(urs_chain_trial *t, urs_enrol_role role, const urs_head_models *models, urs_status (*take)(void *, urs_chain_result *, urs_error *), urs_error *err)
{
    const urs_chain_world *w = t->world;
    pass p = {.trial = t, .models = models};
    const char **files = urs_array_new(w->set.count, sizeof *files);
    size_t *frame_of = urs_array_new(w->set.count, sizeof *frame_of), n = 0;
    urs_status status = URS_OK;
    if (!files || !frame_of)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu photographs", w->set.count);
    for (size_t i = 0; status == URS_OK && i < w->set.count; i++) {
        if (w->split.role[i] != role)
            continue;
        files[n] = w->set.samples[i].path;
        frame_of[n++] = i;
    }
    p.frame_of = frame_of;
    if (status == URS_OK) {
        const urs_chain_arguments *a = t->arguments;
        urs_progress_start(&p.progress, a->quiet ? URS_PROGRESS_NONE : a->json_progress ? URS_PROGRESS_JSON : URS_PROGRESS_AUTO, role == URS_ROLE_ENROL ? "enrolling" : "asking", "photographs", n);
        status = urs_chain_run(models->chain, files, n, &(urs_chain_calls){.context = &p, .deliver = take, .cancelled = urs_cancel_asked}, err);
        urs_progress_end(&p.progress);
    }
    urs_free((void *)files);
    urs_free(frame_of);
    return status;
}

urs_status urs_chain_trial_run(urs_chain_trial *out, const urs_chain_world *world, const urs_chain_arguments *a, urs_error *err)
{
    urs_chain_trial t = {.world = world, .arguments = a};
    urs_head_arguments enrolling = a->heads;
    urs_head_models models = {0};
    urs_chain_options chain = {.threads = a->eval.threads, .keep_picture = a->eval.report != NULL};
    urs_status status = URS_OK;
    enrolling.no_sift = true; /* as `ursid enroll` does it */
    t.chips_of = urs_array_new(urs_name_table_count(&world->set.individuals), sizeof *t.chips_of);
    t.frame_cases = urs_array_new(world->set.count, sizeof *t.frame_cases);
    if (!t.chips_of || !t.frame_cases)
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu photographs", world->set.count);
    if (status == URS_OK)
        status = urs_head_models_open(&models, &enrolling, &chain, err);
    if (status == URS_OK)
        status = urs_search_new(&t.search, models.model.dim, err);
    if (status == URS_OK)
        status = run_pass(&t, URS_ROLE_ENROL, &models, take_enrolment, err);
    urs_head_models_close(&models);
    if (status == URS_OK)
        status = urs_head_models_open(&models, &a->heads, &chain, err);
    if (status == URS_OK) {
        t.sifted = models.sift != NULL;
        t.calibrated = models.calibrated;
        t.verdict = models.verdict;
        urs_head_models_describe(&models, &t.models);
        status = run_pass(&t, URS_ROLE_ASK, &models, take_question, err);
        if (status == URS_OK && !a->no_events)
            status = urs_chain_judge_events(&t, &models, err);
    }
    urs_head_models_close(&models);
    if (status == URS_OK)
        *out = t;
    else
        urs_chain_trial_release(&t);
    return status;
}
