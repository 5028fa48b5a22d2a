// The keyring's way to its rows.
// SPDX-License-Identifier: Apache-2.0
#include "registry/key_rows.h"

#include "base/arena.h"

#include <string.h>

enum fp_error key_rows_read(const struct store_data_key *row, struct keyring_row *out)
{
    if (row->wrapped.len == 0 || row->wrapped.len > sizeof out->wrapped) {
        return FP_E_STORE_INVALID;
    }
    memcpy(out->customer, row->customer, sizeof out->customer);
    out->version = row->key_version;
    memcpy(out->id.b, row->key_id, sizeof out->id.b);
    memcpy(out->master.b, row->master_id, sizeof out->master.b);
    memcpy(out->wrapped, row->wrapped.ptr, row->wrapped.len);
    out->wrapped_len = row->wrapped.len;
    out->reserved = row->reserved;
    return FP_OK;
}

static enum fp_error key_rows_find(void *ctx, const char *customer, uint32_t version,
                                   struct keyring_row *out)
{
    struct store_data_key row = {0};
    struct arena *arena = arena_create(8192, false);
    enum fp_error error =
        arena != NULL ? store_get_data_key(ctx, customer, version, arena, &row) : FP_E_NO_MEMORY;
    if (error == FP_OK && row.state == STORE_KEY_DESTROYED) {
        error = FP_E_STORE_NOT_FOUND;
    }
    if (error == FP_OK) {
        error = key_rows_read(&row, out);
    }
    arena_free(arena);
    return error;
}

static enum fp_error key_rows_reserve(void *ctx, const char *customer, uint32_t version,
                                      uint64_t count)
{
    struct store_batch *batch = store_batch_create(ctx);
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    store_reserve_data_key(batch, customer, version, count);
    return store_submit(ctx, batch, NULL, NULL);
}

const struct keyring_ops *key_rows_ops(void)
{
    static const struct keyring_ops ops = {key_rows_find, key_rows_reserve};
    return &ops;
}

void key_rows_fill(const struct keyring_row *key, int64_t now_ms, struct store_data_key *out)
{
    *out = (struct store_data_key){.key_version = key->version,
                                   .wrapped = bytes_of(key->wrapped, key->wrapped_len),
                                   .reserved = key->reserved,
                                   .state = STORE_KEY_ACTIVE,
                                   .created_ms = now_ms,
                                   .version = 1};
    memcpy(out->customer, key->customer, sizeof out->customer);
    memcpy(out->key_id, key->id.b, sizeof out->key_id);
    memcpy(out->master_id, key->master.b, sizeof out->master_id);
}
