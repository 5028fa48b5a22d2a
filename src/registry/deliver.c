// Attempts to deliver webhooks.
// SPDX-License-Identifier: Apache-2.0
#include "registry/deliver.h"

#include "crypto/random.h"
#include "registry/owner.h"
#include "registry/place.h"
#include "registry/proof.h"
#include "registry/webhooks.h"
#include "webhook/event.h"
#include "webhook/schedule.h"

#include <string.h>

#define DUE_PAGE    100 // rows looked at in a round
#define DUE_ARENA   ((size_t)4 * 1024 * 1024)
#define SWEEP_ROWS  100
#define REASON_SHOW 120 // bytes of a reason in the log of attempts

size_t registry_deliveries_due(struct registry *registry, int64_t now_ms, size_t max,
                               struct delivery_due *out)
{
    struct store_query query = {.state = STORE_DELIVERY_WAITING, .limit = DUE_PAGE};
    struct arena *arena = arena_create(DUE_ARENA, false);
    struct store_delivery *rows = NULL;
    size_t count = 0, found = 0;
    query.after = registry->due_after[0] != '\0' ? registry->due_after : NULL;
    if (arena == NULL ||
        store_list_deliveries(registry->parts.store, &query, arena, &rows, &count) != FP_OK) {
        arena_free(arena);
        return 0;
    }
    for (size_t i = 0; i < count && found < max; i++) {
        if (rows[i].next_ms <= now_ms) {
            memcpy(out[found].id, rows[i].id, sizeof out[found].id);
            memcpy(out[found].webhook, rows[i].webhook, sizeof out[found].webhook);
            found++;
        }
    }
    registry->due_after[0] = '\0';
    if (count == DUE_PAGE) {
        memcpy(registry->due_after, rows[count - 1].id, sizeof registry->due_after);
    }
    arena_free(arena);
    return found;
}

static enum fp_error deliver_get(struct registry *registry, struct bytes id, struct arena *arena,
                                 struct store_delivery *row, struct store_webhook *webhook)
{
    char text[ID_TEXT];
    enum fp_error error = FP_E_DELIVERY_NOT_FOUND;
    if (bytes_to_text(id, text, sizeof text)) {
        error = store_get_delivery(registry->parts.store, text, arena, row);
        error = error == FP_E_STORE_NOT_FOUND ? FP_E_DELIVERY_NOT_FOUND : error;
    }
    if (error == FP_OK) {
        struct webhook_pick pick = {.webhook = bytes_of_text(row->webhook)};
        error = webhook_get(registry, &pick, arena, webhook);
    }
    return error;
}

static enum fp_error deliver_sign(struct registry *registry, const struct store_webhook *webhook,
                                  struct delivery_request *request)
{
    struct webhook_message message = {request->id, request->timestamp_s, request->body};
    struct seal_place place = place_of_webhook(webhook->id);
    struct secret key = {0};
    struct buf signature;
    enum fp_error error = keyring_open(registry->parts.ring, &place, webhook->sealed, &key);
    buf_init(&signature, WEBHOOK_SIGNATURE);
    error = error != FP_OK ? error : webhook_sign(secret_bytes(&key), &message, &signature);
    if (error == FP_OK &&
        !bytes_to_text(buf_bytes(&signature), request->signature, sizeof request->signature)) {
        error = FP_E_INTERNAL;
    }
    buf_done(&signature);
    secret_done(&key);
    return error;
}

enum fp_error registry_delivery_prepare(struct registry *registry, const char *id, int64_t now_ms,
                                        struct arena *arena, struct delivery_request *out)
{
    struct store_delivery *row = arena_alloc(arena, 1, sizeof *row);
    struct store_webhook *webhook = arena_alloc(arena, 1, sizeof *webhook);
    struct store_application *application = arena_alloc(arena, 1, sizeof *application);
    struct delivery_request request = {.timestamp_s = now_ms / 1000};
    enum fp_error error =
        row != NULL && webhook != NULL && application != NULL ? FP_OK : FP_E_NO_MEMORY;
    error = error != FP_OK ? error : deliver_get(registry, bytes_of_text(id), arena, row, webhook);
    error = error != FP_OK ? error : proof_check_delivery(registry->parts.ring, row);
    if (error == FP_OK && webhook->disabled_ms != 0 && row->event != WEBHOOK_TEST) {
        error = FP_E_STATE_CONFLICT;
    }
    if (error == FP_OK) {
        error = owner_get_application(registry, bytes_of_text(webhook->application), application);
    }
    if (error == FP_OK) {
        request.id = bytes_of_text(row->id);
        request.url = bytes_of_text(webhook->url);
        request.body = row->body;
        request.networks = bytes_of_text(application->networks);
        error = deliver_sign(registry, webhook, &request);
    }
    if (error == FP_OK) {
        *out = request;
    }
    return error;
}

// One more attempt in the row's log. Where there is no room the older ones go.
static enum fp_error deliver_note(struct registry_job *job, const struct delivery_news *news,
                                  struct store_delivery *row)
{
    struct buf text;
    struct json_out json = json_out_start(&text);
    struct bytes kept = {0};
    buf_init(&text, FP_LIMIT_WEBHOOK_LOG);
    if (row->log.len != 0 && row->log.len < FP_LIMIT_WEBHOOK_LOG - 1024) {
        buf_append_bytes(&text, row->log);
        buf_append_byte(&text, ',');
    }
    json_begin_object(&json);
    json_member_time(&json, "at", job->now_ms);
    json_member_text_c(&json, "code", fp_error_code(news->error));
    json_member_i64(&json, "status", news->status);
    json_member_i64(&json, "ms", news->ms);
    if (news->reason.len != 0) {
        json_member_text(&json, "reason", bytes_slice(news->reason, 0, REASON_SHOW));
    }
    json_end_object(&json);
    if (buf_error(&text) == FP_OK) {
        kept = arena_copy(job->scratch, buf_bytes(&text));
    }
    buf_done(&text);
    row->log = kept;
    return kept.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
}

static void deliver_end(struct registry_job *job, struct store_delivery *row,
                        enum store_delivery_state state)
{
    row->state = state;
    row->ended_ms = job->now_ms;
    row->next_ms = 0;
}

static void deliver_advance(struct registry_job *job, const struct delivery_news *news,
                            enum webhook_verdict verdict, struct store_delivery *row)
{
    struct webhook_tries tries = {row->begun_ms, 0, news->retry_after_s, (uint32_t)random_u64()};
    row->attempts += row->attempts < UINT32_MAX ? 1 : 0;
    tries.made = row->attempts;
    row->next_ms = webhook_next_ms(&tries, job->now_ms);
    if (verdict == WEBHOOK_DELIVERED) {
        deliver_end(job, row, STORE_DELIVERY_DELIVERED);
    } else if (verdict == WEBHOOK_GONE || news->final || row->next_ms == 0 ||
               row->event == WEBHOOK_TEST) {
        deliver_end(job, row, STORE_DELIVERY_FAILED); // a test is for now, not for tomorrow
    }
}

// A record of the endpoint's new state, and the row.
static enum fp_error deliver_switch(struct registry_job *job, struct store_webhook *webhook,
                                    const char *reason)
{
    struct buf text;
    struct json_out json = json_out_start(&text);
    struct bytes kept = {0};
    enum fp_error error = FP_OK;
    webhook->disabled_ms = reason[0] != '\0' ? job->now_ms : 0;
    memset(webhook->reason, 0, sizeof webhook->reason);
    (void)bytes_to_text(bytes_of_text(reason), webhook->reason, sizeof webhook->reason);
    memcpy(job->application, webhook->application, sizeof job->application);
    buf_init(&text, 256);
    json_begin_object(&json);
    json_member_text_c(&json, "webhook", webhook->id);
    json_member_text_c(&json, "status", reason[0] != '\0' ? "disabled" : "active");
    json_member_text_c(&json, "reason", reason[0] != '\0' ? reason : NULL);
    json_end_object(&json);
    kept = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    error =
        kept.ptr != NULL ? proof_make_webhook(job->registry->parts.ring, webhook) : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        job_record(job, AUDIT_WEBHOOK_STATE)->detail = kept;
        store_update_webhook(job_batch(job), webhook);
    }
    return error;
}

static enum fp_error deliver_judge_endpoint(struct registry_job *job, enum webhook_verdict verdict,
                                            const struct store_delivery *row,
                                            struct store_webhook *webhook)
{
    uint64_t waiting = 0;
    enum fp_error error = FP_OK;
    if (webhook->disabled_ms != 0) {
        return verdict == WEBHOOK_DELIVERED && row->event == WEBHOOK_TEST
                   ? deliver_switch(job, webhook, "")
                   : FP_OK;
    }
    if (verdict == WEBHOOK_GONE) {
        return deliver_switch(job, webhook, "GONE");
    }
    if (verdict == WEBHOOK_RETRY) {
        error = webhook_waiting(job->registry, webhook->id, &waiting);
        if (error == FP_OK && waiting >= FP_LIMIT_WEBHOOK_QUEUE) {
            error = deliver_switch(job, webhook, "QUEUE_FULL");
        }
    }
    return error;
}

static enum fp_error deliver_attempted(struct registry_job *job)
{
    const struct delivery_news *news = job->input;
    struct store_delivery *row = arena_alloc(job->scratch, 1, sizeof *row);
    struct store_webhook *webhook = arena_alloc(job->scratch, 1, sizeof *webhook);
    enum webhook_verdict verdict = webhook_judge(news->error, news->status);
    enum fp_error error =
        row != NULL && webhook != NULL && job_batch(job) != NULL ? FP_OK : FP_E_NO_MEMORY;
    error =
        error != FP_OK ? error : deliver_get(job->registry, news->id, job->scratch, row, webhook);
    if (error != FP_OK || row->state != STORE_DELIVERY_WAITING) {
        return error;
    }
    error = deliver_note(job, news, row);
    if (error == FP_OK) {
        deliver_advance(job, news, verdict, row);
        error = deliver_judge_endpoint(job, verdict, row, webhook);
    }
    if (error == FP_OK) {
        store_update_delivery(job_batch(job), row);
    }
    return error;
}

void registry_delivery_attempted(struct registry *registry, const struct delivery_news *news,
                                 registry_done *done, void *ctx)
{
    struct registry_caller caller = {.actor = AUDIT_BY_SYSTEM};
    struct registry_job *job = job_create(registry, &caller, done, ctx);
    struct delivery_news *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *news;
        job_keep(job, &input->id);
        job_keep(job, &input->reason);
    }
    job_run(job, deliver_attempted);
}

// They come oldest first, so the first of them are those that are due, but for few that wait.
unsigned deliver_sweep(struct registry *registry, struct arena *arena, struct store_batch *batch,
                       int64_t now_ms)
{
    struct store_query query = {.limit = SWEEP_ROWS};
    struct store_delivery *rows = NULL;
    size_t count = 0;
    unsigned due = 0;
    if (store_list_deliveries(registry->parts.store, &query, arena, &rows, &count) != FP_OK) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].ended_ms != 0 &&
            rows[i].ended_ms + (int64_t)FP_LIMIT_WEBHOOK_KEPT * 1000 < now_ms) {
            store_delete_delivery(batch, rows[i].id);
            due++;
        }
    }
    return due;
}
