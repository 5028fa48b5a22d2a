// Identifiers: sortable by time, unguessable enough to be unique, never a secret.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_ID_H
#define FP_BASE_ID_H

#include "base/bytes.h"

#define ID_TEXT 31 // prefix of 3 letters, '_', 26 characters, NUL

// "req_" + 26 characters of Crockford's base 32: 48 bits of wall time in ms, 80 random bits (the
// layout of a ULID). prefix has exactly three letters: req, con, app, cus, tok, crd. Aborts when
// the kernel gives no random bytes.
void id_make(const char *prefix, int64_t wall_ms, char out[static ID_TEXT]);
// Whether text has that form with that prefix.
bool id_valid(struct bytes text, const char *prefix);

#endif
