/* The networks that are meant for an NPU, with random weights, as int8 .tflite files: for a compiler's estimates before anything is trained. tools/vela.sh runs it.
 *
 *      npu_networks FOLDER      writes FOLDER/STAGE-ARCH-SIDE.tflite, and prints a line "file<TAB>stage<TAB>arch<TAB>side<TAB>multiply-adds" for each
 *
 * Ranges are set by hand: an estimate depends on shapes and operators, and on the weights only through how well they compress (random ones are the worst case). */
#include "base/file.h"
#include "base/memory.h"
#include "stages/int8_network.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct row {
    const char *stage;
    urs_model_options options;
} row;

#define SIDE(n) .input_width = n, .input_height = n
static const row rows[] = {
    {"sift", {.arch = "mobilenet_v3_small", .classes = 3, SIDE(224)}},
    {"sift", {.arch = "mobilenet_v3_small", .classes = 3, SIDE(192)}},
    {"sift", {.arch = "mobilenet_v3_small_relu6", .classes = 3, SIDE(224)}},
    {"sift", {.arch = "mobilenet_v3_small_minimalistic", .classes = 3, SIDE(224)}},
    {"sift", {.arch = "mobilenet_v3_small_075", .classes = 3, SIDE(224)}},
    {"find", {.arch = "yolov8n-seg", .classes = 1, SIDE(320)}},
    {"find", {.arch = "yolov8n-seg-hs", .classes = 1, SIDE(320)}},
    {"find", {.arch = "yolov8n-hs", .classes = 1, SIDE(320)}},
    {"find", {.arch = "yolov8n-seg-hs", .classes = 1, SIDE(640)}},
    {"embed", {.arch = "efficientnet_lite0", .embedding = 256, .head = URS_HEAD_PLAIN, SIDE(224)}},
    {"embed", {.arch = "convnext_tiny_npu", .embedding = 256, .head = URS_HEAD_PLAIN, SIDE(224)}},
};

static urs_status write_one(const row *r, const char *path, urs_error *err)
{
    urs_network *f = NULL, *q = NULL;
    urs_deploy *d = NULL;
    urs_status status = urs_network_new(&f, &r->options, 1, err);
    if (status == URS_OK)
        status = urs_network_set_note(f, "ursid.stage", r->stage, err);
    if (status == URS_OK)
        status = urs_deploy_new(&d, f->graph, &f->input, err);
    for (int32_t i = 0; status == URS_OK && i < d->n_groups; i++)
        if (d->groups[i].kind == URS_GROUP_OBSERVED)
            d->groups[i].range = (urs_quant_range){.step = 0.05f, .zero_point = -10};
    if (status == URS_OK)
        status = urs_network_from_deploy(&q, f, d, NULL, err);
    if (status == URS_OK)
        status = urs_network_write_int8(q, path, err);
    urs_network_free(q);
    urs_deploy_free(d);
    urs_network_free(f);
    return status;
}

int main(int argc, char **argv)
{
    urs_error err = {0};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: npu_networks FOLDER\n");
        return 2;
    }
    if (urs_folder_create(argv[1], &err) != URS_OK) {
        (void)fprintf(stderr, "npu_networks: %s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const urs_model_options *o = &rows[i].options;
        urs_text path = {0};
        urs_graph *g = NULL;
        if (!urs_arch_find(o->arch)) /* not in this program */
            continue;
        urs_text_format(&path, "%s/%s-%s-%d.tflite", argv[1], rows[i].stage, o->arch, (int)o->input_width);
        if (urs_model_build(&g, o, &err) != URS_OK || write_one(&rows[i], urs_text_string(&path), &err) != URS_OK) {
            (void)fprintf(stderr, "npu_networks: %s: %s\n", o->arch, err.message);
            return 1;
        }
        (void)printf("%s\t%s\t%s\t%d\t%lld\n", urs_text_string(&path), rows[i].stage, o->arch, (int)o->input_width, (long long)urs_graph_macs(g));
        urs_graph_free(g);
        urs_text_release(&path);
    }
    return 0;
}
