/* `ursid catalogue`: looks into a catalogue and changes identities. One action a call, each a single transaction in src/catalogue. */
#include "base/file.h"
#include "base/memory.h"
#include "base/terminal.h"
#include "catalogue/catalogue.h"
#include "cli/option.h"
#include "eval/table.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const urs_command urs_cmd_catalogue;

typedef struct request {
    const char *path, *out; /* out: NULL for stdout */
    bool json, bears;
    int64_t chip;           /* 0: none */
    char **arg;             /* behind the action's name */
    int args;
} request;

static urs_status put_text(const urs_text *text, const char *path, urs_error *err)
{
    if (!urs_text_ok(text))
        return urs_fail(err, URS_ENOMEM, "no memory for the output");
    if (path)
        return urs_file_write(path, urs_text_string(text), text->length, err);
    if (fwrite(urs_text_string(text), 1, text->length, stdout) != text->length || fflush(stdout) != 0)
        return urs_fail(err, URS_EIO, "the output could not be written");
    return URS_OK;
}

/* Takes over the reference; NULL means that memory ran out while it was made. */
static urs_status put_json(json_t *root, const char *path, urs_error *err)
{
    char *dump = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    urs_text text = {0};
    urs_status status = dump ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the output");
    if (dump) {
        urs_text_add(&text, dump);
        urs_text_add(&text, "\n");
        status = put_text(&text, path, err);
    }
    urs_text_release(&text);
    free(dump);
    json_decref(root);
    return status;
}

/* JSON holds UTF-8 only; a file's name may be any bytes. */
static json_t *text_or_null(const char *s)
{
    json_t *text = s ? json_string(s) : NULL;
    return text ? text : json_null();
}

/* ---- looking ---- */

static urs_status list_json(urs_catalogue *c, const request *r, const urs_bears *bears, urs_error *err)
{
    char *fingerprint = NULL, *name = NULL;
    int32_t dim = 0;
    json_t *list = json_array(), *model = NULL;
    urs_status status = urs_catalogue_model_get(c, &fingerprint, &name, &dim, err);
    for (size_t i = 0; status == URS_OK && i < bears->count; i++) {
        const urs_bear *b = &bears->items[i];
        (void)json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:o, s:o}", "name", text_or_null(b->name), "chips", (json_int_t)b->chips, "sightings",
                                                    (json_int_t)b->sightings, "first_time", text_or_null(b->first_time), "last_time",
                                                    text_or_null(b->last_time)));
    }
    if (status == URS_OK) {
        model = fingerprint ? json_pack("{s:o, s:o, s:i}", "name", text_or_null(name), "fingerprint", text_or_null(fingerprint), "dim", (int)dim) : json_null();
        status = put_json(json_pack("{s:o, s:o, s:O}", "catalogue", text_or_null(r->path), "model", model, "bears", list), r->out, err);
    }
    json_decref(list);
    urs_free(fingerprint);
    urs_free(name);
    return status;
}

static urs_status do_list(urs_catalogue *c, const request *r, urs_error *err)
{
    urs_bears bears = {0};
    urs_text text = {0};
    urs_table table;
    size_t chips = 0;
    urs_status status = urs_catalogue_bears(c, &bears, err);
    if (status == URS_OK && r->json) {
        status = list_json(c, r, &bears, err);
    } else if (status == URS_OK) {
        urs_table_start(&table, 5);
        urs_table_add(&table, "bear");
        urs_table_add(&table, "chips");
        urs_table_add(&table, "sightings");
        urs_table_add(&table, "first seen");
        urs_table_add(&table, "last seen");
        for (size_t i = 0; i < bears.count; i++) {
            const urs_bear *b = &bears.items[i];
            urs_table_add(&table, b->name);
            urs_table_format(&table, "%zu", b->chips);
            urs_table_format(&table, "%zu", b->sightings);
            urs_table_add(&table, b->first_time ? b->first_time : "-");
            urs_table_add(&table, b->last_time ? b->last_time : "-");
            chips += b->chips;
        }
        urs_table_end(&table, &text);
        urs_text_format(&text, "\n%zu %s, %zu %s\n", bears.count, bears.count == 1 ? "bear" : "bears", chips, chips == 1 ? "chip" : "chips");
        status = put_text(&text, r->out, err);
    }
    urs_text_release(&text);
    urs_bears_release(&bears);
    return status;
}

static json_t *chip_json(const urs_stored_chip *k)
{
    return json_pack("{s:I, s:o, s:o, s:[f,f,f,f], s:f, s:o, s:o, s:o, s:o}", "chip", (json_int_t)k->id, "bear", text_or_null(k->bear_name), "file",
                     text_or_null(k->path), "box", (double)k->box.x1, (double)k->box.y1, (double)k->box.x2, (double)k->box.y2, "confidence", k->confidence,
                     "camera", text_or_null(k->camera), "time", text_or_null(k->time), "verdict", text_or_null(k->verdict), "content_hash",
                     text_or_null(k->content_hash));
}

static void chip_row(urs_table *table, const urs_stored_chip *k)
{
    urs_table_format(table, "%lld", (long long)k->id);
    urs_table_add(table, k->bear_name ? k->bear_name : "(none)");
    urs_table_format(table, "%.0f", (double)k->box.x1);
    urs_table_format(table, "%.0f", (double)k->box.y1);
    urs_table_format(table, "%.0f", (double)(k->box.x2 - k->box.x1));
    urs_table_format(table, "%.0f", (double)(k->box.y2 - k->box.y1));
    urs_table_add(table, k->time ? k->time : "-");
    urs_table_add(table, k->camera ? k->camera : "-");
    urs_table_add(table, k->path);
}

static urs_status do_show(urs_catalogue *c, const request *r, urs_error *err)
{
    static const char *const headings[] = {"chip", "bear", "x", "y", "width", "height", "time", "camera", "file"};
    urs_stored_chips chips = {0};
    urs_text text = {0};
    urs_table table;
    urs_status status = r->chip ? urs_catalogue_chip(c, r->chip, &chips, err) : urs_catalogue_chips(c, r->args > 0 ? r->arg[0] : NULL, &chips, err);
    if (status == URS_OK && r->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < chips.count; i++)
            (void)json_array_append_new(list, chip_json(&chips.items[i]));
        status = put_json(list, r->out, err);
    } else if (status == URS_OK) {
        urs_table_start(&table, URS_COUNT(headings));
        for (size_t i = 0; i < URS_COUNT(headings); i++)
            urs_table_add(&table, headings[i]);
        for (size_t i = 0; i < chips.count; i++)
            chip_row(&table, &chips.items[i]);
        urs_table_end(&table, &text);
        status = put_text(&text, r->out, err);
    }
    urs_text_release(&text);
    urs_stored_chips_release(&chips);
    return status;
}

static urs_status do_history(urs_catalogue *c, const request *r, urs_error *err)
{
    urs_decisions d = {0};
    urs_text text = {0};
    urs_table table;
    urs_status status = urs_catalogue_decisions(c, 0, &d, err);
    if (status == URS_OK && r->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < d.count; i++)
            (void)json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o, s:b}", "decision", (json_int_t)d.items[i].id, "kind", text_or_null(d.items[i].kind),
                                                        "time", text_or_null(d.items[i].time), "summary", text_or_null(d.items[i].summary), "undone",
                                                        (int)d.items[i].undone));
        status = put_json(list, r->out, err);
    } else if (status == URS_OK) {
        urs_table_start(&table, 4);
        urs_table_add(&table, "decision");
        urs_table_add(&table, "time");
        urs_table_add(&table, "state");
        urs_table_add(&table, "what");
        for (size_t i = 0; i < d.count; i++) {
            urs_table_format(&table, "%lld", (long long)d.items[i].id);
            urs_table_add(&table, d.items[i].time);
            urs_table_add(&table, d.items[i].undone ? "undone" : "valid");
            urs_table_add(&table, d.items[i].summary);
        }
        urs_table_end(&table, &text);
        status = put_text(&text, r->out, err);
    }
    urs_text_release(&text);
    urs_decisions_release(&d);
    return status;
}

static urs_status do_export(urs_catalogue *c, const request *r, urs_error *err)
{
    urs_text text = {0};
    urs_status status = r->bears ? urs_catalogue_export_bears(c, &text, err) : urs_catalogue_export_chips(c, &text, err);
    if (status == URS_OK)
        status = put_text(&text, r->out, err);
    urs_text_release(&text);
    return status;
}

static urs_status do_check(urs_catalogue *c, const request *r, urs_error *err)
{
    urs_status status = urs_catalogue_check(c, err);
    (void)r;
    if (status == URS_OK)
        urs_terminal_put_line(stdout, "the catalogue is in order");
    return status;
}

/* ---- changing ---- */

static urs_status do_rename(urs_catalogue *c, const request *r, urs_error *err)
{
    return urs_catalogue_rename(c, r->arg[0], r->arg[1], err);
}

static urs_status do_merge(urs_catalogue *c, const request *r, urs_error *err)
{
    return urs_catalogue_merge(c, r->arg[0], r->arg[1], err);
}

static urs_status read_chip_number(const char *s, int64_t *chip, urs_error *err)
{
    long long n;
    if (!urs_parse_int(s, 1, LLONG_MAX, &n))
        return urs_fail(err, URS_EINVAL, "'%s' is not the number of a chip; `show` tells them", s);
    *chip = n;
    return URS_OK;
}

static urs_status do_split(urs_catalogue *c, const request *r, urs_error *err)
{
    const size_t n = (size_t)r->args - 2;
    int64_t *chips = urs_array_new(n, sizeof *chips);
    urs_status status = chips ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a list of chips");
    for (size_t i = 0; status == URS_OK && i < n; i++)
        status = read_chip_number(r->arg[i + 2], &chips[i], err);
    if (status == URS_OK)
        status = urs_catalogue_split(c, r->arg[0], r->arg[1], chips, n, err);
    urs_free(chips);
    return status;
}

static urs_status do_remove(urs_catalogue *c, const request *r, urs_error *err)
{
    return r->chip ? urs_catalogue_remove_chip(c, r->chip, err) : urs_catalogue_remove_bear(c, r->arg[0], err);
}

static urs_status do_verdict(urs_catalogue *c, const request *r, urs_error *err)
{
    int64_t chip = 0;
    urs_status status = read_chip_number(r->arg[0], &chip, err);
    return status == URS_OK ? urs_catalogue_verdict(c, chip, r->arg[1], r->args > 2 ? r->arg[2] : NULL, err) : status;
}

static urs_status do_undo(urs_catalogue *c, const request *r, urs_error *err)
{
    char *summary = NULL;
    urs_text text = {0};
    urs_status status = urs_catalogue_undo(c, &summary, NULL, err);
    (void)r;
    if (status == URS_OK) {
        urs_text_format(&text, "undone: %s", summary);
        urs_terminal_put_line(stdout, urs_text_string(&text));
    }
    urs_text_release(&text);
    urs_free(summary);
    return status;
}

/* Says what the newest decision was: the one that this call made. */
static urs_status put_newest(urs_catalogue *c, urs_error *err)
{
    urs_decisions d = {0};
    urs_status status = urs_catalogue_decisions(c, 1, &d, err);
    if (status == URS_OK && d.count > 0)
        urs_terminal_put_line(stdout, d.items[0].summary);
    urs_decisions_release(&d);
    return status;
}

/* ---- the actions ---- */

typedef struct action {
    const char *name, *arguments;
    int least, most;
    bool chip;    /* --chip may stand for the bear */
    bool changes; /* makes a decision, which is told */
    bool writes;
    urs_status (*run)(urs_catalogue *c, const request *r, urs_error *err);
} action;

static const action actions[] = {
    {"list", "", 0, 0, false, false, false, do_list},
    {"show", "[BEAR] or --chip N", 0, 1, true, false, false, do_show},
    {"rename", "BEAR NEW-NAME", 2, 2, false, true, true, do_rename},
    {"merge", "BEAR INTO-BEAR", 2, 2, false, true, true, do_merge},
    {"split", "BEAR NEW-BEAR CHIP...", 3, INT_MAX, false, true, true, do_split},
    {"remove", "BEAR or --chip N", 1, 1, true, true, true, do_remove},
    {"verdict", "CHIP known BEAR, CHIP new BEAR, or CHIP unsure", 2, 3, false, true, true, do_verdict},
    {"undo", "", 0, 0, false, false, true, do_undo},
    {"history", "", 0, 0, false, false, false, do_history},
    {"export", "[--bears] [--out F.csv]", 0, 0, false, false, false, do_export},
    {"check", "", 0, 0, false, false, false, do_check},
};

static const action *find_action(const char *name)
{
    for (size_t i = 0; i < URS_COUNT(actions); i++)
        if (!strcmp(actions[i].name, name))
            return &actions[i];
    return NULL;
}

static int run(int argc, char **argv)
{
    request r = {0};
    urs_arguments words = {0};
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("catalogue", "C.db", &r.path, "the catalogue"),
        URS_OPTION_INT64("chip", "N", &r.chip, 1, 9007199254740992.0, "with show and remove: one chip by its number"),
        URS_OPTION_FLAG("bears", &r.bears, "with export: one line a bear instead of one a chip"),
        URS_OPTION_FLAG("json", &r.json, "with list, show and history: print JSON"),
        URS_OPTION_OUTPUT("out", "FILE", &r.out, "with list, show, history and export: write to FILE instead of stdout"),
        URS_OPTION_REST("ACTION", &words, 1, INT_MAX, "list, show, rename, merge, split, remove, verdict, undo, history, export or check"),
    };
    urs_catalogue *c = NULL;
    urs_error err = {0};
    const action *a;
    urs_status status;
    int code;
    if (!urs_options_parse(&urs_cmd_catalogue, options, URS_COUNT(options), argc, argv, &code))
        return code;
    a = find_action(words.items[0]);
    if (!a)
        return urs_usage_error(&urs_cmd_catalogue, "there is no action '%s'", words.items[0]);
    r.arg = words.items + 1;
    r.args = words.count - 1;
    if (r.chip && !a->chip)
        return urs_usage_error(&urs_cmd_catalogue, "--chip goes with show and remove, not with %s", a->name);
    if (r.bears && a->run != do_export)
        return urs_usage_error(&urs_cmd_catalogue, "--bears goes with export, not with %s", a->name);
    if (r.json && a->run != do_list && a->run != do_show && a->run != do_history)
        return urs_usage_error(&urs_cmd_catalogue, "--json goes with list, show and history, not with %s", a->name);
    if (r.out && (a->writes || a->run == do_check))
        return urs_usage_error(&urs_cmd_catalogue, "--out does not go with %s", a->name);
    if (r.chip ? r.args != 0 : r.args < a->least || r.args > a->most)
        return urs_usage_error(&urs_cmd_catalogue, "%s takes %s", a->name, *a->arguments ? a->arguments : "no further argument");

    status = urs_catalogue_open(&c, r.path, NULL, &err);
    if (status == URS_OK)
        status = a->run(c, &r, &err);
    if (status == URS_OK && a->changes)
        status = put_newest(c, &err);
    urs_catalogue_close(c);
    if (status == URS_EINVAL) /* a name that is empty or taken, a word that is no number: the arguments are wrong, not the catalogue */
        return urs_usage_error(&urs_cmd_catalogue, "%s", err.message);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(&urs_cmd_catalogue, &err);
}

const urs_command urs_cmd_catalogue = {
    .name = "catalogue",
    .summary = "list, rename, merge, split, remove, undo, export: the known bears",
    .help = "Actions:\n"
            "  list                             the bears, with their chips and sightings\n"
            "  show [BEAR]                      the chips of a bear (or of all), with their numbers; --chip N for one\n"
            "  rename BEAR NEW-NAME\n"
            "  merge BEAR INTO-BEAR             two names turned out to be one bear\n"
            "  split BEAR NEW-BEAR CHIP...      one name turned out to be two bears: these chips belong to the new one\n"
            "  remove BEAR                      with its chips; --chip N removes one chip\n"
            "  verdict CHIP known|new BEAR      a person's answer for a chip; `verdict CHIP unsure` takes its bear away\n"
            "  undo                             takes the last decision (or the last run of enroll) back; again goes further back\n"
            "  history                          all decisions, newest first\n"
            "  export                           CSV: a line a chip, or a line a bear with --bears\n"
            "  check                            is the file whole and free of contradictions?\n"
            "Nothing is deleted: what is removed or merged away stays in the file, so that every decision can be undone.\n"
            "The photographs themselves are never touched.\n"
            "\n"
            "Examples:\n"
            "  ursid catalogue --catalogue brooks.db list\n"
            "  ursid catalogue --catalogue brooks.db merge 'unknown 3' Otis\n"
            "  ursid catalogue --catalogue brooks.db split Otis Grazer 41 42 57\n"
            "  ursid catalogue --catalogue brooks.db undo\n"
            "  ursid catalogue --catalogue brooks.db export --out chips.csv\n",
    .run = run,
};
