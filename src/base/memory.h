/* Checked sizes and allocation.
 *
 * All sizes that come from a file or from a product go through urs_mul_size / urs_add_size. Memory from here is released
 * with urs_free (alias of free for plain blocks); aligned blocks have their own pair. NULL means no memory: the caller
 * turns it into URS_ENOMEM. Thread safe. */
#ifndef URS_BASE_MEMORY_H
#define URS_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a*b or a+b; false (out untouched) when it does not fit. */
bool urs_mul_size(size_t *out, size_t a, size_t b);
bool urs_add_size(size_t *out, size_t a, size_t b);

/* Zeroed array of n elements of size bytes each, owned; NULL when it does not fit. n == 0 gives a valid block. */
void *urs_array_new(size_t n, size_t size);

/* Grows or shrinks *array (owned, may be NULL) to n elements; contents kept, new part not zeroed. On failure false and the array
 * stays as it was. */
bool urs_array_resize(void **array, size_t n, size_t size);

/* Makes room for one more element in a growing array: doubles *capacity when count == *capacity. */
bool urs_array_reserve(void **array, size_t *capacity, size_t count, size_t size);

void urs_free(void *p); /* NULL is fine */

/* 64-byte aligned block, zeroed; release with urs_aligned_free. */
void *urs_aligned_new(size_t bytes);
void urs_aligned_free(void *p);

/* Owned copy of a string; NULL in gives NULL out. */
char *urs_strdup(const char *s);

#endif
