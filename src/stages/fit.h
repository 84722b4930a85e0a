/* The training loop that the three stages share: prefetching, schedule, checkpoints, validation, the best weights so far.
 *
 *      start or resume -> epoch: steps (prefetch -> trainer step) -> validate -> better? write OUT -> checkpoint -> next epoch
 *
 * Files:  OUT             the best weights so far by validation score (written whenever they improve, so an interrupted run leaves a usable model); the last ones with keep_last
 *         OUT.checkpoint  everything to go on to the same bytes; removed by nobody
 *         OUT.log         one line an epoch
 *
 * One call is one training; it blocks. */
#ifndef URS_STAGES_FIT_H
#define URS_STAGES_FIT_H

#include "quant/deploy.h"
#include "stages/network.h"
#include "train/schedule.h"
#include "train/trainer.h"

typedef struct urs_fit_options {
    const char *out;         /* borrowed; required */
    int32_t epochs;          /* 0: the task's default */
    int32_t batch;           /* 0: the task's default */
    int32_t accumulate;      /* micro-batches of `batch` in a step; 0: 1 */
    int32_t threads;         /* 0: cores on line */
    int32_t validate_every;  /* epochs; 0: 1 */
    uint64_t seed;
    bool resume;
    bool full_precision;     /* write F32 instead of F16 */
    double lr;               /* 0: the task's default */
    bool (*cancelled)(void); /* asked between steps; may be NULL */
    const char *backend;     /* NULL: the fastest */
    const char *command;     /* the command line, for the notes; may be NULL */
    urs_deploy *qat;         /* quantisation-aware training of a calibrated deployed network of the same architecture (borrowed, changes); validation is on int8, and OUT is the int8
                                network (int8_network.h). The rate is a tenth of the task's default. NULL: float */
    bool qat_ema;            /* ranges by moving average instead of learned steps; they freeze after 70 % of the steps */
    bool quiet;
} urs_fit_options;

typedef struct urs_fit_task {
    void *context;
    const char *name;            /* "embed" */
    uint64_t steps_per_epoch;    /* optimiser steps */
    size_t slot_bytes;           /* one prepared micro-batch; begins with the input tensor [batch,3,h,w] */
    urs_trainer_options trainer; /* threads, batch, seed, backend are filled in by the loop */
    urs_schedule schedule;       /* of group 0; lr, steps filled in */
    double momentum_start;       /* momentum during warm-up begins here; 0: no ramp */
    double momentum;             /* SGD */
    double bias_warmup_start;    /* > 0: rate of group other_group at step 0 of the warm-up (YOLO) */
    bool keep_last;              /* OUT is the average at the end of a fixed schedule, whatever validation says: with few validation pictures the best of many epochs is luck */
    const char *settings;        /* text of everything that changes the result, for the checkpoint */

    /* Fills a slot with micro-batch `index`, a pure function of it; several at once from different workers. */
    urs_status (*make)(void *context, uint64_t index, void *slot, int worker, urs_error *err);
    urs_status (*open)(void *context, void *slot, urs_error *err);  /* (optional), see prefetch.h */
    void (*close)(void *context, void *slot);
    /* As urs_trainer_calls, with the slot. prepare and combine are optional. */
    urs_status (*prepare)(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, urs_error *err);
    urs_status (*combine)(void *context, urs_error *err);
    urs_status (*loss)(void *context, void *slot, int32_t shard, int32_t first, int32_t count, urs_plan *plan, const float *extra, float *d_extra,
                       double *value, urs_error *err);
    /* Score of these parameters, higher is better, and a line about it; NaN: there is nothing to validate on, and the last parameters are kept. Runs in the calling thread between epochs, on the trainer's pool. */
    urs_status (*validate)(void *context, const float *params, urs_pool *pool, double *score, char *line, size_t line_size, urs_error *err);
    /* (optional) Fills extra parameters of a new run. */
    void (*start_extra)(void *context, float *extra, uint64_t seed);
} urs_fit_task;

typedef struct urs_fit_report {
    bool validated;             /* there were data to validate on; if not, OUT holds the weights of the end */
    double best;                /* validation score; 0 when not validated */
    int32_t best_epoch, epochs; /* of the best one, from 0; done */
    double seconds, images_per_second;
} urs_fit_report;

/* network: starting weights; its params end as the best ones. Its notes are written with them. */
urs_status urs_fit_run(urs_network *network, const urs_fit_task *task, const urs_fit_options *options, urs_fit_report *report, urs_error *err) URS_CHECKED;

#endif
