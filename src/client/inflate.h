// Undoes gzip and deflate (zlib's format or bare), never beyond the limit of what it writes to.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_INFLATE_H
#define FP_CLIENT_INFLATE_H

#include "base/buf.h"

#include <stdbool.h>

struct client_inflate;

// NULL when out of memory. gzip: else deflate, of which some servers leave out zlib's header.
struct client_inflate *client_inflate_create(bool gzip);
void client_inflate_free(struct client_inflate *packed); // takes NULL; wipes
// FP_E_INPUT_INVALID: broken, or more behind its end. FP_E_LIMIT_EXCEEDED: out is full.
// FP_E_NO_MEMORY.
enum fp_error client_inflate_feed(struct client_inflate *packed, struct bytes data,
                                  struct buf *out);
// Whether it is whole; one that never got a byte is.
bool client_inflate_whole(const struct client_inflate *packed);

#endif
