/* Average precision of a detector on labelled scenes; see find_train.h. */
#include "stages/find_train.h"

#include "base/memory.h"

#include <string.h>

typedef struct evaluation {
    const urs_scene_set *scenes;
    urs_find_layout layout;
    urs_find_options settings;
    urs_detections *found; /* owned; one list a scene */
    urs_letterbox *how;    /* owned */
} evaluation;

static urs_status prepare_scene(void *context, size_t item, float *tensor, urs_error *err)
{
    evaluation *e = context;
    urs_yolo_sample sample = {0};
    const urs_status status = urs_yolo_sample_plain(&sample, &e->scenes->scenes[item], e->layout.input_width, &e->how[item], err);
    if (status == URS_OK)
        urs_yolo_sample_tensor(tensor, &sample);
    urs_yolo_sample_release(&sample);
    return status;
}

static urs_status take_scene(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    evaluation *e = context;
    const urs_scene *scene = &e->scenes->scenes[item];
    urs_find_outputs raw;
    urs_find_outputs_of(&raw, &e->layout, outputs, index);
    return urs_find_decode(&e->found[item], &e->layout, &raw, &e->how[item], scene->image.width, scene->image.height, &e->settings, err);
}

/* Instance i of a scene's map as a mask of its own. */
static urs_status truth_mask(urs_image *out, const urs_scene *scene, size_t i, urs_error *err)
{
    urs_status status = urs_image_new(out, scene->image.width, scene->image.height, 1, err);
    const size_t pixels = (size_t)scene->image.width * (size_t)scene->image.height;
    for (size_t p = 0; status == URS_OK && p < pixels; p++)
        out->data[p] = scene->index.data[p] == i + 1 ? 255 : 0;
    return status;
}

/* mask NULL: boxes only. */
static urs_status add_scene(urs_ap *box, urs_ap *mask, const urs_scene *scene, const urs_detections *found, urs_error *err)
{
    urs_ap_object *truth = urs_array_new(scene->count, sizeof *truth), *guess = urs_array_new(found->count, sizeof *guess);
    urs_image *truth_masks = urs_array_new(scene->count, sizeof *truth_masks), *guess_masks = urs_array_new(found->count, sizeof *guess_masks);
    urs_status status = URS_OK;
    if (!truth || !guess || !truth_masks || !guess_masks)
        status = urs_fail(err, URS_ENOMEM, "no memory to compare detections");
    for (size_t i = 0; status == URS_OK && i < scene->count; i++)
        truth[i] = (urs_ap_object){.label = scene->objects[i].label, .box = scene->objects[i].box};
    for (size_t i = 0; status == URS_OK && i < found->count; i++)
        guess[i] = (urs_ap_object){.label = found->items[i].label, .score = found->items[i].score, .box = found->items[i].box};
    if (status == URS_OK)
        status = urs_ap_add_image(box, truth, scene->count, guess, found->count, err);
    if (!mask)
        goto done;
    for (size_t i = 0; status == URS_OK && i < scene->count; i++) {
        truth[i].ignore = !scene->objects[i].has_mask; /* a head whose outline nobody drew says nothing about masks */
        if (scene->index.data && scene->objects[i].has_mask) {
            status = truth_mask(&truth_masks[i], scene, i, err);
            truth[i].mask = &truth_masks[i];
        }
    }
    for (size_t i = 0; status == URS_OK && i < found->count; i++) {
        status = urs_detection_whole_mask(&guess_masks[i], &found->items[i], scene->image.width, scene->image.height, err);
        guess[i].mask = &guess_masks[i];
    }
    if (status == URS_OK)
        status = urs_ap_add_image(mask, truth, scene->count, guess, found->count, err);
done:
    for (size_t i = 0; truth_masks && i < scene->count; i++)
        urs_image_release(&truth_masks[i]);
    for (size_t i = 0; guess_masks && i < found->count; i++)
        urs_image_release(&guess_masks[i]);
    urs_free(truth);
    urs_free(guess);
    urs_free(truth_masks);
    urs_free(guess_masks);
    return status;
}

urs_status urs_find_detect(urs_detections **found, const urs_scene_set *scenes, const urs_network *network, const urs_find_options *settings, urs_pool *pool, urs_error *err)
{
    evaluation e = {.scenes = scenes, .settings = {.score = 0.001f, .max_detections = 100}};
    const urs_runner_calls calls = {.context = &e, .prepare = prepare_scene, .take = take_scene};
    urs_runner *runner = NULL;
    urs_status status = urs_find_layout_read(&e.layout, network->graph, err);
    if (settings)
        e.settings = *settings;
    e.found = urs_array_new(scenes->count, sizeof *e.found);
    e.how = urs_array_new(scenes->count, sizeof *e.how);
    if (status == URS_OK && (!e.found || !e.how))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", scenes->count);
    if (status == URS_OK)
        status = urs_runner_new(&runner, network, &(urs_runner_options){.batch = 2, .pool = pool}, err);
    if (status == URS_OK)
        status = urs_runner_run(runner, scenes->count, &calls, err);
    urs_free(e.how);
    urs_runner_free(runner);
    if (status == URS_OK) {
        *found = e.found;
        return URS_OK;
    }
    for (size_t i = 0; e.found && i < scenes->count; i++)
        urs_detections_release(&e.found[i]);
    urs_free(e.found);
    return status;
}

urs_status urs_find_score(urs_find_quality *out, const urs_scene_set *scenes, const urs_detections *found, const size_t *item, size_t count, bool no_masks, urs_error *err)
{
    urs_ap *box = NULL, *mask = NULL;
    urs_status status = urs_ap_new(&box, &(urs_ap_options){.kind = URS_AP_BOX}, err);
    if (status == URS_OK && !no_masks)
        status = urs_ap_new(&mask, &(urs_ap_options){.kind = URS_AP_MASK}, err);
    for (size_t i = 0; status == URS_OK && i < count; i++)
        status = add_scene(box, mask, &scenes->scenes[item ? item[i] : i], &found[item ? item[i] : i], err);
    if (status == URS_OK)
        status = urs_ap_finish(box, &out->box, err);
    if (status == URS_OK && mask)
        status = urs_ap_finish(mask, &out->mask, err);
    urs_ap_free(box);
    urs_ap_free(mask);
    return status;
}

urs_status urs_find_evaluate(urs_find_quality *out, const urs_scene_set *scenes, const urs_network *network, const urs_find_options *settings, urs_pool *pool, urs_error *err)
{
    urs_detections *found = NULL;
    urs_status status = urs_find_detect(&found, scenes, network, settings, pool, err);
    if (status == URS_OK)
        status = urs_find_score(out, scenes, found, NULL, scenes->count, false, err);
    for (size_t i = 0; found && i < scenes->count; i++)
        urs_detections_release(&found[i]);
    urs_free(found);
    return status;
}
