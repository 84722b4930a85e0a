/* The word that the user most likely meant. */
#ifndef URS_CLI_NEAREST_H
#define URS_CLI_NEAREST_H

#include <stddef.h>

/* Number of letters to insert, delete, replace or swap with a neighbour (optimal string alignment, Damerau 1964). Words longer than 63 bytes
 * count as far away from everything. Thread safe. */
size_t urs_text_distance(const char *a, const char *b);

/* True when `distance` is small enough for a word of this length to be worth suggesting. */
int urs_text_is_near(size_t distance, const char *word);

#endif
