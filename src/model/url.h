// Percent-encoding (RFC 3986 section 2.1), strict both ways.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_URL_H
#define FP_MODEL_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

// Decodes %XX, and + as blank where form is true (query strings). The result is UTF-8 without
// control characters; it lies in the arena, or is the input where nothing was encoded.
// FP_E_INPUT_INVALID: a bad escape, a NUL or another control character, no UTF-8; FP_E_NO_MEMORY.
enum fp_error url_decode(struct bytes text, bool form, struct arena *arena, struct bytes *out);
// Appends text with everything but the unreserved characters encoded.
void url_encode(struct buf *out, struct bytes text);

#endif
