/* Golden tests of classifiers: one picture that golden_nets.py chose, cross-entropy against labels 0, 3, 6 ... modulo the classes.
 *
 * `file` in tests/golden holds logits, loss, grad/..., eval/logits (tools/golden/golden_nets.py); n images; `backend` as urs_net_plan takes it. */
#ifndef URS_TESTS_NET_CLASSIFIER_H
#define URS_TESTS_NET_CLASSIFIER_H

#include "net_golden.h"

#define URS_NET_CLASSES 10
#define URS_NET_TOLERANCE 1e-4

/* Fills the input with the picture whose number the golden file has under "input". */
void urs_net_chosen_input(urs_net *net);

/* Forward, cross-entropy, backward. */
urs_status urs_net_forward_backward(urs_net *net, double *loss, urs_error *err) URS_CHECKED;

/* Logits of an inference plan: folded, fused. */
void urs_net_check_inference(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend);

/* The same with the statistics that a training pass on that picture left: random running statistics make deep networks explode. */
void urs_net_check_settled_inference(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend);

/* Logits, loss and every gradient of a training plan. */
void urs_net_check_first_pass(urs_test *t, const char *file, const urs_model_options *options, int32_t n, const char *backend);

/* The same in double, which proves the graph itself: kinks of ReLU and ReLU6 do not blur the comparison. What remains is the eps of the norms, which our
 * graph keeps as float (0.001f). */
void urs_net_check_in_double(urs_test *t, const char *file, const urs_model_options *options, int32_t n);

#endif
