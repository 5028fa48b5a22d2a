// Checking signatures that others made, by keys that others name: ECDSA on P-256 with SHA-256 and
// Ed25519, in the forms of JOSE (RFC 7518 3.4, RFC 8037 3.1).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_VERIFY_H
#define FP_CRYPTO_VERIFY_H

#include "base/bytes.h"
#include "base/error.h"

#define VERIFY_COORDINATE 32 // bytes
#define VERIFY_SIGNATURE  64 // bytes: R and S, as both algorithms have them

enum verify_algorithm { VERIFY_ES256 = 1, VERIFY_EDDSA };

// A public key; nothing says yet that its point lies on the curve.
struct verify_key {
    enum verify_algorithm algorithm; // what it is for
    uint8_t x[VERIFY_COORDINATE];    // of P-256, big-endian; or the whole Ed25519 key
    uint8_t y[VERIFY_COORDINATE];    // of P-256; zeroed with Ed25519
};

// FP_OK when the signature is good; FP_E_UNSEAL_FAILED when not (also of a wrong length),
// FP_E_KEY_INVALID: no point of the curve; FP_E_CRYPTO_FAILED.
enum fp_error verify_signature(const struct verify_key *key, struct bytes data,
                               struct bytes signature);

#endif
