/* See eval_page.h. */
#include "cli/eval_page.h"

#include "image/decode.h"
#include "interchange/html_page.h"

#include <string.h>

#define COLUMNS_MAX 64
#define QUALITY 82

static const char style[] =
    ".numbers td:first-child{white-space:nowrap}.numbers tr:hover td{background:var(--paper)}.scroll{overflow-x:auto;margin:0 0 20px}.scroll table{margin:0}\n"
    ".plots{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start;margin:8px 0 0}.plots>svg{border:1px solid var(--line);border-radius:8px}\n"
    ".wide{flex:1 1 100%;min-width:0}.strip{display:flex;flex-wrap:wrap;gap:14px}\n"
    ".row{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px;display:flex;flex-wrap:wrap;gap:8px;max-width:384px;align-content:flex-start}\n"
    ".row p{flex:1 1 100%;margin:0;font-size:12px;line-height:1.35;word-break:break-word}\n"
    "figure{margin:0;width:114px}figure img,figure .blank{width:114px;height:114px;object-fit:cover;border-radius:6px;background:#000;display:flex}figure .blank{background:var(--line)}\n"
    ".large figure{width:282px}.large figure img{width:100%;height:auto}\n"
    "figcaption{font-size:12px;line-height:1.35;margin-top:4px;word-break:break-word}\n"
    "@media(max-width:520px){figure{width:92px}figure img,figure .blank{width:92px;height:92px}.row{max-width:100%}}\n";

/* ---- text to HTML ---- */

static size_t line_length(const char *s)
{
    return strcspn(s, "\n");
}

/* A rule: dashes in groups, nothing else but spaces. */
static bool is_rule(const char *line)
{
    const size_t n = line_length(line);
    return n > 0 && strspn(line, "- ") >= n && line[0] == '-';
}

typedef struct columns {
    size_t count;
    size_t from[COLUMNS_MAX], to[COLUMNS_MAX]; /* characters; `to` is one past the last */
} columns;

static columns read_rule(const char *line)
{
    const size_t n = line_length(line);
    columns c = {0};
    for (size_t i = 0; i < n && c.count < COLUMNS_MAX;) {
        while (i < n && line[i] == ' ')
            i++;
        c.from[c.count] = i;
        while (i < n && line[i] == '-')
            i++;
        c.to[c.count] = i;
        c.count += c.to[c.count] > c.from[c.count];
    }
    return c;
}

/* Characters from .. to-1 of a line, trimmed; appended to cell. */
static void cut_cell(urs_text *cell, const char *line, size_t from, size_t to)
{
    const char *end = line + line_length(line), *begin = NULL, *p = line;
    size_t at = 0;
    for (; p < end && at < to; at++) {
        const size_t bytes = urs_utf8_length(p);
        if (at == from)
            begin = p;
        p += bytes ? bytes : 1;
    }
    if (!begin)
        return;
    while (begin < p && *begin == ' ')
        begin++;
    while (p > begin && p[-1] == ' ')
        p--;
    urs_text_append(cell, begin, (size_t)(p - begin));
}

static bool is_number(const char *s)
{
    return *s == '\0' || strspn(s, "0123456789.-+eE%") == strlen(s);
}

static void put_row(urs_text *out, const columns *c, const char *line, const bool *number, const char *element)
{
    urs_text_add(out, "<tr>");
    for (size_t k = 0; k < c->count; k++) {
        urs_text cell = {0};
        cut_cell(&cell, line, c->from[k], k + 1 < c->count ? c->to[k] : (size_t)-1);
        urs_text_format(out, "<%s%s>", element, number[k] ? " class=\"number\"" : "");
        urs_text_html(out, urs_text_string(&cell));
        urs_text_format(out, "</%s>", element);
        urs_text_release(&cell);
    }
    urs_text_add(out, "</tr>\n");
}

/* heading, rule, rows up to an empty line; returns what follows. */
static const char *put_table(urs_text *out, const char *heading)
{
    const char *rule = heading + line_length(heading) + 1, *rows = rule + line_length(rule), *p;
    const columns c = read_rule(rule);
    bool number[COLUMNS_MAX];
    rows += *rows == '\n';
    for (size_t k = 0; k < c.count; k++)
        number[k] = true;
    for (p = rows; *p && *p != '\n'; p += line_length(p), p += *p == '\n')
        for (size_t k = 0; k < c.count; k++) {
            urs_text cell = {0};
            cut_cell(&cell, p, c.from[k], k + 1 < c.count ? c.to[k] : (size_t)-1);
            number[k] = number[k] && is_number(urs_text_string(&cell));
            urs_text_release(&cell);
        }
    urs_text_add(out, "<div class=\"scroll\"><table class=\"numbers\">\n");
    put_row(out, &c, heading, number, "th");
    for (p = rows; *p && *p != '\n'; p += line_length(p), p += *p == '\n')
        put_row(out, &c, p, number, "td");
    urs_text_add(out, "</table></div>\n");
    return p;
}

static void put_text(urs_text *out, const char *text)
{
    bool open = false;
    for (const char *p = text; *p;) {
        const size_t n = line_length(p);
        const bool table = n > 0 && p[n] == '\n' && is_rule(p + n + 1);
        if ((n == 0 || table) && open) {
            urs_text_add(out, "</p>\n");
            open = false;
        }
        if (table) {
            p = put_table(out, p);
            continue;
        }
        if (n > 0) {
            urs_text line = {0};
            urs_text_append(&line, p, n);
            urs_text_add(out, open ? "<br/>\n" : "<p>");
            urs_text_html(out, urs_text_string(&line));
            urs_text_release(&line);
            open = true;
        }
        p += n + (p[n] == '\n');
    }
    if (open)
        urs_text_add(out, "</p>\n");
}

void urs_eval_page(urs_text *out, const char *title, const char *subtitle, const urs_text *text, const urs_text *plots)
{
    urs_html_begin(out, title, subtitle, style);
    put_text(out, urs_text_string(text));
    urs_text_add(out, "<div class=\"plots\">\n");
    urs_text_add(out, urs_text_string(plots));
    urs_text_add(out, "</div>\n");
    urs_html_end(out);
}

/* ---- sheets ---- */

void urs_eval_sheet_begin(urs_text *out, const char *title, size_t shown, size_t total, const char *explain, bool large)
{
    urs_text_add(out, "<section class=\"wide\"><h2>");
    urs_text_html(out, title);
    urs_text_format(out, " <span class=\"soft\">%zu of %zu</span></h2>\n<p>", shown, total);
    urs_text_html(out, explain);
    urs_text_format(out, "</p>\n<div class=\"strip%s\">\n", large ? " large" : "");
}

void urs_eval_sheet_end(urs_text *out)
{
    urs_text_add(out, "</div></section>\n");
}

void urs_eval_row_begin(urs_text *out)
{
    urs_text_add(out, "<div class=\"row\">");
}

void urs_eval_row_end(urs_text *out, const char *line, const char *file)
{
    urs_text_add(out, "<p>");
    urs_text_html(out, line);
    if (file) {
        urs_text_add(out, "<br/><span class=\"soft\">");
        urs_text_html(out, file);
        urs_text_add(out, "</span>");
    }
    urs_text_add(out, "</p></div>\n");
}

void urs_eval_figure(urs_text *out, const urs_bytes *jpeg, const char *line, const char *name, const char *instead)
{
    const bool there = jpeg && jpeg->size > 0;
    urs_text_add(out, "<figure>");
    urs_html_jpeg(out, there ? jpeg->data : NULL, there ? jpeg->size : 0, there ? NULL : "picture", there ? name : instead);
    urs_text_add(out, "<figcaption><span class=\"soft\">");
    urs_text_html(out, line);
    urs_text_add(out, "</span><br/><b>");
    urs_text_html(out, name);
    urs_text_add(out, "</b></figcaption></figure>");
}

urs_status urs_eval_thumbnail(urs_bytes *out, const urs_image *picture, int32_t side, urs_error *err)
{
    const int32_t longer = picture->width > picture->height ? picture->width : picture->height;
    urs_image small = {0};
    urs_status status = URS_OK;
    if (longer > side) {
        const int64_t w = ((int64_t)picture->width * side + longer / 2) / longer, h = ((int64_t)picture->height * side + longer / 2) / longer;
        status = urs_image_resize(&small, picture, (int32_t)(w > 0 ? w : 1), (int32_t)(h > 0 ? h : 1), URS_FILTER_BILINEAR, err);
    }
    if (status == URS_OK)
        status = urs_jpeg_encode(out, longer > side ? &small : picture, QUALITY, err);
    urs_image_release(&small);
    return status;
}
