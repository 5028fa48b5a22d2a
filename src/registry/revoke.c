// Ending tokens: one by its id, all of an owner, and those that nobody uses.
// SPDX-License-Identifier: Apache-2.0
#include "registry/revoke.h"

#include "registry/mint.h"
#include "registry/outbox.h"
#include "registry/owner.h"
#include "registry/proof.h"
#include "registry/reason.h"
#include "registry/tokens.h"
#include "registry/wire.h"

#include <string.h>

struct revoke_input {
    struct bytes id;     // of a token, connection or application
    const char *reason;  // word of reason.h
    char after[ID_TEXT]; // the slice in hand begins behind this token
    char next[ID_TEXT];  // the slice after it
    uint64_t revoked;    // tokens ended in slices that are written
    uint64_t in_slice;   // in the slice in hand
};

enum fp_error revoke_get(struct registry_job *job, struct bytes id, struct store_token *out)
{
    char text[ID_TEXT];
    enum fp_error error = FP_E_TOKEN_NOT_FOUND;
    if (!id_valid(id, "tok") || !bytes_to_text(id, text, sizeof text)) {
        return error;
    }
    error = store_get_token(job->registry->parts.store, text, out);
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_TOKEN_NOT_FOUND;
    }
    error = error != FP_OK ? error : proof_check_token(job->registry->parts.ring, out);
    if (error == FP_OK) {
        memcpy(job->application, out->application, sizeof job->application);
        if (out->kind == TOKEN_KIND_CONNECTION || out->kind == TOKEN_KIND_REFRESH) {
            memcpy(job->connection, out->owner, sizeof job->connection);
        }
    }
    return error;
}

enum fp_error revoke_end(struct registry_job *job, struct store_token *row, const char *reason)
{
    bool refresh = row->kind == TOKEN_KIND_REFRESH;
    bool ended = row->revoked_ms != 0 && row->revoked_ms <= job->now_ms;
    enum fp_error error = FP_OK;
    if (refresh || row->kind == TOKEN_KIND_CONNECTION) {
        error = job_forget(job, row->owner);
    }
    if (error == FP_OK && !refresh) {
        error = mint_end(job, row, reason, job->now_ms);
    } else if (error == FP_OK) {
        error = mint_end_family(job, row->owner, row->family, reason);
        if (error == FP_OK && row->revoked_ms == 0) {
            row->revoked_ms = job->now_ms;
            (void)bytes_to_text(bytes_of_text(reason), row->reason, sizeof row->reason);
        }
    }
    return error != FP_OK || ended ? error : outbox_token(job, WEBHOOK_TOKEN_REVOKED, row, NULL);
}

static enum fp_error revoke_one(struct registry_job *job)
{
    const struct revoke_input *input = job->input;
    struct store_token row = {0};
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = revoke_get(job, input->id, &row);
    error = error != FP_OK ? error : revoke_end(job, &row, input->reason);
    if (error != FP_OK) {
        return error;
    }
    job_record(job, AUDIT_TOKEN_REVOKE)->token = input->id;
    json_begin_object(&json);
    json_name(&json, "data");
    wire_write_token(&json, &row, registry_last_use(job->registry, row.id), job->now_ms);
    json_end_object(&json);
    return FP_OK;
}

static enum fp_error revoke_rows(struct registry_job *job, struct store_token *rows, size_t count)
{
    struct revoke_input *input = job->input;
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        struct store_token *row = &rows[i];
        bool alive = (row->expires_ms == 0 || row->expires_ms > job->now_ms) &&
                     (row->revoked_ms == 0 || row->revoked_ms > job->now_ms);
        if (!alive || row->kind == TOKEN_KIND_CLIENT_SECRET ||
            proof_check_token(job->registry->parts.ring, row) != FP_OK) {
            continue;
        }
        error = mint_end(job, row, input->reason, job->now_ms);
        if (error == FP_OK &&
            (row->kind == TOKEN_KIND_CONNECTION || row->kind == TOKEN_KIND_REFRESH)) {
            error = job_forget(job, row->owner);
        }
        error = error != FP_OK ? error : outbox_token(job, WEBHOOK_TOKEN_REVOKED, row, NULL);
        input->in_slice++;
    }
    return error;
}

// One slice of the tokens of an owner. A slice that is built again, because somebody changed one of
// them meanwhile, begins where it began.
static enum fp_error revoke_slice(struct registry_job *job)
{
    struct revoke_input *input = job->input;
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct store_query query = {.limit = FP_LIMIT_REVOKED_PER_SLICE};
    struct store_token *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error =
        owner != NULL ? owner_find(job, input->id, (struct bytes){0}, owner) : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        return error;
    }
    if (job->attempts == 1) {
        memcpy(input->after, input->next, sizeof input->after);
        input->revoked += input->in_slice;
    }
    input->in_slice = 0;
    query.owner = owner->is_connection ? owner->connection.id : NULL;
    query.application = owner->is_connection ? NULL : owner->application.id;
    query.after = input->after[0] != '\0' ? input->after : NULL;
    error = store_list_tokens(job->registry->parts.store, &query, job->scratch, &rows, &count);
    error = error != FP_OK ? error : revoke_rows(job, rows, count);
    if (error != FP_OK) {
        return error;
    }
    job->again = count == FP_LIMIT_REVOKED_PER_SLICE;
    memcpy(input->next, job->again ? rows[count - 1].id : "", job->again ? ID_TEXT : 1);
    job_record(job, AUDIT_TOKEN_REVOKE);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text(&json, "id", input->id);
    json_member_i64(&json, "revoked", (int64_t)(input->revoked + input->in_slice));
    json_end_object(&json);
    json_end_object(&json);
    return FP_OK;
}

static void revoke_start(struct registry *registry, const struct registry_caller *caller,
                         const struct revoke_input *request, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct revoke_input *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    bool all = id_valid(request->id, "con") || id_valid(request->id, "app");
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->id);
    }
    job_run(job, all ? revoke_slice : revoke_one);
}

void registry_token_revoke(struct registry *registry, const struct registry_caller *caller,
                           struct bytes id, registry_done *done, void *ctx)
{
    struct revoke_input request = {.id = id, .reason = REASON_REVOKED};
    revoke_start(registry, caller, &request, done, ctx);
}

static void revoke_unused_done(void *ctx, const struct registry_result *result)
{
    // nobody waits for it; a failure is tried again in the next round
    (void)ctx;
    (void)result;
}

void revoke_unused(struct registry *registry, const char *token_id)
{
    struct registry_caller caller = {.actor = AUDIT_BY_SYSTEM};
    struct revoke_input request = {.id = bytes_of_text(token_id), .reason = REASON_UNUSED};
    revoke_start(registry, &caller, &request, revoke_unused_done, NULL);
}
