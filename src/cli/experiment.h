/* Grids of trainings of embed, and the table that they give (`ursid experiment`).
 *
 *      title = "Trunks and losses"                      TABLE.toml, read by base/toml.h
 *      data = ["{root}/chips/bears", "{root}/others/cat:cat"]      as --data of `train embed`; the first one is measured
 *      folds = 3                                        cross-validation by individual, 2 to 20; the test part takes no part
 *      train = ["--epochs", 6]                          further options of every training
 *      eval = ["--masked"]                              further options of every measurement
 *
 *      [grid]                                           every combination is trained; an axis is an option of `train embed`; trunk and share stand for --arch and --train-share
 *      trunk = ["efficientnet_lite0", "convnext_tiny"]
 *      loss = ["arcface", "triplet"]
 *      seed = [1, 2, 3]                                 runs of one cell of the table: their mean and spread are shown
 *
 *      [trunk.convnext_tiny]                            further options where an axis has this value
 *      options = ["--size", 96, "--init", "{root}/convnext.safetensors"]
 *
 * One run is one point of the grid with one seed. It makes, in the folder of the experiment,
 *
 *      NAME.f1.safetensors .. NAME.fK.safetensors       weights, one a fold
 *      NAME.f1.done ..                                  the command that made them, written when it is finished
 *      NAME.json, NAME.done                             the measurement of all folds together, and its command
 *
 *      absent --train (resumes a checkpoint)--> NAME.fK.done of every fold --eval--> NAME.done
 *
 * A .done whose command is not the one that the table asks for now is an error: a table must not mix recipes. */
#ifndef URS_CLI_EXPERIMENT_H
#define URS_CLI_EXPERIMENT_H

#include "base/text.h"
#include "base/toml.h"

#define URS_EXPERIMENT_AXES_MAX 8
#define URS_EXPERIMENT_RUNS_MAX 10000

typedef struct urs_experiment_axis {
    const urs_toml_entry *values; /* borrowed from the document */
    const char *name, *option;    /* "trunk", "--arch" */
} urs_experiment_axis;

typedef struct urs_experiment {
    urs_toml document; /* owned */
    char *folder, *root; /* owned */
    const char *title;
    const urs_toml_entry *data, *train, *eval; /* borrowed; train and eval may be NULL */
    int32_t folds;
    urs_experiment_axis axes[URS_EXPERIMENT_AXES_MAX]; /* without the seed */
    size_t axis_count, cells, seeds;
    const urs_toml_entry *seed; /* NULL: seed 1 only */
} urs_experiment;

/* One value of a measurement with its 95 % interval over individuals. */
typedef struct urs_experiment_score {
    double value, low, high;
} urs_experiment_score;

/* What a measurement file says: of the model, and of one floor. */
typedef struct urs_experiment_result {
    urs_experiment_score hit1, map;
    int individuals;
} urs_experiment_result;

/* `root`: what {root} stands for; `folder`: where the runs stand. Both copied. URS_EFORMAT names line and key. */
urs_status urs_experiment_read(urs_experiment *out, const char *path, const char *root, const char *folder, urs_error *err) URS_CHECKED;
void urs_experiment_release(urs_experiment *e);

/* Value of an axis in a cell, as the file spells it (borrowed). */
const char *urs_experiment_value(const urs_experiment *e, size_t cell, size_t axis);
const char *urs_experiment_seed(const urs_experiment *e, size_t seed); /* "1" */

/* Appends FOLDER/NAME and `tail`. The names of two runs differ. */
void urs_experiment_path(urs_text *out, const urs_experiment *e, size_t cell, size_t seed, const char *tail);

/* Arguments behind "ursid" of the training of a fold (1 ..) and of the measurement of all folds; ends in URS_ENOMEM at worst. */
urs_status urs_experiment_train_command(urs_names *out, const urs_experiment *e, size_t cell, size_t seed, int32_t fold, urs_error *err) URS_CHECKED;
urs_status urs_experiment_eval_command(urs_names *out, const urs_experiment *e, size_t cell, size_t seed, urs_error *err) URS_CHECKED;

/* Reads a measurement of `system` ("model", or a floor's name) in the first data; URS_ENOTFOUND: no such file or system. */
urs_status urs_experiment_result_read(urs_experiment_result *out, const char *path, const char *system, urs_error *err) URS_CHECKED;

/* The table of all cells: text for the terminal, or GitHub's Markdown. Cells without a finished run show "-"; *finished counts runs. */
urs_status urs_experiment_table(urs_text *out, const urs_experiment *e, bool markdown, size_t *finished, urs_error *err) URS_CHECKED;

#endif
