// Random bytes, from the kernel only (getrandom), so that a fork or a snapshot of our own state can
// never repeat them. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_RANDOM_H
#define FP_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// Fills out. Aborts the process when the kernel gives none: nothing may go on without.
void random_bytes(uint8_t *out, size_t len);
uint64_t random_u64(void);
// Even over 0 .. bound-1; bound > 0.
uint64_t random_below(uint64_t bound);

#endif
