// Events for webhooks: rows of deliveries in the batch of the change that they tell of, so that
// none is lost and none tells of what did not happen. No personal data stands in them.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_OUTBOX_H
#define FP_REGISTRY_OUTBOX_H

#include "registry/registry_int.h"
#include "store/webhook_rows.h"
#include "webhook/event.h"

// What a step of a connection's life tells; nothing where no webhook is about it. After the step
// was taken over into the row.
enum fp_error outbox_connection(struct registry_job *job, const struct store_connection *row);
// ROTATED or REVOKED of a connection's token; other kinds tell nothing. successor: of
// ROTATED, else NULL.
enum fp_error outbox_token(struct registry_job *job, enum webhook_event event,
                           const struct store_token *row, const struct store_token *successor);
// A test for one endpoint, whether it is disabled or not. Writes the delivery's row.
enum fp_error outbox_test(struct registry_job *job, const struct store_webhook *webhook,
                          struct store_delivery *out);

#endif
