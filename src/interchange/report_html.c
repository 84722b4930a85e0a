/* The report of an identification: pages, their head, groups; see report_html.h. Frames are drawn in report_frame.c. */
#include "interchange/report_html.h"

#include "base/memory.h"
#include "interchange/html_page.h"
#include "interchange/report_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_PER_PAGE 200
#define LINKS_SHOWN 8

typedef enum section { NOWHERE, FAILURES, GROUPS, SINGLES, FRAMES } section;

struct urs_report {
    FILE *to;         /* owned; the page under way */
    char *path;       /* owned; of the first page */
    char *title, *subtitle; /* owned */
    size_t page, pages; /* from 1 on */
    size_t per_page, frames, frame; /* a page; in all; added so far */
    section at;
    bool groups;      /* a group of several heads was added: the link to new bears goes there */
};

static const char style[] =
    ".groups{display:grid;align-items:start;grid-template-columns:repeat(auto-fill,minmax(min(380px,100%),1fr));gap:14px}.groups .card{margin:0}\n"
    ".sheet{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 8px}.sheet img,.sheet .blank{width:104px;height:104px;object-fit:cover;border-radius:6px;background:#000}\n"
    ".singles{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:14px 10px}.singles img,.singles .blank{width:100%;aspect-ratio:1;object-fit:cover;border-radius:6px;background:#000}\n"
    ".singles .card{padding:0;border:0;background:none;margin:0}.singles b,.singles .soft{display:block;font-size:12px;line-height:1.35}\n"
    "details{margin:0 0 8px}summary{cursor:pointer;color:var(--soft);font-size:13px}\n"
    ".next{border-left:4px solid var(--accent)}.next ol{margin:0;padding-left:22px}.next li{margin:0 0 6px;max-width:90ch}.next h2{margin-top:0}\n"
    ".pages{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 16px;font-size:13px}.pages a,.pages b{padding:2px 10px;border:1px solid var(--line);border-radius:99px;background:var(--card);color:inherit;text-decoration:none}\n"
    ".pages b{background:var(--accent);border-color:var(--accent);color:#fff}a{color:var(--accent)}\n"
    ".failures td{word-break:break-word}\n";

static void put_style(urs_text *css)
{
    urs_text_add(css, style);
    urs_text_add(css, urs_report_frame_style());
}

/* ---- pages ---- */

/* card.html, card-2.html, card-3.html ...; owned. */
static char *page_path(const char *first, size_t page)
{
    const char *base = strrchr(first, '/'), *dot = strrchr(base ? base : first, '.');
    urs_text path = {0};
    if (page == 1)
        return urs_strdup(first);
    urs_text_append(&path, first, dot ? (size_t)(dot - first) : strlen(first));
    urs_text_format(&path, "-%zu", page);
    urs_text_add(&path, dot ? dot : "");
    return urs_text_take(&path);
}

static char *part_path(const char *first, size_t page)
{
    char *path = page_path(first, page);
    urs_text part = {0};
    if (!path)
        return NULL;
    urs_text_format(&part, "%s.tmp", path);
    urs_free(path);
    return urs_text_take(&part);
}

/* A link to a page (and a frame on it), relative and percent-encoded. */
static void put_href(const urs_report *r, urs_text *out, size_t page, size_t frame)
{
    char *path = page_path(r->path, page);
    const char *base = path ? strrchr(path, '/') : NULL;
    for (const char *p = base ? base + 1 : path ? path : ""; *p; p++) {
        if (strchr("-._~", *p) || (*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
            urs_text_append(out, p, 1);
        else
            urs_text_format(out, "%%%02X", (unsigned)(unsigned char)*p);
    }
    if (frame)
        urs_text_format(out, "#f%zu", frame);
    urs_free(path);
}

static void put_pages(const urs_report *r, urs_text *t)
{
    if (r->pages < 2)
        return;
    urs_text_add(t, "<nav class=\"pages\">");
    for (size_t page = 1; page <= r->pages; page++) {
        const size_t from = (page - 1) * r->per_page + 1, to = page < r->pages ? page * r->per_page : r->frames;
        if (page == r->page) {
            urs_text_format(t, "<b>frames %zu&#8211;%zu</b>", from, to);
            continue;
        }
        urs_text_add(t, "<a href=\"");
        put_href(r, t, page, 0);
        urs_text_format(t, "\">%zu&#8211;%zu</a>", from, to);
    }
    urs_text_add(t, "</nav>\n");
}

static urs_status open_page(urs_report *r, size_t page, urs_error *err)
{
    char *part = part_path(r->path, page);
    urs_status status = URS_OK;
    if (!part)
        return urs_fail(err, URS_ENOMEM, "no memory for a report");
    r->to = fopen(part, "wb");
    if (!r->to)
        status = urs_fail(err, URS_EIO, "%s: %s", r->path, strerror(errno));
    else
        r->page = page;
    urs_free(part);
    return status;
}

/* Hands a piece over to the file and releases it. */
static urs_status put(urs_report *r, urs_text *piece, urs_error *err)
{
    urs_status status = URS_OK;
    if (!urs_text_ok(piece))
        status = urs_fail(err, URS_ENOMEM, "no memory for the report");
    else if (fwrite(urs_text_string(piece), 1, piece->length, r->to) != piece->length)
        status = urs_fail(err, URS_EIO, "%s: %s", r->path, strerror(errno));
    urs_text_release(piece);
    return status;
}

static void end_section(const urs_report *r, urs_text *out)
{
    if (r->at == FAILURES)
        urs_text_add(out, "</table></details>\n");
    else if (r->at == GROUPS || r->at == SINGLES)
        urs_text_add(out, "</div>\n");
}

static void begin_section(urs_report *r, section next, urs_text *out)
{
    if (r->at == next)
        return;
    end_section(r, out);
    r->at = next;
    switch (next) {
    case FAILURES: urs_text_add(out, "<details class=\"failures\" open=\"open\"><summary>Files that could not be read</summary>\n<table><tr><th>file</th><th>why</th></tr>\n"); break;
    case GROUPS:
        r->groups = true;
        urs_text_add(out, "<h2 id=\"new\">New bears, proposed</h2>\n<p>These heads look like no bear of the catalogue, and those that look alike stand together. Look at each group before you name it: "
                          "is it one bear?</p>\n<div class=\"groups\">\n");
        break;
    case SINGLES:
        urs_text_format(out, "<h2%s>New bears seen once</h2>\n<p>Heads that look like no bear of the catalogue and like no other head.</p>\n<div class=\"singles\">\n", r->groups ? "" : " id=\"new\"");
        break;
    case FRAMES:
        urs_text_add(out, "<h2 id=\"frames\">Frames with heads</h2>\n");
        put_pages(r, out);
        break;
    case NOWHERE: break;
    }
}

/* Ends the page under way. */
static urs_status close_page(urs_report *r, urs_error *err)
{
    urs_text t = {0};
    urs_status status;
    int closed;
    end_section(r, &t);
    r->at = NOWHERE;
    put_pages(r, &t);
    urs_html_end(&t);
    status = put(r, &t, err);
    if (status == URS_OK && (fflush(r->to) != 0 || fsync(fileno(r->to)) != 0))
        status = urs_fail(err, URS_EIO, "%s: %s", r->path, strerror(errno));
    closed = fclose(r->to);
    r->to = NULL;
    if (status == URS_OK && closed != 0)
        status = urs_fail(err, URS_EIO, "%s: %s", r->path, strerror(errno));
    return status;
}

static urs_status turn_page(urs_report *r, urs_error *err)
{
    urs_text t = {0}, subtitle = {0}, css = {0};
    const size_t page = r->page + 1;
    urs_status status = close_page(r, err);
    if (status == URS_OK)
        status = open_page(r, page, err);
    if (status != URS_OK)
        return status;
    urs_text_format(&subtitle, "%s, page %zu of %zu", r->subtitle, page, r->pages);
    put_style(&css);
    urs_html_begin(&t, r->title, urs_text_string(&subtitle), urs_text_string(&css));
    urs_text_release(&subtitle);
    urs_text_release(&css);
    urs_text_add(&t, "<p><a href=\"");
    put_href(r, &t, 1, 0);
    urs_text_add(&t, "\">To the first page: summary and new bears</a></p>\n");
    return put(r, &t, err);
}

urs_status urs_report_open(urs_report **out, const char *path, urs_error *err)
{
    urs_report *r = urs_array_new(1, sizeof *r);
    urs_status status;
    if (!r)
        return urs_fail(err, URS_ENOMEM, "no memory for a report");
    r->path = urs_strdup(path);
    status = r->path ? open_page(r, 1, err) : urs_fail(err, URS_ENOMEM, "no memory for a report");
    if (status == URS_OK)
        *out = r;
    else
        urs_report_close(r);
    return status;
}

/* Removes what is not finished. */
static void remove_parts(const urs_report *r)
{
    for (size_t page = 1; page <= r->page; page++) {
        char *part = part_path(r->path, page);
        if (part)
            (void)unlink(part);
        urs_free(part);
    }
}

void urs_report_close(urs_report *r)
{
    if (!r)
        return;
    if (r->to) {
        (void)fclose(r->to);
        remove_parts(r);
    }
    urs_free(r->path);
    urs_free(r->title);
    urs_free(r->subtitle);
    urs_free(r);
}

urs_status urs_report_finish(urs_report *r, urs_error *err)
{
    urs_status status = close_page(r, err);
    for (size_t page = r->page; status == URS_OK && page >= 1; page--) { /* the first one last: it links to the others */
        char *part = part_path(r->path, page), *path = page_path(r->path, page);
        if (!part || !path)
            status = urs_fail(err, URS_ENOMEM, "no memory for a report");
        else if (rename(part, path) != 0)
            status = urs_fail(err, URS_EIO, "%s: %s", path, strerror(errno));
        urs_free(part);
        urs_free(path);
    }
    if (status != URS_OK) {
        remove_parts(r);
        return status;
    }
    for (size_t page = r->page + 1;; page++) { /* of an earlier, longer report */
        char *path = page_path(r->path, page);
        const bool gone = !path || unlink(path) != 0;
        urs_free(path);
        if (gone)
            return URS_OK;
    }
}

/* ---- the head of the first page ---- */

static void count_tile(urs_text *out, size_t n, const char *caption)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%zu", n);
    urs_html_tile(out, number, caption);
}

static void put_tiles(urs_text *t, const urs_report_info *info)
{
    urs_text_add(t, "<div class=\"tiles\">\n");
    count_tile(t, info->files, info->files == 1 ? "photograph" : "photographs");
    if (info->empty + info->animal + info->bear > 0) {
        count_tile(t, info->empty, "empty");
        count_tile(t, info->animal, "with other animals");
        count_tile(t, info->bear, "with bears");
    }
    if (info->failures)
        count_tile(t, info->failures, "not readable");
    urs_text_add(t, "</div>\n<div class=\"tiles\">\n");
    count_tile(t, info->heads, info->heads == 1 ? "head found" : "heads found");
    count_tile(t, info->known, "known");
    count_tile(t, info->unsure, "unsure");
    count_tile(t, info->fresh, "new");
    urs_text_add(t, "</div>\n");
}

static void put_command(urs_text *t, const char *catalogue, const char *rest)
{
    urs_text_add(t, "<code>ursid enroll --catalogue ");
    urs_text_html(t, catalogue);
    urs_text_html(t, rest);
    urs_text_add(t, "</code>");
}

static void put_next(urs_text *t, const urs_report_info *info)
{
    if (info->heads == 0) {
        urs_text_add(t, "<section class=\"card next\"><h2>No heads were found</h2><p>");
        urs_text_add(t, info->empty ? "Frames that were called empty were not searched: --no-sift looks at every frame. " : "");
        urs_text_add(t, "A lower --score finds fainter heads, and false ones too.</p></section>\n");
        return;
    }
    urs_text_add(t, "<section class=\"card next\"><h2>What to do next</h2><ol>\n");
    if (info->known)
        urs_text_add(t, "<li><b>known</b>: compare the head with the picture below the name. Every name is a proposal for a person to confirm.</li>\n");
    if (info->unsure)
        urs_text_add(t, "<li><b>unsure</b>: the candidates stand beside the head, the likeliest first. If you recognise one, put the photograph under its name"
                        ", and the next run knows it better.</li>\n");
    if (info->fresh)
        urs_text_add(t, "<li><b>new</b>: go through the <a href=\"#new\">proposed new bears</a>. Where a group is one bear, its command puts it into the catalogue: write the bear's name for NAME. "
                        "The same run with <code>--enroll-new</code> takes all groups at once, to be renamed or merged later.</li>\n");
    if (info->groups_shown < info->groups)
        urs_text_format(t, "<li>The first %zu of %zu proposed new bears are shown on this page, the largest groups first; the others stand beside their heads.</li>\n", info->groups_shown, info->groups);
    if (info->catalogue) {
        urs_text_add(t, "<li>Into the catalogue: ");
        put_command(t, info->catalogue, " --name NAME PHOTOGRAPH");
        urs_text_add(t, " (a photograph with one head). <code>ursid catalogue --catalogue ");
        urs_text_html(t, info->catalogue);
        urs_text_add(t, " undo</code> takes the last step back.</li>\n");
    }
    urs_text_add(t, "</ol></section>\n");
}

static void put_seen(const urs_report *r, urs_text *t, const urs_report_info *info)
{
    if (info->seen_count == 0)
        return;
    urs_text_add(t, "<h2>Known bears</h2>\n<table><tr><th>bear</th><th class=\"number\">heads</th><th>frames</th></tr>\n");
    for (size_t i = 0; i < info->seen_count; i++) {
        const urs_report_seen *seen = &info->seen[i];
        urs_text_add(t, "<tr><td class=\"name\">");
        urs_text_html(t, seen->name);
        urs_text_format(t, "</td><td class=\"number\">%zu</td><td>", seen->heads);
        for (size_t k = 0; k < seen->frame_count && k < LINKS_SHOWN; k++) {
            const size_t page = (seen->frames[k] - 1) / r->per_page + 1;
            urs_text_add(t, k ? ", <a href=\"" : "<a href=\"");
            if (page > 1)
                put_href(r, t, page, seen->frames[k]);
            else
                urs_text_format(t, "#f%zu", seen->frames[k]);
            urs_text_format(t, "\">%zu</a>", seen->frames[k]);
        }
        urs_text_add(t, seen->frame_count > LINKS_SHOWN ? " &#8230;</td></tr>\n" : "</td></tr>\n");
    }
    urs_text_add(t, "</table>\n");
}

urs_status urs_report_head_of_page(urs_report *r, const urs_report_info *info, urs_error *err)
{
    urs_text t = {0}, css = {0};
    r->per_page = info->frames_per_page ? info->frames_per_page : FRAMES_PER_PAGE;
    r->frames = info->frames_with_heads;
    r->pages = r->frames ? (r->frames - 1) / r->per_page + 1 : 1;
    r->title = urs_strdup(info->title);
    r->subtitle = urs_strdup(info->subtitle ? info->subtitle : "");
    if (!r->title || !r->subtitle)
        return urs_fail(err, URS_ENOMEM, "no memory for a report");
    put_style(&css);
    urs_html_begin(&t, info->title, info->subtitle, urs_text_string(&css));
    urs_text_release(&css);
    put_tiles(&t, info);
    put_next(&t, info);
    put_seen(r, &t, info);
    if (info->bears == 0)
        urs_text_add(&t, "<p>The catalogue holds no bears yet, so every head is new.</p>\n");
    else
        urs_text_add(&t, "<p>A percentage says how likely the head is that bear, given how alike they look to the network; what is left belongs to the other bears and to &#8220;none of the catalogue&#8221;.</p>\n");
    urs_text_add(&t, "<details><summary>How this was made</summary><table>\n");
    for (size_t i = 0; i < info->fact_count; i++) {
        urs_text_add(&t, "<tr><th>");
        urs_text_html(&t, info->facts[i][0]);
        urs_text_add(&t, "</th><td class=\"name\">");
        urs_text_html(&t, info->facts[i][1]);
        urs_text_add(&t, "</td></tr>\n");
    }
    urs_text_add(&t, "</table></details>\n");
    return put(r, &t, err);
}

/* ---- groups, frames, failures ---- */

static void put_group_command(urs_text *t, const char *command)
{
    if (!command)
        return;
    urs_text_add(t, "<details><summary>name it</summary><pre>");
    urs_text_html(t, command);
    urs_text_add(t, "</pre></details>\n");
}

urs_status urs_report_add_group(urs_report *r, const urs_report_group *g, urs_error *err)
{
    const bool single = g->heads == 1 && g->chip_count == 1;
    urs_text t = {0};
    begin_section(r, single ? SINGLES : GROUPS, &t);
    if (single) {
        urs_text_add(&t, "<section class=\"card\">");
        urs_html_jpeg(&t, g->chips[0].data, g->chips[0].size, NULL, g->files[0]);
        urs_text_add(&t, "<b>");
        urs_text_html(&t, g->name);
        urs_text_add(&t, "</b><span class=\"soft name\">");
        urs_text_html(&t, g->files[0]);
        urs_text_add(&t, "</span>");
    } else {
        urs_text_add(&t, "<section class=\"card\"><h3>");
        urs_text_html(&t, g->name);
        urs_text_format(&t, " <span class=\"soft\">%zu %s</span></h3>\n<div class=\"sheet\">", g->heads, g->heads == 1 ? "head" : "heads");
        for (size_t i = 0; i < g->chip_count; i++)
            urs_html_jpeg(&t, g->chips[i].data, g->chips[i].size, NULL, g->files[i]);
        urs_text_add(&t, "</div>\n");
        if (g->chip_count < g->heads)
            urs_text_format(&t, "<p class=\"soft\">and %zu more</p>\n", g->heads - g->chip_count);
    }
    put_group_command(&t, g->command);
    urs_text_add(&t, "</section>\n");
    return put(r, &t, err);
}

urs_status urs_report_add_frame(urs_report *r, const urs_report_frame *f, urs_error *err)
{
    urs_text t = {0};
    urs_status status = URS_OK;
    if (r->frame == r->page * r->per_page)
        status = turn_page(r, err);
    if (status != URS_OK)
        return status;
    begin_section(r, FRAMES, &t);
    urs_report_put_frame(&t, f, ++r->frame);
    return put(r, &t, err);
}

urs_status urs_report_add_failure(urs_report *r, const char *file, const char *reason, urs_error *err)
{
    urs_text t = {0};
    begin_section(r, FAILURES, &t);
    urs_text_add(&t, "<tr><td>");
    urs_text_html(&t, file);
    urs_text_add(&t, "</td><td>");
    urs_text_html(&t, reason);
    urs_text_add(&t, "</td></tr>\n");
    return put(r, &t, err);
}
