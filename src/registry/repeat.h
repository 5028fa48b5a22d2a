// Changes that are asked for with an Idempotency-Key: of each the store keeps a hash of the key and
// of the request, and once it was made its answer, sealed under the customer's key, so that asking
// again gives that answer and changes nothing. Rows are durable before anything is sent.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REPEAT_H
#define FP_REGISTRY_REPEAT_H

#include "registry/registry.h"
#include "store/replay_rows.h"

// What is asked for. Two requests are the same when all of it is, but for the connection.
struct repeat_request {
    struct bytes key;       // Idempotency-Key, 1 to FP_LIMIT_IDEMPOTENCY_KEY bytes
    const char *operation;  // its id: "erp.vendors.create"
    struct bytes record;    // key of the path; may be empty
    struct bytes subrecord; // second one; may be empty
    struct bytes query;     // raw
    struct bytes condition; // If-Match; may be empty
    struct bytes body;      // raw
};

// A change on its way.
struct repeat {
    struct store_replay row; // as inserted
    char customer[ID_TEXT];  // whose key seals the answer
    char expired[ID_TEXT];   // row of the same key that is too old and goes; "": none
};

struct repeat_answer {
    enum fp_error error; // FP_OK: body
    struct bytes body;   // JSON; may be empty
    struct bytes detail; // JSON object; may be empty
    struct bytes errors; // JSON array; may be empty
    struct bytes etag;   // of body; may be empty
};

// Looks whether the key was used. alive_since_ms: changes that began before and are still marked as
// running are not any more (the vault was restarted, or they are over their time).
// - FP_OK: not yet, *out is ready for repeat_begin();
// - FP_E_EXISTS: for this very request, *out is ready for repeat_open();
// - FP_E_IDEMPOTENCY_IN_PROGRESS: it is under way;
// - FP_E_IDEMPOTENCY_KEY_REUSED: for another request;
// and what the store says.
enum fp_error repeat_look(struct registry *registry, const struct store_connection *connection,
                          const struct repeat_request *request, int64_t now_ms,
                          int64_t alive_since_ms, struct repeat *out);
// Of the row that repeat_look() found with FP_E_EXISTS.
enum fp_error repeat_open(struct registry *registry, const struct repeat *repeat,
                          struct arena *arena, struct repeat_answer *out);
// Inserts the row. done gets FP_E_EXISTS when another request was faster.
enum fp_error repeat_begin(struct registry *registry, const struct repeat *repeat, store_done *done,
                           void *ctx);
// The change was made, or its outcome is known to be unknown: the answer for every repetition.
enum fp_error repeat_keep(struct registry *registry, const struct repeat *repeat,
                          const struct repeat_answer *answer, store_done *done, void *ctx);
// Nobody knows whether the change was made. Nothing waits for it.
void repeat_lose(struct registry *registry, const struct repeat *repeat);
// Nothing was changed: the key may be used again. Nothing waits for it.
void repeat_drop(struct registry *registry, const struct repeat *repeat);

#endif
