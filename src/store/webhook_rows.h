// Webhooks in the store: endpoints, and the events on their way to them. The same rules as for all
// rows: see store.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_WEBHOOK_ROWS_H
#define FP_STORE_WEBHOOK_ROWS_H

#include "store/store.h"

// An endpoint that an application has its events sent to.
struct store_webhook {
    char id[ID_TEXT];                           // whk_...
    char application[ID_TEXT];                  // whose
    char url[FP_LIMIT_URL_TEXT + 1];            // where to
    uint32_t events;                            // bits of enum webhook_event (webhook/event.h)
    struct bytes sealed;                        // its secret, sealed by keys/, at most 256 bytes
    int64_t created_ms;                         // when
    int64_t disabled_ms;                        // since when nothing is sent; 0: it works
    char reason[FP_LIMIT_REASON_TEXT + 1];      // why not
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // see above
};

enum store_delivery_state {
    STORE_DELIVERY_WAITING = 1,   // to be tried at next_ms
    STORE_DELIVERY_DELIVERED = 2, // the receiver took it
    STORE_DELIVERY_FAILED = 3     // given up
};

// One event on its way to one endpoint: written in the batch of the change it tells of.
struct store_delivery {
    char id[ID_TEXT];                           // msg_...; is the webhook-id
    char webhook[ID_TEXT];                      // to which endpoint
    char connection[ID_TEXT];                   // about which connection; empty: none
    uint32_t event;                             // enum webhook_event
    struct bytes body;                          // JSON, at most FP_LIMIT_WEBHOOK_BODY
    uint32_t state;                             // enum store_delivery_state
    uint32_t attempts;                          // so far
    int64_t created_ms;                         // when it happened
    int64_t begun_ms;                           // from when on its schedule counts
    int64_t next_ms;                            // WAITING: next attempt
    int64_t ended_ms;                           // else: when it was over
    struct bytes log;                           // attempts as JSON objects with commas between, at
                                                // most FP_LIMIT_WEBHOOK_LOG
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // over what is sent and where to
};

enum fp_error store_get_webhook(struct store *store, const char *id, struct arena *arena,
                                struct store_webhook *out);
enum fp_error store_get_delivery(struct store *store, const char *id, struct arena *arena,
                                 struct store_delivery *out);
enum fp_error store_list_webhooks(struct store *store, const struct store_query *query,
                                  struct arena *arena, struct store_webhook **out,
                                  size_t *count_out);
enum fp_error store_list_deliveries(struct store *store, const struct store_query *query,
                                    struct arena *arena, struct store_delivery **out,
                                    size_t *count_out);

void store_insert_webhook(struct store_batch *batch, const struct store_webhook *row);
void store_update_webhook(struct store_batch *batch, const struct store_webhook *row);
void store_delete_webhook(struct store_batch *batch, const char *id);
void store_insert_delivery(struct store_batch *batch, const struct store_delivery *row);
void store_update_delivery(struct store_batch *batch, const struct store_delivery *row);
void store_delete_delivery(struct store_batch *batch, const char *id);
// All of one endpoint; none is no failure.
void store_delete_deliveries(struct store_batch *batch, const char *webhook);

#endif
