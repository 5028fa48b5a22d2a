// The token of a request: from the Authorization header and nowhere else, as Bearer (RFC 6750 2.1)
// or as DPoP (RFC 9449 7.1).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_BEARER_H
#define FP_GATEWAY_BEARER_H

#include "base/error.h"
#include "http/head.h"

// Whether it has the form of a token; not whether it was ever issued. FP_E_TOKEN_MISSING: no
// Authorization header, or of another scheme; FP_E_TOKEN_MALFORMED. The view points into headers.
enum fp_error bearer_find(const struct http_header *headers, size_t count, struct bytes *token_out);
// Whether what bearer_find() found stands behind the scheme DPoP.
bool bearer_is_dpop(const struct http_header *headers, size_t count);

#endif
