/* `ursid enroll`: photographs of a known bear -> heads -> embeddings -> catalogue.
 *
 *      files not in the catalogue yet --chain--> one head: enrolled, one transaction a file
 *                                            --> no head, or several: told at the end (which one is the bear?)
 *
 * What was enrolled is in the catalogue at once, so an interrupted run is started again as it was. The whole run is one step for `ursid catalogue undo`. */
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/terminal.h"
#include "cli/cancel.h"
#include "cli/head_models.h"
#include "cli/photo_run.h"
#include "eval/table.h"

#include <stdio.h>
#include <string.h>

extern const urs_command urs_cmd_enroll;

typedef struct bear_row { /* of the table */
    const char *name; /* borrowed */
    size_t files, enrolled, already, headless, several, broken;
} bear_row;

typedef struct enrolment {
    urs_catalogue *catalogue;
    urs_head_models models;
    int64_t run;
    bool best;              /* of several heads take the surest */
    bear_row *rows;         /* owned [row_count] */
    size_t row_count;
    urs_names files;        /* all of them */
    size_t *bear_of;        /* owned [files.count]: row */
    char (*hash)[65];       /* owned [files.count] */
    const char **todo;      /* owned: paths that are not there yet */
    size_t *todo_file;      /* owned: number in files */
    size_t todo_count, done;
    urs_names remarks;      /* owned; what could not be enrolled and why, one line each */
    size_t broken;
    urs_progress progress;
} enrolment;

static urs_status remark(enrolment *e, const char *file, const char *why, urs_error *err)
{
    urs_text line = {0};
    urs_status status;
    urs_text_format(&line, "%s: %s", file, why);
    status = urs_text_ok(&line) ? urs_names_add(&e->remarks, urs_text_string(&line), err) : urs_fail(err, URS_ENOMEM, "no memory for the list of remarks");
    urs_text_release(&line);
    return status;
}

static urs_status hash_file(char out[65], const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_sha256 sha;
    const urs_status status = urs_file_read(&bytes, path, 0, err);
    if (status != URS_OK)
        return status;
    urs_sha256_init(&sha);
    urs_sha256_update(&sha, bytes.data, bytes.size);
    urs_sha256_hex(&sha, out);
    urs_bytes_release(&bytes);
    return URS_OK;
}

/* Hashes every file and leaves out those that the bear has already. */
static urs_status choose_files(enrolment *e, urs_error *err)
{
    e->hash = urs_array_new(e->files.count, sizeof *e->hash);
    e->todo = urs_array_new(e->files.count, sizeof *e->todo);
    e->todo_file = urs_array_new(e->files.count, sizeof *e->todo_file);
    if (!e->hash || !e->todo || !e->todo_file)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu files", e->files.count);
    for (size_t i = 0; i < e->files.count; i++) {
        bear_row *row = &e->rows[e->bear_of[i]];
        urs_error why = {0};
        size_t known = 0;
        urs_status status = hash_file(e->hash[i], e->files.items[i], &why);
        row->files++;
        if (status == URS_ENOMEM)
            return urs_fail(err, URS_ENOMEM, "%s", why.message);
        if (status != URS_OK) {
            row->broken++;
            e->broken++;
            status = urs_names_add(&e->remarks, why.message, err); /* names the file already */
            if (status != URS_OK)
                return status;
            continue;
        }
        status = urs_catalogue_has_file(e->catalogue, e->files.items[i], e->hash[i], row->name, &known, err);
        if (status != URS_OK)
            return status;
        if (known > 0) {
            row->already++;
            continue;
        }
        e->todo[e->todo_count] = e->files.items[i];
        e->todo_file[e->todo_count++] = i;
    }
    return URS_OK;
}

static urs_status enrol_head(enrolment *e, const urs_chain_result *r, size_t file, urs_error *err)
{
    bear_row *row = &e->rows[e->bear_of[file]];
    const urs_chain_head *head = &r->heads[0]; /* falling score */
    const float sx = (float)r->width / (float)r->picture_width, sy = (float)r->height / (float)r->picture_height;
    const urs_box box = head->found.box;
    urs_bytes thumbnail = {0};
    urs_error why = {0};
    char time[32];
    size_t added = 0;
    urs_status status = urs_head_thumbnail(&thumbnail, &head->chip, err);
    urs_head_time(time, r);
    if (status == URS_OK) {
        const urs_chip_entry entry = {.path = r->file, .content_hash = e->hash[file], .box = {box.x1 * sx, box.y1 * sy, box.x2 * sx, box.y2 * sy},
                                      .camera = *r->camera ? r->camera : NULL, .time = *time ? time : NULL, .confidence = (double)head->found.score,
                                      .embedding = head->embedding, .thumbnail = thumbnail.data, .thumbnail_size = thumbnail.size};
        status = urs_catalogue_enrol(e->catalogue, &e->models.model, row->name, &entry, 1, e->run, &added, &why);
        if (status == URS_OK) {
            row->enrolled += added;
            row->already += !added;
        } else if (status == URS_EMISMATCH || status == URS_EINVAL) { /* of this file alone: the model was checked before */
            row->broken++;
            e->broken++;
            status = remark(e, r->file, why.message, err);
        } else {
            (void)urs_fail(err, status, "%s", why.message);
        }
    }
    urs_bytes_release(&thumbnail);
    return status;
}

static urs_status deliver(void *context, urs_chain_result *r, urs_error *err)
{
    enrolment *e = context;
    const size_t file = e->todo_file[r->index];
    bear_row *row = &e->rows[e->bear_of[file]];
    urs_status status = URS_OK;
    char why[96];
    if (r->error.code != URS_OK) {
        row->broken++;
        e->broken++;
        status = urs_names_add(&e->remarks, r->error.message, err);
    } else if (r->head_count == 0) {
        row->headless++;
        status = remark(e, r->file, "no head was found", err);
    } else if (r->head_count > 1 && !e->best) {
        row->several++;
        (void)snprintf(why, sizeof why, "%zu heads: which one is the bear? (--best takes the surest)", r->head_count);
        status = remark(e, r->file, why, err);
    } else {
        status = enrol_head(e, r, file, err);
    }
    urs_progress_step(&e->progress, ++e->done);
    return status;
}

/* ---- which files belong to whom ---- */

static urs_status add_bear(enrolment *e, const char *name, const urs_arguments *paths, urs_error *err)
{
    urs_names found = {0};
    const size_t remarks = e->remarks.count;
    size_t root;
    urs_status status = urs_photo_list(&found, &e->remarks, &root, paths, err);
    e->broken += e->remarks.count - remarks; /* folders that cannot be read */
    if (status == URS_OK && !urs_array_resize((void **)&e->bear_of, e->files.count + found.count, sizeof *e->bear_of))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu files", found.count);
    for (size_t i = 0; status == URS_OK && i < found.count; i++) {
        status = urs_names_add(&e->files, found.items[i], err);
        if (status == URS_OK)
            e->bear_of[e->files.count - 1] = e->row_count;
    }
    if (status == URS_OK)
        e->rows[e->row_count++].name = name;
    urs_names_release(&found);
    return status;
}

/* One sub-folder a bear, called as the folder is. A folder without photographs is a remark, no failure. */
static urs_status add_folders(enrolment *e, const char *folder, urs_names *names, urs_error *err)
{
    urs_status status = urs_folder_children(names, folder, err);
    if (status == URS_OK && names->count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "%s has no sub-folders: --folders wants one for each bear", folder);
    if (status == URS_OK) {
        e->rows = urs_array_new(names->count, sizeof *e->rows);
        if (!e->rows)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu bears", names->count);
    }
    for (size_t i = 0; status == URS_OK && i < names->count; i++) {
        char *path = urs_path_join(folder, names->items[i]);
        urs_error why = {0};
        if (!path)
            return urs_fail(err, URS_ENOMEM, "no memory for a path");
        status = add_bear(e, names->items[i], &(urs_arguments){.items = &path, .count = 1}, &why);
        if (status == URS_ENOTFOUND)
            status = urs_names_add(&e->remarks, why.message, err);
        else if (status != URS_OK)
            (void)urs_fail(err, status, "%s", why.message);
        urs_free(path);
    }
    if (status == URS_OK && e->files.count == 0)
        status = urs_fail(err, URS_ENOTFOUND, "there are no photographs in %s", folder);
    return status;
}

static urs_status put_table(const enrolment *e, urs_error *err)
{
    static const char *const headings[] = {"bear", "files", "enrolled", "already there", "no head", "several heads", "not readable"};
    urs_text text = {0};
    urs_table table;
    size_t enrolled = 0;
    urs_table_start(&table, URS_COUNT(headings));
    for (size_t i = 0; i < URS_COUNT(headings); i++)
        urs_table_add(&table, headings[i]);
    for (size_t i = 0; i < e->row_count; i++) {
        const bear_row *r = &e->rows[i];
        const size_t numbers[] = {r->files, r->enrolled, r->already, r->headless, r->several, r->broken};
        urs_table_add(&table, r->name);
        for (size_t k = 0; k < URS_COUNT(numbers); k++)
            urs_table_format(&table, "%zu", numbers[k]);
        enrolled += r->enrolled;
    }
    urs_table_end(&table, &text);
    urs_text_format(&text, "\n%zu %s enrolled in %s\n", enrolled, enrolled == 1 ? "head" : "heads", urs_catalogue_path(e->catalogue));
    if (!urs_text_ok(&text) || fputs(urs_text_string(&text), stdout) < 0 || fflush(stdout) != 0) {
        urs_text_release(&text);
        return urs_fail(err, URS_EIO, "the output could not be written");
    }
    urs_text_release(&text);
    return URS_OK;
}

static void release(enrolment *e, urs_names *folders)
{
    urs_catalogue_close(e->catalogue);
    urs_head_models_close(&e->models);
    urs_names_release(&e->files);
    urs_names_release(&e->remarks);
    urs_names_release(folders);
    urs_free(e->rows);
    urs_free(e->bear_of);
    urs_free(e->hash);
    urs_free((void *)e->todo);
    urs_free(e->todo_file);
}

static int run(int argc, char **argv)
{
    const char *path = NULL, *name = NULL, *folders = NULL, *backend_name = NULL;
    urs_head_arguments heads = {.no_sift = true};
    urs_arguments paths = {0};
    bool json_progress = false, quiet = false;
    int threads = 0, code;
    enrolment e = {0};
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("catalogue", "C.db", &path, "the catalogue; made when it is not there"),
        URS_OPTION_TEXT("name", "BEAR", &name, "who is in the photographs PATH..."),
        URS_OPTION_TEXT("folders", "DIR", &folders, "instead: every sub-folder of DIR holds one bear and carries its name"),
        URS_OPTION_REST("PATH...", &paths, 0, INT_MAX, "photographs of the bear, or folders of them (searched through)"),
        URS_OPTION_FLAG("best", &e.best, "where a photograph shows several heads, take the one that is found most surely"),
        URS_HEAD_OPTIONS(&heads),
        URS_OPTION_INT("threads", "N", &threads, 0, 64, "0: all cores"),
        URS_OPTION_TEXT("backend", "NAME", &backend_name, "ref or onednn; default: the fastest"),
        URS_OPTION_FLAG("json-progress", &json_progress, "progress on stderr as JSON, one object a line"),
        URS_OPTION_FLAG("quiet", &quiet, "no progress"),
    };
    urs_error err = {0};
    urs_names folder_names = {0};
    urs_chain_options chain = {0};
    urs_status status;
    if (!urs_options_parse(&urs_cmd_enroll, options, URS_COUNT(options), argc, argv, &code))
        return code;
    if (!name == !folders)
        return urs_usage_error(&urs_cmd_enroll, "either --name BEAR with photographs, or --folders DIR");
    if (name && paths.count == 0)
        return urs_usage_error(&urs_cmd_enroll, "--name goes with photographs: PATH...");
    if (folders && paths.count > 0)
        return urs_usage_error(&urs_cmd_enroll, "--folders takes no further PATH");
    urs_cancel_install();
    chain.threads = threads;
    if (name) {
        e.rows = urs_array_new(1, sizeof *e.rows);
        status = e.rows ? add_bear(&e, name, &paths, &err) : urs_fail(&err, URS_ENOMEM, "no memory for a bear");
    } else {
        status = add_folders(&e, folders, &folder_names, &err);
    }
    if (status == URS_OK && backend_name)
        status = urs_backend_find(&chain.backend, backend_name, &err);
    if (status == URS_OK)
        status = urs_head_models_open(&e.models, &heads, &chain, &err);
    if (status == URS_OK)
        status = urs_catalogue_open(&e.catalogue, path, &(urs_catalogue_options){.create = true}, &err);
    if (status == URS_OK)
        status = urs_catalogue_model_check(e.catalogue, &e.models.model, &err);
    if (status == URS_OK)
        status = urs_catalogue_run_new(e.catalogue, &e.run, &err);
    if (status == URS_OK)
        status = choose_files(&e, &err);
    if (status == URS_OK) {
        urs_progress_start(&e.progress, quiet ? URS_PROGRESS_NONE : json_progress ? URS_PROGRESS_JSON : URS_PROGRESS_AUTO, "enrolling", "files", e.todo_count);
        status = urs_chain_run(e.models.chain, e.todo, e.todo_count, &(urs_chain_calls){.context = &e, .deliver = deliver, .cancelled = urs_cancel_asked}, &err);
        urs_progress_end(&e.progress);
    }
    if (status == URS_OK)
        status = put_table(&e, &err);
    for (size_t i = 0; i < e.remarks.count; i++)
        urs_terminal_put_line(stderr, e.remarks.items[i]);
    if (status == URS_ECANCELLED)
        (void)fprintf(stderr, "ursid enroll: stopped after %zu of %zu files; what is enrolled stays, and the same command goes on from there\n", e.done, e.todo_count);
    code = status == URS_ECANCELLED ? URS_EXIT_FAILED : status != URS_OK ? urs_command_error(&urs_cmd_enroll, &err) : e.broken ? URS_EXIT_PARTIAL : URS_EXIT_OK;
    release(&e, &folder_names);
    return code;
}

const urs_command urs_cmd_enroll = {
    .name = "enroll",
    .summary = "put bears that you know into the catalogue",
    .help = "Finds the head in every photograph of a bear and keeps it in the catalogue under the bear's name,\n"
            "so that `ursid identify` knows it. More pictures of a bear, from different days and sides, make it\n"
            "easier to recognise. Enrolling the same file twice changes nothing, and an interrupted run is started\n"
            "again with the same command. `ursid catalogue --catalogue C.db undo` takes back a whole run.\n"
            "\n"
            "Examples:\n"
            "  ursid enroll --catalogue bears.db --name Otis photos/otis/\n"
            "  ursid enroll --catalogue bears.db --folders known/          known/Otis/*.jpg, known/Grazer/*.jpg ...\n"
            "  ursid enroll --catalogue bears.db --folders chips/ --chips-in   heads that are cut out already\n",
    .run = run,
};
