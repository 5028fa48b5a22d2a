// Connecting: a verified credential becomes a connection, or a new version of one.
// SPDX-License-Identifier: Apache-2.0
#include "registry/connections.h"

#include "base/mem.h"
#include "base/networks.h"
#include "registry/connect_page.h"
#include "registry/fields.h"
#include "registry/key_rows.h"
#include "registry/mint.h"
#include "registry/outbox.h"
#include "registry/owner.h"
#include "registry/place.h"
#include "registry/proof.h"
#include "registry/reason.h"
#include "registry/wire.h"

#include <string.h>

#define CREDENTIAL_MAX (FP_LIMIT_CREDENTIALS_JSON + SEAL_OVERHEAD)

// What one attempt works on.
struct connect {
    struct store_application application; // whose
    enum token_environment environment;   // its
    struct store_customer customer;       // found or new
    bool new_customer;                    // insert it, with its data key
    struct store_connection connection;   // found or new
    bool new_connection;                  // insert it
    struct store_connect_link link;       // it came through; id empty: none
    uint32_t old_version;                 // newest credential before; 0: none
    unsigned effects;                     // of the transition
};

static void plan_wrong(struct json_out *errors, bool *wrong, const char *field, const char *text)
{
    if (text != NULL) {
        model_error_row(errors, bytes_of_text(field), fp_error_code(FP_E_FIELD_INVALID), text);
        *wrong = true;
    }
}

// again: an existing connection has name and address already.
static enum fp_error plan_fields(const struct connection_request *request, bool again,
                                 struct buf *errors)
{
    struct json_out json = json_out_start(errors);
    struct networks parsed = {0};
    struct fp_note note = {0};
    bool wrong = false;
    size_t start = errors->len;
    json_begin_array(&json);
    if (!again) {
        plan_wrong(&json, &wrong, "name", fields_wrong_name(request->name));
        plan_wrong(&json, &wrong, "email", fields_wrong_email(request->email));
        plan_wrong(&json, &wrong, "provider", fields_wrong_platform(request->platform));
    }
    if (networks_parse(request->networks, &parsed, &note) != FP_OK) {
        plan_wrong(&json, &wrong, "networks", note.text);
    }
    json_end_array(&json);
    if (!wrong) {
        errors->len = start;
        return FP_OK;
    }
    return FP_E_FIELD_INVALID;
}

// The connection that is named, which must be this application's where one is named, too.
static enum fp_error plan_named(struct registry *registry, const struct connection_request *request,
                                struct store_connection *out)
{
    enum fp_error error = owner_get_connection(registry, request->connection, out);
    if (error == FP_OK && request->application.len != 0 &&
        !bytes_equal_text(request->application, out->application)) {
        error = FP_E_CONNECTION_NOT_FOUND;
    }
    return error;
}

enum fp_error registry_connection_plan(struct registry *registry,
                                       const struct connection_request *request,
                                       struct connection_plan *out, struct buf *errors)
{
    struct store_application application = {0};
    struct store_connection row = {0};
    struct connection_plan plan = {0};
    bool again = request->connection.len != 0;
    struct bytes networks = request->networks, platform = request->platform;
    enum fp_error error = again
                              ? plan_named(registry, request, &row)
                              : owner_get_application(registry, request->application, &application);
    if (error == FP_OK && again && row.state >= CONNECTION_DISCONNECTED) {
        error = FP_E_STATE_CONFLICT;
    }
    error = error != FP_OK ? error : plan_fields(request, again, errors);
    if (error != FP_OK) {
        return error;
    }
    if (networks.len == 0) {
        networks = bytes_of_text(again ? row.networks : application.networks);
    }
    if (again) {
        platform = bytes_of_text(row.platform);
    }
    if (!bytes_to_text(networks, plan.networks, sizeof plan.networks) ||
        !bytes_to_text(platform, plan.platform, sizeof plan.platform)) {
        return FP_E_LIMIT_EXCEEDED;
    }
    *out = plan;
    return FP_OK;
}

static enum fp_error connect_find_customer(struct registry_job *job,
                                           const struct connection_request *request,
                                           struct connect *c)
{
    char email[FP_LIMIT_EMAIL_TEXT + 1];
    enum fp_error error = FP_OK;
    fields_fold_email(request->email, email, sizeof email);
    error = store_find_customer(job->registry->parts.store, c->application.id, email, &c->customer);
    if (error == FP_OK) {
        return registry_customer_lives(job->registry, &c->customer);
    }
    if (error != FP_E_STORE_NOT_FOUND) {
        return error;
    }
    c->new_customer = true;
    id_make("cus", job->now_ms, c->customer.id);
    memcpy(c->customer.application, c->application.id, sizeof c->customer.application);
    memcpy(c->customer.email, email, sizeof c->customer.email);
    c->customer.created_ms = job->now_ms;
    c->customer.version = 1;
    return bytes_to_text(request->name, c->customer.name, sizeof c->customer.name)
               ? FP_OK
               : FP_E_FIELD_INVALID;
}

// A connection of the same customer, platform and name that waits to be connected again.
static enum fp_error connect_find_waiting(struct registry_job *job,
                                          const struct connection_request *request,
                                          struct connect *c)
{
    char platform[sizeof c->connection.platform];
    struct store_query query = {.application = c->application.id,
                                .customer = c->customer.id,
                                .platform = platform,
                                .state = CONNECTION_REQUIRES_REAUTHORIZATION,
                                .newest_first = true,
                                .limit = FP_LIMIT_STORE_LIST};
    struct store_connection *rows = NULL;
    size_t count = 0;
    enum fp_error error = FP_OK;
    if (c->new_customer || !bytes_to_text(request->platform, platform, sizeof platform)) {
        return FP_OK;
    }
    error = store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (bytes_equal_text(request->name, rows[i].name)) {
            error = proof_check_connection(job->registry->parts.ring, &rows[i]);
            c->connection = rows[i];
            break;
        }
    }
    return error;
}

static enum fp_error connect_find(struct registry_job *job,
                                  const struct connection_request *request, struct connect *c)
{
    bool again = request->connection.len != 0;
    enum fp_error error = FP_OK;
    if (again) {
        error = plan_named(job->registry, request, &c->connection);
    }
    if (error == FP_OK) {
        error = owner_get_application(
            job->registry, again ? bytes_of_text(c->connection.application) : request->application,
            &c->application);
    }
    if (error == FP_OK) {
        error = token_environment_parse(bytes_of_text(c->application.environment), &c->environment);
    }
    if (error == FP_OK && again) {
        error =
            store_get_customer(job->registry->parts.store, c->connection.customer, &c->customer);
        return error != FP_OK ? error : registry_customer_lives(job->registry, &c->customer);
    }
    error = error != FP_OK ? error : connect_find_customer(job, request, c);
    return error != FP_OK ? error : connect_find_waiting(job, request, c);
}

static enum fp_error connect_fill_new(struct registry_job *job,
                                      const struct connection_request *request, struct connect *c)
{
    struct store_connection *row = &c->connection;
    c->new_connection = true;
    id_make("con", job->now_ms, row->id);
    memcpy(row->application, c->application.id, sizeof row->application);
    memcpy(row->customer, c->customer.id, sizeof row->customer);
    row->state = CONNECTION_PENDING;
    row->created_ms = job->now_ms;
    row->version = 1;
    if (!bytes_to_text(request->platform, row->platform, sizeof row->platform) ||
        !bytes_to_text(request->name, row->name, sizeof row->name) ||
        !bytes_to_text(request->email, row->email, sizeof row->email)) {
        return FP_E_FIELD_INVALID;
    }
    return FP_OK;
}

static enum fp_error connect_advance(struct registry_job *job,
                                     const struct connection_request *request, struct connect *c)
{
    struct store_connection *row = &c->connection;
    struct bytes networks = request->networks;
    struct connection_life life = {(enum connection_state)row->state, CONNECTION_REASON_CREATED,
                                   row->changed_ms, row->credential_version};
    struct connection_event event = {c->new_connection ? CONNECTION_EVENT_VERIFIED
                                                       : CONNECTION_EVENT_RECONNECTED,
                                     job->now_ms, 0, 0};
    struct connection_step step = {0};
    enum fp_error error = connection_advance(&life, &event, &step);
    if (error != FP_OK) {
        return error;
    }
    c->old_version = row->credential_version;
    c->effects = step.effects;
    row->state = step.life.state;
    row->changed_ms = step.life.since_ms;
    row->credential_version = step.life.credential_version;
    if (networks.len == 0 && c->new_connection) {
        networks = bytes_of_text(c->application.networks);
    }
    if ((networks.len != 0 && !bytes_to_text(networks, row->networks, sizeof row->networks)) ||
        !bytes_to_text(bytes_of_text(connection_reason_name(step.life.reason)), row->reason,
                       sizeof row->reason) ||
        !bytes_to_text(bytes_slice(request->account, 0, FP_LIMIT_ACCOUNT_TEXT), row->account,
                       sizeof row->account)) {
        return FP_E_FIELD_INVALID;
    }
    return proof_make_connection(job->registry->parts.ring, row);
}

static enum fp_error connect_store_customer(struct registry_job *job, const struct connect *c)
{
    struct keyring_row key = {0};
    struct store_data_key row = {0};
    struct store_batch *batch = job_batch(job);
    enum fp_error error = FP_OK;
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    error = keyring_make(job->registry->parts.ring, c->customer.id, 1, &key);
    if (error != FP_OK) {
        return error;
    }
    // undone when this attempt fails
    memcpy(job->fresh_customer, c->customer.id, sizeof job->fresh_customer);
    key_rows_fill(&key, job->now_ms, &row);
    store_insert_customer(batch, &c->customer);
    store_insert_data_key(batch, &row);
    return FP_OK;
}

static enum fp_error connect_store_credential(struct registry_job *job,
                                              const struct connection_request *request,
                                              const struct connect *c)
{
    char record[PLACE_RECORD];
    struct seal_place place = place_of_credential(c->customer.id, c->connection.id,
                                                  c->connection.credential_version, record);
    struct store_credential row = {.credential_version = c->connection.credential_version,
                                   .created_ms = job->now_ms,
                                   .version = 1};
    struct buf sealed;
    enum fp_error error = FP_OK;
    buf_init(&sealed, CREDENTIAL_MAX);
    error = keyring_seal(job->registry->parts.ring, &place, request->credentials, &sealed);
    if (error == FP_OK) {
        memcpy(row.connection, c->connection.id, sizeof row.connection);
        row.sealed = buf_bytes(&sealed);
        store_insert_credential(job_batch(job), &row);
        if (c->old_version != 0) {
            store_delete_credential(job_batch(job), c->connection.id, c->old_version);
        }
    }
    buf_done(&sealed);
    return error;
}

static void connect_write_answer(struct registry_job *job, const struct connect *c,
                                 const struct store_token *token, const char *text)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "access_token", text);
    json_name(&json, "refresh_token");
    json_null(&json);
    wire_write_expires_in(&json, token->expires_ms, job->now_ms);
    json_member_text_c(&json, "token_type", "bearer");
    json_member_text_c(&json, "key", c->connection.id);
    json_member_text_c(&json, "name", c->connection.name);
    json_member_text_c(&json, "status",
                       connection_state_name((enum connection_state)c->connection.state));
    json_member_text_c(&json, "status_reason", c->connection.reason);
    json_member_text_c(&json, "integration_name", c->connection.platform);
    json_member_text_c(&json, "account",
                       c->connection.account[0] != '\0' ? c->connection.account : NULL);
    json_member_time(&json, "created_at", c->connection.created_ms);
    json_end_object(&json);
    json_end_object(&json);
}

// A customer's browser gets no token: the application issues one for the connection it is told.
static enum fp_error connect_finish_link(struct registry_job *job, struct connect *c)
{
    enum fp_error error = FP_OK;
    if ((c->effects & CONNECTION_EFFECT_SUPERSEDE_TOKENS) != 0) {
        error = mint_end_all(job, c->connection.id, REASON_SUPERSEDED);
    }
    error = error != FP_OK ? error : connect_link_burn(job, &c->link, c->connection.id);
    return error != FP_OK ? error : connect_link_answer(job, &c->link, &c->connection);
}

static enum fp_error connect_token(struct registry_job *job, const struct connect *c)
{
    struct mint_plan plan = {.form = {TOKEN_KIND_CONNECTION, c->environment},
                             .owner = c->connection.id,
                             .application = c->application.id,
                             .scopes = "",
                             .expires_ms = mint_default_expiry(job)};
    struct store_token row = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    enum fp_error error = FP_OK;
    if ((c->effects & CONNECTION_EFFECT_SUPERSEDE_TOKENS) != 0) {
        error = mint_end_all(job, c->connection.id, REASON_SUPERSEDED);
    }
    error = error != FP_OK ? error : mint_token(job, &plan, &row, text);
    if (error == FP_OK) {
        connect_write_answer(job, c, &row, text);
    }
    mem_wipe(text, sizeof text);
    return error;
}

// The rows of the attempt into the batch, the records in front of them.
static enum fp_error connect_store(struct registry_job *job,
                                   const struct connection_request *request,
                                   const struct connect *c)
{
    struct store_batch *batch = job_batch(job);
    enum fp_error error = batch != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK && c->new_customer) {
        job_record(job, AUDIT_CUSTOMER_CREATE)->customer = bytes_of_text(c->customer.id);
        error = connect_store_customer(job, c);
    }
    if (error != FP_OK) {
        return error;
    }
    job_record(job, c->new_connection ? AUDIT_CONNECTION_CREATE : AUDIT_CONNECTION_STATE)
        ->customer = bytes_of_text(c->customer.id);
    job_record(job, AUDIT_CREDENTIAL_STORE)->customer = bytes_of_text(c->customer.id);
    if (c->new_connection) {
        store_insert_connection(batch, &c->connection);
    } else {
        store_update_connection(batch, &c->connection);
        error = outbox_connection(job, &c->connection);
        job->rights = true;
    }
    return error != FP_OK ? error : connect_store_credential(job, request, c);
}

static enum fp_error connect_build(struct registry_job *job)
{
    const struct connection_request *request = job->input;
    struct connect *c = arena_alloc(job->scratch, 1, sizeof *c);
    enum fp_error error = c != NULL ? connect_find(job, request, c) : FP_E_NO_MEMORY;
    if (error == FP_OK && c->connection.id[0] == '\0') {
        error = connect_fill_new(job, request, c);
    }
    error = error != FP_OK ? error : connect_advance(job, request, c);
    if (error == FP_OK && request->link.len != 0) {
        error = connect_link_get(job->registry, request->link, job->now_ms, &c->link);
    }
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, c->application.id, sizeof job->application);
    memcpy(job->connection, c->connection.id, sizeof job->connection);
    error = connect_store(job, request, c);
    if (error == FP_OK && (c->effects & CONNECTION_EFFECT_FORGET) != 0) {
        error = job_forget(job, c->connection.id);
    }
    if (error == FP_OK) {
        error = c->link.id[0] != '\0' ? connect_finish_link(job, c) : connect_token(job, c);
    }
    return error;
}

void registry_connection_create(struct registry *registry, const struct registry_caller *caller,
                                const struct connection_request *request, registry_done *done,
                                void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct connection_request *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->application);
        job_keep(job, &input->connection);
        job_keep(job, &input->name);
        job_keep(job, &input->email);
        job_keep(job, &input->platform);
        job_keep(job, &input->networks);
        job_keep(job, &input->account);
        job_keep(job, &input->credentials);
        job_keep(job, &input->link);
    }
    job_run(job, connect_build);
}
