// A new master key while everything goes on: the data keys are wrapped anew page by page, the ring
// opens what either key wraps. Where the process ends before, the next one goes on, as long as it
// is given both keys (installation_open_both()). SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_MASTER_REWRAP_H
#define FP_REGISTRY_MASTER_REWRAP_H

#include "registry/registry.h"

struct registry_job;

// key: text of a master key file. {"data":{"state":"under_way"|"done","master_key",
// "old_master_key","keys","keys_done","rewrapped","was_done"}}; as registry_key_rotate() it may
// answer early. FP_E_KEY_INVALID for a text that is none, FP_E_KEY_OTHER_MASTER while a rotation to
// another key is not over, FP_E_KEY_ROTATING while one to another key is under way; to
// the same: "under_way".
void registry_master_rotate(struct registry *registry, const struct registry_caller *caller,
                            struct bytes key, registry_done *done, void *ctx);
// Goes on with one that was interrupted, once. True while one is under way.
bool master_rewrap_tick(struct registry *registry);
// job_build: how far it is.
enum fp_error master_rewrap_show(struct registry_job *job);

#endif
