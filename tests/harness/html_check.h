/* Is a page that we wrote whole, and does it need nothing but itself? An XML parser takes it; elements stand where HTML allows them; nothing refers to another file or to the network; pictures say what they show.
 *
 *     URS_CHECK(t, html_is_sound("report.html", &counts))      counts (may be NULL): what is in it                                                                                       */
#ifndef URS_TESTS_HTML_CHECK_H
#define URS_TESTS_HTML_CHECK_H

#include "base/file.h"

#include <expat.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HTML_DEPTH_MAX = 64 };

typedef struct html_counts {
    size_t images, svgs, sections, tables, headings, bytes;
} html_counts;

typedef struct html_walk {
    XML_Parser parser;
    char stack[HTML_DEPTH_MAX][16];
    size_t depth;
    html_counts counts;
    char problem[160]; /* the first one; "": none */
} html_walk;

static inline void html_complain(html_walk *w, const char *what, const char *name)
{
    if (!w->problem[0])
        (void)snprintf(w->problem, sizeof w->problem, "line %lu: %s <%s> in <%s>", (unsigned long)XML_GetCurrentLineNumber(w->parser), what, name, w->depth ? w->stack[w->depth - 1] : "");
}

static inline bool html_one_of(const char *name, const char *list)
{
    const size_t n = strlen(name);
    for (const char *p = list; n > 0 && (p = strstr(p, name)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static inline void html_start(void *context, const char *name, const char **attribute)
{
    static const char flow[] = "div p ul ol table section figure h1 h2 h3 pre header main footer details";
    html_walk *w = context;
    const char *parent = w->depth ? w->stack[w->depth - 1] : "";
    bool alt = false, in_svg = false;
    for (size_t i = 0; i < w->depth; i++)
        in_svg = in_svg || strcmp(w->stack[i], "svg") == 0;
    if (html_one_of(name, "script iframe object embed link base form input"))
        html_complain(w, "a page of results must not hold", name);
    if (html_one_of(name, flow) && html_one_of(parent, "p span b i h1 h2 h3 a code figcaption pre summary"))
        html_complain(w, "HTML does not allow", name);
    if ((strcmp(name, "li") == 0 && !html_one_of(parent, "ul ol")) || (html_one_of(name, "td th") && strcmp(parent, "tr") != 0) ||
        (strcmp(name, "tr") == 0 && !html_one_of(parent, "table thead tbody")) || (strcmp(name, "figcaption") == 0 && strcmp(parent, "figure") != 0) ||
        (html_one_of(parent, "ul ol") && strcmp(name, "li") != 0) || (strcmp(parent, "tr") == 0 && !html_one_of(name, "td th")))
        html_complain(w, "out of place:", name);
    for (size_t i = 0; attribute[i]; i += 2) {
        const char *key = attribute[i], *value = attribute[i + 1];
        alt = alt || strcmp(key, "alt") == 0;
        if (strcmp(key, "src") == 0 && strncmp(value, "data:image/", 11) != 0)
            html_complain(w, "a picture that is not inside:", name);
        if ((strcmp(key, "href") == 0 || strcmp(key, "xlink:href") == 0) && (strchr(value, ':') || value[0] == '/')) /* its other pages and places in it are fine */
            html_complain(w, "a reference to elsewhere:", name);
        if (strncmp(key, "on", 2) == 0 || strcmp(key, "srcset") == 0 || strcmp(key, "background") == 0)
            html_complain(w, "a forbidden attribute of", name);
        if (strcmp(key, "style") == 0 && strstr(value, "url("))
            html_complain(w, "url() in the style of", name);
    }
    if (strcmp(name, "img") == 0 && !alt)
        html_complain(w, "no alternative text:", name);
    w->counts.images += strcmp(name, "img") == 0;
    w->counts.svgs += strcmp(name, "svg") == 0;
    w->counts.sections += strcmp(name, "section") == 0;
    w->counts.tables += strcmp(name, "table") == 0;
    w->counts.headings += html_one_of(name, "h1 h2 h3") && !in_svg;
    if (w->depth < HTML_DEPTH_MAX)
        (void)snprintf(w->stack[w->depth++], sizeof w->stack[0], "%s", name);
    else
        html_complain(w, "too deep:", name);
}

static inline void html_end(void *context, const char *name)
{
    html_walk *w = context;
    (void)name;
    if (w->depth)
        w->depth--;
}

static inline void html_words(void *context, const char *text, int length)
{
    html_walk *w = context;
    if (w->depth && strcmp(w->stack[w->depth - 1], "style") == 0) {
        char line[256];
        (void)snprintf(line, sizeof line, "%.*s", length, text);
        if (strstr(line, "url(") || strstr(line, "@import") || strstr(line, "@font-face"))
            html_complain(w, "a reference in", "style");
    }
}

static inline bool html_is_sound(const char *path, html_counts *counts)
{
    urs_bytes page = {0};
    html_walk w = {0};
    bool ok = urs_file_read(&page, path, 0, NULL) == URS_OK;
    if (!ok) {
        printf("  %s cannot be read\n", path);
        return false;
    }
    w.parser = XML_ParserCreate(NULL);
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, html_start, html_end);
    XML_SetCharacterDataHandler(w.parser, html_words);
    if (XML_Parse(w.parser, (const char *)page.data, (int)page.size, XML_TRUE) != XML_STATUS_OK && !w.problem[0])
        (void)snprintf(w.problem, sizeof w.problem, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(w.parser), XML_ErrorString(XML_GetErrorCode(w.parser)));
    if (!w.problem[0] && strncmp((const char *)page.data, "<!DOCTYPE html>", 15) != 0)
        (void)snprintf(w.problem, sizeof w.problem, "it does not begin with <!DOCTYPE html>");
    if (w.problem[0])
        printf("  %s: %s\n", path, w.problem);
    ok = !w.problem[0];
    w.counts.bytes = page.size;
    if (counts)
        *counts = w.counts;
    XML_ParserFree(w.parser);
    urs_bytes_release(&page);
    return ok;
}

#endif
