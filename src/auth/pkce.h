// PKCE (RFC 7636), with S256 alone: plain proves nothing once a request was seen.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_PKCE_H
#define FP_AUTH_PKCE_H

#include "base/bytes.h"
#include "base/error.h"

#define PKCE_CHALLENGE 43 // base64url of a SHA-256
#define PKCE_VERIFIER  128

// 43 to 128 unreserved characters (section 4.1).
bool pkce_verifier_valid(struct bytes verifier);
// 43 characters of base64url (section 4.2).
bool pkce_challenge_valid(struct bytes challenge);
// Whether the challenge was made from the verifier, in constant time. false for an invalid one.
bool pkce_matches(struct bytes verifier, struct bytes challenge);

#endif
