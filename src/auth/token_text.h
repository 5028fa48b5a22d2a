// The form of a token as text: which kind and environment it names, and its checksum. Says nothing
// about whether the token was ever issued. Prefix, 43 base-62 characters of 256 random bits, 6
// base-62 digits of the CRC-32 of those 43: the checksum turns away typing errors and scanners
// without any lookup; it is no security.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_TOKEN_TEXT_H
#define FP_AUTH_TOKEN_TEXT_H

#include "base/bytes.h"
#include "base/error.h"

#define TOKEN_RANDOM    32 // bytes of randomness in a token
#define TOKEN_TEXT_SIZE 60 // the longest token and its NUL

// What secret scanners look for; docs/tokens.md publishes it.
#define TOKEN_TEXT_REGEX                                                                           \
    "(fp|fpa|fprt)_(live|test)_[0-9A-Za-z]{49}|(fps|fpac|fplink)_[0-9A-Za-z]{49}"

// Stored in the database: numbers must not change.
enum token_kind {
    TOKEN_KIND_CONNECTION = 1,    // fp_live_, fp_test_: one connection
    TOKEN_KIND_APPLICATION = 2,   // fpa_live_, fpa_test_: all connections of one application
    TOKEN_KIND_CLIENT_SECRET = 3, // fps_: an application's secret for the token endpoint
    TOKEN_KIND_CONNECT_LINK = 4,  // fplink_: opens one connect page, once
    TOKEN_KIND_REFRESH = 5,       // fprt_live_, fprt_test_: gives the next tokens of a connection
    TOKEN_KIND_CODE = 6           // fpac_: an authorization code, redeemed once
};

// Stored in the database: numbers must not change.
enum token_environment {
    TOKEN_ENVIRONMENT_NONE = 0, // client secrets and codes name none
    TOKEN_ENVIRONMENT_LIVE = 1,
    TOKEN_ENVIRONMENT_TEST = 2
};

struct token_text {
    enum token_kind kind;               // from the prefix
    enum token_environment environment; // from the prefix
};

// FP_E_TOKEN_MALFORMED: no known prefix, wrong length, a character outside 0-9A-Za-z, or a checksum
// that does not fit.
enum fp_error token_text_parse(struct bytes text, struct token_text *out);
// The text of a new token from random bytes; NUL-terminated. The caller wipes it. A client secret,
// a code and a connect link take environment NONE, the other kinds LIVE or TEST; anything else is a
// bug of the caller.
void token_text_make(struct token_text form, const uint8_t random[static TOKEN_RANDOM],
                     char out[static TOKEN_TEXT_SIZE]);

// "live" and "test"; "" for NONE.
const char *token_environment_name(enum token_environment environment);
// FP_E_INPUT_INVALID for any other word.
enum fp_error token_environment_parse(struct bytes text, enum token_environment *out);

#endif
