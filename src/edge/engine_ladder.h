/* Which engine computes an int8 network, and what happens when one is missing or fails.
 *
 *      npu      TFLite with an external delegate: NAME_vela.tflite on libethosu_delegate.so where /dev/ethosu0 is, NAME.tflite on libteflon.so where /dev/accel/accel0 is
 *      tflite   TFLite on the processor, NAME.tflite
 *      int8     our own engine, which is always there and is the judge of the other two
 *
 *      opening   npu --> tflite --> int8      the first whose library, device, file and tensors are there, and whose numbers for a test picture are ours: on average within one step
 *      a frame   run --> outputs
 *                 \ failed: a warning, once; the same frame again on the next engine, and all later ones of that worker there
 *
 * So a missing or broken NPU costs time and never a frame. A float network has no engines to choose from.
 *
 *      $URSID_TFLITE_LIBRARY   the TFLite library, instead of the names in tflite_library.h
 *      $URSID_DELEGATE         the delegate, instead of the two above; no device is looked for, and NAME_vela.tflite is taken where it exists */
#ifndef URS_EDGE_ENGINE_H
#define URS_EDGE_ENGINE_H

#include "stages/network.h"

typedef enum urs_engine { URS_ENGINE_AUTO, URS_ENGINE_NPU, URS_ENGINE_TFLITE, URS_ENGINE_INT8, URS_ENGINE_FLOAT, URS_ENGINES } urs_engine;

const char *urs_engine_name(urs_engine engine);                     /* "auto", "npu", ...; constant */
bool urs_engine_find(urs_engine *out, const char *name);            /* name NULL: AUTO; false: no such engine */

typedef struct urs_engine_options {
    urs_engine engine; /* AUTO: the best there is, in silence about what is not there. Another: that one; if it cannot be had, a warning and the next */
    int32_t threads;   /* of a TFLite interpreter on the processor; 0: 1 (workers are threads already) */
    /* (optional) One line about the choice or, as a warning, about what failed; from any worker, one at a time. */
    void (*say)(void *context, bool warning, const char *text);
    void *context;
} urs_engine_options;

/* Gives the network, read from the weight file `path`, the engines above; call it before the network is used. options NULL: AUTO. network and options->context must outlive each other's use.
 * URS_EMISMATCH: float weights and an int8 engine, or the reverse. */
urs_status urs_engine_attach(urs_network *network, const char *path, const urs_engine_options *options, urs_error *err) URS_CHECKED;

/* The engine that new workers of this network start with: FLOAT, or one of NPU, TFLITE, INT8. */
urs_engine urs_engine_of(const urs_network *network);

/* Whether there is a device (or $URSID_DELEGATE names a delegate) that AUTO would try. */
bool urs_engine_npu_is_here(void);

/* "find_vela.tflite" of "find.tflite" and the like, owned; NULL: no memory. */
char *urs_engine_compiled_path(const char *path);

#endif
