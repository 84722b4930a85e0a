/* A network with its weights and everything that travels with them: the native weight file.
 *
 *      safetensors  tensors              the graph's parameters under the reference implementation's names, F16 or F32
 *                   __metadata__ key     value
 *                   ursid.format         "1"
 *                   ursid.stage          "sift", "find", "embed", or "" for imported weights
 *                   ursid.model          options of the architecture (models.h), one JSON object
 *                   ursid.input          size, fit, filter, mean, std of the input (image.h), one JSON object
 *                   ursid.classes        JSON list of class names
 *                   ursid.thresholds     sift: {"bear": .., "animal": ..}; find: {"score": .., "iou": ..}; embed: {"known": .., "new": ..}
 *                   ursid.calibration    embed: P(same bear | cosine), see catalogue/verdict.h
 *                   ursid.training       JSON object: data, command, seed, epochs, measured quality
 *                   ursid.licence, ursid.version
 *
 * Two networks in sequence (sift.h, B) are one file: the second one's tensors and keys stand in it with a prefix.
 *
 *      safetensors  second.<tensor>      parameters of the second network
 *                   ursid.second.model, ursid.second.input, ursid.second.classes, ursid.second.training     its keys; thresholds and the stage are those of the whole
 *
 * An urs_network owns all of it and is read only after loading, so threads may share it (each with plans of its own). */
#ifndef URS_STAGES_NETWORK_H
#define URS_STAGES_NETWORK_H

#include "models/models.h"
#include "nn/plan.h"
#include "nn/weights.h"

/* Something else than a float plan that computes a network, one image at a time; one a thread. Made by its maker below; the object begins with this struct. */
typedef struct urs_executor urs_executor;
struct urs_executor {
    /* input [3,h,w] as the stage prepares it (normalised by urs_network.input); outputs[k]: room for output k of the graph, [c,h,w]. */
    urs_status (*run)(urs_executor *self, const float *input, float *const *outputs, urs_error *err);
    size_t (*bytes)(const urs_executor *self); /* working memory */
    void (*free)(urs_executor *self);
};

typedef struct urs_executor_maker urs_executor_maker;
struct urs_executor_maker {
    const char *name; /* of the engine, for people */
    urs_status (*make)(const urs_executor_maker *self, urs_executor **out, urs_error *err); /* *out: owned, to be freed before the maker */
    void (*free)(urs_executor_maker *self);
};

typedef struct urs_network {
    urs_model_options options;
    urs_input_format input;
    urs_graph *graph;   /* owned */
    float *params;      /* owned block, urs_graph_block_elements(graph) floats */
    struct urs_int8_graph *int8; /* owned; the weights of an int8 network (int8_network.h), whose params are NULL */
    urs_executor_maker *maker; /* owned; NULL: float plans over params */
    urs_weights *notes; /* owned; the metadata, no tensors */
    struct urs_network *second; /* owned; sift in two networks (sift.h, B): the one that judges what this one lets through; else NULL */
    char fingerprint[URS_WEIGHTS_FINGERPRINT]; /* of the weights as stored; "" for a network that was not read from a file */
} urs_network;

/* Fresh network with starting values drawn from seed. */
urs_status urs_network_new(urs_network **out, const urs_model_options *options, uint64_t seed, urs_error *err) URS_CHECKED;
/* The same without parameters: for what brings other weights. */
urs_status urs_network_new_bare(urs_network **out, const urs_model_options *options, urs_error *err) URS_CHECKED;
void urs_network_free(urs_network *network);

/* The same network with other parameters (or the network's own maker), to be read only and never freed: for validation in the middle of training. */
urs_network urs_network_view(const urs_network *network, const float *params);

/* Reads a native weight file, float or int8. stage (optional): refuses a file of another stage. URS_EMISMATCH names both; also for two networks in sequence, which would be taken for the first. */
urs_status urs_network_read(urs_network **out, const char *path, const char *stage, urs_error *err) URS_CHECKED;
/* The same, and two in sequence are welcome: network->second. */
urs_status urs_network_read_sequence(urs_network **out, const char *path, const char *stage, urs_error *err) URS_CHECKED;
/* Writes network->params with the notes, and its second network's; half: 16-bit floats. Atomic. */
urs_status urs_network_write(const urs_network *network, const char *path, bool half, urs_error *err) URS_CHECKED;

/* Copies the parameters that `path` (any readable weight file) has by name and shape; heads of another size stay as they are. loaded (optional): how many. */
urs_status urs_network_load_partial(urs_network *network, const char *path, int32_t *loaded, urs_error *err) URS_CHECKED;

const char *urs_network_note(const urs_network *network, const char *key); /* "" if none; borrowed */
urs_status urs_network_set_note(urs_network *network, const char *key, const char *value, urs_error *err) URS_CHECKED;
/* A number inside a JSON object note, or `otherwise`. */
double urs_network_number(const urs_network *network, const char *key, const char *field, double otherwise);

urs_status urs_input_format_to_json(char **out, const urs_input_format *format, urs_error *err) URS_CHECKED;   /* owned */
urs_status urs_input_format_from_json(urs_input_format *out, const char *json, urs_error *err) URS_CHECKED;    /* hostile text */

#endif
