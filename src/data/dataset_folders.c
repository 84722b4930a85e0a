/* Folder trees: the names of the folders are the labels; see dataset.h.
 *
 *      DIR/bf_480/a.jpg                      label bf_480, individual bf_480
 *      DIR/bear/bf_480/a.jpg                 label bear,   individual bf_480
 *      DIR/train/bear/bf_480/2019-08/a.jpg   the same, part train, group "bear/bf_480/2019-08"
 */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/dataset_private.h"
#include "image/decode.h"

#include <string.h>

#define LEVELS_MAX 64

static urs_status add_file(urs_dataset *out, const char *root, const char *file, const char *prefix, urs_error *err)
{
    urs_status status;
    urs_sample *s;
    urs_text group = {0};
    char *levels[LEVELS_MAX];
    size_t count = 0;
    urs_part part = URS_PART_NONE;
    const size_t root_length = strlen(root);
    const char *tail = file + root_length;
    char *relative = urs_strdup(tail + strspn(tail, "/"));

    if (!relative)
        return urs_fail(err, URS_ENOMEM, "no memory for the path '%s'", file);
    for (char *p = relative, *slash; (slash = strchr(p, '/')) != NULL && count < LEVELS_MAX; p = slash + 1) {
        urs_part here;
        *slash = '\0';
        here = urs_data_part_of(p);
        if (here != URS_PART_NONE)
            part = here;
        else if (*p)
            levels[count++] = p;
    }
    status = urs_dataset_add(out, file, &s, err);
    if (status != URS_OK)
        goto done;
    s->part = part;
    if (count == 0) /* a file that lies in no folder of a class: a picture without a label */
        goto done;
    status = urs_name_table_add(&out->labels, levels[0], &s->label, err);
    if (status == URS_OK)
        status = urs_data_individual(out, prefix, levels[count > 1 ? 1 : 0], &s->individual, err);
    if (status != URS_OK || count < 3)
        goto done;
    for (size_t i = 0; i < count; i++) {
        if (i)
            urs_text_add(&group, "/");
        urs_text_add(&group, levels[i]);
    }
    if (!urs_text_ok(&group))
        status = urs_fail(err, URS_ENOMEM, "no memory for a name");
    else
        status = urs_name_table_add(&out->groups, urs_text_string(&group), &s->group, err);
done:
    urs_text_release(&group);
    urs_free(relative);
    return status;
}

urs_status urs_data_read_folders(urs_dataset *out, const char *path, const char *prefix, urs_error *err)
{
    urs_names files = {0};
    urs_status status = urs_folder_list(&files, path, urs_photo_has_extension, err);
    for (size_t i = 0; status == URS_OK && i < files.count; i++)
        status = add_file(out, path, files.items[i], prefix, err);
    urs_names_release(&files);
    return status;
}
