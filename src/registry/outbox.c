// Writing events.
// SPDX-License-Identifier: Apache-2.0
#include "registry/outbox.h"

#include "auth/token_text.h"
#include "connection/life.h"
#include "registry/proof.h"

#include <string.h>

struct outbox_body {
    struct buf text;      // JSON
    struct json_out json; // into text, standing in `data`
};

// "type", "timestamp" and an open "data", as Standard Webhooks has it.
static void outbox_begin(struct outbox_body *body, enum webhook_event event, int64_t now_ms)
{
    buf_init(&body->text, FP_LIMIT_WEBHOOK_BODY);
    body->json = json_out_start(&body->text);
    json_begin_object(&body->json);
    json_member_text_c(&body->json, "type", webhook_event_name(event));
    json_member_time(&body->json, "timestamp", now_ms);
    json_name(&body->json, "data");
    json_begin_object(&body->json);
}

static enum fp_error outbox_end(struct registry_job *job, struct outbox_body *body,
                                struct bytes *out)
{
    enum fp_error error = FP_OK;
    json_end_object(&body->json);
    json_end_object(&body->json);
    error = buf_error(&body->text);
    if (error == FP_OK) {
        *out = arena_copy(job->scratch, buf_bytes(&body->text));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&body->text);
    return error;
}

static enum fp_error outbox_insert(struct registry_job *job, const char *webhook,
                                   struct store_delivery *row)
{
    enum fp_error error = FP_OK;
    if (job_batch(job) == NULL) {
        return FP_E_NO_MEMORY;
    }
    id_make("msg", job->now_ms, row->id);
    memcpy(row->webhook, webhook, ID_TEXT);
    row->state = STORE_DELIVERY_WAITING;
    row->created_ms = job->now_ms;
    row->begun_ms = job->now_ms;
    row->next_ms = job->now_ms;
    row->version = 1;
    error = proof_make_delivery(job->registry->parts.ring, row);
    if (error == FP_OK) {
        store_insert_delivery(job_batch(job), row);
    }
    return error;
}

// Whether an endpoint has room for more. One that has not is disabled when its next attempt fails.
static enum fp_error outbox_has_room(struct registry_job *job, const char *webhook, bool *out)
{
    struct store_query query = {.webhook = webhook, .state = STORE_DELIVERY_WAITING};
    uint64_t waiting = 0;
    enum fp_error error = store_count(job->registry->parts.store, STORE_DELIVERY, &query, &waiting);
    *out = waiting < FP_LIMIT_WEBHOOK_QUEUE;
    return error;
}

// A delivery for each endpoint of the application that asked for such events.
static enum fp_error outbox_spread(struct registry_job *job, const char *application,
                                   const struct store_delivery *event)
{
    struct store_query query = {.application = application, .limit = FP_LIMIT_WEBHOOKS};
    struct store_webhook *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_webhooks(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        struct store_delivery row = *event;
        bool room = false;
        if (rows[i].disabled_ms != 0 || (rows[i].events & 1u << event->event) == 0 ||
            proof_check_webhook(job->registry->parts.ring, &rows[i]) != FP_OK) {
            continue; // switched off, not asked for, or not written by us
        }
        error = outbox_has_room(job, rows[i].id, &room);
        if (error == FP_OK && room) {
            error = outbox_insert(job, rows[i].id, &row);
        }
    }
    return error;
}

// The event of a state that was just entered; false: none.
static bool outbox_event_of(const struct store_connection *row, enum webhook_event *out)
{
    static const struct {
        enum connection_state state;   // entered
        enum connection_reason reason; // why; 0: any
        enum webhook_event event;      // told
    } table[] = {
        {CONNECTION_REQUIRES_REAUTHORIZATION, 0, WEBHOOK_AUTHENTICATION_REQUIRED},
        {CONNECTION_ACTIVE, CONNECTION_REASON_RECONNECTED, WEBHOOK_RECONNECTED},
        {CONNECTION_ACTIVE, CONNECTION_REASON_SOURCE_REACHABLE, WEBHOOK_REACHABLE},
        {CONNECTION_UNREACHABLE, 0, WEBHOOK_UNREACHABLE},
        {CONNECTION_DISCONNECTED, 0, WEBHOOK_DISCONNECTED},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (row->state == table[i].state &&
            (table[i].reason == 0 ||
             strcmp(row->reason, connection_reason_name(table[i].reason)) == 0)) {
            *out = table[i].event;
            return true;
        }
    }
    return false;
}

enum fp_error outbox_connection(struct registry_job *job, const struct store_connection *row)
{
    struct store_delivery event = {0};
    struct outbox_body body;
    enum webhook_event kind = WEBHOOK_EVENT_COUNT;
    enum fp_error error = FP_OK;
    if (!outbox_event_of(row, &kind)) {
        return FP_OK;
    }
    outbox_begin(&body, kind, job->now_ms);
    json_member_text_c(&body.json, "connection", row->id);
    json_member_text_c(&body.json, "platform", row->platform);
    json_member_text_c(&body.json, "status",
                       connection_state_name((enum connection_state)row->state));
    json_member_text_c(&body.json, "status_reason", row->reason);
    json_member_time(&body.json, "status_since", row->changed_ms);
    json_member_i64(&body.json, "credential_version", row->credential_version);
    json_member_text(&body.json, "request_id", job->caller.request_id);
    error = outbox_end(job, &body, &event.body);
    event.event = kind;
    memcpy(event.connection, row->id, sizeof event.connection);
    return error != FP_OK ? error : outbox_spread(job, row->application, &event);
}

enum fp_error outbox_token(struct registry_job *job, enum webhook_event kind,
                           const struct store_token *row, const struct store_token *successor)
{
    struct store_delivery event = {0};
    struct outbox_body body;
    enum fp_error error = FP_OK;
    if (row->kind != TOKEN_KIND_CONNECTION && row->kind != TOKEN_KIND_REFRESH) {
        return FP_OK;
    }
    outbox_begin(&body, kind, job->now_ms);
    json_member_text_c(&body.json, "connection", row->owner);
    json_member_text_c(&body.json, "token", row->id);
    json_member_text_c(&body.json, "kind",
                       row->kind == TOKEN_KIND_REFRESH ? "refresh" : "connection");
    json_member_text_c(&body.json, "reason", row->reason[0] != '\0' ? row->reason : NULL);
    json_member_time(&body.json, "works_until",
                     row->revoked_ms != 0 ? row->revoked_ms : row->expires_ms);
    if (successor != NULL) {
        json_member_text_c(&body.json, "successor", successor->id);
    }
    error = outbox_end(job, &body, &event.body);
    event.event = kind;
    memcpy(event.connection, row->owner, sizeof event.connection);
    return error != FP_OK ? error : outbox_spread(job, row->application, &event);
}

enum fp_error outbox_test(struct registry_job *job, const struct store_webhook *webhook,
                          struct store_delivery *out)
{
    struct store_delivery row = {.event = WEBHOOK_TEST};
    struct outbox_body body;
    enum fp_error error = FP_OK;
    outbox_begin(&body, WEBHOOK_TEST, job->now_ms);
    json_member_text_c(&body.json, "webhook", webhook->id);
    error = outbox_end(job, &body, &row.body);
    error = error != FP_OK ? error : outbox_insert(job, webhook->id, &row);
    if (error == FP_OK) {
        *out = row;
    }
    return error;
}
