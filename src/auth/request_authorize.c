// Reading an authorization request.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_authorize.h"

#include "auth/parameters.h"
#include "auth/pkce.h"
#include "auth/scopes.h"
#include "base/limits.h"

enum authorize_parameter {
    AUTHORIZE_CLIENT_ID,
    AUTHORIZE_REDIRECT_URI,
    AUTHORIZE_AT_RESPONSE_TYPE,
    AUTHORIZE_AT_RESPONSE_MODE,
    AUTHORIZE_AT_STATE,
    AUTHORIZE_AT_SCOPE,
    AUTHORIZE_AT_CHALLENGE,
    AUTHORIZE_AT_METHOD,
    AUTHORIZE_AT_REQUEST,
    AUTHORIZE_AT_REQUEST_URI,
    AUTHORIZE_PARAMETERS
};

static const char *const authorize_names[AUTHORIZE_PARAMETERS] = {
    [AUTHORIZE_CLIENT_ID] = "client_id",
    [AUTHORIZE_REDIRECT_URI] = "redirect_uri",
    [AUTHORIZE_AT_RESPONSE_TYPE] = "response_type",
    [AUTHORIZE_AT_RESPONSE_MODE] = "response_mode",
    [AUTHORIZE_AT_STATE] = "state",
    [AUTHORIZE_AT_SCOPE] = "scope",
    [AUTHORIZE_AT_CHALLENGE] = "code_challenge",
    [AUTHORIZE_AT_METHOD] = "code_challenge_method",
    [AUTHORIZE_AT_REQUEST] = "request",
    [AUTHORIZE_AT_REQUEST_URI] = "request_uri",
};

static const struct {
    const char *error; // RFC 6749 4.1.2.1
    const char *text;  // for the developer
} authorize_faults[AUTHORIZE_FAULTS] = {
    [AUTHORIZE_GOOD] = {"server_error", "Nothing is wrong."},
    [AUTHORIZE_REPEATED] = {"invalid_request", "A parameter stands more than once."},
    [AUTHORIZE_NO_RESPONSE_TYPE] = {"invalid_request", "response_type is missing."},
    [AUTHORIZE_RESPONSE_TYPE] = {"unsupported_response_type", "response_type must be code."},
    [AUTHORIZE_RESPONSE_MODE] = {"invalid_request", "response_mode must be query."},
    [AUTHORIZE_STATE] = {"invalid_request", "state must be at most 1024 bytes of printable ASCII."},
    [AUTHORIZE_SCOPE] = {"invalid_scope", "A scope is what:read or what:write."},
    [AUTHORIZE_CHALLENGE_MISSING] = {"invalid_request",
                                     "code_challenge is missing: PKCE is required."},
    [AUTHORIZE_CHALLENGE] = {"invalid_request", "code_challenge must be base64url of a SHA-256."},
    [AUTHORIZE_CHALLENGE_METHOD] = {"invalid_request", "code_challenge_method must be S256."},
    [AUTHORIZE_REQUEST_OBJECT] = {"request_not_supported", "Request objects are not supported."},
    [AUTHORIZE_REQUEST_URI] = {"request_uri_not_supported", "request_uri is not supported."},
    [AUTHORIZE_DENIED] = {"access_denied", "The customer did not connect."},
    [AUTHORIZE_UNAVAILABLE] = {"temporarily_unavailable", "Try again in a moment."},
};

const char *authorize_fault_error(enum authorize_fault fault)
{
    return authorize_faults[fault].error;
}

const char *authorize_fault_text(enum authorize_fault fault)
{
    return authorize_faults[fault].text;
}

static bool authorize_state_valid(struct bytes state)
{
    for (size_t i = 0; i < state.len; i++) {
        if (state.ptr[i] < 0x20 || state.ptr[i] > 0x7e) {
            return false;
        }
    }
    return state.len <= FP_LIMIT_OAUTH_STATE_TEXT;
}

static enum authorize_fault authorize_check_pkce(const struct parameters *p)
{
    struct bytes challenge = p->values[AUTHORIZE_AT_CHALLENGE];
    struct bytes method = p->values[AUTHORIZE_AT_METHOD];
    if (challenge.len == 0) {
        return method.len != 0 ? AUTHORIZE_CHALLENGE_MISSING : AUTHORIZE_GOOD;
    }
    if (!bytes_equal_text(method, "S256")) {
        return AUTHORIZE_CHALLENGE_METHOD; // left out it would mean plain
    }
    return pkce_challenge_valid(challenge) ? AUTHORIZE_GOOD : AUTHORIZE_CHALLENGE;
}

// The first thing that is wrong and that the client may be told.
static enum authorize_fault authorize_check(const struct parameters *p)
{
    struct bytes type = p->values[AUTHORIZE_AT_RESPONSE_TYPE];
    struct bytes mode = p->values[AUTHORIZE_AT_RESPONSE_MODE];
    struct fp_note unused = {0};
    if (p->repeated != 0) {
        return AUTHORIZE_REPEATED;
    }
    if (!authorize_state_valid(p->values[AUTHORIZE_AT_STATE])) {
        return AUTHORIZE_STATE;
    }
    if (p->values[AUTHORIZE_AT_REQUEST].len != 0) {
        return AUTHORIZE_REQUEST_OBJECT;
    }
    if (p->values[AUTHORIZE_AT_REQUEST_URI].len != 0) {
        return AUTHORIZE_REQUEST_URI;
    }
    if (type.len == 0) {
        return AUTHORIZE_NO_RESPONSE_TYPE;
    }
    if (!bytes_equal_text(type, "code")) {
        return AUTHORIZE_RESPONSE_TYPE;
    }
    if (mode.len != 0 && !bytes_equal_text(mode, "query")) {
        return AUTHORIZE_RESPONSE_MODE;
    }
    if (scopes_check(p->values[AUTHORIZE_AT_SCOPE], &unused) != FP_OK) {
        return AUTHORIZE_SCOPE;
    }
    return authorize_check_pkce(p);
}

// What stands in the way of any answer to the client.
static enum fp_error authorize_check_client(const struct parameters *p, struct fp_note *note)
{
    static const unsigned decisive = 1u << AUTHORIZE_CLIENT_ID | 1u << AUTHORIZE_REDIRECT_URI;
    if ((p->repeated & decisive) != 0) {
        fp_note_set(note, "", "client_id or redirect_uri stands more than once.");
        return FP_E_AUTHORIZE_REQUEST_INVALID;
    }
    if (p->values[AUTHORIZE_CLIENT_ID].len == 0) {
        fp_note_set(note, "client_id", "client_id is missing.");
        return FP_E_AUTHORIZE_REQUEST_INVALID;
    }
    if (p->values[AUTHORIZE_CLIENT_ID].len > FP_LIMIT_ID_TEXT) {
        return FP_E_AUTHORIZE_CLIENT_UNKNOWN;
    }
    return p->values[AUTHORIZE_REDIRECT_URI].len > FP_LIMIT_REDIRECT_URI
               ? FP_E_AUTHORIZE_REDIRECT_INVALID
               : FP_OK;
}

enum fp_error authorize_request_parse(struct bytes query, struct arena *arena, struct fp_note *note,
                                      struct authorize_request *out)
{
    struct parameters p = {.names = authorize_names, .count = AUTHORIZE_PARAMETERS};
    enum fp_error error = parameters_form(&p, query, arena, note);
    if (error == FP_E_INPUT_INVALID) {
        return FP_E_AUTHORIZE_REQUEST_INVALID;
    }
    error = error != FP_OK ? error : authorize_check_client(&p, note);
    if (error != FP_OK) {
        return error;
    }
    *out = (struct authorize_request){
        .client_id = p.values[AUTHORIZE_CLIENT_ID],
        .redirect_uri = p.values[AUTHORIZE_REDIRECT_URI],
        .fault = authorize_check(&p),
    };
    // a state that is not one cannot be given back
    if ((p.repeated & 1u << AUTHORIZE_AT_STATE) == 0 &&
        authorize_state_valid(p.values[AUTHORIZE_AT_STATE])) {
        out->state = p.values[AUTHORIZE_AT_STATE];
    }
    if (out->fault == AUTHORIZE_GOOD) {
        out->scope = p.values[AUTHORIZE_AT_SCOPE];
        out->challenge = p.values[AUTHORIZE_AT_CHALLENGE];
    }
    return FP_OK;
}
