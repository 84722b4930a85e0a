/* Disjoint sets; see disjoint.h. */
#include "base/disjoint.h"

size_t urs_disjoint_root(size_t *parent, size_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

void urs_disjoint_join(size_t *parent, size_t a, size_t b)
{
    const size_t x = urs_disjoint_root(parent, a), y = urs_disjoint_root(parent, b);
    if (x < y)
        parent[y] = x;
    else
        parent[x] = y;
}
