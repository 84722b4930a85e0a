/* Checkpoints: everything that a training needs to go on to the same bytes as if it had never stopped.
 *
 * A safetensors file, written to a temporary file beside it, synced and renamed:
 *
 *      tensor       shape       content
 *      params       [elements]  the trainer's block (graph, statistics, extra)
 *      optimiser.0  [elements]  momentum (SGD) or first moment (AdamW)
 *      optimiser.1  [elements]  second moment (AdamW)
 *      average      [elements]  EMA, if there is one
 *
 *      __metadata__ key   content
 *      ursid.kind         "checkpoint"
 *      ursid.format       "1"
 *      ursid.graph        fingerprint of the graph, 16 hexadecimal digits
 *      ursid.optimiser    "sgd" or "adamw"
 *      ursid.options      the caller's text
 *      ursid.state        64-bit words in hexadecimal: steps, batches, epoch, best (the bits of the double), best epoch, generators, counters */
#ifndef URS_TRAIN_CHECKPOINT_H
#define URS_TRAIN_CHECKPOINT_H

#include "base/error.h"
#include "base/random.h"
#include "train/trainer.h"

#include <stddef.h>
#include <stdint.h>

#define URS_CHECKPOINT_RANDOMS 4

typedef struct urs_checkpoint {
    uint64_t epoch;                              /* epochs done */
    double best;                                 /* best validation score so far */
    uint64_t best_epoch;
    urs_random randoms[URS_CHECKPOINT_RANDOMS];  /* the caller's generators */
    uint64_t counters[URS_CHECKPOINT_RANDOMS];   /* anything else the caller counts */
} urs_checkpoint;

/* `options`: a text with every option that changes the result (seed, data, batch, threads, rates ...); a checkpoint with another text is refused.
 * URS_EIO, URS_ENOMEM. */
urs_status urs_checkpoint_save(const char *path, urs_trainer *trainer, const char *options, const urs_checkpoint *state, urs_error *err) URS_CHECKED;

/* Restores trainer and state; both untouched on failure, unless the disk fails in the middle of the blocks (URS_EIO). URS_ENOTFOUND: no file.
 * URS_EFORMAT: not a checkpoint. URS_EMISMATCH: of another graph, of another optimiser, or with other options (the sentence names the first
 * difference). */
urs_status urs_checkpoint_load(const char *path, urs_trainer *trainer, const char *options, urs_checkpoint *state, urs_error *err) URS_CHECKED;

/* Hash of a graph's operations, parameter names and shapes. */
uint64_t urs_graph_fingerprint(const urs_graph *graph);

#endif
