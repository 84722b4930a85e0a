/* Frames and weights for bench_sift; see sift_frames.h. */
#include "sift_frames.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "stages/model_path.h"
#include "stages/network.h"
#include "synth/synth.h"

#include <stdio.h>

#define WIDTH 4000
#define HEIGHT 3000
#define SEED 11

static urs_status draw(const char *scenes, int count, urs_error *err)
{
    const urs_synth_options options = {.frames = count, .cameras = count < 4 ? count : 4, .width = WIDTH, .height = HEIGHT, .seed = SEED, .progress = URS_PROGRESS_NONE};
    (void)fprintf(stderr, "bench: drawing %d frames of %d x %d\n", count, WIDTH, HEIGHT);
    return urs_synth_run(scenes, &options, NULL, err);
}

urs_status urs_sift_frames(urs_names *out, const char *folder, int count, urs_error *err)
{
    char *scenes = urs_path_join(folder, "scenes"), *images = scenes ? urs_path_join(scenes, "images") : NULL;
    urs_names found = {0};
    urs_status status = images ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK && urs_folder_exists(images))
        status = urs_folder_list(&found, images, urs_photo_has_extension, err);
    if (status == URS_OK && found.count < (size_t)count) {
        urs_names_release(&found);
        found = (urs_names){0};
        status = draw(scenes, count, err);
        if (status == URS_OK)
            status = urs_folder_list(&found, images, urs_photo_has_extension, err);
    }
    for (size_t i = 0; status == URS_OK && i < found.count && i < (size_t)count; i++)
        status = urs_names_add(out, found.items[i], err);
    urs_names_release(&found);
    urs_free(images);
    urs_free(scenes);
    return status;
}

urs_status urs_sift_weights(char **out, const char *folder, urs_error *err)
{
    const urs_model_options options = {.arch = "mobilenet_v3_small", .classes = 3};
    char *path = urs_path_join(folder, "sift.safetensors");
    urs_network *network = NULL;
    urs_status status;
    if (urs_model_path(out, "sift", NULL, NULL) == URS_OK) {
        urs_free(path);
        return URS_OK;
    }
    status = path ? urs_folder_create(folder, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK)
        status = urs_network_new(&network, &options, SEED, err);
    if (status == URS_OK)
        status = urs_network_set_note(network, "ursid.stage", "sift", err);
    if (status == URS_OK)
        status = urs_network_set_note(network, "ursid.classes", "[\"empty\",\"animal\",\"bear\"]", err);
    if (status == URS_OK)
        status = urs_network_write(network, path, true, err);
    urs_network_free(network);
    if (status == URS_OK)
        *out = path;
    else
        urs_free(path);
    return status;
}
