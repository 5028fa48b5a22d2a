// Proof that the vault wrote a row: an authenticator over every column that decides about a right.
// A row that somebody else wrote or changed in the database fails it.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_PROOF_H
#define FP_REGISTRY_PROOF_H

#include "keys/keyring.h"
#include "store/store.h"
#include "store/webhook_rows.h"

// Fills row->authenticator; after every change of the row, before it is handed to the store.
enum fp_error proof_make_token(struct keyring *ring, struct store_token *row);
enum fp_error proof_make_connection(struct keyring *ring, struct store_connection *row);
enum fp_error proof_make_application(struct keyring *ring, struct store_application *row);
enum fp_error proof_make_connect_link(struct keyring *ring, struct store_connect_link *row);
enum fp_error proof_make_code(struct keyring *ring, struct store_code *row);
enum fp_error proof_make_operator(struct keyring *ring, struct store_operator *row);
enum fp_error proof_make_session(struct keyring *ring, struct store_session *row);
enum fp_error proof_check_operator(struct keyring *ring, const struct store_operator *row);
enum fp_error proof_check_session(struct keyring *ring, const struct store_session *row);
enum fp_error proof_make_webhook(struct keyring *ring, struct store_webhook *row);
enum fp_error proof_make_delivery(struct keyring *ring, struct store_delivery *row);
// FP_E_UNSEAL_FAILED when the row is not as it was written, else what the keyring says.
enum fp_error proof_check_token(struct keyring *ring, const struct store_token *row);
enum fp_error proof_check_connection(struct keyring *ring, const struct store_connection *row);
enum fp_error proof_check_application(struct keyring *ring, const struct store_application *row);
enum fp_error proof_check_connect_link(struct keyring *ring, const struct store_connect_link *row);
enum fp_error proof_check_code(struct keyring *ring, const struct store_code *row);
enum fp_error proof_check_webhook(struct keyring *ring, const struct store_webhook *row);
enum fp_error proof_check_delivery(struct keyring *ring, const struct store_delivery *row);

#endif
