/* Between a graph's parameter block and named tensors; see weights.h. */
#include "base/memory.h"
#include "base/text.h"
#include "nn/weights.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 512

/* "[64, 3, 3, 3]" */
static void shape_text(char *out, size_t size, int32_t rank, const int64_t *shape)
{
    size_t at = (size_t)snprintf(out, size, "[");
    for (int32_t i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, i ? ", %lld" : "%lld", (long long)shape[i]);
    if (at < size)
        (void)snprintf(out + at, size - at, "]");
}

static bool same_shape(const urs_param *p, const urs_weight *w)
{
    return p->rank == w->rank && memcmp(p->shape, w->shape, (size_t)p->rank * sizeof *p->shape) == 0;
}

/* Equal once the dimensions of 1 are left out: then the elements are in the same order too. */
static bool same_without_ones(const urs_param *p, const urs_weight *w)
{
    int32_t i = 0, k = 0;
    for (;;) {
        while (i < p->rank && p->shape[i] == 1)
            i++;
        while (k < w->rank && w->shape[k] == 1)
            k++;
        if (i == p->rank || k == w->rank)
            return i == p->rank && k == w->rank;
        if (p->shape[i++] != w->shape[k++])
            return false;
    }
}

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Name of a parameter in the file; false: none, leave it alone. */
static bool file_name(const urs_load_options *o, const char *param, char *out, size_t size)
{
    const char *from = o->graph_prefix ? o->graph_prefix : "", *to = o->file_prefix ? o->file_prefix : "";
    for (size_t i = 0; i < o->n_skip; i++)
        if (begins(param, o->skip[i]))
            return false;
    if (o->rename)
        return o->rename(o->rename_context, param, out, size);
    if (begins(param, from))
        (void)snprintf(out, size, "%s%s", to, param + strlen(from));
    else
        (void)snprintf(out, size, "%s", param);
    return true;
}

static bool is_counter(const char *name)
{
    const char *tail = strrchr(name, '.');
    return strcmp(tail ? tail + 1 : name, "num_batches_tracked") == 0;
}

/* Which tensors of the file were asked for: one flag each. */
static void count_unexpected(urs_load_report *r, const urs_weights *w, const bool *used, char *first, size_t size)
{
    for (size_t i = 0; i < urs_weights_count(w); i++) {
        const char *name = urs_weights_at(w, i)->name;
        if (used[i] || is_counter(name))
            continue;
        if (r->unexpected++ == 0)
            (void)snprintf(first, size, "%s", name);
    }
}

static void write_sentence(urs_load_report *r, const char *missing, const char *mismatched, const char *unexpected)
{
    size_t at = 0;
    const size_t size = sizeof r->sentence;
    r->sentence[0] = '\0';
    if (r->missing)
        at += (size_t)snprintf(r->sentence, size, "%d parameters are missing (first: %.80s)", (int)r->missing, missing);
    if (r->mismatched && at < size)
        at += (size_t)snprintf(r->sentence + at, size - at, "%s%d have another shape (first: %.150s)", at ? ", " : "", (int)r->mismatched, mismatched);
    if (r->unexpected && at < size)
        (void)snprintf(r->sentence + at, size - at, "%s%d tensors are not used (first: %.80s)", at ? ", " : "", (int)r->unexpected, unexpected);
}

urs_status urs_weights_load_into(const urs_graph *graph, float *block, const urs_weights *w, const urs_load_options *options, urs_load_report *report,
                                 urs_error *err)
{
    static const urs_load_options zero;
    const urs_load_options *o = options ? options : &zero;
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    const urs_weight *base = urs_weights_count(w) ? urs_weights_at(w, 0) : NULL;
    const urs_weight **found = urs_array_new((size_t)n, sizeof *found);
    bool *used = urs_array_new(urs_weights_count(w), sizeof *used);
    urs_load_report r = {0};
    char missing[NAME_MAX_BYTES] = "", mismatched[NAME_MAX_BYTES] = "", unexpected[NAME_MAX_BYTES] = "";
    urs_status status = URS_OK;

    if (!found || !used) {
        status = urs_fail(err, URS_ENOMEM, "no memory to load %d parameters", (int)n);
        goto done;
    }
    for (int32_t i = 0; i < n; i++) {
        const urs_param *p = &params[i];
        char name[NAME_MAX_BYTES] = "";
        const urs_weight *t;
        if (!file_name(o, p->name, name, sizeof name)) {
            r.skipped++;
            /* Its tensor is in the file on purpose, so it is not a surprise either. */
            t = urs_weights_find(w, p->name);
            if (t)
                used[t - base] = true;
            continue;
        }
        t = urs_weights_find(w, name);
        if (!t) {
            if (r.missing++ == 0)
                (void)snprintf(missing, sizeof missing, "%s", name);
            continue;
        }
        used[t - base] = true;
        if (t->count != p->count || !(same_shape(p, t) || (o->reshape && same_without_ones(p, t)))) {
            char a[96], b[96];
            shape_text(a, sizeof a, p->rank, p->shape);
            shape_text(b, sizeof b, t->rank, t->shape);
            if (r.mismatched++ == 0)
                (void)snprintf(mismatched, sizeof mismatched, "%.60s is %s, the graph has %s", name, b, a);
            continue;
        }
        found[i] = t;
        r.loaded++;
    }
    count_unexpected(&r, w, used, unexpected, sizeof unexpected);
    write_sentence(&r, missing, mismatched, unexpected);
    if (report)
        *report = r;
    if (!o->partial && (r.missing || r.mismatched)) {
        status = urs_fail(err, URS_EMISMATCH, "the weights do not fit the graph: %s", r.sentence);
        goto done;
    }
    for (int32_t i = 0; i < n; i++)
        if (found[i])
            memcpy(block + params[i].offset, found[i]->data, params[i].count * sizeof *block);
done:
    urs_free(found);
    urs_free(used);
    return status;
}

urs_status urs_weights_from_block(urs_weights **out, const urs_graph *graph, const float *block, urs_error *err)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    urs_weights *w = NULL;
    urs_status status = urs_weights_new(&w, err);

    for (int32_t i = 0; i < n && status == URS_OK; i++)
        status = urs_weights_add(w, params[i].name, params[i].rank, params[i].shape, block + params[i].offset, err);
    if (status != URS_OK) {
        urs_weights_free(w);
        return status;
    }
    *out = w;
    return URS_OK;
}
