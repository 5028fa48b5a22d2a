// The JSON shapes of what the registry holds: those of the wire contract (Connection, Client,
// Integration, ConnectionStore) and ours for operators. Members that the contract names and we do
// not have are null.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_WIRE_H
#define FP_REGISTRY_WIRE_H

#include "base/json_out.h"
#include "store/store.h"
#include "store/webhook_rows.h"

// A Connection; metadata: JSON object, empty: {}. tags: Connection has them, ConnectionMetadata
// does not. used_ms: a newer last use than the row's, or 0.
struct wire_connection {
    const struct store_connection *row; // the connection
    struct bytes metadata;              // JSON object
    int64_t used_ms;                    // last use from memory
    bool tags;                          // with the member tags
    bool operator_view;                 // with networks, customer, credential version
};
void wire_write_connection(struct json_out *j, const struct wire_connection *c);
// What GET /api/integrations/current answers.
void wire_write_integration(struct json_out *j, const struct store_connection *row,
                            int64_t used_ms);
// "done" when calls may be made and the source answered last; "fail" otherwise.
const char *wire_sync_status(uint32_t state);
// A Client.
void wire_write_client(struct json_out *j, const struct store_application *row);
// Members of an open object: how an application takes part in OAuth.
void wire_write_application_oauth(struct json_out *j, const struct store_application *row);
// An application for operators; connections: how many it has.
void wire_write_application(struct json_out *j, const struct store_application *row,
                            uint64_t connections);
// A token's row, never the token. used_ms as above; now_ms decides about its status.
// binding and addresses: what a token needs besides being shown; null where nothing.
void wire_write_restrictions(struct json_out *j, const struct store_token *row);
void wire_write_token(struct json_out *j, const struct store_token *row, int64_t used_ms,
                      int64_t now_ms);
// An endpoint for webhooks, never its secret; waiting: deliveries on their way to it. Members of an
// open object.
void wire_write_webhook(struct json_out *j, const struct store_webhook *row, uint64_t waiting);
// A delivery with its attempts.
void wire_write_delivery(struct json_out *j, const struct store_delivery *row);
// Name and seconds from now until then; null when never.
void wire_write_expires_in(struct json_out *j, int64_t expires_ms, int64_t now_ms);

#endif
