// Operations on tokens.
// SPDX-License-Identifier: Apache-2.0
#include "registry/tokens.h"

#include "auth/scopes.h"
#include "base/mem.h"
#include "base/networks.h"
#include "connection/life.h"
#include "registry/binding.h"
#include "registry/check.h"
#include "registry/mint.h"
#include "registry/owner.h"
#include "registry/wire.h"

#include <string.h>

// The one place where a token's text meets an answer.
static void tokens_write_issued(struct registry_job *job, const struct store_token *row,
                                const char *text)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "id", row->id);
    json_member_text_c(&json, "token", text);
    json_member_text_c(&json, "access_token", text);
    json_member_text_c(&json, "token_type", binding_token_type(row->binding));
    wire_write_expires_in(&json, row->expires_ms, job->now_ms);
    json_member_time(&json, "expires_at", row->expires_ms);
    json_member_text_c(&json, "owner", row->owner);
    json_member_text_c(&json, "scopes", row->scopes);
    wire_write_restrictions(&json, row);
    json_end_object(&json);
    json_end_object(&json);
}

static enum fp_error tokens_check_restrictions(struct registry_job *job,
                                               const struct token_request *request)
{
    struct networks networks;
    struct fp_note note = {0};
    // a certificate's (x5t:) would open nothing: the listener asks for none
    if (!binding_valid(request->binding) || bytes_starts_with(request->binding, BYTES("x5t:"))) {
        return job_field(job, "binding",
                         "Send jkt: and 43 characters of base64url, the SHA-256 thumbprint of a "
                         "key.");
    }
    if (request->addresses.len > FP_LIMIT_NETWORKS_TEXT ||
        networks_parse(request->addresses, &networks, &note) != FP_OK) {
        return job_field(job, "addresses",
                         note.text[0] != '\0' ? note.text : "The list of networks is too long.");
    }
    return FP_OK;
}

static enum fp_error tokens_issue(struct registry_job *job)
{
    const struct token_request *request = job->input;
    struct owner owner = {0};
    struct mint_plan plan = {0};
    struct store_token row = {0};
    struct fp_note note = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    char scopes[FP_LIMIT_SCOPES_TEXT + 1] = "";
    enum fp_error error = owner_find(job, request->owner, request->application, &owner);
    if (error != FP_OK) {
        return error;
    }
    if (scopes_check(request->scopes, &note) != FP_OK ||
        !bytes_to_text(request->scopes, scopes, sizeof scopes)) {
        return job_field(job, "scopes", note.text);
    }
    error = tokens_check_restrictions(job, request);
    if (error != FP_OK) {
        return error;
    }
    if (owner.is_connection &&
        connection_usable((enum connection_state)owner.connection.state) != FP_OK) {
        registry_evidence(&owner.connection, &job->detail);
        return FP_E_STATE_CONFLICT;
    }
    plan.form.kind = owner.is_connection ? TOKEN_KIND_CONNECTION : TOKEN_KIND_APPLICATION;
    plan.form.environment = owner.environment;
    plan.owner = owner.is_connection ? owner.connection.id : owner.application.id;
    plan.application = owner.application.id;
    plan.scopes = scopes;
    plan.binding = arena_text(job->scratch, request->binding);
    plan.addresses = arena_text(job->scratch, request->addresses);
    if (request->expires_in_s != 0) {
        plan.expires_ms = job->now_ms + (int64_t)request->expires_in_s * 1000;
    } else if (owner.is_connection) {
        plan.expires_ms = mint_default_expiry(job);
    } else {
        plan.expires_ms =
            job->now_ms + (int64_t)job->registry->parts.config->application_token_s * 1000;
    }
    error = mint_token(job, &plan, &row, text);
    if (error == FP_OK) {
        tokens_write_issued(job, &row, text);
    }
    mem_wipe(text, sizeof text);
    return error;
}

void registry_token_issue(struct registry *registry, const struct registry_caller *caller,
                          const struct token_request *request, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct token_request *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->owner);
        job_keep(job, &input->application);
        job_keep(job, &input->scopes);
        job_keep(job, &input->binding);
        job_keep(job, &input->addresses);
    }
    job_run(job, tokens_issue);
}

static enum fp_error tokens_list(struct registry_job *job)
{
    const struct bytes *owner_id = job->input;
    struct owner owner = {0};
    struct store_token *rows = NULL;
    size_t count = 0;
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = owner_find(job, *owner_id, (struct bytes){0}, &owner);
    if (error == FP_OK) {
        struct store_query query = {.owner = owner.is_connection ? owner.connection.id
                                                                 : owner.application.id,
                                    .newest_first = true,
                                    .limit = FP_LIMIT_STORE_LIST};
        error = store_list_tokens(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    if (error != FP_OK) {
        return error;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        wire_write_token(&json, &rows[i], registry_last_use(job->registry, rows[i].id),
                         job->now_ms);
    }
    json_end_array(&json);
    json_end_object(&json);
    job_record(job, AUDIT_TOKEN_VIEW);
    return FP_OK;
}

// A job whose input is one text.
static struct registry_job *tokens_job(struct registry *registry,
                                       const struct registry_caller *caller, struct bytes text,
                                       registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = text;
        job_keep(job, input);
    }
    return job;
}

void registry_token_list(struct registry *registry, const struct registry_caller *caller,
                         struct bytes owner, registry_done *done, void *ctx)
{
    job_run(tokens_job(registry, caller, owner, done, ctx), tokens_list);
}
