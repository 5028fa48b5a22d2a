// Rotation: a new token in place of one that works, without a gap.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_ROTATE_H
#define FP_REGISTRY_ROTATE_H

#include "registry/registry.h"

struct token_rotation {
    struct bytes token; // id of the old one: of a connection or application, or a client secret
    uint32_t overlap_s; // both work so long; at most ROTATE_OVERLAP
};

// {"data":{"id","token","access_token",...,"replaces","replaces_until"}}: same owner, same scopes,
// same length of life. TOKEN_NOT_FOUND; STATE_CONFLICT with the reason where the old one, or its
// connection, does not work any more; FIELD_INVALID.
void registry_token_rotate(struct registry *registry, const struct registry_caller *caller,
                           const struct token_rotation *rotation, registry_done *done, void *ctx);

#endif
