// The requests of clients to the OAuth server: which operation they ask for, and the grant of an
// application's own token (RFC 6749 section 4.4).
// SPDX-License-Identifier: Apache-2.0
#include "registry/oauth.h"

#include "base/mem.h"
#include "registry/binding.h"
#include "registry/client.h"
#include "registry/grant.h"
#include "registry/mint.h"
#include "registry/wire.h"

static enum fp_error oauth_client_credentials(struct registry_job *job)
{
    struct oauth_request *request = job->input;
    char binding[BINDING_TEXT];
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct mint_plan plan = {0};
    struct store_token row = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    struct json_out json = json_out_start(&job->body);
    enum fp_error error =
        owner != NULL ? client_authenticate(job, request->client_id, request->client_secret, owner)
                      : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        return error;
    }
    error = binding_of_request(job, request, binding);
    if (error != FP_OK) {
        return error;
    }
    plan.binding = binding;
    plan.form = (struct token_text){TOKEN_KIND_APPLICATION, owner->environment};
    plan.owner = plan.application = owner->application.id;
    plan.scopes = "";
    plan.expires_ms =
        job->now_ms + (int64_t)job->registry->parts.config->application_token_s * 1000;
    error = mint_token(job, &plan, &row, text);
    if (error == FP_OK) {
        json_begin_object(&json);
        json_member_text_c(&json, "access_token", text);
        json_member_text_c(&json, "token_type", binding_token_type(row.binding));
        wire_write_expires_in(&json, row.expires_ms, job->now_ms);
        json_member_text_c(&json, "scope", row.scopes);
        json_end_object(&json);
    }
    mem_wipe(text, sizeof text);
    return error;
}

static enum fp_error oauth_run(struct registry_job *job)
{
    const struct oauth_request *request = job->input;
    switch (request->task) {
    case OAUTH_CLIENT_CREDENTIALS:
        return oauth_client_credentials(job);
    case OAUTH_AUTHORIZATION_CODE:
        return grant_code(job);
    case OAUTH_REFRESH_TOKEN:
        return grant_refresh(job);
    case OAUTH_REVOKE:
        return inspect_revoke(job);
    case OAUTH_INTROSPECT:
        return inspect_introspect(job);
    }
    return FP_E_GRANT_UNSUPPORTED;
}

void registry_oauth(struct registry *registry, const struct registry_caller *caller,
                    const struct oauth_request *request, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct oauth_request *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->client_id);
        job_keep(job, &input->client_secret);
        job_keep(job, &input->token);
        job_keep(job, &input->redirect_uri);
        job_keep(job, &input->verifier);
        job_keep(job, &input->scope);
        job_keep(job, &input->possession);
    }
    job_run(job, oauth_run);
}
