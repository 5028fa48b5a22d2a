// GET /api/system/webhooks and below: an application sees its own endpoints alone.
// SPDX-License-Identifier: Apache-2.0
#include "model/envelope.h"
#include "model/model.h"
#include "registry/registry_int.h"
#include "registry/webhooks.h"
#include "registry/wire.h"

static enum fp_error read_write(struct registry *registry, const struct store_webhook *row,
                                struct json_out *json)
{
    uint64_t waiting = 0;
    enum fp_error error = webhook_waiting(registry, row->id, &waiting);
    json_begin_object(json);
    wire_write_webhook(json, row, waiting);
    json_end_object(json);
    return error;
}

// The end of a page, and what to say where it did not fit into one answer.
static enum fp_error read_end(struct registry *registry, const struct system_call *call,
                              const struct system_answer *out, struct json_out *json,
                              struct model_page *page)
{
    page->path_template = model_operation_at(call->operation)->path;
    page->key = call->key;
    page->public_url = registry->parts.config->public_url;
    model_envelope_end_list(json, page);
    return buf_error(out->body) == FP_E_LIMIT_EXCEEDED ? system_too_large(out) : FP_OK;
}

enum fp_error webhook_read_list(struct registry *registry, const struct registry_identity *identity,
                                const struct system_call *call, struct arena *arena,
                                const struct system_answer *out)
{
    struct model_query *query = NULL;
    struct store_query filter = {.application = identity->token.owner};
    struct store_webhook *rows = NULL;
    size_t count = 0;
    uint64_t total = 0;
    struct json_out json = json_out_start(out->body);
    enum fp_error error = system_parse_page(call, arena, out, &query);
    error =
        error != FP_OK ? error : store_count(registry->parts.store, STORE_WEBHOOK, &filter, &total);
    if (error == FP_OK && model_query_offset(query) < total) {
        filter.offset = (uint32_t)model_query_offset(query);
        filter.limit = query->per_page;
        error = store_list_webhooks(registry->parts.store, &filter, arena, &rows, &count);
    }
    if (error != FP_OK) {
        return error;
    }
    model_envelope_begin_list(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = read_write(registry, &rows[i], &json);
    }
    return error != FP_OK
               ? error
               : read_end(registry, call, out, &json,
                          &(struct model_page){.query = query, .total = total, .count = count});
}

enum fp_error webhook_read_one(struct registry *registry, const struct registry_identity *identity,
                               const struct system_call *call, struct arena *arena,
                               const struct system_answer *out)
{
    struct webhook_pick pick = {.webhook = call->key,
                                .application = bytes_of_text(identity->token.owner)};
    struct store_webhook row = {0};
    struct json_out json = json_out_start(out->body);
    enum fp_error error = webhook_get(registry, &pick, arena, &row);
    if (error == FP_OK) {
        model_envelope_begin(&json);
        error = read_write(registry, &row, &json);
        model_envelope_end(&json);
    }
    return error;
}

enum fp_error webhook_read_deliveries(struct registry *registry,
                                      const struct registry_identity *identity,
                                      const struct system_call *call, struct arena *arena,
                                      const struct system_answer *out)
{
    struct webhook_pick pick = {.webhook = call->key,
                                .application = bytes_of_text(identity->token.owner)};
    struct store_webhook webhook = {0};
    struct model_query *query = NULL;
    struct store_query filter = {.webhook = webhook.id, .newest_first = true};
    struct store_delivery *rows = NULL;
    size_t count = 0;
    uint64_t total = 0;
    struct json_out json = json_out_start(out->body);
    enum fp_error error = webhook_get(registry, &pick, arena, &webhook);
    error = error != FP_OK ? error : system_parse_page(call, arena, out, &query);
    error = error != FP_OK ? error
                           : store_count(registry->parts.store, STORE_DELIVERY, &filter, &total);
    if (error == FP_OK && model_query_offset(query) < total) {
        filter.offset = (uint32_t)model_query_offset(query);
        filter.limit = query->per_page;
        error = store_list_deliveries(registry->parts.store, &filter, arena, &rows, &count);
    }
    if (error != FP_OK) {
        return error;
    }
    model_envelope_begin_list(&json);
    for (size_t i = 0; i < count; i++) {
        wire_write_delivery(&json, &rows[i]);
    }
    return read_end(registry, call, out, &json,
                    &(struct model_page){.query = query, .total = total, .count = count});
}
