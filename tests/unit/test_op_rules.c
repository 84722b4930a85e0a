/* Shape rules, costs and refusals of the operations' records. */
#include "harness.h"

#include "nn/op.h"

typedef struct rule {
    const char *what;
    urs_op_kind op;
    urs_op_attr attr;
    int32_t n_in;
    urs_dims in[3];
    urs_dims out; /* {0}: refused */
    const char *sentence; /* part of the refusal */
} rule;

#define WINDOW(k, s, p) .kernel_h = k, .kernel_w = k, .stride_h = s, .stride_w = s, .pad_top = p, .pad_left = p, .pad_bottom = p, .pad_right = p

static const rule rules[] = {
    {"stem of MobileNetV3", URS_OP_CONV, {WINDOW(3, 2, 1), .groups = 1, .out_channels = 16}, 1, {{3, 224, 224}}, {16, 112, 112}, NULL},
    {"TensorFlow padding", URS_OP_CONV, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_bottom = 1, .pad_right = 1, .groups = 1, .out_channels = 8}, 1,
     {{3, 224, 224}}, {8, 112, 112}, NULL},
    {"odd rows are cut", URS_OP_CONV, {WINDOW(2, 2, 0), .groups = 1, .out_channels = 4}, 1, {{3, 7, 9}}, {4, 3, 4}, NULL},
    {"groups", URS_OP_CONV, {WINDOW(3, 1, 1), .groups = 3, .out_channels = 4}, 1, {{6, 8, 8}}, {0, 0, 0}, "3 groups do not divide 6 input and 4 output channels"},
    {"no groups", URS_OP_CONV, {WINDOW(3, 1, 1), .out_channels = 4}, 1, {{6, 8, 8}}, {0, 0, 0}, "groups"},
    {"stride 0", URS_OP_CONV, {WINDOW(3, 0, 1), .groups = 1, .out_channels = 4}, 1, {{6, 8, 8}}, {0, 0, 0}, "stride 0 x 0"},
    {"kernel too big", URS_OP_CONV, {WINDOW(9, 1, 0), .groups = 1, .out_channels = 4}, 1, {{6, 8, 8}}, {0, 0, 0}, "larger than the padded input 8 x 8"},
    {"no output channels", URS_OP_CONV, {WINDOW(3, 1, 1), .groups = 1}, 1, {{6, 8, 8}}, {0, 0, 0}, "at least 1"},
    {"residual of another shape", URS_OP_CONV, {WINDOW(3, 1, 1), .groups = 1, .out_channels = 4, .has_residual = true}, 2, {{6, 8, 8}, {5, 8, 8}}, {0, 0, 0},
     "residual [5,8,8] does not fit output [4,8,8]"},
    {"residual that is missing", URS_OP_CONV, {WINDOW(3, 1, 1), .groups = 1, .out_channels = 4, .has_residual = true}, 1, {{6, 8, 8}}, {0, 0, 0}, "missing"},
    {"huge", URS_OP_CONV, {WINDOW(1, 1, 0), .groups = 1, .out_channels = 65536}, 1, {{1, 256, 256}}, {0, 0, 0}, "more than 2^31"},
    {"prototype upsampling", URS_OP_CONV_TRANSPOSE, {WINDOW(2, 2, 0), .groups = 1, .out_channels = 64}, 1, {{64, 80, 80}}, {64, 160, 160}, NULL},
    {"transposed to nothing", URS_OP_CONV_TRANSPOSE, {WINDOW(2, 1, 1), .groups = 1, .out_channels = 4}, 1, {{4, 1, 1}}, {0, 0, 0}, "at least 1"},
    {"linear", URS_OP_LINEAR, {.out_channels = 3}, 1, {{576, 1, 1}}, {3, 1, 1}, NULL},
    {"matmul", URS_OP_MATMUL, {0}, 2, {{8, 4, 5}, {8, 5, 6}}, {8, 4, 6}, NULL},
    {"matmul, inner sides", URS_OP_MATMUL, {0}, 2, {{8, 4, 5}, {8, 4, 6}}, {0, 0, 0}, "does not fit"},
    {"norm without eps", URS_OP_BATCH_NORM, {.momentum = 0.1f}, 1, {{8, 4, 5}}, {0, 0, 0}, "eps 0 must be above 0"},
    {"momentum", URS_OP_BATCH_NORM, {.eps = 1e-5f, .momentum = 2}, 1, {{8, 4, 5}}, {0, 0, 0}, "momentum 2"},
    {"layer norm", URS_OP_LAYER_NORM, {.eps = 1e-6f}, 1, {{96, 7, 7}}, {96, 7, 7}, NULL},
    {"activation 99", URS_OP_ACTIVATION, {.activation = (urs_activation)99}, 1, {{8, 4, 5}}, {0, 0, 0}, "no kind 99"},
    {"pool", URS_OP_MAX_POOL, {WINDOW(5, 1, 2)}, 1, {{128, 20, 20}}, {128, 20, 20}, NULL},
    {"pool of padding only", URS_OP_MAX_POOL, {WINDOW(2, 2, 2)}, 1, {{8, 4, 4}}, {0, 0, 0}, "smaller than the kernel"},
    {"average pool of padding only", URS_OP_AVG_POOL, {WINDOW(3, 1, 3)}, 1, {{8, 4, 4}}, {0, 0, 0}, "smaller than the kernel"},
    {"global pool", URS_OP_GLOBAL_POOL, {0}, 1, {{576, 7, 7}}, {576, 1, 1}, NULL},
    {"resize", URS_OP_RESIZE, {.out_h = 40, .out_w = 30}, 1, {{64, 20, 15}}, {64, 40, 30}, NULL},
    {"resize to nothing", URS_OP_RESIZE, {.out_h = 40}, 1, {{64, 20, 15}}, {0, 0, 0}, "at least 1"},
    {"add", URS_OP_ADD, {0}, 2, {{8, 4, 4}, {8, 4, 5}}, {0, 0, 0}, "not one shape"},
    {"squeeze and excitation", URS_OP_MUL, {0}, 2, {{16, 56, 56}, {16, 1, 1}}, {16, 56, 56}, NULL},
    {"mul of rows", URS_OP_MUL, {0}, 2, {{16, 56, 56}, {16, 1, 56}}, {0, 0, 0}, "one number a channel"},
    {"concat", URS_OP_CONCAT, {0}, 3, {{16, 8, 8}, {8, 8, 8}, {1, 8, 8}}, {25, 8, 8}, NULL},
    {"concat of other sizes", URS_OP_CONCAT, {0}, 2, {{16, 8, 8}, {8, 8, 7}}, {0, 0, 0}, "input 1 is 8 x 7 pixels"},
    {"slice", URS_OP_SLICE, {.begin = 16, .count = 16}, 1, {{32, 8, 8}}, {16, 8, 8}, NULL},
    {"slice over the end", URS_OP_SLICE, {.begin = 17, .count = 16}, 1, {{32, 8, 8}}, {0, 0, 0}, "channels 17 to 32 of 32"},
    {"slice that overflows", URS_OP_SLICE, {.begin = INT32_MAX, .count = INT32_MAX}, 1, {{32, 8, 8}}, {0, 0, 0}, "do not exist"},
    {"dropout of all", URS_OP_DROPOUT, {.p = 1}, 1, {{8, 4, 4}}, {0, 0, 0}, "below 1"},
    {"drop path", URS_OP_DROP_PATH, {.p = 0.1f}, 1, {{8, 4, 4}}, {8, 4, 4}, NULL},
    {"l2 norm without eps", URS_OP_L2_NORM, {0}, 1, {{8, 1, 1}}, {0, 0, 0}, "eps"},
    {"windows of Swin", URS_OP_ATTENTION, {.heads = 3, .window = 7, .shift = 3}, 1, {{288, 56, 56}}, {96, 56, 56}, NULL},
    {"windows that do not fit", URS_OP_ATTENTION, {.heads = 3, .window = 7}, 1, {{288, 55, 56}}, {0, 0, 0}, "windows of 7 do not divide"},
    {"shift of a whole window", URS_OP_ATTENTION, {.heads = 3, .window = 7, .shift = 7}, 1, {{288, 56, 56}}, {0, 0, 0}, "not below the window"},
    {"heads that do not fit", URS_OP_ATTENTION, {.heads = 5}, 1, {{288, 8, 8}}, {0, 0, 0}, "cannot be cut"},
    {"no heads", URS_OP_ATTENTION, {0}, 1, {{288, 8, 8}}, {0, 0, 0}, "cannot be cut"},
    {"cross attention", URS_OP_ATTENTION, {.heads = 8}, 3, {{128, 7, 1}, {128, 64, 64}, {128, 64, 64}}, {128, 7, 1}, NULL},
    {"cross attention, keys and values differ", URS_OP_ATTENTION, {.heads = 8}, 3, {{128, 7, 1}, {128, 64, 64}, {128, 64, 63}}, {0, 0, 0}, "do not fit"},
    {"cross attention in windows", URS_OP_ATTENTION, {.heads = 8, .window = 2}, 3, {{128, 8, 8}, {128, 8, 8}, {128, 8, 8}}, {0, 0, 0}, "single input"},
    {"position of an oblong map", URS_OP_ATTENTION, {.heads = 2, .position = URS_ATTENTION_QUERY}, 1, {{12, 4, 5}}, {0, 0, 0}, "need a square"},
    {"pad", URS_OP_PAD, {.pad_bottom = 6, .pad_right = 6}, 1, {{768, 64, 64}}, {768, 70, 70}, NULL},
    {"cut", URS_OP_PAD, {.pad_bottom = -6, .pad_right = -6}, 1, {{768, 70, 70}}, {768, 64, 64}, NULL},
    {"cut all", URS_OP_PAD, {.pad_top = -35, .pad_bottom = -35}, 1, {{768, 70, 70}}, {0, 0, 0}, "nothing would be left"},
    {"merge", URS_OP_MERGE, {0}, 1, {{96, 56, 56}}, {384, 28, 28}, NULL},
    {"merge an odd map", URS_OP_MERGE, {0}, 1, {{96, 7, 56}}, {0, 0, 0}, "no whole number"},
    {"position", URS_OP_POSITION, {0}, 1, {{8, 4, 4}}, {8, 4, 4}, NULL},
    {"not a number", URS_OP_DROPOUT, {.p = (float)NAN}, 1, {{8, 4, 4}}, {0, 0, 0}, "share"},
};

static void shapes(urs_test *t)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const rule *r = &rules[i];
        urs_dims out = {-1, -1, -1};
        urs_error err = {0};
        const urs_status status = urs_op_find(r->op)->infer(&out, &r->attr, r->in, r->n_in, &err);
        if (r->sentence) {
            if (status == URS_OK || !strstr(err.message, r->sentence) || out.c != -1)
                urs_test_fail(t, __FILE__, __LINE__, "%s: \"%s\" should say \"%s\"", r->what, err.message, r->sentence);
        } else if (status != URS_OK || out.c != r->out.c || out.h != r->out.h || out.w != r->out.w) {
            urs_test_fail(t, __FILE__, __LINE__, "%s: gives [%lld,%lld,%lld] %s", r->what, (long long)out.c, (long long)out.h, (long long)out.w, err.message);
        }
    }
}

static void table_is_whole(urs_test *t)
{
    for (int i = 0; i < URS_OP_COUNT; i++) {
        const urs_op *op = urs_op_find((urs_op_kind)i);
        URS_REQUIRE(t, op != NULL);
        URS_CHECK(t, op->name && op->infer && op->inputs_max >= op->inputs_min && op->inputs_max <= URS_INPUTS_MAX);
        for (int k = 0; k < i; k++)
            URS_CHECK(t, strcmp(op->name, urs_op_find((urs_op_kind)k)->name) != 0);
    }
    URS_CHECK(t, urs_op_find(URS_OP_COUNT) == NULL);
}

static void costs(urs_test *t)
{
    const urs_op_attr stem = {WINDOW(3, 2, 1), .groups = 1, .out_channels = 16}, depthwise = {WINDOW(5, 1, 2), .groups = 240, .out_channels = 240};
    const urs_op_attr proto = {WINDOW(2, 2, 0), .groups = 1, .out_channels = 64}, linear = {.out_channels = 1000}, none = {0};
    URS_CHECK_INT(t, urs_op_conv.macs(&stem, &(urs_dims){3, 224, 224}, 1, (urs_dims){16, 112, 112}), 16LL * 112 * 112 * 27);
    URS_CHECK_INT(t, urs_op_conv.macs(&depthwise, &(urs_dims){240, 14, 14}, 1, (urs_dims){240, 14, 14}), 240LL * 14 * 14 * 25);
    URS_CHECK_INT(t, urs_op_conv_transpose.macs(&proto, &(urs_dims){64, 80, 80}, 1, (urs_dims){64, 160, 160}), 64LL * 64 * 80 * 80 * 4);
    URS_CHECK_INT(t, urs_op_linear.macs(&linear, &(urs_dims){1024, 1, 1}, 1, (urs_dims){1000, 1, 1}), 1024000);
    URS_CHECK_INT(t, urs_op_matmul.macs(&none, &(urs_dims){8, 4, 5}, 1, (urs_dims){8, 4, 6}), 8 * 4 * 5 * 6);
}

int main(void)
{
    static const urs_case cases[] = {{"shape rules", shapes}, {"the table is whole", table_is_whole}, {"multiply-adds", costs}};
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
