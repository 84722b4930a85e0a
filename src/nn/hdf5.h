/* HDF5, as much of it as weight files of Keras need: groups, and datasets of floats that lie in one piece (HDF5 File Format Specification, version 2.0, of the HDF Group; files as HDF5 1.8 writes them
 * by default, which h5py and Keras do too).
 *
 *      superblock 0     root: symbol table entry --> object header
 *      object header 1  messages: 0x01 dataspace (shape), 0x03 datatype, 0x08 layout (where the data are), 0x0C attribute, 0x10 continuation, 0x11 symbol table (a group)
 *      group            0x11 --> B-tree "TREE" --> leaves "SNOD": 40 bytes a member: name in the local heap "HEAP", address of its object header
 *      attribute        a text of variable length lies in the global heap "GCOL"
 *
 * What else HDF5 can do (chunks, compression, links, newer groups) is refused in one sentence, as are files that refer to themselves in circles: nothing is followed deeper than 32 groups, and no more
 * than a million steps are made. The bytes are borrowed and read only where they are. (libhdf5 is not used: what it does with broken files is not under our control.) */
#ifndef URS_NN_HDF5_H
#define URS_NN_HDF5_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URS_HDF5_RANK_MAX 8

typedef struct urs_hdf5_dataset { /* borrowed during the call */
    const char *path;        /* "model_weights/conv/conv/kernel:0" */
    const char *group_name;  /* text of the attribute `name` of the group that it is in; "" if there is none */
    int32_t members;         /* how many members that group has */
    int32_t bits;            /* of an element: 16, 32 or 64, little-endian float */
    int32_t rank;
    int64_t shape[URS_HDF5_RANK_MAX];
    const void *data;        /* the elements, product of shape */
} urs_hdf5_dataset;

/* Calls `found` for every dataset of floats, groups in the order of the file (by name); other datasets are passed over. URS_EFORMAT, URS_EUNSUPPORTED, URS_ELIMIT; what `found` fails with. */
urs_status urs_hdf5_visit(const void *data, size_t size, urs_status (*found)(void *context, const urs_hdf5_dataset *dataset, urs_error *err), void *context, urs_error *err) URS_CHECKED;

#endif
