/* Reads the file of an experiment and says which commands it stands for; see experiment.h. */
#include "cli/experiment.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FOLDS_DEFAULT 3
#define FOLDS_MAX 20

static const struct {
    const char *axis, *option;
} aliases[] = {{"trunk", "arch"}, {"share", "train-share"}};

static urs_status take_folds(urs_experiment *e, urs_error *err)
{
    const urs_toml_entry *folds = urs_toml_find(&e->document, "", "folds");
    const double n = folds && folds->count == 1 ? folds->values[0].number : 0;
    e->folds = FOLDS_DEFAULT;
    if (!folds)
        return URS_OK;
    if (folds->is_array || folds->values[0].kind != URS_TOML_NUMBER || !(n >= 2 && n <= FOLDS_MAX) || n != (double)(int32_t)n)
        return urs_toml_wrong(&e->document, folds, err, "folds is a whole number from 2 to %d", FOLDS_MAX);
    e->folds = (int32_t)n;
    return URS_OK;
}

/* A list; NULL stays NULL. */
static urs_status take_list(const urs_toml_entry **out, const urs_experiment *e, const char *section, const char *key, urs_error *err)
{
    *out = urs_toml_find(&e->document, section, key);
    if (*out && (!(*out)->is_array || (*out)->count == 0))
        return urs_toml_wrong(&e->document, *out, err, "%s is a list in [ ] with something in it", key);
    return URS_OK;
}

/* Values of an axis become options and parts of file names: no two alike. */
static urs_status check_axis(const urs_experiment *e, const urs_toml_entry *entry, urs_error *err)
{
    if (!entry->is_array || entry->count == 0)
        return urs_toml_wrong(&e->document, entry, err, "%s is a list in [ ] with something in it", entry->key);
    for (size_t i = 0; i < entry->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(entry->values[i].text, entry->values[k].text) == 0)
                return urs_toml_wrong(&e->document, entry, err, "%s has '%.60s' twice", entry->key, entry->values[i].text);
    return URS_OK;
}

static urs_status take_axis(urs_experiment *e, const urs_toml_entry *entry, urs_error *err)
{
    urs_experiment_axis *axis = &e->axes[e->axis_count];
    const urs_status status = check_axis(e, entry, err);
    if (status != URS_OK)
        return status;
    if (strcmp(entry->key, "seed") == 0) {
        e->seed = entry;
        e->seeds = entry->count;
        return URS_OK;
    }
    if (e->axis_count == URS_EXPERIMENT_AXES_MAX)
        return urs_toml_wrong(&e->document, entry, err, "a grid has at most %d axes", URS_EXPERIMENT_AXES_MAX);
    *axis = (urs_experiment_axis){.values = entry, .name = entry->key, .option = entry->key};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].axis, entry->key) == 0)
            axis->option = aliases[i].option;
    e->axis_count++;
    e->cells *= entry->count;
    return e->cells * e->seeds <= URS_EXPERIMENT_RUNS_MAX ? URS_OK : urs_toml_wrong(&e->document, entry, err, "the grid has more than %d runs", URS_EXPERIMENT_RUNS_MAX);
}

/* [AXIS.VALUE] must name a value of the grid: a slip of the pen must not train something else than was meant. */
static urs_status check_section(const urs_experiment *e, const urs_toml_entry *entry, urs_error *err)
{
    for (size_t i = 0; i < e->axis_count; i++)
        for (size_t k = 0; k < e->axes[i].values->count; k++) {
            urs_text name = {0};
            bool same;
            urs_text_format(&name, "%s.%s", e->axes[i].name, e->axes[i].values->values[k].text);
            same = strcmp(urs_text_string(&name), entry->section) == 0;
            urs_text_release(&name);
            if (same && (!entry->key || strcmp(entry->key, "options") == 0))
                return entry->key && !entry->is_array ? urs_toml_wrong(&e->document, entry, err, "options is a list in [ ]") : URS_OK;
            if (same)
                return urs_toml_wrong(&e->document, entry, err, "[%s] has no key '%.60s', only options", entry->section, entry->key);
        }
    return urs_toml_wrong(&e->document, entry, err, "[%.80s] is no value of the grid", entry->section);
}

static urs_status take_entry(urs_experiment *e, const urs_toml_entry *entry, urs_error *err)
{
    static const char *const known[] = {"title", "data", "folds", "train", "eval"};
    if (strcmp(entry->section, "grid") == 0)
        return entry->key ? take_axis(e, entry, err) : URS_OK;
    if (entry->section[0])
        return URS_OK; /* when the axes are known: check_section */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], entry->key) == 0)
            return URS_OK;
    return urs_toml_wrong(&e->document, entry, err, "there is no key '%.60s' here", entry->key);
}

static urs_status understand(urs_experiment *e, urs_error *err)
{
    const urs_toml *doc = &e->document;
    const urs_toml_entry *title = urs_toml_find(doc, "", "title");
    urs_status status = URS_OK;
    e->cells = e->seeds = 1;
    e->title = title && !title->is_array ? title->values[0].text : "";
    for (size_t i = 0; status == URS_OK && i < doc->count; i++)
        status = take_entry(e, &doc->entries[i], err);
    for (size_t i = 0; status == URS_OK && i < doc->count; i++)
        if (doc->entries[i].section[0] && strcmp(doc->entries[i].section, "grid") != 0)
            status = check_section(e, &doc->entries[i], err);
    if (status == URS_OK)
        status = take_folds(e, err);
    if (status == URS_OK)
        status = take_list(&e->data, e, "", "data", err);
    if (status == URS_OK)
        status = take_list(&e->train, e, "", "train", err);
    if (status == URS_OK)
        status = take_list(&e->eval, e, "", "eval", err);
    if (status == URS_OK && !e->data)
        status = urs_fail(err, URS_EFORMAT, "%s: there is no data = [...]", doc->name);
    if (status == URS_OK && e->axis_count == 0)
        status = urs_fail(err, URS_EFORMAT, "%s: [grid] has no axis", doc->name);
    return status;
}

urs_status urs_experiment_read(urs_experiment *out, const char *path, const char *root, const char *folder, urs_error *err)
{
    urs_experiment e = {0};
    urs_status status = urs_toml_read(&e.document, path, err);
    if (status == URS_OK)
        status = understand(&e, err);
    e.root = urs_strdup(root);
    e.folder = urs_strdup(folder);
    if (status == URS_OK && !(e.root && e.folder))
        status = urs_fail(err, URS_ENOMEM, "no memory for an experiment");
    if (status == URS_OK)
        *out = e;
    else
        urs_experiment_release(&e);
    return status;
}

void urs_experiment_release(urs_experiment *e)
{
    urs_toml_release(&e->document);
    urs_free(e->folder);
    urs_free(e->root);
    *e = (urs_experiment){0};
}

/* The last axis turns fastest. */
const char *urs_experiment_value(const urs_experiment *e, size_t cell, size_t axis)
{
    for (size_t i = e->axis_count; i-- > axis + 1;)
        cell /= e->axes[i].values->count;
    return e->axes[axis].values->values[cell % e->axes[axis].values->count].text;
}

const char *urs_experiment_seed(const urs_experiment *e, size_t seed)
{
    return e->seed ? e->seed->values[seed].text : "1";
}

/* Names are made of values; what a file name should not have becomes '_', and the numbers of cell and seed keep two runs apart. */
void urs_experiment_path(urs_text *out, const urs_experiment *e, size_t cell, size_t seed, const char *tail)
{
    urs_text_format(out, "%s/%02zu", e->folder, cell + 1);
    for (size_t i = 0; i < e->axis_count; i++) {
        urs_text_add(out, "-");
        for (const char *s = urs_experiment_value(e, cell, i); *s; s++)
            urs_text_append(out, isalnum((unsigned char)*s) || *s == '.' || *s == '_' ? s : "_", 1);
    }
    urs_text_format(out, "-s%zu%s", seed + 1, tail);
}

/* ---- commands ---- */

static urs_status add(urs_names *out, const urs_experiment *e, const char *word, urs_error *err)
{
    urs_text text = {0};
    urs_status status;
    for (const char *at; (at = strstr(word, "{root}")) != NULL; word = at + strlen("{root}")) {
        urs_text_append(&text, word, (size_t)(at - word));
        urs_text_add(&text, e->root);
    }
    urs_text_add(&text, word);
    status = urs_text_ok(&text) ? urs_names_add(out, urs_text_string(&text), err) : urs_fail(err, URS_ENOMEM, "no memory for a command");
    urs_text_release(&text);
    return status;
}

static urs_status add_list(urs_names *out, const urs_experiment *e, const urs_toml_entry *list, const char *before, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t i = 0; list && status == URS_OK && i < list->count; i++) {
        if (before)
            status = add(out, e, before, err);
        if (status == URS_OK)
            status = add(out, e, list->values[i].text, err);
    }
    return status;
}

static urs_status add_option(urs_names *out, const urs_experiment *e, const char *name, const char *value, urs_error *err)
{
    urs_text option = {0};
    urs_status status;
    urs_text_format(&option, "--%s", name);
    status = urs_text_ok(&option) ? urs_names_add(out, urs_text_string(&option), err) : urs_fail(err, URS_ENOMEM, "no memory for a command");
    urs_text_release(&option);
    return status == URS_OK ? add(out, e, value, err) : status;
}

static urs_status add_path(urs_names *out, const urs_experiment *e, const char *option, size_t cell, size_t seed, const char *tail, urs_error *err)
{
    urs_text path = {0};
    urs_status status;
    urs_experiment_path(&path, e, cell, seed, tail);
    status = urs_text_ok(&path) ? urs_names_add(out, option, err) : urs_fail(err, URS_ENOMEM, "no memory for a command");
    if (status == URS_OK)
        status = urs_names_add(out, urs_text_string(&path), err);
    urs_text_release(&path);
    return status;
}

static urs_status add_number(urs_names *out, const urs_experiment *e, const char *option, int32_t value, urs_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", (int)value);
    return add_option(out, e, option, text, err);
}

static urs_status add_words(urs_names *out, const urs_experiment *e, const char *verb, urs_error *err)
{
    urs_status status = urs_names_add(out, verb, err);
    if (status == URS_OK)
        status = urs_names_add(out, "embed", err);
    if (status == URS_OK)
        status = add_list(out, e, e->data, "--data", err);
    return status == URS_OK ? add_number(out, e, "folds", e->folds, err) : status;
}

urs_status urs_experiment_train_command(urs_names *out, const urs_experiment *e, size_t cell, size_t seed, int32_t fold, urs_error *err)
{
    char tail[32];
    urs_status status = add_words(out, e, "train", err);
    (void)snprintf(tail, sizeof tail, ".f%d.safetensors", (int)fold);
    if (status == URS_OK)
        status = add_number(out, e, "fold", fold, err);
    if (status == URS_OK)
        status = add_option(out, e, "seed", urs_experiment_seed(e, seed), err);
    if (status == URS_OK)
        status = add_list(out, e, e->train, NULL, err);
    for (size_t i = 0; status == URS_OK && i < e->axis_count; i++) {
        const char *value = urs_experiment_value(e, cell, i);
        urs_text section = {0};
        status = add_option(out, e, e->axes[i].option, value, err);
        urs_text_format(&section, "%s.%s", e->axes[i].name, value);
        if (status == URS_OK)
            status = add_list(out, e, urs_toml_find(&e->document, urs_text_string(&section), "options"), NULL, err);
        urs_text_release(&section);
    }
    if (status == URS_OK)
        status = urs_names_add(out, "--resume", err);
    return status == URS_OK ? add_path(out, e, "--out", cell, seed, tail, err) : status;
}

urs_status urs_experiment_eval_command(urs_names *out, const urs_experiment *e, size_t cell, size_t seed, urs_error *err)
{
    urs_status status = add_words(out, e, "eval", err);
    if (status == URS_OK)
        status = add_list(out, e, e->eval, NULL, err);
    if (status == URS_OK)
        status = add_path(out, e, "--model", cell, seed, ".f{}.safetensors", err);
    return status == URS_OK ? add_path(out, e, "--json", cell, seed, ".json", err) : status;
}
