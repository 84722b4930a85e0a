/* The run over photographs that the commands share; see photo_run.h. */
#include "cli/photo_run.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/cancel.h"
#include "cli/head_models.h"
#include "interchange/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BROKEN_LISTED_MAX 1000

typedef struct run_state {
    const urs_photo_run *run;
    urs_journal *journal;    /* owned; NULL without --out */
    urs_progress progress;
    size_t root;             /* bytes of a path that results leave out */
    size_t done;             /* files of this run */
    size_t files, broken;    /* with those of the parts before an interruption */
    size_t name_column;
    urs_names broken_list;   /* sentences; the first BROKEN_LISTED_MAX */
    urs_names skipped;       /* sentences about folders that cannot be read */
} run_state;

/* ---- listing ---- */

static urs_status add_path(urs_names *out, urs_names *skipped, const char *path, urs_error *err)
{
    urs_names found = {0};
    const bool folder = urs_folder_exists(path);
    urs_status status;
    if (!folder && !urs_file_exists(path))
        return urs_fail(err, URS_ENOTFOUND, "there is no file or folder '%s'", path);
    status = urs_folder_list_readable(&found, skipped, path, folder ? urs_photo_has_extension : NULL, err);
    for (size_t i = 0; status == URS_OK && i < found.count; i++)
        status = urs_names_add(out, found.items[i], err);
    urs_names_release(&found);
    return status;
}

static void drop_twins(urs_names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->items[kept - 1], names->items[i]) == 0)
            urs_free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

urs_status urs_photo_list(urs_names *out, urs_names *skipped, size_t *root, const urs_arguments *paths, urs_error *err)
{
    urs_names names = {0};
    urs_status status = URS_OK;
    for (int i = 0; status == URS_OK && i < paths->count; i++)
        status = add_path(&names, skipped, paths->items[i], err);
    if (status == URS_OK && names.count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "there is no photograph in '%s'%s", paths->items[0], paths->count > 1 ? " and the other folders" : "");
    if (status != URS_OK) {
        urs_names_release(&names);
        return status;
    }
    urs_names_sort(&names);
    drop_twins(&names);
    *root = 0;
    if (paths->count == 1 && urs_folder_exists(paths->items[0])) {
        const size_t n = strlen(paths->items[0]);
        const char *first = names.items[0];
        *root = n > 0 && strncmp(first, paths->items[0], n) == 0 ? n + (first[n] == '/') : 0;
    }
    *out = names;
    return URS_OK;
}

/* ---- output ---- */

static urs_status put_row(const run_state *s, const char *name, const char *rest, urs_error *err)
{
    urs_text line = {0};
    urs_status status = URS_OK;
    urs_terminal_add(&line, name, URS_NAME_COLUMNS);
    for (size_t columns = urs_terminal_columns(urs_text_string(&line)); columns < s->name_column; columns++)
        urs_text_add(&line, " ");
    if (urs_text_ok(&line))
        (void)printf("%s  %s\n", urs_text_string(&line), rest);
    else
        status = urs_fail(err, URS_ENOMEM, "no memory for a line of the table");
    urs_text_release(&line);
    return status;
}

static void list_broken(const run_state *s)
{
    if (s->broken == 0)
        return;
    (void)fprintf(stderr, "ursid %s: %zu of %zu files could not be used:\n", s->run->command->name, s->broken, s->files);
    for (size_t i = 0; i < s->broken_list.count; i++) {
        (void)fputs("  ", stderr);
        urs_terminal_put_line(stderr, s->broken_list.items[i]);
    }
    if (s->broken > s->broken_list.count)
        (void)fprintf(stderr, "  and %zu more\n", s->broken - s->broken_list.count);
}

static void list_skipped(const run_state *s)
{
    for (size_t i = 0; i < s->skipped.count; i++) {
        (void)fprintf(stderr, "ursid %s: ", s->run->command->name);
        urs_terminal_put_line(stderr, s->skipped.items[i]);
    }
}

/* ---- running ---- */

/* Results of one file, of this run or (as a visitor of the journal) of the part before an interruption. */
static urs_status count_image(void *context, urs_result_image *image, urs_error *err)
{
    run_state *s = context;
    s->files++;
    if (!image->failure) {
        s->run->count(s->run->context, image);
        return URS_OK;
    }
    s->broken++;
    return s->broken_list.count < BROKEN_LISTED_MAX ? urs_names_add(&s->broken_list, image->warning ? image->warning : image->file, err) : URS_OK;
}

static urs_status deliver(void *context, urs_chain_result *result, urs_error *err)
{
    run_state *s = context;
    const char *name = result->file + s->root;
    urs_result_image image = {0};
    urs_text line = {0};
    urs_status status = urs_photo_image(&image, result, name, err);
    s->done++;
    if (status == URS_OK && result->error.code != URS_OK) {
        urs_text_add(&line, result->decoded ? "failed" : "unreadable");
    } else if (status == URS_OK) {
        status = s->run->row(s->run->context, result, &image, &line, err);
        if (result->truncated)
            urs_text_add(&line, "  (the file ends early)");
    }
    if (status == URS_OK && !urs_text_ok(&line))
        status = urs_fail(err, URS_ENOMEM, "no memory for a line of the table");
    if (status == URS_OK && s->journal)
        status = urs_journal_add(s->journal, &image, err);
    if (status == URS_OK)
        status = count_image(s, &image, err);
    if (status == URS_OK)
        status = put_row(s, name, urs_text_string(&line), err);
    if (status == URS_OK) {
        urs_progress_step(&s->progress, s->done);
    }
    urs_text_release(&line);
    urs_result_image_release(&image);
    return status;
}

/* Leaves the files that the journal does not have, moved to the front; the others are counted. */
static size_t drop_done(urs_names *files, const run_state *s)
{
    size_t kept = 0, before = files->count;
    if (!s->journal)
        return 0;
    for (size_t i = 0; i < files->count; i++) {
        if (urs_journal_has(s->journal, files->items[i] + s->root))
            urs_free(files->items[i]);
        else
            files->items[kept++] = files->items[i];
    }
    files->count = kept;
    return before - kept;
}

static void measure_names(run_state *s, const urs_names *files)
{
    s->name_column = 4;
    for (size_t i = 0; i < files->count; i++) {
        const size_t n = urs_terminal_columns(files->items[i] + s->root);
        if (n > s->name_column)
            s->name_column = n;
    }
    if (s->name_column > URS_NAME_COLUMNS)
        s->name_column = URS_NAME_COLUMNS;
}

static void put_summary(const run_state *s)
{
    urs_text line = {0};
    s->run->summary(s->run->context, &line);
    (void)printf("\n%zu file%s: %s", s->files, s->files == 1 ? "" : "s", urs_text_string(&line));
    if (s->broken)
        (void)printf("; %zu could not be used", s->broken);
    (void)printf("\n");
    urs_text_release(&line);
}

static urs_status run_files(run_state *s, urs_chain *chain, const urs_names *files, urs_error *err)
{
    const urs_photo_arguments *a = s->run->arguments;
    const urs_chain_calls calls = {.context = s, .deliver = deliver, .cancelled = urs_cancel_asked};
    /* Rows on the same terminal are progress enough, and would be torn by the line that is rewritten. */
    const bool silent = a->quiet || (!a->json_progress && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO));
    urs_status status = URS_OK;
    measure_names(s, files);
    if (files->count > 0)
        status = put_row(s, "file", s->run->columns, err);
    if (status == URS_OK && files->count > 0) {
        urs_progress_start(&s->progress, silent ? URS_PROGRESS_NONE : a->json_progress ? URS_PROGRESS_JSON : URS_PROGRESS_AUTO, s->run->verb, "files", files->count);
        status = urs_chain_run(chain, (const char *const *)files->items, files->count, &calls, err);
        urs_progress_end(&s->progress);
    }
    put_summary(s);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == URS_OK)
        status = urs_fail(err, URS_EIO, "the table could not be written");
    return status;
}

int urs_photo_run_all(const urs_photo_run *run, urs_chain *chain)
{
    const urs_photo_arguments *a = run->arguments;
    run_state s = {.run = run};
    urs_names files = {0};
    urs_error err = {0};
    size_t before = 0;
    int code = URS_EXIT_OK;
    urs_status status = urs_photo_list(&files, &s.skipped, &s.root, &a->paths, &err);
    if (status == URS_OK && run->listed)
        status = run->listed(run->context, &files, &err);
    if (status == URS_OK && a->out)
        status = urs_journal_open(&s.journal, a->out, run->key, a->fresh, &err);
    if (status == URS_OK) {
        before = drop_done(&files, &s);
        if (before > 0)
            (void)fprintf(stderr, "ursid %s: %zu files were done before; going on with the other %zu\n", run->command->name, before, files.count);
        if (s.journal)
            status = urs_journal_visit(s.journal, count_image, &s, &err);
    }
    if (status == URS_OK)
        status = run_files(&s, chain, &files, &err);
    if (status == URS_OK && s.journal)
        status = urs_journal_finish(s.journal, run->info, &err);
    list_broken(&s);
    list_skipped(&s);
    if (status == URS_ECANCELLED) {
        (void)fprintf(stderr, "ursid %s: %s%s\n", run->command->name, err.message, s.journal ? "; the same command goes on from there" : "");
        code = URS_EXIT_FAILED;
    } else if (status != URS_OK)
        code = urs_command_error(run->command, &err);
    else if (s.broken > 0 || s.skipped.count > 0)
        code = URS_EXIT_PARTIAL;
    urs_journal_close(s.journal);
    urs_names_release(&files);
    urs_names_release(&s.broken_list);
    urs_names_release(&s.skipped);
    return code;
}
