// The authorization endpoint (RFC 6749 4.1.1, 4.1.2.1; RFC 9700 4.1): who asks, where the answer
// may go, and then a connect link of its own for the browser, in which it finds its way back.
// SPDX-License-Identifier: Apache-2.0
#include "registry/oauth.h"

#include "auth/redirect_uri.h"
#include "auth/scopes.h"
#include "base/mem.h"
#include "registry/code.h"
#include "registry/connect_links.h"
#include "registry/owner.h"

struct authorize {
    const struct authorize_request *request; // in the job's arena
    struct store_application application;    // that asks
    struct store_connect_link link;          // for code_refusal(), or made
    struct bytes redirect_uri;               // where the answer goes
    char text[TOKEN_TEXT_SIZE];              // of the link; wiped
};

// Nothing is sent to an address that the application did not register, byte by byte.
static enum fp_error authorize_find(struct registry_job *job, struct authorize *a)
{
    struct bytes registered = {0};
    enum fp_error error =
        owner_get_application(job->registry, a->request->client_id, &a->application);
    if (error != FP_OK) {
        return error == FP_E_APPLICATION_NOT_FOUND ? FP_E_AUTHORIZE_CLIENT_UNKNOWN : error;
    }
    registered = bytes_of_text(a->application.redirect_uris);
    a->redirect_uri = a->request->redirect_uri;
    if (a->redirect_uri.len == 0) {
        return redirect_uris_only(registered, &a->redirect_uri) ? FP_OK
                                                                : FP_E_AUTHORIZE_REDIRECT_INVALID;
    }
    return redirect_uris_have(registered, a->redirect_uri) ? FP_OK
                                                           : FP_E_AUTHORIZE_REDIRECT_INVALID;
}

static void authorize_write(struct registry_job *job, struct bytes location)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_member_text(&json, "location", location);
    json_end_object(&json);
}

static enum fp_error authorize_refuse(struct registry_job *job, struct authorize *a,
                                      enum authorize_fault fault)
{
    struct buf location;
    enum fp_error error = FP_E_LIMIT_EXCEEDED;
    buf_init(&location, CODE_LOCATION);
    if (bytes_to_text(a->redirect_uri, a->link.redirect_uri, sizeof a->link.redirect_uri) &&
        bytes_to_text(a->request->state, a->link.oauth_state, sizeof a->link.oauth_state)) {
        code_refusal(job->registry, &a->link, fault, &location);
        error = buf_error(&location);
    }
    if (error == FP_OK) {
        authorize_write(job, buf_bytes(&location));
    }
    buf_done(&location);
    return error;
}

static enum fp_error authorize_connect(struct registry_job *job, struct authorize *a)
{
    const struct connect_link_plan plan = {
        .kind = STORE_LINK_OAUTH,
        .application = a->request->client_id,
        .redirect_uri = a->redirect_uri,
        .redirect_named = a->request->redirect_uri.len != 0,
        .oauth_state = a->request->state,
        .code_challenge = a->request->challenge,
        .scopes = a->request->scope.len != 0 ? a->request->scope : BYTES(SCOPES_ALL),
        .expires_in_s = FP_LIMIT_AUTHORIZE_LIFE,
    };
    struct buf location;
    enum fp_error error = connect_link_make(job, &plan, &a->link, a->text);
    if (error == FP_E_TOO_MANY_CONNECT_LINKS) {
        return authorize_refuse(job, a, AUTHORIZE_UNAVAILABLE);
    }
    if (error != FP_OK) {
        return error;
    }
    buf_init_sensitive(&location, CODE_LOCATION);
    // a path alone: the page is where the browser is, behind whatever proxy
    buf_append_text(&location, "/connect/");
    buf_append_text(&location, a->text);
    authorize_write(job, buf_bytes(&location));
    buf_done(&location);
    return FP_OK;
}

static enum fp_error authorize_run(struct registry_job *job)
{
    struct authorize *a = arena_alloc(job->scratch, 1, sizeof *a);
    enum authorize_fault fault = AUTHORIZE_GOOD;
    enum fp_error error = FP_E_NO_MEMORY;
    if (a == NULL) {
        return error;
    }
    a->request = job->input;
    error = authorize_find(job, a);
    if (error != FP_OK) {
        return error;
    }
    fault = a->request->fault;
    if (fault == AUTHORIZE_GOOD && a->request->challenge.len == 0 &&
        a->application.pkce_optional == 0) {
        fault = AUTHORIZE_CHALLENGE_MISSING;
    }
    error = fault != AUTHORIZE_GOOD ? authorize_refuse(job, a, fault) : authorize_connect(job, a);
    mem_wipe(a->text, sizeof a->text);
    return error;
}

void registry_authorize(struct registry *registry, const struct registry_caller *caller,
                        const struct authorize_request *request, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct authorize_request *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->client_id);
        job_keep(job, &input->redirect_uri);
        job_keep(job, &input->state);
        job_keep(job, &input->scope);
        job_keep(job, &input->challenge);
    }
    job_run(job, authorize_run);
}
