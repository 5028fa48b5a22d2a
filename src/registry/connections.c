// Connections: lists, end, news from their sources, the credential for one use.
// SPDX-License-Identifier: Apache-2.0
#include "registry/connections.h"

#include "registry/advance.h"
#include "registry/metadata.h"
#include "registry/mint.h"
#include "registry/owner.h"
#include "registry/place.h"
#include "registry/proof.h"
#include "registry/reason.h"
#include "registry/wire.h"
#include "store/replay_rows.h"

#include <string.h>

static enum fp_error connections_write(struct registry_job *job, struct json_out *json,
                                       const struct store_connection *row)
{
    struct wire_connection wire = {.row = row,
                                   .used_ms = registry_last_use(job->registry, row->id),
                                   .tags = true,
                                   .operator_view = true};
    enum fp_error error = metadata_read(job->registry, row, job->scratch, &wire.metadata);
    if (error == FP_OK) {
        wire_write_connection(json, &wire);
    }
    return error;
}

static enum fp_error connections_list(struct registry_job *job)
{
    const struct connection_list *list = job->input;
    struct store_query query = {0};
    struct store_connection *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = owner_list_query(job->registry, list->application, list->after, &query);
    if (error == FP_OK) {
        error =
            store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = connections_write(job, &json, &rows[i]);
    }
    json_end_array(&json);
    json_member_text_c(&json, "next", count == FP_LIMIT_STORE_LIST ? rows[count - 1].id : NULL);
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_CONNECTION_VIEW)->application = list->application;
    }
    return error;
}

void registry_connection_list(struct registry *registry, const struct registry_caller *caller,
                              const struct connection_list *list, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct connection_list *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *list;
        job_keep(job, &input->application);
        job_keep(job, &input->after);
    }
    job_run(job, connections_list);
}

static enum fp_error connections_write_tokens(struct registry_job *job, struct json_out *json,
                                              const char *owner)
{
    struct store_query query = {.owner = owner, .newest_first = true, .limit = FP_LIMIT_STORE_LIST};
    struct store_token *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_tokens(job->registry->parts.store, &query, job->scratch, &rows, &count);
    json_name(json, "tokens");
    json_begin_array(json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        wire_write_token(json, &rows[i], registry_last_use(job->registry, rows[i].id), job->now_ms);
    }
    json_end_array(json);
    return error;
}

static enum fp_error connections_show(struct registry_job *job)
{
    const struct bytes *id = job->input;
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = FP_E_CONNECTION_NOT_FOUND;
    if (owner == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (!id_valid(*id, "con")) {
        return error;
    }
    error = owner_find(job, *id, (struct bytes){0}, owner);
    if (error != FP_OK) {
        return error;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    error = connections_write(job, &json, &owner->connection);
    if (error == FP_OK) {
        error = connections_write_tokens(job, &json, owner->connection.id);
    }
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_CONNECTION_VIEW)->customer =
            bytes_of_text(owner->connection.customer);
    }
    return error;
}

void registry_connection_show(struct registry *registry, const struct registry_caller *caller,
                              struct bytes connection, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = connection;
        job_keep(job, input);
    }
    job_run(job, connections_show);
}

static enum fp_error connections_end(struct registry_job *job, struct store_connection *row,
                                     enum connection_reason reason)
{
    struct connection_event event = {CONNECTION_EVENT_DISCONNECTED, job->now_ms, 0, reason};
    struct connection_step step = {0};
    char *customer = arena_text(job->scratch, bytes_of_text(row->customer));
    enum fp_error error =
        customer != NULL ? advance_connection(job, row, &event, &step) : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = mint_end_all(job, row->id, REASON_DISCONNECTED);
    }
    if (error != FP_OK) {
        return error;
    }
    store_delete_credential(job_batch(job), row->id, 0);
    store_delete_replays(job_batch(job), row->id);
    job_record(job, AUDIT_CONNECTION_DELETE)->customer = bytes_of_text(customer);
    job_record(job, AUDIT_CREDENTIAL_DESTROY)->customer = bytes_of_text(customer);
    return FP_OK;
}

static enum fp_error connections_disconnect(struct registry_job *job)
{
    const struct connection_end *input = job->input;
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = FP_E_CONNECTION_NOT_FOUND;
    if (owner == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (!id_valid(input->connection, "con")) {
        return error;
    }
    error = owner_find(job, input->connection, input->application, owner);
    if (error == FP_OK && owner->connection.state < CONNECTION_DISCONNECTED) {
        error = connections_end(job, &owner->connection, input->reason);
    }
    if (error == FP_OK) {
        json_begin_object(&json);
        json_name(&json, "data");
        error = connections_write(job, &json, &owner->connection);
        json_end_object(&json);
    }
    return error;
}

void registry_connection_disconnect(struct registry *registry, const struct registry_caller *caller,
                                    const struct connection_end *end, registry_done *done,
                                    void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct connection_end *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *end;
        job_keep(job, &input->connection);
        job_keep(job, &input->application);
    }
    job_run(job, connections_disconnect);
}

static enum fp_error connections_news(struct registry_job *job)
{
    const struct connection_news *news = job->input;
    struct connection_event event = {news->kind, job->now_ms, news->credential_version, 0};
    struct connection_step step = {0};
    struct store_connection *row = arena_alloc(job->scratch, 1, sizeof *row);
    struct audit_record *record = NULL;
    enum fp_error error =
        row != NULL ? owner_get_connection(job->registry, news->connection, row) : FP_E_NO_MEMORY;
    error = error != FP_OK ? error : advance_connection(job, row, &event, &step);
    if (error != FP_OK || !step.changed) {
        return error;
    }
    memcpy(job->application, row->application, sizeof job->application);
    memcpy(job->connection, row->id, sizeof job->connection);
    record = job_record(job, news->kind == CONNECTION_EVENT_REJECTED ? AUDIT_CREDENTIAL_REJECTED
                                                                     : AUDIT_CONNECTION_STATE);
    record->customer = bytes_of_text(row->customer);
    record->detail = news->detail;
    return FP_OK;
}

void registry_connection_news(struct registry *registry, const struct registry_caller *caller,
                              const struct connection_news *news, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct connection_news *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *news;
        job_keep(job, &input->connection);
        job_keep(job, &input->detail);
    }
    job_run(job, connections_news);
}

enum fp_error registry_credential(struct registry *registry, const struct store_connection *row,
                                  struct arena *arena, struct secret *out)
{
    struct store_credential credential = {0};
    char record[PLACE_RECORD];
    struct seal_place place =
        place_of_credential(row->customer, row->id, row->credential_version, record);
    enum fp_error error = store_get_credential(registry->parts.store, row->id,
                                               row->credential_version, arena, &credential);
    return error != FP_OK ? error
                          : keyring_open(registry->parts.ring, &place, credential.sealed, out);
}
