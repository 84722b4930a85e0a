/* What graph.c and graph_build.c share. */
#ifndef URS_NN_GRAPH_PRIVATE_H
#define URS_NN_GRAPH_PRIVATE_H

#include "nn/graph.h"
#include "nn/op.h"

#define URS_GRAPH_INPUTS_MAX 4

struct urs_graph {
    urs_node *nodes; /* owned */
    int32_t n_nodes, node_capacity;
    urs_param *params; /* owned */
    int32_t n_params, param_capacity;
    urs_value inputs[URS_GRAPH_INPUTS_MAX];
    int32_t n_inputs;
    urs_value *outputs; /* owned */
    char **output_names;
    int32_t n_outputs;
    size_t block_elements;
    bool finished;
    urs_error error; /* the first one */
};

/* Records the first error; always URS_NO_VALUE. */
urs_value urs_graph_fail(urs_graph *g, urs_status code, const char *format, ...) URS_PRINTF(3, 4);
bool urs_graph_valid(urs_graph *g, urs_value x);
/* Infers the shape and appends. */
urs_value urs_graph_add_node(urs_graph *g, const urs_node *node);
/* Appends a parameter name+suffix; its index, or -1. */
int32_t urs_graph_add_param(urs_graph *g, const char *name, const char *suffix, urs_param_role role, int32_t rank, const int64_t *shape,
                            int64_t fan_in, int64_t fan_out, urs_init init);

#endif
