// Deliveries of webhooks: which are due, what is to be sent, and what came of it. The vault hands
// them to egress one attempt at a time; what is not noted here as delivered is sent again, so a
// receiver may see an event twice (with the same webhook-id), but misses none.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_DELIVER_H
#define FP_REGISTRY_DELIVER_H

#include "registry/registry.h"
#include "webhook/signature.h"

struct delivery_due {
    char id[ID_TEXT];      // msg_...
    char webhook[ID_TEXT]; // its endpoint
};
// Fills at most max deliveries whose time has come; each call looks at one page of those that wait
// and goes on behind it the next time. How many there are.
size_t registry_deliveries_due(struct registry *registry, int64_t now_ms, size_t max,
                               struct delivery_due *out);

// One attempt; views into the arena.
struct delivery_request {
    struct bytes id;                       // webhook-id
    struct bytes url;                      // where to
    struct bytes body;                     // JSON
    struct bytes networks;                 // private ones that the application may reach
    int64_t timestamp_s;                   // webhook-timestamp
    char signature[WEBHOOK_SIGNATURE + 1]; // webhook-signature
};
// FP_E_STATE_CONFLICT where its endpoint is disabled; FP_E_UNSEAL_FAILED where a row was not
// written by us; FP_E_DELIVERY_NOT_FOUND.
enum fp_error registry_delivery_prepare(struct registry *registry, const char *id, int64_t now_ms,
                                        struct arena *arena, struct delivery_request *out);

struct delivery_news {
    struct bytes id;        // msg_...
    enum fp_error error;    // FP_OK: the receiver answered
    bool final;             // it makes no sense to try again
    unsigned status;        // of the answer
    uint32_t retry_after_s; // that it asked for
    uint32_t ms;            // the attempt took
    struct bytes reason;    // for people; may be empty
};
// Writes an attempt down: delivered, to be tried again, or given up. 410 disables the endpoint, a
// test that was taken makes it work again.
void registry_delivery_attempted(struct registry *registry, const struct delivery_news *news,
                                 registry_done *done, void *ctx);
// Deletes deliveries that were over long ago, as part of a sweep; how many.
unsigned deliver_sweep(struct registry *registry, struct arena *arena, struct store_batch *batch,
                       int64_t now_ms);

#endif
