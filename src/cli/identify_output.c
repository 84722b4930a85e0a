/* Table, CSV and proposals of a run; see identify_run.h. */
#include "cli/identify_run.h"

#include "base/memory.h"
#include "base/terminal.h"
#include "cli/photo_run.h"
#include "eval/table.h"
#include "interchange/result_csv.h"

#include <stdio.h>
#include <string.h>

#define CANDIDATES_IN_TABLE 3
#define FILES_IN_COMMAND 12
#define GROUPS_PROPOSED 20

/* ---- the table ---- */

typedef struct table_state {
    urs_identify_run *run;
    urs_table table;
    size_t rows;
} table_state;

static void count_image(urs_identify_counts *n, const urs_result_image *image)
{
    n->files++;
    n->failures += image->failure != NULL;
    n->frames_with_heads += image->count > 0;
    if (image->frame_class) {
        n->empty += strcmp(image->frame_class, "empty") == 0;
        n->animal += strcmp(image->frame_class, "animal") == 0;
        n->bear += strcmp(image->frame_class, "bear") == 0;
    }
    for (size_t i = 0; i < image->count; i++) {
        const char *verdict = image->detections[i].verdict ? image->detections[i].verdict : "";
        n->heads++;
        n->known += strcmp(verdict, "known") == 0;
        n->unsure += strcmp(verdict, "unsure") == 0;
        n->fresh += strcmp(verdict, "new") == 0;
    }
}

static void add_name(urs_table *table, const char *name)
{
    urs_text shown = {0};
    urs_terminal_add(&shown, name, URS_NAME_COLUMNS);
    urs_table_add(table, urs_text_string(&shown));
    table->failed = table->failed || !urs_text_ok(&shown);
    urs_text_release(&shown);
}

static urs_status table_image(void *context, urs_result_image *image, urs_error *err)
{
    table_state *s = context;
    const size_t shown = (size_t)s->run->arguments->top < CANDIDATES_IN_TABLE ? (size_t)s->run->arguments->top : CANDIDATES_IN_TABLE;
    (void)err;
    count_image(&s->run->counts, image);
    for (size_t i = 0; i < image->count; i++) {
        const urs_result_detection *d = &image->detections[i];
        const urs_new_group *group = urs_identify_group_of(s->run, image->file, i);
        add_name(&s->table, image->file);
        if (s->run->events > 0 && image->event > 0)
            urs_table_format(&s->table, "%lld", (long long)image->event);
        else if (s->run->events > 0)
            urs_table_add(&s->table, "");
        urs_table_format(&s->table, "%zu", i + 1);
        urs_table_add(&s->table, d->verdict ? d->verdict : "");
        urs_table_add(&s->table, group ? group->name : "");
        for (size_t k = 0; k < shown && s->run->bears.count > 0; k++) {
            if (k < d->individuals.count) {
                add_name(&s->table, d->individuals.items[k].name);
                urs_table_format(&s->table, "%.3f", d->individuals.items[k].probability);
            } else {
                urs_table_add(&s->table, "");
                urs_table_add(&s->table, "");
            }
        }
        s->rows++;
    }
    return URS_OK;
}

static void summary(const urs_identify_counts *n, urs_text *out)
{
    urs_text_format(out, "%zu %s", n->files, n->files == 1 ? "file" : "files");
    if (n->empty + n->animal + n->bear > 0)
        urs_text_format(out, " (%zu empty, %zu with other animals, %zu with bears)", n->empty, n->animal, n->bear);
    urs_text_format(out, ": %zu %s, of which %zu known, %zu unsure, %zu new", n->heads, n->heads == 1 ? "head" : "heads", n->known, n->unsure, n->fresh);
    if (n->failures)
        urs_text_format(out, "; %zu could not be read", n->failures);
    urs_text_add(out, "\n");
}

static urs_status print(urs_text *text, urs_error *err)
{
    urs_status status = URS_OK;
    if (!urs_text_ok(text))
        status = urs_fail(err, URS_ENOMEM, "no memory for the output");
    else if (fwrite(urs_text_string(text), 1, text->length, stdout) != text->length || fflush(stdout) != 0)
        status = urs_fail(err, URS_EIO, "the output could not be written");
    urs_text_release(text);
    return status;
}

urs_status urs_identify_put_table(urs_identify_run *run, urs_error *err)
{
    const size_t top = (size_t)run->arguments->top, shown = run->bears.count == 0 ? 0 : top < CANDIDATES_IN_TABLE ? top : CANDIDATES_IN_TABLE;
    static const char *const headings[] = {"file", "event", "head", "verdict", "group"};
    const size_t eventless = run->events > 0 ? 0 : 1;
    table_state s = {.run = run};
    urs_text text = {0};
    urs_status status;
    run->counts = (urs_identify_counts){0};
    urs_table_start(&s.table, URS_COUNT(headings) - eventless + 2 * shown);
    for (size_t i = 0; i < URS_COUNT(headings); i++)
        if (i != 1 || !eventless)
            urs_table_add(&s.table, headings[i]);
    for (size_t i = 0; i < shown; i++) {
        urs_table_add(&s.table, i ? "or" : "candidate");
        urs_table_add(&s.table, "p");
    }
    status = urs_journal_visit(run->journal, table_image, &s, err);
    if (status == URS_OK && s.rows > 0) {
        urs_table_end(&s.table, &text);
        urs_text_add(&text, "\n");
    } else {
        urs_names_release(&s.table.cells);
    }
    summary(&run->counts, &text);
    if (status != URS_OK) {
        urs_text_release(&text);
        return status;
    }
    return print(&text, err);
}

/* ---- CSV ---- */

typedef struct csv_state {
    urs_text text;
    int top;
} csv_state;

static urs_status csv_image(void *context, urs_result_image *image, urs_error *err)
{
    csv_state *s = context;
    urs_results_csv_rows(&s->text, image, NULL, s->top);
    return urs_text_ok(&s->text) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the CSV");
}

urs_status urs_identify_write_csv(urs_identify_run *run, urs_error *err)
{
    csv_state s = {.top = run->arguments->top};
    urs_status status;
    urs_results_csv_header(&s.text, s.top);
    status = urs_journal_visit(run->journal, csv_image, &s, err);
    if (status == URS_OK)
        status = urs_file_write(run->arguments->csv, urs_text_string(&s.text), s.text.length, err);
    urs_text_release(&s.text);
    return status;
}

/* ---- proposals ---- */

/* A word for a POSIX shell; with control characters in it, which must not reach the terminal, in the $'...' form of bash, zsh and ksh. */
static void put_word(urs_text *out, const char *s)
{
    bool control = false;
    for (const char *p = s; *p; p++)
        control = control || (unsigned char)*p < 0x20 || *p == 0x7f;
    if (control) {
        urs_text_add(out, "$'");
        for (; *s; s++) {
            if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '\'' || *s == '\\')
                urs_text_format(out, "\\x%02x", (unsigned)(unsigned char)*s);
            else
                urs_text_append(out, s, 1);
        }
        urs_text_add(out, "'");
        return;
    }
    if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,:@%=") == strlen(s)) {
        urs_text_add(out, s);
        return;
    }
    urs_text_add(out, "'");
    for (; *s; s++) {
        if (*s == '\'')
            urs_text_add(out, "'\\''");
        else
            urs_text_append(out, s, 1);
    }
    urs_text_add(out, "'");
}

static bool stands_alone(const urs_identify_run *run, size_t at)
{
    const char *file = run->new_heads[at].file;
    return run->new_heads[at].number == 0 && (at + 1 == run->new_count || strcmp(run->new_heads[at + 1].file, file) != 0);
}

void urs_identify_command(const urs_identify_run *run, const urs_new_group *group, urs_text *out)
{
    const urs_identify_arguments *a = run->arguments;
    size_t left_out = 0, listed = 0;
    urs_text command = {0};
    urs_text_add(&command, "ursid enroll --catalogue ");
    put_word(&command, a->catalogue);
    urs_text_add(&command, " --name NAME");
    if (a->heads.chips_in)
        urs_text_add(&command, " --chips-in");
    if (a->heads.find) {
        urs_text_add(&command, " --model-find ");
        put_word(&command, a->heads.find);
    }
    if (a->heads.embed) {
        urs_text_add(&command, " --model-embed ");
        put_word(&command, a->heads.embed);
    }
    for (size_t i = 0; i < group->heads; i++) {
        urs_text path = {0};
        if (!stands_alone(run, group->head[i]) || listed == FILES_IN_COMMAND) {
            left_out++;
            continue;
        }
        urs_text_append(&path, run->files.items[0], run->root);
        urs_text_add(&path, run->new_heads[group->head[i]].file);
        urs_text_add(&command, " ");
        put_word(&command, urs_text_string(&path));
        urs_text_release(&path);
        listed++;
    }
    if (listed == 0) /* enroll takes photographs with one head; a command without a photograph would only be refused */
        urs_text_format(out, "# its photographs show several heads each: run identify again with --enroll-new, then rename %s", group->name);
    else
        urs_text_add(out, urs_text_string(&command));
    if (listed > 0 && left_out > 0)
        urs_text_format(out, "   # and %zu more, which --enroll-new takes too", left_out);
    out->failed = out->failed || !urs_text_ok(&command);
    urs_text_release(&command);
}

urs_status urs_identify_put_proposals(urs_identify_run *run, urs_error *err)
{
    urs_text text = {0};
    if (run->group_count == 0)
        return URS_OK;
    urs_text_format(&text, "\n%zu new %s, in %zu %s of heads that look alike; a bear can stand in several. To give a group a name:\n", run->new_count, run->new_count == 1 ? "head" : "heads",
                    run->group_count, run->group_count == 1 ? "group" : "groups");
    for (size_t g = 0; g < run->group_count && g < GROUPS_PROPOSED; g++) {
        urs_text_format(&text, "\n%s (%zu %s)\n  ", run->groups[g].name, run->groups[g].heads, run->groups[g].heads == 1 ? "head" : "heads");
        urs_identify_command(run, &run->groups[g], &text);
        urs_text_add(&text, "\n");
    }
    if (run->group_count > GROUPS_PROPOSED)
        urs_text_format(&text, "\nand %zu more groups\n", run->group_count - GROUPS_PROPOSED);
    urs_text_add(&text, "\nOr the same command with --enroll-new: it puts all groups into the catalogue under these names, to be renamed, merged or undone there.\n");
    return print(&text, err);
}
