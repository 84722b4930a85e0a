/* The HTML report of a run; see identify_run.h. */
#include "cli/identify_run.h"

#include "base/memory.h"
#include "interchange/report_html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CANDIDATES_IN_REPORT 4
#define CHIPS_IN_GROUP 12
#define GROUPS_IN_REPORT 300
#define FAILURES_IN_REPORT 1000

#define SEEN_FRAMES_MAX 9 /* of a bear; the page links to eight and says that there are more */

typedef struct seen_bear { /* known bears of the run */
    size_t heads, frames, frame[SEEN_FRAMES_MAX];
} seen_bear;

typedef struct report_state {
    urs_identify_run *run;
    urs_report *report;
    size_t frames, failures;
    seen_bear *seen;      /* [run->bears.count] */
    urs_report_seen *shown; /* [run->bears.count], filled up to shown_count */
    size_t shown_count;
} report_state;

/* ---- frames ---- */

typedef struct head_pictures { /* what a head's part of the page borrows while it is written */
    urs_bytes chip;
    uint8_t *thumbnail[CANDIDATES_IN_REPORT];
    urs_report_candidate candidate[CANDIDATES_IN_REPORT];
} head_pictures;

static urs_status load_head(urs_identify_run *run, const char *file, size_t number, const urs_result_detection *d, urs_report_head *out, head_pictures *p, urs_error *err)
{
    urs_identification answer;
    const urs_new_group *group = urs_identify_group_of(run, file, number);
    urs_status status = urs_head_store_head(run->store, file, number, &p->chip, &answer, err);
    if (status != URS_OK)
        return status;
    *out = (urs_report_head){.x = d->x, .y = d->y, .width = d->width, .height = d->height, .confidence = d->conf, .verdict = d->verdict ? d->verdict : "unsure",
                             .group = group ? group->name : NULL, .p_new = answer.p_new, .views = d->views, .chip = {p->chip.data, p->chip.size}, .candidates = p->candidate};
    for (size_t i = 0; status == URS_OK && i < answer.count && i < CANDIDATES_IN_REPORT; i++) {
        size_t size = 0;
        status = urs_catalogue_thumbnail(run->catalogue, answer.candidate[i].chip, &p->thumbnail[i], &size, err);
        p->candidate[i] = (urs_report_candidate){.name = urs_identify_bear_name(run, answer.candidate[i].bear), .probability = answer.candidate[i].probability,
                                                 .picture = {p->thumbnail[i], size}};
        out->candidate_count = i + 1;
    }
    return status;
}

static urs_status report_image(void *context, urs_result_image *image, urs_error *err)
{
    report_state *s = context;
    urs_report_head *heads = NULL;
    head_pictures *pictures = NULL;
    urs_kept_picture preview = {0};
    urs_status status;
    if (image->count == 0)
        return URS_OK;
    heads = urs_array_new(image->count, sizeof *heads);
    pictures = urs_array_new(image->count, sizeof *pictures);
    status = heads && pictures ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the report");
    for (size_t i = 0; status == URS_OK && i < image->count; i++)
        status = load_head(s->run, image->file, i, &image->detections[i], &heads[i], &pictures[i], err);
    if (status == URS_OK)
        status = urs_head_store_picture(s->run->store, image->file, &preview, err);
    if (status == URS_OK) {
        const urs_report_frame frame = {.file = image->file, .datetime = image->datetime, .frame_class = image->frame_class, .warning = image->warning, .event = image->event,
                                        .picture = {preview.jpeg.data, preview.jpeg.size}, .width = preview.width, .height = preview.height, .heads = heads,
                                        .head_count = image->count};
        status = urs_report_add_frame(s->report, &frame, err);
    }
    for (size_t i = 0; pictures && i < image->count; i++) {
        urs_bytes_release(&pictures[i].chip);
        for (size_t k = 0; k < CANDIDATES_IN_REPORT; k++)
            urs_free(pictures[i].thumbnail[k]);
    }
    urs_bytes_release(&preview.jpeg);
    urs_free(heads);
    urs_free(pictures);
    return status;
}

static urs_status report_failure(void *context, urs_result_image *image, urs_error *err)
{
    report_state *s = context;
    if (!image->failure || s->failures++ >= FAILURES_IN_REPORT)
        return URS_OK;
    return urs_report_add_failure(s->report, image->file, image->warning ? image->warning : image->failure, err);
}

/* ---- known bears ---- */

static size_t bear_of_name(const urs_identify_run *run, const char *name)
{
    for (size_t i = 0; i < run->bears.count; i++)
        if (strcmp(run->bears.items[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static urs_status see_image(void *context, urs_result_image *image, urs_error *err)
{
    report_state *s = context;
    (void)err;
    s->frames += image->count > 0;
    for (size_t i = 0; i < image->count; i++) {
        const urs_result_detection *d = &image->detections[i];
        const size_t bear = d->verdict && strcmp(d->verdict, "known") == 0 && d->individuals.count ? bear_of_name(s->run, d->individuals.items[0].name) : SIZE_MAX;
        seen_bear *seen = bear != SIZE_MAX ? &s->seen[bear] : NULL;
        if (!seen)
            continue;
        seen->heads++;
        if (seen->frames < SEEN_FRAMES_MAX && (seen->frames == 0 || seen->frame[seen->frames - 1] != s->frames))
            seen->frame[seen->frames++] = s->frames;
    }
    return URS_OK;
}

static int compare_seen(const void *a, const void *b)
{
    const urs_report_seen *x = a, *y = b;
    if (x->heads != y->heads)
        return x->heads > y->heads ? -1 : 1;
    return strcmp(x->name, y->name);
}

static urs_status see_bears(report_state *s, urs_error *err)
{
    const urs_bears *bears = &s->run->bears;
    urs_status status;
    s->seen = urs_array_new(bears->count, sizeof *s->seen);
    s->shown = urs_array_new(bears->count, sizeof *s->shown);
    if (!s->seen || !s->shown)
        return urs_fail(err, URS_ENOMEM, "no memory for the report");
    status = urs_journal_visit(s->run->journal, see_image, s, err);
    for (size_t i = 0; status == URS_OK && i < bears->count; i++)
        if (s->seen[i].heads)
            s->shown[s->shown_count++] = (urs_report_seen){.name = bears->items[i].name, .heads = s->seen[i].heads, .frames = s->seen[i].frame, .frame_count = s->seen[i].frames};
    if (s->shown_count)
        qsort(s->shown, s->shown_count, sizeof *s->shown, compare_seen);
    return status;
}

/* ---- groups ---- */

static urs_status report_group(report_state *s, const urs_new_group *group, urs_error *err)
{
    urs_identify_run *run = s->run;
    urs_bytes chip[CHIPS_IN_GROUP] = {{0}};
    urs_report_picture picture[CHIPS_IN_GROUP];
    const char *file[CHIPS_IN_GROUP];
    const size_t n = group->heads < CHIPS_IN_GROUP ? group->heads : CHIPS_IN_GROUP;
    urs_text command = {0};
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        const urs_new_head *head = &run->new_heads[group->head[i]];
        status = urs_head_store_head(run->store, head->file, head->number, &chip[i], NULL, err);
        picture[i] = (urs_report_picture){chip[i].data, chip[i].size};
        file[i] = head->file;
    }
    urs_identify_command(run, group, &command);
    if (status == URS_OK) {
        const urs_report_group shown = {.name = group->name, .command = urs_text_string(&command), .chips = picture, .files = file, .chip_count = n, .heads = group->heads};
        status = urs_report_add_group(s->report, &shown, err);
    }
    for (size_t i = 0; i < n; i++)
        urs_bytes_release(&chip[i]);
    urs_text_release(&command);
    return status;
}

/* ---- the page ---- */

static urs_status begin_page(report_state *s, urs_error *err)
{
    urs_identify_run *run = s->run;
    const urs_identify_counts *n = &run->counts;
    const time_t now = time(NULL);
    struct tm tm;
    const double known_at = run->models.verdict.known_at > 0 ? run->models.verdict.known_at : URS_VERDICT_KNOWN_AT;
    const double new_below = run->models.verdict.new_below != 0 ? run->models.verdict.new_below : URS_VERDICT_NEW_BELOW;
    char when[32] = "", known[64] = "never known", fresh[80] = "never new", thresholds[200], catalogue[64];
    urs_text place = {0};
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", localtime_r(&now, &tm));
    if (known_at <= 1)
        (void)snprintf(known, sizeof known, "known from %.0f %% on", 100 * known_at);
    if (new_below >= 0)
        (void)snprintf(fresh, sizeof fresh, "new when all bears together have less than %.0f %%", 100 * new_below);
    if (run->models.calibrated)
        (void)snprintf(thresholds, sizeof thresholds, "%s, %s, unsure between", known, fresh);
    else
        (void)snprintf(thresholds, sizeof thresholds, "these weights carry no calibration: the order counts, the probabilities do not");
    (void)snprintf(catalogue, sizeof catalogue, " (%zu bears, %zu chips)", run->bears.count, urs_search_count(run->search));
    urs_text_add(&place, run->arguments->catalogue);
    urs_text_add(&place, catalogue);
    const char *const facts[][2] = {{"catalogue", urs_text_string(&place)}, {"models", urs_text_string(&run->models_text)}, {"verdicts", thresholds}, {"made", when}};
    urs_text subtitle = {0};
    for (int i = 0; i < run->arguments->paths.count && i < 8; i++)
        urs_text_format(&subtitle, "%s%.200s", i ? ", " : "", run->arguments->paths.items[i]);
    if (run->arguments->paths.count > 8)
        urs_text_add(&subtitle, " ...");
    const urs_report_info info = {.title = "Who are these bears?", .subtitle = urs_text_string(&subtitle), .files = n->files, .empty = n->empty, .animal = n->animal, .bear = n->bear,
                                  .heads = n->heads, .known = n->known, .unsure = n->unsure, .fresh = n->fresh, .failures = n->failures, .bears = run->bears.count,
                                  .chips = urs_search_count(run->search), .frames_with_heads = n->frames_with_heads,
                                  .frames_per_page = (size_t)run->arguments->report_frames, .catalogue = run->arguments->catalogue, .seen = s->shown, .seen_count = s->shown_count,
                                  .groups = run->group_count, .groups_shown = run->group_count < GROUPS_IN_REPORT ? run->group_count : GROUPS_IN_REPORT, .facts = facts, .fact_count = URS_COUNT(facts)};
    const urs_status status = urs_report_head_of_page(s->report, &info, err);
    urs_text_release(&place);
    urs_text_release(&subtitle);
    return status;
}

urs_status urs_identify_write_report(urs_identify_run *run, urs_error *err)
{
    report_state s = {.run = run};
    urs_status status = urs_report_open(&s.report, run->arguments->report, err);
    if (status == URS_OK)
        status = see_bears(&s, err);
    if (status == URS_OK)
        status = begin_page(&s, err);
    for (size_t i = 0; status == URS_OK && i < run->skipped.count; i++)
        status = urs_report_add_failure(s.report, "a folder", run->skipped.items[i], err);
    if (status == URS_OK && run->counts.failures)
        status = urs_journal_visit(run->journal, report_failure, &s, err);
    for (size_t g = 0; status == URS_OK && g < run->group_count && g < GROUPS_IN_REPORT; g++)
        status = report_group(&s, &run->groups[g], err);
    if (status == URS_OK)
        status = urs_journal_visit(run->journal, report_image, &s, err);
    if (status == URS_OK)
        status = urs_report_finish(s.report, err);
    urs_report_close(s.report);
    urs_free(s.seen);
    urs_free(s.shown);
    return status;
}
