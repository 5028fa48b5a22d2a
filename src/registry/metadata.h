// Metadata of a connection: names and texts that the application keeps with it, sealed under the
// customer's key.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_METADATA_H
#define FP_REGISTRY_METADATA_H

#include "registry/registry.h"

// The stored JSON object, opened, in the arena; empty where there is none. FP_E_UNSEAL_FAILED.
enum fp_error metadata_read(struct registry *registry, const struct store_connection *row,
                            struct arena *arena, struct bytes *out);
struct metadata_change {
    struct bytes application; // whose connection it must be
    struct bytes connection;  // con_...
    struct bytes object;      // JSON object of texts
};
// The entries of the object replace those of the same name, the others stay.
// {"data":ConnectionMetadata}. CONNECTION_NOT_FOUND (also for another application's),
// STATE_CONFLICT for one that has ended, FIELD_INVALID.
void registry_metadata_set(struct registry *registry, const struct registry_caller *caller,
                           const struct metadata_change *change, registry_done *done, void *ctx);

#endif
