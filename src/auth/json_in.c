// Reading foreign JSON.
// SPDX-License-Identifier: Apache-2.0
#include "auth/json_in.h"

#include "base/limits.h"
#include "model/query.h"

#include <string.h>

static void *arena_for_json(void *ctx, size_t size)
{
    return arena_alloc(ctx, 1, size);
}

static void *arena_for_json_again(void *ctx, void *old, size_t old_size, size_t size)
{
    void *moved = arena_alloc(ctx, 1, size);
    if (moved != NULL) {
        memcpy(moved, old, old_size < size ? old_size : size);
    }
    return moved;
}

static void arena_for_json_free(void *ctx, void *block)
{
    (void)ctx;
    (void)block; // goes with the arena
}

static yyjson_alc json_allocator(struct arena *arena)
{
    return (yyjson_alc){arena_for_json, arena_for_json_again, arena_for_json_free, arena};
}

enum fp_error json_in_parse(struct bytes text, struct arena *arena, struct fp_note *note,
                            yyjson_val **out)
{
    yyjson_alc allocator = json_allocator(arena);
    yyjson_read_err problem = {0};
    yyjson_doc *doc = NULL;
    if (!json_depth_within(text, FP_LIMIT_JSON_DEPTH)) {
        fp_note_set(note, "", "The JSON is nested more than %u levels deep.",
                    (unsigned)FP_LIMIT_JSON_DEPTH);
        return FP_E_REQUEST_BODY_INVALID;
    }
    if (text.len == 0) {
        fp_note_set(note, "", "The body is empty; JSON is expected.");
        return FP_E_REQUEST_BODY_INVALID;
    }
    // without the in-situ flag yyjson does not write to its input
    doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NOFLAG, &allocator,
                           &problem);
    if (doc == NULL && problem.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return FP_E_NO_MEMORY;
    }
    if (doc == NULL) {
        fp_note_set(note, "", "The body is not JSON at byte %zu: %s.", problem.pos, problem.msg);
        return FP_E_REQUEST_BODY_INVALID;
    }
    *out = yyjson_doc_get_root(doc);
    return FP_OK;
}

enum fp_error json_in_write(const yyjson_val *value, struct arena *arena, struct bytes *out)
{
    yyjson_alc allocator = json_allocator(arena);
    size_t len = 0;
    const char *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, &allocator, &len, NULL);
    if (text == NULL) {
        return FP_E_NO_MEMORY;
    }
    *out = bytes_of(text, len);
    return FP_OK;
}

enum json_in_found json_in_member(yyjson_val *object, const char *name, yyjson_val **out)
{
    enum json_in_found found = JSON_IN_ABSENT;
    size_t index = 0, count = 0;
    yyjson_val *key = NULL, *value = NULL;
    yyjson_obj_foreach(object, index, count, key, value)
    {
        if (yyjson_equals_str(key, name)) {
            if (found != JSON_IN_ABSENT) {
                return JSON_IN_REPEATED;
            }
            found = JSON_IN_FOUND;
            *out = value;
        }
    }
    return found;
}

static bool text_is_clean(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

bool json_in_take_text(yyjson_val *object, const struct json_in_text *rule, struct json_out *errors,
                       struct bytes *out)
{
    struct bytes field = bytes_of_text(rule->field != NULL ? rule->field : rule->name);
    yyjson_val *value = NULL;
    struct bytes text = {0};
    switch (json_in_member(object, rule->name, &value)) {
    case JSON_IN_ABSENT:
        model_error_row(errors, field, "REQUIRED", "This field is required.");
        return false;
    case JSON_IN_REPEATED:
        model_error_row(errors, field, "REPEATED", "This field stands more than once.");
        return false;
    case JSON_IN_FOUND:
    default:
        break;
    }
    if (!yyjson_is_str(value)) {
        model_error_row(errors, field, "TYPE_INVALID", "This field must be text.");
        return false;
    }
    text = bytes_trim(bytes_of(yyjson_get_str(value), yyjson_get_len(value)));
    if (text.len == 0 || text.len > rule->max || !text_is_clean(text)) {
        model_error_row(errors, field, "VALUE_INVALID", rule->syntax);
        return false;
    }
    *out = text;
    return true;
}
