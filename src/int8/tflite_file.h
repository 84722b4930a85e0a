/* int8 graphs as .tflite files (schema version 3), for TFLite, Vela, and ourselves.
 *
 *      Model
 *      +- operator_codes [ code, version ]          one a kind and version
 *      +- subgraphs [ one:                          "main"
 *      |     tensors [ shape, type, buffer, name, quantisation ]
 *      |     inputs, outputs  [ tensor numbers ]
 *      |     operators [ code, inputs, outputs, options ] ]
 *      +- buffers [ empty | constants, 16-byte aligned, one a tensor | notes ]
 *      +- metadata [ name "ursid.*" -> buffer with its text ]
 *
 * Index constants (axes, paddings, sizes ..), which are attributes in the graph, are int32 tensors in the file. Reading takes what writing makes, and more: any file of subgraph 0 whose
 * operators are those of int8_graph.h (SQUEEZE and EXPAND_DIMS become RESHAPE, STRIDED_SLICE becomes SLICE). Bytes are hostile: urs_tflite_decode goes through flat_reader.h and
 * urs_int8_graph_finish. */
#ifndef URS_INT8_TFLITE_FILE_H
#define URS_INT8_TFLITE_FILE_H

#include "base/file.h"
#include "int8/int8_graph.h"

/* A finished graph as the bytes of a file, owned by the caller (urs_bytes_release). */
urs_status urs_tflite_encode(urs_bytes *out, const urs_int8_graph *g, urs_error *err) URS_CHECKED;
/* A finished graph (owned) from the bytes of a file, which are borrowed during the call only. URS_EFORMAT, URS_EUNSUPPORTED (what the operators here cannot do), URS_ELIMIT. */
urs_status urs_tflite_decode(urs_int8_graph **out, const void *data, size_t size, urs_error *err) URS_CHECKED;

/* The same from and to paths. Writing verifies: the bytes are decoded again and compared with the graph before the file is put in place. */
urs_status urs_tflite_load(urs_int8_graph **out, const char *path, urs_error *err) URS_CHECKED;
urs_status urs_tflite_save(const urs_int8_graph *g, const char *path, urs_error *err) URS_CHECKED;

/* URS_EMISMATCH with what differs, unless both graphs have the same operators, tensors (by use, not by number), inputs, outputs and notes. */
urs_status urs_int8_graph_compare(const urs_int8_graph *a, const urs_int8_graph *b, urs_error *err) URS_CHECKED;

#endif
