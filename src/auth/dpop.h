// Proofs of possession by DPoP (RFC 9449): everything that can be judged from the request alone.
// Whether a proof was shown before, and whether its key is the token's, is the vault's to say.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_DPOP_H
#define FP_AUTH_DPOP_H

#include "base/arena.h"
#include "crypto/digest.h"

#define DPOP_ALGORITHMS "ES256 EdDSA" // as WWW-Authenticate lists them

// Why a request does not prove what its token needs; travels between rooms. dpop.c has name and
// sentence of each.
enum dpop_fault {
    DPOP_GOOD,
    DPOP_MISSING,     // no proof
    DPOP_REPEATED,    // more than one header
    DPOP_MALFORMED,   // no compact JWS
    DPOP_TYPE,        // typ
    DPOP_ALGORITHM,   // alg
    DPOP_KEY,         // jwk
    DPOP_SIGNATURE,   // by another key
    DPOP_CLAIMS,      // jti, htm, htu or iat missing or malformed
    DPOP_METHOD,      // htm
    DPOP_URL,         // htu
    DPOP_TIME,        // iat
    DPOP_TOKEN,       // ath
    DPOP_CLAIMED,     // from here on: what only the vault finds
    DPOP_REPLAYED,    // jti was seen
    DPOP_BEFORE,      // made before this process could have seen it
    DPOP_NONCE,       // nonce missing or not ours any more
    DPOP_OTHER_KEY,   // good, but not the token's key
    DPOP_NOT_BOUND,   // scheme DPoP with a token that is bound to no key
    DPOP_SCHEME,      // scheme Bearer with a token that is bound to a key
    DPOP_CERTIFICATE, // no client certificate, or another one
    DPOP_ADDRESS,     // the token does not work from there
    DPOP_FAULTS
};
const char *dpop_fault_name(enum dpop_fault fault); // "PROOF_URL"
const char *dpop_fault_text(enum dpop_fault fault); // one sentence, ASCII, no quotes

struct dpop_expect {
    struct bytes method; // as it came
    struct bytes base;   // public URL of this server
    struct bytes path;   // as it came, without query
    struct bytes token;  // access token that goes with it; empty at the token endpoint
    int64_t now_ms;      // wall clock
};

struct dpop_proof {
    uint8_t thumbprint[DIGEST_SIZE]; // of its key (RFC 7638)
    uint8_t jti[DIGEST_SIZE];        // SHA-256 of it, its key put in front
    int64_t iat_s;                   // since 1970
    struct bytes nonce;              // in the arena; empty: none
};

// Out is written on DPOP_GOOD only. FP_E_NO_MEMORY and FP_E_CRYPTO_FAILED where nothing can be
// said.
enum fp_error dpop_check(struct bytes proof, const struct dpop_expect *expect, struct arena *arena,
                         enum dpop_fault *fault_out, struct dpop_proof *out);
// RFC 9449 4.3 number 9: the same target but for query and fragment, after the normalization of
// RFC 3986 6.2.2.1 and 6.2.3.
bool dpop_url_matches(struct bytes htu, struct bytes base, struct bytes path);

#endif
