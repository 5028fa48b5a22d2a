// The request to the token endpoint (RFC 6749 sections 2.3.1, 3.2 and 4.4.2): as form or as JSON,
// the client by Basic authorization or in the body.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_TOKEN_H
#define FP_AUTH_REQUEST_TOKEN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/note.h"

struct token_request {
    struct bytes client_id;     // not empty, at most FP_LIMIT_ID_TEXT
    struct bytes client_secret; // not empty, at most FP_LIMIT_TOKEN_TEXT; a secret
};

struct token_request_source {
    struct bytes content_type;  // header; empty where there was none
    struct bytes authorization; // header; empty where there was none
    struct bytes body;          // raw
};

// Views in out point into source or the arena, which must be a sensitive one.
// FP_E_OAUTH_REQUEST_INVALID with a note (ASCII, no secret), FP_E_GRANT_UNSUPPORTED,
// FP_E_CLIENT_INVALID where the client does not say who it is, FP_E_NO_MEMORY.
enum fp_error token_request_parse(const struct token_request_source *source, struct arena *arena,
                                  struct fp_note *note, struct token_request *out);

// The media type of a Content-Type, without parameters and without regard to case.
bool media_type_is(struct bytes content_type, const char *type);

#endif
