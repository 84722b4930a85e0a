/* Inside the chain: what chain.c (many files) and chain_file.c (one file) share. Users include chain.h. */
#ifndef URS_STAGES_CHAIN_PRIVATE_H
#define URS_STAGES_CHAIN_PRIVATE_H

#include "base/pool.h"
#include "stages/chain.h"

#define URS_CHAIN_CHIP_MAX 2048

typedef struct urs_chain_worker { /* owned by one thread during a run; NULL: the stage is left out */
    urs_sifter *sifter;
    urs_finder *finder;
    urs_embedder *embedder;
} urs_chain_worker;

struct urs_chain {
    urs_chain_options options;  /* side filled in, paths NULL */
    urs_network *sift, *find, *embed; /* owned; NULL: left out */
    urs_decode_options decode;
    urs_pool *pool;             /* owned */
    urs_chain_worker *workers;  /* owned, one a thread */
};

/* Everything about one file. result: file and index are set; the rest is filled, with the error if there was one. Never fails otherwise. */
void urs_chain_file(const urs_chain *chain, urs_chain_worker *worker, urs_chain_result *result);

/* How large a picture must be decoded so that each region has `side` pixels on its longer side; at least `least`. */
urs_decode_options urs_chain_regions_decode(const urs_decode_options *least, const urs_region *regions, size_t n, int32_t side);
/* Heads in the regions, in pixels of the picture; owned, falling score, none twice. */
urs_status urs_chain_find_in(urs_detections *out, urs_finder *finder, const urs_image *picture, const urs_region *regions, size_t n, urs_error *err) URS_CHECKED;

#endif
