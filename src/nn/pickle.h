/* A restricted interpreter of Python pickles (protocols 2 to 5): it builds containers, numbers, strings and descriptions of tensors, and nothing else.
 *
 * A pickle is a program for a stack machine that may name any Python callable. This interpreter has no way to call anything: a short list of names
 * that torch.save writes for plain tensors is understood (collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch.FloatStorage, ...), and any
 * other name ends the reading with a sentence that gives it. Private to src/nn. */
#ifndef URS_NN_PICKLE_H
#define URS_NN_PICKLE_H

#include "nn/weights.h"

typedef enum urs_pickle_kind {
    URS_PICKLE_NONE,
    URS_PICKLE_BOOL,
    URS_PICKLE_INT,
    URS_PICKLE_FLOAT,
    URS_PICKLE_TEXT,    /* str or bytes */
    URS_PICKLE_TUPLE,
    URS_PICKLE_LIST,
    URS_PICKLE_DICT,    /* dict or OrderedDict: key, value, key, value ... in `items` */
    URS_PICKLE_NAME,    /* one of the names that are understood */
    URS_PICKLE_STORAGE, /* persistent id of a storage */
    URS_PICKLE_TENSOR
} urs_pickle_kind;

typedef struct urs_pickle_value urs_pickle_value;
struct urs_pickle_value {
    urs_pickle_kind kind;
    urs_pickle_value *next; /* list of all values of the pickle */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *data; /* borrowed from the stream, not terminated */
            size_t size;
        } text;
        struct {
            urs_pickle_value **items;
            size_t count, capacity;
        } list; /* TUPLE, LIST, DICT */
        int name;
        struct {
            urs_weight_type type;
            const urs_pickle_value *key; /* TEXT */
            uint64_t count;              /* elements */
        } storage;
        struct {
            const urs_pickle_value *storage;
            uint64_t offset; /* all in elements */
            int32_t rank;
            int64_t shape[URS_WEIGHTS_RANK_MAX], stride[URS_WEIGHTS_RANK_MAX];
        } tensor;
    } as;
};

typedef struct urs_pickle {
    urs_pickle_value *all;  /* owned list */
    urs_pickle_value *root; /* borrowed from it */
    size_t consumed;        /* bytes up to and including STOP */
} urs_pickle;

/* Interprets the pickle at the beginning of data, which must stay until urs_pickle_release. */
urs_status urs_pickle_read(urs_pickle *out, const void *data, size_t size, urs_error *err) URS_CHECKED;
void urs_pickle_release(urs_pickle *p);

/* TEXT equal to s? */
bool urs_pickle_is_text(const urs_pickle_value *v, const char *s);

#endif
