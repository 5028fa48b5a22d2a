// Codes of authenticator apps: TOTP (RFC 6238) with HMAC-SHA-1, six digits, thirty seconds, which
// is what every app knows.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_TOTP_H
#define FP_CRYPTO_TOTP_H

#include "base/buf.h"
#include "base/error.h"

#define TOTP_SECRET 20 // bytes, RFC 4226 4
#define TOTP_DIGITS 6
#define TOTP_STEP_S 30

// The code of one step (seconds since 1970 divided by TOTP_STEP_S), NUL-terminated.
enum fp_error totp_code(struct bytes secret, int64_t step, char out[static TOTP_DIGITS + 1]);
// Which step near now (one before, itself, one after) has this code and is newer than last; 0:
// none. Each code is good once: the caller keeps the step as last.
int64_t totp_find(struct bytes secret, struct bytes code, int64_t now_ms, int64_t last);
// RFC 4648 base 32 without padding, as apps take secrets.
void base32_append(struct buf *out, struct bytes data);

#endif
