// What keys there are: age, version, wrapping and count of each data key, never the key.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_KEY_STATUS_H
#define FP_REGISTRY_KEY_STATUS_H

#include "registry/registry.h"

// Where a page of the list goes on: "<customer> <version>" as `next` of the page before.
#define KEY_STATUS_CURSOR 48

// {"data":[{customer, version, state, key_id, master_key_id, created_at, due_at, encryptions,
// encryptions_max, due}], "next": cursor or null}, at most STORE_LIST rows. `due` says why a key
// should be replaced now: "age" or "count"; null: it need not be. FP_E_FIELD_INVALID for a wrong
// cursor.
void registry_key_status(struct registry *registry, const struct registry_caller *caller,
                         struct bytes after, registry_done *done, void *ctx);

// "active" and so on, of a row of data keys.
const char *key_status_state(uint32_t state);

#endif
