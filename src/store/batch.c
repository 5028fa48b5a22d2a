// Filling a batch: rows are copied into its arena and looked over.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "store/store_int.h"

#include <string.h>

#define BATCH_MAX (16u << 20) // bytes of rows: FP_LIMIT_STORE_BATCH rows of the largest kind

struct store_batch *store_batch_create(struct store *store)
{
    struct store_batch *batch = mem_alloc(1, sizeof *batch);
    if (batch != NULL) {
        batch->store = store;
        batch->arena = arena_create(BATCH_MAX, false);
        if (batch->arena == NULL) {
            mem_free(batch);
            batch = NULL;
        }
    }
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch != NULL) {
        arena_free(batch->arena);
        mem_free(batch->ops);
        mem_free(batch);
    }
}

enum fp_error store_batch_error(const struct store_batch *batch)
{
    return batch->error;
}

void store_scrub(struct store_batch *batch)
{
    batch->scrub = true;
}

bool store__text(char *out, size_t size, const char *text)
{
    return text != NULL && bytes_to_text(bytes_of_text(text), out, size);
}

// The copy of a row whose texts end within their arrays and whose bytes are copied too.
static enum fp_error batch_check(struct store_batch *batch, const struct store_entity *entity,
                                 uint8_t *row)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        const struct store_column *column = &entity->columns[i];
        if (column->type == STORE_TEXT &&
            memchr(row + column->offset, '\0', column->size) == NULL) {
            return FP_E_INPUT_INVALID;
        }
        if (column->type == STORE_BYTES) {
            struct bytes value, copy;
            memcpy(&value, row + column->offset, sizeof value);
            if (value.len > column->size) {
                return FP_E_INPUT_INVALID;
            }
            copy = arena_copy(batch->arena, value);
            if (copy.ptr == NULL && value.len != 0) {
                return FP_E_NO_MEMORY;
            }
            memcpy(row + column->offset, &copy, sizeof copy);
        }
        if ((column->roles & STORE_KEY) != 0 && column->type == STORE_TEXT &&
            row[column->offset] == '\0') {
            return FP_E_INPUT_INVALID; // a row without its key
        }
    }
    return FP_OK;
}

static enum fp_error batch_room(struct store_batch *batch)
{
    size_t room = batch->room != 0 ? 2 * batch->room : 8;
    struct store_op *ops = NULL;
    if (batch->count >= FP_LIMIT_STORE_BATCH) {
        return FP_E_LIMIT_EXCEEDED;
    }
    if (batch->count == batch->room) {
        ops = mem_resize(batch->ops, room * sizeof *ops);
        if (ops == NULL) {
            return FP_E_NO_MEMORY;
        }
        batch->ops = ops;
        batch->room = room;
    }
    return FP_OK;
}

static enum fp_error batch_add(struct store_batch *batch, enum store_kind kind,
                               enum store_action action, bool tolerant, const void *row)
{
    const struct store_entity *entity = store_entity(kind);
    const struct store_column *version = store_column_with(entity, STORE_VERSION);
    const uint32_t first = 1;
    uint8_t *copy = NULL;
    enum fp_error error = batch_room(batch);
    if (error != FP_OK) {
        return error;
    }
    copy = arena_alloc(batch->arena, 1, entity->row_size);
    if (copy == NULL) {
        return FP_E_NO_MEMORY;
    }
    memcpy(copy, row, entity->row_size);
    if (action == STORE_INSERT && version != NULL) {
        memcpy(copy + version->offset, &first, sizeof first);
    }
    error = batch_check(batch, entity, copy);
    if (error == FP_OK) {
        batch->ops[batch->count++] = (struct store_op){kind, action, tolerant, copy};
    }
    return error;
}

void store__add(struct store_batch *batch, enum store_kind kind, enum store_action action,
                bool tolerant, const void *row)
{
    if (batch->error == FP_OK) {
        batch->error = batch_add(batch, kind, action, tolerant, row);
    }
}
