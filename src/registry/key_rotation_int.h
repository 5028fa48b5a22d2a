// What the files of key rotation share: how far one is.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_KEY_ROTATION_INT_H
#define FP_REGISTRY_KEY_ROTATION_INT_H

#include "registry/key_rotation.h"
#include "registry/registry_int.h"

// Members of the answer, behind one another in an open object.
void key_rotation_write(struct json_out *json, const struct key_progress *progress,
                        const char *state);
// The progress of one that is under way, or NULL.
const struct key_progress *key_rotation_find(const struct registry *registry,
                                             struct bytes customer);

#endif
