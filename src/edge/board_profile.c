/* Reads board profiles; see energy.h. A part of TOML that every TOML reader agrees on:
 *
 *      file     = { line }                           at most 64 KiB of UTF-8, no line above 512 bytes
 *      line     = [ section | key "=" value ] [ "#" comment ]
 *      section  = "[" word "]"                       once
 *      value    = number | '"' text without '"' and '\' '"'
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

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX 65536
#define LINE_MAX_BYTES 512
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

typedef struct parser {
    urs_board board;
    const char *name; /* for messages */
    int line;
    int section; /* index; -1: before the first */
    bool has_section[SECTIONS], has_key[KEYS];
    urs_error *err;
} parser;

static urs_status wrong(const parser *p, const char *what, const char *word)
{
    return urs_fail(p->err, URS_EFORMAT, "%s, line %d: %s '%.60s'", p->name, p->line, what, word);
}

/* Cuts blanks at both ends; changes the text. */
static char *trim(char *s)
{
    size_t n;
    while (*s == ' ' || *s == '\t')
        s++;
    n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        s[--n] = '\0';
    return s;
}

static void cut_comment(char *s)
{
    bool quoted = false;
    for (; *s; s++) {
        quoted = quoted != (*s == '"');
        if (*s == '#' && !quoted)
            *s = '\0';
        if (!*s)
            return;
    }
}

static urs_status open_section(parser *p, char *s)
{
    const size_t n = strlen(s);
    if (s[n - 1] != ']')
        return wrong(p, "a section has no ']':", s);
    s[n - 1] = '\0';
    s = trim(s + 1);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (strcmp(sections[i], s) != 0)
            continue;
        if (p->has_section[i])
            return wrong(p, "this section stands twice:", s);
        p->has_section[i] = true;
        p->section = (int)i;
        return URS_OK;
    }
    return wrong(p, "there is no section", s);
}

static urs_status set_name(parser *p, const char *value)
{
    const size_t n = strlen(value);
    if (p->board.name[0])
        return wrong(p, "this key stands twice:", "name");
    if (n < 3 || value[0] != '"' || value[n - 1] != '"' || memchr(value + 1, '"', n - 2) || memchr(value, '\\', n) || n - 2 >= sizeof p->board.name)
        return wrong(p, "a name is a short text in quotes, not", value);
    for (size_t i = 1; i + 1 < n; i++)
        if (iscntrl((unsigned char)value[i]))
            return wrong(p, "a name has no control characters:", "name");
    memcpy(p->board.name, value + 1, n - 2);
    return URS_OK;
}

static urs_status set_number(parser *p, const char *word, const char *value)
{
    const char *section = sections[p->section];
    for (size_t i = 0; i < KEYS; i++) {
        double x;
        if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].word, word) != 0)
            continue;
        if (p->has_key[i])
            return wrong(p, "this key stands twice:", word);
        if (!urs_parse_double(value, &x))
            return wrong(p, "this is no number:", value);
        if (!(x >= keys[i].low && x <= keys[i].high))
            return urs_fail(p->err, URS_EFORMAT, "%s, line %d: %s is %g, outside of %g to %g", p->name, p->line, word, x, keys[i].low, keys[i].high);
        memcpy((char *)&p->board + keys[i].offset, &x, sizeof x);
        p->has_key[i] = true;
        return URS_OK;
    }
    return urs_fail(p->err, URS_EFORMAT, "%s, line %d: [%s] has no key '%.60s'", p->name, p->line, section, word);
}

static urs_status take_line(parser *p, char *s)
{
    char *equal;
    cut_comment(s);
    s = trim(s);
    if (!*s)
        return URS_OK;
    if (*s == '[')
        return open_section(p, s);
    equal = strchr(s, '=');
    if (!equal)
        return wrong(p, "this is neither a [section] nor a key = value:", s);
    *equal = '\0';
    s = trim(s);
    if (p->section >= 0)
        return set_number(p, s, trim(equal + 1));
    return strcmp(s, "name") == 0 ? set_name(p, trim(equal + 1)) : wrong(p, "in front of the first section stands only the name, not", s);
}

static bool has(const parser *p, const char *section)
{
    for (size_t i = 0; i < SECTIONS; i++)
        if (strcmp(sections[i], section) == 0)
            return p->has_section[i];
    return false;
}

/* Everything that must be there is; what may be left out gets its default. */
static urs_status finish(parser *p)
{
    urs_board *b = &p->board;
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].required && has(p, keys[i].section) && !p->has_key[i])
            return urs_fail(p->err, URS_EFORMAT, "%s: [%s] lacks '%s'", p->name, keys[i].section, keys[i].word);
    for (size_t i = 0; i < SECTIONS; i++) {
        const bool optional = strcmp(sections[i], "suspended") == 0 || strcmp(sections[i], "off") == 0 || strcmp(sections[i], "npu") == 0 || strcmp(sections[i], "cpu") == 0;
        if (!optional && !p->has_section[i])
            return urs_fail(p->err, URS_EFORMAT, "%s: there is no section [%s]", p->name, sections[i]);
    }
    b->has_wait[URS_WAIT_SUSPENDED] = has(p, "suspended");
    b->has_wait[URS_WAIT_OFF] = has(p, "off");
    b->has_engine[URS_ENERGY_NPU] = has(p, "npu");
    b->has_engine[URS_ENERGY_CPU] = has(p, "cpu");
    if (!b->has_wait[URS_WAIT_SUSPENDED] && !b->has_wait[URS_WAIT_OFF])
        return urs_fail(p->err, URS_EFORMAT, "%s: neither [suspended] nor [off] says how the board waits", p->name);
    if (!b->has_engine[URS_ENERGY_NPU] && !b->has_engine[URS_ENERGY_CPU])
        return urs_fail(p->err, URS_EFORMAT, "%s: neither [npu] nor [cpu] says how long the stages take", p->name);
    if (b->bear > b->animal)
        return urs_fail(p->err, URS_EFORMAT, "%s: more bears (%g) than animals (%g): every bear is an animal", p->name, b->bear, b->animal);
    if (b->usable == 0)
        b->usable = 1;
    if (!b->name[0])
        (void)snprintf(b->name, sizeof b->name, "board");
    return URS_OK;
}

urs_status urs_board_parse(urs_board *out, const char *text, size_t size, const char *name, urs_error *err)
{
    parser p = {.name = name, .section = -1, .err = err};
    char line[LINE_MAX_BYTES];
    urs_status status = URS_OK;
    if (size > FILE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: a profile of %zu bytes is larger than what is accepted", name, size);
    if (memchr(text, 0, size))
        return urs_fail(err, URS_EFORMAT, "%s: this is no text", name);
    for (size_t at = 0; status == URS_OK && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t n = (end ? (size_t)(end - text) : size) - at;
        p.line++;
        if (n >= sizeof line)
            return urs_fail(err, URS_ELIMIT, "%s, line %d: longer than %d bytes", name, p.line, LINE_MAX_BYTES - 1);
        memcpy(line, text + at, n);
        line[n] = '\0';
        status = take_line(&p, line);
        at += n + 1;
    }
    if (status == URS_OK)
        status = finish(&p);
    if (status == URS_OK)
        *out = p.board;
    return status;
}

urs_status urs_board_read(urs_board *out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, FILE_MAX, err);
    if (status == URS_OK)
        status = urs_board_parse(out, (const char *)bytes.data, bytes.size, path, err);
    urs_bytes_release(&bytes);
    return status;
}
