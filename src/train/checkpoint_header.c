/* The header of a checkpoint; see checkpoint_private.h and checkpoint.h. */
#include "train/checkpoint_private.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The 64-bit words of a state, in the order in which they are written. */
#define WORDS (5 + 5 * URS_CHECKPOINT_RANDOMS)

static void words_of(uint64_t words[WORDS], const urs_checkpoint_header *h)
{
    size_t n = 0;

    words[n++] = h->steps;
    words[n++] = h->batches;
    words[n++] = h->state.epoch;
    memcpy(&words[n++], &h->state.best, sizeof(uint64_t));
    words[n++] = h->state.best_epoch;
    for (int i = 0; i < URS_CHECKPOINT_RANDOMS; i++)
        for (int k = 0; k < 4; k++)
            words[n++] = h->state.randoms[i].state[k];
    for (int i = 0; i < URS_CHECKPOINT_RANDOMS; i++)
        words[n++] = h->state.counters[i];
}

static void from_words(urs_checkpoint_header *h, const uint64_t words[WORDS])
{
    size_t n = 0;

    h->steps = words[n++];
    h->batches = words[n++];
    h->state.epoch = words[n++];
    memcpy(&h->state.best, &words[n++], sizeof(uint64_t));
    h->state.best_epoch = words[n++];
    for (int i = 0; i < URS_CHECKPOINT_RANDOMS; i++)
        for (int k = 0; k < 4; k++)
            h->state.randoms[i].state[k] = words[n++];
    for (int i = 0; i < URS_CHECKPOINT_RANDOMS; i++)
        h->state.counters[i] = words[n++];
}

static int set_string(json_t *object, const char *key, const char *value)
{
    return json_object_set_new(object, key, json_string(value));
}

urs_status urs_checkpoint_header_write(char **text, size_t *length, const urs_checkpoint_header *header, const urs_checkpoint_block *blocks, size_t n,
                                       urs_error *err)
{
    json_t *root = json_object(), *meta = json_object();
    urs_text state = {0}, padded = {0};
    char graph[17], *dump = NULL;
    uint64_t words[WORDS];
    const size_t bytes = header->elements * sizeof(float);
    int bad = 0;
    urs_status status = URS_OK;

    words_of(words, header);
    for (size_t i = 0; i < WORDS; i++)
        urs_text_format(&state, "%s%016" PRIx64, i ? " " : "", words[i]);
    (void)snprintf(graph, sizeof(graph), "%016" PRIx64, header->graph);
    bad |= set_string(meta, "ursid.kind", "checkpoint");
    bad |= set_string(meta, "ursid.format", "1");
    bad |= set_string(meta, "ursid.graph", graph);
    bad |= set_string(meta, "ursid.optimiser", header->optimiser);
    bad |= set_string(meta, "ursid.options", header->options);
    bad |= set_string(meta, "ursid.state", urs_text_string(&state));
    bad |= json_object_set(root, "__metadata__", meta);
    for (size_t i = 0; i < n; i++)
        bad |= json_object_set_new(root, blocks[i].name,
                                   json_pack("{s:s, s:[I], s:[I,I]}", "dtype", "F32", "shape", (json_int_t)header->elements, "data_offsets",
                                             (json_int_t)(i * bytes), (json_int_t)((i + 1) * bytes)));
    dump = bad || !urs_text_ok(&state) ? NULL : json_dumps(root, JSON_COMPACT);
    if (!dump) {
        status = urs_fail(err, URS_EINVAL, "the header of a checkpoint cannot be written: its options must be UTF-8 text");
        goto done;
    }
    urs_text_add(&padded, dump);
    while (padded.length % 8 != 0 && urs_text_ok(&padded))
        urs_text_add(&padded, " ");
    *length = padded.length;
    *text = urs_text_take(&padded);
    if (!*text)
        status = urs_fail(err, URS_ENOMEM, "no memory for the header of a checkpoint");
done:
    free(dump);
    json_decref(root);
    json_decref(meta);
    urs_text_release(&state);
    urs_text_release(&padded);
    return status;
}

static bool read_words(const char *s, uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int used = 0;

        if (sscanf(s, "%16" SCNx64 "%n", &words[i], &used) != 1)
            return false;
        s += used;
    }
    return *s == 0;
}

/* Blocks must lie side by side in the order in which we write them, all of one size. */
static bool read_blocks(urs_checkpoint_header *h, const json_t *root)
{
    static const char *const names[URS_CHECKPOINT_BLOCKS_MAX] = {"params", "optimiser.0", "optimiser.1", "average"};
    const size_t tensors = json_object_size(root) - 1;
    json_int_t at = 0;

    for (size_t i = 0; i < URS_CHECKPOINT_BLOCKS_MAX; i++) {
        const json_t *tensor = json_object_get(root, names[i]), *shape = json_object_get(tensor, "shape"), *range = json_object_get(tensor, "data_offsets");
        const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
        const json_int_t elements = json_integer_value(json_array_get(shape, 0));

        if (!tensor)
            continue;
        if (!dtype || strcmp(dtype, "F32") != 0 || json_array_size(shape) != 1 || elements < 1 || elements > ((json_int_t)1 << 40))
            return false;
        if (h->n_blocks > 0 && (size_t)elements != h->elements)
            return false;
        h->elements = (size_t)elements;
        if (json_array_size(range) != 2 || json_integer_value(json_array_get(range, 0)) != at ||
            json_integer_value(json_array_get(range, 1)) != at + 4 * elements)
            return false;
        at += 4 * elements;
        h->n_blocks++;
    }
    return h->n_blocks >= 2 && h->n_blocks == tensors;
}

urs_status urs_checkpoint_header_read(urs_checkpoint_header *out, char **memory, const char *text, size_t length, urs_error *err)
{
    urs_checkpoint_header h = {0};
    uint64_t words[WORDS];
    json_error_t why;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why), *meta = json_object_get(root, "__metadata__");
    const char *kind = json_string_value(json_object_get(meta, "ursid.kind")), *format = json_string_value(json_object_get(meta, "ursid.format"));
    const char *graph = json_string_value(json_object_get(meta, "ursid.graph")), *state = json_string_value(json_object_get(meta, "ursid.state"));
    const char *optimiser = json_string_value(json_object_get(meta, "ursid.optimiser")), *options = json_string_value(json_object_get(meta, "ursid.options"));
    urs_status status = URS_OK;
    char *strings;

    if (!root || !kind || strcmp(kind, "checkpoint") != 0) {
        status = urs_fail(err, URS_EFORMAT, "not a checkpoint of a training");
        goto done;
    }
    if (!format || strcmp(format, "1") != 0) {
        status = urs_fail(err, URS_EUNSUPPORTED, "a checkpoint of format '%.20s', but this program knows format 1", format ? format : "");
        goto done;
    }
    if (!graph || !read_words(graph, &h.graph, 1) || !state || !read_words(state, words, WORDS) || !optimiser || !options || !read_blocks(&h, root)) {
        status = urs_fail(err, URS_EFORMAT, "the header of the checkpoint is damaged");
        goto done;
    }
    from_words(&h, words);
    strings = urs_array_new(strlen(optimiser) + strlen(options) + 2, 1);
    if (!strings) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the header of a checkpoint");
        goto done;
    }
    memcpy(strings, optimiser, strlen(optimiser) + 1);
    memcpy(strings + strlen(optimiser) + 1, options, strlen(options) + 1);
    h.optimiser = strings;
    h.options = strings + strlen(optimiser) + 1;
    *memory = strings;
    *out = h;
done:
    json_decref(root);
    return status;
}
