// Signed JSON tokens that clients make (RFC 7515 compact form): proofs of RFC 9449 and assertions
// of RFC 7523. Three parts, two algorithms, nothing critical, nothing twice: no library of Debian
// that reads them lives on OpenSSL and knows both algorithms.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_JWS_H
#define FP_AUTH_JWS_H

#include "base/arena.h"
#include "crypto/verify.h"

#include <yyjson.h>

struct jws {
    struct bytes input;              // what was signed; a view into the text
    struct bytes signature;          // raw, in the arena
    yyjson_val *header;              // object, in the arena
    yyjson_val *claims;              // object, in the arena
    enum verify_algorithm algorithm; // by "alg"; 0: another one
};

// Nothing is verified. FP_E_INPUT_INVALID: longer than FP_LIMIT_JWS_TEXT, not three parts of strict
// base64url, not JSON objects, "alg" missing or no text, "crit" or "b64" there; FP_E_NO_MEMORY.
enum fp_error jws_parse(struct bytes text, struct arena *arena, struct jws *out);
// The text of a member of header or claims that stands once; false: it does not, or is no text or
// empty.
bool jws_text(yyjson_val *object, const char *name, struct bytes *out);
// A whole number of seconds since 1970; false: missing, twice, no number, or out of range. A
// fraction is cut off.
bool jws_time(yyjson_val *object, const char *name, int64_t *out_s);
// By a key of its own algorithm. FP_E_UNSEAL_FAILED when it does not fit; what verify_signature()
// says.
enum fp_error jws_verify(const struct jws *jws, const struct verify_key *key);

#endif
