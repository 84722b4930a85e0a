/* ursid: from photographs to named bears, as a library. C99 and C++; link with `pkg-config --cflags --libs ursid`.
 *
 *      picture --ursid_chain_file, _bytes, _pixels, _files--> ursid_frame: class of the frame, heads, each with box, mask, chip, embedding
 *      head    --ursid_catalogue_enrol----------------------> a known bear of a catalogue (one SQLite file, the same that the program `ursid` uses)
 *      head    --ursid_catalogue_identify-------------------> candidates with probabilities, and a verdict: known, new or unsure
 *
 * A first program:
 *
 *      ursid_chain *chain = NULL;
 *      ursid_frame *frame = NULL;
 *      ursid_error err;
 *      if (ursid_chain_open(&chain, NULL, &err) != URSID_OK || ursid_chain_file(&frame, chain, "bear.jpg", &err) != URSID_OK)
 *          puts(err.message);
 *      else
 *          printf("%zu heads\n", frame->head_count);
 *      ursid_frame_free(frame);
 *      ursid_chain_free(chain);
 *
 * Errors. What can fail returns ursid_status and takes `ursid_error *err` last (yours; may be NULL): on failure it holds the code and one sentence that says what was wrong with what.
 * Outputs are set on success only. Nothing in a file, a picture or an argument ends the process.
 *
 * Ownership. *owned*: yours, release it with the function that is named. *borrowed*: valid as long as what it is borrowed from. Whatever you pass in is borrowed for the call.
 *
 * Threads. The library has no state of its own. A chain and a catalogue belong to one thread at a time; different ones can be used at the same time, also catalogues on one file. A frame is
 * read only once you have it, so threads may share it.
 *
 * Options are structs whose zero value is the default; NULL: all defaults. Within one minor version (0.1.x) structs and functions stay as they are. */
#ifndef URSID_H
#define URSID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define URSID_VERSION "0.1.0"

#if defined(__GNUC__)
#define URSID_API __attribute__((visibility("default")))
#define URSID_CHECKED __attribute__((warn_unused_result))
#else
#define URSID_API
#define URSID_CHECKED
#endif

/* Version of the library in use, like URSID_VERSION of the header in use. Constant. */
URSID_API const char *ursid_version(void);

/* ---- errors ---- */

typedef enum ursid_status {
    URSID_OK = 0,
    URSID_EINVAL = -1,       /* a wrong argument */
    URSID_ENOMEM = -2,       /* memory could not be had */
    URSID_EIO = -3,          /* reading or writing failed */
    URSID_ENOTFOUND = -4,    /* a file, bear or model that is not there */
    URSID_EFORMAT = -5,      /* a file breaks its format */
    URSID_ELIMIT = -6,       /* bigger than what is accepted */
    URSID_EUNSUPPORTED = -7, /* valid, but not something that ursid does */
    URSID_EMISMATCH = -8,    /* weights and catalogue do not belong together */
    URSID_EBUSY = -9,        /* another process is writing the catalogue */
    URSID_ECANCELLED = -10   /* your callback ended the run */
} ursid_status;

typedef struct ursid_error {
    ursid_status code;
    char message[512]; /* one sentence, UTF-8 where file names are */
} ursid_error;

/* "not found" and so on; constant. */
URSID_API const char *ursid_status_name(ursid_status status);

/* ---- pictures ---- */

/* 8 bits a sample: data[y * row_bytes + x * channels + c], x to the right, y down. */
typedef struct ursid_picture {
    int32_t width, height, channels; /* 1: grey, or a mask of 0 and 255; 3: red, green, blue */
    size_t row_bytes;                /* what you pass in: 0 for width * channels */
    const uint8_t *data;             /* NULL: there is none */
} ursid_picture;

/* Pixels of the upright frame as it is in the file; x2 and y2 are the edges behind the last pixel. */
typedef struct ursid_box {
    float x1, y1, x2, y2;
} ursid_box;

/* ---- what is seen in a frame ---- */

typedef struct ursid_head {
    ursid_box box;
    float score;           /* how surely it is a head, 0 .. 1 */
    ursid_picture mask;    /* 255: head; stretched over mask_box, which is the box rounded outwards; coarser than the frame; data NULL: the weights make no masks */
    ursid_box mask_box;
    ursid_picture chip;    /* the head cut out, square, background black; data NULL with no_chips */
    const float *embedding; /* ursid_chain_dim numbers of length 1; NULL: without embed */
} ursid_head;

typedef enum ursid_frame_class { URSID_FRAME_EMPTY = 0, URSID_FRAME_ANIMAL = 1, URSID_FRAME_BEAR = 2 } ursid_frame_class;

/* Everything in it is borrowed from the frame. */
typedef struct ursid_frame {
    size_t index;          /* in the list given to ursid_chain_files, else 0 */
    const char *name;      /* path of the file, or the name that you gave */
    bool in_memory;        /* it came from _bytes or _pixels */
    ursid_status status;   /* URSID_OK, or why there is nothing below (only in ursid_chain_files) */
    const char *message;   /* the sentence to it; "" when fine */
    bool truncated;        /* the file ends early; what was there has been used */
    int32_t width, height; /* of the upright frame */
    const char *time;      /* "2024-07-03T18:22:05", with "+02:00" where the file says its zone; "" = unknown */
    const char *camera;    /* make and model; "" = unknown */
    bool has_class;        /* sift looked at it */
    ursid_frame_class frame_class;
    float probability[3];  /* in the order of ursid_frame_class */
    bool searched;         /* find looked at it: false for frames that sift calls empty */
    const ursid_head *heads; /* falling score */
    size_t head_count;
} ursid_frame;

URSID_API void ursid_frame_free(ursid_frame *frame); /* NULL is fine */

/* ---- the chain: sift -> find -> chip -> embed ---- */

typedef struct ursid_chain ursid_chain;

typedef struct ursid_chain_options {
    const char *models;              /* folder with sift.safetensors, find.safetensors, embed.safetensors; NULL: $URSID_MODELS, else those that are installed with the library */
    const char *sift, *find, *embed; /* weight file of one stage instead */
    bool no_sift;                    /* look for heads in every frame */
    bool no_embed;                   /* heads without embeddings */
    bool no_chips;                   /* nor chips; goes with no_embed */
    bool sift_only;                  /* frame classes, no heads */
    bool chips_in;                   /* every picture is one head that is cut out already: no sift, no find */
    bool bears_only;                 /* look for heads only in frames that sift calls bear; default: in all that are not empty */
    float score;                     /* a head must be found with more than this; 0: as the weights say */
    int32_t chip_side;               /* pixels; 0: what embed wants, at least 224 */
    int threads;                     /* of ursid_chain_files; 0: all cores; 1 saves memory where pictures come one by one */
    const char *backend;             /* "onednn" or "ref" (plain C, slow); NULL: the fastest there is */
} ursid_chain_options;

/* Reads the weights. Owned; ursid_chain_free. URSID_ENOTFOUND: no weights (the sentence says where was looked); URSID_EMISMATCH: weights of another stage. */
URSID_API ursid_status ursid_chain_open(ursid_chain **out, const ursid_chain_options *options, ursid_error *err) URSID_CHECKED;
URSID_API void ursid_chain_free(ursid_chain *chain); /* NULL is fine */

URSID_API size_t ursid_chain_dim(const ursid_chain *chain); /* numbers of an embedding; 0 without embed */
/* Names the weights of embed: embeddings of two chains can be compared when these are the same text. "" without embed. Borrowed from the chain. */
URSID_API const char *ursid_chain_fingerprint(const ursid_chain *chain);

/* One picture in the calling thread; *out owned, ursid_frame_free. JPEG, PNG, TIFF or WebP, told by content, at most 256 MiB and 256 megapixels; turned upright as EXIF says. Large JPEGs are
 * decoded at the size that the networks need. URSID_ENOTFOUND, URSID_EIO, URSID_EFORMAT, URSID_EUNSUPPORTED, URSID_ELIMIT. */
URSID_API ursid_status ursid_chain_file(ursid_frame **out, ursid_chain *chain, const char *path, ursid_error *err) URSID_CHECKED;
/* The bytes of such a file. `name` (may be NULL) is what messages and the catalogue call it; copied. */
URSID_API ursid_status ursid_chain_bytes(ursid_frame **out, ursid_chain *chain, const void *data, size_t size, const char *name, ursid_error *err) URSID_CHECKED;
/* Pixels, upright, 1 or 3 channels. */
URSID_API ursid_status ursid_chain_pixels(ursid_frame **out, ursid_chain *chain, const ursid_picture *picture, const char *name, ursid_error *err) URSID_CHECKED;

/* Called for every file once, in the order of the list, in the thread that called ursid_chain_files. A file that cannot be used comes with its status and message, and the run goes on.
 * The frame is borrowed for the call. false ends the run. */
typedef bool ursid_frame_callback(void *context, const ursid_frame *frame);
/* Many files on all threads; memory does not grow with their number. URSID_ECANCELLED: the callback ended it. */
URSID_API ursid_status ursid_chain_files(ursid_chain *chain, const char *const *paths, size_t n, ursid_frame_callback *callback, void *context, ursid_error *err) URSID_CHECKED;

/* ---- the catalogue of known bears ---- */

typedef struct ursid_catalogue ursid_catalogue;

typedef struct ursid_catalogue_options {
    bool create;    /* make the file when it is not there; default: URSID_ENOTFOUND */
    bool read_only;
    int busy_ms;    /* how long to wait while another process writes; 0: 5000 */
} ursid_catalogue_options;

/* Owned; ursid_catalogue_close. Every change below is one transaction: after a crash the file holds all of it or nothing, and what was reported as done is there. URSID_EFORMAT: not a
 * catalogue; URSID_EUNSUPPORTED: made by a newer version. */
URSID_API ursid_status ursid_catalogue_open(ursid_catalogue **out, const char *path, const ursid_catalogue_options *options, ursid_error *err) URSID_CHECKED;
URSID_API void ursid_catalogue_close(ursid_catalogue *catalogue); /* NULL is fine */

/* Puts head number `head` of a frame into the catalogue under a bear's name (UTF-8, at most 255 bytes), which is created when new. *added (may be NULL): false when it was there already.
 * The first enrolment fixes the weights of embed for this catalogue: with others URSID_EMISMATCH, as when the head belongs to another bear. */
URSID_API ursid_status ursid_catalogue_enrol(ursid_catalogue *catalogue, const ursid_chain *chain, const char *bear, const ursid_frame *frame, size_t head, bool *added,
                                             ursid_error *err) URSID_CHECKED;

typedef enum ursid_verdict { URSID_VERDICT_UNSURE = 0, URSID_VERDICT_KNOWN = 1, URSID_VERDICT_NEW = 2 } ursid_verdict;
URSID_API const char *ursid_verdict_name(ursid_verdict verdict); /* "unsure", "known", "new"; constant */

typedef struct ursid_candidate {
    const char *bear;   /* name */
    int64_t chip;       /* number of the bear's chip that is most alike */
    double cosine;      /* with that chip, -1 .. 1 */
    double probability; /* that it is this bear */
} ursid_candidate;

/* Borrowed from the identification. */
typedef struct ursid_identification {
    ursid_verdict verdict;     /* URSID_VERDICT_KNOWN: the first candidate. New when the catalogue is empty; else always unsure when the weights of embed carry no calibration. */
    double new_probability;    /* that it is none of the catalogue's bears */
    const ursid_candidate *candidates; /* best first, one a bear */
    size_t count;
} ursid_identification;

/* Who could it be? embedding: ursid_chain_dim numbers of this chain. At most k candidates (1 .. 256). *out owned; ursid_identification_free. The embeddings of the catalogue are kept in memory
 * between calls and read again when the file has changed. URSID_EMISMATCH: the catalogue was made with other weights. */
URSID_API ursid_status ursid_catalogue_identify(ursid_identification **out, ursid_catalogue *catalogue, const ursid_chain *chain, const float *embedding, size_t k,
                                                ursid_error *err) URSID_CHECKED;
URSID_API void ursid_identification_free(ursid_identification *identification); /* NULL is fine */

typedef struct ursid_match {
    int64_t chip;     /* its number */
    const char *bear; /* name */
    const char *name; /* of the frame that it was cut from */
    double cosine;    /* -1 .. 1 */
} ursid_match;
typedef struct ursid_matches {
    const ursid_match *items; /* best first */
    size_t count;
} ursid_matches;

/* The chips that are most alike, of any bear; at most k (1 .. 10000). Otherwise as ursid_catalogue_identify. Owned; ursid_matches_free. */
URSID_API ursid_status ursid_catalogue_search(ursid_matches **out, ursid_catalogue *catalogue, const ursid_chain *chain, const float *embedding, size_t k, ursid_error *err) URSID_CHECKED;
URSID_API void ursid_matches_free(ursid_matches *matches); /* NULL is fine */

typedef struct ursid_bear {
    const char *name;
    size_t chips, sightings;
    const char *first_time, *last_time; /* of its frames; NULL: no frame had a time */
} ursid_bear;
typedef struct ursid_bears {
    const ursid_bear *items; /* by name */
    size_t count;
} ursid_bears;

URSID_API ursid_status ursid_catalogue_bears(ursid_bears **out, ursid_catalogue *catalogue, ursid_error *err) URSID_CHECKED; /* owned; ursid_bears_free */
URSID_API void ursid_bears_free(ursid_bears *bears); /* NULL is fine */

URSID_API ursid_status ursid_catalogue_rename(ursid_catalogue *catalogue, const char *bear, const char *new_name, ursid_error *err) URSID_CHECKED;
URSID_API ursid_status ursid_catalogue_merge(ursid_catalogue *catalogue, const char *bear, const char *into, ursid_error *err) URSID_CHECKED; /* all chips of `bear` go to `into` */
URSID_API ursid_status ursid_catalogue_remove(ursid_catalogue *catalogue, const char *bear, ursid_error *err) URSID_CHECKED;                  /* with its chips */
/* Takes back the last change that still stands (an enrolment, a renaming ...); again goes further back. URSID_ENOTFOUND: nothing is left. */
URSID_API ursid_status ursid_catalogue_undo(ursid_catalogue *catalogue, ursid_error *err) URSID_CHECKED;

#ifdef __cplusplus
}
#endif

#endif
