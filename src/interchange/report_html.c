/* The report of an identification; see report_html.h. */
#include "interchange/report_html.h"

#include "base/memory.h"
#include "interchange/html_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CANDIDATES_SHOWN 4

typedef enum section { NOWHERE, GROUPS, FRAMES, FAILURES } section;

struct urs_report {
    FILE *to;         /* owned */
    char *path, *part; /* owned */
    section at;
};

static const char style[] =
    ".frame{display:grid;grid-template-columns:minmax(0,9fr) minmax(0,11fr);gap:20px}\n"
    ".picture{position:sticky;top:12px;line-height:0;align-self:start;border-radius:6px;overflow:hidden;background:var(--line)}\n"
    ".picture img{width:100%;height:auto;display:block}.picture svg{position:absolute;left:0;top:0;width:100%;height:100%}\n"
    ".box{fill:none;stroke-width:3;vector-effect:non-scaling-stroke}.box.known{stroke:#2fd6ae}.box.unsure{stroke:#ffb347}.box.new{stroke:#6cc0ff}\n"
    ".tag{font-weight:700;fill:#10211c}.back.known{fill:#2fd6ae}.back.unsure{fill:#ffb347}.back.new{fill:#6cc0ff}\n"
    ".caption{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin:0 0 12px}\n"
    ".head{display:grid;grid-template-columns:128px minmax(0,1fr);gap:16px;padding:14px 0;border-top:1px solid var(--line)}\n"
    ".head:first-child{border-top:0;padding-top:0}\n"
    ".chip,.blank.chip{width:128px;height:128px;object-fit:cover;border-radius:8px;display:flex;background:#000}\n"
    ".badge{display:inline-block;border-radius:99px;padding:1px 11px;color:#fff;font-weight:600;font-size:13px}\n"
    ".badge.known{background:#00735c}.badge.unsure{background:#a85f00}.badge.new{background:#0063a8}\n"
    ".answer{font-size:17px;margin:0 0 8px}.answer b{margin:0 6px}.answer .soft,.head .soft{font-size:13px}\n"
    ".candidates{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:10px;list-style:none;margin:0;padding:0}\n"
    ".candidates img,.candidates .blank{width:100%;aspect-ratio:1;object-fit:cover;border-radius:6px;display:flex;background:#000}\n"
    ".candidates .blank{background:var(--line)}\n"
    ".bar{height:5px;border-radius:3px;background:var(--line);margin:5px 0 2px;overflow:hidden}.bar i{display:block;height:100%;background:var(--accent)}\n"
    ".bar.first i{background:var(--known)}\n"
    ".candidates .name{font-weight:600;font-size:13px;line-height:1.25;display:block}.candidates .soft{font-size:12px}\n"
    ".sheet{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 8px}.sheet img,.sheet .blank{width:112px;height:112px;object-fit:cover;border-radius:6px;background:#000}\n"
    ".failures td{word-break:break-word}\n"
    "@media(max-width:820px){.frame{grid-template-columns:minmax(0,1fr)}}\n"
    "@media(max-width:520px){.head{grid-template-columns:84px minmax(0,1fr)}.chip,.blank.chip{width:84px;height:84px}}\n"
    "@media print{.frame{grid-template-columns:2fr 3fr}.badge{border:1px solid #000}}\n";

/* Hands a piece over to the file and releases it. */
static urs_status put(urs_report *r, urs_text *piece, urs_error *err)
{
    urs_status status = URS_OK;
    if (!urs_text_ok(piece))
        status = urs_fail(err, URS_ENOMEM, "no memory for the report");
    else if (fwrite(urs_text_string(piece), 1, piece->length, r->to) != piece->length)
        status = urs_fail(err, URS_EIO, "%s: %s", r->part, strerror(errno));
    urs_text_release(piece);
    return status;
}

static void end_section(const urs_report *r, urs_text *out)
{
    if (r->at == FAILURES)
        urs_text_add(out, "</table>\n");
}

static void begin_section(urs_report *r, section next, urs_text *out)
{
    if (r->at == next)
        return;
    end_section(r, out);
    r->at = next;
    switch (next) {
    case GROUPS:
        urs_text_add(out, "<h2>New bears, proposed</h2>\n<p>These heads look like no bear of the catalogue. Heads that look alike stand together; a person should look before they get a name.</p>\n");
        break;
    case FRAMES: urs_text_add(out, "<h2>Frames</h2>\n"); break;
    case FAILURES: urs_text_add(out, "<h2>Files that could not be read</h2>\n<table class=\"failures\"><tr><th>file</th><th>why</th></tr>\n"); break;
    case NOWHERE: break;
    }
}

urs_status urs_report_open(urs_report **out, const char *path, urs_error *err)
{
    urs_report *r = urs_array_new(1, sizeof *r);
    urs_text part = {0};
    if (!r)
        return urs_fail(err, URS_ENOMEM, "no memory for a report");
    urs_text_format(&part, "%s.tmp", path);
    r->path = urs_strdup(path);
    r->part = urs_text_take(&part);
    if (!r->path || !r->part) {
        urs_report_close(r);
        return urs_fail(err, URS_ENOMEM, "no memory for a report");
    }
    r->to = fopen(r->part, "wb");
    if (!r->to) {
        const int why = errno;
        urs_report_close(r);
        return urs_fail(err, URS_EIO, "%s: %s", path, strerror(why));
    }
    *out = r;
    return URS_OK;
}

void urs_report_close(urs_report *r)
{
    if (!r)
        return;
    if (r->to) {
        (void)fclose(r->to);
        (void)unlink(r->part);
    }
    urs_free(r->path);
    urs_free(r->part);
    urs_free(r);
}

static void count_tile(urs_text *out, size_t n, const char *caption)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%zu", n);
    urs_html_tile(out, number, caption);
}

urs_status urs_report_head_of_page(urs_report *r, const urs_report_info *info, urs_error *err)
{
    urs_text t = {0};
    urs_html_begin(&t, info->title, info->subtitle, style);
    urs_text_add(&t, "<div class=\"tiles\">\n");
    count_tile(&t, info->files, info->files == 1 ? "file" : "files");
    if (info->empty + info->animal + info->bear > 0) {
        count_tile(&t, info->empty, "empty");
        count_tile(&t, info->animal, "other animals");
        count_tile(&t, info->bear, "bears");
    }
    count_tile(&t, info->heads, info->heads == 1 ? "head" : "heads");
    count_tile(&t, info->known, "known");
    count_tile(&t, info->unsure, "unsure");
    count_tile(&t, info->fresh, "new");
    if (info->failures)
        count_tile(&t, info->failures, "not readable");
    urs_text_add(&t, "</div>\n<table>\n");
    for (size_t i = 0; i < info->fact_count; i++) {
        urs_text_add(&t, "<tr><th>");
        urs_text_html(&t, info->facts[i][0]);
        urs_text_add(&t, "</th><td class=\"name\">");
        urs_text_html(&t, info->facts[i][1]);
        urs_text_add(&t, "</td></tr>\n");
    }
    urs_text_add(&t, "</table>\n");
    if (info->bears == 0)
        urs_text_add(&t, "<p>The catalogue holds no bears yet, so every head is new.</p>\n");
    else
        urs_text_add(&t, "<p>A probability says how likely the head is that bear, given how alike they look to the network; what is left belongs to the other bears and to &#8220;new&#8221;. "
                         "Every name is a proposal for a person to confirm.</p>\n");
    if (info->frames_shown < info->frames_with_heads)
        urs_text_format(&t, "<p>%zu of the %zu frames with heads are shown below; the result file has them all.</p>\n", info->frames_shown, info->frames_with_heads);
    if (info->heads == 0)
        urs_text_add(&t, "<p><b>No heads were found.</b></p>\n");
    return put(r, &t, err);
}

urs_status urs_report_add_group(urs_report *r, const urs_report_group *g, urs_error *err)
{
    urs_text t = {0};
    begin_section(r, GROUPS, &t);
    urs_text_add(&t, "<section class=\"card\"><h3>");
    urs_text_html(&t, g->name);
    urs_text_format(&t, " <span class=\"soft\">%zu %s</span></h3>\n<div class=\"sheet\">", g->heads, g->heads == 1 ? "head" : "heads");
    for (size_t i = 0; i < g->chip_count; i++)
        urs_html_jpeg(&t, g->chips[i].data, g->chips[i].size, NULL, g->files[i]);
    urs_text_add(&t, "</div>\n");
    if (g->chip_count < g->heads)
        urs_text_format(&t, "<p class=\"soft\">and %zu more</p>\n", g->heads - g->chip_count);
    if (g->command) {
        urs_text_add(&t, "<pre>");
        urs_text_html(&t, g->command);
        urs_text_add(&t, "</pre>\n");
    }
    urs_text_add(&t, "</section>\n");
    return put(r, &t, err);
}

/* ---- a frame ---- */

static const char *verdict_class(const char *verdict)
{
    return strcmp(verdict, "known") == 0 ? "known" : strcmp(verdict, "new") == 0 ? "new" : "unsure";
}

static void put_picture(urs_text *t, const urs_report_frame *f)
{
    const double w = f->width, h = f->height, letter = w > 0 ? (w > h ? w : h) / 32 : 1;
    urs_text_add(t, "<div class=\"picture\">");
    urs_html_jpeg(t, f->picture.data, f->picture.size, NULL, f->file);
    if (f->picture.data) {
        urs_text_format(t, "<svg viewBox=\"0 0 %.0f %.0f\" xmlns=\"http://www.w3.org/2000/svg\">", w, h);
        for (size_t i = 0; i < f->head_count; i++) {
            const urs_report_head *k = &f->heads[i];
            const char *c = verdict_class(k->verdict);
            const double x = k->x * w, y = k->y * h, tag = y > letter * 1.4 ? y - letter * 1.4 : y;
            urs_text_format(t, "<rect class=\"box %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", c, x, y, k->width * w, k->height * h);
            urs_text_format(t, "<rect class=\"back %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", c, x, tag, letter * (i < 9 ? 1.3 : 1.9), letter * 1.4);
            urs_text_format(t, "<text class=\"tag\" x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\">%zu</text>", x + letter * 0.35, tag + letter * 1.08, letter, i + 1);
        }
        urs_text_add(t, "</svg>");
    }
    urs_text_add(t, "</div>\n");
}

static void put_percent(urs_text *t, double p)
{
    if (p >= 0.9995 || p >= 0.1)
        urs_text_format(t, "%.0f&#160;%%", 100 * p);
    else if (p >= 0.001)
        urs_text_format(t, "%.1f&#160;%%", 100 * p);
    else
        urs_text_add(t, "&lt;&#160;0.1&#160;%");
}

static void put_candidate(urs_text *t, const urs_report_candidate *c, bool first)
{
    const double p = c->probability < 0 ? 0 : c->probability > 1 ? 1 : c->probability;
    urs_text_add(t, "<li>");
    urs_html_jpeg(t, c->picture.data, c->picture.size, NULL, c->name);
    urs_text_format(t, "<div class=\"bar%s\"><i style=\"width:%.1f%%\"></i></div><span class=\"name\">", first ? " first" : "", 100 * p);
    urs_text_html(t, c->name);
    urs_text_add(t, "</span><span class=\"soft\">");
    put_percent(t, p);
    urs_text_add(t, "</span></li>");
}

static void put_head(urs_text *t, const urs_report_head *k, size_t number)
{
    const char *c = verdict_class(k->verdict);
    const size_t shown = k->candidate_count < CANDIDATES_SHOWN ? k->candidate_count : CANDIDATES_SHOWN;
    char alt[32];
    (void)snprintf(alt, sizeof alt, "head %zu", number);
    urs_text_add(t, "<div class=\"head\"><div>");
    urs_html_jpeg(t, k->chip.data, k->chip.size, "chip", alt);
    urs_text_format(t, "<span class=\"soft\">head %zu, found with %.2f</span></div>\n<div><div class=\"answer\"><span class=\"badge %s\">%s</span>", number, k->confidence, c, c);
    if (strcmp(c, "known") == 0 && k->candidate_count > 0) {
        urs_text_add(t, "<b class=\"name\">");
        urs_text_html(t, k->candidates[0].name);
        urs_text_add(t, "</b>");
    } else if (strcmp(c, "new") == 0 && k->group) {
        urs_text_add(t, "<b class=\"name\">");
        urs_text_html(t, k->group);
        urs_text_add(t, "</b>");
    }
    if (k->candidate_count > 0) {
        urs_text_add(t, " <span class=\"soft\">no bear of the catalogue: ");
        put_percent(t, k->p_new);
        urs_text_add(t, "</span>");
    }
    urs_text_add(t, "</div>\n");
    if (shown) {
        urs_text_add(t, "<ol class=\"candidates\">");
        for (size_t i = 0; i < shown; i++)
            put_candidate(t, &k->candidates[i], i == 0);
        urs_text_add(t, "</ol>");
    }
    urs_text_add(t, "</div></div>\n");
}

urs_status urs_report_add_frame(urs_report *r, const urs_report_frame *f, urs_error *err)
{
    urs_text t = {0};
    begin_section(r, FRAMES, &t);
    urs_text_add(&t, "<section class=\"card\"><div class=\"caption\"><h3 class=\"name\">");
    urs_text_html(&t, f->file);
    urs_text_add(&t, "</h3>");
    if (f->datetime && *f->datetime) {
        urs_text_add(&t, "<span class=\"soft\">");
        urs_text_html(&t, f->datetime);
        urs_text_add(&t, "</span>");
    }
    if (f->frame_class) {
        urs_text_add(&t, "<span class=\"soft\">frame: ");
        urs_text_html(&t, f->frame_class);
        urs_text_add(&t, "</span>");
    }
    if (f->warning) {
        urs_text_add(&t, "<span style=\"color:var(--bad)\">");
        urs_text_html(&t, f->warning);
        urs_text_add(&t, "</span>");
    }
    urs_text_add(&t, "</div>\n<div class=\"frame\">\n");
    put_picture(&t, f);
    urs_text_add(&t, "<div>\n");
    for (size_t i = 0; i < f->head_count; i++)
        put_head(&t, &f->heads[i], i + 1);
    urs_text_add(&t, "</div></div></section>\n");
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

urs_status urs_report_finish(urs_report *r, urs_error *err)
{
    urs_text t = {0};
    urs_status status;
    int closed;
    end_section(r, &t);
    urs_html_end(&t);
    status = put(r, &t, err);
    if (status == URS_OK && (fflush(r->to) != 0 || fsync(fileno(r->to)) != 0))
        status = urs_fail(err, URS_EIO, "%s: %s", r->part, strerror(errno));
    closed = fclose(r->to);
    r->to = NULL;
    if (status == URS_OK && closed != 0)
        status = urs_fail(err, URS_EIO, "%s: %s", r->part, strerror(errno));
    if (status == URS_OK && rename(r->part, r->path) != 0)
        status = urs_fail(err, URS_EIO, "%s: %s", r->path, strerror(errno));
    if (status != URS_OK)
        (void)unlink(r->part);
    return status;
}
