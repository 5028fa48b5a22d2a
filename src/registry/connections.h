// Operations on connections: plan and create, list, show, disconnect, change of state, and the
// credential for one use.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONNECTIONS_H
#define FP_REGISTRY_CONNECTIONS_H

#include "connection/life.h"
#include "model/query.h"
#include "registry/registry.h"

struct connection_request {
    struct bytes application; // app_..., whose it becomes; may be empty where connection is not
    struct bytes connection;  // con_... to connect anew; empty: a new one
    struct bytes name;        // of the connection, and of a new customer
    struct bytes email;       // tells customers of the application apart
    struct bytes platform;    // "tryton"
    struct bytes networks;    // private networks it may reach; empty: the application's
    struct bytes account;     // as the source named it when it was verified
    struct bytes credentials; // JSON object, verified
    struct bytes link;        // lnk_... it came through, which is used up; empty: none
};

struct connection_plan {
    char platform[65];                         // what it is tried at
    char networks[FP_LIMIT_NETWORKS_TEXT + 1]; // that the attempt may reach
};
// What must be right before a credential is tried at its source. Where a connection is named,
// platform and what else is left empty is taken from it. FP_E_FIELD_INVALID with rows in errors
// (JSON array), APPLICATION_NOT_FOUND, CONNECTION_NOT_FOUND, STATE_CONFLICT.
enum fp_error registry_connection_plan(struct registry *registry,
                                       const struct connection_request *request,
                                       struct connection_plan *out, struct buf *errors);
// Stores a verified credential. A new connection; or, where one is named, or one of the same
// customer, platform and name requires reauthorization, a new credential version of that one: its
// older tokens then answer TOKEN_SUPERSEDED. {"data":{"access_token","refresh_token","expires_in",
// "key",...}}: the token is shown this once.
void registry_connection_create(struct registry *registry, const struct registry_caller *caller,
                                const struct connection_request *request, registry_done *done,
                                void *ctx);

struct connection_list {
    struct bytes application; // whose; empty: all
    struct bytes after;       // rows behind this id
};
// For operators: {"data":[Connection],"next":id or null}, at most STORE_LIST rows.
void registry_connection_list(struct registry *registry, const struct registry_caller *caller,
                              const struct connection_list *list, registry_done *done, void *ctx);
// For operators: {"data":Connection with "tokens"}.
void registry_connection_show(struct registry *registry, const struct registry_caller *caller,
                              struct bytes connection, registry_done *done, void *ctx);

struct connection_end {
    struct bytes connection;       // con_...
    struct bytes application;      // only if it is this one's; empty: any
    enum connection_reason reason; // who ends it
};
// Ends it: tokens dead, credential destroyed. {"data":Connection}. One that has ended already is no
// failure.
void registry_connection_disconnect(struct registry *registry, const struct registry_caller *caller,
                                    const struct connection_end *end, registry_done *done,
                                    void *ctx);

struct connection_news {
    struct bytes connection;         // con_...
    enum connection_event_kind kind; // ANSWERED, UNREACHABLE or REJECTED
    uint32_t credential_version;     // that was used
    struct bytes detail;             // evidence, JSON object, at most 1024 bytes; may be empty
};
// What a call showed about a connection. Nothing is written where nothing changes.
void registry_connection_news(struct registry *registry, const struct registry_caller *caller,
                              const struct connection_news *news, registry_done *done, void *ctx);

// The newest credential, opened, for one use: after the record of the use is durable.
// FP_E_STORE_NOT_FOUND, FP_E_UNSEAL_FAILED, FP_E_NO_MEMORY and what store and keyring say.
enum fp_error registry_credential(struct registry *registry, const struct store_connection *row,
                                  struct arena *arena, struct secret *out);

#endif
