/* Sorted scores; see ranking.h. */
#include "eval/ranking.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static int compare_falling(const void *pa, const void *pb)
{
    const float a = ((const urs_ranked *)pa)->score, b = ((const urs_ranked *)pb)->score;
    return (a < b) - (a > b);
}

urs_ranked *urs_ranking_new(const float *score, const uint8_t *positive, size_t n, size_t *positives)
{
    urs_ranked *list = urs_array_new(n, sizeof *list);
    size_t count = 0;
    if (!list)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        list[i] = (urs_ranked){isnan(score[i]) ? -INFINITY : score[i], positive[i] != 0};
        count += list[i].positive;
    }
    qsort(list, n, sizeof *list, compare_falling);
    *positives = count;
    return list;
}
