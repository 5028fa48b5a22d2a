// Data keys between keyring and store.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_KEY_ROWS_H
#define FP_REGISTRY_KEY_ROWS_H

#include "keys/keyring.h"
#include "store/store.h"

// Reads and counts through a struct store, which is the ops' ctx.
const struct keyring_ops *key_rows_ops(void);
// A stored row as the keyring knows it. FP_E_STORE_INVALID where it cannot be one.
enum fp_error key_rows_read(const struct store_data_key *row, struct keyring_row *out);
// The row to insert for a new key. wrapped points into key.
void key_rows_fill(const struct keyring_row *key, int64_t now_ms, struct store_data_key *out);

#endif
