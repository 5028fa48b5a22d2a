// Names that may be used once within a window of time: proofs of possession, assertions. Bounded;
// of this process alone.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REPLAY_H
#define FP_REGISTRY_REPLAY_H

#include "crypto/digest.h"

struct replay;

// A name is remembered for window_s at least and twice that at most. FP_E_NO_MEMORY.
enum fp_error replay_create(uint32_t window_s, uint32_t max_entries, struct replay **out);
void replay_free(struct replay *replay); // takes NULL
// Takes a name: FP_OK once, then FP_E_EXISTS. FP_E_SERVICE_UNAVAILABLE when so many are remembered
// that nothing can be said of new ones; FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED. now_ms: monotonic.
enum fp_error replay_take(struct replay *replay, const uint8_t name[static DIGEST_SIZE],
                          uint64_t now_ms);

#endif
