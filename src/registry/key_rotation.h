// A new data key for one customer: records are sealed anew in slices, while everything goes on. The
// key that is replaced opens its records until none is left. Its row says that this is under way,
// so that a server killed at any moment goes on with it.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_KEY_ROTATION_H
#define FP_REGISTRY_KEY_ROTATION_H

#include "base/json_out.h"
#include "registry/registry.h"

// {"data":{"customer","version","state":"under_way"|"done","connections","connections_done",
// "resealed","unopened"}}. Answers when all is done, or after some slices, with "under_way": then
// registry_key_rotation() tells how far it is. One that was interrupted is taken up again.
// FP_E_CUSTOMER_NOT_FOUND; FP_E_CUSTOMER_ERASED; FP_E_KEY_ROTATING while the same is under way.
void registry_key_rotate(struct registry *registry, const struct registry_caller *caller,
                         struct bytes customer, registry_done *done, void *ctx);
// How far the rotation of that customer's key is, or how the last one ended: "state" may be
// "failed" too, with "error" and "code"; "interrupted": it will be taken up; "none": there
// never was one.
// customer empty: the rotation of the master key, {"data":{"state","master_key","old_master_key",
// "keys","keys_done","rewrapped","was_done"}}.
void registry_key_rotation(struct registry *registry, const struct registry_caller *caller,
                           struct bytes customer, registry_done *done, void *ctx);
// Takes up rotations that were interrupted, and begins those that are due by count or age
// (keys.rotate_days): one at a time. For a timer of half a second.
void registry_key_tick(struct registry *registry, int64_t now_ms);

#endif
