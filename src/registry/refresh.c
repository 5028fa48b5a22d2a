// The refresh grant (RFC 6749 section 6, RFC 9700 2.2.2). The next pair of tokens is derived from
// the refresh token that is shown and a key of the installation, so that a client whose answer was
// lost gets the same pair again without any token being kept. An old refresh token that comes back
// later, or when its successor was used already, is in two hands: everything of its family ends.
// SPDX-License-Identifier: Apache-2.0
#include "registry/grant.h"

#include "auth/scopes.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "registry/binding.h"
#include "registry/client.h"
#include "registry/mint.h"
#include "registry/proof.h"
#include "registry/reason.h"

#include <string.h>

#define REFRESH_TIDY 4 // rows of a family deleted at most, where it has too many

struct refresh {
    struct oauth_request *request;                // what was sent
    struct owner *client;                         // the application that asks
    struct owner *owner;                          // connection and application
    struct store_token row;                       // of the refresh token shown
    char access_scopes[FP_LIMIT_SCOPES_TEXT + 1]; // of the next access token
    uint8_t access_random[TOKEN_RANDOM];          // of the next tokens; wiped
    uint8_t refresh_random[TOKEN_RANDOM];         // see above
    struct grant_pair pair;                       // the next tokens; wiped
    char binding[BINDING_TEXT];                   // of the next access token
};

static enum fp_error refresh_find(struct registry_job *job, struct refresh *r)
{
    uint8_t hash[DIGEST_SIZE];
    struct token_text form = {0};
    enum fp_error error = FP_OK;
    if (token_text_parse(r->request->token, &form) != FP_OK || form.kind != TOKEN_KIND_REFRESH) {
        return grant_refuse(job, NULL, "It is no refresh token of this server.");
    }
    error = digest_sha256(r->request->token, hash);
    error = error != FP_OK ? error : store_find_token(job->registry->parts.store, hash, &r->row);
    error = error != FP_OK ? error : proof_check_token(job->registry->parts.ring, &r->row);
    if (error == FP_E_STORE_NOT_FOUND || error == FP_E_UNSEAL_FAILED ||
        (error == FP_OK && (r->row.kind != TOKEN_KIND_REFRESH ||
                            strcmp(r->row.application, r->client->application.id) != 0))) {
        return grant_refuse(job, NULL, "It is no refresh token of this client.");
    }
    return error;
}

static enum fp_error refresh_scopes(struct refresh *r)
{
    struct bytes granted = bytes_of_text(r->row.scopes);
    struct bytes wanted = r->request->scope.len != 0 ? r->request->scope : granted;
    return scopes_within(wanted, granted) &&
                   bytes_to_text(wanted, r->access_scopes, sizeof r->access_scopes)
               ? FP_OK
               : FP_E_SCOPE_INVALID;
}

// Tokens that were bound to a key stay bound to one. It may be another: the client proves who it is
// by other means (RFC 9449 5).
static enum fp_error refresh_binding(struct registry_job *job, struct refresh *r)
{
    enum fp_error error = binding_of_request(job, r->request, r->binding);
    if (error == FP_OK && r->row.binding[0] != '\0' && r->binding[0] == '\0') {
        return grant_refuse(job, r->row.id, "Its tokens are bound to a key: send a DPoP proof.");
    }
    return error;
}

static enum fp_error refresh_derive(struct registry_job *job, struct refresh *r)
{
    struct bytes parts[2] = {r->request->token, bytes_of_text(r->access_scopes)};
    enum fp_error error = keyring_authenticate(job->registry->parts.ring, "oauth.next_refresh",
                                               parts, 1, r->refresh_random);
    return error != FP_OK ? error
                          : keyring_authenticate(job->registry->parts.ring, "oauth.next_access",
                                                 parts, 2, r->access_random);
}

// A token that was derived before; its text and, where it is still good, its row.
static enum fp_error refresh_again_one(struct registry_job *job, struct token_text form,
                                       const uint8_t random[static TOKEN_RANDOM],
                                       char text_out[static TOKEN_TEXT_SIZE],
                                       struct store_token *row_out)
{
    uint8_t hash[DIGEST_SIZE];
    enum fp_error error = FP_OK;
    token_text_make(form, random, text_out);
    error = digest_sha256(bytes_of_text(text_out), hash);
    error = error != FP_OK ? error : store_find_token(job->registry->parts.store, hash, row_out);
    error = error != FP_OK ? error : proof_check_token(job->registry->parts.ring, row_out);
    return error == FP_OK && row_out->revoked_ms != 0 ? FP_E_STORE_NOT_FOUND : error;
}

// Shown again. Soon, and before anybody used what it gave: the answer was lost, here it is again.
static enum fp_error refresh_again(struct registry_job *job, struct refresh *r)
{
    struct token_text form = {TOKEN_KIND_REFRESH, r->owner->environment};
    bool soon = job->now_ms - r->row.revoked_ms <= (int64_t)FP_LIMIT_REFRESH_RETRY * 1000;
    enum fp_error error = soon ? refresh_again_one(job, form, r->refresh_random, r->pair.refresh,
                                                   &r->pair.refresh_row)
                               : FP_E_STORE_NOT_FOUND;
    if (error == FP_E_STORE_NOT_FOUND) {
        return grant_reused(job, r->row.id, r->row.owner, r->row.family);
    }
    form.kind = TOKEN_KIND_CONNECTION;
    error = error != FP_OK ? error
                           : refresh_again_one(job, form, r->access_random, r->pair.access,
                                               &r->pair.access_row);
    if (error == FP_E_STORE_NOT_FOUND ||
        (error == FP_OK && strcmp(r->pair.access_row.binding, r->binding) != 0)) {
        return grant_refuse(job, r->row.id, "It was used before, for another scope or key.");
    }
    if (error == FP_OK) {
        job_record(job, AUDIT_TOKEN_REFRESH)->token = bytes_of_text(r->row.id);
        grant_write(job, &r->pair);
    }
    return error;
}

// A family that was refreshed over and over loses its oldest rows.
static enum fp_error refresh_tidy(struct registry_job *job, const struct store_token *current)
{
    struct store_query query = {
        .owner = current->owner, .family = current->family, .limit = REFRESH_TIDY};
    struct store_token *rows = NULL;
    uint64_t count = 0;
    size_t found = 0;
    enum fp_error error = store_count(job->registry->parts.store, STORE_TOKEN, &query, &count);
    if (error != FP_OK || count + 2 <= FP_LIMIT_TOKENS_PER_FAMILY) {
        return error;
    }
    error = store_list_tokens(job->registry->parts.store, &query, job->scratch, &rows, &found);
    for (size_t i = 0; error == FP_OK && i < found; i++) {
        if (strcmp(rows[i].id, current->id) != 0) {
            store_delete_token(job_batch(job), rows[i].id);
            job->rights = true;
        }
    }
    return error;
}

static enum fp_error refresh_rotate(struct registry_job *job, struct refresh *r)
{
    const struct grant_plan plan = {
        .owner = r->owner,
        .family = r->row.family,
        .scopes = r->row.scopes,
        .access_scopes = r->access_scopes,
        .access_random = r->access_random,
        .refresh_random = r->refresh_random,
        .binding = r->binding,
    };
    enum fp_error error = FP_OK;
    job_record(job, AUDIT_TOKEN_REFRESH)->token = bytes_of_text(r->row.id);
    error = mint_end(job, &r->row, REASON_ROTATED, job->now_ms);
    error = error != FP_OK ? error : refresh_tidy(job, &r->row);
    error = error != FP_OK ? error : grant_mint(job, &plan, &r->pair);
    if (error == FP_OK) {
        grant_write(job, &r->pair);
    }
    return error;
}

static enum fp_error refresh_run(struct registry_job *job, struct refresh *r)
{
    bool rotated = false;
    enum fp_error error =
        client_authenticate(job, r->request->client_id, r->request->client_secret, r->client);
    error = error != FP_OK ? error : refresh_find(job, r);
    if (error != FP_OK) {
        return error;
    }
    rotated = strcmp(r->row.reason, REASON_ROTATED) == 0;
    if (r->row.revoked_ms != 0 && !rotated) {
        return grant_refuse(job, r->row.id, "The refresh token was revoked.");
    }
    if (!rotated && r->row.expires_ms <= job->now_ms) {
        return grant_refuse(job, r->row.id, "The refresh token has expired.");
    }
    error = grant_find_owner(job, r->row.id, r->row.owner, r->row.application, r->owner);
    error = error != FP_OK ? error : refresh_scopes(r);
    error = error != FP_OK ? error : refresh_binding(job, r);
    error = error != FP_OK ? error : refresh_derive(job, r);
    if (error != FP_OK) {
        return error;
    }
    return rotated ? refresh_again(job, r) : refresh_rotate(job, r);
}

enum fp_error grant_refresh(struct registry_job *job)
{
    struct refresh *r = arena_alloc(job->scratch, 1, sizeof *r);
    enum fp_error error = FP_E_NO_MEMORY;
    if (r == NULL) {
        return error;
    }
    r->request = job->input;
    r->client = arena_alloc(job->scratch, 1, sizeof *r->client);
    r->owner = arena_alloc(job->scratch, 1, sizeof *r->owner);
    if (r->client != NULL && r->owner != NULL) {
        error = refresh_run(job, r);
    }
    mem_wipe(r->access_random, sizeof r->access_random);
    mem_wipe(r->refresh_random, sizeof r->refresh_random);
    mem_wipe(&r->pair, sizeof r->pair);
    return error;
}
