// The request to the authorization endpoint (RFC 6749 4.1.1, RFC 7636 4.3). What makes it
// impossible to know where an answer goes is an error; everything else is a fault, which is told to
// the client through its redirect URI once that was found good. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_AUTHORIZE_H
#define FP_AUTH_REQUEST_AUTHORIZE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/note.h"

enum authorize_fault {
    AUTHORIZE_GOOD,
    AUTHORIZE_REPEATED,
    AUTHORIZE_NO_RESPONSE_TYPE,
    AUTHORIZE_RESPONSE_TYPE,
    AUTHORIZE_RESPONSE_MODE,
    AUTHORIZE_STATE,
    AUTHORIZE_SCOPE,
    AUTHORIZE_CHALLENGE_MISSING,
    AUTHORIZE_CHALLENGE,
    AUTHORIZE_CHALLENGE_METHOD,
    AUTHORIZE_REQUEST_OBJECT,
    AUTHORIZE_REQUEST_URI,
    AUTHORIZE_DENIED,
    AUTHORIZE_UNAVAILABLE,
    AUTHORIZE_FAULTS
};

struct authorize_request {
    struct bytes client_id;     // 1 to FP_LIMIT_ID_TEXT bytes
    struct bytes redirect_uri;  // at most FP_LIMIT_REDIRECT_URI bytes; empty: not named
    struct bytes state;         // at most FP_LIMIT_OAUTH_STATE_TEXT bytes, printable ASCII
    struct bytes scope;         // checked; empty: not named
    struct bytes challenge;     // S256; empty: none
    enum authorize_fault fault; // AUTHORIZE_GOOD, or what the client is told
};

// Views in out point into the query or the arena. FP_E_AUTHORIZE_REQUEST_INVALID with a note: no
// client_id, client_id or redirect_uri repeated or too long, a query that does not decode;
// FP_E_NO_MEMORY.
enum fp_error authorize_request_parse(struct bytes query, struct arena *arena, struct fp_note *note,
                                      struct authorize_request *out);
// The words of RFC 6749 4.1.2.1 for a fault: `error` and `error_description`.
const char *authorize_fault_error(enum authorize_fault fault);
const char *authorize_fault_text(enum authorize_fault fault);

#endif
