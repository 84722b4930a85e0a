/* The networks behind enroll, identify and eval chain: which weights, opened as a chain, and what the catalogue needs to know about them. */
#ifndef URS_CLI_HEAD_MODELS_H
#define URS_CLI_HEAD_MODELS_H

#include "catalogue/catalogue.h"
#include "catalogue/head_facts.h"
#include "catalogue/identify.h"
#include "cli/engine_option.h"
#include "cli/option.h"
#include "stages/chain.h"

#include <stdio.h>

typedef struct urs_head_arguments {
    const char *sift, *find, *embed; /* weight files; NULL: those that ship with the program */
    bool chips_in, no_sift;
    double score;                    /* of find; 0: the weight file's */
    urs_engine_choice engine;        /* must live as long as the models */
} urs_head_arguments;

#define URS_HEAD_OPTIONS(a)                                                                                                            \
    URS_OPTION_FLAG("chips-in", &(a)->chips_in, "every file is one head, cut out already: no sift, no find"),                         \
        URS_OPTION_TEXT("model-find", "W", &(a)->find, "weights that find heads; default: those that come with ursid"),              \
        URS_OPTION_TEXT("model-embed", "W", &(a)->embed, "weights that tell bears apart; default: those that come with ursid"),      \
        URS_OPTION_DOUBLE("score", "S", &(a)->score, 0, 1, "a head must be found with more than this; 0: as the weights say")

typedef struct urs_head_models {
    urs_chain *chain;               /* owned */
    urs_catalogue_model model;      /* borrowed from the chain */
    urs_calibration calibration;    /* owned */
    urs_verdict_options verdict;
    bool calibrated;
    char *sift, *find, *embed;      /* owned paths; NULL: stage left out */
} urs_head_models;

/* sift is used unless no_sift or chips_in. base: further options of the chain (threads, backend, keep_picture). */
urs_status urs_head_models_open(urs_head_models *out, const urs_head_arguments *a, const urs_chain_options *base, urs_error *err) URS_CHECKED;
void urs_head_models_close(urs_head_models *m);

/* "find.safetensors 1a2b3c4d" of the stages in use, for reports and journal keys. */
void urs_head_models_describe(const urs_head_models *m, urs_text *out);

#endif
