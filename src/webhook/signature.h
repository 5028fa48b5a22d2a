// Signatures of webhooks: Standard Webhooks 1.0, symmetric (v1, HMAC-SHA-256). Pure.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_WEBHOOK_SIGNATURE_H
#define FP_WEBHOOK_SIGNATURE_H

#include "base/buf.h"

#define WEBHOOK_KEY       32 // random bytes of a secret; the standard asks for 24 to 64
#define WEBHOOK_SECRET    50 // "whsec_" and their base64
#define WEBHOOK_SIGNATURE 47 // "v1," and the base64 of 32 bytes

// Appends the secret as people see it; out should be sensitive.
void webhook_secret_append(struct bytes key, struct buf *out);

struct webhook_message {
    struct bytes id;     // webhook-id: the same over all attempts; holds no '.'
    int64_t timestamp_s; // webhook-timestamp: of this attempt
    struct bytes body;   // as it is sent
};
// Appends "v1," and the base64 of HMAC-SHA-256 over "id.timestamp.body". FP_E_CRYPTO_FAILED, or
// what the buffer says.
enum fp_error webhook_sign(struct bytes key, const struct webhook_message *message,
                           struct buf *out);

#endif
