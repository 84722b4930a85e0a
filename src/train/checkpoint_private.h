/* The header of a checkpoint: safetensors' JSON, written and read. */
#ifndef URS_TRAIN_CHECKPOINT_PRIVATE_H
#define URS_TRAIN_CHECKPOINT_PRIVATE_H

#include "train/checkpoint.h"

#define URS_CHECKPOINT_BLOCKS_MAX 4

typedef struct urs_checkpoint_block {
    const char *name;
    float *data;
} urs_checkpoint_block;

typedef struct urs_checkpoint_header {
    uint64_t graph;
    const char *optimiser, *options; /* borrowed; after reading: inside *memory */
    size_t elements;                 /* of every block */
    size_t n_blocks;                 /* after reading */
    uint64_t steps, batches;
    urs_checkpoint state;
} urs_checkpoint_header;

/* Owned text, padded with spaces so that the blocks start at a multiple of 8 bytes. */
urs_status urs_checkpoint_header_write(char **text, size_t *length, const urs_checkpoint_header *header, const urs_checkpoint_block *blocks, size_t n,
                                       urs_error *err) URS_CHECKED;

/* Hostile bytes in. *memory owned: what the strings of the header point into. URS_EFORMAT, URS_ENOMEM. */
urs_status urs_checkpoint_header_read(urs_checkpoint_header *out, char **memory, const char *text, size_t length, urs_error *err) URS_CHECKED;

#endif
