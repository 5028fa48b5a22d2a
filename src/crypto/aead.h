// AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags, the only profile we use.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_AEAD_H
#define FP_CRYPTO_AEAD_H

#include "base/bytes.h"
#include "base/error.h"

#define AEAD_KEY_SIZE   32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE   16

// What belongs to one message besides its text.
struct aead_message {
    struct bytes key;   // AEAD_KEY_SIZE bytes
    struct bytes nonce; // AEAD_NONCE_SIZE bytes, never twice under one key
    struct bytes aad;   // bound, not encrypted
};

// Writes plain.len + AEAD_TAG_SIZE bytes: ciphertext and tag. out may not overlap with plain.
// FP_E_CRYPTO_FAILED when the library fails, FP_E_INPUT_INVALID for wrong sizes.
enum fp_error aead_seal(const struct aead_message *message, struct bytes plain, uint8_t *out);
// Writes sealed.len - AEAD_TAG_SIZE bytes. FP_E_UNSEAL_FAILED when the tag does not fit; out is
// wiped then. FP_E_INPUT_TRUNCATED when there is no room for a tag.
enum fp_error aead_open(const struct aead_message *message, struct bytes sealed, uint8_t *out);

#endif
