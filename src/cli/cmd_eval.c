/* `ursid eval sift|find|embed|chain`: what the four share; see cmd_eval.h. */
#include "cli/cmd_eval.h"

#include "base/file.h"
#include "cli/subcommand.h"
#include "interchange/html_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const urs_command urs_cmd_eval;

urs_status urs_eval_start(urs_eval_result *r, const char *stage, urs_error *err)
{
    *r = (urs_eval_result){.json = json_pack("{s:s, s:s, s:[]}", "stage", stage, "ursid", URS_VERSION, "notes")};
    return r->json ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the results");
}

void urs_eval_put(urs_eval_result *r, const char *key, json_t *value)
{
    if (json_object_set_new(r->json, key, value) != 0)
        r->text.failed = true;
}

void urs_eval_note(urs_eval_result *r, const char *note)
{
    urs_text_format(&r->text, "Note: %s\n", note);
    if (json_array_append_new(json_object_get(r->json, "notes"), json_string(note)) != 0)
        r->text.failed = true;
}

json_t *urs_eval_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static urs_status write_json(const urs_eval_result *r, const char *path, urs_error *err)
{
    char *text = json_dumps(r->json, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    urs_status status = text ? urs_file_write(path, text, strlen(text), err) : urs_fail(err, URS_ENOMEM, "no memory for '%s'", path);
    free(text);
    return status;
}

static urs_status write_report(const urs_eval_result *r, const char *path, urs_error *err)
{
    urs_text page = {0}, title = {0};
    urs_status status;
    urs_text_format(&title, "ursid eval %s", json_string_value(json_object_get(r->json, "stage")));
    urs_html_begin(&page, urs_text_string(&title), "measured on pictures that are labelled", "pre { overflow-x: auto } svg { max-width: 100%; margin: .5rem }");
    urs_text_add(&page, "<section><pre>");
    urs_text_html(&page, urs_text_string(&r->text));
    urs_text_add(&page, "</pre></section>\n<section>");
    urs_text_add(&page, urs_text_string(&r->plots));
    urs_text_add(&page, "</section>\n");
    urs_html_end(&page);
    status = urs_text_ok(&page) && urs_text_ok(&title) && urs_text_ok(&r->plots) ? urs_file_write(path, page.data, page.length, err)
                                                                                 : urs_fail(err, URS_ENOMEM, "no memory for the report");
    urs_text_release(&page);
    urs_text_release(&title);
    return status;
}

int urs_eval_finish(urs_eval_result *r, const urs_eval_arguments *a, const urs_command *command, urs_status status, urs_error *err)
{
    int code = URS_EXIT_OK;
    if (status == URS_OK && !urs_text_ok(&r->text))
        status = urs_fail(err, URS_ENOMEM, "no memory for the results");
    if (status == URS_OK && a->json)
        status = write_json(r, a->json, err);
    if (status == URS_OK && a->report)
        status = write_report(r, a->report, err);
    if (status == URS_OK)
        (void)fputs(urs_text_string(&r->text), stdout);
    else
        code = urs_command_error(command, err);
    urs_text_release(&r->text);
    urs_text_release(&r->plots);
    json_decref(r->json);
    *r = (urs_eval_result){0};
    return code;
}

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"embed", "does the right bear come out on top, and are new bears noticed?", urs_eval_embed_main},
    };
    return urs_verbs_run(&urs_cmd_eval, verbs, URS_COUNT(verbs), argc, argv);
}

const urs_command urs_cmd_eval = {
    .name = "eval",
    .summary = "measure a stage, or the whole chain, on labelled pictures",
    .help = "Tells how good a weight file is, on the part of the data that its training never saw: give the\n"
            "options of the split that were given to `ursid train`. Numbers come with how many pictures they\n"
            "were counted on and, where whole bears can be drawn again, with 95 % intervals.\n\n"
            "Examples:\n"
            "  ursid eval embed --data chips/ --model embed.safetensors --report embed.html\n"
            "  ursid eval embed --data chips/ --floor colour\n",
    .run = run,
};
