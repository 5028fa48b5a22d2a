// Erasing customers. Nothing can be made for the customer once the first slice is built; what was
// built before it is written before the second, because records and batches keep their order. The
// keys go from memory only after they are gone from the store.
// SPDX-License-Identifier: Apache-2.0
#include "registry/erase.h"

#include "registry/advance.h"
#include "registry/erasure.h"
#include "registry/fields.h"
#include "registry/mint.h"
#include "registry/proof.h"
#include "registry/reason.h"
#include "store/replay_rows.h"

#include <string.h>

#define ERASE_PAGE 100 // rows looked at in one slice

enum erase_stage {
    ERASE_BEGIN,      // refuse whatever is new
    ERASE_LINKS,      // connect links that name the customer
    ERASE_END,        // connections: tokens, credentials, metadata, names
    ERASE_KEYS,       // data keys and the customer's name and address
    ERASE_MARK,       // connections again: erased
    ERASE_SCRUB,      // old contents out of the store's files
    ERASE_CERTIFICATE // say so
};

struct erase_at {
    enum erase_stage stage; // of the slice
    char after[ID_TEXT];    // its rows begin behind this one; "": at the first
};

struct erase {
    struct bytes id;      // cus_...
    struct erase_at now;  // slice in hand
    struct erase_at next; // slice after it
    bool repeat;          // ERASE_MARK found one that had not ended
    uint64_t record;      // number of the record that says that all is done
};

static void erase_go_on(struct erase *e, enum erase_stage stage, const char *after)
{
    e->next.stage = stage;
    (void)bytes_to_text(bytes_of_text(after), e->next.after, sizeof e->next.after);
}

static enum fp_error erase_record(struct registry_job *job, enum audit_action action,
                                  const char *stage)
{
    const struct erase *e = job->input;
    struct audit_record *record = job_record(job, action);
    struct buf text;
    struct bytes copy = {0};
    enum fp_error error = FP_OK;
    buf_init(&text, 128);
    buf_printf(&text, "{\"stage\":\"%s\"}", stage);
    error = buf_error(&text);
    copy = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    record->customer = e->id;
    record->detail = copy;
    return error == FP_OK && copy.ptr == NULL ? FP_E_NO_MEMORY : error;
}

// ------------------------------------------------------------------------------------ the links

static bool erase_names(struct registry_job *job, const struct store_customer *customer,
                        const struct store_connect_link *link)
{
    const char *const connections[] = {link->connection, link->connected};
    char email[FP_LIMIT_EMAIL_TEXT + 1];
    fields_fold_email(bytes_of_text(link->email), email, sizeof email);
    if (email[0] != '\0' && strcmp(email, customer->email) == 0) {
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        struct store_connection row = {0};
        if (connections[i][0] != '\0' &&
            store_get_connection(job->registry->parts.store, connections[i], &row) == FP_OK &&
            strcmp(row.customer, customer->id) == 0) {
            return true;
        }
    }
    return false;
}

static enum fp_error erase_links(struct registry_job *job, const struct store_customer *customer)
{
    struct erase *e = job->input;
    struct store_query query = {.application = customer->application, .limit = ERASE_PAGE};
    struct store_connect_link *rows = NULL;
    size_t count = 0;
    enum fp_error error = FP_OK;
    query.after = e->now.after[0] != '\0' ? e->now.after : NULL;
    error =
        store_list_connect_links(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (erase_names(job, customer, &rows[i])) {
            store_delete_connect_link(job_batch(job), rows[i].id);
        }
    }
    if (error == FP_OK && count == ERASE_PAGE) {
        erase_go_on(e, ERASE_LINKS, rows[count - 1].id);
    } else {
        erase_go_on(e, ERASE_END, "");
    }
    return error;
}

// ------------------------------------------------------------------------------ the connections

static bool erase_is_blank(const struct store_connection *row)
{
    return row->name[0] == '\0' && row->email[0] == '\0' && row->account[0] == '\0' &&
           row->networks[0] == '\0';
}

static void erase_blank(struct store_connection *row)
{
    memset(row->name, 0, sizeof row->name);
    memset(row->email, 0, sizeof row->email);
    memset(row->account, 0, sizeof row->account);
    memset(row->networks, 0, sizeof row->networks);
}

// Everything of one connection that is not gone yet. One a slice: it may have as many tokens as a
// batch has room for.
static enum fp_error erase_end_one(struct registry_job *job, struct store_connection *row)
{
    struct connection_event event = {CONNECTION_EVENT_DISCONNECTED, job->now_ms, 0,
                                     CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    struct connection_step step = {0};
    const struct erase *e = job->input;
    enum fp_error error = FP_OK;
    erase_blank(row);
    if (row->state < CONNECTION_DISCONNECTED) {
        error = advance_connection(job, row, &event, &step);
    } else {
        error = proof_make_connection(job->registry->parts.ring, row);
        store_update_connection(job_batch(job), row);
    }
    error = error != FP_OK ? error : mint_end_all(job, row->id, REASON_DISCONNECTED);
    error = error != FP_OK ? error : job_forget(job, row->id);
    if (error == FP_OK) {
        memcpy(job->connection, row->id, sizeof job->connection);
        store_delete_credential(job_batch(job), row->id, 0);
        store_delete_replays(job_batch(job), row->id);
        store_delete_metadata(job_batch(job), row->id);
        job_record(job, AUDIT_CONNECTION_DELETE)->customer = e->id;
        job_record(job, AUDIT_CREDENTIAL_DESTROY)->customer = e->id;
    }
    return error;
}

static enum fp_error erase_page(struct registry_job *job, const struct store_customer *customer,
                                struct store_connection **rows_out, size_t *count_out)
{
    const struct erase *e = job->input;
    struct store_query query = {.customer = customer->id, .limit = ERASE_PAGE};
    query.after = e->now.after[0] != '\0' ? e->now.after : NULL;
    return store_list_connections(job->registry->parts.store, &query, job->scratch, rows_out,
                                  count_out);
}

static enum fp_error erase_end(struct registry_job *job, const struct store_customer *customer)
{
    struct erase *e = job->input;
    struct store_connection *rows = NULL;
    size_t count = 0, i = 0;
    enum fp_error error = erase_page(job, customer, &rows, &count);
    if (error != FP_OK) {
        return error;
    }
    while (i < count && rows[i].state >= CONNECTION_DISCONNECTED && erase_is_blank(&rows[i])) {
        i++;
    }
    if (i < count) {
        erase_go_on(e, ERASE_END, rows[i].id);
        return erase_end_one(job, &rows[i]);
    }
    if (count == ERASE_PAGE) {
        erase_go_on(e, ERASE_END, rows[count - 1].id);
    } else {
        erase_go_on(e, ERASE_KEYS, "");
    }
    return FP_OK;
}

static enum fp_error erase_mark_one(struct registry_job *job, struct store_connection *row)
{
    struct erase *e = job->input;
    struct connection_event event = {CONNECTION_EVENT_ERASED, job->now_ms, 0, 0};
    struct connection_step step = {0};
    if (row->state == CONNECTION_ERASED) {
        return FP_OK;
    }
    if (row->state != CONNECTION_DISCONNECTED || !erase_is_blank(row)) {
        e->repeat = true;
        return FP_OK;
    }
    store_delete_credential(job_batch(job), row->id, 0);
    store_delete_replays(job_batch(job), row->id);
    store_delete_metadata(job_batch(job), row->id);
    return advance_connection(job, row, &event, &step);
}

// After the keys: a connection that was made in between is ended like the others, then all are
// marked.
static enum fp_error erase_mark(struct registry_job *job, const struct store_customer *customer)
{
    struct erase *e = job->input;
    struct store_connection *rows = NULL;
    size_t count = 0;
    enum fp_error error = erase_page(job, customer, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = erase_mark_one(job, &rows[i]);
    }
    if (error != FP_OK) {
        return error;
    }
    if (count == ERASE_PAGE) {
        erase_go_on(e, ERASE_MARK, rows[count - 1].id);
    } else {
        erase_go_on(e, e->repeat ? ERASE_END : ERASE_SCRUB, "");
    }
    return erase_record(job, AUDIT_CONNECTION_STATE, "erased");
}

// ------------------------------------------------------------------------------------- the keys

static enum fp_error erase_list_keys(struct registry_job *job, struct store_data_key **rows_out,
                                     size_t *count_out)
{
    const struct erase *e = job->input;
    struct store_query query = {.customer = (const char *)e->id.ptr, .limit = FP_LIMIT_STORE_LIST};
    return store_list_data_keys(job->registry->parts.store, &query, job->scratch, rows_out,
                                count_out);
}

static enum fp_error erase_keys(struct registry_job *job, struct store_customer *customer)
{
    struct erase *e = job->input;
    struct store_data_key *rows = NULL;
    size_t count = 0;
    enum fp_error error = erase_list_keys(job, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (rows[i].state != STORE_KEY_DESTROYED) {
            rows[i].state = STORE_KEY_DESTROYED;
            rows[i].wrapped = (struct bytes){0};
            store_update_data_key(job_batch(job), &rows[i]);
        }
    }
    if (error == FP_OK && customer->erased_ms == 0) {
        customer->erased_ms = job->now_ms;
        memset(customer->name, 0, sizeof customer->name);
        memset(customer->email, 0, sizeof customer->email);
        // unique within the application, and no address that anybody could have
        memcpy(customer->email, customer->id, sizeof customer->id);
        store_update_customer(job_batch(job), customer);
    }
    erase_go_on(e, ERASE_MARK, "");
    e->repeat = false;
    return error != FP_OK ? error : erase_record(job, AUDIT_KEY_DESTROY, "keys");
}

// ------------------------------------------------------------------------------ the certificate

static void erase_setting_name(const struct erase *e, struct store_setting *row)
{
    struct buf name;
    buf_init(&name, sizeof row->name - 1);
    buf_append_text(&name, ERASE_SETTING);
    buf_append_bytes(&name, e->id);
    (void)bytes_to_text(buf_bytes(&name), row->name, sizeof row->name);
    buf_done(&name);
}

static void erase_answer(struct registry_job *job, const struct store_customer *customer,
                         struct bytes certificate)
{
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "customer", customer->id);
    json_member_text_c(&json, "application", customer->application);
    json_member_time(&json, "erased_at", customer->erased_ms);
    json_name(&json, "certificate");
    json_raw(&json, certificate);
    json_end_object(&json);
    json_end_object(&json);
}

static enum fp_error erase_certificate(struct registry_job *job,
                                       const struct store_customer *customer)
{
    struct erase *e = job->input;
    struct store *store = job->registry->parts.store;
    struct store_query query = {.customer = customer->id};
    struct erasure_facts facts = {.customer = customer,
                                  .store = store_id(store),
                                  .by = audit_actor_text(job->caller.actor),
                                  .by_id = job->caller.actor_id,
                                  .record = e->record,
                                  .now_ms = job->now_ms};
    struct store_data_key *rows = NULL;
    struct store_setting row = {0};
    struct buf text;
    enum fp_error error = erase_list_keys(job, &rows, &facts.key_count);
    buf_init(&text, ERASURE_MAX);
    facts.keys = rows;
    error =
        error != FP_OK ? error : store_count(store, STORE_CONNECTION, &query, &facts.connections);
    if (error == FP_OK) {
        error = erasure_certify(audit_signer_of(job->registry->parts.audit), &facts, &text);
    }
    if (error == FP_OK) {
        erase_setting_name(e, &row);
        row.value = buf_bytes(&text);
        store_put_setting(job_batch(job), &row);
        erase_answer(job, customer, row.value);
    }
    buf_done(&text);
    return error;
}

// The certificate that was made then; FP_E_STORE_NOT_FOUND: there is none yet.
static enum fp_error erase_was_done(struct registry_job *job, const struct store_customer *customer)
{
    struct store_setting row = {0}, there = {0};
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (customer->erased_ms != 0) {
        erase_setting_name(job->input, &row);
        error = store_get_setting(job->registry->parts.store, row.name, job->scratch, &there);
    }
    if (error == FP_OK) {
        erase_answer(job, customer, there.value);
        job_record(job, AUDIT_OPERATOR_VIEW)->customer = ((struct erase *)job->input)->id;
    }
    return error;
}

// ------------------------------------------------------------------------------------ the slices

static enum fp_error erase_begin(struct registry_job *job, const struct store_customer *customer,
                                 bool *done_out)
{
    struct erase *e = job->input;
    enum fp_error error = erase_was_done(job, customer);
    *done_out = error == FP_OK;
    if (error != FP_E_STORE_NOT_FOUND) {
        return error;
    }
    error = job_erase(job, customer->id);
    if (error != FP_OK) {
        return error;
    }
    erase_go_on(e, ERASE_LINKS, "");
    return erase_record(job, AUDIT_CUSTOMER_ERASE, "begin");
}

static enum fp_error erase_scrub(struct registry_job *job)
{
    struct erase *e = job->input;
    store_scrub(job_batch(job));
    erase_go_on(e, ERASE_CERTIFICATE, "");
    return erase_record(job, AUDIT_CUSTOMER_ERASE, "end");
}

static enum fp_error erase_slice(struct registry_job *job, struct store_customer *customer)
{
    const struct erase *e = job->input;
    switch (e->now.stage) {
    case ERASE_LINKS:
        return erase_links(job, customer);
    case ERASE_END:
        return erase_end(job, customer);
    case ERASE_KEYS:
        return erase_keys(job, customer);
    case ERASE_MARK:
        return erase_mark(job, customer);
    case ERASE_SCRUB:
        return erase_scrub(job);
    case ERASE_BEGIN:
    case ERASE_CERTIFICATE:
        break;
    }
    return erase_certificate(job, customer);
}

static enum fp_error erase_customer(struct registry_job *job, const struct erase *e,
                                    struct store_customer *out)
{
    enum fp_error error = FP_E_CUSTOMER_NOT_FOUND;
    if (id_valid(e->id, "cus")) {
        error = store_get_customer(job->registry->parts.store, (const char *)e->id.ptr, out);
    }
    if (error == FP_OK) {
        memcpy(job->application, out->application, sizeof job->application);
        job->connection[0] = '\0';
    }
    return error == FP_E_STORE_NOT_FOUND ? FP_E_CUSTOMER_NOT_FOUND : error;
}

static enum fp_error erase_build(struct registry_job *job)
{
    struct erase *e = job->input;
    struct store_customer customer = {0};
    bool done = false;
    enum fp_error error = erase_customer(job, e, &customer);
    if (error != FP_OK) {
        return error;
    }
    if (job->attempts == 1) {
        e->now = e->next;
        e->record = job->record_seq;
    }
    if (e->now.stage == ERASE_BEGIN) {
        error = erase_begin(job, &customer, &done);
        if (error != FP_OK || done) {
            return error;
        }
    }
    if (e->now.stage == ERASE_MARK) {
        // the keys are gone from the store: now from memory
        keyring_forget(job->registry->parts.ring, customer.id);
    }
    if (job_batch(job) == NULL) {
        return FP_E_NO_MEMORY;
    }
    job->rights = true;
    job->again = e->now.stage != ERASE_CERTIFICATE;
    return e->now.stage == ERASE_BEGIN ? FP_OK : erase_slice(job, &customer);
}

void registry_customer_erase(struct registry *registry, const struct registry_caller *caller,
                             struct bytes customer, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct erase *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        input->id = customer;
        job_keep(job, &input->id);
    }
    job_run(job, erase_build);
}
