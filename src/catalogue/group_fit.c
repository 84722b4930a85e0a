/* The joining threshold; see group_fit.h. */
#include "catalogue/group_fit.h"

#include "base/memory.h"
#include "eval/grouping.h"

#define FIRST_COSINE (-20) /* hundredths */
#define LAST_COSINE 99

urs_status urs_group_fit_chips(urs_group_fit *out, const float *embeddings, const int64_t *identity, const int64_t *gallery, size_t n, int32_t dim, const urs_calibration *cal, urs_linkage linkage,
                               urs_error *err)
{
    static const urs_calibration none = {0};
    urs_group_fit best = {.rand = -2};
    size_t *label = urs_array_new(n, sizeof *label);
    urs_status status = label ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory to group %zu chips", n);
    if (status == URS_OK && n == 0)
        status = urs_fail(err, URS_EINVAL, "there are no chips to choose a joining threshold on");
    for (int c = FIRST_COSINE; status == URS_OK && c <= LAST_COSINE; c++) {
        const double cosine = c / 100.0;
        const urs_cluster_options how = {.threshold = urs_calibration_probability(cal ? cal : &none, cosine), .linkage = linkage};
        size_t galleries = 0;
        double sum = 0;
        for (size_t first = 0, end; status == URS_OK && first < n; first = end) {
            size_t groups;
            for (end = first + 1; end < n && gallery[end] == gallery[first];)
                end++;
            status = urs_cluster_chips(label, &groups, embeddings + first * (size_t)dim, end - first, dim, cal, &how, err);
            if (status == URS_OK)
                sum += urs_grouping_evaluate(label, identity + first, end - first).rand;
            galleries++;
        }
        if (status == URS_OK && sum / (double)galleries >= best.rand)
            best = (urs_group_fit){.join_at = how.threshold, .cosine = cosine, .rand = sum / (double)galleries, .galleries = galleries};
    }
    urs_free(label);
    if (status == URS_OK)
        *out = best;
    return status;
}
