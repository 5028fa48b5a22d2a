// yyjson over an arena that wipes.
// SPDX-License-Identifier: Apache-2.0
#include "cli/json_memory.h"

#include "base/json_out.h"
#include "base/limits.h"

#include <string.h>

#define JSON_MEMORY (64u * 1024 * 1024) // of one answer, parsed and written

static void *json_memory_get(void *arena, size_t size)
{
    return arena_alloc(arena, 1, size);
}

static void *json_memory_again(void *arena, void *old, size_t old_size, size_t size)
{
    void *fresh = arena_alloc(arena, 1, size);
    if (fresh != NULL && old != NULL) {
        memcpy(fresh, old, old_size < size ? old_size : size);
    }
    return fresh;
}

static void json_memory_free(void *arena, void *block)
{
    (void)arena;
    (void)block; // all at once, with the arena
}

enum fp_error cli_json_read(struct bytes text, struct cli_json *out)
{
    struct arena *arena = NULL;
    yyjson_alc memory = {json_memory_get, json_memory_again, json_memory_free, NULL};
    yyjson_doc *doc = NULL;
    if (text.len == 0 || !json_depth_within(text, FP_LIMIT_JSON_DEPTH)) {
        return FP_E_INPUT_INVALID;
    }
    arena = arena_create(JSON_MEMORY, true);
    if (arena == NULL) {
        return FP_E_NO_MEMORY;
    }
    memory.ctx = arena;
    doc =
        yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NOFLAG, &memory, NULL);
    if (doc == NULL) {
        arena_free(arena);
        return FP_E_INPUT_INVALID;
    }
    *out = (struct cli_json){arena, yyjson_doc_get_root(doc)};
    return FP_OK;
}

void cli_json_done(struct cli_json *json)
{
    arena_free(json->arena);
    *json = (struct cli_json){NULL, NULL};
}

enum fp_error cli_json_write(const struct cli_json *json, const yyjson_val *value, struct buf *out)
{
    yyjson_alc memory = {json_memory_get, json_memory_again, json_memory_free, json->arena};
    size_t length = 0;
    const char *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, &memory, &length, NULL);
    if (text == NULL) {
        return FP_E_NO_MEMORY;
    }
    buf_append(out, text, length);
    return buf_error(out);
}
