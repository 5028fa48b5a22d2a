// The development certificate: a self-signed P-256 server certificate for this machine, so that TLS
// works from the first minute. It is its own authority: clients trust exactly this file.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_CERTIFICATE_H
#define FP_CRYPTO_CERTIFICATE_H

#include "base/buf.h"
#include "base/error.h"

#define CERTIFICATE_DAYS 397 // the longest life that browsers accept of a server certificate

// For localhost, 127.0.0.1, ::1 and, where it is a proper DNS name, hostname (NULL: none). Appends
// PEM to both; key_out must be sensitive. now_s: seconds since 1970, valid from an hour before.
// FP_E_CRYPTO_FAILED, FP_E_NO_MEMORY.
enum fp_error certificate_make(const char *hostname, int64_t now_s, struct buf *certificate_out,
                               struct buf *key_out);

#endif
