/* Disjoint sets of the numbers 0 .. n-1 in a caller's array (union-find with halved paths): parent[i] == i to begin with. One caller at a time. */
#ifndef URS_BASE_DISJOINT_H
#define URS_BASE_DISJOINT_H

#include <stddef.h>

/* The number that stands for i's set. */
size_t urs_disjoint_root(size_t *parent, size_t i);
/* One set of both; its smaller root stays, whatever the order of the calls. */
void urs_disjoint_join(size_t *parent, size_t a, size_t b);

#endif
