/* The chain: sift -> find -> chip -> embed over a list of files, streaming.
 *
 *      files --> worker: read, decode once --sift--> not empty --find--> heads --cut--> chips --embed--> vectors --+
 *            --> worker: ...                                                                                       +--> deliver, in the order of the files,
 *            --> ...                                                                                               +    in the thread that called urs_chain_run
 *
 *      ring of results   | i | i+1 | ... | i+R-1 |     R = 4 a thread: a worker that is R files ahead of the next one to deliver waits
 *
 * Every worker has plans of its own, so images never wait for each other; memory is that of the plans and of R results, however many files there are. A file that cannot be read
 * is delivered with its error, and the run goes on.
 *
 * A JPEG is decoded at the reduced size that find needs (sift looks at the same picture), so boxes are in pixels of that picture: divide by its size for fractions. A head that is
 * smaller there than a chip's side is cut from the picture decoded again at a larger size (at most 32 megapixels), because embed lives on detail (not with no_detail).
 *
 * Where another detector has said where the animals are (`regions`), find looks for heads in these parts only: in the picture as a whole, and in each part at its own
 * scale, decoded as large as that needs, so that small heads of distant animals come out larger.
 *
 * A urs_chain belongs to one thread at a time. */
#ifndef URS_STAGES_CHAIN_H
#define URS_STAGES_CHAIN_H

#include "image/decode.h"
#include "stages/chip.h"
#include "stages/embed.h"
#include "stages/find.h"
#include "stages/sift.h"

typedef struct urs_chain urs_chain;

typedef struct urs_region { /* part of a picture in fractions of its upright width and height */
    float x1, y1, x2, y2;
} urs_region;

typedef struct urs_chain_options {
    const char *sift, *find, *embed; /* weight files, borrowed during urs_chain_open; NULL: that stage is left out. find may be left out with chips_in, or when nothing follows sift. */
    bool chips_in;                   /* every file is one head that covers the whole picture: no sift, no find */
    bool bears_only;                 /* find looks only at frames that sift calls bear; default: at all that are not empty (sift may have taken a bear for another animal) */
    bool no_chips;                   /* heads without chips (and without embeddings) */
    bool no_detail;                  /* never decode a second time */
    bool keep_picture;               /* results carry the decoded picture */
    bool no_flip;                    /* embed: without the mirror image */
    urs_sift_thresholds sift_thresholds;
    urs_find_options find_options;
    urs_chip_options chip_options;   /* side 0: the larger of 224 and embed's input */
    int threads;                     /* 0: cores on line */
    const urs_backend *backend;      /* NULL: the fastest */
    /* (optional) Where in a file's picture to look for heads; *regions borrowed [*count] while the chain lives, 0: there is no animal, find is not run. False: not known, the whole picture is searched. Asked
     * from any thread, several at a time. */
    bool (*regions)(void *context, const char *file, const urs_region **regions, size_t *count);
    void *regions_context;
    /* (optional) Every network that was read from `path`, before it is used: the place to choose an engine (edge/engine_ladder.h). Failing ends urs_chain_open. */
    urs_status (*opened)(void *context, urs_network *network, const char *path, urs_error *err);
    void *opened_context;
} urs_chain_options;

typedef struct urs_chain_head {
    urs_detection found;  /* in pixels of the decoded picture */
    urs_image chip;       /* owned; empty with no_chips */
    float *embedding;     /* owned, urs_chain_dim numbers of length 1; NULL without embed */
} urs_chain_head;

typedef struct urs_chain_result {
    size_t index;
    const char *file;         /* borrowed from the list */
    urs_error error;          /* code URS_OK: done; else why not, and there are no heads */
    bool decoded;             /* the picture could be read: an error is then one of the networks; else nothing below is set */
    bool truncated;           /* the file ended early; what was there has been used */
    int32_t width, height;    /* of the picture in the file, upright */
    char datetime[20];        /* "YYYY:MM:DD HH:MM:SS", "" = not known */
    bool has_zone;
    int32_t zone_minutes;
    char camera[64];
    bool has_sift;
    urs_sift_result sift;
    bool searched;            /* find looked at it (chips_in counts as that) */
    int32_t picture_width, picture_height; /* of the decoded picture: the unit of the boxes */
    urs_image picture;        /* owned; only with keep_picture */
    urs_chain_head *heads;    /* owned; falling score */
    size_t head_count;
} urs_chain_result;

typedef struct urs_chain_calls {
    void *context;
    /* One file, in order, in the calling thread. The result is released afterwards; what the callee wants to keep it takes and zeroes. Failing ends the run with that error. */
    urs_status (*deliver)(void *context, urs_chain_result *result, urs_error *err);
    /* (optional) Asked once for every file, in their order, from any thread but never from two at a time; must be quick. The files before the first yes are finished and delivered, no
     * other is begun, and the run ends with URS_ECANCELLED. */
    bool (*cancelled)(void);
} urs_chain_calls;

/* Opens the networks once. */
urs_status urs_chain_open(urs_chain **out, const urs_chain_options *options, urs_error *err) URS_CHECKED;
void urs_chain_free(urs_chain *chain);

/* files: borrowed during the call. Delivers each of them exactly once, unless cancelled or failed. */
urs_status urs_chain_run(urs_chain *chain, const char *const *files, size_t n, const urs_chain_calls *calls, urs_error *err) URS_CHECKED;

/* One picture that is in memory, in the calling thread: the bytes of a file in any format that decode.h reads, or pixels (three channels, upright, borrowed). name is borrowed by the result.
 * *result is overwritten and filled as in a delivery, with its error if there was one. */
void urs_chain_bytes(urs_chain *chain, const void *data, size_t size, const char *name, urs_chain_result *result);
void urs_chain_picture(urs_chain *chain, const urs_image *picture, const char *name, urs_chain_result *result);
/* The same for a file. */
void urs_chain_one(urs_chain *chain, const char *file, urs_chain_result *result);

int32_t urs_chain_dim(const urs_chain *chain);                     /* 0 without embed */
const urs_network *urs_chain_network(const urs_chain *chain, const char *stage); /* "sift", "find", "embed"; NULL: left out; borrowed */
const urs_find_options *urs_chain_find_settings(const urs_chain *chain);         /* in force; NULL without find */
const urs_sift_thresholds *urs_chain_sift_thresholds(const urs_chain *chain);    /* in force; NULL without sift */
void urs_chain_result_release(urs_chain_result *result);

#endif
