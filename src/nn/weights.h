/* Weights: an owned collection of named tensors with metadata, and the files they come from and go to.
 *
 * The native file is safetensors (https://github.com/huggingface/safetensors, format description), with our keys as strings in `__metadata__`.
 * PyTorch .pth/.pt (zip and the older raw one), Keras .h5/.keras and TFLite are read only. All readers take hostile bytes: bounds and limits are checked before
 * anything is allocated, and a .pth is never executed (pth.c is an interpreter of tensors and containers, nothing else).
 *
 * Whatever a file stores (f16, bf16, f64, integers, bool), `data` is float32: converted at load. `stored` remembers what it was.
 *
 *      file bytes --urs_weights_read--> urs_weights --urs_weights_load_into--> parameter block of a graph
 *                                            ^                                        |
 *      file bytes <--write_safetensors-------+----------urs_weights_from_block--------+
 *
 * One owner at a time; once filled, any number of threads may read. */
#ifndef URS_NN_WEIGHTS_H
#define URS_NN_WEIGHTS_H

#include "nn/graph.h"

#define URS_WEIGHTS_RANK_MAX 8
#define URS_WEIGHTS_FINGERPRINT 65 /* 64 hex digits and a zero */

typedef enum urs_weight_type {
    URS_WEIGHT_F32,
    URS_WEIGHT_F16,
    URS_WEIGHT_BF16,
    URS_WEIGHT_F64,
    URS_WEIGHT_I8,
    URS_WEIGHT_U8,
    URS_WEIGHT_I16,
    URS_WEIGHT_U16,
    URS_WEIGHT_I32,
    URS_WEIGHT_U32,
    URS_WEIGHT_I64,
    URS_WEIGHT_U64,
    URS_WEIGHT_BOOL
} urs_weight_type;

size_t urs_weight_type_size(urs_weight_type type);      /* bytes of one element */
const char *urs_weight_type_name(urs_weight_type type); /* as in safetensors: "F32", "BF16", "BOOL" ... */

typedef struct urs_weight {
    char *name;                          /* owned by the collection */
    urs_weight_type stored;              /* as it was in the file; F32 for those added in memory */
    int32_t rank;                        /* 0: a scalar, one element */
    int64_t shape[URS_WEIGHTS_RANK_MAX]; /* each >= 0; slowest dimension first */
    size_t count;                        /* product of shape */
    float *data;                         /* owned by the collection, `count` elements, row-major */
} urs_weight;

typedef struct urs_weights urs_weights;

/* Empty collection, owned. URS_ENOMEM. */
urs_status urs_weights_new(urs_weights **out, urs_error *err) URS_CHECKED;
void urs_weights_free(urs_weights *w); /* NULL is fine */

/* Adds a tensor; name, shape and data are copied. data NULL: zeros. URS_EINVAL: empty or repeated name, wrong rank or dimension; URS_ENOMEM. */
urs_status urs_weights_add(urs_weights *w, const char *name, int32_t rank, const int64_t *shape, const float *data, urs_error *err) URS_CHECKED;

/* Adds a tensor whose little-endian elements of type `stored` are converted. `bytes` must be count * size of the type. For readers. */
urs_status urs_weights_add_raw(urs_weights *w, const char *name, urs_weight_type stored, int32_t rank, const int64_t *shape, const void *bytes,
                               urs_error *err) URS_CHECKED;

/* Borrowed, valid until something is added. NULL: none. */
const urs_weight *urs_weights_find(const urs_weights *w, const char *name);
size_t urs_weights_count(const urs_weights *w);
const urs_weight *urs_weights_at(const urs_weights *w, size_t index); /* in the order of the file or of adding */
float *urs_weights_data(urs_weights *w, const char *name);            /* borrowed, to change values in place; NULL: none */

/* Metadata: strings under keys. Copied; a key that exists is replaced; value NULL removes it. */
urs_status urs_weights_set_metadata(urs_weights *w, const char *key, const char *value, urs_error *err) URS_CHECKED;
const char *urs_weights_metadata(const urs_weights *w, const char *key); /* borrowed; NULL: none */
size_t urs_weights_metadata_count(const urs_weights *w);
void urs_weights_metadata_at(const urs_weights *w, size_t index, const char **key, const char **value); /* sorted by key, borrowed */

/* Reads a file, whose kind follows from its bytes, not from its name:
 *      "PK\3\4"            zip: Keras, if model.weights.h5 is in it, else PyTorch >= 1.6
 *      0x89 "HDF"          HDF5: Keras' weights (keras.h)
 *      0x80 0x02 0x8a ...  pickle of the magic number: PyTorch < 1.6
 *      bytes 4..7 "TFL3"   TFLite: constant float tensors of subgraph 0, by their names
 *      u64 then '{'        safetensors
 * The error's sentence begins with the path. Files up to 4 GiB. */
urs_status urs_weights_read(urs_weights **out, const char *path, urs_error *err) URS_CHECKED;
urs_status urs_weights_read_memory(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;

/* The single readers, on bytes in memory (borrowed). */
urs_status urs_safetensors_read(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;
urs_status urs_pth_read(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;

/* Writes safetensors, atomically. The same collection gives the same bytes: F32 tensors first, then F16, each sorted by name; metadata sorted by key;
 * header padded with spaces so that the data start at a multiple of 8 bytes. URS_WEIGHT_F32 or URS_WEIGHT_F16; with F16 vectors, [c,1,1] included, and scalars (biases, norms,
 * running statistics, layer scales) and tensors with finite values beyond half's range stay F32, which costs about a percent and keeps small variances exact. */
urs_status urs_weights_write_safetensors(const char *path, const urs_weights *w, urs_weight_type type, urs_error *err) URS_CHECKED;

/* SHA-256 in hex over names, shapes and float32 values, sorted by name (metadata not included): tells models apart, whatever file they came from. */
void urs_weights_fingerprint(const urs_weights *w, char out[URS_WEIGHTS_FINGERPRINT]);

/* Name in the file for a parameter of the graph, written to out (zero-terminated); false: this parameter has no counterpart (it stays as it is
 * and is not counted as missing). */
typedef bool urs_weights_rename(void *context, const char *parameter, char *out, size_t out_size);

/* The zero value: strict, same names, same shapes. */
typedef struct urs_load_options {
    bool partial;                   /* missing and mismatched parameters stay as they are instead of failing */
    bool reshape;                   /* [o,i] <-> [o,i,1,1], [c] <-> [c,1,1] and the like: shapes equal once dimensions of 1 are left out */
    const char *graph_prefix;       /* parameters of the graph that begin so look for file_prefix + the rest; NULL: "" */
    const char *file_prefix;        /* NULL: "" */
    urs_weights_rename *rename;     /* instead of the prefixes; may be NULL */
    void *rename_context;
    const char *const *skip;        /* parameters of the graph that begin with one of these stay as they are (a classifier of other size) */
    size_t n_skip;
} urs_load_options;

typedef struct urs_load_report {
    int32_t loaded;
    int32_t missing;    /* parameters of the graph without a tensor */
    int32_t mismatched; /* found, but with another shape */
    int32_t skipped;    /* by `skip` or by `rename` */
    int32_t unexpected; /* tensors of the file that no parameter asked for; `num_batches_tracked` counters are never counted */
    char sentence[400]; /* one sentence that names the first of each kind; "" when all fit */
} urs_load_report;

/* Copies tensors into a parameter block (urs_graph_block_elements floats). Strict: URS_EMISMATCH, block untouched, when something is missing or has another
 * shape; unexpected tensors are only reported. options, report may be NULL. */
urs_status urs_weights_load_into(const urs_graph *graph, float *block, const urs_weights *w, const urs_load_options *options, urs_load_report *report,
                                 urs_error *err) URS_CHECKED;

/* New owned collection with every parameter of the graph, in its order, without metadata. */
urs_status urs_weights_from_block(urs_weights **out, const urs_graph *graph, const float *block, urs_error *err) URS_CHECKED;

#endif
