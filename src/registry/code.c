// Issuing authorization codes, and redeeming them (RFC 6749 4.1.3, RFC 7636 4.6, RFC 9207).
// SPDX-License-Identifier: Apache-2.0
#include "registry/code.h"

#include "auth/pkce.h"
#include "auth/redirect_uri.h"
#include "auth/scopes.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "registry/binding.h"
#include "registry/client.h"
#include "registry/grant.h"
#include "registry/proof.h"

#include <string.h>

// Every answer through a redirect URI ends so: state as it came, iss against mix-up.
static void code_finish_location(const struct registry *registry,
                                 const struct store_connect_link *link, struct buf *location)
{
    redirect_add(location, "state", bytes_of_text(link->oauth_state));
    redirect_add(location, "iss", bytes_of_text(registry->parts.config->public_url));
}

void code_refusal(const struct registry *registry, const struct store_connect_link *link,
                  enum authorize_fault fault, struct buf *location_out)
{
    buf_append_text(location_out, link->redirect_uri);
    redirect_add(location_out, "error", bytes_of_text(authorize_fault_error(fault)));
    redirect_add(location_out, "error_description", bytes_of_text(authorize_fault_text(fault)));
    code_finish_location(registry, link, location_out);
}

static enum fp_error code_fill(struct registry_job *job, const struct store_connect_link *link,
                               const char *connection, struct store_code *row)
{
    bool fits = bytes_to_text(bytes_of_text(connection), row->connection, sizeof row->connection);
    fits = bytes_to_text(bytes_of_text(link->application), row->application,
                         sizeof row->application) &&
           fits;
    fits = bytes_to_text(bytes_of_text(link->redirect_uri), row->redirect_uri,
                         sizeof row->redirect_uri) &&
           fits;
    fits =
        bytes_to_text(bytes_of_text(link->code_challenge), row->challenge, sizeof row->challenge) &&
        fits;
    fits = bytes_to_text(bytes_of_text(link->scopes), row->scopes, sizeof row->scopes) && fits;
    id_make("cod", job->now_ms, row->id);
    id_make("grt", job->now_ms, row->family);
    row->redirect_named = link->redirect_named;
    row->created_ms = job->now_ms;
    row->expires_ms = job->now_ms + (int64_t)FP_LIMIT_CODE_LIFE * 1000;
    row->version = 1;
    return fits ? FP_OK : FP_E_LIMIT_EXCEEDED;
}

static enum fp_error code_insert(struct registry_job *job, struct store_code *row,
                                 const char text[static TOKEN_TEXT_SIZE])
{
    enum fp_error error = digest_sha256(bytes_of_text(text), row->hash);
    error = error != FP_OK ? error : proof_make_code(job->registry->parts.ring, row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        store_insert_code(job_batch(job), row);
        job_record(job, AUDIT_CODE_ISSUE)->token = bytes_of_text(row->id);
    }
    return error;
}

enum fp_error code_issue(struct registry_job *job, const struct store_connect_link *link,
                         const char *connection, struct buf *location_out)
{
    static const struct token_text form = {TOKEN_KIND_CODE, TOKEN_ENVIRONMENT_NONE};
    uint8_t random[TOKEN_RANDOM];
    char text[TOKEN_TEXT_SIZE] = "";
    struct store_code *row = arena_alloc(job->scratch, 1, sizeof *row);
    enum fp_error error = row != NULL ? code_fill(job, link, connection, row) : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        return error;
    }
    random_bytes(random, sizeof random);
    token_text_make(form, random, text);
    error = code_insert(job, row, text);
    if (error == FP_OK) {
        buf_append_text(location_out, link->redirect_uri);
        redirect_add(location_out, "code", bytes_of_text(text));
        code_finish_location(job->registry, link, location_out);
        error = buf_error(location_out);
    }
    mem_wipe(random, sizeof random);
    mem_wipe(text, sizeof text);
    return error;
}

// ---- redeeming

static enum fp_error code_find(struct registry_job *job, const struct oauth_request *request,
                               const char *application, struct store_code *row)
{
    uint8_t hash[DIGEST_SIZE];
    struct token_text form = {0};
    enum fp_error error = FP_OK;
    if (token_text_parse(request->token, &form) != FP_OK || form.kind != TOKEN_KIND_CODE) {
        return grant_refuse(job, NULL, "It is no code of this server.");
    }
    error = digest_sha256(request->token, hash);
    error = error != FP_OK ? error : store_find_code(job->registry->parts.store, hash, row);
    error = error != FP_OK ? error : proof_check_code(job->registry->parts.ring, row);
    if (error == FP_E_STORE_NOT_FOUND || error == FP_E_UNSEAL_FAILED ||
        (error == FP_OK && strcmp(row->application, application) != 0)) {
        return grant_refuse(job, NULL, "It is no code of this client.");
    }
    return error;
}

// What binds a code to the request that led to it; NULL: all fits.
static const char *code_mismatch(const struct store_code *row, const struct oauth_request *request)
{
    bool same = bytes_equal_text(request->redirect_uri, row->redirect_uri);
    if (request->redirect_uri.len != 0 ? !same : row->redirect_named != 0) {
        return "redirect_uri is not the one that the code was sent to.";
    }
    if (row->challenge[0] == '\0') {
        // RFC 9700 4.8.2: somebody took the challenge out of the request
        return request->verifier.len != 0 ? "The code was asked for without code_challenge." : NULL;
    }
    if (request->verifier.len == 0) {
        return "code_verifier is missing.";
    }
    return pkce_matches(request->verifier, bytes_of_text(row->challenge))
               ? NULL
               : "code_verifier does not fit the code_challenge.";
}

static enum fp_error code_redeem(struct registry_job *job, struct store_code *row,
                                 const struct owner *owner, const char *binding,
                                 struct grant_pair *pair)
{
    const struct grant_plan plan = {
        .owner = owner,
        .family = row->family,
        .scopes = row->scopes[0] != '\0' ? row->scopes : SCOPES_ALL,
        .access_scopes = row->scopes[0] != '\0' ? row->scopes : SCOPES_ALL,
        .binding = binding,
    };
    enum fp_error error = FP_OK;
    row->redeemed_ms = job->now_ms;
    error = proof_make_code(job->registry->parts.ring, row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        // of many that redeem it at once the store lets one through; the others find it used
        store_update_code(job_batch(job), row);
        error = grant_mint(job, &plan, pair);
    }
    return error;
}

static enum fp_error code_run(struct registry_job *job, struct store_code *row, struct owner *owner,
                              struct grant_pair *pair)
{
    struct oauth_request *request = job->input;
    char binding[BINDING_TEXT];
    const char *mismatch = NULL;
    enum fp_error error =
        client_authenticate(job, request->client_id, request->client_secret, owner);
    error = error != FP_OK ? error : code_find(job, request, owner->application.id, row);
    if (error != FP_OK) {
        return error;
    }
    if (row->redeemed_ms != 0) {
        return grant_reused(job, row->id, row->connection, row->family);
    }
    if (row->expires_ms <= job->now_ms) {
        return grant_refuse(job, row->id, "The code has expired.");
    }
    mismatch = code_mismatch(row, request);
    if (mismatch != NULL) {
        return grant_refuse(job, row->id, mismatch);
    }
    error = grant_find_owner(job, row->id, row->connection, row->application, owner);
    error = error != FP_OK ? error : binding_of_request(job, request, binding);
    error = error != FP_OK ? error : code_redeem(job, row, owner, binding, pair);
    if (error == FP_OK) {
        grant_write(job, pair);
    }
    return error;
}

enum fp_error grant_code(struct registry_job *job)
{
    struct store_code *row = arena_alloc(job->scratch, 1, sizeof *row);
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct grant_pair *pair = arena_alloc(job->scratch, 1, sizeof *pair);
    enum fp_error error = FP_E_NO_MEMORY;
    if (row != NULL && owner != NULL && pair != NULL) {
        error = code_run(job, row, owner, pair);
        mem_wipe(pair, sizeof *pair);
    }
    return error;
}
