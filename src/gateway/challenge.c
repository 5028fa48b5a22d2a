// Refusals as OAuth's documents want them: error bodies of its endpoints, WWW-Authenticate, nonces.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/dpop.h"
#include "auth/json_in.h"

// The text of a member of `details`; empty: none.
static struct bytes detail_text(struct gateway *g, const struct gateway_problem *problem,
                                const char *name)
{
    struct fp_note unused = {0};
    yyjson_val *detail = NULL, *value = NULL;
    if (problem->detail.len == 0 ||
        json_in_parse(problem->detail, g->arena, &unused, &detail) != FP_OK) {
        return (struct bytes){0};
    }
    value = yyjson_obj_get(detail, name);
    return bytes_of(yyjson_get_str(value), yyjson_get_len(value));
}

// RFC 6749 5.2, and for what it has no word for those of its 4.1.2.1.
static const char *oauth_error(enum fp_error error)
{
    switch (error) {
    case FP_E_CLIENT_INVALID:
        return "invalid_client";
    case FP_E_CLIENT_UNAUTHORIZED:
        return "unauthorized_client";
    case FP_E_GRANT_INVALID:
        return "invalid_grant";
    case FP_E_SCOPE_INVALID:
        return "invalid_scope";
    case FP_E_GRANT_UNSUPPORTED:
        return "unsupported_grant_type";
    case FP_E_DPOP_PROOF_INVALID: // RFC 9449 5
        return "invalid_dpop_proof";
    case FP_E_DPOP_NONCE_REQUIRED: // RFC 9449 8
        return "use_dpop_nonce";
    default:
        break;
    }
    switch (fp_error_row(error)->status) {
    case 503:
    case 429:
        return "temporarily_unavailable";
    case 500:
    case 502:
    case 504:
        return "server_error";
    default:
        return "invalid_request";
    }
}

// What is wrong, in words: our note, the vault's reason, or the catalogue's message.
static struct bytes oauth_description(struct gateway *g, const struct fp_error_row *row,
                                      const struct gateway_problem *problem)
{
    struct bytes reason = {0};
    if (problem->note != NULL && problem->note->text[0] != '\0') {
        return bytes_of_text(problem->note->text);
    }
    reason = detail_text(g, problem, "reason");
    return reason.len != 0 ? reason : bytes_of_text(row->message);
}

void gateway__oauth_error_body(struct gateway *g, const struct gateway_exchange *x,
                               const struct gateway_problem *problem, struct buf *out)
{
    const struct fp_error_row *row = fp_error_row(x->error);
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_text_c(&j, "error", oauth_error(x->error));
    json_name(&j, "error_description");
    json_text(&j, oauth_description(g, row, problem));
    json_member_text_c(&j, "code", row->code);
    json_member_text_c(&j, "request_id", x->request_id);
    json_end_object(&j);
}

struct bytes gateway__nonce(struct gateway *g, const struct gateway_exchange *x,
                            const struct gateway_problem *problem)
{
    bool wanted = x->error == FP_E_TOKEN_BINDING_FAILED || x->error == FP_E_DPOP_NONCE_REQUIRED;
    return wanted ? detail_text(g, problem, "nonce") : (struct bytes){0};
}

// RFC 9449 7.1 for what a proof lacks; a certificate has no word of its own (RFC 8705 3).
static const char *challenge_error(struct gateway *g, const struct gateway_exchange *x,
                                   const struct gateway_problem *problem)
{
    struct bytes reason = {0};
    if (x->error == FP_E_PERMISSION_MISSING) {
        return "insufficient_scope";
    }
    if (x->error == FP_E_TOKEN_BINDING_FAILED) {
        reason = detail_text(g, problem, "reason");
        if (bytes_equal_text(reason, dpop_fault_name(DPOP_NONCE))) {
            return "use_dpop_nonce";
        }
        if (bytes_starts_with(reason, BYTES("PROOF_"))) {
            return "invalid_dpop_proof";
        }
    }
    return "invalid_token";
}

// RFC 6750 3: no error code where no token was sent.
void gateway__challenge(struct gateway *g, const struct gateway_exchange *x,
                        const struct gateway_problem *problem, struct buf *out)
{
    bool dpop = x->dpop;
    if (x->oauth) {
        buf_append_text(out, "Basic realm=\"fishplate\"");
        return;
    }
    if (x->error == FP_E_TOKEN_BINDING_FAILED) {
        dpop = dpop ||
               bytes_equal_text(detail_text(g, problem, "reason"), dpop_fault_name(DPOP_SCHEME));
    }
    buf_append_text(out, dpop ? "DPoP realm=\"fishplate\", algs=\"" DPOP_ALGORITHMS "\""
                              : "Bearer realm=\"fishplate\"");
    if (x->error != FP_E_TOKEN_MISSING) {
        buf_printf(out, ", error=\"%s\", error_description=\"%s\"", challenge_error(g, x, problem),
                   fp_error_row(x->error)->message);
    }
}
