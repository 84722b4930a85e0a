/* The report page: well-formed for an XML parser, whole or not there, and in need of nothing outside of itself. */
#include "base/file.h"
#include "base/memory.h"
#include "harness.h"
#include "html_check.h"
#include "image/decode.h"
#include "interchange/html_page.h"
#include "interchange/report_html.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct page_facts {
    size_t images, boxes, candidates, elements, outside;
    char outside_name[64];
} page_facts;

static bool is_inside(const char *name, const char *value)
{
    if (strcmp(name, "src") == 0)
        return strncmp(value, "data:image/", 11) == 0;
    if (strcmp(name, "xmlns") == 0) /* names a language, is not fetched */
        return true;
    return strcmp(name, "srcset") != 0 && !strstr(value, "://") && !strstr(value, "url(");
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    page_facts *f = context;
    f->elements++;
    f->images += strcmp(name, "img") == 0;
    f->boxes += strcmp(name, "rect") == 0;
    f->candidates += strcmp(name, "div") == 0 && attributes[0] && strcmp(attributes[0], "class") == 0 && strncmp(attributes[1], "bar", 3) == 0;
    if (strcmp(name, "script") == 0 || strcmp(name, "link") == 0 || strcmp(name, "iframe") == 0)
        f->outside++;
    for (size_t i = 0; attributes[i]; i += 2)
        if (!is_inside(attributes[i], attributes[i + 1])) {
            f->outside++;
            (void)snprintf(f->outside_name, sizeof f->outside_name, "%.20s=%.40s", attributes[i], attributes[i + 1]);
        }
}

static bool parse(urs_test *t, const char *path, page_facts *facts)
{
    urs_bytes page = {0};
    XML_Parser parser = XML_ParserCreate(NULL);
    bool ok;
    *facts = (page_facts){0};
    if (urs_file_read(&page, path, 0, NULL) != URS_OK) {
        XML_ParserFree(parser);
        urs_test_fail(t, __FILE__, __LINE__, "there is no page");
        return false;
    }
    XML_SetUserData(parser, facts);
    XML_SetElementHandler(parser, on_start, NULL);
    ok = XML_Parse(parser, (const char *)page.data, (int)page.size, XML_TRUE) == XML_STATUS_OK;
    if (!ok)
        urs_test_fail(t, __FILE__, __LINE__, "line %lu: %s", XML_GetCurrentLineNumber(parser), XML_ErrorString(XML_GetErrorCode(parser)));
    if (strstr((const char *)page.data, "@import") || strstr((const char *)page.data, "url("))
        urs_test_fail(t, __FILE__, __LINE__, "the style fetches something");
    XML_ParserFree(parser);
    urs_bytes_release(&page);
    return ok;
}

static urs_report_picture picture_of(urs_bytes *bytes, int32_t width, int32_t height)
{
    urs_image image = {0};
    urs_error err = {0};
    if (urs_image_new(&image, width, height, 3, &err) == URS_OK) {
        urs_draw_disc(&image, (float)width / 2, (float)height / 2, (float)height / 3, (urs_colour){150, 90, 40});
        if (urs_jpeg_encode(bytes, &image, 80, &err) != URS_OK)
            printf("  %s\n", err.message);
    }
    urs_image_release(&image);
    return (urs_report_picture){bytes->data, bytes->size};
}

static void page_is_whole(urs_test *t)
{
    char *folder = urs_test_folder("report"), path[512], part[600];
    urs_bytes frame_bytes = {0}, chip_bytes = {0};
    const urs_report_picture frame_picture = picture_of(&frame_bytes, 160, 90), chip = picture_of(&chip_bytes, 64, 64);
    const char *const facts[][2] = {{"catalogue", "a&b <c>.db"}, {"models", "\xff\xfe broken \x01 bytes"}};
    static const size_t seen_frames[] = {1};
    const urs_report_seen seen[] = {{.name = "Otis <3", .heads = 1, .frames = seen_frames, .frame_count = 1}};
    const urs_report_info info = {.title = "Bears \"& <others>\"", .subtitle = "folder's", .files = 4, .heads = 3, .known = 1, .unsure = 1, .fresh = 1, .failures = 1, .bears = 2, .chips = 9,
                                  .frames_with_heads = 1, .catalogue = "a&b <c>.db", .seen = seen, .seen_count = 1, .facts = facts, .fact_count = 2};
    const urs_report_candidate candidates[] = {{"Otis <3", 0.93, chip}, {"747 & co", 0.02, {0}}, {"\xc3\x85ke", 0.0001, chip}, {"D", 2, chip}, {"beyond the fourth", 0, chip}};
    const urs_report_head heads[] = {
        {.x = 0.1, .y = 0.2, .width = 0.3, .height = 0.4, .confidence = 0.9, .verdict = "known", .p_new = 0.05, .chip = chip, .candidates = candidates, .candidate_count = 5},
        {.x = 0.5, .y = 0.0, .width = 0.1, .height = 0.1, .confidence = 0.4, .verdict = "new", .group = "new-1", .p_new = 0.99, .chip = {0}},
        {.x = 0.7, .y = 0.7, .width = 0.3, .height = 0.3, .confidence = 0.4, .verdict = "something else", .p_new = 0.4, .chip = chip, .candidates = candidates, .candidate_count = 1}};
    const char *const files[] = {"x\"y'z.jpg", "]]>.jpg"};
    const urs_report_picture group_chips[] = {chip, {0}};
    const urs_report_group group = {.name = "new-1", .command = "ursid enroll --name 'A & B' <file>", .chips = group_chips, .files = files, .chip_count = 2, .heads = 5};
    const urs_report_frame frame = {.file = "a/<b>&\xf0\x28.jpg", .datetime = "2024:07:03 18:22:05", .frame_class = "bear", .warning = "cut & short", .picture = frame_picture, .width = 160,
                                    .height = 90, .heads = heads, .head_count = 3};
    urs_report *r = NULL;
    urs_error err = {0};
    page_facts f;
    (void)snprintf(path, sizeof path, "%s/report.html", folder);
    (void)snprintf(part, sizeof part, "%s.tmp", path);
    (void)unlink(path);
    URS_REQUIRE_OK(t, urs_report_open(&r, path, &err), err);
    URS_REQUIRE_OK(t, urs_report_head_of_page(r, &info, &err), err);
    URS_REQUIRE_OK(t, urs_report_add_failure(r, "broken <&>.jpg", "not a picture", &err), err);
    URS_REQUIRE_OK(t, urs_report_add_group(r, &group, &err), err);
    URS_REQUIRE_OK(t, urs_report_add_frame(r, &frame, &err), err);
    URS_CHECK(t, !urs_file_exists(path)); /* nobody sees half a page */
    URS_REQUIRE_OK(t, urs_report_finish(r, &err), err);
    urs_report_close(r);
    URS_CHECK(t, urs_file_exists(path) && !urs_file_exists(part));
    URS_REQUIRE(t, parse(t, path, &f));
    URS_CHECK(t, html_is_sound(path, NULL));
    URS_CHECK_INT(t, f.images, 1 + 1 + 2 + 3 + 1); /* group, frame, chips, candidates of the first head and of the third */
    URS_CHECK_INT(t, f.boxes, 6);
    URS_CHECK_INT(t, f.candidates, 5); /* four at most */
    if (f.outside)
        urs_test_fail(t, __FILE__, __LINE__, "the page reaches outside: %s", f.outside_name);

    URS_REQUIRE_OK(t, urs_report_open(&r, path, &err), err);
    urs_report_close(r); /* given up: the page that was there stays */
    URS_CHECK(t, urs_file_exists(path) && !urs_file_exists(part));
    URS_CHECK_INT(t, urs_report_open(&r, "/no/such/folder/report.html", &err), URS_EIO);
    URS_CHECK(t, strstr(err.message, "/no/such/folder/report.html") != NULL);
    urs_bytes_release(&frame_bytes);
    urs_bytes_release(&chip_bytes);
    free(folder);
}

static size_t count_of(const char *path, const char *what)
{
    urs_bytes page = {0};
    size_t n = 0;
    if (urs_file_read(&page, path, 0, NULL) == URS_OK)
        for (const char *p = (const char *)page.data; (p = strstr(p, what)) != NULL; p += strlen(what))
            n++;
    urs_bytes_release(&page);
    return n;
}

/* Five frames, two a page: three pages that link to each other; a shorter report afterwards takes the third away. */
static void long_reports_have_pages(urs_test *t)
{
    static const char *const names[] = {"all the bears.html", "all the bears-2.html", "all the bears-3.html", "all the bears-4.html"};
    static const size_t seen_frames[] = {2, 5};
    const urs_report_seen seen[] = {{.name = "Otis", .heads = 3, .frames = seen_frames, .frame_count = 2}};
    const urs_report_head head = {.width = 0.5, .height = 0.5, .verdict = "unsure"};
    char *folder = urs_test_folder("report-pages"), path[4][600];
    urs_error err = {0};
    for (int i = 0; i < 4; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    for (size_t frames = 5; frames >= 3; frames -= 2) {
        const urs_report_info info = {.title = "t", .subtitle = "s", .heads = frames, .frames_with_heads = frames, .frames_per_page = 2, .seen = seen, .seen_count = frames == 5};
        const size_t pages = (frames + 1) / 2;
        urs_report *r = NULL;
        URS_REQUIRE_OK(t, urs_report_open(&r, path[0], &err), err);
        URS_REQUIRE_OK(t, urs_report_head_of_page(r, &info, &err), err);
        for (size_t i = 0; i < frames; i++)
            URS_REQUIRE_OK(t, urs_report_add_frame(r, &(urs_report_frame){.file = "x.jpg", .heads = &head, .head_count = 1}, &err), err);
        URS_REQUIRE_OK(t, urs_report_finish(r, &err), err);
        urs_report_close(r);
        for (size_t i = 0; i < 4; i++)
            URS_CHECK_INT(t, urs_file_exists(path[i]), i < pages);
        for (size_t i = 0; i < pages; i++) {
            html_counts counts = {0};
            URS_CHECK(t, html_is_sound(path[i], &counts));
            URS_CHECK_INT(t, count_of(path[i], "<section class=\"card shot\""), i + 1 < pages ? 2 : 1);
            URS_CHECK_INT(t, count_of(path[i], "href=\"all%20the%20bears.html\""), i ? 3 : 0); /* above, in both rows of pages */
            URS_CHECK_INT(t, count_of(path[i], "href=\"all%20the%20bears-2.html\""), i == 1 ? 0 : 2);
        }
        if (frames == 5)
            URS_CHECK_INT(t, count_of(path[0], "href=\"all%20the%20bears-3.html#f5\"") + count_of(path[0], "href=\"#f2\""), 2);
    }
    {
        urs_report *r = NULL;
        const urs_report_info info = {.title = "t", .heads = 3, .frames_with_heads = 3, .frames_per_page = 1};
        char part[2500];
        URS_REQUIRE_OK(t, urs_report_open(&r, path[0], &err), err);
        URS_REQUIRE_OK(t, urs_report_head_of_page(r, &info, &err), err);
        for (int i = 0; i < 2; i++)
            URS_REQUIRE_OK(t, urs_report_add_frame(r, &(urs_report_frame){.file = "x.jpg", .heads = &head, .head_count = 1}, &err), err);
        urs_report_close(r); /* given up on its second page */
        for (int i = 0; i < 2; i++) {
            (void)snprintf(part, sizeof part, "%s.tmp", path[i]);
            URS_CHECK(t, !urs_file_exists(part) && urs_file_exists(path[i]));
        }
    }
    for (int i = 0; i < 4; i++)
        (void)unlink(path[i]);
    free(folder);
}

/* RFC 4648, section 10. */
static void base64(urs_test *t)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    uint8_t all[256];
    urs_text text = {0};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        urs_text one = {0};
        urs_html_base64(&one, plain[i], strlen(plain[i]));
        URS_CHECK_TEXT(t, urs_text_string(&one), coded[i]);
        urs_text_release(&one);
    }
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    urs_html_base64(&text, all, sizeof all);
    URS_CHECK_INT(t, text.length, (256 + 2) / 3 * 4);
    URS_CHECK(t, strstr(urs_text_string(&text), "+/") || strchr(urs_text_string(&text), '/'));
    urs_text_release(&text);
}

int main(void)
{
    static const urs_case cases[] = {
        {"page is well-formed and stands alone", page_is_whole},
        {"long reports have pages", long_reports_have_pages},
        {"base64", base64},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
