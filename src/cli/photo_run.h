/* What the commands over photographs share: listing, the journal, progress, the table on stdout, broken files, interruption.
 *
 *      PATH... --list--> files --not in the journal--> chain --deliver--> row(): line on stdout --> journal --all done--> F.json
 *                                                        |
 *                                         interrupted: the journal stays; the same command goes on from there
 *
 * A run that goes on has rows for the files that were still to be done; its last line and its list of broken files are those of a run in one go.
 *
 * Exit codes: 0 all done, 3 done but some files could not be read (they are listed at the end, on stderr), 1 failed or interrupted. */
#ifndef URS_CLI_PHOTO_RUN_H
#define URS_CLI_PHOTO_RUN_H

#include "cli/engine_option.h"
#include "cli/option.h"
#include "interchange/result.h"
#include "stages/chain.h"

#define URS_NAME_COLUMNS 60 /* most of a file's name in a table (terminal.h); results have it whole */

/* Options that these commands have in common. */
typedef struct urs_photo_arguments {
    urs_arguments paths;
    const char *out, *backend, *engine;
    int threads;
    bool fresh, json_progress, quiet;
} urs_photo_arguments;

#define URS_PHOTO_OPTIONS(a)                                                                                                                   \
    URS_OPTION_REST("PATH...", &(a)->paths, 1, INT_MAX, "photographs, or folders of them (searched through)"),                                \
        URS_OPTION_OUTPUT("out", "F.json", &(a)->out, "write the results as MegaDetector batch JSON; an interrupted run goes on where it was"),  \
        URS_OPTION_FLAG("fresh", &(a)->fresh, "with --out: begin again instead of going on"),                                                 \
        URS_OPTION_INT("threads", "N", &(a)->threads, 0, 64, "0: all cores"),                                                                 \
        URS_OPTION_TEXT("backend", "NAME", &(a)->backend, "of float networks: ref or onednn; default: the fastest"),                          \
        URS_OPTION_ENGINE(&(a)->engine),                                                                                                       \
        URS_OPTION_FLAG("json-progress", &(a)->json_progress, "progress on stderr as JSON, one object a line"),                               \
        URS_OPTION_FLAG("quiet", &(a)->quiet, "no progress")

typedef struct urs_photo_run {
    const urs_command *command;
    const urs_photo_arguments *arguments;
    const char *verb;            /* for the progress: "sifting" */
    const char *columns;         /* heading of the table behind the file's name */
    const char *key;             /* everything that the results depend on, for the journal */
    const urs_result_info *info; /* of the result file */
    void *context;
    /* One file that could be read, in order. image: filled from the result (urs_photo_image), may be added to; line: the row behind the name. Failing ends the run. */
    urs_status (*row)(void *context, urs_chain_result *result, urs_result_image *image, urs_text *line, urs_error *err);
    /* Counts the results of one file that could be read: of this run, after its row, or of the part before an interruption, from the journal. */
    void (*count)(void *context, const urs_result_image *image);
    /* (optional) All photographs, before the first is worked on. Failing ends the run. */
    urs_status (*listed)(void *context, const urs_names *files, urs_error *err);
    /* Last line of the table: what was counted. */
    void (*summary)(void *context, urs_text *line);
} urs_photo_run;

/* Returns the exit code. */
int urs_photo_run_all(const urs_photo_run *run, urs_chain *chain);

/* All photographs of PATH..., sorted, none twice; folders are searched through, files are taken whatever their names. *root: how many bytes of every path the results leave out
 * (with one folder its name, as other programs write it; else 0). A sub-folder that cannot be read is passed over, and `skipped` gets a sentence about it. URS_ENOTFOUND: a PATH that is not there, or no
 * photograph at all. */
urs_status urs_photo_list(urs_names *out, urs_names *skipped, size_t *root, const urs_arguments *paths, urs_error *err) URS_CHECKED;

/* A result of the chain as an image of a result file (owned): size, time, sift's probabilities, heads with boxes and masks, or the failure. name: as it is to be written. */
urs_status urs_photo_image(urs_result_image *out, const urs_chain_result *result, const char *name, urs_error *err) URS_CHECKED;

/* Adds the class names of a network (ursid.classes) to a list; `otherwise` if it has none. */
urs_status urs_photo_classes(urs_names *out, const urs_network *network, const char *otherwise, urs_error *err) URS_CHECKED;

#endif
