/* Approach B from two trainings; see sift_pair.h. */
#include "stages/sift_pair.h"

#include "base/memory.h"
#include "base/text.h"
#include "eval/classification.h"
#include "stages/sift.h"

#include <stdio.h>
#include <string.h>

/* Probabilities [n][3] with the second network asked about every frame. */
static urs_status ask_both(float *p, const urs_network *first, const urs_frames *frames, urs_pool *pool, urs_error *err)
{
    const urs_image **pictures = urs_array_new(frames->count, sizeof *pictures);
    urs_sift_result *result = urs_array_new(frames->count, sizeof *result);
    urs_sifter *sifter = NULL;
    urs_status status = pictures && result ? urs_sifter_new(&sifter, first, &(urs_sifter_options){.ungated = true, .pool = pool, .batch = 8}, err)
                                           : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames->count);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++)
        pictures[i] = &frames->cache.images[frames->items[i].picture];
    if (status == URS_OK)
        status = urs_sifter_pictures(sifter, result, pictures, frames->count, err);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++)
        memcpy(p + i * URS_FRAME_CLASSES, result[i].probability, sizeof result[i].probability);
    urs_sifter_free(sifter);
    urs_free(result);
    urs_free((void *)pictures);
    return status;
}

urs_status urs_sift_pair(urs_network *first, urs_network *second, const urs_frames *frames, double bear_recall, urs_pool *pool, double *score, urs_error *err)
{
    const double recall = bear_recall > 0 ? bear_recall : URS_SIFT_BEAR_RECALL;
    float *p = urs_array_new(frames->count, URS_FRAME_CLASSES * sizeof *p);
    urs_sift_thresholds t = {0};
    urs_confusion c = {0};
    urs_status status = p ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", frames->count);
    first->second = second;
    if (status == URS_OK)
        status = ask_both(p, first, frames, pool, err);
    if (status == URS_OK)
        status = urs_sift_choose_thresholds(&t, URS_SIFT_TWO_NETWORKS, p, frames->labels, frames->count, recall, err);
    if (status == URS_OK)
        status = urs_confusion_new(&c, URS_FRAME_CLASSES, err);
    for (size_t i = 0; status == URS_OK && i < frames->count; i++) {
        urs_sift_gate(p + i * URS_FRAME_CLASSES, URS_SIFT_TWO_NETWORKS, &t);
        status = urs_confusion_add(&c, (size_t)frames->labels[i], (size_t)urs_sift_decide(p + i * URS_FRAME_CLASSES, &t), err);
    }
    if (status == URS_OK)
        status = urs_sift_store_thresholds(first, &t, recall, p, frames->count, err);
    if (status == URS_OK && score)
        *score = urs_confusion_balanced_accuracy(&c);
    urs_confusion_release(&c);
    urs_free(p);
    return status;
}

/* OUT.safetensors -> OUT.first.safetensors. Owned; NULL: no memory. */
static char *beside(const char *out, const char *word)
{
    static const char ending[] = ".safetensors";
    const size_t n = strlen(out), e = sizeof ending - 1, stem = n > e && strcmp(out + n - e, ending) == 0 ? n - e : n;
    urs_text text = {0};
    urs_text_append(&text, out, stem);
    urs_text_format(&text, ".%s%s", word, ending);
    return urs_text_ok(&text) ? urs_text_take(&text) : NULL;
}

static urs_status join(const char *const path[2], const urs_sift_train_options *o, double *score, urs_error *err)
{
    urs_network *first = NULL, *second = NULL;
    urs_frames frames = {0};
    urs_pool *pool = NULL;
    urs_status status = urs_pool_new(&pool, o->fit.threads, err);
    if (status == URS_OK)
        status = urs_frames_build(&frames, &o->frames, URS_PART_VALIDATION, pool, err);
    if (status == URS_OK)
        status = urs_network_read(&first, path[0], "sift", err);
    if (status == URS_OK)
        status = urs_network_read(&second, path[1], "sift", err);
    if (status == URS_OK) {
        status = urs_sift_pair(first, second, &frames, o->bear_recall, pool, score, err);
        second = NULL;
    }
    if (status == URS_OK)
        status = urs_network_write(first, o->fit.out, !o->fit.full_precision, err);
    urs_network_free(first);
    urs_network_free(second);
    urs_frames_release(&frames);
    urs_pool_free(pool);
    return status;
}

urs_status urs_sift_train_pair(const urs_sift_train_options *options, urs_fit_report *report, urs_error *err)
{
    static const urs_sift_role roles[2] = {URS_SIFT_EMPTY_OR_NOT, URS_SIFT_BEAR_OR_NOT};
    char *const path[2] = {beside(options->fit.out, "first"), beside(options->fit.out, "second")};
    urs_sift_train_options o = *options;
    urs_fit_report one[2] = {0};
    urs_status status = path[0] && path[1] ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK && o.frames.folds > 0)
        status = urs_fail(err, URS_EINVAL, "two networks in sequence are trained without folds");
    for (int k = 0; status == URS_OK && k < 2; k++) {
        o.role = roles[k];
        o.fit.out = path[k];
        status = urs_sift_train(&o, &one[k], err);
    }
    if (status == URS_OK) {
        *report = one[1];
        report->seconds += one[0].seconds;
        status = join((const char *const *)path, options, &report->best, err);
    }
    urs_free(path[0]);
    urs_free(path[1]);
    return status;
}
