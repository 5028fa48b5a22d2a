// A public key as JSON (RFC 7517, 7518 6.2, 8037 2) and its thumbprint (RFC 7638): P-256 and
// Ed25519, nothing private.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_JWK_H
#define FP_AUTH_JWK_H

#include "crypto/digest.h"
#include "crypto/verify.h"

#include <yyjson.h>

#define JWK_THUMBPRINT 43 // characters of a SHA-256 thumbprint in base64url

// FP_E_KEY_INVALID: not an object, another type or curve, a member that is missing, malformed or
// stands twice, a private member (RFC 9449 4.3), or meant for something else than signatures.
enum fp_error jwk_read(yyjson_val *jwk, struct verify_key *out);
// FP_E_CRYPTO_FAILED.
enum fp_error jwk_thumbprint(const struct verify_key *key, uint8_t out[static DIGEST_SIZE]);
// JWK_THUMBPRINT characters of the strict form of 32 bytes.
bool jwk_thumbprint_valid(struct bytes text);

#endif
