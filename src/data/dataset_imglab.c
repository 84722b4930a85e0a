/* dlib imglab XML as BearID writes it; spec/formats.md 3.7.
 *
 *      dataset > images > image@file > box@top,left,width,height > label, part@name,x,y
 *
 * Those tools write text without escaping, so a raw '&' in a path is met in real files: such a '&' is escaped before expat sees it. Document types are refused, so
 * there are no entities to expand. Chips files (chips > chip@file{label, part}) are read as well: one sample a chip, with the whole picture as its head. */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX 64
#define TEXT_MAX 4096

typedef struct part {
    char name[32];
    urs_point at;
} part;

typedef struct imglab {
    urs_dataset *out;
    const char *name, *folder, *prefix;
    XML_Parser parser;
    urs_error *err;
    urs_status status;
    int depth;
    bool in_image, in_chip, in_source, in_box, in_label;
    size_t sample; /* index: the array moves */
    urs_head head;
    part parts[PARTS_MAX];
    size_t part_count;
    urs_text label;
} imglab;

static void stop(imglab *x, urs_status status)
{
    if (x->status == URS_OK)
        x->status = status;
    (void)XML_StopParser(x->parser, XML_FALSE);
}

static size_t line_of(const imglab *x)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9 /* from there on the other one is deprecated */
    return (size_t)XML_GetCurrentLineNumber64(x->parser);
#else
    return (size_t)XML_GetCurrentLineNumber(x->parser);
#endif
}

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static bool number(imglab *x, const XML_Char **attributes, const char *element, const char *name, double low, double high, float *out)
{
    const char *text = attribute(attributes, name);
    double v;
    if (!text || !urs_parse_double(text, &v) || v < low || v > high) {
        stop(x, urs_fail(x->err, URS_EFORMAT, "%s, line %zu: <%s> has no usable number '%s'", x->name, line_of(x), element, name));
        return false;
    }
    *out = (float)v;
    return true;
}

static void start_picture(imglab *x, const XML_Char **attributes, const char *element)
{
    const char *file = attribute(attributes, "file"), *width = attribute(attributes, "width"), *height = attribute(attributes, "height");
    urs_sample *s;
    urs_status status;
    char *path;
    long long w, h;
    if (!file || !*file) {
        stop(x, urs_fail(x->err, URS_EFORMAT, "%s, line %zu: <%s> without file", x->name, line_of(x), element));
        return;
    }
    path = urs_path_join(x->folder, file);
    if (!path) {
        stop(x, urs_fail(x->err, URS_ENOMEM, "%s, line %zu: no memory for a path", x->name, line_of(x)));
        return;
    }
    status = urs_dataset_add(x->out, path, &s, x->err);
    urs_free(path);
    if (status != URS_OK) {
        stop(x, status);
        return;
    }
    x->sample = x->out->count - 1;
    s->has_heads = true;
    if (width && height && urs_parse_int(width, 1, URS_IMAGE_SIDE_MAX, &w) && urs_parse_int(height, 1, URS_IMAGE_SIDE_MAX, &h)) {
        s->width = (int32_t)w;
        s->height = (int32_t)h;
    }
}

static void start_box(imglab *x, const XML_Char **attributes)
{
    float top, left, width, height;
    const char *ignore = attribute(attributes, "ignore");
    if (!number(x, attributes, "box", "top", -1e6, 1e6, &top) || !number(x, attributes, "box", "left", -1e6, 1e6, &left) ||
        !number(x, attributes, "box", "width", 1, 1e6, &width) || !number(x, attributes, "box", "height", 1, 1e6, &height))
        return;
    x->head.box = (urs_box){left, top, left + width, top + height};
    x->head.ignore = ignore && strcmp(ignore, "1") == 0;
    x->in_box = true;
}

static void start_part(imglab *x, const XML_Char **attributes)
{
    const char *name = attribute(attributes, "name");
    part *p = &x->parts[x->part_count];
    if (!name) {
        stop(x, urs_fail(x->err, URS_EFORMAT, "%s, line %zu: <part> without name", x->name, line_of(x)));
        return;
    }
    for (size_t i = 0; i < x->part_count; i++) {
        if (strcmp(x->parts[i].name, name) == 0) {
            stop(x, urs_fail(x->err, URS_EFORMAT, "%s, line %zu: part '%.31s' stands twice in one box", x->name, line_of(x), name));
            return;
        }
    }
    if (x->part_count == PARTS_MAX) {
        stop(x, urs_fail(x->err, URS_ELIMIT, "%s, line %zu: more than %d parts in one box", x->name, line_of(x), PARTS_MAX));
        return;
    }
    if (!number(x, attributes, "part", "x", -1e6, 1e6, &p->at.x) || !number(x, attributes, "part", "y", -1e6, 1e6, &p->at.y))
        return;
    /* Part coordinates name whole pixels; ours are continuous. */
    p->at.x += 0.5f;
    p->at.y += 0.5f;
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    x->part_count++;
}

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attributes)
{
    imglab *x = context;
    if (x->status != URS_OK)
        return;
    if (x->depth++ == 0 && strcmp(element, "dataset") != 0) {
        stop(x, urs_fail(x->err, URS_EFORMAT, "%s, line %zu: <%.40s> where <dataset> is expected", x->name, line_of(x), element));
        return;
    }
    if (x->depth > 32) {
        stop(x, urs_fail(x->err, URS_ELIMIT, "%s, line %zu: elements nested too deep", x->name, line_of(x)));
    } else if (strcmp(element, "image") == 0 && !x->in_image && !x->in_chip) {
        start_picture(x, attributes, element);
        x->in_image = true;
    } else if (strcmp(element, "chip") == 0 && !x->in_image && !x->in_chip && attribute(attributes, "file")) {
        start_picture(x, attributes, element);
        x->head = (urs_head){.label = -1, .individual = -1};
        x->part_count = 0;
        x->label.length = 0;
        x->in_chip = true;
    } else if (x->in_chip && strcmp(element, "source") == 0) {
        x->in_source = true; /* boxes of the photograph that the chip comes from: other pixels */
    } else if (x->in_source) {
        return;
    } else if (x->in_image && strcmp(element, "box") == 0 && !x->in_box) {
        x->head = (urs_head){.label = -1, .individual = -1};
        x->part_count = 0;
        x->label.length = 0;
        start_box(x, attributes);
    } else if ((x->in_box || x->in_chip) && strcmp(element, "label") == 0) {
        x->in_label = true;
    } else if ((x->in_box || x->in_chip) && strcmp(element, "part") == 0) {
        start_part(x, attributes);
    }
}

static const part *find_part(const imglab *x, const char *name)
{
    for (size_t i = 0; i < x->part_count; i++)
        if (strcmp(x->parts[i].name, name) == 0)
            return &x->parts[i];
    return NULL;
}

static void take_points(imglab *x)
{
    const part *l = find_part(x, "leye"), *r = find_part(x, "reye"), *nose = find_part(x, "nose");
    if (l && r && l->at.x > r->at.x) { /* theirs is the bear's left, ours the picture's */
        const part *keep = l;
        l = r;
        r = keep;
    }
    x->head.has_left_eye = l != NULL;
    x->head.has_right_eye = r != NULL;
    x->head.has_nose = nose != NULL;
    if (l)
        x->head.left_eye = l->at;
    if (r)
        x->head.right_eye = r->at;
    if (nose)
        x->head.nose = nose->at;
}

static urs_status take_label(imglab *x)
{
    char *name = (char *)(uintptr_t)urs_text_string(&x->label);
    size_t length = x->label.length;
    while (length > 0 && strchr(" \t\r\n", name[length - 1]))
        length--;
    if (length > 0)
        name[length] = '\0';
    name += strspn(name, " \t\r\n");
    if (length == 0 || !*name || strcasecmp(name, "bear") == 0 || strcasecmp(name, "unknown") == 0)
        return URS_OK;
    return urs_data_individual(x->out, x->prefix, name, &x->head.individual, x->err);
}

static void end_head(imglab *x)
{
    urs_sample *s = &x->out->samples[x->sample];
    urs_status status = take_label(x);
    take_points(x);
    if (status == URS_OK)
        status = urs_name_table_add(&x->out->labels, "bear", &x->head.label, x->err);
    if (status == URS_OK && s->individual < 0)
        s->individual = x->head.individual;
    s->label = x->head.label;
    if (status == URS_OK && x->in_box)
        status = urs_data_add_head(s, &x->head, x->name, x->err);
    if (status != URS_OK)
        stop(x, status);
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
    imglab *x = context;
    if (x->status != URS_OK)
        return;
    x->depth--;
    if (strcmp(element, "label") == 0) {
        x->in_label = false;
    } else if (strcmp(element, "source") == 0) {
        x->in_source = false;
    } else if (x->in_box && strcmp(element, "box") == 0) {
        end_head(x);
        x->in_box = false;
    } else if (x->in_chip && strcmp(element, "chip") == 0) {
        end_head(x);
        x->out->samples[x->sample].has_heads = false; /* the chip is the head */
        x->in_chip = false;
    } else if (x->in_image && strcmp(element, "image") == 0) {
        x->in_image = false;
    }
}

static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
    imglab *x = context;
    if (x->in_label && x->status == URS_OK && x->label.length < TEXT_MAX)
        urs_text_append(&x->label, text, (size_t)length);
}

static void XMLCALL on_doctype(void *context, const XML_Char *doctype, const XML_Char *system, const XML_Char *public_id, int subset)
{
    imglab *x = context;
    (void)doctype;
    (void)system;
    (void)public_id;
    (void)subset;
    stop(x, urs_fail(x->err, URS_EUNSUPPORTED, "%s, line %zu: a document type is not accepted", x->name, line_of(x)));
}

/* True when the '&' at data[0] begins one of XML's own references. */
static bool is_reference(const char *data, size_t size)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (size >= strlen(known[i]) && memcmp(data, known[i], strlen(known[i])) == 0)
            return true;
    if (size > 3 && data[1] == '#') {
        size_t i = 2;
        while (i < size && i < 10 && strchr("x0123456789abcdefABCDEF", data[i]) && data[i])
            i++;
        return i > 2 && i < size && data[i] == ';';
    }
    return false;
}

static urs_status repair(urs_text *out, const char *data, size_t size, const char *name, urs_error *err)
{
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '&' && !is_reference(data + i, size - i)) {
            urs_text_append(out, data + from, i - from);
            urs_text_add(out, "&amp;");
            from = i + 1;
        }
    }
    urs_text_append(out, data + from, size - from);
    return urs_text_ok(out) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the %zu bytes of %s", size, name);
}

urs_status urs_dataset_parse_imglab(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix, urs_error *err)
{
    imglab x = {.out = out, .name = name, .folder = folder, .prefix = prefix, .err = err};
    urs_text text = {0};
    urs_status status = repair(&text, data, size, name, err);
    if (status != URS_OK)
        goto done;
    x.parser = XML_ParserCreate(NULL);
    if (!x.parser) {
        status = urs_fail(err, URS_ENOMEM, "no memory to read %s", name);
        goto done;
    }
    XML_SetUserData(x.parser, &x);
    XML_SetElementHandler(x.parser, on_start, on_end);
    XML_SetCharacterDataHandler(x.parser, on_text);
    XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
    for (size_t at = 0; status == URS_OK;) {
        const size_t left = text.length - at, n = left < (1u << 20) ? left : (1u << 20);
        const enum XML_Status parsed = XML_Parse(x.parser, urs_text_string(&text) + at, (int)n, n == left);
        if (x.status != URS_OK)
            status = x.status;
        else if (parsed != XML_STATUS_OK)
            status = urs_fail(err, URS_EFORMAT, "%s, line %zu: %s", name, line_of(&x), XML_ErrorString(XML_GetErrorCode(x.parser)));
        if (n == left)
            break;
        at += n;
    }
done:
    if (x.parser)
        XML_ParserFree(x.parser);
    urs_text_release(&x.label);
    urs_text_release(&text);
    return status;
}
