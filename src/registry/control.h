// What the command line asks for: messages 60 to 75 of link.def, one dispatcher for the running
// vault and for the command line itself while the server is stopped.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONTROL_H
#define FP_REGISTRY_CONTROL_H

#include "base/json_out.h"
#include "link/link.h"
#include "registry/connections.h"

// Does what the frame asks for and calls done once. actor names the person for the record, in place
// of what the message says. CONNECTION_ADD needs a server (the credential is tried first): it is
// answered with NOT_RUNNING here. FP_E_MESSAGE_INVALID, without calling done, for a frame that is
// no question of the command line or does not decode.
enum fp_error registry_control(struct registry *registry, struct bytes actor,
                               const struct link_frame *frame, registry_done *done, void *ctx);
// The number by which the asker knows the question.
enum fp_error registry_control_call(const struct link_frame *frame, uint64_t *call_out);
// Members of an open object: store, audit, keys.
void registry_status(struct registry *registry, struct json_out *json);

#endif
