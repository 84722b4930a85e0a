/* What a sceptic asks of a split, and the manifest that carries one; see split_plan.h. */
#include "base/day.h"
#include "base/memory.h"
#include "data/dhash.h"
#include "data/split_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_leak(urs_leak *leak, const urs_dataset *d, size_t i, size_t j, const uint64_t *hashes, int32_t bits, bool days)
{
    const urs_sample *a = &d->samples[i], *b = &d->samples[j];
    if (a->group >= 0 && a->group == b->group)
        leak->kind = URS_LEAK_GROUP;
    else if (days && a->individual >= 0 && a->individual == b->individual && a->has_day && b->has_day && a->day == b->day)
        leak->kind = URS_LEAK_DAY;
    else if (hashes && (leak->bits = urs_dhash_distance(hashes[i], hashes[j])) <= bits)
        leak->kind = URS_LEAK_NEAR;
    else
        return false;
    leak->a = i;
    leak->b = j;
    return true;
}

urs_status urs_split_leaks(urs_leak **out, size_t *count, const urs_dataset *d, const urs_part *parts, const uint64_t *hashes, int32_t bits, bool days, size_t most, urs_error *err)
{
    urs_leak *leaks = urs_array_new(most + 1, sizeof *leaks);
    size_t n = 0;
    if (!leaks)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pairs", most);
    for (size_t i = 0; i < d->count; i++)
        for (size_t j = i + 1; j < d->count && parts[i] != URS_PART_NONE; j++) {
            urs_leak leak = {0};
            if (parts[j] == URS_PART_NONE || parts[j] == parts[i] || !is_leak(&leak, d, i, j, hashes, bits, days))
                continue;
            if (n < most)
                leaks[n] = leak;
            n++;
        }
    *out = leaks;
    *count = n;
    return URS_OK;
}

/* ---- the manifest ---- */

typedef enum field { PATH, INDIVIDUAL, LABEL, CAMERA, DATE, EVENT, INFRARED, SPLIT, FIELDS } field;
static const char *const field_names[FIELDS] = {"path", "individual", "label", "camera", "date", "event", "infrared", "split"};
static const char *const part_names[] = {"train", "val", "test"};

static const char *value_of(char text[16], const urs_dataset *d, const urs_sample *s, urs_part part, field f)
{
    switch (f) {
    case INDIVIDUAL: return urs_name_table_get(&d->individuals, s->individual);
    case LABEL: return urs_name_table_get(&d->labels, s->label);
    case CAMERA: return urs_name_table_get(&d->cameras, s->camera);
    case EVENT: return urs_name_table_get(&d->groups, s->group);
    case INFRARED: return s->infrared < 0 ? "" : s->infrared ? "1" : "0";
    case SPLIT: return part_names[part];
    case DATE:
        if (!s->has_day)
            return "";
        urs_day_text(text, s->day);
        return text;
    case PATH:
    case FIELDS:
    default: return "";
    }
}

/* Owned; below folder: relative to it. */
static char *path_of(const char *path, const char *folder)
{
    char *real = realpath(path, NULL), *out;
    const char *full = real ? real : path;
    const size_t n = strlen(folder);
    if (strncmp(full, folder, n) == 0 && full[n] == '/')
        out = urs_strdup(full + n + 1);
    else
        out = urs_strdup(full);
    free(real);
    return out;
}

urs_status urs_manifest_text(urs_text *out, const urs_dataset *d, const urs_part *parts, const char *folder, urs_error *err)
{
    bool has[FIELDS] = {[PATH] = true, [SPLIT] = true};
    char text[16];
    for (size_t i = 0; i < d->count; i++)
        for (int f = 1; f < SPLIT && parts[i] != URS_PART_NONE; f++)
            has[f] = has[f] || *value_of(text, d, &d->samples[i], parts[i], (field)f);
    for (int f = 0; f < FIELDS; f++)
        if (has[f])
            urs_text_format(out, "%s%s", f ? "," : "", field_names[f]);
    urs_text_add(out, "\n");
    for (size_t i = 0; i < d->count; i++) {
        char *path;
        if (parts[i] == URS_PART_NONE)
            continue;
        path = path_of(d->samples[i].path, folder);
        if (!path)
            return urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_text_csv(out, path);
        urs_free(path);
        for (int f = 1; f < FIELDS; f++)
            if (has[f]) {
                urs_text_add(out, ",");
                urs_text_csv(out, value_of(text, d, &d->samples[i], parts[i], (field)f));
            }
        urs_text_add(out, "\n");
    }
    return urs_text_ok(out) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a manifest of %zu pictures", d->count);
}
