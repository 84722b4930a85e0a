/* Which kernels this processor can run; see kernels.h. */
#include "int8/kernels.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#define HAS_SDOT (1ul << 20) /* HWCAP_ASIMDDP */
#endif

const urs_int8_kernels *urs_int8_kernels_runnable(int32_t index)
{
    const urs_int8_kernels *tables[4] = {NULL};
    int32_t n = 0;
#if defined(__x86_64__)
    unsigned a = 0, b, c, d; /* AVX-VNNI: bit 4 of eax; not every compiler has a name for it */
    (void)__get_cpuid_count(7, 1, &a, &b, &c, &d);
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        tables[n++] = &urs_int8_kernels_avx512_vnni;
    if (__builtin_cpu_supports("avx2") && (a >> 4 & 1))
        tables[n++] = &urs_int8_kernels_avx_vnni;
    if (__builtin_cpu_supports("avx2"))
        tables[n++] = &urs_int8_kernels_avx2;
#elif defined(__aarch64__)
#if defined(__linux__)
    if (getauxval(AT_HWCAP) & HAS_SDOT)
        tables[n++] = &urs_int8_kernels_sdot;
#endif
    tables[n++] = &urs_int8_kernels_neon;
#endif
    tables[n++] = &urs_int8_kernels_plain;
    return index >= 0 && index < n ? tables[index] : NULL;
}

urs_status urs_int8_kernels_find(const urs_int8_kernels **out, const char *name, urs_error *err)
{
    char names[128] = "";
    for (int32_t i = 0; urs_int8_kernels_runnable(i); i++) {
        const urs_int8_kernels *k = urs_int8_kernels_runnable(i);
        if (!name || !*name || strcmp(name, k->name) == 0) {
            *out = k;
            return URS_OK;
        }
        (void)strncat(names, i ? ", " : "", sizeof names - strlen(names) - 1);
        (void)strncat(names, k->name, sizeof names - strlen(names) - 1);
    }
    return urs_fail(err, URS_ENOTFOUND, "this processor has no int8 kernels '%.40s'; it has %s", name, names);
}
