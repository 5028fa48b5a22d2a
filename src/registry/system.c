// System operations in the shapes of the wire contract.
// SPDX-License-Identifier: Apache-2.0
#include "registry/system.h"

#include "auth/scopes.h"
#include "model/envelope.h"
#include "model/model.h"
#include "registry/connections.h"
#include "registry/metadata.h"
#include "registry/owner.h"
#include "registry/tokens.h"
#include "registry/webhooks.h"
#include "registry/wire.h"

#include <string.h>

typedef enum fp_error system_reader(struct registry *registry,
                                    const struct registry_identity *identity,
                                    const struct system_call *call, struct arena *arena,
                                    const struct system_answer *out);

static enum fp_error system_client(struct registry *registry,
                                   const struct registry_identity *identity,
                                   const struct system_call *call, struct arena *arena,
                                   const struct system_answer *out)
{
    struct store_application row = {0};
    struct json_out json = json_out_start(out->body);
    enum fp_error error =
        owner_get_application(registry, bytes_of_text(identity->token.owner), &row);
    (void)call;
    (void)arena;
    if (error == FP_OK) {
        model_envelope_begin(&json);
        wire_write_client(&json, &row);
        model_envelope_end(&json);
    }
    return error;
}

static enum fp_error system_write_row(struct registry *registry, const struct store_connection *row,
                                      bool tags, struct arena *arena, struct json_out *json)
{
    struct wire_connection wire = {
        .row = row, .used_ms = registry_last_use(registry, row->id), .tags = tags};
    enum fp_error error = metadata_read(registry, row, arena, &wire.metadata);
    if (error == FP_OK) {
        wire_write_connection(json, &wire);
    }
    return error;
}

enum fp_error system_parse_page(const struct system_call *call, struct arena *arena,
                                const struct system_answer *out, struct model_query **query_out)
{
    struct model_query *query = arena_alloc(arena, 1, sizeof *query);
    struct json_out errors = json_out_start(out->errors);
    enum fp_error error = FP_OK;
    if (query == NULL) {
        return FP_E_NO_MEMORY;
    }
    json_begin_array(&errors);
    error =
        model_query_parse(call->query, model_operation_at(call->operation), arena, &errors, query);
    json_end_array(&errors);
    if (error == FP_OK) {
        buf_clear(out->errors);
        *query_out = query;
    }
    return error;
}

enum fp_error system_too_large(const struct system_answer *out)
{
    struct json_out errors = json_out_start(out->errors);
    json_begin_array(&errors);
    model_error_row(&errors, BYTES("per_page"), "TOO_LARGE",
                    "So many records do not fit into one answer; ask for fewer.");
    json_end_array(&errors);
    return FP_E_PARAMETER_INVALID;
}

static enum fp_error system_connections(struct registry *registry,
                                        const struct registry_identity *identity,
                                        const struct system_call *call, struct arena *arena,
                                        const struct system_answer *out)
{
    struct model_query *query = NULL;
    struct store_query filter = {.application = identity->token.owner};
    struct store_connection *rows = NULL;
    size_t count = 0;
    uint64_t total = 0;
    struct json_out json = json_out_start(out->body);
    enum fp_error error = system_parse_page(call, arena, out, &query);
    if (error == FP_OK) {
        error = store_count(registry->parts.store, STORE_CONNECTION, &filter, &total);
    }
    if (error == FP_OK && model_query_offset(query) < total) {
        filter.offset = (uint32_t)model_query_offset(query);
        filter.limit = query->per_page;
        error = store_list_connections(registry->parts.store, &filter, arena, &rows, &count);
    }
    if (error != FP_OK) {
        return error;
    }
    model_envelope_begin_list(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = system_write_row(registry, &rows[i], true, arena, &json);
    }
    model_envelope_end_list(
        &json, &(struct model_page){.query = query,
                                    .path_template = model_operation_at(call->operation)->path,
                                    .public_url = registry->parts.config->public_url,
                                    .total = total,
                                    .count = count});
    if (error == FP_OK && buf_error(out->body) == FP_E_LIMIT_EXCEEDED) {
        error = system_too_large(out);
    }
    return error;
}

static enum fp_error system_metadata(struct registry *registry,
                                     const struct registry_identity *identity,
                                     const struct system_call *call, struct arena *arena,
                                     const struct system_answer *out)
{
    struct store_connection *row = arena_alloc(arena, 1, sizeof *row);
    struct json_out json = json_out_start(out->body);
    struct model_query page = {.page = 1, .per_page = FP_LIMIT_PAGE_SIZE_DEFAULT};
    enum fp_error error =
        row != NULL ? owner_get_connection(registry, call->key, row) : FP_E_NO_MEMORY;
    if (error == FP_OK && strcmp(row->application, identity->token.owner) != 0) {
        error = FP_E_CONNECTION_NOT_FOUND;
    }
    if (error != FP_OK) {
        return error;
    }
    model_envelope_begin_list(&json);
    error = system_write_row(registry, row, false, arena, &json);
    model_envelope_end_list(
        &json, &(struct model_page){.query = &page,
                                    .path_template = model_operation_at(call->operation)->path,
                                    .key = call->key,
                                    .public_url = registry->parts.config->public_url,
                                    .total = 1,
                                    .count = 1});
    return error;
}

static enum fp_error system_integration(struct registry *registry,
                                        const struct registry_identity *identity,
                                        const struct system_call *call, struct arena *arena,
                                        const struct system_answer *out)
{
    struct json_out json = json_out_start(out->body);
    (void)call;
    (void)arena;
    model_envelope_begin(&json);
    wire_write_integration(&json, &identity->connection,
                           registry_last_use(registry, identity->connection.id));
    model_envelope_end(&json);
    return FP_OK;
}

static enum fp_error system_sync_status(struct registry *registry,
                                        const struct registry_identity *identity,
                                        const struct system_call *call, struct arena *arena,
                                        const struct system_answer *out)
{
    struct json_out json = json_out_start(out->body);
    (void)call;
    (void)arena;
    json_begin_object(&json);
    json_member_text_c(&json, "status", wire_sync_status(identity->connection.state));
    json_name(&json, "data");
    wire_write_integration(&json, &identity->connection,
                           registry_last_use(registry, identity->connection.id));
    json_end_object(&json);
    return FP_OK;
}

static system_reader *system_reader_of(unsigned operation)
{
    switch (operation) {
    case MODEL_OP_SYSTEM_CLIENT:
        return system_client;
    case MODEL_OP_SYSTEM_CONNECTIONS:
        return system_connections;
    case MODEL_OP_SYSTEM_METADATA:
        return system_metadata;
    case MODEL_OP_SYSTEM_INTEGRATION:
        return system_integration;
    case MODEL_OP_SYSTEM_SYNC_STATUS:
        return system_sync_status;
    case MODEL_OP_SYSTEM_WEBHOOKS:
        return webhook_read_list;
    case MODEL_OP_SYSTEM_WEBHOOK:
        return webhook_read_one;
    case MODEL_OP_SYSTEM_WEBHOOK_DELIVERIES:
        return webhook_read_deliveries;
    default:
        return NULL;
    }
}

static bool system_writes(unsigned operation)
{
    switch (operation) {
    case MODEL_OP_SYSTEM_CONNECTION_DELETE:
    case MODEL_OP_SYSTEM_CONNECTION_TOKEN:
    case MODEL_OP_SYSTEM_INTEGRATION_DELETE:
    case MODEL_OP_SYSTEM_WEBHOOK_DELETE:
    case MODEL_OP_SYSTEM_WEBHOOK_TEST:
    case MODEL_OP_SYSTEM_WEBHOOK_REDELIVER:
        return true;
    default:
        return false;
    }
}

enum system_way registry_system_way(unsigned operation)
{
    if (system_reader_of(operation) != NULL) {
        return SYSTEM_READ;
    }
    return system_writes(operation) ? SYSTEM_WRITE : SYSTEM_ELSEWHERE;
}

enum fp_error registry_system_read(struct registry *registry,
                                   const struct registry_identity *identity,
                                   const struct system_call *call, struct arena *arena,
                                   const struct system_answer *out)
{
    enum fp_error error = system_reader_of(call->operation)(registry, identity, call, arena, out);
    return error != FP_OK ? error : buf_error(out->body);
}

void registry_system_write(struct registry *registry, const struct registry_identity *identity,
                           const struct registry_caller *caller, const struct system_call *call,
                           registry_done *done, void *ctx)
{
    struct bytes application = bytes_of_text(identity->token.application);
    struct token_request request = {
        .owner = call->key, .application = application, .binding = call->binding};
    struct connection_end end = {call->key, application,
                                 CONNECTION_REASON_DISCONNECTED_BY_APPLICATION};
    struct webhook_pick pick = {call->key, call->subkey, application};
    switch (call->operation) {
    case MODEL_OP_SYSTEM_CONNECTION_DELETE:
        registry_connection_disconnect(registry, caller, &end, done, ctx);
        return;
    case MODEL_OP_SYSTEM_INTEGRATION_DELETE:
        end.connection = bytes_of_text(identity->token.owner);
        end.reason = CONNECTION_REASON_DISCONNECTED_BY_CONNECTION;
        registry_connection_disconnect(registry, caller, &end, done, ctx);
        return;
    case MODEL_OP_SYSTEM_WEBHOOK_DELETE:
        registry_webhook_delete(registry, caller, &pick, done, ctx);
        return;
    case MODEL_OP_SYSTEM_WEBHOOK_TEST:
        registry_webhook_test(registry, caller, &pick, done, ctx);
        return;
    case MODEL_OP_SYSTEM_WEBHOOK_REDELIVER:
        registry_webhook_redeliver(registry, caller, &pick, done, ctx);
        return;
    default:
        // only connections: an application gets its own token from the token endpoint
        request.owner = id_valid(call->key, "con") ? call->key : BYTES("-");
        registry_token_issue(registry, caller, &request, done, ctx);
        return;
    }
}

enum fp_error registry_permits(const struct registry_identity *identity, unsigned operation,
                               struct buf *detail)
{
    static const char *const domains[] = {"eam", "erp", "wms", ""};
    const struct model_operation *row = model_operation_at(operation);
    struct scope_need need = {bytes_of_text(domains[row->domain]), bytes_of_text(row->scope),
                              row->write};
    struct json_out json = json_out_start(detail);
    char needed[SCOPE_NEEDED];
    if (need.resource.len == 0 || scopes_allow(bytes_of_text(identity->token.scopes), &need)) {
        return FP_OK;
    }
    scopes_needed(&need, needed);
    json_begin_object(&json);
    json_member_text_c(&json, "needed_scope", needed);
    json_member_text_c(&json, "token_scopes", identity->token.scopes);
    json_end_object(&json);
    return FP_E_PERMISSION_MISSING;
}
