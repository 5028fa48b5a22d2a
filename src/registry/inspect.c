// What a client may do with a token that it holds: end it (RFC 7009) or look whether it works
// (RFC 7662). Tokens of other clients tell nothing about themselves.
// SPDX-License-Identifier: Apache-2.0
#include "registry/grant.h"

#include "connection/life.h"
#include "registry/binding.h"
#include "registry/check.h"
#include "registry/client.h"
#include "registry/reason.h"
#include "registry/revoke.h"

#include <string.h>

struct inspect {
    struct registry_identity identity; // of the token in question
    struct owner client;               // who asks
    bool known;                        // the token was issued here and its row is good
    bool own;                          // to this client
};

// Client secrets and connect links are no tokens of RFC 6749.
static bool inspect_is_token(uint32_t kind)
{
    return kind == TOKEN_KIND_CONNECTION || kind == TOKEN_KIND_APPLICATION ||
           kind == TOKEN_KIND_REFRESH;
}

static enum fp_error inspect_find(struct registry_job *job, struct inspect **out)
{
    const struct oauth_request *request = job->input;
    struct inspect *i = arena_alloc(job->scratch, 1, sizeof *i);
    enum fp_error error = FP_E_NO_MEMORY;
    if (i == NULL) {
        return error;
    }
    error = client_authenticate(job, request->client_id, request->client_secret, &i->client);
    if (error != FP_OK) {
        return error;
    }
    error = registry_find_token(job->registry, request->token, &i->identity);
    if (error != FP_OK && error != FP_E_TOKEN_UNKNOWN && error != FP_E_TOKEN_MALFORMED) {
        return error;
    }
    i->known = error == FP_OK && inspect_is_token(i->identity.token.kind);
    i->own = i->known && strcmp(i->identity.token.application, i->client.application.id) == 0;
    *out = i;
    return FP_OK;
}

enum fp_error inspect_revoke(struct registry_job *job)
{
    struct inspect *i = NULL;
    enum fp_error error = inspect_find(job, &i);
    if (error == FP_OK && i->known && !i->own) {
        error = FP_E_CLIENT_UNAUTHORIZED;
    }
    if (error == FP_OK && i->own) {
        job_record(job, AUDIT_TOKEN_REVOKE)->token = bytes_of_text(i->identity.token.id);
        error = revoke_end(job, &i->identity.token, REASON_REVOKED);
    }
    if (error == FP_OK) {
        buf_append_text(&job->body, "{}");
    }
    return error;
}

// Whether it would work now, its connection included.
static enum fp_error inspect_alive(struct registry_job *job, struct inspect *i, bool *out)
{
    const struct store_token *row = &i->identity.token;
    bool ended = (row->revoked_ms != 0 && row->revoked_ms <= job->now_ms) ||
                 (row->expires_ms != 0 && row->expires_ms <= job->now_ms);
    enum fp_error error = FP_OK;
    *out = i->own && !ended;
    if (!*out || row->kind == TOKEN_KIND_APPLICATION) {
        return FP_OK;
    }
    error = owner_get_connection(job->registry, bytes_of_text(row->owner), &i->identity.connection);
    if (error == FP_E_CONNECTION_NOT_FOUND || error == FP_E_UNSEAL_FAILED) {
        *out = false;
        return FP_OK;
    }
    *out = error == FP_OK &&
           connection_usable((enum connection_state)i->identity.connection.state) == FP_OK;
    return error;
}

static void inspect_write(struct registry_job *job, const struct store_token *row)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_member_bool(&json, "active", true);
    json_member_text_c(&json, "scope", row->scopes);
    json_member_text_c(&json, "client_id", row->application);
    if (row->kind != TOKEN_KIND_REFRESH) {
        json_member_text_c(&json, "token_type", binding_token_type(row->binding));
        binding_write_cnf(&json, row->binding);
    }
    if (row->expires_ms != 0) {
        json_member_i64(&json, "exp", row->expires_ms / 1000);
    }
    json_member_i64(&json, "iat", row->created_ms / 1000);
    json_member_text_c(&json, "sub", row->owner);
    json_member_text_c(&json, "iss", job->registry->parts.config->public_url);
    json_member_text_c(&json, "jti", row->id);
    json_end_object(&json);
}

enum fp_error inspect_introspect(struct registry_job *job)
{
    struct inspect *i = NULL;
    bool alive = false;
    enum fp_error error = inspect_find(job, &i);
    error = error != FP_OK ? error : inspect_alive(job, i, &alive);
    if (error != FP_OK) {
        return error;
    }
    if (alive) {
        inspect_write(job, &i->identity.token);
    } else {
        buf_append_text(&job->body, "{\"active\":false}");
    }
    if (i->own) {
        job_record(job, AUDIT_TOKEN_VIEW)->token = bytes_of_text(i->identity.token.id);
    }
    return FP_OK;
}
