/* What pickle.c (the machine) and pickle_torch.c (the names that it understands) share. */
#ifndef URS_NN_PICKLE_PRIVATE_H
#define URS_NN_PICKLE_PRIVATE_H

#include "nn/pickle.h"

typedef struct urs_pickle_machine {
    urs_pickle_value *all; /* every value made so far */
    size_t n_values;
    urs_pickle_value **stack;
    size_t depth, stack_capacity;
    urs_pickle_value **memo; /* NULL where nothing was stored */
    size_t n_memo, memo_capacity;
    urs_error *err;
} urs_pickle_machine;

/* A zeroed value of the pickle; NULL, with the error set, when there are too many or no memory. */
urs_pickle_value *urs_pickle_new(urs_pickle_machine *m, urs_pickle_kind kind);
/* Appends to a TUPLE, LIST or DICT. */
urs_status urs_pickle_append(urs_pickle_machine *m, urs_pickle_value *list, urs_pickle_value *item);

/* module.name as a NAME value, or the refusal. */
urs_status urs_pickle_name(urs_pickle_machine *m, urs_pickle_value **out, const char *module, size_t module_size, const char *name, size_t name_size);
/* What `callable(*args)` means for tensors and containers. */
urs_status urs_pickle_reduce(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *callable, urs_pickle_value *args);
/* The storage that a persistent id describes. */
urs_status urs_pickle_persistent(urs_pickle_machine *m, urs_pickle_value **out, const urs_pickle_value *id);

#endif
