/* Networks in int8: the second kind of weight file that a stage opens.
 *
 *      NAME.tflite     the int8 graph as TFLite, Vela and our own engine run it (int8/tflite_file.h), with our notes in its metadata:
 *                      those of network.h, and
 *                      ursid.outputs        JSON list: names of the outputs, in order
 *                      ursid.quantisation   JSON object: float model's fingerprint, observer, remedies, epochs of quantisation-aware training, pictures
 *
 * Such a network has a graph (for shapes and names), no float parameters, and a maker of executors that run the int8 graph: picture bytes in, dequantised outputs out. */
#ifndef URS_STAGES_INT8_NETWORK_H
#define URS_STAGES_INT8_NETWORK_H

#include "int8/int8_graph.h"
#include "quant/deploy.h"
#include "stages/network.h"

/* Whether the file begins as a TFLite file does. */
bool urs_is_tflite(const char *path);

/* As urs_network_read, which calls it for such files. */
urs_status urs_network_read_int8(urs_network **out, const char *path, const char *stage, urs_error *err) URS_CHECKED;

/* The network of a deployed one, whose source is float_network's graph: notes are copied. params: a block of that graph; NULL: float_network's own. */
urs_status urs_network_from_deploy(urs_network **out, const urs_network *float_network, const urs_deploy *d, const float *params, urs_error *err) URS_CHECKED;

urs_status urs_network_write_int8(const urs_network *network, const char *path, urs_error *err) URS_CHECKED;

/* What engines of int8 graphs share. Bytes of the graph's input, [h][w][3] or blocks [h/2][w/2][12] (quant/npu_stem.h), from the stage's tensor, and outputs [c][h][w] from the graph's. */
void urs_int8_fill_input(int8_t *out, const urs_int8_tensor *input, const float *tensor, const urs_input_format *format);
void urs_int8_read_output(float *out, const int8_t *in, const urs_int8_tensor *tensor);

/* Output k of the network's graph in the int8 graph; -1: it is not there (l2_norm outputs are not computed in int8). */
int32_t urs_int8_output_index(const urs_network *network, int32_t k);

#endif
