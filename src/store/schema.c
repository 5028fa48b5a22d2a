// The table of columns.
// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include "store/replay_rows.h"
#include "store/webhook_rows.h"

#include <string.h>

#define SIZE_OF(row, field) sizeof(((struct row *)0)->field)
#define TEXT(row, field, roles)                                                                    \
    {                                                                                              \
#field, STORE_TEXT, offsetof(struct row, field), SIZE_OF(row, field), roles                \
    }
#define FIXED(row, field, roles)                                                                   \
    {                                                                                              \
#field, STORE_FIXED, offsetof(struct row, field), SIZE_OF(row, field), roles               \
    }
#define NUMBER(row, field, type, roles)                                                            \
    {                                                                                              \
#field, type, offsetof(struct row, field), SIZE_OF(row, field), roles                      \
    }
#define BLOB(row, field, max)                                                                      \
    {                                                                                              \
#field, STORE_BYTES, offsetof(struct row, field), (max), 0                                 \
    }

static const struct store_column application[] = {
    TEXT(store_application, id, STORE_KEY),
    TEXT(store_application, name, STORE_SEARCHED),
    TEXT(store_application, environment, 0),
    TEXT(store_application, networks, 0),
    NUMBER(store_application, created_ms, STORE_I64, 0),
    NUMBER(store_application, version, STORE_U32, STORE_VERSION),
    TEXT(store_application, redirect_uris, 0),
    NUMBER(store_application, access_s, STORE_U32, 0),
    NUMBER(store_application, refresh_s, STORE_U32, 0),
    NUMBER(store_application, pkce_optional, STORE_U32, 0),
    FIXED(store_application, authenticator, 0),
};

static const struct store_column customer[] = {
    TEXT(store_customer, id, STORE_KEY),
    TEXT(store_customer, application, STORE_SECOND),
    TEXT(store_customer, name, STORE_SEARCHED),
    TEXT(store_customer, email, STORE_SECOND | STORE_SEARCHED),
    NUMBER(store_customer, created_ms, STORE_I64, 0),
    NUMBER(store_customer, erased_ms, STORE_I64, 0),
    NUMBER(store_customer, version, STORE_U32, STORE_VERSION),
};

static const struct store_column data_key[] = {
    TEXT(store_data_key, customer, STORE_KEY | STORE_PARENT),
    NUMBER(store_data_key, key_version, STORE_U32, STORE_KEY),
    FIXED(store_data_key, key_id, 0),
    FIXED(store_data_key, master_id, 0),
    BLOB(store_data_key, wrapped, FP_LIMIT_KEY_WRAPPED),
    NUMBER(store_data_key, reserved, STORE_U64, STORE_ADDED),
    NUMBER(store_data_key, state, STORE_U32, 0),
    NUMBER(store_data_key, created_ms, STORE_I64, 0),
    NUMBER(store_data_key, version, STORE_U32, STORE_VERSION),
};

static const struct store_column connection[] = {
    TEXT(store_connection, id, STORE_KEY),
    TEXT(store_connection, application, 0),
    TEXT(store_connection, customer, 0),
    TEXT(store_connection, platform, 0),
    TEXT(store_connection, name, STORE_SEARCHED),
    TEXT(store_connection, email, STORE_SEARCHED),
    NUMBER(store_connection, state, STORE_U32, 0),
    TEXT(store_connection, reason, 0),
    TEXT(store_connection, networks, 0),
    TEXT(store_connection, account, STORE_SEARCHED),
    NUMBER(store_connection, credential_version, STORE_U32, 0),
    NUMBER(store_connection, created_ms, STORE_I64, 0),
    NUMBER(store_connection, changed_ms, STORE_I64, 0),
    NUMBER(store_connection, used_ms, STORE_I64, STORE_TOUCHED),
    NUMBER(store_connection, version, STORE_U32, STORE_VERSION),
    FIXED(store_connection, authenticator, 0),
};

static const struct store_column credential[] = {
    TEXT(store_credential, connection, STORE_KEY | STORE_PARENT),
    NUMBER(store_credential, credential_version, STORE_U32, STORE_KEY),
    BLOB(store_credential, sealed, FP_LIMIT_CREDENTIALS_JSON + 256),
    NUMBER(store_credential, created_ms, STORE_I64, 0),
    NUMBER(store_credential, version, STORE_U32, STORE_VERSION),
};

static const struct store_column token[] = {
    TEXT(store_token, id, STORE_KEY),
    FIXED(store_token, hash, STORE_SECOND),
    NUMBER(store_token, kind, STORE_U32, 0),
    TEXT(store_token, owner, STORE_PARENT),
    TEXT(store_token, application, 0),
    TEXT(store_token, scopes, 0),
    NUMBER(store_token, created_ms, STORE_I64, 0),
    NUMBER(store_token, expires_ms, STORE_I64, 0),
    NUMBER(store_token, revoked_ms, STORE_I64, 0),
    TEXT(store_token, reason, 0),
    NUMBER(store_token, used_ms, STORE_I64, STORE_TOUCHED),
    TEXT(store_token, family, 0),
    TEXT(store_token, binding, 0),
    TEXT(store_token, addresses, 0),
    NUMBER(store_token, version, STORE_U32, STORE_VERSION),
    FIXED(store_token, authenticator, 0),
};

static const struct store_column connect_link[] = {
    TEXT(store_connect_link, id, STORE_KEY),
    FIXED(store_connect_link, hash, STORE_SECOND),
    NUMBER(store_connect_link, kind, STORE_U32, 0),
    TEXT(store_connect_link, application, STORE_PARENT),
    TEXT(store_connect_link, name, 0),
    TEXT(store_connect_link, email, 0),
    TEXT(store_connect_link, platforms, 0),
    TEXT(store_connect_link, connection, 0),
    TEXT(store_connect_link, return_url, 0),
    TEXT(store_connect_link, redirect_uri, 0),
    TEXT(store_connect_link, oauth_state, 0),
    TEXT(store_connect_link, code_challenge, 0),
    TEXT(store_connect_link, scopes, 0),
    NUMBER(store_connect_link, redirect_named, STORE_U32, 0),
    NUMBER(store_connect_link, attempts, STORE_U32, 0),
    NUMBER(store_connect_link, created_ms, STORE_I64, 0),
    NUMBER(store_connect_link, expires_ms, STORE_I64, 0),
    NUMBER(store_connect_link, ended_ms, STORE_I64, 0),
    TEXT(store_connect_link, connected, 0),
    NUMBER(store_connect_link, version, STORE_U32, STORE_VERSION),
    FIXED(store_connect_link, authenticator, 0),
};

static const struct store_column code[] = {
    TEXT(store_code, id, STORE_KEY),
    FIXED(store_code, hash, STORE_SECOND),
    TEXT(store_code, connection, STORE_PARENT),
    TEXT(store_code, application, 0),
    TEXT(store_code, redirect_uri, 0),
    NUMBER(store_code, redirect_named, STORE_U32, 0),
    TEXT(store_code, challenge, 0),
    TEXT(store_code, scopes, 0),
    TEXT(store_code, family, 0),
    NUMBER(store_code, created_ms, STORE_I64, 0),
    NUMBER(store_code, expires_ms, STORE_I64, 0),
    NUMBER(store_code, redeemed_ms, STORE_I64, 0),
    NUMBER(store_code, version, STORE_U32, STORE_VERSION),
    FIXED(store_code, authenticator, 0),
};

static const struct store_column person[] = {
    TEXT(store_operator, id, STORE_KEY),
    TEXT(store_operator, email, STORE_SECOND),
    TEXT(store_operator, name, 0),
    NUMBER(store_operator, role, STORE_U32, 0),
    TEXT(store_operator, password, 0),
    BLOB(store_operator, totp, 256),
    NUMBER(store_operator, totp_step, STORE_I64, 0),
    FIXED(store_operator, link_hash, 0),
    NUMBER(store_operator, link_expires_ms, STORE_I64, 0),
    NUMBER(store_operator, created_ms, STORE_I64, 0),
    NUMBER(store_operator, signed_in_ms, STORE_I64, 0),
    NUMBER(store_operator, disabled_ms, STORE_I64, 0),
    NUMBER(store_operator, version, STORE_U32, STORE_VERSION),
    FIXED(store_operator, authenticator, 0),
};

static const struct store_column session[] = {
    TEXT(store_session, id, STORE_KEY),
    FIXED(store_session, hash, STORE_SECOND),
    TEXT(store_session, person, STORE_PARENT),
    TEXT(store_session, address, 0),
    NUMBER(store_session, created_ms, STORE_I64, 0),
    NUMBER(store_session, expires_ms, STORE_I64, 0),
    NUMBER(store_session, fresh_ms, STORE_I64, 0),
    NUMBER(store_session, used_ms, STORE_I64, STORE_TOUCHED),
    NUMBER(store_session, version, STORE_U32, STORE_VERSION),
    FIXED(store_session, authenticator, 0),
};

static const struct store_column webhook[] = {
    TEXT(store_webhook, id, STORE_KEY),
    TEXT(store_webhook, application, STORE_PARENT),
    TEXT(store_webhook, url, 0),
    NUMBER(store_webhook, events, STORE_U32, 0),
    BLOB(store_webhook, sealed, 256),
    NUMBER(store_webhook, created_ms, STORE_I64, 0),
    NUMBER(store_webhook, disabled_ms, STORE_I64, 0),
    TEXT(store_webhook, reason, 0),
    NUMBER(store_webhook, version, STORE_U32, STORE_VERSION),
    FIXED(store_webhook, authenticator, 0),
};

static const struct store_column delivery[] = {
    TEXT(store_delivery, id, STORE_KEY),
    TEXT(store_delivery, webhook, STORE_PARENT),
    TEXT(store_delivery, connection, 0),
    NUMBER(store_delivery, event, STORE_U32, 0),
    BLOB(store_delivery, body, FP_LIMIT_WEBHOOK_BODY),
    NUMBER(store_delivery, state, STORE_U32, 0),
    NUMBER(store_delivery, attempts, STORE_U32, 0),
    NUMBER(store_delivery, created_ms, STORE_I64, 0),
    NUMBER(store_delivery, begun_ms, STORE_I64, 0),
    NUMBER(store_delivery, next_ms, STORE_I64, 0),
    NUMBER(store_delivery, ended_ms, STORE_I64, 0),
    BLOB(store_delivery, log, FP_LIMIT_WEBHOOK_LOG),
    NUMBER(store_delivery, version, STORE_U32, STORE_VERSION),
    FIXED(store_delivery, authenticator, 0),
};

static const struct store_column replay[] = {
    TEXT(store_replay, id, STORE_KEY),
    FIXED(store_replay, hash, STORE_SECOND),
    FIXED(store_replay, request, 0),
    TEXT(store_replay, connection, STORE_PARENT),
    NUMBER(store_replay, state, STORE_U32, 0),
    BLOB(store_replay, answer, FP_LIMIT_REPLAY_ANSWER + 65536),
    NUMBER(store_replay, created_ms, STORE_I64, 0),
    NUMBER(store_replay, version, STORE_U32, STORE_VERSION),
};

static const struct store_column metadata[] = {
    TEXT(store_metadata, connection, STORE_KEY),
    BLOB(store_metadata, content, FP_LIMIT_METADATA_JSON + 4096),
    NUMBER(store_metadata, changed_ms, STORE_I64, 0),
    NUMBER(store_metadata, version, STORE_U32, STORE_VERSION),
};

static const struct store_column setting[] = {
    TEXT(store_setting, name, STORE_KEY),
    BLOB(store_setting, value, 65536),
};

#define ENTITY(name)                                                                               \
    {                                                                                              \
#name, sizeof(struct store_##name), (name), sizeof(name) / sizeof((name)[0])               \
    }

static const struct store_entity entities[STORE_KIND_COUNT] = {
    [STORE_APPLICATION] = ENTITY(application),
    [STORE_CUSTOMER] = ENTITY(customer),
    [STORE_DATA_KEY] = ENTITY(data_key),
    [STORE_CONNECTION] = ENTITY(connection),
    [STORE_CREDENTIAL] = ENTITY(credential),
    [STORE_TOKEN] = ENTITY(token),
    [STORE_CODE] = ENTITY(code),
    [STORE_METADATA] = ENTITY(metadata),
    [STORE_SETTING] = ENTITY(setting),
    [STORE_CONNECT_LINK] = ENTITY(connect_link),
    [STORE_WEBHOOK] = ENTITY(webhook),
    [STORE_DELIVERY] = ENTITY(delivery),
    // "operator" is a word of SQL's grammar and of C++'s
    [STORE_OPERATOR] = {"person", sizeof(struct store_operator), person,
                        sizeof person / sizeof person[0]},
    [STORE_SESSION] = ENTITY(session),
    [STORE_REPLAY] = ENTITY(replay),
};

// Fields of a query by the column they restrict.
static const struct {
    const char *column; // its name
    size_t offset;      // in struct store_query
    bool text;          // const char *, else uint32_t
} query_fields[] = {
    {"id", offsetof(struct store_query, id), true},
    {"application", offsetof(struct store_query, application), true},
    {"customer", offsetof(struct store_query, customer), true},
    {"connection", offsetof(struct store_query, connection), true},
    {"owner", offsetof(struct store_query, owner), true},
    {"webhook", offsetof(struct store_query, webhook), true},
    {"family", offsetof(struct store_query, family), true},
    {"platform", offsetof(struct store_query, platform), true},
    {"email", offsetof(struct store_query, email), true},
    {"state", offsetof(struct store_query, state), false},
    {"kind", offsetof(struct store_query, kind), false},
    {"person", offsetof(struct store_query, person), true},
};

const struct store_entity *store_entity(enum store_kind kind)
{
    return &entities[kind];
}

const struct store_column *store_column(const struct store_entity *entity, const char *name)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        if (strcmp(entity->columns[i].name, name) == 0) {
            return &entity->columns[i];
        }
    }
    return NULL;
}

const struct store_column *store_column_with(const struct store_entity *entity,
                                             enum store_role role)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        if ((entity->columns[i].roles & (unsigned)role) != 0) {
            return &entity->columns[i];
        }
    }
    return NULL;
}

enum fp_error store_filters(const struct store_entity *entity, const struct store_query *query,
                            struct store_filter out[static STORE_FILTERS_MAX], size_t *count_out)
{
    size_t count = 0;
    for (size_t i = 0; query != NULL && i < sizeof query_fields / sizeof query_fields[0]; i++) {
        const uint8_t *at = (const uint8_t *)query + query_fields[i].offset;
        struct store_filter filter = {0};
        if (query_fields[i].text) {
            memcpy(&filter.text, at, sizeof filter.text);
        } else {
            memcpy(&filter.number, at, sizeof filter.number);
        }
        if (filter.text == NULL && filter.number == 0) {
            continue;
        }
        filter.column = store_column(entity, query_fields[i].column);
        if (filter.column == NULL) {
            return FP_E_INPUT_INVALID;
        }
        out[count++] = filter;
    }
    if (query != NULL && query->sort != NULL && store_column(entity, query->sort) == NULL) {
        return FP_E_INPUT_INVALID;
    }
    if (query != NULL && query->search != NULL) {
        if (store_column_with(entity, STORE_SEARCHED) == NULL) {
            return FP_E_INPUT_INVALID;
        }
        out[count++] = (struct store_filter){.text = query->search};
    }
    *count_out = count;
    return FP_OK;
}
