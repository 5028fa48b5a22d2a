// Writing rows as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "registry/wire.h"

#include "auth/token_text.h"
#include "connection/life.h"
#include "webhook/event.h"

static int64_t wire_newer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void wire_null(struct json_out *j, const char *name)
{
    json_name(j, name);
    json_null(j);
}

void wire_write_connection(struct json_out *j, const struct wire_connection *c)
{
    const struct store_connection *row = c->row;
    json_begin_object(j);
    json_member_text_c(j, "key", row->id);
    json_member_text_c(j, "name", row->name);
    json_member_text_c(j, "email", row->email);
    json_member_text_c(j, "status", connection_state_name((enum connection_state)row->state));
    json_member_text_c(j, "status_reason", row->reason);
    json_member_time(j, "status_since", row->changed_ms);
    json_member_text_c(j, "integration_name", row->platform);
    wire_null(j, "redirect");
    wire_null(j, "scopes");
    if (c->tags) {
        json_name(j, "tags");
        json_begin_array(j);
        json_end_array(j);
    }
    json_name(j, "user_metadata");
    json_raw(j, c->metadata.len != 0 ? c->metadata : BYTES("{}"));
    json_member_text_c(j, "client_id", row->application);
    json_member_text_c(j, "account", row->account[0] != '\0' ? row->account : NULL);
    json_member_time(j, "last_used_at", wire_newer(row->used_ms, c->used_ms));
    json_member_time(j, "updated_at", row->changed_ms);
    json_member_time(j, "created_at", row->created_ms);
    json_member_time(j, "connected_at", row->created_ms);
    if (c->operator_view) {
        json_member_text_c(j, "customer", row->customer);
        json_member_text_c(j, "networks", row->networks);
        json_member_i64(j, "credential_version", row->credential_version);
    }
    json_end_object(j);
}

const char *wire_sync_status(uint32_t state)
{
    return state == CONNECTION_ACTIVE ? "done" : "fail";
}

void wire_write_integration(struct json_out *j, const struct store_connection *row, int64_t used_ms)
{
    json_begin_object(j);
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "company_name", row->name);
    json_member_text_c(j, "email", row->email);
    json_member_text_c(j, "provider", row->platform);
    json_member_time(j, "updated_at", row->changed_ms);
    json_member_text_c(j, "sync_status", wire_sync_status(row->state));
    json_member_time(j, "sync_updated_at",
                     wire_newer(row->changed_ms, wire_newer(row->used_ms, used_ms)));
    json_member_text_c(j, "status", connection_state_name((enum connection_state)row->state));
    json_member_text_c(j, "status_reason", row->reason);
    json_end_object(j);
}

void wire_write_client(struct json_out *j, const struct store_application *row)
{
    json_begin_object(j);
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "name", row->name);
    wire_null(j, "logo_url");
    wire_null(j, "email");
    wire_null(j, "default_redirect");
    json_name(j, "redirects");
    json_begin_array(j);
    json_end_array(j);
    json_member_text_c(j, "environment", row->environment);
    json_member_time(j, "created_at", row->created_ms);
    json_end_object(j);
}

void wire_write_application_oauth(struct json_out *j, const struct store_application *row)
{
    json_member_text_c(j, "redirect_uris", row->redirect_uris);
    json_member_i64(j, "access_seconds",
                    row->access_s != 0 ? row->access_s : FP_LIMIT_GRANT_ACCESS_LIFE);
    json_member_i64(j, "refresh_seconds",
                    row->refresh_s != 0 ? row->refresh_s : FP_LIMIT_GRANT_REFRESH_LIFE);
    json_member_text_c(j, "pkce", row->pkce_optional != 0 ? "optional" : "required");
}

void wire_write_application(struct json_out *j, const struct store_application *row,
                            uint64_t connections)
{
    json_begin_object(j);
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "name", row->name);
    json_member_text_c(j, "environment", row->environment);
    json_member_text_c(j, "networks", row->networks);
    wire_write_application_oauth(j, row);
    json_member_i64(j, "connections", (int64_t)connections);
    json_member_time(j, "created_at", row->created_ms);
    json_end_object(j);
}

static const char *wire_token_kind(uint32_t kind)
{
    return kind == TOKEN_KIND_CONNECTION      ? "connection"
           : kind == TOKEN_KIND_APPLICATION   ? "application"
           : kind == TOKEN_KIND_CLIENT_SECRET ? "client_secret"
           : kind == TOKEN_KIND_REFRESH       ? "refresh"
                                              : "?";
}

static const char *wire_token_status(const struct store_token *row, int64_t now_ms)
{
    if (row->revoked_ms != 0 && row->revoked_ms <= now_ms) {
        return "revoked";
    }
    if (row->expires_ms != 0 && row->expires_ms <= now_ms) {
        return "expired";
    }
    return row->revoked_ms != 0 ? "ending" : "active";
}

void wire_write_restrictions(struct json_out *j, const struct store_token *row)
{
    json_member_text_c(j, "binding", row->binding[0] != '\0' ? row->binding : NULL);
    json_member_text_c(j, "addresses", row->addresses[0] != '\0' ? row->addresses : NULL);
}

void wire_write_token(struct json_out *j, const struct store_token *row, int64_t used_ms,
                      int64_t now_ms)
{
    json_begin_object(j);
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "kind", wire_token_kind(row->kind));
    json_member_text_c(j, "owner", row->owner);
    json_member_text_c(j, "application", row->application);
    json_member_text_c(j, "scopes", row->scopes);
    wire_write_restrictions(j, row);
    json_member_text_c(j, "status", wire_token_status(row, now_ms));
    json_member_text_c(j, "reason", row->reason[0] != '\0' ? row->reason : NULL);
    json_member_time(j, "created_at", row->created_ms);
    json_member_time(j, "expires_at", row->expires_ms);
    json_member_time(j, "revoked_at", row->revoked_ms);
    json_member_time(j, "last_used_at", wire_newer(row->used_ms, used_ms));
    json_end_object(j);
}

void wire_write_webhook(struct json_out *j, const struct store_webhook *row, uint64_t waiting)
{
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "client_id", row->application);
    json_member_text_c(j, "url", row->url);
    json_name(j, "events");
    webhook_events_write(j, row->events);
    json_member_text_c(j, "status", row->disabled_ms != 0 ? "disabled" : "active");
    json_member_text_c(j, "status_reason", row->reason[0] != '\0' ? row->reason : NULL);
    json_member_time(j, "status_since", row->disabled_ms);
    json_member_i64(j, "waiting", (int64_t)waiting);
    json_member_time(j, "created_at", row->created_ms);
}

static const char *wire_delivery_status(uint32_t state)
{
    return state == STORE_DELIVERY_WAITING     ? "waiting"
           : state == STORE_DELIVERY_DELIVERED ? "delivered"
                                               : "failed";
}

void wire_write_delivery(struct json_out *j, const struct store_delivery *row)
{
    bool waiting = row->state == STORE_DELIVERY_WAITING;
    json_begin_object(j);
    json_member_text_c(j, "id", row->id);
    json_member_text_c(j, "webhook", row->webhook);
    json_member_text_c(j, "event", webhook_event_name(row->event));
    json_member_text_c(j, "connection", row->connection[0] != '\0' ? row->connection : NULL);
    json_member_text_c(j, "status", wire_delivery_status(row->state));
    json_member_i64(j, "attempts", row->attempts);
    json_member_time(j, "created_at", row->created_ms);
    json_member_time(j, "next_attempt_at", waiting ? row->next_ms : 0);
    json_member_time(j, "ended_at", row->ended_ms);
    json_name(j, "log");
    json_begin_array(j);
    if (row->log.len != 0) {
        json_raw(j, row->log);
    }
    json_end_array(j);
    json_end_object(j);
}

void wire_write_expires_in(struct json_out *j, int64_t expires_ms, int64_t now_ms)
{
    json_name(j, "expires_in");
    if (expires_ms == 0) {
        json_null(j);
    } else {
        json_i64(j, expires_ms > now_ms ? (expires_ms - now_ms) / 1000 : 0);
    }
}
