/* Text from outside on a terminal: width, shortening, and what is not let through. */
#include "harness.h"

#include "base/terminal.h"

#include <locale.h>

static bool knows_utf8(void)
{
    const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8)
        freelocale(utf8);
    return utf8 != (locale_t)0;
}

static void check_shown(urs_test *t, const char *s, size_t most, const char *wanted)
{
    urs_text out = {0};
    urs_terminal_add(&out, s, most);
    URS_CHECK_TEXT(t, urs_text_string(&out), wanted);
    URS_CHECK(t, most == 0 || urs_terminal_columns(urs_text_string(&out)) <= most);
    urs_text_release(&out);
}

static void long_text_keeps_its_ends(urs_test *t)
{
    check_shown(t, "", 8, "");
    check_shown(t, "12345678", 8, "12345678");
    check_shown(t, "123456789", 8, "1...6789");
    check_shown(t, "folder/sub-folder/picture-0001.jpg", 20, "folde...ure-0001.jpg");
    check_shown(t, "folder/sub-folder/picture-0001.jpg", 0, "folder/sub-folder/picture-0001.jpg");
    check_shown(t, "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6", 8, "\xc3\xb6...\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6"); /* characters are not cut */
}

static void columns_are_as_they_look(urs_test *t)
{
    URS_CHECK_INT(t, urs_terminal_columns("bear.jpg"), 8);
    URS_CHECK_INT(t, urs_terminal_columns("b\xc3\xa4r"), 3);
    URS_CHECK_INT(t, urs_terminal_columns("\xff\x80\x1b"), 3); /* each as one mark */
    if (!knows_utf8()) {
        urs_test_skip(t, "the C library has no locale C.UTF-8");
        return;
    }
    URS_CHECK_INT(t, urs_terminal_columns("\xe7\x86\x8a.jpg"), 6);         /* CJK */
    URS_CHECK_INT(t, urs_terminal_columns("be\xcc\x81" "b\xc3\xa9"), 4);   /* combining acute, and in one */
    URS_CHECK_INT(t, urs_terminal_columns("\xf0\x9f\x90\xbb"), 2);         /* bear face */
    check_shown(t, "\xe7\x86\x8a\xe7\x86\x8a\xe7\x86\x8a\xe7\x86\x8a\xe7\x86\x8a", 9, "\xe7\x86\x8a...\xe7\x86\x8a\xe7\x86\x8a");
    check_shown(t, "123456e\xcc\x81" "789a", 9, "12...789a"); /* the accent goes with its letter */
}

static void nothing_steers_the_terminal(urs_test *t)
{
    check_shown(t, "a\x1b[31m\n\x7f", 0, "a?[31m??");
    check_shown(t, "a\xc2\x9b" "31m", 0, "a?31m");                 /* CSI as one character */
    check_shown(t, "a\x9b" "31m", 0, "a\xef\xbf\xbd" "31m");       /* and as one byte */
    check_shown(t, "a\xe2\x80\xae" "gpj.b", 0, "a?gpj.b");         /* right-to-left override */
    check_shown(t, "a\xc3", 0, "a\xef\xbf\xbd");
}

int main(void)
{
    static const urs_case cases[] = {
        {"long text keeps its ends", long_text_keeps_its_ends},
        {"columns are as they look", columns_are_as_they_look},
        {"nothing steers the terminal", nothing_steers_the_terminal},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
