/* Running an int8 graph by its oracles, operator after operator: slow, plain, what everything else is compared with. Thread safe: no state. */
#ifndef URS_INT8_REFERENCE_H
#define URS_INT8_REFERENCE_H

#include "int8/arithmetic.h"

/* Memory of every tensor of one run, so that a comparison can look at all of them. */
typedef struct urs_int8_values {
    void **data; /* owned, one block a tensor of the graph; NULL for constants */
    int32_t count;
} urs_int8_values;

/* inputs: one block an input of the graph, borrowed. *out: owned, urs_int8_values_release. */
urs_status urs_int8_reference_run(urs_int8_values *out, const urs_int8_graph *g, urs_int8_arithmetic arithmetic, const void *const *inputs, urs_error *err) URS_CHECKED;
void urs_int8_values_release(urs_int8_values *values);

#endif
