// Where sealed things of the registry stand: the names that bind a ciphertext to its place.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_PLACE_H
#define FP_REGISTRY_PLACE_H

#include "keys/keyring.h"

#define PLACE_RECORD (ID_TEXT + 12) // id, point, version, NUL

// A credential version of a connection. record lies in text.
struct seal_place place_of_credential(const char *customer, const char *connection,
                                      uint32_t version, char text[static PLACE_RECORD]);
// The metadata of a connection.
struct seal_place place_of_metadata(const char *customer, const char *connection);
// The secret of an endpoint for webhooks: under the installation's own key.
struct seal_place place_of_webhook(const char *webhook);
// The answer to an Idempotency-Key; replay is the row's id.
struct seal_place place_of_replay(const char *customer, const char *replay);

#endif
