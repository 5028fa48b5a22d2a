// The system operations of the API that are answered from the registry alone: /api/system for an
// application's token, /api/integrations for a connection's. An application sees nothing but its
// own: whatever belongs to another one does not exist.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_SYSTEM_H
#define FP_REGISTRY_SYSTEM_H

#include "model/query.h"
#include "registry/check.h"

struct system_call {
    unsigned operation;   // index into model_operations
    struct bytes key;     // {id} of the path
    struct bytes query;   // raw query string
    struct bytes binding; // of the token that is issued; may be empty
    struct bytes subkey;  // second id of the path
};

struct system_answer {
    struct buf *body;   // JSON
    struct buf *detail; // JSON object about a failure
    struct buf *errors; // JSON array of wrong parameters
};

enum system_way {
    SYSTEM_ELSEWHERE, // not answered here
    SYSTEM_READ,      // registry_system_read()
    SYSTEM_WRITE      // registry_system_write()
};
enum system_way registry_system_way(unsigned operation);
// At once; nothing is recorded. identity: of a token that was found good for the operation's kind.
enum fp_error registry_system_read(struct registry *registry,
                                   const struct registry_identity *identity,
                                   const struct system_call *call, struct arena *arena,
                                   const struct system_answer *out);
void registry_system_write(struct registry *registry, const struct registry_identity *identity,
                           const struct registry_caller *caller, const struct system_call *call,
                           registry_done *done, void *ctx);
// The query of a list, checked; with rows in out->errors where it is not good.
enum fp_error system_parse_page(const struct system_call *call, struct arena *arena,
                                const struct system_answer *out, struct model_query **query_out);
// An answer that does not fit is the fault of the page size.
enum fp_error system_too_large(const struct system_answer *out);
// What a scope must cover for an operation; FP_E_PERMISSION_MISSING with the scope in detail.
enum fp_error registry_permits(const struct registry_identity *identity, unsigned operation,
                               struct buf *detail);

#endif
