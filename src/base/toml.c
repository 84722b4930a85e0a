#include "base/toml.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUES_MAX 4096
#define ENTRIES_MAX 4096
#define WORD_MAX 256 /* bytes of a name or number */

typedef struct parser {
    urs_toml doc;
    const char *at, *end;
    const char *section;
    int32_t line;
    size_t entry_capacity, section_capacity;
    urs_error *err;
} parser;

static urs_status wrong(const parser *p, const char *what, const char *word)
{
    return urs_fail(p->err, URS_EFORMAT, "%s, line %d: %s%s%.60s%s", p->doc.name, (int)p->line, what, word ? " '" : "", word ? word : "", word ? "'" : "");
}

static void skip_blanks(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || (*p->at == '\r' && p->at + 1 < p->end && p->at[1] == '\n')))
        p->at++;
}

static void skip_comment(parser *p)
{
    skip_blanks(p);
    if (p->at < p->end && *p->at == '#')
        while (p->at < p->end && *p->at != '\n')
            p->at++;
}

/* Inside an array: blanks, comments and ends of lines. */
static void skip_lines(parser *p)
{
    for (;;) {
        skip_comment(p);
        if (p->at == p->end || *p->at != '\n')
            return;
        p->at++;
        p->line++;
    }
}

static char peek(const parser *p)
{
    return p->at < p->end ? *p->at : '\n';
}

/* Rest of the line (at most 60 bytes of it), for a message. */
static const char *rest(const parser *p, char *buffer, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && p->at + n < p->end && p->at[n] != '\n' && p->at[n] != '\r' && p->at[n] != '#') {
        buffer[n] = p->at[n];
        n++;
    }
    while (n > 0 && (buffer[n - 1] == ' ' || buffer[n - 1] == '\t'))
        n--;
    buffer[n] = '\0';
    return buffer;
}

static urs_status take_quoted(parser *p, char **out)
{
    urs_text text = {0};
    for (p->at++; p->at < p->end && *p->at != '"' && *p->at != '\n'; p->at++) {
        char c = *p->at;
        if (c == '\\') {
            static const char spelled[] = "\"\\tn", meant[] = "\"\\\t\n";
            const char *found = p->at + 1 < p->end ? memchr(spelled, p->at[1], sizeof spelled - 1) : NULL;
            if (!found) {
                urs_text_release(&text);
                return wrong(p, "after '\\' stands one of \" \\ t n", NULL);
            }
            c = meant[found - spelled];
            p->at++;
        } else if (iscntrl((unsigned char)c) && c != '\t') {
            urs_text_release(&text);
            return wrong(p, "a text has no control characters", NULL);
        }
        urs_text_append(&text, &c, 1);
    }
    if (peek(p) != '"') {
        urs_text_release(&text);
        return wrong(p, "a text does not end on its line", NULL);
    }
    p->at++;
    urs_text_append(&text, "", 0);
    if (!text.data)
        urs_text_add(&text, "");
    *out = urs_text_take(&text);
    return *out ? URS_OK : urs_fail(p->err, URS_ENOMEM, "no memory for a text");
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '+' || c == '.';
}

/* Letters, digits and the characters of numbers; `dots` says whether a dot belongs to it. */
static urs_status take_word(parser *p, bool dots, char *out)
{
    size_t n = 0;
    char buffer[64];
    while (p->at < p->end && is_word(*p->at) && (dots || *p->at != '.')) {
        if (n + 1 >= WORD_MAX)
            return urs_fail(p->err, URS_ELIMIT, "%s, line %d: a word is longer than %d bytes", p->doc.name, (int)p->line, WORD_MAX - 1);
        out[n++] = *p->at++;
    }
    out[n] = '\0';
    return n > 0 ? URS_OK : wrong(p, "this is neither a [section] nor a key = value:", rest(p, buffer, sizeof buffer));
}

static urs_status take_name(parser *p, char **out)
{
    char word[WORD_MAX];
    urs_status status;
    if (peek(p) == '"')
        return take_quoted(p, out);
    status = take_word(p, false, word);
    if (status != URS_OK)
        return status;
    *out = urs_strdup(word);
    return *out ? URS_OK : urs_fail(p->err, URS_ENOMEM, "no memory for a name");
}

static urs_status take_value(parser *p, urs_toml_value *v)
{
    char word[WORD_MAX], buffer[64];
    urs_status status;
    if (peek(p) == '"') {
        v->kind = URS_TOML_TEXT;
        return take_quoted(p, &v->text);
    }
    if (!is_word(peek(p)))
        return wrong(p, "this is no number, no text in quotes and no [array]:", rest(p, buffer, sizeof buffer));
    (void)rest(p, buffer, sizeof buffer);
    status = take_word(p, true, word);
    if (status != URS_OK)
        return status;
    skip_blanks(p);
    if (peek(p) != '\n' && peek(p) != '#' && peek(p) != ',' && peek(p) != ']')
        return wrong(p, "this is no number:", buffer);
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        v->kind = URS_TOML_BOOL;
        v->number = word[0] == 't';
    } else if (urs_parse_double(word, &v->number)) {
        v->kind = URS_TOML_NUMBER;
    } else {
        return wrong(p, "this is no number:", word);
    }
    v->text = urs_strdup(word);
    return v->text ? URS_OK : urs_fail(p->err, URS_ENOMEM, "no memory for a value");
}

static urs_status add_value(parser *p, urs_toml_entry *e, size_t *capacity)
{
    if (e->count == VALUES_MAX)
        return urs_fail(p->err, URS_ELIMIT, "%s, line %d: more than %d values", p->doc.name, (int)p->line, VALUES_MAX);
    if (!urs_array_reserve((void **)&e->values, capacity, e->count, sizeof *e->values))
        return urs_fail(p->err, URS_ENOMEM, "no memory for values");
    e->values[e->count] = (urs_toml_value){0};
    return take_value(p, &e->values[e->count++]);
}

static urs_status take_array(parser *p, urs_toml_entry *e)
{
    urs_status status = URS_OK;
    size_t capacity = 0;
    e->is_array = true;
    p->at++;
    for (;;) {
        skip_lines(p);
        if (p->at == p->end)
            return wrong(p, "an array has no ']'", NULL);
        if (*p->at == ']')
            break;
        status = add_value(p, e, &capacity);
        if (status != URS_OK)
            return status;
        skip_lines(p);
        if (peek(p) == ',')
            p->at++;
        else if (p->at < p->end && *p->at != ']')
            return wrong(p, "values of an array have a ',' between them", NULL);
    }
    p->at++;
    return URS_OK;
}

/* A new entry at the end of the list. `key` (owned by the caller until URS_OK) may be NULL. */
static urs_status add_entry(parser *p, char *key)
{
    if (p->doc.count == ENTRIES_MAX)
        return urs_fail(p->err, URS_ELIMIT, "%s: more than %d lines with something in them", p->doc.name, ENTRIES_MAX);
    if (!urs_array_reserve((void **)&p->doc.entries, &p->entry_capacity, p->doc.count, sizeof *p->doc.entries))
        return urs_fail(p->err, URS_ENOMEM, "no memory for a document");
    p->doc.entries[p->doc.count++] = (urs_toml_entry){.section = p->section, .key = key, .line = p->line};
    return URS_OK;
}

static urs_status take_section(parser *p)
{
    urs_text name = {0};
    char *part;
    urs_status status = URS_OK;
    p->at++;
    do {
        skip_blanks(p);
        part = NULL;
        status = take_name(p, &part);
        if (status == URS_OK) {
            if (name.length)
                urs_text_add(&name, ".");
            urs_text_add(&name, part);
            urs_free(part);
            skip_blanks(p);
        }
    } while (status == URS_OK && peek(p) == '.' && p->at++);
    if (status == URS_OK && peek(p) != ']')
        status = wrong(p, "a section has no ']':", urs_text_string(&name));
    if (status == URS_OK && urs_toml_find(&p->doc, urs_text_string(&name), NULL))
        status = wrong(p, "this section stands twice:", urs_text_string(&name));
    if (status == URS_OK) {
        p->at++;
        part = urs_array_reserve((void **)&p->doc.sections, &p->section_capacity, p->doc.section_count, sizeof *p->doc.sections) ? urs_text_take(&name) : NULL;
        status = part ? URS_OK : urs_fail(p->err, URS_ENOMEM, "no memory for a section");
    }
    if (status == URS_OK) {
        p->section = p->doc.sections[p->doc.section_count++] = part;
        status = add_entry(p, NULL);
    }
    urs_text_release(&name);
    return status;
}

static urs_status take_key(parser *p)
{
    char buffer[64], *key = NULL;
    size_t one = 0;
    urs_status status;
    (void)rest(p, buffer, sizeof buffer);
    status = take_name(p, &key);
    if (status != URS_OK)
        return status;
    skip_blanks(p);
    if (peek(p) != '=')
        status = wrong(p, "this is neither a [section] nor a key = value:", buffer);
    else if (urs_toml_find(&p->doc, p->section, key))
        status = wrong(p, "this key stands twice:", key);
    if (status == URS_OK)
        status = add_entry(p, key);
    if (status != URS_OK) {
        urs_free(key);
        return status;
    }
    p->at++;
    skip_blanks(p);
    return peek(p) == '[' ? take_array(p, &p->doc.entries[p->doc.count - 1]) : add_value(p, &p->doc.entries[p->doc.count - 1], &one);
}

static urs_status take_line(parser *p)
{
    urs_status status = URS_OK;
    char buffer[64];
    skip_comment(p);
    if (peek(p) == '[')
        status = take_section(p);
    else if (peek(p) != '\n')
        status = take_key(p);
    if (status != URS_OK)
        return status;
    skip_comment(p);
    if (peek(p) != '\n')
        return wrong(p, "behind it stands something more:", rest(p, buffer, sizeof buffer));
    p->at += p->at < p->end;
    p->line++;
    return URS_OK;
}

urs_status urs_toml_parse(urs_toml *out, const char *text, size_t size, const char *name, urs_error *err)
{
    parser p = {.at = text, .end = text + size, .section = "", .line = 1, .err = err};
    urs_status status = URS_OK;
    if (size > URS_TOML_FILE_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: a file of %zu bytes is larger than what is accepted", name, size);
    if (memchr(text, 0, size))
        return urs_fail(err, URS_EFORMAT, "%s: this is no text", name);
    p.doc.name = urs_strdup(name);
    if (!p.doc.name)
        return urs_fail(err, URS_ENOMEM, "no memory for a document");
    while (status == URS_OK && p.at < p.end)
        status = take_line(&p);
    if (status == URS_OK)
        *out = p.doc;
    else
        urs_toml_release(&p.doc);
    return status;
}

urs_status urs_toml_read(urs_toml *out, const char *path, urs_error *err)
{
    urs_bytes bytes = {0};
    urs_status status = urs_file_read(&bytes, path, URS_TOML_FILE_MAX, err);
    if (status == URS_OK)
        status = urs_toml_parse(out, (const char *)bytes.data, bytes.size, path, err);
    urs_bytes_release(&bytes);
    return status;
}

void urs_toml_release(urs_toml *doc)
{
    for (size_t i = 0; i < doc->count; i++) {
        for (size_t k = 0; k < doc->entries[i].count; k++)
            urs_free(doc->entries[i].values[k].text);
        urs_free(doc->entries[i].values);
        urs_free(doc->entries[i].key);
    }
    for (size_t i = 0; i < doc->section_count; i++)
        urs_free(doc->sections[i]);
    urs_free(doc->sections);
    urs_free(doc->entries);
    urs_free(doc->name);
    *doc = (urs_toml){0};
}

const urs_toml_entry *urs_toml_find(const urs_toml *doc, const char *section, const char *key)
{
    for (size_t i = 0; i < doc->count; i++) {
        const urs_toml_entry *e = &doc->entries[i];
        if (strcmp(e->section, section) == 0 && (key && e->key ? strcmp(e->key, key) == 0 : !key && !e->key))
            return e;
    }
    return NULL;
}

urs_status urs_toml_wrong(const urs_toml *doc, const urs_toml_entry *entry, urs_error *err, const char *format, ...)
{
    char what[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return urs_fail(err, URS_EFORMAT, "%s, line %d: %s", doc->name, (int)entry->line, what);
}
