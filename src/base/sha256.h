/* SHA-256 (FIPS 180-4). One owner at a time; no allocation. Used to tell weights and files apart, not for secrets. */
#ifndef URS_BASE_SHA256_H
#define URS_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct urs_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
} urs_sha256;

void urs_sha256_init(urs_sha256 *s);
void urs_sha256_update(urs_sha256 *s, const void *data, size_t size);
void urs_sha256_final(urs_sha256 *s, uint8_t digest[32]); /* s must be initialised again afterwards */
void urs_sha256_hex(urs_sha256 *s, char out[65]);         /* final, as lower-case hex and a zero */

#endif
