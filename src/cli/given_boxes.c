/* Boxes of a MegaDetector file; see given_boxes.h. */
#include "cli/given_boxes.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "interchange/megadetector.h"

#include <stdlib.h>
#include <string.h>

#define SCORE 0.2 /* what MegaDetector's authors recommend for version 5 */

typedef struct boxed_file {
    char *file;        /* owned */
    size_t first, count; /* in regions */
} boxed_file;

struct urs_given_boxes {
    const urs_arguments *folders;
    char *name;        /* owned */
    boxed_file *files; /* owned, by name */
    size_t count;
    urs_region *regions; /* owned */
    size_t region_count, region_capacity;
    double score;
    char hash[65];
};

void urs_given_boxes_free(urs_given_boxes *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        urs_free(b->files[i].file);
    urs_free(b->files);
    urs_free(b->regions);
    urs_free(b->name);
    urs_free(b);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const boxed_file *)a)->file, ((const boxed_file *)b)->file);
}

/* wanted[category] */
static bool *wanted_categories(const urs_names *categories)
{
    bool *wanted = urs_array_new(categories->count, sizeof *wanted), any = false;
    for (size_t i = 0; wanted && i < categories->count; i++) {
        wanted[i] = strcmp(categories->items[i], "animal") == 0;
        any = any || wanted[i];
    }
    for (size_t i = 0; wanted && !any && i < categories->count; i++)
        wanted[i] = strcmp(categories->items[i], "person") != 0 && strcmp(categories->items[i], "vehicle") != 0;
    return wanted;
}

static urs_status take_image(urs_given_boxes *b, urs_result_image *image, const bool *wanted, urs_error *err)
{
    boxed_file *f = &b->files[b->count];
    *f = (boxed_file){.file = image->file, .first = b->region_count};
    image->file = NULL;
    b->count++;
    for (size_t i = 0; i < image->count; i++) {
        const urs_result_detection *d = &image->detections[i];
        if (!wanted[d->category] || d->conf < b->score)
            continue;
        if (!urs_array_reserve((void **)&b->regions, &b->region_capacity, b->region_count, sizeof *b->regions))
            return urs_fail(err, URS_ENOMEM, "no memory for the boxes of '%s'", b->name);
        b->regions[b->region_count++] = (urs_region){(float)d->x, (float)d->y, (float)(d->x + d->width), (float)(d->y + d->height)};
        f->count++;
    }
    return URS_OK;
}

static urs_status take_all(urs_given_boxes *b, urs_result_set *set, double score, urs_error *err)
{
    bool *wanted = wanted_categories(&set->info.detection_categories);
    urs_status status = URS_OK;
    b->score = score > 0 ? score : set->info.typical_threshold > 0 ? set->info.typical_threshold : SCORE;
    b->files = urs_array_new(set->count, sizeof *b->files);
    if (!wanted || !b->files)
        status = urs_fail(err, URS_ENOMEM, "no memory for the boxes of '%s'", b->name);
    for (size_t i = 0; status == URS_OK && i < set->count; i++)
        if (!set->images[i].failure)
            status = take_image(b, &set->images[i], wanted, err);
    if (status == URS_OK && b->count > 1)
        qsort(b->files, b->count, sizeof *b->files, compare_files);
    for (size_t i = 1; status == URS_OK && i < b->count; i++)
        if (strcmp(b->files[i - 1].file, b->files[i].file) == 0)
            status = urs_fail(err, URS_EFORMAT, "'%s' names '%.200s' twice", b->name, b->files[i].file);
    urs_free(wanted);
    return status;
}

urs_status urs_given_boxes_open(urs_given_boxes **out, const char *json, const urs_arguments *folders, double score, urs_error *err)
{
    urs_given_boxes *b = urs_array_new(1, sizeof *b);
    urs_result_set set = {0};
    urs_bytes bytes = {0};
    urs_sha256 sha;
    urs_status status;
    if (!b)
        return urs_fail(err, URS_ENOMEM, "no memory for the boxes of '%s'", json);
    b->folders = folders;
    b->name = urs_strdup(json);
    status = b->name ? urs_file_read(&bytes, json, 0, err) : urs_fail(err, URS_ENOMEM, "no memory for the boxes of '%s'", json);
    if (status == URS_OK)
        status = urs_results_parse(&set, bytes.data, bytes.size, json, err);
    if (status == URS_OK)
        status = take_all(b, &set, score, err);
    if (status == URS_OK) {
        urs_sha256_init(&sha);
        urs_sha256_update(&sha, bytes.data, bytes.size);
        urs_sha256_hex(&sha, b->hash);
        *out = b;
    } else {
        urs_given_boxes_free(b);
    }
    urs_result_set_release(&set);
    urs_bytes_release(&bytes);
    return status;
}

static const boxed_file *entry_named(const urs_given_boxes *b, const char *name)
{
    const boxed_file key = {.file = (char *)(uintptr_t)name}; /* only compared */
    return b->count ? bsearch(&key, b->files, b->count, sizeof key, compare_files) : NULL;
}

static const boxed_file *entry_of(const urs_given_boxes *b, const char *file)
{
    const boxed_file *found = entry_named(b, file);
    for (int i = 0; !found && i < b->folders->count; i++) {
        const char *folder = b->folders->items[i];
        size_t n = strlen(folder);
        while (n > 1 && folder[n - 1] == '/')
            n--;
        if (strncmp(file, folder, n) == 0 && file[n] == '/') {
            while (file[n] == '/')
                n++;
            found = entry_named(b, file + n);
        }
    }
    return found;
}

bool urs_given_boxes_regions(void *boxes, const char *file, const urs_region **regions, size_t *count)
{
    const urs_given_boxes *b = boxes;
    const boxed_file *entry = entry_of(b, file);
    if (!entry)
        return false;
    *regions = b->regions ? b->regions + entry->first : NULL;
    *count = entry->count;
    return true;
}

urs_status urs_given_boxes_check(const urs_given_boxes *b, const urs_names *files, size_t *known, urs_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < files->count; i++)
        n += entry_of(b, files->items[i]) != NULL;
    if (n == 0 && files->count > 0)
        return urs_fail(err, URS_ENOTFOUND, "'%s' says nothing about these photographs: it names '%.200s', they are called '%.200s'", b->name, b->count ? b->files[0].file : "none", files->items[0]);
    *known = n;
    return URS_OK;
}

void urs_given_boxes_describe(const urs_given_boxes *b, urs_text *out)
{
    urs_text_format(out, "boxes %.16s from %g", b->hash, b->score);
}
