/* The shell of reports; see html_page.h. */
#include "interchange/html_page.h"

/* Colours: known, unsure and new keep their difference for readers who do not see red and green apart (Okabe and Ito), and each carries its word besides. */
static const char style[] =
    ":root{--ink:#1d2421;--soft:#5d6a64;--line:#d9dfdb;--paper:#f5f6f3;--card:#fff;--accent:#7a4a1d;--known:#00735c;--unsure:#a85f00;--new:#0063a8;--bad:#b3261e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ece9;--soft:#9caaa3;--line:#35403b;--paper:#151a18;--card:#1e2522;--accent:#d9a066;--known:#3ecfae;--unsure:#f0a63c;"
    "--new:#66b5f0;--bad:#f2867e}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif}\n"
    "header{padding:30px max(24px,calc((100% - 1180px)/2)) 22px;border-bottom:3px solid var(--accent);background:var(--card)}\n"
    "header h1{margin:0;font-size:28px;line-height:1.2;letter-spacing:-.01em}\n"
    "header p{margin:6px 0 0;color:var(--soft)}\n"
    "main{max-width:1228px;margin:0 auto;padding:24px}\n"
    "h2{font-size:20px;margin:36px 0 12px;line-height:1.25}h3{font-size:16px;margin:0 0 8px}\n"
    "p{margin:0 0 12px;max-width:76ch}\n"
    "code,pre{font-family:ui-monospace,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:13px}\n"
    "pre{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:10px 12px;overflow-x:auto;white-space:pre-wrap;word-break:break-word;margin:8px 0}\n"
    "table{border-collapse:collapse;background:var(--card);margin:0 0 16px}\n"
    "th,td{padding:6px 12px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\n"
    "th{color:var(--soft);font-weight:600;font-size:13px}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:12px;margin:0 0 16px}\n"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 18px;min-width:104px}\n"
    ".tile b{display:block;font-size:26px;line-height:1.2;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;margin:0 0 16px;break-inside:avoid}\n"
    ".soft{color:var(--soft)}.name{word-break:break-word}\n"
    ".blank{display:flex;align-items:center;justify-content:center;background:var(--line);color:var(--soft);font-size:11px;text-align:center;padding:4px}\n"
    "svg{max-width:100%;height:auto}\n"
    "footer{color:var(--soft);font-size:13px;margin:40px 0 8px}\n"
    "@media print{body{background:#fff;font-size:12px}header{padding:0 0 10px}main{padding:12px 0}.card{border-color:#bbb}}\n";

void urs_html_begin(urs_text *out, const char *title, const char *subtitle, const char *css)
{
    urs_text_add(out, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
    urs_text_html(out, title);
    urs_text_add(out, "</title>\n<style>\n");
    urs_text_add(out, style);
    if (css)
        urs_text_add(out, css);
    urs_text_add(out, "</style>\n</head>\n<body>\n<header><h1>");
    urs_text_html(out, title);
    urs_text_add(out, "</h1>");
    if (subtitle) {
        urs_text_add(out, "<p>");
        urs_text_html(out, subtitle);
        urs_text_add(out, "</p>");
    }
    urs_text_add(out, "</header>\n<main>\n");
}

void urs_html_end(urs_text *out)
{
    urs_text_add(out, "<footer>Made by ursid " URS_VERSION ". Everything is inside this file; it can be sent and kept as it is.</footer>\n</main>\n</body>\n</html>\n");
}

void urs_html_base64(urs_text *out, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    char line[4 * 64];
    while (size > 0) {
        size_t n = 0;
        for (; size > 0 && n < sizeof line; n += 4) {
            const size_t have = size < 3 ? size : 3;
            const uint32_t bits = (uint32_t)p[0] << 16 | (have > 1 ? (uint32_t)p[1] << 8 : 0) | (have > 2 ? (uint32_t)p[2] : 0);
            line[n] = digits[bits >> 18];
            line[n + 1] = digits[bits >> 12 & 63];
            line[n + 2] = have > 1 ? digits[bits >> 6 & 63] : '=';
            line[n + 3] = have > 2 ? digits[bits & 63] : '=';
            p += have;
            size -= have;
        }
        urs_text_append(out, line, n);
    }
}

void urs_html_jpeg(urs_text *out, const void *data, size_t size, const char *css_class, const char *alt)
{
    if (!data || size == 0) {
        urs_text_format(out, "<span class=\"blank %s\">", css_class ? css_class : "");
        urs_text_html(out, alt ? alt : "no picture");
        urs_text_add(out, "</span>");
        return;
    }
    urs_text_format(out, "<img class=\"%s\" alt=\"", css_class ? css_class : "");
    urs_text_html(out, alt ? alt : "");
    urs_text_add(out, "\" src=\"data:image/jpeg;base64,");
    urs_html_base64(out, data, size);
    urs_text_add(out, "\"/>");
}

void urs_html_tile(urs_text *out, const char *number, const char *caption)
{
    urs_text_add(out, "<div class=\"tile\"><b>");
    urs_text_html(out, number);
    urs_text_add(out, "</b><span>");
    urs_text_html(out, caption);
    urs_text_add(out, "</span></div>\n");
}
