// Tokens as text: prefix by kind and environment, 43 digits of base 62 (256 random bits), 6 digits
// of CRC-32 that find typos. Only the SHA-256 of the whole text is ever stored.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_TOKEN_H
#define FP_KEYS_TOKEN_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

// The numbers are stored: never change them.
enum token_kind {
    TOKEN_CONNECTION = 1,    // fp_live_, fp_test_
    TOKEN_APPLICATION = 2,   // fpa_live_, fpa_test_
    TOKEN_CLIENT_SECRET = 3, // fps_live_, fps_test_
    TOKEN_OPERATOR = 4,      // fpo_live_, fpo_test_
    TOKEN_REFRESH = 5        // fpr_live_, fpr_test_
};

// Random part and checksum of every token; with its prefix a token matches
// ^fp[aosr]?_(live|test)_[0-9A-Za-z]{49}$
#define TOKEN_DIGITS 49

// What a token's text says by itself.
struct token_text {
    enum token_kind kind;      // by its prefix
    bool test;                 // environment test, else live
    uint8_t hash[DIGEST_SIZE]; // SHA-256 of the whole text: what the store looks up
};

// A new token; the text has no NUL. FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED.
enum fp_error token_make(enum token_kind kind, bool test, struct secret *text_out,
                         uint8_t hash_out[static DIGEST_SIZE]);
// FP_E_TOKEN_MALFORMED when it has not the form or its checksum does not fit; FP_E_CRYPTO_FAILED.
enum fp_error token_parse(struct bytes text, struct token_text *out);
// "connection", "application", "client_secret", "operator", "refresh"; NULL for another number.
const char *token_kind_name(enum token_kind kind);

#endif
