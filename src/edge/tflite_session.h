/* One network in a TFLite interpreter, with or without a delegate: bytes in, bytes out.
 *
 *      made in this order                    released in this order
 *      model -> options (threads, delegate)  interpreter -> options -> delegate -> model
 *            -> interpreter -> allocate
 *
 * What TFLite and the delegate say goes into the error. A session belongs to one thread at a time; several sessions may share a library. */
#ifndef URS_EDGE_TFLITE_SESSION_H
#define URS_EDGE_TFLITE_SESSION_H

#include "edge/tflite_library.h"

#include <stdbool.h>

#define URS_TFLITE_RANK_MAX 4

typedef struct urs_tflite_options {
    int32_t threads;                      /* of the interpreter; 0: 1 */
    const urs_delegate_library *delegate; /* borrowed; NULL: the processor computes */
} urs_tflite_options;

/* A tensor of the network, as the interpreter describes it; valid as long as the session. */
typedef struct urs_tflite_view {
    const char *name; /* borrowed; "" if it has none */
    int32_t type, rank, dim[URS_TFLITE_RANK_MAX];
    TfLiteQuantizationParams quant;
    void *data; /* borrowed; where the interpreter has it */
    size_t bytes;
} urs_tflite_view;

typedef struct urs_tflite_session urs_tflite_session;

/* model: bytes of a .tflite, borrowed until the session is freed. URS_EFORMAT: no model; URS_EUNSUPPORTED: TFLite or the delegate will not run it. */
urs_status urs_tflite_session_new(urs_tflite_session **out, const urs_tflite_library *library, const void *model, size_t size, const urs_tflite_options *options, urs_error *err) URS_CHECKED;
void urs_tflite_session_free(urs_tflite_session *session); /* NULL is fine */

int32_t urs_tflite_session_inputs(const urs_tflite_session *session);
int32_t urs_tflite_session_outputs(const urs_tflite_session *session);
/* URS_EUNSUPPORTED: more axes than ours, or no memory behind it. */
urs_status urs_tflite_session_input(urs_tflite_view *out, const urs_tflite_session *session, int32_t index, urs_error *err) URS_CHECKED;
urs_status urs_tflite_session_output(urs_tflite_view *out, const urs_tflite_session *session, int32_t index, urs_error *err) URS_CHECKED;

/* Computes outputs from what was written into the inputs. URS_EIO: it failed; what the outputs hold is then nothing. */
urs_status urs_tflite_session_run(urs_tflite_session *session, urs_error *err) URS_CHECKED;

#endif
