// Questions of the command line about webhooks.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONTROL_WEBHOOK_H
#define FP_REGISTRY_CONTROL_WEBHOOK_H

#include "link/link.h"
#include "registry/registry.h"

// FP_E_MESSAGE_INVALID for another message, or one that does not decode; done is not called then.
enum fp_error control_webhook(struct registry *registry, const struct registry_caller *caller,
                              const struct link_frame *frame, registry_done *done, void *ctx);

#endif
