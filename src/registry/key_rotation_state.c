// Which data keys are being replaced, how far that is, and which are due.
// SPDX-License-Identifier: Apache-2.0
#include "registry/key_rotation_int.h"

#include "base/mem.h"
#include "registry/master_rewrap.h"

#include <string.h>

#define STATE_PAGE  64      // rows of interrupted ones looked at in one go
#define STATE_ARENA 2097152 // bytes, for FP_LIMIT_STORE_LIST rows
#define DAY_MS      INT64_C(86400000)

void key_rotation_write(struct json_out *json, const struct key_progress *progress,
                        const char *state)
{
    json_member_text_c(json, "customer", progress->customer);
    json_member_i64(json, "version", progress->version);
    json_member_text_c(json, "state", state);
    json_member_i64(json, "connections", (int64_t)progress->connections);
    json_member_i64(json, "connections_done", (int64_t)progress->connections_done);
    json_member_i64(json, "resealed", (int64_t)progress->resealed);
    json_member_i64(json, "unopened", (int64_t)progress->unopened);
}

const struct key_progress *key_rotation_find(const struct registry *registry, struct bytes customer)
{
    for (const struct registry_job *j = registry->rotating; j != NULL; j = j->next_rotating) {
        const struct key_progress *progress = j->input; // first in it
        if (bytes_equal_text(customer, progress->customer)) {
            return progress;
        }
    }
    return NULL;
}

// Of a rotation that this process knows nothing of, the rows tell.
static enum fp_error state_from_rows(struct registry_job *job, struct key_progress *out,
                                     const char **state_out)
{
    const struct bytes *customer = job->input;
    struct store_query query = {.newest_first = true, .limit = STATE_PAGE};
    struct store_data_key *rows = NULL;
    size_t count = 0;
    enum fp_error error = FP_OK;
    (void)bytes_to_text(*customer, out->customer, sizeof out->customer);
    query.customer = out->customer;
    error = store_list_data_keys(job->registry->parts.store, &query, job->scratch, &rows, &count);
    *state_out = "none";
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        out->version = rows[i].key_version > out->version ? rows[i].key_version : out->version;
        if (rows[i].state == STORE_KEY_REPLACED) {
            *state_out = "interrupted";
        }
    }
    if (out->version > 1 && strcmp(*state_out, "none") == 0) {
        *state_out = "done";
    }
    return error == FP_OK && count == 0 ? FP_E_CUSTOMER_NOT_FOUND : error;
}

static enum fp_error state_show(struct registry_job *job)
{
    const struct bytes *customer = job->input;
    const struct registry *registry = job->registry;
    const struct key_progress *progress = key_rotation_find(registry, *customer);
    struct json_out json = json_out_start(&job->body);
    struct key_progress rows = {0};
    const char *state = "under_way";
    enum fp_error error = id_valid(*customer, "cus") ? FP_OK : FP_E_CUSTOMER_NOT_FOUND;
    if (error != FP_OK) {
        return error;
    }
    if (progress == NULL && bytes_equal_text(*customer, registry->rotated.customer)) {
        progress = &registry->rotated;
        state = progress->ended == FP_OK ? "done" : "failed";
    } else if (progress == NULL) {
        error = state_from_rows(job, &rows, &state);
        progress = &rows;
    }
    if (error != FP_OK) {
        return error;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    key_rotation_write(&json, progress, state);
    if (progress->ended != FP_OK) {
        json_member_i64(&json, "error", (int64_t)progress->ended);
        json_member_text_c(&json, "code", fp_error_code(progress->ended));
    }
    json_end_object(&json);
    json_end_object(&json);
    return FP_OK;
}

void registry_key_rotation(struct registry *registry, const struct registry_caller *caller,
                           struct bytes customer, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = customer;
        job_keep(job, input);
    }
    job_run(job, customer.len == 0 ? master_rewrap_show : state_show);
}

// ------------------------------------------------------------------------------ by themselves

static void state_no_one(void *ctx, const struct registry_result *result)
{
    (void)ctx;
    (void)result; // its end stands in the audit log; a failure is tried anew
}

static void state_begin(struct registry *registry, const char *customer)
{
    const struct registry_caller self = {.actor = AUDIT_BY_SYSTEM};
    registry_key_rotate(registry, &self, bytes_of_text(customer), state_no_one, NULL);
}

static bool state_is_due(const struct registry *registry, const struct store_data_key *row,
                         int64_t now_ms)
{
    int64_t days = registry->parts.config->key_rotate_days;
    return row->state == STORE_KEY_ACTIVE &&
           (row->reserved >= FP_LIMIT_KEY_ENCRYPTIONS_DUE ||
            (days != 0 && now_ms - row->created_ms >= days * DAY_MS));
}

// The first row behind the cursor that is meant; the cursor goes behind it. false: none is left,
// and the cursor is at the beginning again. Keys of the installation itself are nobody's to
// replace.
static bool state_next(struct registry *registry, struct key_cursor *cursor, uint32_t state,
                       int64_t now_ms, char out[static ID_TEXT])
{
    struct store_query query = {.state = state,
                                .after = cursor->customer[0] != '\0' ? cursor->customer : NULL,
                                .after_number = cursor->version,
                                .limit = state != 0 ? STATE_PAGE : FP_LIMIT_STORE_LIST};
    struct arena *arena = arena_create(STATE_ARENA, false);
    struct store_data_key *rows = NULL;
    size_t count = 0;
    bool found = false;
    if (arena != NULL &&
        store_list_data_keys(registry->parts.store, &query, arena, &rows, &count) == FP_OK) {
        for (size_t i = 0; i < count && !found; i++) {
            found = id_valid(bytes_of_text(rows[i].customer), "cus") &&
                    (state != 0 || state_is_due(registry, &rows[i], now_ms));
            memcpy(cursor->customer, rows[i].customer, sizeof cursor->customer);
            cursor->version = rows[i].key_version;
            memcpy(out, rows[i].customer, ID_TEXT);
        }
        if (!found && count < query.limit) {
            *cursor = (struct key_cursor){0};
        }
    }
    arena_free(arena);
    return found;
}

void registry_key_tick(struct registry *registry, int64_t now_ms)
{
    char customer[ID_TEXT];
    if (master_rewrap_tick(registry)) {
        return;
    }
    if (registry->stopping || registry->rotating != NULL ||
        now_ms < registry->rotate_not_before_ms) {
        return;
    }
    if (registry->rotate_resume) {
        if (state_next(registry, &registry->rotate_left, STORE_KEY_REPLACED, now_ms, customer)) {
            state_begin(registry, customer);
        } else {
            registry->rotate_resume = registry->rotate_left.customer[0] != '\0';
        }
        return;
    }
    if (now_ms < registry->rotate_look_ms) {
        return;
    }
    if (state_next(registry, &registry->rotate_due, 0, now_ms, customer)) {
        state_begin(registry, customer);
    } else if (registry->rotate_due.customer[0] == '\0') {
        registry->rotate_look_ms = now_ms + FP_LIMIT_KEY_ROTATE_LOOK;
    }
}
