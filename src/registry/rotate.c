// Rotating tokens.
// SPDX-License-Identifier: Apache-2.0
#include "registry/rotate.h"

#include "base/mem.h"
#include "connection/life.h"
#include "registry/binding.h"
#include "registry/check.h"
#include "registry/mint.h"
#include "registry/outbox.h"
#include "registry/owner.h"
#include "registry/reason.h"
#include "registry/revoke.h"
#include "registry/wire.h"

static enum fp_error rotate_possible(struct registry_job *job, const struct store_token *row,
                                     const struct owner *owner)
{
    struct json_out json = json_out_start(&job->detail);
    bool refresh = row->kind == TOKEN_KIND_REFRESH; // rotates by itself, with its family
    bool revoked = row->revoked_ms != 0 && row->revoked_ms <= job->now_ms;
    bool expired = row->expires_ms != 0 && row->expires_ms <= job->now_ms;
    if (refresh || revoked || expired) {
        json_begin_object(&json);
        json_member_text_c(&json, "reason",
                           refresh   ? "REFRESH_TOKEN"
                           : revoked ? row->reason
                                     : "EXPIRED");
        json_member_time(&json, "since", revoked ? row->revoked_ms : row->expires_ms);
        json_end_object(&json);
        return FP_E_STATE_CONFLICT;
    }
    if (owner->is_connection &&
        connection_usable((enum connection_state)owner->connection.state) != FP_OK) {
        registry_evidence(&owner->connection, &job->detail);
        return FP_E_STATE_CONFLICT;
    }
    return FP_OK;
}

static void rotate_write(struct registry_job *job, const struct store_token *fresh,
                         const char *text, const struct store_token *old)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "id", fresh->id);
    json_member_text_c(&json, "token", text);
    json_member_text_c(&json, "access_token", text);
    json_member_text_c(&json, "token_type", binding_token_type(fresh->binding));
    wire_write_expires_in(&json, fresh->expires_ms, job->now_ms);
    json_member_time(&json, "expires_at", fresh->expires_ms);
    json_member_text_c(&json, "owner", fresh->owner);
    json_member_text_c(&json, "scopes", fresh->scopes);
    wire_write_restrictions(&json, fresh);
    json_member_text_c(&json, "replaces", old->id);
    json_member_time(&json, "replaces_until", old->revoked_ms);
    json_end_object(&json);
    json_end_object(&json);
}

static enum fp_error rotate_build(struct registry_job *job)
{
    const struct token_rotation *rotation = job->input;
    struct store_token old = {0}, fresh = {0};
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct mint_plan plan = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    enum fp_error error = owner != NULL ? revoke_get(job, rotation->token, &old) : FP_E_NO_MEMORY;
    if (error == FP_OK && rotation->overlap_s > FP_LIMIT_ROTATE_OVERLAP) {
        return job_field(job, "overlap", "At most 90 days.");
    }
    error = error != FP_OK ? error
                           : owner_find(job, bytes_of_text(old.owner), (struct bytes){0}, owner);
    error = error != FP_OK ? error : rotate_possible(job, &old, owner);
    if (error != FP_OK) {
        return error;
    }
    plan.form.kind = (enum token_kind)old.kind;
    plan.form.environment =
        plan.form.kind == TOKEN_KIND_CLIENT_SECRET ? TOKEN_ENVIRONMENT_NONE : owner->environment;
    plan.owner = old.owner;
    plan.application = old.application;
    plan.scopes = old.scopes;
    plan.binding = old.binding;
    plan.addresses = old.addresses;
    plan.expires_ms = old.expires_ms != 0 ? job->now_ms + (old.expires_ms - old.created_ms) : 0;
    job_record(job, AUDIT_TOKEN_REVOKE)->token = rotation->token;
    error = mint_end(job, &old, REASON_ROTATED, job->now_ms + (int64_t)rotation->overlap_s * 1000);
    error = error != FP_OK ? error : mint_token(job, &plan, &fresh, text);
    error = error != FP_OK ? error : outbox_token(job, WEBHOOK_TOKEN_ROTATED, &old, &fresh);
    if (error == FP_OK) {
        rotate_write(job, &fresh, text, &old);
    }
    mem_wipe(text, sizeof text);
    return error;
}

void registry_token_rotate(struct registry *registry, const struct registry_caller *caller,
                           const struct token_rotation *rotation, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct token_rotation *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *rotation;
        job_keep(job, &input->token);
    }
    job_run(job, rotate_build);
}
