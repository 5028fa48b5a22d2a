// Verifiers and challenges.
// SPDX-License-Identifier: Apache-2.0
#include "auth/pkce.h"

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"

#include <string.h>

static bool pkce_made_of(struct bytes text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && (c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return true;
}

bool pkce_verifier_valid(struct bytes verifier)
{
    return verifier.len >= PKCE_CHALLENGE && verifier.len <= PKCE_VERIFIER &&
           pkce_made_of(verifier, "-._~");
}

bool pkce_challenge_valid(struct bytes challenge)
{
    return challenge.len == PKCE_CHALLENGE && pkce_made_of(challenge, "-_");
}

bool pkce_matches(struct bytes verifier, struct bytes challenge)
{
    uint8_t hash[DIGEST_SIZE];
    struct buf expected;
    bool same = false;
    if (!pkce_verifier_valid(verifier) || !pkce_challenge_valid(challenge) ||
        digest_sha256(verifier, hash) != FP_OK) {
        return false;
    }
    buf_init_sensitive(&expected, PKCE_CHALLENGE + 1);
    base64url_append(&expected, bytes_of(hash, sizeof hash));
    same = buf_error(&expected) == FP_OK && secret_bytes_equal(buf_bytes(&expected), challenge);
    buf_done(&expected);
    return same;
}
