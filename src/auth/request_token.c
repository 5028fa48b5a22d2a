// Reading requests of clients.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_token.h"

#include "auth/parameters.h"
#include "auth/pkce.h"
#include "auth/scopes.h"
#include "base/limits.h"
#include "crypto/encoding.h"
#include "model/url.h"

#define BASIC_MAX 512 // bytes of decoded Basic credentials, percent-encoded inside

enum token_parameter {
    PARAMETER_GRANT,
    PARAMETER_ID,
    PARAMETER_SECRET,
    PARAMETER_CODE,
    PARAMETER_REDIRECT_URI,
    PARAMETER_VERIFIER,
    PARAMETER_REFRESH_TOKEN,
    PARAMETER_SCOPE,
    PARAMETER_TOKEN,
    PARAMETER_COUNT
};

static const char *const parameter_names[PARAMETER_COUNT] = {
    [PARAMETER_GRANT] = "grant_type",
    [PARAMETER_ID] = "client_id",
    [PARAMETER_SECRET] = "client_secret",
    [PARAMETER_CODE] = "code",
    [PARAMETER_REDIRECT_URI] = "redirect_uri",
    [PARAMETER_VERIFIER] = "code_verifier",
    [PARAMETER_REFRESH_TOKEN] = "refresh_token",
    [PARAMETER_SCOPE] = "scope",
    [PARAMETER_TOKEN] = "token",
};

// The grants, and the parameter that each cannot be without.
static const struct {
    const char *grant;           // grant_type
    enum oauth_task task;        // what it asks for
    enum token_parameter needed; // PARAMETER_GRANT: no other
} grants[] = {
    {"client_credentials", OAUTH_CLIENT_CREDENTIALS, PARAMETER_GRANT},
    {"authorization_code", OAUTH_AUTHORIZATION_CODE, PARAMETER_CODE},
    {"refresh_token", OAUTH_REFRESH_TOKEN, PARAMETER_REFRESH_TOKEN},
};

bool media_type_is(struct bytes content_type, const char *type)
{
    struct bytes rest = content_type, piece = {0};
    return bytes_split(&rest, ';', &piece) &&
           bytes_equal_nocase(bytes_trim(piece), bytes_of_text(type));
}

// RFC 6749 2.3.1: id and secret are form-encoded before they become user and password of RFC 7617.
static enum fp_error client_from_basic(struct bytes encoded, struct arena *arena,
                                       struct oauth_request *out)
{
    struct buf plain;
    struct bytes secret = {0}, id = {0};
    enum fp_error error = FP_OK;
    buf_init_sensitive(&plain, BASIC_MAX);
    error = base64_decode(encoded, &plain);
    if (error == FP_OK) {
        secret = arena_copy(arena, buf_bytes(&plain));
        error = secret.ptr == NULL ? FP_E_NO_MEMORY : FP_OK;
    }
    buf_done(&plain);
    if (error == FP_OK && (!bytes_split(&secret, ':', &id) || secret.ptr == NULL)) {
        error = FP_E_CLIENT_INVALID;
    }
    if (error == FP_OK) {
        error = url_decode(id, true, arena, &out->client_id);
    }
    if (error == FP_OK) {
        error = url_decode(secret, true, arena, &out->client_secret);
    }
    return error == FP_OK || error == FP_E_NO_MEMORY ? error : FP_E_CLIENT_INVALID;
}

// Who asks: by header or in the body, never both.
static enum fp_error client_find(struct bytes authorization, const struct parameters *p,
                                 struct arena *arena, struct fp_note *note,
                                 struct oauth_request *out)
{
    static const struct bytes scheme = {(const uint8_t *)"Basic ", 6};
    out->client_id = p->values[PARAMETER_ID];
    out->client_secret = p->values[PARAMETER_SECRET];
    if (authorization.len == 0) {
        return FP_OK;
    }
    if (p->values[PARAMETER_SECRET].ptr != NULL) {
        fp_note_set(note, "", "Send the client's secret once: by header or in the body.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    if (!bytes_equal_nocase(bytes_slice(authorization, 0, scheme.len), scheme)) {
        return FP_E_CLIENT_INVALID;
    }
    enum fp_error error = client_from_basic(
        bytes_trim(bytes_slice(authorization, scheme.len, authorization.len)), arena, out);
    if (error == FP_OK && p->values[PARAMETER_ID].ptr != NULL &&
        !bytes_equal(p->values[PARAMETER_ID], out->client_id)) {
        fp_note_set(note, "client_id", "client_id is another one than in the header.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    return error;
}

static enum fp_error parameters_read(const struct token_request_source *source, struct arena *arena,
                                     struct fp_note *note, struct parameters *out)
{
    enum fp_error error = FP_E_INPUT_INVALID;
    if (media_type_is(source->content_type, "application/x-www-form-urlencoded")) {
        error = parameters_form(out, source->body, arena, note);
    } else if (media_type_is(source->content_type, "application/json")) {
        error = parameters_json(out, source->body, arena, note);
    } else {
        fp_note_set(note, "", "Send application/x-www-form-urlencoded or application/json.");
    }
    for (unsigned i = 0; error == FP_OK && i < PARAMETER_COUNT; i++) {
        if ((out->repeated & 1u << i) != 0) {
            fp_note_set(note, parameter_names[i], "%s stands more than once.", parameter_names[i]);
            error = FP_E_INPUT_INVALID;
        }
    }
    return error == FP_E_INPUT_INVALID ? FP_E_OAUTH_REQUEST_INVALID : error;
}

static enum fp_error request_need(const struct parameters *p, enum token_parameter needed,
                                  struct fp_note *note)
{
    if (p->values[needed].len != 0) {
        return FP_OK;
    }
    fp_note_set(note, parameter_names[needed], "%s is missing.", parameter_names[needed]);
    return FP_E_OAUTH_REQUEST_INVALID;
}

// What is asked for, and the token or code that it is about.
static enum fp_error request_task(const struct parameters *p, enum oauth_endpoint endpoint,
                                  struct fp_note *note, struct oauth_request *out)
{
    enum token_parameter needed = PARAMETER_TOKEN;
    enum fp_error error = FP_OK;
    if (endpoint == OAUTH_AT_TOKEN) {
        error = request_need(p, PARAMETER_GRANT, note);
        for (size_t i = 0; error == FP_OK && i < sizeof grants / sizeof grants[0]; i++) {
            if (bytes_equal_text(p->values[PARAMETER_GRANT], grants[i].grant)) {
                out->task = grants[i].task;
                needed = grants[i].needed;
            }
        }
        if (error == FP_OK && out->task == 0) {
            error = FP_E_GRANT_UNSUPPORTED;
        }
    } else {
        out->task = endpoint == OAUTH_AT_REVOKE ? OAUTH_REVOKE : OAUTH_INTROSPECT;
    }
    error = error != FP_OK ? error : request_need(p, needed, note);
    if (error == FP_OK && needed != PARAMETER_GRANT) {
        // one that is longer than ours are was never issued here: a piece of it says the same
        out->token = p->values[needed].len <= FP_LIMIT_TOKEN_TEXT
                         ? p->values[needed]
                         : bytes_slice(p->values[needed], 0, 1);
    }
    return error;
}

static enum fp_error request_details(const struct parameters *p, struct fp_note *note,
                                     struct oauth_request *out)
{
    struct bytes verifier = p->values[PARAMETER_VERIFIER];
    struct fp_note scopes = {0};
    if (p->values[PARAMETER_REDIRECT_URI].len > FP_LIMIT_REDIRECT_URI) {
        fp_note_set(note, "redirect_uri", "redirect_uri is too long.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    if (verifier.len != 0 && !pkce_verifier_valid(verifier)) {
        fp_note_set(note, "code_verifier",
                    "code_verifier must be 43 to 128 unreserved characters.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    if (scopes_check(p->values[PARAMETER_SCOPE], &scopes) != FP_OK) {
        return FP_E_SCOPE_INVALID;
    }
    out->redirect_uri = p->values[PARAMETER_REDIRECT_URI];
    out->verifier = verifier;
    out->scope = p->values[PARAMETER_SCOPE];
    return FP_OK;
}

enum fp_error token_request_parse(const struct token_request_source *source, struct arena *arena,
                                  struct fp_note *note, struct oauth_request *out)
{
    struct parameters parameters = {.names = parameter_names, .count = PARAMETER_COUNT};
    struct oauth_request request = {0};
    enum fp_error error = parameters_read(source, arena, note, &parameters);
    error = error != FP_OK ? error : request_task(&parameters, source->endpoint, note, &request);
    if (error == FP_OK) {
        error = client_find(source->authorization, &parameters, arena, note, &request);
    }
    if (error == FP_OK && (request.client_id.len == 0 || request.client_secret.len == 0 ||
                           request.client_id.len > FP_LIMIT_ID_TEXT ||
                           request.client_secret.len > FP_LIMIT_TOKEN_TEXT)) {
        error = FP_E_CLIENT_INVALID;
    }
    error = error != FP_OK ? error : request_details(&parameters, note, &request);
    if (error == FP_OK) {
        *out = request;
    }
    return error;
}
