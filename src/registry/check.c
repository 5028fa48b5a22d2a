// The check of a token. The order is part of the contract: what it is, whether it was ended,
// whether it is the right kind, whether its connection works.
// SPDX-License-Identifier: Apache-2.0
#include "registry/check.h"

#include "base/json_out.h"
#include "connection/life.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "registry/proof.h"
#include "registry/reason.h"
#include "registry/registry_int.h"

#include <string.h>

static void check_evidence(struct buf *detail, const char *reason, int64_t since_ms)
{
    struct json_out json = json_out_start(detail);
    json_begin_object(&json);
    json_member_text_c(&json, "reason", reason);
    json_member_time(&json, "since", since_ms);
    json_end_object(&json);
}

static const char *check_kind_name(uint32_t kind)
{
    return kind == TOKEN_KIND_APPLICATION  ? "application"
           : kind == TOKEN_KIND_CONNECTION ? "connection"
           : kind == TOKEN_KIND_REFRESH    ? "refresh"
                                           : "client secret";
}

// The row that belongs to the text. Whoever has no valid row learns nothing more than that.
static enum fp_error check_find(struct registry *registry, struct bytes token,
                                struct registry_identity *out)
{
    uint8_t hash[DIGEST_SIZE];
    enum fp_error error = token_text_parse(token, &out->form);
    if (error == FP_OK) {
        error = digest_sha256(token, hash);
    }
    if (error == FP_OK) {
        error = store_find_token(registry->parts.store, hash, &out->token);
        error = error == FP_E_STORE_NOT_FOUND ? FP_E_TOKEN_UNKNOWN : error;
    }
    if (error == FP_OK) {
        // a row that somebody else wrote into the database is no token
        error = proof_check_token(registry->parts.ring, &out->token);
        error = error == FP_E_UNSEAL_FAILED ? FP_E_TOKEN_UNKNOWN : error;
    }
    if (error == FP_OK &&
        (out->token.kind != (uint32_t)out->form.kind ||
         !secret_bytes_equal(bytes_of(hash, sizeof hash), bytes_of(out->token.hash, STORE_HASH)))) {
        error = FP_E_TOKEN_UNKNOWN;
    }
    if (error != FP_OK) {
        out->token = (struct store_token){0};
    }
    return error;
}

enum fp_error registry_find_token(struct registry *registry, struct bytes token,
                                  struct registry_identity *out)
{
    memset(out, 0, sizeof *out);
    out->epoch = registry->epoch;
    return check_find(registry, token, out);
}

static enum fp_error check_ended(const struct store_token *row, int64_t now_ms, struct buf *detail)
{
    if (row->revoked_ms != 0 && row->revoked_ms <= now_ms) {
        check_evidence(detail, row->reason, row->revoked_ms);
        return reason_error(bytes_of_text(row->reason));
    }
    if (row->expires_ms != 0 && row->expires_ms <= now_ms) {
        check_evidence(detail, "EXPIRED", row->expires_ms);
        return FP_E_TOKEN_EXPIRED;
    }
    return FP_OK;
}

static enum fp_error check_kind(const struct store_token *row, enum token_kind needed,
                                struct buf *detail)
{
    struct json_out json = json_out_start(detail);
    if (row->kind == (uint32_t)needed) {
        return FP_OK;
    }
    json_begin_object(&json);
    json_member_text_c(&json, "token_of", check_kind_name(row->kind));
    json_member_text_c(&json, "needs_token_of", check_kind_name((uint32_t)needed));
    json_end_object(&json);
    return FP_E_TOKEN_KIND_WRONG;
}

void registry_evidence(const struct store_connection *row, struct buf *detail)
{
    struct json_out json = json_out_start(detail);
    json_begin_object(&json);
    json_member_text_c(&json, "connection", row->id);
    json_member_text_c(&json, "status", connection_state_name((enum connection_state)row->state));
    json_member_text_c(&json, "reason", row->reason);
    json_member_time(&json, "since", row->changed_ms);
    json_member_time(&json, "last_used", row->used_ms);
    json_member_i64(&json, "credential_version", row->credential_version);
    json_end_object(&json);
}

static enum fp_error check_connection(struct registry *registry, struct registry_identity *out,
                                      struct buf *detail)
{
    enum fp_error error =
        store_get_connection(registry->parts.store, out->token.owner, &out->connection);
    if (error == FP_OK) {
        error = proof_check_connection(registry->parts.ring, &out->connection);
    }
    if (error == FP_E_STORE_NOT_FOUND || error == FP_E_UNSEAL_FAILED) {
        // erased, or not as we wrote it
        out->connection = (struct store_connection){0};
        return FP_E_TOKEN_UNKNOWN;
    }
    if (error != FP_OK) {
        return error;
    }
    error = connection_usable((enum connection_state)out->connection.state);
    if (error != FP_OK) {
        registry_evidence(&out->connection, detail);
    }
    return error;
}

enum fp_error registry_identify(struct registry *registry, struct bytes token,
                                enum token_kind needed, int64_t now_ms,
                                struct registry_identity *out, struct buf *detail)
{
    enum fp_error error = FP_OK;
    memset(out, 0, sizeof *out);
    out->epoch = registry->epoch;
    error = check_find(registry, token, out);
    if (error == FP_OK) {
        error = check_ended(&out->token, now_ms, detail);
    }
    if (error == FP_OK) {
        error = check_kind(&out->token, needed, detail);
    }
    if (error == FP_OK && needed == TOKEN_KIND_CONNECTION) {
        error = check_connection(registry, out, detail);
    }
    return error;
}

struct registry_caller registry_caller_of(const struct registry_identity *identity,
                                          struct bytes request_id, struct bytes address)
{
    bool application = identity->token.kind == TOKEN_KIND_APPLICATION;
    bool known = identity->token.id[0] != '\0';
    return (struct registry_caller){
        .actor = !known        ? AUDIT_BY_UNKNOWN
                 : application ? AUDIT_BY_APPLICATION
                               : AUDIT_BY_CONNECTION,
        .actor_id = bytes_of_text(identity->token.owner),
        .application = bytes_of_text(identity->token.application),
        .token = bytes_of_text(identity->token.id),
        .request_id = request_id,
        .address = address,
    };
}

void registry_refused(struct registry *registry, const struct registry_identity *identity,
                      const struct registry_caller *caller, enum fp_error error, int64_t now_ms)
{
    struct audit_record record = {
        .action = AUDIT_TOKEN_REFUSE,
        .actor = caller->actor,
        .actor_id = caller->actor_id,
        .application = caller->application,
        .connection = bytes_of_text(identity->connection.id),
        .customer = bytes_of_text(identity->connection.customer),
        .token = caller->token,
        .request_id = caller->request_id,
        .address = caller->address,
        .result = error,
        .time_ms = now_ms,
    };
    registry_record_refusal(registry, &record, now_ms);
}
