// What a caller proved besides showing a token or secret: a DPoP key, a client certificate. The
// gateway finds it out, the vault decides by it; this is how it travels between them. And the word
// for what a token is bound to, as it is stored.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_POSSESSION_H
#define FP_AUTH_POSSESSION_H

#include "auth/dpop.h"
#include "auth/jwk.h"
#include "base/buf.h"

#define POSSESSION_NONCE 32  // bytes of a nonce at most: ours have 22; a longer one is not ours
#define POSSESSION_TEXT  192 // bytes of one as it travels, at most
#define BINDING_TEXT     48  // "jkt:" or "x5t:", a thumbprint and its NUL

struct possession {
    bool scheme_dpop;                        // Authorization: DPoP, not Bearer
    enum dpop_fault fault;                   // of the proof; DPOP_MISSING: there was none
    struct dpop_proof proof;                 // with DPOP_GOOD; its nonce is a view
    bool certificate;                        // the connection was made with one
    uint8_t certificate_sha256[DIGEST_SIZE]; // of its DER form (RFC 8705 3.1)
};

// At most POSSESSION_TEXT bytes; a nonce that is too long travels as one that never fits.
void possession_encode(const struct possession *possession, struct buf *out);
// Views point into text. FP_E_INPUT_INVALID for anything that possession_encode() would not write;
// empty text is a caller who proved nothing.
enum fp_error possession_decode(struct bytes text, struct possession *out);

// "" or "jkt:" or "x5t:" with 43 characters: what a token is bound to.
bool binding_valid(struct bytes text);
// The word for a key or certificate of a thumbprint.
void binding_make(const char *kind, const uint8_t thumbprint[static DIGEST_SIZE],
                  char out[static BINDING_TEXT]);
bool binding_is_key(const char *binding);         // "jkt:..."
bool binding_is_certificate(const char *binding); // "x5t:..."

#endif
