/* Weight files of small networks with drawn parameters, for tests of the chain: sift of 32 x 32, find of 64 x 64, embed of 32 x 32 to 16 numbers. They see nothing, but they run fast, and
 * the same picture always gets the same answer. */
#ifndef URS_TESTS_TINY_MODELS_H
#define URS_TESTS_TINY_MODELS_H

#include "base/file.h"
#include "base/memory.h"
#include "harness.h"
#include "image/decode.h"
#include "stages/network.h"

#include <stdio.h>

enum { TINY_EMBEDDING = 16 };

/* Writes FOLDER/STAGE.safetensors. `bias` (sift only, may be NULL): makes the last layer answer with it whatever it sees. */
static inline bool tiny_model_write_seeded(const char *folder, const char *stage, const float bias[3], uint64_t seed)
{
    const bool sift = strcmp(stage, "sift") == 0, find = strcmp(stage, "find") == 0;
    const urs_model_options options[] = {
        {.arch = "mobilenet_v3_small", .input_width = 32, .input_height = 32, .classes = 3},
        {.arch = "yolov8n-seg", .input_width = 64, .input_height = 64, .classes = 1},
        {.arch = "mobilenet_v3_small", .input_width = 32, .input_height = 32, .embedding = TINY_EMBEDDING},
    };
    char path[640];
    urs_network *n = NULL;
    urs_error err = {0};
    urs_status status = urs_network_new(&n, &options[sift ? 0 : find ? 1 : 2], seed, &err);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", folder, stage);
    if (status == URS_OK)
        status = urs_network_set_note(n, "ursid.stage", stage, &err);
    if (status == URS_OK && bias) {
        const urs_param *params;
        const int32_t weight = urs_graph_find_param(n->graph, "classifier.3.weight"), b = urs_graph_find_param(n->graph, "classifier.3.bias");
        (void)urs_graph_params(n->graph, &params);
        memset(n->params + params[weight].offset, 0, params[weight].count * sizeof(float));
        memcpy(n->params + params[b].offset, bias, 3 * sizeof(float));
    }
    if (status == URS_OK)
        status = urs_network_write(n, path, true, &err);
    if (status != URS_OK)
        printf("  %s\n", err.message);
    urs_network_free(n);
    return status == URS_OK;
}

static inline bool tiny_model_write(const char *folder, const char *stage, const float bias[3])
{
    return tiny_model_write_seeded(folder, stage, bias, 7);
}

/* A drawn network answers nearly the same to every picture: its answer to a grey one is taken off, so that only differences are left. */
static inline urs_status tiny_model_centre(urs_network *n, urs_error *err)
{
    const urs_param *params;
    const int32_t bias = urs_graph_find_param(n->graph, "embedder.0.linear.bias");
    urs_plan *plan = NULL;
    urs_status status = urs_plan_new(&plan, n->graph, n->params, NULL, err);
    if (status == URS_OK)
        status = urs_plan_forward(plan, err); /* the input is zeroed memory */
    (void)urs_graph_params(n->graph, &params);
    for (int32_t i = 0; status == URS_OK && i < TINY_EMBEDDING; i++)
        n->params[params[bias].offset + (size_t)i] -= ((const float *)urs_plan_output(plan, 0))[i];
    urs_plan_free(plan);
    return status;
}

/* Gives FOLDER/embed.safetensors a calibration: only what is nearly the same is the same bear. */
static inline bool tiny_model_calibrate(const char *folder)
{
    char path[640];
    urs_network *n = NULL;
    urs_error err = {0};
    urs_status status;
    (void)snprintf(path, sizeof path, "%s/embed.safetensors", folder);
    status = urs_network_read(&n, path, "embed", &err);
    if (status == URS_OK)
        status = tiny_model_centre(n, &err);
    if (status == URS_OK)
        status = urs_network_set_note(n, "ursid.calibration", "{\"kind\": \"logistic\", \"slope\": 40000, \"intercept\": -39996, \"prior\": 0.1, \"pairs\": 100}", &err);
    if (status == URS_OK)
        status = urs_network_set_note(n, "ursid.thresholds", "{\"known\": 0.7, \"new\": 0.3}", &err);
    if (status == URS_OK)
        status = urs_network_write(n, path, true, &err);
    if (status != URS_OK)
        printf("  %s\n", err.message);
    urs_network_free(n);
    return status == URS_OK;
}

/* A picture of its own for every number: a gradient with a disc. */
static inline bool tiny_picture_write(const char *path, int32_t number, int32_t width, int32_t height)
{
    urs_image image = {0};
    urs_error err = {0};
    urs_status status = urs_image_new(&image, width, height, 3, &err);
    if (status == URS_OK) {
        for (int32_t y = 0; y < height; y++)
            for (int32_t x = 0; x < width; x++) {
                uint8_t *p = urs_image_at(&image, x, y);
                p[0] = (uint8_t)(x * 255 / width);
                p[1] = (uint8_t)(y * 255 / height);
                p[2] = (uint8_t)(number * 37);
            }
        urs_draw_disc(&image, (float)(number * 13 % width), (float)(number * 29 % height), (float)(height / 4), (urs_colour){250, (uint8_t)(number * 11), 20});
        status = urs_image_write(path, &image, &err);
    }
    if (status != URS_OK)
        printf("  %s\n", err.message);
    urs_image_release(&image);
    return status == URS_OK;
}

/* FOLDER/frame-0000.png .. of 60 + number x 48 pixels (number: at most 200 counted); every `broken_every`-th is broken in one of three ways (0: none). */
static inline bool tiny_frames_write(const char *folder, int32_t count, int32_t broken_every)
{
    for (int32_t i = 0; i < count; i++) {
        char path[640];
        (void)snprintf(path, sizeof path, "%s/frame-%04d.png", folder, (int)i);
        if (broken_every && i % broken_every == broken_every - 1) {
            static const char *const junk[] = {"", "\x89PNG\r\n\x1a\n and then nothing", "these are no pixels"};
            const char *text = junk[i / broken_every % 3];
            if (urs_file_write(path, text, strlen(text), NULL) != URS_OK)
                return false;
        } else if (!tiny_picture_write(path, i, 60 + i % 200, 48)) {
            return false;
        }
    }
    return true;
}

#endif
