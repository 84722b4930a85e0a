/* The finder: a detector with its runner; see find.h. */
#include "stages/find.h"

#include "base/memory.h"

#include <string.h>

struct urs_finder {
    urs_find_layout layout;
    urs_find_options options; /* defaults filled in */
    const urs_input_format *input; /* borrowed */
    urs_runner *runner;
    /* of the current call; each item is touched by one worker only */
    const urs_image *const *pictures;
    urs_letterbox *how; /* owned, [n] */
    urs_detections *found;
};

urs_status urs_finder_new(urs_finder **out, const urs_network *network, const urs_finder_options *options, urs_error *err)
{
    const urs_finder_options o = options ? *options : (urs_finder_options){0};
    const urs_runner_options runner = {.batch = o.batch, .pool = o.pool, .backend = o.backend};
    urs_finder *f;
    urs_status status;

    if (network->input.fit != URS_FIT_LETTERBOX)
        return urs_fail(err, URS_EMISMATCH, "find needs a network whose input is fitted by letterbox");
    f = urs_array_new(1, sizeof *f);
    if (!f)
        return urs_fail(err, URS_ENOMEM, "no memory for a finder");
    f->input = &network->input;
    f->options = o.find;
    if (f->options.score == 0)
        f->options.score = (float)urs_network_number(network, "ursid.thresholds", "score", 0.25);
    if (f->options.iou == 0)
        f->options.iou = (float)urs_network_number(network, "ursid.thresholds", "iou", 0.7);
    if (!(f->options.score > 0 && f->options.score <= 1) || !(f->options.iou > 0 && f->options.iou <= 1))
        status = urs_fail(err, URS_EINVAL, "the thresholds of find (score %g, overlap %g) must be above 0 and at most 1", (double)f->options.score, (double)f->options.iou);
    else
        status = urs_find_layout_read(&f->layout, network->graph, err);
    if (status == URS_OK)
        status = urs_runner_new(&f->runner, network, &runner, err);
    if (status != URS_OK) {
        urs_finder_free(f);
        return status;
    }
    *out = f;
    return URS_OK;
}

void urs_finder_free(urs_finder *f)
{
    if (!f)
        return;
    urs_runner_free(f->runner);
    urs_free(f);
}

const urs_find_options *urs_finder_settings(const urs_finder *f)
{
    return &f->options;
}

static urs_status prepare_picture(void *context, size_t item, float *tensor, urs_error *err)
{
    const urs_finder *f = context;
    return urs_image_to_tensor(tensor, f->pictures[item], f->input, &f->how[item], err);
}

static urs_status take_picture(void *context, size_t item, const urs_outputs *outputs, int32_t index, urs_error *err)
{
    const urs_finder *f = context;
    urs_find_outputs raw;
    urs_find_outputs_of(&raw, &f->layout, outputs, index);
    return urs_find_decode(&f->found[item], &f->layout, &raw, &f->how[item], f->pictures[item]->width, f->pictures[item]->height, &f->options, err);
}

urs_status urs_finder_pictures(urs_finder *f, urs_detections *found, const urs_image *const *pictures, size_t n, urs_error *err)
{
    const urs_runner_calls calls = {.context = f, .prepare = prepare_picture, .take = take_picture};
    urs_status status;

    memset(found, 0, n * sizeof *found);
    f->pictures = pictures;
    f->found = found;
    f->how = urs_array_new(n, sizeof *f->how);
    if (!f->how)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", n);
    status = urs_runner_run(f->runner, n, &calls, err);
    for (size_t i = 0; status != URS_OK && i < n; i++)
        urs_detections_release(&found[i]);
    urs_free(f->how);
    f->how = NULL;
    return status;
}
