/* `ursid experiment`: trains and measures a grid, one program run after the other, and prints the table; see experiment.h. */
#include "cli/cancel.h"
#include "cli/experiment.h"
#include "cli/option.h"
#include "cli/subcommand.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern const urs_command urs_cmd_experiment;

typedef struct arguments {
    urs_arguments table;
    const char *folder, *root, *markdown;
    bool dry_run;
} arguments;

/* ---- programs ---- */

static urs_status join(urs_text *out, const urs_names *words, urs_error *err)
{
    urs_text_add(out, "ursid");
    for (size_t i = 0; i < words->count; i++)
        urs_text_format(out, " %s", words->items[i]);
    urs_text_add(out, "\n");
    return urs_text_ok(out) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a command");
}

/* The command in a process of its own, so that its memory goes with it and one that dies takes nothing along; what it prints goes to stderr, because stdout is the table's. This process has no threads. */
static urs_status run_program(const urs_names *words, urs_error *err)
{
    char name[] = "ursid", **argv = urs_array_new(words->count + 2, sizeof *argv);
    pid_t pid;
    int code = 0;
    if (!argv)
        return urs_fail(err, URS_ENOMEM, "no memory for a command");
    argv[0] = name;
    memcpy(argv + 1, words->items, words->count * sizeof *argv);
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        code = dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ? URS_EXIT_FAILED : urs_cli_main((int)words->count + 1, argv);
        (void)fflush(NULL);
        _exit(code);
    }
    urs_free(argv);
    if (pid < 0)
        return urs_fail(err, URS_EIO, "a process cannot be started: %s", strerror(errno));
    while (waitpid(pid, &code, 0) < 0)
        if (errno != EINTR)
            return urs_fail(err, URS_EIO, "a process cannot be waited for: %s", strerror(errno));
    if (urs_cancel_asked())
        return urs_fail(err, URS_ECANCELLED, "interrupted; run it again to go on");
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0)
        return urs_fail(err, URS_EIO, "'ursid %s %s' failed", words->items[0], words->items[1]);
    return URS_OK;
}

/* Runs the command unless `done` says that it has been run; a `done` of another command is an error. */
static urs_status run_once(const urs_names *words, const char *done, bool dry_run, urs_error *err)
{
    urs_text command = {0};
    urs_bytes before = {0};
    urs_status status = join(&command, words, err);
    if (status == URS_OK && dry_run) {
        (void)fputs(urs_text_string(&command), stdout);
    } else if (status == URS_OK && urs_file_exists(done)) {
        status = urs_file_read(&before, done, 0, err);
        if (status == URS_OK && strcmp((const char *)before.data, urs_text_string(&command)) != 0)
            status = urs_fail(err, URS_EMISMATCH, "%s was made by another command; use another --out, or remove the files of that run", done);
    } else if (status == URS_OK) {
        (void)fprintf(stderr, "%s", urs_text_string(&command));
        status = run_program(words, err);
        if (status == URS_OK)
            status = urs_file_write(done, urs_text_string(&command), command.length, err);
    }
    urs_bytes_release(&before);
    urs_text_release(&command);
    return status;
}

/* ---- runs ---- */

static urs_status train_fold(const urs_experiment *e, const arguments *a, size_t cell, size_t seed, int32_t fold, urs_error *err)
{
    urs_names words = {0};
    urs_text done = {0};
    char tail[32];
    urs_status status = urs_experiment_train_command(&words, e, cell, seed, fold, err);
    (void)snprintf(tail, sizeof tail, ".f%d.done", (int)fold);
    urs_experiment_path(&done, e, cell, seed, tail);
    if (status == URS_OK)
        status = run_once(&words, urs_text_string(&done), a->dry_run, err);
    urs_names_release(&words);
    urs_text_release(&done);
    return status;
}

static urs_status measure(const urs_experiment *e, const arguments *a, size_t cell, size_t seed, urs_error *err)
{
    urs_names words = {0};
    urs_text done = {0};
    urs_status status = urs_experiment_eval_command(&words, e, cell, seed, err);
    urs_experiment_path(&done, e, cell, seed, ".done");
    if (status == URS_OK)
        status = run_once(&words, urs_text_string(&done), a->dry_run, err);
    urs_names_release(&words);
    urs_text_release(&done);
    return status;
}

/* Seeds are the outer loop, so that every cell has a number before any has two. */
static urs_status run_all(const urs_experiment *e, const arguments *a, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t seed = 0; seed < e->seeds; seed++)
        for (size_t cell = 0; status == URS_OK && cell < e->cells; cell++) {
            (void)fprintf(stderr, "run %zu of %zu:", seed * e->cells + cell + 1, e->seeds * e->cells);
            for (size_t i = 0; i < e->axis_count; i++)
                (void)fprintf(stderr, " %s %s,", e->axes[i].name, urs_experiment_value(e, cell, i));
            (void)fprintf(stderr, " seed %s\n", urs_experiment_seed(e, seed));
            for (int32_t fold = 1; status == URS_OK && fold <= e->folds; fold++)
                status = train_fold(e, a, cell, seed, fold, err);
            if (status == URS_OK)
                status = measure(e, a, cell, seed, err);
        }
    return status;
}

static urs_status show(const urs_experiment *e, const arguments *a, urs_error *err)
{
    urs_text text = {0}, page = {0};
    size_t finished = 0;
    urs_status status = urs_experiment_table(&text, e, false, &finished, err);
    if (status == URS_OK) {
        (void)printf("%s%s%d folds by individual; mean of the seeds +- their standard deviation (95 %% interval over individuals); %zu of %zu runs\n\n%s", e->title, e->title[0] ? "\n" : "",
                     (int)e->folds, finished, e->cells * e->seeds, urs_text_string(&text));
        if (a->markdown)
            status = urs_experiment_table(&page, e, true, &finished, err);
    }
    if (status == URS_OK && a->markdown)
        status = urs_file_write(a->markdown, urs_text_string(&page), page.length, err);
    urs_text_release(&text);
    urs_text_release(&page);
    return status;
}

static int main_of(const urs_command *command, bool run, int argc, char **argv)
{
    arguments a = {.folder = NULL, .root = "."};
    urs_experiment e = {0};
    urs_error err = {0};
    urs_status status;
    int code;
    const urs_option run_options[] = {
        URS_OPTION_TEXT_REQUIRED("out", "DIR", &a.folder, "folder of the runs; what is finished there is not run again"),
        URS_OPTION_TEXT("root", "DIR", &a.root, "what {root} in the table's file stands for"),
        URS_OPTION_OUTPUT("markdown", "F.md", &a.markdown, "write the table as Markdown"),
        URS_OPTION_REST("TABLE.toml", &a.table, 1, 1, "what to train"),
        URS_OPTION_FLAG("dry-run", &a.dry_run, "only print the commands"),
    };
    /* The last one is of `run` only. */
    if (!urs_options_parse(command, run_options, URS_COUNT(run_options) - (run ? 0 : 1), argc, argv, &code))
        return code;
    status = urs_experiment_read(&e, a.table.items[0], a.root, a.folder, &err);
    if (status == URS_OK && run && !a.dry_run)
        status = urs_folder_create(a.folder, &err);
    if (status == URS_OK && run) {
        urs_cancel_install();
        status = run_all(&e, &a, &err);
    }
    if (status == URS_OK && !a.dry_run)
        status = show(&e, &a, &err);
    urs_experiment_release(&e);
    return status == URS_OK ? URS_EXIT_OK : urs_command_error(command, &err);
}

static int run_main(int argc, char **argv)
{
    static const urs_command command = {
        .name = "experiment run",
        .summary = "train and measure every point of a grid; goes on where it stopped",
        .help = "TABLE.toml names data, folds and the axes of the grid; every combination is trained by `ursid train\n"
                "embed` once a fold and seed, and all folds are measured together by `ursid eval embed`. The test part\n"
                "takes no part in it.\n\n"
                "  title = \"Trunks and losses\"\n"
                "  data = [\"{root}/chips/bears\", \"{root}/others/cat:cat\"]\n"
                "  folds = 3\n"
                "  train = [\"--epochs\", 6]\n"
                "  [grid]\n"
                "  trunk = [\"efficientnet_lite0\", \"convnext_tiny\"]\n"
                "  loss = [\"arcface\", \"triplet\"]\n"
                "  share = [0.5, 1]\n"
                "  seed = [1, 2, 3]\n"
                "  [trunk.convnext_tiny]\n"
                "  options = [\"--size\", 96]\n\n"
                "An axis is an option of `train embed`; trunk stands for --arch, share for --train-share.\n\n"
                "Examples:\n"
                "  ursid experiment run table2.toml --root data --out runs/table2\n"
                "  ursid experiment table table2.toml --out runs/table2 --markdown table2.md\n",
    };
    return main_of(&command, true, argc, argv);
}

static int table_main(int argc, char **argv)
{
    static const urs_command command = {
        .name = "experiment table",
        .summary = "print the table of the runs that are finished",
        .help = "Reads the measurements that `ursid experiment run` left in DIR, and trains nothing.\n",
    };
    return main_of(&command, false, argc, argv);
}

static int run(int argc, char **argv)
{
    static const urs_verb verbs[] = {
        {"run", "train and measure every point of a grid; goes on where it stopped", run_main},
        {"table", "print the table of the runs that are finished", table_main},
    };
    return urs_verbs_run(&urs_cmd_experiment, verbs, URS_COUNT(verbs), argc, argv);
}

const urs_command urs_cmd_experiment = {
    .name = "experiment",
    .summary = "grids of trainings, and their table",
    .help = "Trains embed with every combination of trunks, losses, amounts of data and seeds that a file names,\n"
            "measures them by cross-validation, and prints one table of means, spreads and intervals.\n",
    .run = run,
};
