/* Reads board profiles; see energy.h. Files of base/toml.h with
 *
 *      name = "..."                                  before the first section
 *      [power]     active, npu
 *      [suspended] power, resume                     either of the two, or both
 *      [off]       power, boot
 *      [frame]     capture, decode, flash_power, flash, night
 *      [npu], [cpu]  sift, find, embed               seconds of an inference
 *      [event]     frames, a_day, animal, bear
 *      [battery]   watt_hours, usable
 *
 * Unknown words, words that stand twice and numbers out of range are errors that name the line: a profile with a slip of the pen must not give a battery life. */
#include "edge/energy.h"

#include "base/toml.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MAX 86400.0
#define WATTS_MAX 1000.0

typedef struct key {
    const char *section, *word;
    size_t offset; /* of a double in urs_board */
    double low, high;
    bool required; /* where its section stands */
} key;

#define AT(field) offsetof(urs_board, field)
static const key keys[] = {
    {"power", "active", AT(active), 0, WATTS_MAX, true},
    {"power", "npu", AT(npu), 0, WATTS_MAX, false},
    {"suspended", "power", AT(waiting[URS_WAIT_SUSPENDED]), 0, WATTS_MAX, true},
    {"suspended", "resume", AT(wake[URS_WAIT_SUSPENDED]), 0, SECONDS_MAX, true},
    {"off", "power", AT(waiting[URS_WAIT_OFF]), 0, WATTS_MAX, true},
    {"off", "boot", AT(wake[URS_WAIT_OFF]), 0, SECONDS_MAX, true},
    {"frame", "capture", AT(capture), 0, SECONDS_MAX, true},
    {"frame", "decode", AT(decode), 0, SECONDS_MAX, true},
    {"frame", "flash_power", AT(flash_watts), 0, WATTS_MAX, false},
    {"frame", "flash", AT(flash_seconds), 0, SECONDS_MAX, false},
    {"frame", "night", AT(night), 0, 1, false},
    {"npu", "sift", AT(sift[URS_ENERGY_NPU]), 0, SECONDS_MAX, true},
    {"npu", "find", AT(find[URS_ENERGY_NPU]), 0, SECONDS_MAX, true},
    {"npu", "embed", AT(embed[URS_ENERGY_NPU]), 0, SECONDS_MAX, true},
    {"cpu", "sift", AT(sift[URS_ENERGY_CPU]), 0, SECONDS_MAX, true},
    {"cpu", "find", AT(find[URS_ENERGY_CPU]), 0, SECONDS_MAX, true},
    {"cpu", "embed", AT(embed[URS_ENERGY_CPU]), 0, SECONDS_MAX, true},
    {"event", "frames", AT(frames), 1, 1000, true},
    {"event", "a_day", AT(events), 0, 1e6, true},
    {"event", "animal", AT(animal), 0, 1, true},
    {"event", "bear", AT(bear), 0, 1, true},
    {"battery", "watt_hours", AT(battery), 0, 1e6, true},
    {"battery", "usable", AT(usable), 0, 1, false},
};
#define KEYS (sizeof keys / sizeof keys[0])

static const char *const sections[] = {"power", "suspended", "off", "frame", "npu", "cpu", "event", "battery"};
#define SECTIONS (sizeof sections / sizeof sections[0])

typedef struct reader {
    urs_board board;
    const urs_toml *doc;
    bool has_key[KEYS];
    urs_error *err;
} reader;

static urs_status set_name(reader *r, const urs_toml_entry *e)
{
    const urs_toml_value *v = e->values;
    if (strcmp(e->key, "name") != 0)
        return urs_toml_wrong(r->doc, e, r->err, "in front of the first section stands only the name, not '%.60s'", e->key);
    if (e->is_array || v->kind != URS_TOML_TEXT || !v->text[0] || strlen(v->text) >= sizeof r->board.name)
        return urs_toml_wrong(r->doc, e, r->err, "a name is a short text in quotes");
    for (const char *s = v->text; *s; s++)
        if (iscntrl((unsigned char)*s))
            return urs_toml_wrong(r->doc, e, r->err, "a name has no control characters");
    memcpy(r->board.name, v->text, strlen(v->text) + 1);
    return URS_OK;
}

static urs_status set_number(reader *r, const urs_toml_entry *e)
{
    for (size_t i = 0; i < KEYS; i++) {
        const double x = e->count ? e->values[0].number : 0;
        if (strcmp(keys[i].section, e->section) != 0 || strcmp(keys[i].word, e->key) != 0)
            continue;
        if (e->is_array || e->values[0].kind != URS_TOML_NUMBER)
            return urs_toml_wrong(r->doc, e, r->err, "this is no number: '%.60s'", e->key);
        if (!(x >= keys[i].low && x <= keys[i].high))
            return urs_toml_wrong(r->doc, e, r->err, "%s is %g, outside of %g to %g", e->key, x, keys[i].low, keys[i].high);
        memcpy((char *)&r->board + keys[i].offset, &x, sizeof x);
        r->has_key[i] = true;
        return URS_OK;
    }
    return urs_toml_wrong(r->doc, e, r->err, "[%s] has no key '%.60s'", e->section, e->key);
}

static urs_status take_entry(reader *r, const urs_toml_entry *e)
{
    if (e->key)
        return e->section[0] ? set_number(r, e) : set_name(r, e);
    for (size_t i = 0; i < SECTIONS; i++)
        if (strcmp(sections[i], e->section) == 0)
            return URS_OK;
    return urs_toml_wrong(r->doc, e, r->err, "there is no section '%.60s'", e->section);
}

static bool has(const reader *r, const char *section)
{
    return urs_toml_find(r->doc, section, NULL) != NULL;
}

/* Everything that must be there is; what may be left out gets its default. */
static urs_status finish(reader *r)
{
    urs_board *b = &r->board;
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].required && has(r, keys[i].section) && !r->has_key[i])
            return urs_fail(r->err, URS_EFORMAT, "%s: [%s] lacks '%s'", r->doc->name, keys[i].section, keys[i].word);
    for (size_t i = 0; i < SECTIONS; i++) {
        const bool optional = strcmp(sections[i], "suspended") == 0 || strcmp(sections[i], "off") == 0 || strcmp(sections[i], "npu") == 0 || strcmp(sections[i], "cpu") == 0;
        if (!optional && !has(r, sections[i]))
            return urs_fail(r->err, URS_EFORMAT, "%s: there is no section [%s]", r->doc->name, sections[i]);
    }
    b->has_wait[URS_WAIT_SUSPENDED] = has(r, "suspended");
    b->has_wait[URS_WAIT_OFF] = has(r, "off");
    b->has_engine[URS_ENERGY_NPU] = has(r, "npu");
    b->has_engine[URS_ENERGY_CPU] = has(r, "cpu");
    if (!b->has_wait[URS_WAIT_SUSPENDED] && !b->has_wait[URS_WAIT_OFF])
        return urs_fail(r->err, URS_EFORMAT, "%s: neither [suspended] nor [off] says how the board waits", r->doc->name);
    if (!b->has_engine[URS_ENERGY_NPU] && !b->has_engine[URS_ENERGY_CPU])
        return urs_fail(r->err, URS_EFORMAT, "%s: neither [npu] nor [cpu] says how long the stages take", r->doc->name);
    if (b->bear > b->animal)
        return urs_fail(r->err, URS_EFORMAT, "%s: more bears (%g) than animals (%g): every bear is an animal", r->doc->name, b->bear, b->animal);
    if (b->usable == 0)
        b->usable = 1;
    if (!b->name[0])
        (void)snprintf(b->name, sizeof b->name, "board");
    return URS_OK;
}

static urs_status from_document(urs_board *out, const urs_toml *doc, urs_error *err)
{
    reader r = {.doc = doc, .err = err};
    urs_status status = URS_OK;
    for (size_t i = 0; status == URS_OK && i < doc->count; i++)
        status = take_entry(&r, &doc->entries[i]);
    if (status == URS_OK)
        status = finish(&r);
    if (status == URS_OK)
        *out = r.board;
    return status;
}

urs_status urs_board_parse(urs_board *out, const char *text, size_t size, const char *name, urs_error *err)
{
    urs_toml doc = {0};
    urs_status status = urs_toml_parse(&doc, text, size, name, err);
    if (status == URS_OK)
        status = from_document(out, &doc, err);
    urs_toml_release(&doc);
    return status;
}

urs_status urs_board_read(urs_board *out, const char *path, urs_error *err)
{
    urs_toml doc = {0};
    urs_status status = urs_toml_read(&doc, path, err);
    if (status == URS_OK)
        status = from_document(out, &doc, err);
    urs_toml_release(&doc);
    return status;
}
