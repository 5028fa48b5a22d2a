// Operations on endpoints for webhooks: make, look at, delete, test, deliver once more. The secret
// is shown when the endpoint is made and kept sealed under the installation's own key.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_WEBHOOKS_H
#define FP_REGISTRY_WEBHOOKS_H

#include "registry/check.h"
#include "registry/system.h"
#include "store/webhook_rows.h"

struct webhook_plan {
    struct bytes application; // app_..., must exist
    struct bytes url;         // https, or http on this machine
    struct bytes events;      // names with blanks or commas; empty: all
};
// {"data":{"id","url","events","secret",...}}: the secret is shown this once. FP_E_FIELD_INVALID
// with rows, APPLICATION_NOT_FOUND, TOO_MANY_WEBHOOKS.
void registry_webhook_create(struct registry *registry, const struct registry_caller *caller,
                             const struct webhook_plan *plan, registry_done *done, void *ctx);

struct webhook_list {
    struct bytes application; // whose; empty: all
    struct bytes after;       // rows behind this id
};
// For operators: {"data":[...],"next":id or null}.
void registry_webhook_list(struct registry *registry, const struct registry_caller *caller,
                           const struct webhook_list *list, registry_done *done, void *ctx);

// Which one; an application sees only its own.
struct webhook_pick {
    struct bytes webhook;     // whk_...; empty with a delivery: any
    struct bytes delivery;    // msg_..., to deliver it once more
    struct bytes application; // only if it is this one's; empty: any
};
// Ends it: what is on its way is dropped. WEBHOOK_NOT_FOUND.
void registry_webhook_delete(struct registry *registry, const struct registry_caller *caller,
                             const struct webhook_pick *pick, registry_done *done, void *ctx);
// Sends a webhook.test; a disabled endpoint that takes it works again. {"data":delivery}.
void registry_webhook_test(struct registry *registry, const struct registry_caller *caller,
                           const struct webhook_pick *pick, registry_done *done, void *ctx);
// For operators: {"data":[delivery]}, the newest first, at most STORE_LIST.
void registry_webhook_deliveries(struct registry *registry, const struct registry_caller *caller,
                                 const struct webhook_pick *pick, registry_done *done, void *ctx);
// The same event with the same id once more, with a schedule of its own. DELIVERY_NOT_FOUND;
// STATE_CONFLICT where the endpoint is disabled.
void registry_webhook_redeliver(struct registry *registry, const struct registry_caller *caller,
                                const struct webhook_pick *pick, registry_done *done, void *ctx);
// All endpoints of an application and what is on its way to them, as part of a job.
struct registry_job;
enum fp_error webhooks_delete_all(struct registry_job *job, const char *application);

// The row, proven; application as in webhook_pick. Its bytes lie in the arena.
enum fp_error webhook_get(struct registry *registry, const struct webhook_pick *pick,
                          struct arena *arena, struct store_webhook *out);
// How many deliveries wait for it.
enum fp_error webhook_waiting(struct registry *registry, const char *webhook, uint64_t *out);

// ---- webhook_read.c: GET /api/system/webhooks and below; see registry_system_read().
enum fp_error webhook_read_list(struct registry *registry, const struct registry_identity *identity,
                                const struct system_call *call, struct arena *arena,
                                const struct system_answer *out);
enum fp_error webhook_read_one(struct registry *registry, const struct registry_identity *identity,
                               const struct system_call *call, struct arena *arena,
                               const struct system_answer *out);
enum fp_error webhook_read_deliveries(struct registry *registry,
                                      const struct registry_identity *identity,
                                      const struct system_call *call, struct arena *arena,
                                      const struct system_answer *out);

#endif
