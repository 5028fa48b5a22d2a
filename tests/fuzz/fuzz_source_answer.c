// Answers of sources: whatever comes, in one piece or byte by byte, ends the same way and within
// the limit. The first byte says whether the request was HEAD. SPDX-License-Identifier: Apache-2.0
#include "client/incoming.h"

#include <string.h>

#define BODY_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum client_incoming_state state; // at the end
    unsigned status;                  // of the answer
    size_t headers;                   // of the answer
    bool keep;                        // another request may follow
    struct buf body;                  // decoded
};

static void take(struct bytes all, size_t piece, bool head, struct outcome *out)
{
    struct client_incoming in;
    struct arena *arena = arena_create(1u << 20, true);
    enum client_incoming_state state = INCOMING_MORE;
    if (arena == NULL) {
        __builtin_trap();
    }
    buf_init(&out->body, BODY_MAX);
    client_incoming_init(&in, arena, &out->body, head);
    for (size_t at = 0; at < all.len && state != INCOMING_WRONG; at += piece) {
        state = client_incoming_feed(&in, bytes_slice(all, at, piece));
    }
    if (state == INCOMING_MORE) {
        state = client_incoming_finish(&in);
    }
    if (out->body.len > BODY_MAX ||
        (state == INCOMING_DONE && (in.status < 200 || in.status > 599))) {
        __builtin_trap();
    }
    out->state = state;
    out->status = in.status;
    out->headers = in.field_count;
    out->keep = in.keep;
    client_incoming_done(&in);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {0}, pieces = {0};
    if (size == 0 || size > 65536) {
        return 0;
    }
    bool head = (data[0] & 1) != 0;
    take(bytes_of(data + 1, size - 1), size, head, &whole);
    take(bytes_of(data + 1, size - 1), 1, head, &pieces);
    if (whole.state != pieces.state ||
        (whole.state == INCOMING_DONE &&
         (whole.status != pieces.status || whole.headers != pieces.headers ||
          whole.keep != pieces.keep ||
          !bytes_equal(buf_bytes(&whole.body), buf_bytes(&pieces.body))))) {
        __builtin_trap();
    }
    buf_done(&whole.body);
    buf_done(&pieces.body);
    return 0;
}
