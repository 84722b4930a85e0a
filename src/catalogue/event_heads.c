/* Heads of an event, joined and fused; see event_heads.h. */
#include "catalogue/event_heads.h"

#include "base/memory.h"
#include "catalogue/cluster.h"
#include "stages/fuse.h"

#include <string.h>

#define SAME_AT_UNCALIBRATED 0.8 /* the cosine 0.6, moved to 0 .. 1 */

urs_status urs_event_heads_fuse(float *fused, size_t *animal, size_t *views, const float *embeddings, const int64_t *frame, size_t n, int32_t dim, const urs_calibration *cal, urs_error *err)
{
    const urs_cluster_options how = {.threshold = cal && cal->prior > 0 ? cal->prior : SAME_AT_UNCALIBRATED, .frame = frame};
    size_t *rows = urs_array_new(n, sizeof *rows), animals = 0;
    urs_status status = n > URS_EVENT_HEADS_MAX ? urs_fail(err, URS_ELIMIT, "%zu heads are too many for one event", n) : rows ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu heads of an event", n);
    if (status == URS_OK)
        status = urs_cluster_chips(animal, &animals, embeddings, n, dim, cal, &how, err);
    for (size_t a = 0; status == URS_OK && a < animals; a++) {
        size_t count = 0;
        float *vector;
        for (size_t i = 0; i < n; i++)
            if (animal[i] == a)
                rows[count++] = i;
        vector = fused + rows[0] * (size_t)dim;
        if (!urs_embeddings_fuse(vector, embeddings, dim, rows, NULL, count))
            status = urs_fail(err, URS_EINVAL, "the embeddings of %zu heads of an event cancel each other out", count);
        for (size_t i = 0; i < count; i++) {
            views[rows[i]] = count;
            if (i > 0)
                memcpy(fused + rows[i] * (size_t)dim, vector, (size_t)dim * sizeof *fused);
        }
    }
    urs_free(rows);
    return status;
}
