/* Model options as JSON, for the metadata of weight files; see models.h. */
#include "models/models.h"

#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const head_names[] = {"mlp", "plain"};

/* One line a field, for both directions. */
typedef enum field_type { FIELD_INT, FIELD_BOOL, FIELD_SHARE } field_type;

typedef struct field {
    const char *key;
    field_type type;
    size_t offset;
} field;

#define FIELD(name, type) {#name, type, offsetof(urs_model_options, name)}
static const field fields[] = {
    FIELD(input_width, FIELD_INT), FIELD(input_height, FIELD_INT), FIELD(classes, FIELD_INT),   FIELD(tf_padding, FIELD_BOOL),
    FIELD(penultimate, FIELD_BOOL), FIELD(drop_path, FIELD_SHARE), FIELD(dropout, FIELD_SHARE), FIELD(embedding, FIELD_INT),
    FIELD(no_head_norm, FIELD_BOOL), FIELD(unit, FIELD_BOOL), FIELD(regions, FIELD_BOOL),
};
#define FIELDS (sizeof fields / sizeof fields[0])

/* NULL: zero, to be left out (ok stays true), or no memory (ok becomes false). */
static json_t *field_to_json(const urs_model_options *o, const field *f, bool *ok)
{
    const char *at = (const char *)o + f->offset;
    json_t *value = NULL;
    int32_t i;
    float x;
    bool b;
    switch (f->type) {
    case FIELD_INT:
        memcpy(&i, at, sizeof i);
        if (i == 0)
            return NULL;
        value = json_integer(i);
        break;
    case FIELD_BOOL:
        memcpy(&b, at, sizeof b);
        if (!b)
            return NULL;
        value = json_true();
        break;
    case FIELD_SHARE:
        memcpy(&x, at, sizeof x);
        if (x == 0.0f)
            return NULL;
        value = json_real((double)x);
        break;
    }
    *ok = *ok && value;
    return value;
}

static bool add_hidden(json_t *root, const urs_model_options *o)
{
    json_t *list;
    if (!o->hidden[0])
        return true;
    list = json_array();
    for (int i = 0; list && i < URS_MODEL_HIDDEN_MAX && o->hidden[i]; i++) {
        if (json_array_append_new(list, json_integer(o->hidden[i])) != 0) {
            json_decref(list);
            return false;
        }
    }
    return list && json_object_set_new(root, "hidden", list) == 0;
}

urs_status urs_model_options_to_json(char **out, const urs_model_options *options, urs_error *err)
{
    json_t *root = NULL;
    char *text = NULL, *copy = NULL;
    urs_status status = urs_model_options_check(options, err);
    bool ok = true;

    if (status != URS_OK)
        return status;
    root = json_object();
    ok = root && json_object_set_new(root, "arch", json_string(options->arch)) == 0;
    for (size_t i = 0; ok && i < FIELDS; i++) {
        json_t *value = field_to_json(options, &fields[i], &ok);
        if (value)
            ok = json_object_set_new(root, fields[i].key, value) == 0 && ok;
    }
    if (ok && options->head != URS_HEAD_MLP)
        ok = json_object_set_new(root, "head", json_string(head_names[options->head])) == 0;
    ok = ok && add_hidden(root, options);
    text = ok ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;
    copy = urs_strdup(text); /* jansson's memory ends here: callers release with urs_free */
    if (!copy) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the options of a model");
        goto done;
    }
    *out = copy;
done:
    free(text);
    json_decref(root);
    return status;
}

static urs_status field_from_json(urs_model_options *o, const field *f, const json_t *value, urs_error *err)
{
    char *at = (char *)o + f->offset;
    switch (f->type) {
    case FIELD_INT: {
        int32_t i;
        if (!json_is_integer(value) || json_integer_value(value) > INT32_MAX || json_integer_value(value) < INT32_MIN)
            return urs_fail(err, URS_EFORMAT, "model options: \"%s\" is no whole number", f->key);
        i = (int32_t)json_integer_value(value);
        memcpy(at, &i, sizeof i);
        return URS_OK;
    }
    case FIELD_BOOL: {
        const bool b = json_is_true(value);
        if (!json_is_boolean(value))
            return urs_fail(err, URS_EFORMAT, "model options: \"%s\" is neither true nor false", f->key);
        memcpy(at, &b, sizeof b);
        return URS_OK;
    }
    case FIELD_SHARE: {
        const double x = json_number_value(value);
        float as_float;
        if (!json_is_number(value) || !(x >= -1.0 && x < 1.0))
            return urs_fail(err, URS_EFORMAT, "model options: \"%s\" is no number between -1 and 1", f->key);
        as_float = (float)x;
        memcpy(at, &as_float, sizeof as_float);
        return URS_OK;
    }
    }
    return URS_OK;
}

static urs_status hidden_from_json(urs_model_options *o, const json_t *list, urs_error *err)
{
    if (!json_is_array(list) || json_array_size(list) > URS_MODEL_HIDDEN_MAX)
        return urs_fail(err, URS_EFORMAT, "model options: \"hidden\" is no list of at most %d numbers", URS_MODEL_HIDDEN_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > INT32_MAX)
            return urs_fail(err, URS_EFORMAT, "model options: a width in \"hidden\" is no whole number above 0");
        o->hidden[i] = (int32_t)json_integer_value(value);
    }
    return URS_OK;
}

static urs_status head_from_json(urs_model_options *o, const json_t *value, urs_error *err)
{
    for (size_t i = 0; i < sizeof head_names / sizeof head_names[0]; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), head_names[i]) == 0) {
            o->head = (urs_head_kind)i;
            return URS_OK;
        }
    }
    return urs_fail(err, URS_EFORMAT, "model options: \"head\" is neither \"mlp\" nor \"plain\"");
}

static urs_status options_from_object(urs_model_options *o, const json_t *root, urs_error *err)
{
    const char *arch = json_string_value(json_object_get(root, "arch"));
    const json_t *value;
    urs_status status;
    if (!arch || strlen(arch) >= sizeof o->arch)
        return urs_fail(err, URS_EFORMAT, "model options: \"arch\" is missing or no name of an architecture");
    memcpy(o->arch, arch, strlen(arch) + 1);
    for (size_t i = 0; i < FIELDS; i++) {
        value = json_object_get(root, fields[i].key);
        if (value && (status = field_from_json(o, &fields[i], value, err)) != URS_OK)
            return status;
    }
    value = json_object_get(root, "head");
    if (value && (status = head_from_json(o, value, err)) != URS_OK)
        return status;
    value = json_object_get(root, "hidden");
    if (value && (status = hidden_from_json(o, value, err)) != URS_OK)
        return status;
    if ((status = urs_model_options_check(o, err)) != URS_OK)
        urs_error_prefix(err, "model options: ");
    return status;
}

urs_status urs_model_options_from_json(urs_model_options *out, const char *json, urs_error *err)
{
    urs_model_options o = {0};
    json_error_t why;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &why);
    urs_status status;
    if (!json_is_object(root)) {
        status = root ? urs_fail(err, URS_EFORMAT, "model options are no JSON object") : urs_fail(err, URS_EFORMAT, "model options are no JSON: %s", why.text);
        goto done;
    }
    status = options_from_object(&o, root, err);
    if (status == URS_OK)
        *out = o;
done:
    json_decref(root);
    return status;
}
