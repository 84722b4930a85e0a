/* Checked sizes and allocation; see memory.h. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

bool urs_mul_size(size_t *out, size_t a, size_t b)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool urs_add_size(size_t *out, size_t a, size_t b)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

void *urs_array_new(size_t n, size_t size)
{
    size_t bytes;
    if (!urs_mul_size(&bytes, n, size))
        return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

bool urs_array_resize(void **array, size_t n, size_t size)
{
    size_t bytes;
    void *p;
    if (!urs_mul_size(&bytes, n, size))
        return false;
    p = realloc(*array, bytes ? bytes : 1);
    if (!p)
        return false;
    *array = p;
    return true;
}

bool urs_array_reserve(void **array, size_t *capacity, size_t count, size_t size)
{
    size_t wanted;
    if (count < *capacity)
        return true;
    if (!urs_mul_size(&wanted, *capacity, 2))
        return false;
    if (wanted < 8)
        wanted = 8;
    if (!urs_array_resize(array, wanted, size))
        return false;
    *capacity = wanted;
    return true;
}

void urs_free(void *p)
{
    free(p);
}

/* Blocks of megabytes ask for huge pages: arenas and weights are streamed through, and with pages of 4 kB a quarter of that time goes to address
 * translation. The end of a block joins in only where rounding it up wastes little. */
static size_t huge_size(size_t bytes)
{
    const size_t up = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    return up - bytes <= bytes / 8 ? up : bytes;
}

void *urs_aligned_new(size_t bytes)
{
    size_t rounded;
    void *p;
    if (!urs_add_size(&rounded, bytes, 63))
        return NULL;
    rounded &= ~(size_t)63;
    if (rounded == 0)
        rounded = 64;
    if (rounded >= HUGE_PAGE && rounded < SIZE_MAX / 2) {
        rounded = huge_size(rounded);
        if (posix_memalign(&p, HUGE_PAGE, rounded) != 0)
            return NULL;
#ifdef MADV_HUGEPAGE
        (void)madvise(p, rounded, MADV_HUGEPAGE); /* a wish: without it everything is as before */
#endif
    } else {
        p = aligned_alloc(64, rounded);
    }
    if (p)
        memset(p, 0, rounded);
    return p;
}

void urs_aligned_free(void *p)
{
    free(p);
}

char *urs_strdup(const char *s)
{
    size_t n;
    char *copy;
    if (!s)
        return NULL;
    n = strlen(s) + 1;
    copy = malloc(n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}
