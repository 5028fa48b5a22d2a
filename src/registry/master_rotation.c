// Rewrapping all data keys. Rows say themselves which master key wraps them, so that going on after
// a stop needs no other memory. SPDX-License-Identifier: Apache-2.0
#include "registry/master_rotation.h"

#include "audit/audit.h"
#include "audit/audit_signer.h"
#include "base/arena.h"
#include "crypto/encoding.h"
#include "registry/installation.h"
#include "registry/key_rows.h"

#include <string.h>

#define PAGE_ARENA (4u << 20) // bytes: FP_LIMIT_STORE_LIST rows with their wrapped keys

struct rotation {
    struct master_rotation_masters masters; // both owned
    struct store *store;                    // owned, as all below
    struct keyring *ring;                   // over both master keys
    struct audit_signer *signer;            // of the audit log
    struct audit *audit;                    // the log
};

static void rotation_close(struct rotation *r)
{
    audit_close(r->audit);
    store_close(r->store);
    audit_signer_free(r->signer);
    keyring_free(r->ring);
    master_free(r->masters.from);
    master_free(r->masters.to);
}

static enum fp_error rotation_row(const struct master_rotation_masters *masters,
                                  const struct store_data_key *row, struct store_batch *batch,
                                  struct master_rotation_result *result)
{
    struct keyring_row now = {0}, next = {0};
    struct store_data_key changed = *row;
    enum fp_error error = FP_OK;
    if (row->state == STORE_KEY_DESTROYED ||
        memcmp(row->master_id, master_id(masters->to)->b, sizeof row->master_id) == 0) {
        return FP_OK;
    }
    error = key_rows_read(row, &now);
    if (error == FP_OK) {
        error = keyring_rewrap(masters->from, masters->to, &now, &next);
    }
    if (error == FP_OK) {
        memcpy(changed.master_id, next.master.b, sizeof changed.master_id);
        changed.wrapped = bytes_of(next.wrapped, next.wrapped_len);
        store_update_data_key(batch, &changed);
        result->rewrapped++;
    }
    return error;
}

enum fp_error master_rotation_page(struct store *store,
                                   const struct master_rotation_masters *masters,
                                   struct master_rotation_cursor *cursor,
                                   struct master_rotation_result *result, bool *finished_out)
{
    struct master_rotation_result counted = *result;
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST, .after_number = cursor->version};
    struct store_data_key *rows = NULL;
    struct arena *arena = arena_create(PAGE_ARENA, false);
    struct store_batch *batch = store_batch_create(store);
    size_t count = 0;
    enum fp_error error = arena != NULL && batch != NULL ? FP_OK : FP_E_NO_MEMORY;
    query.after = cursor->customer[0] != '\0' ? cursor->customer : NULL;
    if (error == FP_OK) {
        error = store_list_data_keys(store, &query, arena, &rows, &count);
    }
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        error = rotation_row(masters, &rows[i], batch, &counted);
    }
    if (error == FP_OK) {
        error = store_submit_wait(store, batch);
        batch = NULL; // taken over
    }
    if (error == FP_OK && count != 0) {
        memcpy(cursor->customer, rows[count - 1].customer, sizeof cursor->customer);
        cursor->version = rows[count - 1].key_version;
    }
    if (error == FP_OK) {
        *result = counted;
        *finished_out = count < FP_LIMIT_STORE_LIST;
    }
    store_batch_free(batch);
    arena_free(arena);
    return error;
}

static enum fp_error rotation_record(struct rotation *r,
                                     const struct master_rotation_result *result, const char *stage)
{
    char from[KEY_ID_TEXT], to[KEY_ID_TEXT];
    struct buf detail;
    struct audit_record record = {.action = AUDIT_KEY_ROTATE, .actor = AUDIT_BY_COMMAND};
    enum fp_error error = FP_OK;
    key_id_text(master_id(r->masters.from), from);
    key_id_text(master_id(r->masters.to), to);
    buf_init(&detail, 512);
    buf_printf(&detail,
               "{\"stage\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"rewrapped\":%llu,"
               "\"keys\":%llu}",
               stage, from, to, (unsigned long long)result->rewrapped,
               (unsigned long long)result->total);
    record.detail = buf_bytes(&detail);
    error = buf_error(&detail);
    if (error == FP_OK) {
        error = audit_append_wait(r->audit, &record);
    }
    buf_done(&detail);
    return error;
}

// The setting that says a rotation to this key is under way; another one's is refused.
static enum fp_error rotation_claim(struct rotation *r, struct arena *arena, struct fp_note *note)
{
    const struct key_id *to = master_id(r->masters.to);
    struct store_setting row = {.name = MASTER_ROTATION_SETTING,
                                .value = bytes_of(to->b, sizeof to->b)};
    struct store_setting there;
    struct store_batch *batch = NULL;
    enum fp_error error = store_get_setting(r->store, MASTER_ROTATION_SETTING, arena, &there);
    if (error == FP_OK && !bytes_equal(there.value, row.value)) {
        fp_note_set(note, "keys.master_key_file",
                    "a rotation to another master key is under way: finish that one first");
        return FP_E_KEY_OTHER_MASTER;
    }
    if (error != FP_E_STORE_NOT_FOUND) {
        return error;
    }
    batch = store_batch_create(r->store);
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    store_insert_setting(batch, &row);
    return store_submit_wait(r->store, batch);
}

// The store belongs to the new key from here on.
static enum fp_error rotation_finish(struct rotation *r)
{
    uint8_t check[KEYRING_CHECK_SIZE];
    struct store_setting row = {.name = "key_check", .value = bytes_of(check, sizeof check)};
    struct store_batch *batch = store_batch_create(r->store);
    enum fp_error error = batch != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = keyring_check_make(r->masters.to, bytes_of_text(store_id(r->store)), check);
    }
    if (error == FP_OK) {
        store_put_setting(batch, &row);
        store_delete_setting(batch, MASTER_ROTATION_SETTING);
        error = store_submit_wait(r->store, batch);
        batch = NULL; // taken over
    }
    store_batch_free(batch);
    return error;
}

static enum fp_error rotation_open(struct rotation *r, const struct config *config,
                                   struct arena *arena, struct fp_note *note)
{
    struct audit_options options = {.dir = config->audit_dir};
    struct store_setting row = {0};
    enum fp_error error = keyring_create(r->masters.to, key_rows_ops(), r->store, &r->ring);
    if (error == FP_OK) {
        keyring_set_previous(r->ring, r->masters.from);
        error = store_get_setting(r->store, "audit_key", arena, &row);
    }
    if (error == FP_OK) {
        error = audit_signer_open(r->ring, row.value, &r->signer);
    }
    if (error == FP_OK) {
        options.signer = r->signer;
        error = audit_open(&options, &r->audit, note);
    }
    return error;
}

// All pages between two records of the log.
static enum fp_error rotation_work(struct rotation *r, struct master_rotation_result *result)
{
    struct master_rotation_cursor cursor = {0};
    bool finished = false;
    enum fp_error error = store_count(r->store, STORE_DATA_KEY, NULL, &result->total);
    if (error == FP_OK) {
        error = rotation_record(r, result, "begin");
    }
    while (error == FP_OK && !finished) {
        error = master_rotation_page(r->store, &r->masters, &cursor, result, &finished);
    }
    if (error == FP_OK) {
        error = rotation_finish(r);
    }
    return error == FP_OK ? rotation_record(r, result, "end") : error;
}

// Whose store it is: the old key's (go on), the new one's (was done), or neither.
static enum fp_error rotation_whose(struct rotation *r, struct arena *arena,
                                    struct master_rotation_result *result, struct fp_note *note)
{
    struct bytes id = bytes_of_text(store_id(r->store));
    struct store_setting check;
    enum fp_error error = store_get_setting(r->store, "key_check", arena, &check);
    if (error == FP_OK && keyring_check(r->masters.to, id, check.value, NULL) == FP_OK) {
        result->was_done = true;
        return FP_OK;
    }
    return error == FP_OK ? keyring_check(r->masters.from, id, check.value, note) : error;
}

enum fp_error master_rotation_run(const struct config *config,
                                  const struct master_rotation_masters *masters,
                                  struct master_rotation_result *out, struct fp_note *note)
{
    struct rotation r = {.masters = *masters};
    struct master_rotation_result result = {0};
    struct arena *arena = arena_create(1u << 20, true);
    enum fp_error error = arena != NULL ? FP_OK : FP_E_NO_MEMORY;
    error = error != FP_OK ? error : installation_store(config, false, &r.store, note);
    error = error != FP_OK ? error : rotation_whose(&r, arena, &result, note);
    if (error == FP_OK && !result.was_done) {
        error = rotation_claim(&r, arena, note);
        error = error != FP_OK ? error : rotation_open(&r, config, arena, note);
        error = error != FP_OK ? error : rotation_work(&r, &result);
    }
    if (error == FP_OK) {
        *out = result;
    }
    rotation_close(&r);
    arena_free(arena);
    return error;
}
