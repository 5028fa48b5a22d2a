// Operations on endpoints for webhooks.
// SPDX-License-Identifier: Apache-2.0
#include "registry/webhooks.h"

#include "crypto/random.h"
#include "registry/fields.h"
#include "registry/outbox.h"
#include "registry/owner.h"
#include "registry/place.h"
#include "registry/proof.h"
#include "registry/wire.h"
#include "webhook/signature.h"

#include <string.h>

#define SEALED_ROOM 256 // as store.h says

// Which endpoint it was, for the log.
static enum fp_error webhooks_record(struct registry_job *job, enum audit_action action,
                                     const char *webhook, const char *delivery)
{
    struct buf text;
    struct json_out json = json_out_start(&text);
    struct bytes kept = {0};
    buf_init(&text, 256);
    json_begin_object(&json);
    json_member_text_c(&json, "webhook", webhook);
    if (delivery != NULL) {
        json_member_text_c(&json, "delivery", delivery);
    }
    json_end_object(&json);
    kept = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    if (kept.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    job_record(job, action)->detail = kept;
    return FP_OK;
}

enum fp_error webhook_get(struct registry *registry, const struct webhook_pick *pick,
                          struct arena *arena, struct store_webhook *out)
{
    char id[ID_TEXT];
    enum fp_error error = FP_E_WEBHOOK_NOT_FOUND;
    if (!id_valid(pick->webhook, "whk") || !bytes_to_text(pick->webhook, id, sizeof id)) {
        return error;
    }
    error = store_get_webhook(registry->parts.store, id, arena, out);
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_WEBHOOK_NOT_FOUND;
    }
    if (error == FP_OK && pick->application.len != 0 &&
        !bytes_equal_text(pick->application, out->application)) {
        return FP_E_WEBHOOK_NOT_FOUND; // somebody else's is none
    }
    return error != FP_OK ? error : proof_check_webhook(registry->parts.ring, out);
}

enum fp_error webhook_waiting(struct registry *registry, const char *webhook, uint64_t *out)
{
    struct store_query query = {.webhook = webhook, .state = STORE_DELIVERY_WAITING};
    return store_count(registry->parts.store, STORE_DELIVERY, &query, out);
}

static enum fp_error webhooks_within_limit(struct registry_job *job, const char *application)
{
    struct store_query query = {.application = application};
    uint64_t count = 0;
    enum fp_error error = store_count(job->registry->parts.store, STORE_WEBHOOK, &query, &count);
    return error == FP_OK && count >= FP_LIMIT_WEBHOOKS ? FP_E_TOO_MANY_WEBHOOKS : error;
}

static enum fp_error webhooks_check(struct registry_job *job, const struct webhook_plan *plan,
                                    uint32_t *events)
{
    const char *wrong = fields_wrong_url(plan->url, FP_LIMIT_URL_TEXT);
    enum fp_error error = wrong != NULL ? job_field(job, "url", wrong) : FP_OK;
    if (webhook_events_parse(plan->events, events) != FP_OK) {
        error = job_field(job, "events", "One of them is no event; see docs/webhooks.md.");
    }
    return error;
}

// Seals a fresh secret for the row and shows it in the answer.
static enum fp_error webhooks_seal(struct registry_job *job, struct store_webhook *row,
                                   struct buf *shown)
{
    struct seal_place place = place_of_webhook(row->id);
    struct secret key = {0};
    struct buf sealed;
    enum fp_error error = secret_random(WEBHOOK_KEY, &key);
    buf_init(&sealed, SEALED_ROOM);
    error = error != FP_OK
                ? error
                : keyring_seal(job->registry->parts.ring, &place, secret_bytes(&key), &sealed);
    if (error == FP_OK) {
        row->sealed = arena_copy(job->scratch, buf_bytes(&sealed));
        error = row->sealed.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        webhook_secret_append(secret_bytes(&key), shown);
        error = buf_error(shown);
    }
    buf_done(&sealed);
    secret_done(&key);
    return error;
}

static void webhooks_write(struct registry_job *job, const struct store_webhook *row,
                           struct bytes secret)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    wire_write_webhook(&json, row, 0);
    if (secret.len != 0) {
        json_member_text(&json, "secret", secret);
    }
    json_end_object(&json);
    json_end_object(&json);
}

static enum fp_error webhooks_create(struct registry_job *job)
{
    const struct webhook_plan *plan = job->input;
    struct store_application application = {0};
    struct store_webhook row = {.created_ms = job->now_ms, .version = 1};
    struct buf secret;
    enum fp_error error = owner_get_application(job->registry, plan->application, &application);
    buf_init_sensitive(&secret, WEBHOOK_SECRET);
    error = error != FP_OK ? error : webhooks_check(job, plan, &row.events);
    error = error != FP_OK ? error : webhooks_within_limit(job, application.id);
    if (error == FP_OK) {
        id_make("whk", job->now_ms, row.id);
        memcpy(row.application, application.id, sizeof row.application);
        memcpy(job->application, application.id, sizeof job->application);
        error = bytes_to_text(plan->url, row.url, sizeof row.url) ? FP_OK : FP_E_FIELD_INVALID;
    }
    error = error != FP_OK ? error : webhooks_seal(job, &row, &secret);
    error = error != FP_OK ? error : proof_make_webhook(job->registry->parts.ring, &row);
    error = error != FP_OK ? error : webhooks_record(job, AUDIT_WEBHOOK_CREATE, row.id, NULL);
    if (error == FP_OK) {
        error = job_batch(job) != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        store_insert_webhook(job_batch(job), &row);
        webhooks_write(job, &row, buf_bytes(&secret));
    }
    buf_done(&secret);
    return error;
}

void registry_webhook_create(struct registry *registry, const struct registry_caller *caller,
                             const struct webhook_plan *plan, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct webhook_plan *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *plan;
        job_keep(job, &input->application);
        job_keep(job, &input->url);
        job_keep(job, &input->events);
    }
    job_run(job, webhooks_create);
}

static enum fp_error webhooks_list(struct registry_job *job)
{
    const struct webhook_list *list = job->input;
    struct store_query query = {0};
    struct store_webhook *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    uint64_t waiting = 0;
    enum fp_error error = owner_list_query(job->registry, list->application, list->after, &query);
    if (error == FP_OK) {
        error =
            store_list_webhooks(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = webhook_waiting(job->registry, rows[i].id, &waiting);
        json_begin_object(&json);
        wire_write_webhook(&json, &rows[i], waiting);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_member_text_c(&json, "next", count == FP_LIMIT_STORE_LIST ? rows[count - 1].id : NULL);
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_WEBHOOK_VIEW)->application = list->application;
    }
    return error;
}

void registry_webhook_list(struct registry *registry, const struct registry_caller *caller,
                           const struct webhook_list *list, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct webhook_list *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *list;
        job_keep(job, &input->application);
        job_keep(job, &input->after);
    }
    job_run(job, webhooks_list);
}

static void webhooks_run(struct registry *registry, const struct registry_caller *caller,
                         const struct webhook_pick *pick, job_build *build, registry_done *done,
                         void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct webhook_pick *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *pick;
        job_keep(job, &input->webhook);
        job_keep(job, &input->delivery);
        job_keep(job, &input->application);
    }
    job_run(job, build);
}

// The endpoint that is meant, and whose it is.
static enum fp_error webhooks_pick(struct registry_job *job, const struct webhook_pick *pick,
                                   struct store_webhook *out)
{
    enum fp_error error = webhook_get(job->registry, pick, job->scratch, out);
    if (error == FP_OK) {
        memcpy(job->application, out->application, sizeof job->application);
        error = job_batch(job) != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    return error;
}

static enum fp_error webhooks_delete(struct registry_job *job)
{
    struct store_webhook row = {0};
    enum fp_error error = webhooks_pick(job, job->input, &row);
    error = error != FP_OK ? error : webhooks_record(job, AUDIT_WEBHOOK_DELETE, row.id, NULL);
    if (error == FP_OK) {
        store_delete_deliveries(job_batch(job), row.id);
        store_delete_webhook(job_batch(job), row.id);
        webhooks_write(job, &row, (struct bytes){0});
    }
    return error;
}

void registry_webhook_delete(struct registry *registry, const struct registry_caller *caller,
                             const struct webhook_pick *pick, registry_done *done, void *ctx)
{
    webhooks_run(registry, caller, pick, webhooks_delete, done, ctx);
}

static void webhooks_write_delivery(struct registry_job *job, const struct store_delivery *row)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    wire_write_delivery(&json, row);
    json_end_object(&json);
}

static enum fp_error webhooks_test(struct registry_job *job)
{
    struct store_webhook row = {0};
    struct store_delivery delivery = {0};
    enum fp_error error = webhooks_pick(job, job->input, &row);
    error = error != FP_OK ? error : outbox_test(job, &row, &delivery);
    error = error != FP_OK ? error : webhooks_record(job, AUDIT_WEBHOOK_SEND, row.id, delivery.id);
    if (error == FP_OK) {
        webhooks_write_delivery(job, &delivery);
    }
    return error;
}

void registry_webhook_test(struct registry *registry, const struct registry_caller *caller,
                           const struct webhook_pick *pick, registry_done *done, void *ctx)
{
    webhooks_run(registry, caller, pick, webhooks_test, done, ctx);
}

static enum fp_error webhooks_deliveries(struct registry_job *job)
{
    struct store_webhook webhook = {0};
    struct store_delivery *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = webhook_get(job->registry, job->input, job->scratch, &webhook);
    if (error == FP_OK) {
        struct store_query query = {
            .webhook = webhook.id, .newest_first = true, .limit = FP_LIMIT_PAGE_SIZE_DEFAULT * 4};
        error =
            store_list_deliveries(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, webhook.application, sizeof job->application);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        wire_write_delivery(&json, &rows[i]);
    }
    json_end_array(&json);
    json_end_object(&json);
    return webhooks_record(job, AUDIT_WEBHOOK_VIEW, webhook.id, NULL);
}

void registry_webhook_deliveries(struct registry *registry, const struct registry_caller *caller,
                                 const struct webhook_pick *pick, registry_done *done, void *ctx)
{
    webhooks_run(registry, caller, pick, webhooks_deliveries, done, ctx);
}

// The delivery that is meant; its endpoint is filled into pick where it was left out.
static enum fp_error webhooks_find_delivery(struct registry_job *job, struct webhook_pick *pick,
                                            struct store_delivery *out)
{
    char id[ID_TEXT];
    enum fp_error error = FP_E_DELIVERY_NOT_FOUND;
    if (!id_valid(pick->delivery, "msg") || !bytes_to_text(pick->delivery, id, sizeof id)) {
        return error;
    }
    error = store_get_delivery(job->registry->parts.store, id, job->scratch, out);
    if (error == FP_E_STORE_NOT_FOUND || (error == FP_OK && pick->webhook.len != 0 &&
                                          !bytes_equal_text(pick->webhook, out->webhook))) {
        return FP_E_DELIVERY_NOT_FOUND;
    }
    pick->webhook = error == FP_OK ? bytes_of_text(out->webhook) : pick->webhook;
    return error != FP_OK ? error : proof_check_delivery(job->registry->parts.ring, out);
}

static enum fp_error webhooks_redeliver(struct registry_job *job)
{
    struct webhook_pick pick = *(const struct webhook_pick *)job->input;
    struct store_webhook webhook = {0};
    struct store_delivery row = {0};
    struct json_out json = json_out_start(&job->detail);
    enum fp_error error = webhooks_find_delivery(job, &pick, &row);
    if (error == FP_OK) {
        error = webhooks_pick(job, &pick, &webhook);
        error = error == FP_E_WEBHOOK_NOT_FOUND ? FP_E_DELIVERY_NOT_FOUND : error;
    }
    if (error == FP_OK && webhook.disabled_ms != 0) {
        json_begin_object(&json);
        json_member_text_c(&json, "webhook", webhook.id);
        json_member_text_c(&json, "reason", webhook.reason);
        json_member_time(&json, "since", webhook.disabled_ms);
        json_end_object(&json);
        return FP_E_STATE_CONFLICT;
    }
    error = error != FP_OK ? error : webhooks_record(job, AUDIT_WEBHOOK_SEND, webhook.id, row.id);
    if (error == FP_OK) {
        row.state = STORE_DELIVERY_WAITING;
        row.attempts = 0;
        row.begun_ms = job->now_ms;
        row.next_ms = job->now_ms;
        row.ended_ms = 0;
        store_update_delivery(job_batch(job), &row);
        webhooks_write_delivery(job, &row);
    }
    return error;
}

void registry_webhook_redeliver(struct registry *registry, const struct registry_caller *caller,
                                const struct webhook_pick *pick, registry_done *done, void *ctx)
{
    webhooks_run(registry, caller, pick, webhooks_redeliver, done, ctx);
}

enum fp_error webhooks_delete_all(struct registry_job *job, const char *application)
{
    struct store_query query = {.application = application, .limit = FP_LIMIT_WEBHOOKS};
    struct store_webhook *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_webhooks(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        store_delete_deliveries(job_batch(job), rows[i].id);
        store_delete_webhook(job_batch(job), rows[i].id);
    }
    return error;
}
