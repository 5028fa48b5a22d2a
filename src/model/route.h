// From method and path to operation and keys.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_ROUTE_H
#define FP_MODEL_ROUTE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"

struct model_route {
    unsigned operation;  // index into model_operations
    struct bytes key;    // first {key} or {id}, decoded: view of the path or in the arena
    struct bytes subkey; // second one
    unsigned allowed;    // methods of this path: bits 1 << MODEL_METHOD_*; set on 405 as well
};

// path is the request's target up to the question mark. Literal segments win over keys. HEAD finds
// what GET finds. FP_E_ROUTE_UNKNOWN; FP_E_METHOD_NOT_ALLOWED (out->allowed is set, nothing else);
// FP_E_REQUEST_MALFORMED for a segment that does not decode; FP_E_NO_MEMORY. A key longer than
// FP_LIMIT_KEY_TEXT is no route.
enum fp_error model_route_find(struct bytes method, struct bytes path, struct arena *arena,
                               struct model_route *out);
// The methods of a path, for OPTIONS and CORS; 0 when there is no such path.
unsigned model_route_methods(struct bytes path, struct arena *arena);
// "GET, HEAD, OPTIONS" for the Allow header.
void model_methods_text(unsigned allowed, struct buf *out);

#endif
