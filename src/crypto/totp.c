// Codes of authenticator apps.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/totp.h"

#include "crypto/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

enum fp_error totp_code(struct bytes secret, int64_t step, char out[static TOTP_DIGITS + 1])
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned length = 0, at = 0;
    uint32_t number = 0;
    for (size_t i = 0; i < sizeof counter; i++) {
        counter[i] = (uint8_t)((uint64_t)step >> (8 * (7 - i)));
    }
    if (HMAC(EVP_sha1(), secret.ptr, (int)secret.len, counter, sizeof counter, mac, &length) ==
            NULL ||
        length != 20) {
        return FP_E_CRYPTO_FAILED;
    }
    at = mac[19] & 15; // RFC 4226 5.3
    number = ((uint32_t)(mac[at] & 127) << 24 | (uint32_t)mac[at + 1] << 16 |
              (uint32_t)mac[at + 2] << 8 | mac[at + 3]) %
             1000000;
    snprintf(out, TOTP_DIGITS + 1, "%06u", (unsigned)number);
    return FP_OK;
}

int64_t totp_find(struct bytes secret, struct bytes code, int64_t now_ms, int64_t last)
{
    int64_t step = now_ms / 1000 / TOTP_STEP_S, found = 0;
    for (int64_t one = step - 1; one <= step + 1; one++) {
        char text[TOTP_DIGITS + 1] = "";
        if (totp_code(secret, one, text) == FP_OK && one > last &&
            secret_bytes_equal(bytes_of_text(text), code)) {
            found = one;
        }
    }
    return found;
}

void base32_append(struct buf *out, struct bytes data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < data.len; i++) {
        bits = bits << 8 | data.ptr[i];
        count += 8;
        while (count >= 5) {
            count -= 5;
            buf_append_byte(out, (uint8_t)digits[(bits >> count) & 31]);
        }
    }
    if (count != 0) {
        buf_append_byte(out, (uint8_t)digits[(bits << (5 - count)) & 31]);
    }
}
