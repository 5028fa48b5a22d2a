// The list of data keys, for operators. Reads rows alone: no key is unwrapped for it.
// SPDX-License-Identifier: Apache-2.0
#include "registry/key_status.h"

#include "registry/registry_int.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

// How old a key may grow: as configured, and where that is never, what is good practice.
static int64_t status_age(const struct registry_job *job)
{
    uint32_t days = job->registry->parts.config->key_rotate_days;
    return (days != 0 ? days : FP_LIMIT_KEY_AGE_DUE) * DAY_MS;
}

const char *key_status_state(uint32_t state)
{
    switch (state) {
    case STORE_KEY_ACTIVE:
        return "active";
    case STORE_KEY_RETIRED:
        return "retired";
    case STORE_KEY_REPLACED:
        return "replaced";
    default:
        return "destroyed";
    }
}

// Why it should be replaced; NULL: it need not be. Only a key that still seals grows old.
static const char *status_due(const struct store_data_key *row, int64_t age_ms, int64_t now_ms)
{
    if (row->state != STORE_KEY_ACTIVE) {
        return NULL;
    }
    if (row->reserved >= FP_LIMIT_KEY_ENCRYPTIONS_DUE) {
        return "count";
    }
    return now_ms - row->created_ms >= age_ms ? "age" : NULL;
}

static void status_write(const struct registry_job *job, struct json_out *json,
                         const struct store_data_key *row)
{
    struct key_id id, master;
    char id_text[KEY_ID_TEXT], master_text[KEY_ID_TEXT];
    memcpy(id.b, row->key_id, sizeof id.b);
    memcpy(master.b, row->master_id, sizeof master.b);
    key_id_text(&id, id_text);
    key_id_text(&master, master_text);
    json_begin_object(json);
    json_member_text_c(json, "customer", row->customer);
    json_member_i64(json, "version", row->key_version);
    json_member_text_c(json, "state", key_status_state(row->state));
    json_member_text_c(json, "key_id", id_text);
    json_member_text_c(json, "master_key_id", master_text);
    json_member_time(json, "created_at", row->created_ms);
    json_member_time(json, "due_at",
                     row->state == STORE_KEY_ACTIVE ? row->created_ms + status_age(job) : 0);
    json_member_i64(json, "encryptions", (int64_t)row->reserved);
    json_member_i64(json, "encryptions_max", FP_LIMIT_KEY_ENCRYPTIONS);
    json_member_text_c(json, "due", status_due(row, status_age(job), job->now_ms));
    json_end_object(json);
}

// "<customer> <version>"; empty: the first page.
static bool status_cursor(struct bytes after, char customer[static ID_TEXT], uint32_t *version_out)
{
    struct bytes rest = after, name = {0};
    uint64_t version = 0;
    if (after.len == 0) {
        return true;
    }
    if (!bytes_split(&rest, ' ', &name) || name.len == 0 ||
        !bytes_to_text(name, customer, ID_TEXT) || !bytes_to_u64(rest, UINT32_MAX, &version)) {
        return false;
    }
    *version_out = (uint32_t)version;
    return true;
}

static enum fp_error status_list(struct registry_job *job)
{
    const struct bytes *after = job->input;
    char customer[ID_TEXT] = "", next[KEY_STATUS_CURSOR] = "";
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_data_key *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = FP_OK;
    if (!status_cursor(*after, customer, &query.after_number)) {
        return job_field(job, "after", "It is no place in the list of keys.");
    }
    query.after = customer[0] != '\0' ? customer : NULL;
    error = store_list_data_keys(job->registry->parts.store, &query, job->scratch, &rows, &count);
    if (error != FP_OK) {
        return error;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        status_write(job, &json, &rows[i]);
    }
    json_end_array(&json);
    if (count == FP_LIMIT_STORE_LIST) {
        snprintf(next, sizeof next, "%s %u", rows[count - 1].customer,
                 (unsigned)rows[count - 1].key_version);
    }
    json_member_text_c(&json, "next", next[0] != '\0' ? next : NULL);
    json_end_object(&json);
    job_record(job, AUDIT_OPERATOR_VIEW)->detail = BYTES("{\"what\":\"keys\"}");
    return FP_OK;
}

void registry_key_status(struct registry *registry, const struct registry_caller *caller,
                         struct bytes after, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = after;
        job_keep(job, input);
    }
    job_run(job, status_list);
}
