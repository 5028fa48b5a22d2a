// The registry: everything that is done to applications, customers, connections, credentials and
// tokens, over store, keys and audit log. The vault room and the command line (while the server is
// stopped) do their work through it. Nothing takes effect and no secret leaves before its audit
// record is durable; an operation then answers through a callback. One thread.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REGISTRY_H
#define FP_REGISTRY_REGISTRY_H

#include "audit/audit.h"
#include "base/id.h"
#include "config/config.h"
#include "keys/keyring.h"
#include "store/store.h"

struct registry;

struct registry_parts {
    struct store *store;         // borrowed, outlives the registry
    struct keyring *ring;        // borrowed
    struct audit *audit;         // borrowed
    const struct config *config; // borrowed
};

// Who asks, for the audit record. Copied by every operation.
struct registry_caller {
    enum audit_actor actor;   // application, connection, command, ...
    struct bytes actor_id;    // its id or name
    struct bytes application; // through which application; may be empty
    struct bytes token;       // id of the token that was shown; may be empty
    struct bytes request_id;  // as in X-Request-Id; may be empty
    struct bytes address;     // caller's address; may be empty
    struct bytes reason;      // why an operator does it; may be empty
};

// What an operation came to; valid during the callback, body is wiped afterwards.
struct registry_result {
    enum fp_error error;     // FP_OK: body is the answer
    struct bytes body;       // JSON; empty on failure; may hold a token or secret
    struct bytes detail;     // JSON object about a failure; may be empty
    struct bytes errors;     // JSON array of wrong fields; may be empty
    const char *application; // id concerned, "" where none
    const char *connection;  // id concerned, "" where none
    unsigned cookie;         // enum console_cookie, for the dashboard
    struct bytes session;    // of a browser that has just signed in: for its cookie
};

// Called exactly once for each operation, from audit_dispatch(), store_dispatch() or, where there
// was nothing to write, before the operation returns.
typedef void registry_done(void *ctx, const struct registry_result *result);

// FP_E_NO_MEMORY.
enum fp_error registry_create(const struct registry_parts *parts, struct registry **out);
// All operations must be done (registry_settle()). Takes NULL.
void registry_free(struct registry *registry);
// Waits until every operation under way has called back: for the command line and the end.
void registry_settle(struct registry *registry);
// Operations that take long and can be taken up again later end at their next slice, with
// FP_E_SERVICE_UNAVAILABLE: before a settling that must not take long.
void registry_stop(struct registry *registry);
// Operations under way.
size_t registry_under_way(const struct registry *registry);
// Grows whenever something was written that may end somebody's right: whoever checked a token
// before and acts later checks again when this has changed.
uint64_t registry_epoch(const struct registry *registry);
// Calls changed(ctx, connection) when a written change demands that sessions of that connection
// are dropped; before the operation's own callback.
void registry_watch(struct registry *registry, void (*changed)(void *ctx, const char *connection),
                    void *ctx);

// A source was reached or a token used: kept in memory, written by registry_flush_usage().
void registry_note_use(struct registry *registry, const char *id, int64_t now_ms);
// Last use of a connection or token, from memory; 0: not since the last flush.
int64_t registry_last_use(const struct registry *registry, const char *id);
// Hands what was noted to the store, not waiting; for a timer.
void registry_flush_usage(struct registry *registry);
// Deletes tokens, codes, links and answers to Idempotency-Keys that ended long ago and ends tokens
// that nobody uses (tokens.unused_days), some hundred rows a call; for a timer.
void registry_sweep(struct registry *registry, int64_t now_ms);

#endif
