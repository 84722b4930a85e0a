/* `ursid identify`: from photographs to named bears. The parts are in identify_run.h. */
#include "base/terminal.h"
#include "cli/cancel.h"
#include "cli/identify_run.h"

#include <stdio.h>

extern const urs_command urs_cmd_identify;

static urs_status put_failure(void *context, urs_result_image *image, urs_error *err)
{
    size_t *listed = context;
    (void)err;
    if (!image->failure || (*listed)++ >= 1000)
        return URS_OK;
    (void)fputs("  ", stderr);
    urs_terminal_put_line(stderr, image->warning ? image->warning : image->file);
    return URS_OK;
}

static urs_status list_failures(urs_identify_run *run, urs_error *err)
{
    size_t listed = 0;
    for (size_t i = 0; i < run->skipped.count; i++) {
        (void)fputs("ursid identify: ", stderr);
        urs_terminal_put_line(stderr, run->skipped.items[i]);
    }
    if (run->counts.failures == 0)
        return URS_OK;
    (void)fprintf(stderr, "ursid identify: %zu of %zu files could not be used:\n", run->counts.failures, run->counts.files);
    return urs_journal_visit(run->journal, put_failure, &listed, err);
}

static urs_status work(urs_identify_run *run, const urs_identify_arguments *a, urs_error *err)
{
    urs_status status = urs_identify_open(run, a, err);
    if (status == URS_OK && !run->models.calibrated)
        (void)fputs("ursid identify: these weights carry no calibration, so nothing will be called known or new; see --calibrate-only in 'ursid help train embed'\n", stderr);
    if (status == URS_OK)
        status = urs_identify_files(run, err);
    if (status == URS_OK && !a->no_events)
        status = urs_identify_events(run, err);
    if (status == URS_OK)
        status = urs_identify_group(run, err);
    if (status == URS_OK)
        status = urs_identify_put_table(run, err);
    if (status == URS_OK && a->csv)
        status = urs_identify_write_csv(run, err);
    if (status == URS_OK && a->report)
        status = urs_identify_write_report(run, err);
    if (status == URS_OK)
        status = list_failures(run, err);
    if (status == URS_OK)
        status = urs_identify_finish(run, err);
    if (status == URS_OK)
        status = a->enroll_new ? urs_identify_enroll(run, err) : urs_identify_put_proposals(run, err);
    return status;
}

static int run_command(int argc, char **argv)
{
    urs_identify_arguments a = {.top = 5, .report_frames = 200};
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("catalogue", "C.db", &a.catalogue, "the catalogue of known bears"),
        URS_OPTION_REST("PATH...", &a.paths, 1, INT_MAX, "photographs, or folders of them (searched through)"),
        URS_OPTION_INT("top", "K", &a.top, 1, 100, "candidates for each head"),
        URS_OPTION_OUTPUT("out", "F.json", &a.out, "write the results as MegaDetector batch JSON; an interrupted run goes on where it was"),
        URS_OPTION_OUTPUT("csv", "F.csv", &a.csv, "write a table, one row a head"),
        URS_OPTION_OUTPUT("report", "F.html", &a.report, "write a page with every head beside its candidates; further pages are F-2.html, F-3.html ..."),
        URS_OPTION_INT("report-frames", "N", &a.report_frames, 1, 100000, "frames with heads on one page"),
        URS_OPTION_FLAG("create", &a.create, "make an empty catalogue when C.db is not there: then every head is new"),
        URS_OPTION_FLAG("enroll-new", &a.enroll_new, "put the proposed new bears into the catalogue as new-1, new-2 ..."),
        URS_OPTION_DOUBLE("group-at", "P", &a.group_at, 0, 1, "new heads are one bear from this probability on; 0: an even chance"),
        URS_HEAD_OPTIONS(&a.heads),
        URS_OPTION_TEXT("model-sift", "W", &a.heads.sift, "weights that sort frames; default: those that come with ursid"),
        URS_GIVEN_BOXES_OPTIONS(&a.boxes, &a.box_score),
        URS_OPTION_FLAG("no-sift", &a.heads.no_sift, "look for heads in every frame, not only in those that are not empty"),
        URS_OPTION_DOUBLE("event-gap", "S", &a.event_gap, 0, 86400, "frames of a folder are one event while at most S seconds lie between them; 0: 60"),
        URS_OPTION_FLAG("no-events", &a.no_events, "judge every head alone, not all heads of an animal in an event together"),
        URS_OPTION_FLAG("fresh", &a.fresh, "with --out: begin again instead of going on"),
        URS_OPTION_INT("threads", "N", &a.threads, 0, 64, "0: all cores"),
        URS_OPTION_TEXT("backend", "NAME", &a.backend, "of float networks: ref or onednn; default: the fastest"),
        URS_OPTION_ENGINE(&a.heads.engine.word),
        URS_OPTION_FLAG("json-progress", &a.json_progress, "progress on stderr as JSON, one object a line"),
        URS_OPTION_FLAG("quiet", &a.quiet, "no progress"),
    };
    urs_identify_run run = {0};
    urs_error err = {0};
    urs_status status;
    int code;
    if (!urs_options_parse(&urs_cmd_identify, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (a.boxes && a.heads.chips_in)
        return urs_usage_error(&urs_cmd_identify, "--boxes says where to look for heads, and with --chips-in nothing is looked for");
    urs_cancel_install();
    a.heads.engine = (urs_engine_choice){.command = urs_cmd_identify.name, .word = a.heads.engine.word, .quiet = a.quiet};
    status = work(&run, &a, &err);
    if (status == URS_ECANCELLED) {
        (void)fprintf(stderr, "ursid identify: stopped%s\n", a.out ? "; the same command goes on from there" : "");
        code = URS_EXIT_FAILED;
    } else if (status != URS_OK) {
        code = urs_command_error(&urs_cmd_identify, &err);
    } else {
        code = run.counts.failures || run.skipped.count ? URS_EXIT_PARTIAL : URS_EXIT_OK;
    }
    urs_identify_close(&run);
    return code;
}

const urs_command urs_cmd_identify = {
    .name = "identify",
    .summary = "name the bears in photographs",
    .help = "Passes over empty frames, finds every bear head, and ranks the bears of the catalogue that it could\n"
            "be, with probabilities and a verdict: known, new, or unsure. Heads of one animal in one event (frames of a\n"
            "folder that follow each other within a minute) are judged together. A table goes to stdout; --out, --csv and\n"
            "--report write the same for programs, spreadsheets and eyes. Heads that are new are grouped by how\n"
            "alike they look, and each group is proposed as a new bear to be named.\n"
            "\n"
            "Examples:\n"
            "  ursid identify --catalogue bears.db /media/card1 --out card1.json --report card1.html\n"
            "  ursid identify --catalogue fresh.db --create photos/ --report photos.html\n"
            "  ursid identify --catalogue bears.db heads/ --chips-in --top 10 --csv heads.csv\n",
    .run = run_command,
};
