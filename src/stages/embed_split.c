/* Which individuals an embedder was trained without; see embed_split.h. */
#include "stages/embed_split.h"

#include "base/memory.h"
#include "base/sha256.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NOTE "ursid.split"

static urs_status held_out(char hex[65], const urs_chips *chips, urs_error *err)
{
    const size_t individuals = urs_name_table_count(&chips->dataset.individuals);
    bool *seen = urs_array_new(individuals + 1, sizeof *seen);
    urs_names names = {0};
    urs_sha256 sha;
    urs_status status = seen ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu individuals", individuals);
    for (size_t i = 0; status == URS_OK && i < chips->count; i++) {
        const urs_chip *chip = &chips->items[i];
        if (chip->tree != 0 || chip->part != URS_PART_VALIDATION || seen[chip->individual])
            continue;
        seen[chip->individual] = true;
        status = urs_names_add(&names, urs_name_table_get(&chips->dataset.individuals, chip->individual), err);
    }
    urs_names_sort(&names);
    urs_sha256_init(&sha);
    for (size_t i = 0; i < names.count; i++)
        urs_sha256_update(&sha, names.items[i], strlen(names.items[i]) + 1);
    urs_sha256_hex(&sha, hex);
    urs_names_release(&names);
    urs_free(seen);
    return status;
}

urs_status urs_embed_split_note(urs_network *network, const urs_chips *chips, int32_t folds, int32_t fold, urs_error *err)
{
    char hex[65];
    json_t *note = NULL;
    char *text = NULL;
    urs_status status = held_out(hex, chips, err);
    if (status != URS_OK)
        return status;
    note = json_pack("{s:i, s:i, s:s}", "folds", (int)folds, "fold", folds > 0 ? (int)fold : 0, "held_out", hex);
    text = note ? json_dumps(note, JSON_COMPACT) : NULL;
    status = text ? urs_network_set_note(network, NOTE, text, err) : urs_fail(err, URS_ENOMEM, "no memory for notes");
    json_decref(note);
    free(text);
    return status;
}

static urs_status say_fold(urs_text *out, long long folds, long long fold)
{
    if (folds <= 0)
        urs_text_add(out, "on a split without folds");
    else if (fold <= 0)
        urs_text_format(out, "on all of %lld folds", folds);
    else
        urs_text_format(out, "without fold %lld of %lld", fold, folds);
    return urs_text_ok(out) ? URS_OK : URS_ENOMEM;
}

urs_status urs_embed_split_check(const urs_network *network, const char *path, const urs_chips *chips, int32_t folds, int32_t fold, bool *says, urs_error *err)
{
    json_t *note = json_loads(urs_network_note(network, NOTE), 0, NULL);
    const char *hash = json_string_value(json_object_get(note, "held_out"));
    const long long had_folds = json_integer_value(json_object_get(note, "folds")), had_fold = json_integer_value(json_object_get(note, "fold"));
    urs_text had = {0}, wanted = {0};
    char hex[65];
    urs_status status = held_out(hex, chips, err);
    fold = folds > 0 ? fold : 0;
    if (status == URS_OK && (say_fold(&had, had_folds, had_fold) != URS_OK || say_fold(&wanted, folds, fold) != URS_OK))
        status = urs_fail(err, URS_ENOMEM, "no memory for a sentence");
    if (status == URS_OK && hash && (had_folds != folds || had_fold != fold))
        status = urs_fail(err, URS_EMISMATCH, "'%s' was trained %s, not %s: it may know the individuals that it is asked about", path, urs_text_string(&had), urs_text_string(&wanted));
    else if (status == URS_OK && hash && strcmp(hash, hex) != 0)
        status = urs_fail(err, URS_EMISMATCH, "'%s' was trained %s as it should be, but other individuals were held out: give the data, --test, --validation and --split-seed of its training", path,
                          urs_text_string(&had));
    if (status == URS_OK && says)
        *says = hash != NULL;
    json_decref(note);
    urs_text_release(&had);
    urs_text_release(&wanted);
    return status;
}
