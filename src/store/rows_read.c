// The typed functions of store.h: each names its kind of row and hands it on.
// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include "store/replay_rows.h"
#include "store/store_int.h"
#include "store/webhook_rows.h"

#include <string.h>

// ---- one row
enum fp_error store_get_application(struct store *store, const char *id,
                                    struct store_application *out)
{
    struct store_application row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_APPLICATION, STORE_BY_KEY, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_customer(struct store *store, const char *id, struct store_customer *out)
{
    struct store_customer row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_CUSTOMER, STORE_BY_KEY, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_customer(struct store *store, const char *application, const char *email,
                                  struct store_customer *out)
{
    struct store_customer row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.application, sizeof row.application, application) &&
        store__text(row.email, sizeof row.email, email)) {
        error = store__get(store, STORE_CUSTOMER, STORE_BY_SECOND, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_data_key(struct store *store, const char *customer, uint32_t key_version,
                                 struct arena *arena, struct store_data_key *out)
{
    struct store_data_key row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    row.key_version = key_version;
    if (store__text(row.customer, sizeof row.customer, customer)) {
        error = store__get(store, STORE_DATA_KEY, key_version == 0 ? STORE_NEWEST : STORE_BY_KEY,
                           arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_connection(struct store *store, const char *id,
                                   struct store_connection *out)
{
    struct store_connection row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_CONNECTION, STORE_BY_KEY, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_credential(struct store *store, const char *connection,
                                   uint32_t credential_version, struct arena *arena,
                                   struct store_credential *out)
{
    struct store_credential row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    row.credential_version = credential_version;
    if (store__text(row.connection, sizeof row.connection, connection)) {
        error = store__get(store, STORE_CREDENTIAL, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_token(struct store *store, const char *id, struct store_token *out)
{
    struct store_token row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_TOKEN, STORE_BY_KEY, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_token(struct store *store, const uint8_t hash[static STORE_HASH],
                               struct store_token *out)
{
    struct store_token row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    memcpy(row.hash, hash, sizeof row.hash);
    error = store__get(store, STORE_TOKEN, STORE_BY_SECOND, NULL, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_connect_link(struct store *store, const char *id,
                                     struct store_connect_link *out)
{
    struct store_connect_link row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_CONNECT_LINK, STORE_BY_KEY, NULL, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_connect_link(struct store *store, const uint8_t hash[static STORE_HASH],
                                      struct store_connect_link *out)
{
    struct store_connect_link row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    memcpy(row.hash, hash, sizeof row.hash);
    error = store__get(store, STORE_CONNECT_LINK, STORE_BY_SECOND, NULL, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_code(struct store *store, const uint8_t hash[static STORE_HASH],
                              struct store_code *out)
{
    struct store_code row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    memcpy(row.hash, hash, sizeof row.hash);
    error = store__get(store, STORE_CODE, STORE_BY_SECOND, NULL, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_replay(struct store *store, const uint8_t hash[static STORE_HASH],
                                struct arena *arena, struct store_replay *out)
{
    struct store_replay row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    memcpy(row.hash, hash, sizeof row.hash);
    error = store__get(store, STORE_REPLAY, STORE_BY_SECOND, arena, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_metadata(struct store *store, const char *connection, struct arena *arena,
                                 struct store_metadata *out)
{
    struct store_metadata row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.connection, sizeof row.connection, connection)) {
        error = store__get(store, STORE_METADATA, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_setting(struct store *store, const char *name, struct arena *arena,
                                struct store_setting *out)
{
    struct store_setting row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.name, sizeof row.name, name)) {
        error = store__get(store, STORE_SETTING, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_operator(struct store *store, const char *id, struct arena *arena,
                                 struct store_operator *out)
{
    struct store_operator row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_OPERATOR, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_operator(struct store *store, const char *email, struct arena *arena,
                                  struct store_operator *out)
{
    struct store_operator row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.email, sizeof row.email, email)) {
        error = store__get(store, STORE_OPERATOR, STORE_BY_SECOND, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_find_session(struct store *store, const uint8_t hash[static STORE_HASH],
                                 struct store_session *out)
{
    struct store_session row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    memcpy(row.hash, hash, sizeof row.hash);
    error = store__get(store, STORE_SESSION, STORE_BY_SECOND, NULL, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_webhook(struct store *store, const char *id, struct arena *arena,
                                struct store_webhook *out)
{
    struct store_webhook row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_WEBHOOK, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

enum fp_error store_get_delivery(struct store *store, const char *id, struct arena *arena,
                                 struct store_delivery *out)
{
    struct store_delivery row = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (store__text(row.id, sizeof row.id, id)) {
        error = store__get(store, STORE_DELIVERY, STORE_BY_KEY, arena, &row);
    }
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}

// ---- lists
enum fp_error store_list_applications(struct store *store, const struct store_query *query,
                                      struct arena *arena, struct store_application **out,
                                      size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_APPLICATION, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_customers(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_customer **out,
                                   size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_CUSTOMER, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_data_keys(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_data_key **out,
                                   size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_DATA_KEY, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_connections(struct store *store, const struct store_query *query,
                                     struct arena *arena, struct store_connection **out,
                                     size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_CONNECTION, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_credentials(struct store *store, const struct store_query *query,
                                     struct arena *arena, struct store_credential **out,
                                     size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_CREDENTIAL, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_tokens(struct store *store, const struct store_query *query,
                                struct arena *arena, struct store_token **out, size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_TOKEN, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_connect_links(struct store *store, const struct store_query *query,
                                       struct arena *arena, struct store_connect_link **out,
                                       size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_CONNECT_LINK, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_codes(struct store *store, const struct store_query *query,
                               struct arena *arena, struct store_code **out, size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_CODE, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_operators(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_operator **out,
                                   size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_OPERATOR, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_sessions(struct store *store, const struct store_query *query,
                                  struct arena *arena, struct store_session **out,
                                  size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_SESSION, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_webhooks(struct store *store, const struct store_query *query,
                                  struct arena *arena, struct store_webhook **out,
                                  size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_WEBHOOK, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_deliveries(struct store *store, const struct store_query *query,
                                    struct arena *arena, struct store_delivery **out,
                                    size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_DELIVERY, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}

enum fp_error store_list_replays(struct store *store, const struct store_query *query,
                                 struct arena *arena, struct store_replay **out, size_t *count_out)
{
    struct store_rows found = {0};
    enum fp_error error = store__list(store, STORE_REPLAY, query, arena, &found);
    if (error == FP_OK) {
        *out = found.rows;
        *count_out = found.count;
    }
    return error;
}
