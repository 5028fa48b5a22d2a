// The typed writes of store.h: each names its kind of row and what to do with it.
// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include "store/replay_rows.h"
#include "store/store_int.h"
#include "store/webhook_rows.h"

// A row that holds nothing but its key; a text too long to be a key leaves it empty, which the
// batch refuses.
#define KEY_ROW(type, field, text)                                                                 \
    struct type row = {0};                                                                         \
    (void)store__text(row.field, sizeof row.field, (text))

void store_insert_application(struct store_batch *batch, const struct store_application *row)
{
    store__add(batch, STORE_APPLICATION, STORE_INSERT, false, row);
}

void store_update_application(struct store_batch *batch, const struct store_application *row)
{
    store__add(batch, STORE_APPLICATION, STORE_UPDATE, false, row);
}

void store_delete_application(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_application, id, id);
    store__add(batch, STORE_APPLICATION, STORE_DELETE, false, &row);
}

void store_insert_customer(struct store_batch *batch, const struct store_customer *row)
{
    store__add(batch, STORE_CUSTOMER, STORE_INSERT, false, row);
}

void store_update_customer(struct store_batch *batch, const struct store_customer *row)
{
    store__add(batch, STORE_CUSTOMER, STORE_UPDATE, false, row);
}

void store_delete_customer(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_customer, id, id);
    store__add(batch, STORE_CUSTOMER, STORE_DELETE, false, &row);
}

void store_insert_connection(struct store_batch *batch, const struct store_connection *row)
{
    store__add(batch, STORE_CONNECTION, STORE_INSERT, false, row);
}

void store_update_connection(struct store_batch *batch, const struct store_connection *row)
{
    store__add(batch, STORE_CONNECTION, STORE_UPDATE, false, row);
}

void store_delete_connection(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_connection, id, id);
    store__add(batch, STORE_CONNECTION, STORE_DELETE, false, &row);
}

void store_insert_token(struct store_batch *batch, const struct store_token *row)
{
    store__add(batch, STORE_TOKEN, STORE_INSERT, false, row);
}

void store_update_token(struct store_batch *batch, const struct store_token *row)
{
    store__add(batch, STORE_TOKEN, STORE_UPDATE, false, row);
}

void store_delete_token(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_token, id, id);
    store__add(batch, STORE_TOKEN, STORE_DELETE, false, &row);
}

void store_touch_connection(struct store_batch *batch, const char *id, int64_t used_ms)
{
    KEY_ROW(store_connection, id, id);
    row.used_ms = used_ms;
    store__add(batch, STORE_CONNECTION, STORE_TOUCH, true, &row);
}

void store_touch_token(struct store_batch *batch, const char *id, int64_t used_ms)
{
    KEY_ROW(store_token, id, id);
    row.used_ms = used_ms;
    store__add(batch, STORE_TOKEN, STORE_TOUCH, true, &row);
}

void store_delete_tokens(struct store_batch *batch, const char *owner)
{
    KEY_ROW(store_token, owner, owner);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_TOKEN, STORE_DELETE_OF, true, &row);
}

void store_insert_data_key(struct store_batch *batch, const struct store_data_key *row)
{
    store__add(batch, STORE_DATA_KEY, STORE_INSERT, false, row);
}

void store_update_data_key(struct store_batch *batch, const struct store_data_key *row)
{
    store__add(batch, STORE_DATA_KEY, STORE_UPDATE, false, row);
}

void store_reserve_data_key(struct store_batch *batch, const char *customer, uint32_t key_version,
                            uint64_t count)
{
    KEY_ROW(store_data_key, customer, customer);
    row.key_version = key_version;
    row.reserved = count;
    store__add(batch, STORE_DATA_KEY, STORE_TOUCH, false, &row);
}

void store_delete_data_keys(struct store_batch *batch, const char *customer)
{
    KEY_ROW(store_data_key, customer, customer);
    store__add(batch, STORE_DATA_KEY, STORE_DELETE_OF, true, &row);
}

void store_insert_credential(struct store_batch *batch, const struct store_credential *row)
{
    store__add(batch, STORE_CREDENTIAL, STORE_INSERT, false, row);
}

void store_update_credential(struct store_batch *batch, const struct store_credential *row)
{
    store__add(batch, STORE_CREDENTIAL, STORE_UPDATE, false, row);
}

void store_delete_credential(struct store_batch *batch, const char *connection,
                             uint32_t credential_version)
{
    KEY_ROW(store_credential, connection, connection);
    row.credential_version = credential_version;
    store__add(batch, STORE_CREDENTIAL, credential_version == 0 ? STORE_DELETE_OF : STORE_DELETE,
               credential_version == 0, &row);
}

void store_insert_code(struct store_batch *batch, const struct store_code *row)
{
    store__add(batch, STORE_CODE, STORE_INSERT, false, row);
}

void store_update_code(struct store_batch *batch, const struct store_code *row)
{
    store__add(batch, STORE_CODE, STORE_UPDATE, false, row);
}

void store_delete_code(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_code, id, id);
    store__add(batch, STORE_CODE, STORE_DELETE, false, &row);
}

void store_delete_codes(struct store_batch *batch, const char *connection)
{
    KEY_ROW(store_code, connection, connection);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_CODE, STORE_DELETE_OF, true, &row);
}

void store_insert_replay(struct store_batch *batch, const struct store_replay *row)
{
    store__add(batch, STORE_REPLAY, STORE_INSERT, false, row);
}

void store_update_replay(struct store_batch *batch, const struct store_replay *row)
{
    store__add(batch, STORE_REPLAY, STORE_UPDATE, false, row);
}

void store_delete_replay(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_replay, id, id);
    store__add(batch, STORE_REPLAY, STORE_DELETE, false, &row);
}

void store_delete_replays(struct store_batch *batch, const char *connection)
{
    KEY_ROW(store_replay, connection, connection);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_REPLAY, STORE_DELETE_OF, true, &row);
}

void store_insert_metadata(struct store_batch *batch, const struct store_metadata *row)
{
    store__add(batch, STORE_METADATA, STORE_INSERT, false, row);
}

void store_update_metadata(struct store_batch *batch, const struct store_metadata *row)
{
    store__add(batch, STORE_METADATA, STORE_UPDATE, false, row);
}

void store_delete_metadata(struct store_batch *batch, const char *connection)
{
    KEY_ROW(store_metadata, connection, connection);
    store__add(batch, STORE_METADATA, STORE_DELETE, true, &row);
}

void store_put_setting(struct store_batch *batch, const struct store_setting *row)
{
    store__add(batch, STORE_SETTING, STORE_PUT, false, row);
}

void store_insert_setting(struct store_batch *batch, const struct store_setting *row)
{
    store__add(batch, STORE_SETTING, STORE_INSERT, false, row);
}

void store_delete_setting(struct store_batch *batch, const char *name)
{
    KEY_ROW(store_setting, name, name);
    store__add(batch, STORE_SETTING, STORE_DELETE, true, &row);
}

void store_insert_connect_link(struct store_batch *batch, const struct store_connect_link *row)
{
    store__add(batch, STORE_CONNECT_LINK, STORE_INSERT, false, row);
}

void store_update_connect_link(struct store_batch *batch, const struct store_connect_link *row)
{
    store__add(batch, STORE_CONNECT_LINK, STORE_UPDATE, false, row);
}

void store_delete_connect_link(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_connect_link, id, id);
    store__add(batch, STORE_CONNECT_LINK, STORE_DELETE, false, &row);
}

void store_delete_connect_links(struct store_batch *batch, const char *application)
{
    KEY_ROW(store_connect_link, application, application);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_CONNECT_LINK, STORE_DELETE_OF, true, &row);
}

void store_insert_operator(struct store_batch *batch, const struct store_operator *row)
{
    store__add(batch, STORE_OPERATOR, STORE_INSERT, false, row);
}

void store_update_operator(struct store_batch *batch, const struct store_operator *row)
{
    store__add(batch, STORE_OPERATOR, STORE_UPDATE, false, row);
}

void store_insert_session(struct store_batch *batch, const struct store_session *row)
{
    store__add(batch, STORE_SESSION, STORE_INSERT, false, row);
}

void store_update_session(struct store_batch *batch, const struct store_session *row)
{
    store__add(batch, STORE_SESSION, STORE_UPDATE, false, row);
}

void store_touch_session(struct store_batch *batch, const char *id, int64_t used_ms)
{
    KEY_ROW(store_session, id, id);
    row.used_ms = used_ms;
    store__add(batch, STORE_SESSION, STORE_TOUCH, true, &row);
}

void store_delete_session(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_session, id, id);
    store__add(batch, STORE_SESSION, STORE_DELETE, false, &row);
}

void store_delete_sessions(struct store_batch *batch, const char *person)
{
    KEY_ROW(store_session, person, person);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_SESSION, STORE_DELETE_OF, true, &row);
}

void store_insert_webhook(struct store_batch *batch, const struct store_webhook *row)
{
    store__add(batch, STORE_WEBHOOK, STORE_INSERT, false, row);
}

void store_update_webhook(struct store_batch *batch, const struct store_webhook *row)
{
    store__add(batch, STORE_WEBHOOK, STORE_UPDATE, false, row);
}

void store_delete_webhook(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_webhook, id, id);
    store__add(batch, STORE_WEBHOOK, STORE_DELETE, false, &row);
}

void store_insert_delivery(struct store_batch *batch, const struct store_delivery *row)
{
    store__add(batch, STORE_DELIVERY, STORE_INSERT, false, row);
}

void store_update_delivery(struct store_batch *batch, const struct store_delivery *row)
{
    store__add(batch, STORE_DELIVERY, STORE_UPDATE, false, row);
}

void store_delete_delivery(struct store_batch *batch, const char *id)
{
    KEY_ROW(store_delivery, id, id);
    store__add(batch, STORE_DELIVERY, STORE_DELETE, false, &row);
}

void store_delete_deliveries(struct store_batch *batch, const char *webhook)
{
    KEY_ROW(store_delivery, webhook, webhook);
    row.id[0] = '*'; // not the key this time
    store__add(batch, STORE_DELIVERY, STORE_DELETE_OF, true, &row);
}
