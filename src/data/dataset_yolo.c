/* YOLO data sets: data.yaml (read with libyaml), picture folders or lists, one label file a picture; spec/formats.md 3.6.
 *
 *      path: ../bears            root/images/train/a.jpg
 *      train: images/train       root/labels/train/a.txt      the last "images" of the path becomes "labels"
 *      val: images/val
 *      names: {0: bear}          0 0.50 0.40 0.20 0.30        class xc yc w h
 *                                0 .1 .1 .3 .1 .3 .4 .1 .4    class x1 y1 x2 y2 ... (a polygon)
 */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CLASSES_MAX 10000
#define FIELDS_MAX 20001 /* of one label line: class and 10,000 points */
#define LABEL_LIMIT ((size_t)16 << 20)

void urs_yolo_config_release(urs_yolo_config *config)
{
    urs_free(config->root);
    for (int i = 0; i < 3; i++)
        urs_names_release(&config->parts[i]);
    urs_names_release(&config->names);
    memset(config, 0, sizeof *config);
}

static const char *scalar(const yaml_node_t *node)
{
    /* A zero byte inside would cut the text short without a word. */
    if (!node || node->type != YAML_SCALAR_NODE || memchr(node->data.scalar.value, 0, node->data.scalar.length))
        return NULL;
    return (const char *)node->data.scalar.value;
}

static urs_status bad_key(const char *name, const yaml_node_t *node, const char *key, const char *expected, urs_error *err)
{
    return urs_fail(err, URS_EFORMAT, "%s, line %zu: key '%s' must be %s", name, node->start_mark.line + 1, key, expected);
}

static urs_status read_strings(urs_names *out, yaml_document_t *doc, const yaml_node_t *node, const char *name, const char *key, urs_error *err)
{
    urs_status status = URS_OK;
    if (scalar(node))
        return *scalar(node) ? urs_names_add(out, scalar(node), err) : URS_OK;
    if (node->type != YAML_SEQUENCE_NODE)
        return bad_key(name, node, key, "a text or a list of texts", err);
    for (const yaml_node_item_t *i = node->data.sequence.items.start; status == URS_OK && i < node->data.sequence.items.top; i++) {
        const char *text = scalar(yaml_document_get_node(doc, *i));
        if (!text)
            return bad_key(name, node, key, "a text or a list of texts", err);
        if (out->count >= CLASSES_MAX)
            return urs_fail(err, URS_ELIMIT, "%s: more than %d entries in '%s'", name, CLASSES_MAX, key);
        status = urs_names_add(out, text, err);
    }
    return status;
}

/* names: {0: bear, 1: wolf}, in any order, each index once and none left out. */
static urs_status read_name_map(urs_names *out, yaml_document_t *doc, const yaml_node_t *node, const char *name, urs_error *err)
{
    const yaml_node_pair_t *start = node->data.mapping.pairs.start, *top = node->data.mapping.pairs.top;
    const long long count = top - start;
    if (count > CLASSES_MAX)
        return urs_fail(err, URS_ELIMIT, "%s: more than %d class names", name, CLASSES_MAX);
    for (long long i = 0; i < count; i++) {
        const char *found = NULL;
        urs_status status;
        for (const yaml_node_pair_t *p = start; p < top; p++) {
            const char *key = scalar(yaml_document_get_node(doc, p->key));
            long long index;
            if (!key || !urs_parse_int(key, 0, count - 1, &index))
                return bad_key(name, node, "names", "a list, or a map from 0, 1, 2 ... to names", err);
            if (index == i)
                found = found ? NULL : scalar(yaml_document_get_node(doc, p->value));
            if (index == i && !found)
                return bad_key(name, node, "names", "a map that gives each class one name", err);
        }
        if (!found)
            return bad_key(name, node, "names", "a map without gaps from 0 on", err);
        status = urs_names_add(out, found, err);
        if (status != URS_OK)
            return status;
    }
    return URS_OK;
}

static urs_status read_pair(urs_yolo_config *c, long long *nc, yaml_document_t *doc, const yaml_node_pair_t *pair, const char *name, urs_error *err)
{
    static const char *const part_keys[] = {"train", "val", "test"};
    const yaml_node_t *key_node = yaml_document_get_node(doc, pair->key), *value = yaml_document_get_node(doc, pair->value);
    const char *key = scalar(key_node);
    if (!key || !value)
        return urs_fail(err, URS_EFORMAT, "%s: a key that is no text", name);
    for (int i = 0; i < 3; i++) {
        if (strcmp(key, part_keys[i]) == 0) {
            if (c->parts[i].count)
                return urs_fail(err, URS_EFORMAT, "%s, line %zu: key '%s' stands twice", name, key_node->start_mark.line + 1, key);
            return read_strings(&c->parts[i], doc, value, name, key, err);
        }
    }
    if (strcmp(key, "path") == 0) {
        if (!scalar(value) || c->root)
            return bad_key(name, key_node, "path", "one text", err);
        c->root = urs_strdup(scalar(value));
        return c->root ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to read %s", name);
    }
    if (strcmp(key, "nc") == 0) {
        const char *text = scalar(value);
        return text && urs_parse_int(text, 1, CLASSES_MAX, nc) ? URS_OK : bad_key(name, key_node, "nc", "a number of classes", err);
    }
    if (strcmp(key, "names") == 0) {
        if (c->names.count)
            return urs_fail(err, URS_EFORMAT, "%s, line %zu: key 'names' stands twice", name, key_node->start_mark.line + 1);
        if (value->type == YAML_MAPPING_NODE)
            return read_name_map(&c->names, doc, value, name, err);
        return read_strings(&c->names, doc, value, name, key, err);
    }
    return URS_OK; /* download, kpt_shape, flip_idx ...: not needed here */
}

urs_status urs_yolo_config_parse(urs_yolo_config *out, const char *data, size_t size, const char *name, urs_error *err)
{
    urs_yolo_config c = {0};
    urs_status status = URS_OK;
    yaml_parser_t parser;
    yaml_document_t doc;
    const yaml_node_t *root;
    long long nc = 0;
    if (!yaml_parser_initialize(&parser))
        return urs_fail(err, URS_ENOMEM, "no memory to read %s", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
    if (!yaml_parser_load(&parser, &doc)) {
        status = urs_fail(err, URS_EFORMAT, "%s, line %zu: %s", name, parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
        yaml_parser_delete(&parser);
        return status;
    }
    root = yaml_document_get_root_node(&doc);
    if (!root || root->type != YAML_MAPPING_NODE)
        status = urs_fail(err, URS_EFORMAT, "%s: a map with the keys train, val and names is expected", name);
    for (const yaml_node_pair_t *p = status == URS_OK ? root->data.mapping.pairs.start : NULL; status == URS_OK && p < root->data.mapping.pairs.top; p++)
        status = read_pair(&c, &nc, &doc, p, name, err);
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    if (status == URS_OK && c.names.count == 0)
        status = urs_fail(err, URS_EFORMAT, "%s: key 'names' is missing", name);
    if (status == URS_OK && nc > 0 && (size_t)nc != c.names.count)
        status = urs_fail(err, URS_EFORMAT, "%s: key 'nc' says %lld classes, 'names' has %zu", name, nc, c.names.count);
    if (status == URS_OK && c.parts[0].count + c.parts[1].count + c.parts[2].count == 0)
        status = urs_fail(err, URS_EFORMAT, "%s: none of the keys train, val, test", name);
    if (status == URS_OK) {
        *out = c;
        return URS_OK;
    }
    urs_yolo_config_release(&c);
    return status;
}

/* ---- label files ---- */

/* One line to a head; values[0] is the class. */
static urs_status add_line(urs_sample *sample, const double *values, size_t n, const char *name, size_t line, int32_t class_count, urs_error *err)
{
    urs_head head = {.individual = -1};
    urs_status status;
    if (n < 5)
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: %zu values; a box has 5, a polygon at least 7", name, line, n);
    if (n != 5 && (n < 7 || n % 2 == 0))
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: %zu values are neither a box nor a polygon", name, line, n);
    if (values[0] < 0 || values[0] >= class_count || values[0] != (double)(int32_t)values[0])
        return urs_fail(err, URS_EFORMAT, "%s, line %zu: class %g is not among the %d names", name, line, values[0], class_count);
    for (size_t i = 1; i < n; i++)
        if (values[i] < -0.01 || values[i] > 1.01) /* rounding by other programs is let pass */
            return urs_fail(err, URS_EFORMAT, "%s, line %zu: %g is no fraction of the picture", name, line, values[i]);
    head.label = (int32_t)values[0];
    if (n == 5) {
        head.box = (urs_box){(float)(values[1] - values[3] / 2), (float)(values[2] - values[4] / 2), (float)(values[1] + values[3] / 2),
                             (float)(values[2] + values[4] / 2)};
    } else {
        head.polygon_count = (n - 1) / 2;
        head.polygon = urs_array_new(head.polygon_count, sizeof *head.polygon);
        if (!head.polygon)
            return urs_fail(err, URS_ENOMEM, "%s, line %zu: no memory for a polygon", name, line);
        head.box = (urs_box){(float)values[1], (float)values[2], (float)values[1], (float)values[2]};
        for (size_t i = 0; i < head.polygon_count; i++) {
            const urs_point p = {(float)values[1 + 2 * i], (float)values[2 + 2 * i]};
            head.polygon[i] = p;
            head.box.x1 = p.x < head.box.x1 ? p.x : head.box.x1;
            head.box.y1 = p.y < head.box.y1 ? p.y : head.box.y1;
            head.box.x2 = p.x > head.box.x2 ? p.x : head.box.x2;
            head.box.y2 = p.y > head.box.y2 ? p.y : head.box.y2;
        }
    }
    status = urs_data_add_head(sample, &head, name, err);
    if (status != URS_OK)
        urs_free(head.polygon);
    return status;
}

urs_status urs_yolo_labels_parse(urs_sample *sample, const char *data, size_t size, int32_t class_count, const char *name, urs_error *err)
{
    urs_status status = URS_OK;
    size_t at = 0, line = 1, n = 0, capacity = 0;
    double *values = NULL;
    char word[64];
    sample->relative = true;
    sample->has_heads = true;
    while (status == URS_OK) {
        size_t length = 0;
        while (at < size && (data[at] == ' ' || data[at] == '\t' || data[at] == '\r'))
            at++;
        if (at >= size || data[at] == '\n') {
            if (n > 0)
                status = add_line(sample, values, n, name, line, class_count, err);
            if (at >= size)
                break;
            n = 0;
            at++;
            line++;
            continue;
        }
        while (at + length < size && !strchr(" \t\r\n", data[at + length]))
            length++;
        if (length == 0 || length >= sizeof word || n >= FIELDS_MAX) {
            status = urs_fail(err, URS_EFORMAT, "%s, line %zu: a word that is no number", name, line);
            break;
        }
        memcpy(word, data + at, length);
        word[length] = '\0';
        at += length;
        if (!urs_array_reserve((void **)&values, &capacity, n, sizeof *values))
            status = urs_fail(err, URS_ENOMEM, "no memory to read %s", name);
        else if (!urs_parse_double(word, &values[n]))
            status = urs_fail(err, URS_EFORMAT, "%s, line %zu: '%s' is no number", name, line, word);
        else
            n++;
    }
    urs_free(values);
    return status;
}

/* images/train/a.jpg -> labels/train/a.txt; owned. */
static char *label_path(const char *picture)
{
    urs_text t = {0};
    const char *at = NULL, *dot = strrchr(picture, '.');
    for (const char *p = strstr(picture, "/images/"); p; p = strstr(p + 1, "/images/"))
        at = p;
    if (!dot || dot < urs_path_base(picture))
        dot = picture + strlen(picture);
    if (at && dot > at) {
        urs_text_append(&t, picture, (size_t)(at - picture));
        urs_text_add(&t, "/labels/");
        at += strlen("/images/");
    } else {
        at = picture;
    }
    urs_text_append(&t, at, (size_t)(dot - at));
    urs_text_add(&t, ".txt");
    return urs_text_take(&t);
}

static urs_status add_picture(urs_dataset *out, const char *path, urs_part part, const urs_yolo_config *config, const int32_t *labels, urs_error *err)
{
    urs_sample *s;
    urs_bytes bytes = {0};
    char *text = label_path(path);
    urs_status status = text ? urs_dataset_add(out, path, &s, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status != URS_OK) {
        urs_free(text);
        return status;
    }
    s->part = part;
    s->relative = true;
    s->has_heads = true;
    if (urs_file_exists(text)) { /* none: no objects in the picture */
        status = urs_file_read(&bytes, text, LABEL_LIMIT, err);
        if (status == URS_OK)
            status = urs_yolo_labels_parse(s, (const char *)bytes.data, bytes.size, (int32_t)config->names.count, text, err);
        for (size_t i = 0; status == URS_OK && i < s->head_count; i++)
            s->heads[i].label = labels[s->heads[i].label];
        urs_bytes_release(&bytes);
    }
    urs_free(text);
    return status;
}

static urs_status add_list(urs_names *files, const char *list, urs_error *err)
{
    urs_bytes bytes = {0};
    char *folder = urs_path_folder(list);
    urs_status status = folder ? urs_file_read(&bytes, list, 0, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK && memchr(bytes.data, 0, bytes.size))
        status = urs_fail(err, URS_EFORMAT, "%s: a zero byte in a list of pictures", list);
    for (char *line = (char *)bytes.data, *next; status == URS_OK && line && *line; line = next) {
        char *end = strpbrk(line, "\r\n"), *full;
        next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        if (!*line)
            continue;
        full = urs_path_join(folder, line);
        status = full ? urs_names_add(files, full, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_free(full);
    }
    urs_bytes_release(&bytes);
    urs_free(folder);
    return status;
}

static urs_status add_part(urs_dataset *out, const char *root, const char *where, urs_part part, const urs_yolo_config *config, const int32_t *labels, urs_error *err)
{
    urs_names files = {0};
    char *full = urs_path_join(root, where);
    urs_status status;
    if (full && !urs_folder_exists(full) && !urs_file_exists(full) && strncmp(where, "../", 3) == 0) {
        /* Annotation services write "../train/images" for a folder beside data.yaml. */
        urs_free(full);
        full = urs_path_join(root, where + 3);
    }
    if (!full)
        return urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (urs_path_has_extension(full, "txt"))
        status = add_list(&files, full, err);
    else
        status = urs_folder_list(&files, full, urs_photo_has_extension, err);
    for (size_t i = 0; status == URS_OK && i < files.count; i++)
        status = add_picture(out, files.items[i], part, config, labels, err);
    urs_names_release(&files);
    urs_free(full);
    return status;
}

urs_status urs_data_read_yolo(urs_dataset *out, const char *path, urs_error *err)
{
    static const urs_part parts[] = {URS_PART_TRAIN, URS_PART_VALIDATION, URS_PART_TEST};
    urs_status status;
    urs_bytes bytes = {0};
    urs_yolo_config config = {0};
    int32_t *labels = NULL;
    char *file = urs_folder_exists(path) ? urs_path_join(path, "data.yaml") : urs_strdup(path);
    char *folder = file ? urs_path_folder(file) : NULL, *root = NULL;
    if (!folder) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
        goto done;
    }
    status = urs_file_read(&bytes, file, LABEL_LIMIT, err);
    if (status == URS_OK)
        status = urs_yolo_config_parse(&config, (const char *)bytes.data, bytes.size, file, err);
    if (status != URS_OK)
        goto done;
    root = config.root ? urs_path_join(folder, config.root) : urs_strdup(folder);
    if (root && !urs_folder_exists(root)) { /* `path` of another machine: what it names usually lies beside the file */
        urs_free(root);
        root = urs_strdup(folder);
    }
    labels = urs_array_new(config.names.count, sizeof *labels);
    if (!root || !labels) {
        status = urs_fail(err, URS_ENOMEM, "no memory to read %s", file);
        goto done;
    }
    for (size_t i = 0; status == URS_OK && i < config.names.count; i++)
        status = urs_name_table_add(&out->labels, config.names.items[i], &labels[i], err);
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; status == URS_OK && i < config.parts[p].count; i++)
            status = add_part(out, root, config.parts[p].items[i], parts[p], &config, labels, err);
done:
    urs_free(labels);
    urs_free(root);
    urs_free(folder);
    urs_free(file);
    urs_yolo_config_release(&config);
    urs_bytes_release(&bytes);
    return status;
}
