/* The HTML report of a run; see identify_run.h. */
#include "cli/identify_run.h"

#include "base/memory.h"
#include "interchange/report_html.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CANDIDATES_IN_REPORT 4
#define CHIPS_IN_GROUP 24
#define GROUPS_IN_REPORT 200
#define FAILURES_IN_REPORT 1000

typedef struct report_state {
    urs_identify_run *run;
    urs_report *report;
    size_t frames, failures;
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
                             .group = group ? group->name : NULL, .p_new = answer.p_new, .chip = {p->chip.data, p->chip.size}, .candidates = p->candidate};
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
    if (image->count == 0 || s->frames >= (size_t)s->run->arguments->report_frames)
        return URS_OK;
    heads = urs_array_new(image->count, sizeof *heads);
    pictures = urs_array_new(image->count, sizeof *pictures);
    status = heads && pictures ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the report");
    for (size_t i = 0; status == URS_OK && i < image->count; i++)
        status = load_head(s->run, image->file, i, &image->detections[i], &heads[i], &pictures[i], err);
    if (status == URS_OK)
        status = urs_head_store_picture(s->run->store, image->file, &preview, err);
    if (status == URS_OK) {
        const urs_report_frame frame = {.file = image->file, .datetime = image->datetime, .frame_class = image->frame_class, .warning = image->warning,
                                        .picture = {preview.jpeg.data, preview.jpeg.size}, .width = preview.width, .height = preview.height, .heads = heads,
                                        .head_count = image->count};
        status = urs_report_add_frame(s->report, &frame, err);
        s->frames++;
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
    const size_t most = (size_t)run->arguments->report_frames;
    const time_t now = time(NULL);
    struct tm tm;
    char when[32] = "", thresholds[160], catalogue[64];
    urs_text place = {0};
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", localtime_r(&now, &tm));
    if (run->models.calibrated)
        (void)snprintf(thresholds, sizeof thresholds, "known from %.2f on, new when all bears together stay below %.2f", run->models.verdict.known_at, run->models.verdict.new_below);
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
                                  .frames_shown = n->frames_with_heads < most ? n->frames_with_heads : most, .facts = facts, .fact_count = URS_COUNT(facts)};
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
        status = begin_page(&s, err);
    for (size_t g = 0; status == URS_OK && g < run->group_count && g < GROUPS_IN_REPORT; g++)
        status = report_group(&s, &run->groups[g], err);
    if (status == URS_OK)
        status = urs_journal_visit(run->journal, report_image, &s, err);
    if (status == URS_OK && run->counts.failures)
        status = urs_journal_visit(run->journal, report_failure, &s, err);
    if (status == URS_OK)
        status = urs_report_finish(s.report, err);
    urs_report_close(s.report);
    return status;
}
