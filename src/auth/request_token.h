// Requests to the token endpoint and to those of revocation and introspection (RFC 6749 2.3.1, 3.2,
// 4.1.3, 4.4.2 and 6; RFC 7009 2.1; RFC 7662 2.1): as form or as JSON, the client by Basic
// authorization or in the body.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_TOKEN_H
#define FP_AUTH_REQUEST_TOKEN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/note.h"

// What a client asks for; travels between rooms.
enum oauth_task {
    OAUTH_CLIENT_CREDENTIALS = 1,
    OAUTH_AUTHORIZATION_CODE,
    OAUTH_REFRESH_TOKEN,
    OAUTH_REVOKE,
    OAUTH_INTROSPECT
};

struct oauth_request {
    enum oauth_task task;       // see above
    struct bytes client_id;     // not empty, at most FP_LIMIT_ID_TEXT
    struct bytes client_secret; // not empty, at most FP_LIMIT_TOKEN_TEXT; a secret
    struct bytes token;         // code, refresh token, or the token in question; at most
                                // FP_LIMIT_TOKEN_TEXT; a secret
    struct bytes redirect_uri;  // with a code; at most FP_LIMIT_REDIRECT_URI; empty: not sent
    struct bytes verifier;      // with a code; a valid one (pkce.h), or empty: not sent; a secret
    struct bytes scope;         // checked; empty: not sent
    struct bytes possession;    // what the caller proved besides: auth/possession.h
    bool proof_taken;           // its proof was counted as used
};

enum oauth_endpoint { OAUTH_AT_TOKEN, OAUTH_AT_REVOKE, OAUTH_AT_INTROSPECT };

struct token_request_source {
    struct bytes content_type;    // header; empty where there was none
    struct bytes authorization;   // header; empty where there was none
    struct bytes body;            // raw
    enum oauth_endpoint endpoint; // where it was sent
};

// Views in out point into source or the arena, which must be a sensitive one.
// FP_E_OAUTH_REQUEST_INVALID with a note (ASCII, no secret), FP_E_GRANT_UNSUPPORTED,
// FP_E_SCOPE_INVALID, FP_E_CLIENT_INVALID where the client does not say who it is, FP_E_NO_MEMORY.
enum fp_error token_request_parse(const struct token_request_source *source, struct arena *arena,
                                  struct fp_note *note, struct oauth_request *out);

// The media type of a Content-Type, without parameters and without regard to case.
bool media_type_is(struct bytes content_type, const char *type);

#endif
