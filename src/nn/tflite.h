/* TFLite files: their constant tensors and their operators in order, for importers. Read only.
 *
 * The container is a FlatBuffer (schema: tensorflow/lite/schema/schema.fbs, version 3); read here by a bounded reader of our own, since every offset in the
 * file may be a lie. Only subgraph 0 is looked at. Everything below is owned by the model and independent of the file's bytes. */
#ifndef URS_NN_TFLITE_H
#define URS_NN_TFLITE_H

#include "nn/weights.h"

#define URS_TFLITE_INPUTS_MAX 8

/* Operator codes that importers ask for (BuiltinOperator of the schema). */
enum {
    URS_TFLITE_ADD = 0,
    URS_TFLITE_AVERAGE_POOL_2D = 1,
    URS_TFLITE_CONCATENATION = 2,
    URS_TFLITE_CONV_2D = 3,
    URS_TFLITE_DEPTHWISE_CONV_2D = 4,
    URS_TFLITE_FULLY_CONNECTED = 9,
    URS_TFLITE_MUL = 18,
    URS_TFLITE_RESHAPE = 22,
    URS_TFLITE_MEAN = 40,
    URS_TFLITE_SUB = 41,
    URS_TFLITE_HARD_SWISH = 117
};

typedef struct urs_tflite_tensor {
    char *name;
    int32_t type; /* TensorType of the schema: 0 = FLOAT32 */
    int32_t rank;
    int64_t shape[URS_WEIGHTS_RANK_MAX];
    const urs_weight *constant; /* its values if it is a constant float tensor, else NULL */
} urs_tflite_tensor;

typedef struct urs_tflite_op {
    int32_t code;                                         /* BuiltinOperator */
    int32_t n_inputs;                                     /* at most URS_TFLITE_INPUTS_MAX are kept */
    int32_t inputs[URS_TFLITE_INPUTS_MAX];                /* tensor indices; -1: absent */
    int32_t output;                                       /* tensor index of output 0; -1: none */
    int32_t stride_h, stride_w, dilation_h, dilation_w;   /* convolutions; dilation at least 1 */
    bool padding_valid;                                   /* convolutions: VALID; otherwise SAME */
    int32_t activation;                                   /* convolutions: ActivationFunctionType, 0 none, 1 ReLU, 3 ReLU6 */
} urs_tflite_op;

typedef struct urs_tflite urs_tflite;

/* data are borrowed during the call only. URS_EFORMAT: offsets outside the file, shapes and data that do not agree, ... */
urs_status urs_tflite_read(urs_tflite **out, const void *data, size_t size, urs_error *err) URS_CHECKED;
void urs_tflite_free(urs_tflite *model); /* NULL is fine */

int32_t urs_tflite_tensors(const urs_tflite *model, const urs_tflite_tensor **tensors); /* count; borrowed */
int32_t urs_tflite_ops(const urs_tflite *model, const urs_tflite_op **ops);             /* in order of execution; borrowed */

/* The constant float tensors alone, by name (a repeated name gets "#" and the tensor's index); layouts as in the file (OHWI). */
urs_status urs_tflite_read_weights(urs_weights **out, const void *data, size_t size, urs_error *err) URS_CHECKED;

#endif
