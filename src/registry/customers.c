// Listing and showing customers.
// SPDX-License-Identifier: Apache-2.0
#include "registry/customers.h"

#include "registry/erase.h"
#include "registry/key_status.h"
#include "registry/owner.h"

#include <string.h>

// The members of an open object.
static enum fp_error customers_write(struct registry_job *job, struct json_out *json,
                                     const struct store_customer *row)
{
    struct store_query query = {.customer = row->id};
    bool lives = row->erased_ms == 0;
    uint64_t count = 0;
    enum fp_error error = store_count(job->registry->parts.store, STORE_CONNECTION, &query, &count);
    json_member_text_c(json, "id", row->id);
    json_member_text_c(json, "application", row->application);
    json_member_text_c(json, "name", lives ? row->name : NULL);
    json_member_text_c(json, "email", lives ? row->email : NULL);
    json_member_i64(json, "connections", (int64_t)count);
    json_member_time(json, "created_at", row->created_ms);
    json_member_time(json, "erased_at", row->erased_ms);
    return error;
}

static enum fp_error customers_list(struct registry_job *job)
{
    const struct customer_list *list = job->input;
    struct store_query query = {0};
    struct store_customer *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = owner_list_query(job->registry, list->application, list->after, &query);
    if (error == FP_OK) {
        error =
            store_list_customers(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        json_begin_object(&json);
        error = customers_write(job, &json, &rows[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_member_text_c(&json, "next", count == FP_LIMIT_STORE_LIST ? rows[count - 1].id : NULL);
    json_end_object(&json);
    if (error == FP_OK) {
        struct audit_record *record = job_record(job, AUDIT_OPERATOR_VIEW);
        record->application = list->application;
        record->detail = BYTES("{\"what\":\"customers\"}");
    }
    return error;
}

void registry_customer_list(struct registry *registry, const struct registry_caller *caller,
                            const struct customer_list *list, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct customer_list *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *list;
        job_keep(job, &input->application);
        job_keep(job, &input->after);
    }
    job_run(job, customers_list);
}

static enum fp_error customers_write_keys(struct registry_job *job, struct json_out *json,
                                          const char *customer)
{
    struct store_query query = {.customer = customer, .limit = FP_LIMIT_STORE_LIST};
    struct store_data_key *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_data_keys(job->registry->parts.store, &query, job->scratch, &rows, &count);
    json_name(json, "keys");
    json_begin_array(json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        struct key_id id;
        char text[KEY_ID_TEXT];
        memcpy(id.b, rows[i].key_id, sizeof id.b);
        key_id_text(&id, text);
        json_begin_object(json);
        json_member_i64(json, "version", rows[i].key_version);
        json_member_text_c(json, "state", key_status_state(rows[i].state));
        json_member_text_c(json, "key_id", text);
        json_member_time(json, "created_at", rows[i].created_ms);
        json_end_object(json);
    }
    json_end_array(json);
    return error;
}

static enum fp_error customers_write_certificate(struct registry_job *job, struct json_out *json,
                                                 struct bytes customer)
{
    struct store_setting row = {0};
    struct buf name;
    enum fp_error error = FP_OK;
    buf_init(&name, sizeof row.name);
    buf_append_text(&name, ERASE_SETTING);
    buf_append_bytes(&name, customer);
    error = buf_error(&name) != FP_OK ? buf_error(&name)
                                      : store_get_setting(job->registry->parts.store,
                                                          buf_text(&name), job->scratch, &row);
    buf_done(&name);
    json_name(json, "certificate");
    json_raw(json, error == FP_OK ? row.value : BYTES("null"));
    return error == FP_E_STORE_NOT_FOUND ? FP_OK : error;
}

static enum fp_error customers_show(struct registry_job *job)
{
    const struct bytes *id = job->input;
    struct store_customer row = {0};
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (id_valid(*id, "cus")) {
        error = store_get_customer(job->registry->parts.store, (const char *)id->ptr, &row);
    }
    if (error != FP_OK) {
        return error == FP_E_STORE_NOT_FOUND ? FP_E_CUSTOMER_NOT_FOUND : error;
    }
    memcpy(job->application, row.application, sizeof job->application);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    error = customers_write(job, &json, &row);
    error = error != FP_OK ? error : customers_write_keys(job, &json, row.id);
    error = error != FP_OK ? error : customers_write_certificate(job, &json, *id);
    json_end_object(&json);
    json_end_object(&json);
    if (error == FP_OK) {
        struct audit_record *record = job_record(job, AUDIT_OPERATOR_VIEW);
        record->customer = *id;
        record->detail = BYTES("{\"what\":\"customer\"}");
    }
    return error;
}

void registry_customer_show(struct registry *registry, const struct registry_caller *caller,
                            struct bytes customer, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = customer;
        job_keep(job, input);
    }
    job_run(job, customers_show);
}
