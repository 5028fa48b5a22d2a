// Applications: create, list, delete.
// SPDX-License-Identifier: Apache-2.0
#include "registry/applications.h"

#include "auth/redirect_uri.h"
#include "base/mem.h"
#include "base/networks.h"
#include "registry/fields.h"
#include "registry/mint.h"
#include "registry/owner.h"
#include "registry/proof.h"
#include "registry/webhooks.h"
#include "registry/wire.h"
#include "store/replay_rows.h"

#include <string.h>

static bool applications_life_fits(uint32_t seconds)
{
    return seconds == 0 ||
           (seconds >= FP_LIMIT_GRANT_LIFE_MIN && seconds <= FP_LIMIT_GRANT_LIFE_MAX);
}

// How it takes part in OAuth.
static enum fp_error applications_check_oauth(struct registry_job *job,
                                              const struct application_request *request)
{
    const char *wrong = redirect_uris_wrong(request->redirect_uris);
    enum fp_error error = FP_OK;
    if (wrong != NULL) {
        error = job_field(job, "redirect_uris", wrong);
    }
    if (!applications_life_fits(request->access_s)) {
        error = job_field(job, "access_seconds", "60 to 31622400 seconds, or 0 for the default.");
    }
    if (!applications_life_fits(request->refresh_s)) {
        error = job_field(job, "refresh_seconds", "60 to 31622400 seconds, or 0 for the default.");
    }
    return error;
}

static enum fp_error applications_check(struct registry_job *job,
                                        const struct application_request *request,
                                        enum token_environment *environment_out)
{
    struct networks parsed = {0};
    struct fp_note note = {0};
    const char *wrong = fields_wrong_name(request->name);
    enum fp_error error = FP_OK;
    if (wrong != NULL) {
        error = job_field(job, "name", wrong);
    }
    if (token_environment_parse(request->environment, environment_out) != FP_OK) {
        error = job_field(job, "environment", "It must be live or test.");
    }
    if (networks_parse(request->networks, &parsed, &note) != FP_OK) {
        error = job_field(job, "networks", note.text);
    }
    return applications_check_oauth(job, request) != FP_OK ? FP_E_FIELD_INVALID : error;
}

static enum fp_error applications_fill(struct registry_job *job,
                                       const struct application_request *request,
                                       struct store_application *row)
{
    id_make("app", job->now_ms, row->id);
    row->created_ms = job->now_ms;
    row->version = 1;
    if (!bytes_to_text(request->name, row->name, sizeof row->name) ||
        !bytes_to_text(request->environment, row->environment, sizeof row->environment) ||
        !bytes_to_text(request->networks, row->networks, sizeof row->networks) ||
        !bytes_to_text(request->redirect_uris, row->redirect_uris, sizeof row->redirect_uris)) {
        return FP_E_FIELD_INVALID;
    }
    row->access_s = request->access_s;
    row->refresh_s = request->refresh_s;
    row->pkce_optional = request->pkce_optional ? 1 : 0;
    memcpy(job->application, row->id, sizeof job->application);
    return proof_make_application(job->registry->parts.ring, row);
}

static enum fp_error applications_write(struct registry_job *job,
                                        const struct store_application *row)
{
    struct mint_plan plan = {.form = {TOKEN_KIND_CLIENT_SECRET, TOKEN_ENVIRONMENT_NONE},
                             .owner = row->id,
                             .application = row->id,
                             .scopes = ""};
    struct store_token secret = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = mint_token(job, &plan, &secret, text);
    if (error == FP_OK) {
        json_begin_object(&json);
        json_name(&json, "data");
        json_begin_object(&json);
        json_member_text_c(&json, "id", row->id);
        json_member_text_c(&json, "name", row->name);
        json_member_text_c(&json, "environment", row->environment);
        json_member_text_c(&json, "networks", row->networks);
        wire_write_application_oauth(&json, row);
        json_member_text_c(&json, "client_id", row->id);
        json_member_text_c(&json, "client_secret", text);
        json_member_time(&json, "created_at", row->created_ms);
        json_end_object(&json);
        json_end_object(&json);
    }
    mem_wipe(text, sizeof text);
    return error;
}

static enum fp_error applications_create(struct registry_job *job)
{
    const struct application_request *request = job->input;
    enum token_environment environment = TOKEN_ENVIRONMENT_NONE;
    struct store_application row = {0};
    uint64_t count = 0;
    enum fp_error error = applications_check(job, request, &environment);
    if (error == FP_OK) {
        error = store_count(job->registry->parts.store, STORE_APPLICATION, NULL, &count);
    }
    if (error == FP_OK && count >= FP_LIMIT_APPLICATIONS) {
        error = FP_E_LIMIT_EXCEEDED;
    }
    error = error != FP_OK ? error : applications_fill(job, request, &row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    job_record(job, AUDIT_APPLICATION_CREATE);
    store_insert_application(job_batch(job), &row);
    return applications_write(job, &row);
}

void registry_application_create(struct registry *registry, const struct registry_caller *caller,
                                 const struct application_request *request, registry_done *done,
                                 void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct application_request *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *request;
        job_keep(job, &input->name);
        job_keep(job, &input->environment);
        job_keep(job, &input->networks);
        job_keep(job, &input->redirect_uris);
    }
    job_run(job, applications_create);
}

static bool applications_change(const struct application_update *update,
                                struct store_application *row)
{
    const struct application_request *request = &update->request;
    bool fits = true;
    if ((update->changes & APPLICATION_CHANGE_REDIRECT_URIS) != 0) {
        fits = bytes_to_text(request->redirect_uris, row->redirect_uris, sizeof row->redirect_uris);
    }
    if ((update->changes & APPLICATION_CHANGE_ACCESS) != 0) {
        row->access_s = request->access_s;
    }
    if ((update->changes & APPLICATION_CHANGE_REFRESH) != 0) {
        row->refresh_s = request->refresh_s;
    }
    if ((update->changes & APPLICATION_CHANGE_PKCE) != 0) {
        row->pkce_optional = request->pkce_optional ? 1 : 0;
    }
    return fits;
}

static enum fp_error applications_update(struct registry_job *job)
{
    const struct application_update *update = job->input;
    struct store_application row = {0};
    struct store_query connections = {.application = row.id};
    struct json_out json = json_out_start(&job->body);
    uint64_t number = 0;
    enum fp_error error = owner_get_application(job->registry, update->application, &row);
    error = error != FP_OK ? error : applications_check_oauth(job, &update->request);
    if (error == FP_OK && !applications_change(update, &row)) {
        error = FP_E_LIMIT_EXCEEDED;
    }
    error = error != FP_OK ? error : proof_make_application(job->registry->parts.ring, &row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    error = error != FP_OK
                ? error
                : store_count(job->registry->parts.store, STORE_CONNECTION, &connections, &number);
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, row.id, sizeof job->application);
    job_record(job, AUDIT_APPLICATION_UPDATE);
    store_update_application(job_batch(job), &row);
    json_begin_object(&json);
    json_name(&json, "data");
    wire_write_application(&json, &row, number);
    json_end_object(&json);
    return FP_OK;
}

void registry_application_update(struct registry *registry, const struct registry_caller *caller,
                                 const struct application_update *update, registry_done *done,
                                 void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct application_update *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *update;
        job_keep(job, &input->application);
        job_keep(job, &input->request.redirect_uris);
    }
    job_run(job, applications_update);
}

static enum fp_error applications_list(struct registry_job *job)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = FP_OK;
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    do {
        struct store_application *rows = NULL;
        error = store_list_applications(job->registry->parts.store, &query, job->scratch, &rows,
                                        &count);
        for (size_t i = 0; error == FP_OK && i < count; i++) {
            struct store_query connections = {.application = rows[i].id};
            uint64_t number = 0;
            error =
                store_count(job->registry->parts.store, STORE_CONNECTION, &connections, &number);
            wire_write_application(&json, &rows[i], number);
        }
        query.after = error == FP_OK && count != 0 ? rows[count - 1].id : NULL;
    } while (error == FP_OK && count == FP_LIMIT_STORE_LIST);
    json_end_array(&json);
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_APPLICATION_VIEW);
    }
    return error;
}

void registry_application_list(struct registry *registry, const struct registry_caller *caller,
                               registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    if (job != NULL && job_input(job, 1) == NULL) {
        job->input = NULL;
    }
    job_run(job, applications_list);
}

struct delete_input {
    struct bytes id;       // app_...
    bool tokens_gone;      // the first slice: nobody can act for it any more
    bool connections_gone; // the second kind of slice
    bool customers_gone;   // the third
};

#define DELETE_SLICE 100 // connections or customers of one batch; at most 7 operations each

static enum fp_error delete_connections(struct registry_job *job, struct delete_input *input)
{
    struct store_query query = {.application = job->application, .limit = DELETE_SLICE};
    struct store_connection *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        store_delete_credential(job_batch(job), rows[i].id, 0);
        store_delete_metadata(job_batch(job), rows[i].id);
        store_delete_tokens(job_batch(job), rows[i].id);
        store_delete_codes(job_batch(job), rows[i].id);
        store_delete_replays(job_batch(job), rows[i].id);
        store_delete_connection(job_batch(job), rows[i].id);
        error = job_forget(job, rows[i].id);
    }
    input->connections_gone = count < DELETE_SLICE;
    return error;
}

static enum fp_error delete_customers(struct registry_job *job, struct delete_input *input)
{
    struct store_query query = {.application = job->application, .limit = DELETE_SLICE};
    struct store_customer *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_customers(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        store_delete_data_keys(job_batch(job), rows[i].id);
        store_delete_customer(job_batch(job), rows[i].id);
        keyring_forget(job->registry->parts.ring, rows[i].id);
    }
    input->customers_gone = count < DELETE_SLICE;
    return error;
}

static enum fp_error applications_delete(struct registry_job *job)
{
    struct delete_input *input = job->input;
    struct store_application row = {0};
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = owner_get_application(job->registry, input->id, &row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, row.id, sizeof job->application);
    job->rights = true;
    job_record(job, AUDIT_APPLICATION_DELETE);
    if (job->attempts > 1) {
        // something was added meanwhile, by a call that was under way: begin anew
        input->tokens_gone = input->connections_gone = input->customers_gone = false;
    }
    if (!input->tokens_gone) {
        store_delete_tokens(job_batch(job), row.id);
        error = webhooks_delete_all(job, row.id); // nobody is left to be told
        input->tokens_gone = true;
        job->again = true;
    } else if (!input->connections_gone) {
        error = delete_connections(job, input);
        job->again = true;
    } else if (!input->customers_gone) {
        error = delete_customers(job, input);
        job->again = true;
    } else {
        store_delete_tokens(job_batch(job), row.id);
        store_delete_connect_links(job_batch(job), row.id);
        error = webhooks_delete_all(job, row.id);
        store_delete_application(job_batch(job), row.id);
        json_begin_object(&json);
        json_name(&json, "data");
        wire_write_application(&json, &row, 0);
        json_end_object(&json);
    }
    return error;
}

void registry_application_delete(struct registry *registry, const struct registry_caller *caller,
                                 struct bytes application, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct delete_input *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        input->id = application;
        job_keep(job, &input->id);
    }
    job_run(job, applications_delete);
}
