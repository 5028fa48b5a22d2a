// What the grants of a connection's tokens share.
// SPDX-License-Identifier: Apache-2.0
#include "registry/grant.h"

#include "connection/life.h"
#include "registry/binding.h"
#include "registry/mint.h"
#include "registry/outbox.h"
#include "registry/reason.h"
#include "registry/wire.h"

static int64_t grant_life_ms(uint32_t chosen_s, uint32_t default_s)
{
    return (int64_t)(chosen_s != 0 ? chosen_s : default_s) * 1000;
}

enum fp_error grant_mint(struct registry_job *job, const struct grant_plan *plan,
                         struct grant_pair *out)
{
    const struct store_application *application = &plan->owner->application;
    struct mint_plan mint = {
        .form = {TOKEN_KIND_CONNECTION, plan->owner->environment},
        .owner = plan->owner->connection.id,
        .application = application->id,
        .scopes = plan->access_scopes,
        .expires_ms =
            job->now_ms + grant_life_ms(application->access_s, FP_LIMIT_GRANT_ACCESS_LIFE),
        .family = plan->family,
        .random = plan->access_random,
        .binding = plan->binding,
    };
    enum fp_error error = mint_token(job, &mint, &out->access_row, out->access);
    mint.form.kind = TOKEN_KIND_REFRESH;
    mint.scopes = plan->scopes;
    mint.expires_ms =
        job->now_ms + grant_life_ms(application->refresh_s, FP_LIMIT_GRANT_REFRESH_LIFE);
    mint.random = plan->refresh_random;
    return error != FP_OK ? error : mint_token(job, &mint, &out->refresh_row, out->refresh);
}

void grant_write(struct registry_job *job, const struct grant_pair *pair)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_member_text_c(&json, "access_token", pair->access);
    json_member_text_c(&json, "token_type", binding_token_type(pair->access_row.binding));
    wire_write_expires_in(&json, pair->access_row.expires_ms, job->now_ms);
    json_member_text_c(&json, "refresh_token", pair->refresh);
    json_member_text_c(&json, "scope", pair->access_row.scopes);
    json_member_text_c(&json, "connection", pair->access_row.owner);
    json_end_object(&json);
}

static void grant_write_reason(struct registry_job *job, const char *reason)
{
    struct json_out json = json_out_start(&job->detail);
    buf_clear(&job->detail);
    json_begin_object(&json);
    json_member_text_c(&json, "reason", reason);
    json_end_object(&json);
}

enum fp_error grant_refuse(struct registry_job *job, const char *token_id, const char *reason)
{
    struct audit_record *record = job_record(job, AUDIT_TOKEN_REFUSE);
    job->record_count--; // not one of the job's: nothing waits for it
    record->token = bytes_of_text(token_id);
    record->result = FP_E_GRANT_INVALID;
    registry_record_refusal(job->registry, record, job->now_ms);
    grant_write_reason(job, reason);
    return FP_E_GRANT_INVALID;
}

enum fp_error grant_reused(struct registry_job *job, const char *token_id, const char *connection,
                           const char *family)
{
    const char *id = arena_text(job->scratch, bytes_of_text(token_id));
    struct audit_record *record = job_record(job, AUDIT_TOKEN_REUSE);
    enum fp_error error = id != NULL ? FP_OK : FP_E_NO_MEMORY;
    record->token = bytes_of_text(id);
    record->result = FP_E_GRANT_INVALID;
    error = error != FP_OK ? error : mint_end_family(job, connection, family, REASON_REUSED);
    error = error != FP_OK ? error : job_forget(job, connection);
    if (error == FP_OK) {
        struct store_token told = {.kind = TOKEN_KIND_REFRESH, .revoked_ms = job->now_ms};
        if (!bytes_to_text(bytes_of_text(token_id), told.id, sizeof told.id) ||
            !bytes_to_text(bytes_of_text(connection), told.owner, sizeof told.owner) ||
            !bytes_to_text(bytes_of_text(job->application), told.application,
                           sizeof told.application) ||
            !bytes_to_text(BYTES(REASON_REUSED), told.reason, sizeof told.reason)) {
            error = FP_E_LIMIT_EXCEEDED;
        }
        error = error != FP_OK ? error : outbox_token(job, WEBHOOK_TOKEN_REVOKED, &told, NULL);
    }
    grant_write_reason(job, "It was used before. All tokens that came of it are revoked.");
    job->verdict = FP_E_GRANT_INVALID;
    return error;
}

enum fp_error grant_find_owner(struct registry_job *job, const char *token_id,
                               const char *connection, const char *application, struct owner *out)
{
    enum fp_error error =
        owner_find(job, bytes_of_text(connection), bytes_of_text(application), out);
    if (error == FP_E_CONNECTION_NOT_FOUND || error == FP_E_APPLICATION_NOT_FOUND ||
        error == FP_E_UNSEAL_FAILED) {
        return grant_refuse(job, token_id, "The connection does not exist any more.");
    }
    if (error == FP_OK &&
        connection_usable((enum connection_state)out->connection.state) != FP_OK) {
        return grant_refuse(job, token_id,
                            "The connection has to be connected again before it gives tokens.");
    }
    return error;
}
