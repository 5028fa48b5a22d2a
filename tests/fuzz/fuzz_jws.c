// Fuzzes what clients sign, and what travels between the rooms about it: the first byte chooses
// whether the rest is a proof, the URL in one, or a packed possession, which packs the same again.
// SPDX-License-Identifier: Apache-2.0
#include "auth/possession.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_proof(struct bytes text, struct arena *arena)
{
    const struct dpop_expect expect = {.method = BYTES("GET"),
                                       .base = BYTES("https://localhost:8443"),
                                       .path = BYTES("/api"),
                                       .token = BYTES("x"),
                                       .now_ms = 1700000000000};
    struct dpop_proof proof = {0};
    enum dpop_fault fault = DPOP_MISSING;
    if (dpop_check(text, &expect, arena, &fault, &proof) == FP_OK &&
        (fault == DPOP_MISSING || fault >= DPOP_CLAIMED)) {
        abort();
    }
}

static void fuzz_possession(struct bytes text)
{
    struct possession shown = {0};
    struct buf again;
    if (text.len == 0 || possession_decode(text, &shown) != FP_OK) {
        return;
    }
    buf_init(&again, POSSESSION_TEXT);
    possession_encode(&shown, &again);
    if (buf_error(&again) != FP_OK || again.len != text.len) {
        abort();
    }
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(1u << 22, true);
    struct bytes rest = bytes_slice(bytes_of(data, size), 1, size);
    if (size != 0 && arena != NULL) {
        if (data[0] % 3 == 0) {
            fuzz_proof(rest, arena);
        } else if (data[0] % 3 == 1) {
            (void)dpop_url_matches(rest, BYTES("https://localhost:8443"), BYTES("/api"));
        } else {
            fuzz_possession(rest);
        }
    }
    arena_free(arena);
    return 0;
}
