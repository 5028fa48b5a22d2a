// Signing deliveries with their endpoint's secret.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/signature.h"

#include "crypto/digest.h"
#include "crypto/encoding.h"

#include <inttypes.h>
#include <stdio.h>

void webhook_secret_append(struct bytes key, struct buf *out)
{
    buf_append_text(out, "whsec_");
    base64_append(out, key);
}

enum fp_error webhook_sign(struct bytes key, const struct webhook_message *message, struct buf *out)
{
    uint8_t mac[DIGEST_SIZE];
    char stamp[32];
    struct bytes parts[3] = {message->id};
    struct hmac *hmac = NULL;
    enum fp_error error = FP_OK;
    (void)snprintf(stamp, sizeof stamp, ".%" PRId64 ".", message->timestamp_s);
    parts[1] = bytes_of_text(stamp);
    parts[2] = message->body;
    error = hmac_create(key, &hmac);
    error = error != FP_OK ? error : hmac_run(hmac, parts, 3, mac);
    if (error == FP_OK) {
        buf_append_text(out, "v1,");
        base64_append(out, bytes_of(mac, sizeof mac));
        error = buf_error(out);
    }
    hmac_free(hmac);
    return error;
}
