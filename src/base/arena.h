// Memory of one request: many small allocations, one release. Request code never frees.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_ARENA_H
#define FP_BASE_ARENA_H

#include "base/bytes.h"

struct arena;

// At most max bytes in all. NULL when out of memory. A sensitive arena wipes what it gives back.
struct arena *arena_create(size_t max, bool sensitive);
// Runs the hung-up releases in reverse order, then frees everything. Takes NULL.
void arena_free(struct arena *arena);
// Back to empty, keeping the first block: for reuse by the next request.
void arena_reset(struct arena *arena);
// Zeroed and aligned for any type, valid until arena_free() or arena_reset(); NULL beyond max or
// out of memory.
void *arena_alloc(struct arena *arena, size_t count, size_t size)
    __attribute__((warn_unused_result));
// Copies; ptr NULL on failure (of non-empty input). A NUL is put behind the copy, not counted.
struct bytes arena_copy(struct arena *arena, struct bytes data);
char *arena_text(struct arena *arena, struct bytes data);
// Calls release(object) when the arena ends; false (and release is called now) when out of memory.
bool arena_hang(struct arena *arena, void (*release)(void *object), void *object);
// Bytes handed out so far.
size_t arena_used(const struct arena *arena);

#endif
