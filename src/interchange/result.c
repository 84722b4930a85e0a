/* Results in memory; see result.h. */
#include "interchange/result.h"

#include "base/memory.h"

#include <string.h>

void urs_result_scores_release(urs_result_scores *scores)
{
    for (size_t i = 0; i < scores->count; i++)
        urs_free(scores->items[i].name);
    urs_free(scores->items);
    memset(scores, 0, sizeof *scores);
}

void urs_result_detection_release(urs_result_detection *detection)
{
    urs_free(detection->classes.items);
    urs_free(detection->mask);
    urs_free(detection->verdict);
    urs_result_scores_release(&detection->individuals);
    memset(detection, 0, sizeof *detection);
}

void urs_result_image_release(urs_result_image *image)
{
    for (size_t i = 0; i < image->count; i++)
        urs_result_detection_release(&image->detections[i]);
    urs_free(image->detections);
    urs_free(image->file);
    urs_free(image->failure);
    urs_free(image->warning);
    urs_free(image->frame_class);
    urs_result_scores_release(&image->frame_classes);
    memset(image, 0, sizeof *image);
}

void urs_result_info_release(urs_result_info *info)
{
    urs_free(info->detector);
    urs_free(info->classifier);
    urs_free(info->completed);
    urs_names_release(&info->detection_categories);
    urs_names_release(&info->classification_categories);
    memset(info, 0, sizeof *info);
}

void urs_result_set_release(urs_result_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        urs_result_image_release(&set->images[i]);
    urs_free(set->images);
    urs_result_info_release(&set->info);
    memset(set, 0, sizeof *set);
}

urs_result_image *urs_result_set_add(urs_result_set *set)
{
    if (!urs_array_reserve((void **)&set->images, &set->capacity, set->count, sizeof *set->images))
        return NULL;
    memset(&set->images[set->count], 0, sizeof *set->images);
    return &set->images[set->count++];
}

urs_result_detection *urs_result_image_add(urs_result_image *image)
{
    if (!urs_array_reserve((void **)&image->detections, &image->capacity, image->count, sizeof *image->detections))
        return NULL;
    memset(&image->detections[image->count], 0, sizeof *image->detections);
    return &image->detections[image->count++];
}

urs_status urs_result_scores_add(urs_result_scores *scores, const char *name, double probability, urs_error *err)
{
    char *copy = urs_strdup(name);
    if (!copy || !urs_array_reserve((void **)&scores->items, &scores->capacity, scores->count, sizeof *scores->items)) {
        urs_free(copy);
        return urs_fail(err, URS_ENOMEM, "no memory for a candidate");
    }
    scores->items[scores->count++] = (urs_result_score){copy, probability};
    return URS_OK;
}

urs_status urs_result_classes_add(urs_result_classes *classes, int32_t category, double probability, urs_error *err)
{
    if (!urs_array_reserve((void **)&classes->items, &classes->capacity, classes->count, sizeof *classes->items))
        return urs_fail(err, URS_ENOMEM, "no memory for a class");
    classes->items[classes->count++] = (urs_result_class){category, probability};
    return URS_OK;
}

urs_status urs_result_set_text(char **field, const char *value, urs_error *err)
{
    char *copy = urs_strdup(value);
    if (value && !copy)
        return urs_fail(err, URS_ENOMEM, "no memory for a text");
    urs_free(*field);
    *field = copy;
    return URS_OK;
}

urs_result_image urs_result_image_take(urs_result_image *from)
{
    const urs_result_image taken = *from;
    memset(from, 0, sizeof *from);
    return taken;
}
