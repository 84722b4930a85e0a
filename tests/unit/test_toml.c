/* The part of TOML that is read: what entries come out, and that every slip of the pen is named with its line. */
#include "harness.h"

#include "base/toml.h"

#include <stdlib.h>
#include <string.h>

static void entries(urs_test *t)
{
    static const char text[] = "title = \"a \\\"b\\\" \\\\ c\\n\" # with a # in the comment\r\n"
                               "\n"
                               "n = -2.5e1\n"
                               "[ grid ]\n"
                               "trunk = [ \"x#y\", # the first\n"
                               "\t3, true,\n"
                               "]\n"
                               "[trunk.\"x#y\"]\n"
                               "empty = []";
    urs_toml doc = {0};
    urs_error err = {0};
    const urs_toml_entry *e;
    URS_REQUIRE_OK(t, urs_toml_parse(&doc, text, sizeof text - 1, "t.toml", &err), err);
    URS_CHECK_INT(t, doc.count, 6);
    e = urs_toml_find(&doc, "", "title");
    URS_REQUIRE(t, e && e->count == 1 && !e->is_array && e->line == 1);
    URS_CHECK_TEXT(t, e->values[0].text, "a \"b\" \\ c\n");
    e = urs_toml_find(&doc, "", "n");
    URS_REQUIRE(t, e && e->values[0].kind == URS_TOML_NUMBER);
    URS_CHECK_NEAR(t, e->values[0].number, -25, 0);
    URS_CHECK_TEXT(t, e->values[0].text, "-2.5e1");
    e = urs_toml_find(&doc, "grid", "trunk");
    URS_REQUIRE(t, e && e->is_array && e->count == 3 && e->line == 5);
    URS_CHECK_TEXT(t, e->values[0].text, "x#y");
    URS_CHECK(t, e->values[1].kind == URS_TOML_NUMBER && e->values[2].kind == URS_TOML_BOOL && e->values[2].number == 1);
    e = urs_toml_find(&doc, "trunk.x#y", NULL);
    URS_REQUIRE(t, e && !e->key && e->line == 8);
    e = urs_toml_find(&doc, "trunk.x#y", "empty");
    URS_REQUIRE(t, e && e->is_array && e->count == 0);
    URS_CHECK(t, !urs_toml_find(&doc, "", "trunk") && !urs_toml_find(&doc, "nowhere", NULL));
    URS_CHECK_INT(t, urs_toml_wrong(&doc, e, &err, "%s", "oh"), URS_EFORMAT);
    URS_CHECK_TEXT(t, err.message, "t.toml, line 9: oh");
    urs_toml_release(&doc);
}

static void slips(urs_test *t)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"a = 1\na = 2\n", "line 2: this key stands twice"},
        {"[a]\n[b]\n[a]\n", "line 3: this section stands twice"},
        {"[a\nb = 1\n", "line 1: a section has no ']'"},
        {"[a] b\n", "line 1: behind it stands something more: 'b'"},
        {"[]\n", "line 1: "},
        {"a = \"b\n", "line 1: a text does not end on its line"},
        {"a = \"\\u0041\"\n", "line 1: after '\\' stands one of"},
        {"a = \"b\x01\"\n", "line 1: a text has no control characters"},
        {"a = 1979-05-27\n", "line 1: this is no number"},
        {"a = 1 2\n", "line 1: this is no number: '1 2'"},
        {"a = nan\n", "line 1: this is no number"},
        {"a = {b = 1}\n", "line 1: this is no number, no text"},
        {"a = [1, [2]]\n", "line 1: this is no number, no text"},
        {"a = [1 2]\n", "line 1: this is no number"},
        {"a = [\"1\" \"2\"]\n", "line 1: values of an array have a ','"},
        {"a = [1,\n\n2", "line 3: an array has no ']'"},
        {"a.b = 1\n", "line 1: this is neither a [section] nor a key = value"},
        {"a\n", "line 1: this is neither a [section] nor a key = value: 'a'"},
        {"a =\n", "line 1: this is no number, no text"},
        {"= 1\n", "line 1: this is neither"},
        {"a = \"b\" c\n", "line 1: behind it stands something more"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        urs_toml doc = {0};
        urs_error err = {0};
        if (urs_toml_parse(&doc, rows[i].text, strlen(rows[i].text), "t.toml", &err) != URS_EFORMAT || !strstr(err.message, rows[i].says))
            urs_test_fail(t, __FILE__, __LINE__, "'%s' gives: %s", rows[i].text, err.message);
        URS_CHECK(t, doc.count == 0);
    }
}

static void limits(urs_test *t)
{
    char *text = malloc(URS_TOML_FILE_MAX + 1);
    urs_toml doc = {0};
    urs_error err = {0};
    URS_REQUIRE(t, text);
    memset(text, '#', URS_TOML_FILE_MAX + 1);
    URS_CHECK_INT(t, urs_toml_parse(&doc, text, URS_TOML_FILE_MAX + 1, "t", &err), URS_ELIMIT);
    memset(text, '7', 400);
    text[0] = 'a';
    text[1] = '=';
    URS_CHECK_INT(t, urs_toml_parse(&doc, text, 400, "t", &err), URS_ELIMIT); /* a number of 398 digits */
    URS_CHECK_INT(t, urs_toml_parse(&doc, "a=1\0", 4, "t", &err), URS_EFORMAT);
    URS_REQUIRE_OK(t, urs_toml_parse(&doc, "", 0, "t", &err), err);
    URS_CHECK_INT(t, doc.count, 0);
    urs_toml_release(&doc);
    URS_CHECK_INT(t, urs_toml_read(&doc, "/nowhere/t.toml", &err), URS_ENOTFOUND);
    free(text);
}

int main(void)
{
    static const urs_case cases[] = {{"entries", entries}, {"slips of the pen", slips}, {"limits", limits}};
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
