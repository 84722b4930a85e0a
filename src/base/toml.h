/* Reads a part of TOML 1.0 that every TOML reader agrees on; ends with a flat list of entries, in the order of the file:
 *
 *      file     = { line }                                          UTF-8, at most URS_TOML_FILE_MAX bytes
 *      line     = [ "[" name { "." name } "]" | key "=" ( value | array ) ] [ "#" comment ]
 *      name     = letters, digits, '_', '-'; or text in double quotes
 *      key      = name
 *      value    = '"' text '"' (with \" \\ \t \n) | number | true | false
 *      array    = "[" [ value { "," value } [ "," ] ] "]"           may go over several lines, with comments; no arrays inside
 *
 *      [trunk.convnext_tiny]            entry: section "trunk.convnext_tiny", key "options", line 2, two values: text "--size", number "96"
 *      options = ["--size", 96]
 *
 * A section that stands twice, a key that stands twice in a section, and everything else of TOML (dates, inline tables, dotted keys) are errors that name the line. One owner; no threads of its own. */
#ifndef URS_BASE_TOML_H
#define URS_BASE_TOML_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_TOML_FILE_MAX 65536

typedef enum urs_toml_kind { URS_TOML_TEXT, URS_TOML_NUMBER, URS_TOML_BOOL } urs_toml_kind;

typedef struct urs_toml_value {
    urs_toml_kind kind;
    char *text;    /* owned; a number or bool as it is spelled in the file */
    double number; /* of a number; 1 for true */
} urs_toml_value;

typedef struct urs_toml_entry {
    const char *section; /* borrowed from the document; "" before the first */
    char *key;           /* owned; NULL: the section's own line, which every section has */
    int32_t line;
    bool is_array;
    urs_toml_value *values; /* owned; one unless it is an array */
    size_t count;
} urs_toml_entry;

/* {0} is valid and empty. */
typedef struct urs_toml {
    char *name; /* owned; of the file, for messages */
    urs_toml_entry *entries; /* owned */
    size_t count;
    char **sections; /* owned */
    size_t section_count;
} urs_toml;

/* `text`: bytes of a file; `name` is for messages. URS_EFORMAT and URS_ELIMIT name the line. */
urs_status urs_toml_parse(urs_toml *out, const char *text, size_t size, const char *name, urs_error *err) URS_CHECKED;
urs_status urs_toml_read(urs_toml *out, const char *path, urs_error *err) URS_CHECKED;
void urs_toml_release(urs_toml *doc);

/* The entry (borrowed) or NULL. key NULL: the section's own line. */
const urs_toml_entry *urs_toml_find(const urs_toml *doc, const char *section, const char *key);

/* Failure with name, line and key of an entry in front; always URS_EFORMAT. */
urs_status urs_toml_wrong(const urs_toml *doc, const urs_toml_entry *entry, urs_error *err, const char *format, ...) URS_PRINTF(4, 5);

#endif
