/* One frame of the report: the picture with its heads in boxes, each head beside its candidates; see report_html.h. */
#include "interchange/report_private.h"

#include "interchange/html_page.h"

#include <stdio.h>
#include <string.h>

#define CANDIDATES_SHOWN 4
#define PICTURE_HEIGHT 440 /* pixels on the page at most */

const char *urs_report_frame_style(void)
{
    static const char style[] =
        ".card.shot{content-visibility:auto;contain-intrinsic-size:auto 400px}\n"
        ".frame{display:grid;grid-template-columns:minmax(0,9fr) minmax(0,11fr);gap:20px}\n"
        ".picture{position:relative;line-height:0;align-self:start;border-radius:6px;overflow:hidden;background:var(--line);max-width:100%}\n"
        ".picture img{width:100%;height:auto;display:block}.picture svg{position:absolute;left:0;top:0;width:100%;height:100%}\n"
        ".box{fill:none;stroke-width:3;vector-effect:non-scaling-stroke}.box.known{stroke:#2fd6ae}.box.unsure{stroke:#ffb347}.box.new{stroke:#6cc0ff}\n"
        ".tag{font-weight:700;fill:#10211c}.back.known{fill:#2fd6ae}.back.unsure{fill:#ffb347}.back.new{fill:#6cc0ff}\n"
        ".caption{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin:0 0 12px}.caption h3{margin:0}\n"
        ".head{display:grid;grid-template-columns:128px minmax(0,1fr);gap:16px;padding:14px 0;border-top:1px solid var(--line)}\n"
        ".head:first-child{border-top:0;padding-top:0}\n"
        ".chip,.blank.chip{width:128px;height:128px;object-fit:cover;border-radius:8px;display:flex;background:#000}\n"
        ".badge{display:inline-block;border-radius:99px;padding:1px 11px;color:#fff;font-weight:600;font-size:13px;margin-right:8px}\n"
        ".badge.known{background:#00735c}.badge.unsure{background:#a85f00}.badge.new{background:#0063a8}\n"
        ".answer{font-size:16px;line-height:1.45;margin:0 0 10px}.head .soft{font-size:13px}\n"
        ".candidates{display:grid;grid-template-columns:repeat(auto-fill,minmax(96px,1fr));gap:10px;list-style:none;margin:0;padding:0}\n"
        ".candidates img,.candidates .blank{width:100%;aspect-ratio:1;object-fit:cover;border-radius:6px;display:flex;background:#000}\n"
        ".candidates .blank{background:var(--line)}\n"
        ".bar{height:5px;border-radius:3px;background:var(--line);margin:5px 0 2px;overflow:hidden}.bar i{display:block;height:100%;background:var(--accent)}\n"
        ".bar.first i{background:var(--known)}\n"
        ".candidates .name{font-weight:600;font-size:13px;line-height:1.25;display:block}.candidates .soft{font-size:12px}\n"
        "@media(max-width:820px){.frame{grid-template-columns:minmax(0,1fr)}}\n"
        "@media(max-width:520px){.head{grid-template-columns:84px minmax(0,1fr)}.chip,.blank.chip{width:84px;height:84px}.candidates{grid-template-columns:repeat(auto-fill,minmax(72px,1fr))}}\n"
        "@media print{.card.shot{content-visibility:visible}.frame{grid-template-columns:2fr 3fr}.badge{border:1px solid #000}}\n";
    return style;
}

static const char *verdict_class(const char *verdict)
{
    return strcmp(verdict, "known") == 0 ? "known" : strcmp(verdict, "new") == 0 ? "new" : "unsure";
}

static void put_picture(urs_text *t, const urs_report_frame *f)
{
    const double w = f->width, h = f->height, letter = w > 0 ? (w > h ? w : h) / 32 : 1;
    if (w > 0 && h > w * 0.75) /* tall ones would push everything else away */
        urs_text_format(t, "<div class=\"picture\" style=\"width:%.0fpx\">", PICTURE_HEIGHT * w / h);
    else
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

/* The verdict in words. */
static void put_answer(urs_text *t, const urs_report_head *k, const char *verdict)
{
    const urs_report_candidate *first = k->candidate_count ? &k->candidates[0] : NULL;
    urs_text_format(t, "<div class=\"answer\"><span class=\"badge %s\">%s</span>", verdict, verdict);
    if (first && strcmp(verdict, "known") == 0) {
        urs_text_add(t, "<b class=\"name\">");
        urs_text_html(t, first->name);
        urs_text_add(t, "</b>");
    } else if (first && strcmp(verdict, "unsure") == 0) {
        urs_text_add(t, "likeliest <b class=\"name\">");
        urs_text_html(t, first->name);
        urs_text_add(t, "</b>");
    } else if (k->group && strcmp(verdict, "new") == 0) {
        urs_text_add(t, "proposed as <b class=\"name\">");
        urs_text_html(t, k->group);
        urs_text_add(t, "</b>");
    }
    if (first) {
        urs_text_add(t, " <span class=\"soft\">none of the catalogue: ");
        put_percent(t, k->p_new);
        urs_text_add(t, "</span>");
    }
    if (k->views > 1)
        urs_text_format(t, " <span class=\"soft\">&#183; judged from %lld heads of this event</span>", (long long)k->views);
    urs_text_add(t, "</div>\n");
}

static void put_head(urs_text *t, const urs_report_head *k, size_t number)
{
    const char *c = verdict_class(k->verdict);
    const size_t shown = k->candidate_count < CANDIDATES_SHOWN ? k->candidate_count : CANDIDATES_SHOWN;
    char alt[32];
    (void)snprintf(alt, sizeof alt, "head %zu", number);
    urs_text_add(t, "<div class=\"head\"><div>");
    urs_html_jpeg(t, k->chip.data, k->chip.size, "chip", alt);
    urs_text_format(t, "<span class=\"soft\">head %zu &#183; score %.2f</span></div>\n<div>", number, k->confidence);
    put_answer(t, k, c);
    if (shown) {
        urs_text_add(t, "<ol class=\"candidates\">");
        for (size_t i = 0; i < shown; i++)
            put_candidate(t, &k->candidates[i], i == 0);
        urs_text_add(t, "</ol>");
    }
    urs_text_add(t, "</div></div>\n");
}

void urs_report_put_frame(urs_text *t, const urs_report_frame *f, size_t number)
{
    urs_text_format(t, "<section class=\"card shot\" id=\"f%zu\"><div class=\"caption\"><span class=\"soft\">%zu</span><h3 class=\"name\">", number, number);
    urs_text_html(t, f->file);
    urs_text_add(t, "</h3>");
    if (f->datetime && *f->datetime) {
        urs_text_add(t, "<span class=\"soft\">");
        urs_text_html(t, f->datetime);
        urs_text_add(t, "</span>");
    }
    if (f->event > 0)
        urs_text_format(t, "<span class=\"soft\">event %lld</span>", (long long)f->event);
    if (f->frame_class) {
        urs_text_add(t, "<span class=\"soft\">frame: ");
        urs_text_html(t, f->frame_class);
        urs_text_add(t, "</span>");
    }
    if (f->warning) {
        urs_text_add(t, "<span style=\"color:var(--bad)\">");
        urs_text_html(t, f->warning);
        urs_text_add(t, "</span>");
    }
    urs_text_add(t, "</div>\n<div class=\"frame\">\n");
    put_picture(t, f);
    urs_text_add(t, "<div>\n");
    for (size_t i = 0; i < f->head_count; i++)
        put_head(t, &f->heads[i], i + 1);
    urs_text_add(t, "</div></div></section>\n");
}
