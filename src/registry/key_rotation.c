// Replacing a customer's data key. The new key is used only once its row is on disk: until then,
// whatever is sealed is sealed with the old one. What was sealed so and is still on its way is
// written before the barrier, an audited slice that changes nothing, since records and batches keep
// their order. Rows that somebody changes in between undo a slice, which is then built anew.
// SPDX-License-Identifier: Apache-2.0
#include "registry/key_rotation_int.h"

#include "registry/key_rows.h"
#include "registry/place.h"

#include <string.h>

#define ROTATE_PAGE   16 // connections, at most, whose records are sealed anew in one slice
#define ROTATE_PAGES  4  // looked at in one slice where there is nothing to do
#define ROTATE_PASSES 8  // over all connections; the last one finds nothing
#define ROTATE_EARLY  8  // slices after which the answer comes

enum rotate_stage {
    ROTATE_BEGIN,   // the new key's row; the old one's says that it is being replaced
    ROTATE_BARRIER, // see above
    ROTATE_RECORDS, // pass after pass
    ROTATE_RETIRE   // nothing is left under the old key
};

struct rotate_at {
    enum rotate_stage stage; // of the slice
    char after[ID_TEXT];     // its connections begin behind this one; "": at the first
    unsigned pass;           // over the connections
    bool found;              // in this pass, before this slice
};

struct rotate {
    struct key_progress progress; // first: told to whoever asks
    struct rotate_at now;         // slice in hand
    struct rotate_at next;        // slice after it
    uint64_t looked;              // connections looked at in the slice in hand
    uint64_t resealed;            // records of the slice in hand
    uint64_t unopened;            // the same, that no key opens
    unsigned slices;              // so far
    bool resumed;                 // it was interrupted before
    bool told;                    // the answer is out
};

static void rotate_go_on(struct rotate *r, enum rotate_stage stage, const char *after)
{
    r->next.stage = stage;
    (void)bytes_to_text(bytes_of_text(after), r->next.after, sizeof r->next.after);
}

static enum fp_error rotate_record(struct registry_job *job, const char *stage)
{
    const struct rotate *r = job->input;
    struct audit_record *record = job_record(job, AUDIT_KEY_ROTATE);
    struct buf text;
    struct bytes copy = {0};
    enum fp_error error = FP_OK;
    buf_init(&text, 256);
    buf_printf(&text,
               "{\"stage\":\"%s\",\"version\":%u,\"records\":%llu,\"unopened\":%llu,"
               "\"resumed\":%s}",
               stage, (unsigned)r->progress.version, (unsigned long long)r->resealed,
               (unsigned long long)r->unopened, r->resumed ? "true" : "false");
    error = buf_error(&text);
    copy = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    record->customer = bytes_of_text(r->progress.customer);
    record->detail = copy;
    return error == FP_OK && copy.ptr == NULL ? FP_E_NO_MEMORY : error;
}

static enum fp_error rotate_answer(struct registry_job *job, const char *state)
{
    const struct rotate *r = job->input;
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    key_rotation_write(&json, &r->progress, state);
    json_end_object(&json);
    json_end_object(&json);
    return buf_error(&job->body);
}

// ------------------------------------------------------------------------------------- the key

// Newest first, so that the one in use is among them however many there were.
static enum fp_error rotate_keys(struct registry_job *job, struct store_data_key **rows_out,
                                 size_t *count_out)
{
    const struct rotate *r = job->input;
    struct store_query query = {
        .customer = r->progress.customer, .newest_first = true, .limit = FP_LIMIT_STORE_LIST};
    return store_list_data_keys(job->registry->parts.store, &query, job->scratch, rows_out,
                                count_out);
}

static enum fp_error rotate_make(struct registry_job *job, struct store_data_key *rows,
                                 size_t count)
{
    struct rotate *r = job->input;
    struct keyring *ring = job->registry->parts.ring;
    struct keyring_row key = {0};
    struct store_data_key row = {0};
    enum fp_error error = FP_OK;
    if (rows[0].key_version == UINT32_MAX) {
        return FP_E_KEY_EXHAUSTED;
    }
    error = keyring_make(ring, r->progress.customer, rows[0].key_version + 1, &key);
    if (error != FP_OK) {
        return error;
    }
    // not to be used before its row is on disk
    keyring_forget(ring, r->progress.customer);
    r->progress.version = key.version;
    key_rows_fill(&key, job->now_ms, &row);
    store_insert_data_key(job_batch(job), &row);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].state == STORE_KEY_ACTIVE) {
            rows[i].state = STORE_KEY_REPLACED;
            store_update_data_key(job_batch(job), &rows[i]);
        }
    }
    return FP_OK;
}

static enum fp_error rotate_begin(struct registry_job *job)
{
    struct rotate *r = job->input;
    struct store_query query = {.customer = r->progress.customer};
    struct store_data_key *rows = NULL;
    size_t count = 0;
    enum fp_error error = rotate_keys(job, &rows, &count);
    if (error == FP_OK) {
        error = store_count(job->registry->parts.store, STORE_CONNECTION, &query,
                            &r->progress.connections);
    }
    if (error == FP_OK && (count == 0 || rows[0].state != STORE_KEY_ACTIVE)) {
        error = FP_E_KEY_INVALID; // no key to replace: somebody else wrote into the store
    }
    r->resumed = false;
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        r->resumed = r->resumed || rows[i].state == STORE_KEY_REPLACED;
    }
    if (error == FP_OK && r->resumed) {
        r->progress.version = rows[0].key_version;
    } else if (error == FP_OK) {
        error = rotate_make(job, rows, count);
    }
    rotate_go_on(r, ROTATE_BARRIER, "");
    return error == FP_OK ? rotate_record(job, "begin") : error;
}

static enum fp_error rotate_barrier(struct registry_job *job)
{
    struct rotate *r = job->input;
    // the new key is on disk: from now on it seals
    keyring_forget(job->registry->parts.ring, r->progress.customer);
    rotate_go_on(r, ROTATE_RECORDS, "");
    return rotate_record(job, "barrier");
}

static enum fp_error rotate_retire(struct registry_job *job)
{
    struct rotate *r = job->input;
    struct store_data_key *rows = NULL;
    size_t count = 0;
    enum fp_error error = rotate_keys(job, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (rows[i].state == STORE_KEY_REPLACED) {
            rows[i].state = STORE_KEY_RETIRED;
            store_update_data_key(job_batch(job), &rows[i]);
        }
    }
    r->resealed = r->progress.resealed; // the record tells the sum
    r->unopened = r->progress.unopened;
    error = error != FP_OK ? error : rotate_record(job, "end");
    return error != FP_OK ? error : rotate_answer(job, "done");
}

// ----------------------------------------------------------------------------------- the records

// Empty where there is nothing to do. A record that no key opens was changed by somebody else, or
// belongs to a key that is gone: it stays as it is, and is counted.
static enum fp_error rotate_reseal(struct registry_job *job, const struct seal_place *place,
                                   struct bytes sealed, struct buf *out)
{
    struct rotate *r = job->input;
    struct keyring *ring = job->registry->parts.ring;
    struct secret plain = {0};
    uint32_t version = 0;
    enum fp_error error = seal_key_version(sealed, &version);
    if (error == FP_OK && version == r->progress.version) {
        return FP_OK;
    }
    error = error != FP_OK ? error : keyring_open(ring, place, sealed, &plain);
    if (error == FP_E_UNSEAL_FAILED || error == FP_E_INPUT_TRUNCATED ||
        error == FP_E_INPUT_INVALID || error == FP_E_STORE_NOT_FOUND) {
        r->unopened++;
        return FP_OK;
    }
    error = error != FP_OK ? error : keyring_seal(ring, place, secret_bytes(&plain), out);
    secret_done(&plain);
    error = error != FP_OK ? error : seal_key_version(buf_bytes(out), &version);
    if (error == FP_OK && version != r->progress.version) {
        error = FP_E_INTERNAL; // would go on for ever
    }
    r->resealed += error == FP_OK ? 1 : 0;
    return error;
}

static enum fp_error rotate_credential(struct registry_job *job, const char *customer,
                                       struct store_credential *row)
{
    char text[PLACE_RECORD];
    struct seal_place place =
        place_of_credential(customer, row->connection, row->credential_version, text);
    struct buf sealed;
    enum fp_error error = FP_OK;
    buf_init(&sealed, FP_LIMIT_CREDENTIALS_JSON + SEAL_OVERHEAD);
    error = rotate_reseal(job, &place, row->sealed, &sealed);
    if (error == FP_OK && sealed.len != 0) {
        row->sealed = buf_bytes(&sealed);
        store_update_credential(job_batch(job), row);
    }
    buf_done(&sealed);
    return error;
}

static enum fp_error rotate_metadata(struct registry_job *job, const struct store_connection *row)
{
    struct seal_place place = place_of_metadata(row->customer, row->id);
    struct store_metadata stored = {0};
    struct buf sealed;
    enum fp_error error =
        store_get_metadata(job->registry->parts.store, row->id, job->scratch, &stored);
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_OK;
    }
    buf_init(&sealed, FP_LIMIT_METADATA_JSON + SEAL_OVERHEAD);
    error = error != FP_OK ? error : rotate_reseal(job, &place, stored.content, &sealed);
    if (error == FP_OK && sealed.len != 0) {
        stored.content = buf_bytes(&sealed);
        store_update_metadata(job_batch(job), &stored);
    }
    buf_done(&sealed);
    return error;
}

static enum fp_error rotate_connection(struct registry_job *job, const struct store_connection *row)
{
    struct store_query query = {.connection = row->id, .limit = FP_LIMIT_STORE_LIST};
    struct store_credential *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_credentials(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        error = rotate_credential(job, row->customer, &rows[i]);
    }
    return error == FP_OK ? rotate_metadata(job, row) : error;
}

// Behind the last connection: another pass, unless this one found nothing.
static enum fp_error rotate_pass_end(struct rotate *r)
{
    if (r->now.found || r->resealed != 0) {
        if (r->now.pass + 1 == ROTATE_PASSES) {
            return FP_E_SERVICE_UNAVAILABLE; // another node still seals with the old key: later
        }
        rotate_go_on(r, ROTATE_RECORDS, "");
        r->next.pass = r->now.pass + 1;
        r->next.found = false;
        return FP_OK;
    }
    rotate_go_on(r, ROTATE_RETIRE, "");
    return FP_OK;
}

static enum fp_error rotate_records(struct registry_job *job)
{
    struct rotate *r = job->input;
    struct store_query query = {.customer = r->progress.customer, .limit = ROTATE_PAGE};
    struct store_connection *rows = NULL;
    const char *after = r->now.after;
    size_t count = ROTATE_PAGE;
    enum fp_error error = FP_OK;
    for (unsigned page = 0; page < ROTATE_PAGES && r->resealed == 0 && count == ROTATE_PAGE;
         page++) {
        query.after = after[0] != '\0' ? after : NULL;
        error =
            store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
        for (size_t i = 0; error == FP_OK && i < count; i++) {
            error = rotate_connection(job, &rows[i]);
        }
        if (error != FP_OK) {
            return error;
        }
        r->looked += count;
        after = count != 0 ? rows[count - 1].id : after;
    }
    rotate_go_on(r, ROTATE_RECORDS, after);
    r->next.pass = r->now.pass;
    r->next.found = r->now.found || r->resealed != 0;
    error = count < ROTATE_PAGE ? rotate_pass_end(r) : FP_OK;
    return error == FP_OK && r->resealed != 0 ? rotate_record(job, "records") : error;
}

// ------------------------------------------------------------------------------------ the slices

static enum fp_error rotate_customer(struct registry_job *job)
{
    const struct rotate *r = job->input;
    struct store_customer customer = {0};
    enum fp_error error = FP_E_CUSTOMER_NOT_FOUND;
    if (job->registry->stopping) {
        return FP_E_SERVICE_UNAVAILABLE;
    }
    if (id_valid(bytes_of_text(r->progress.customer), "cus")) {
        error = store_get_customer(job->registry->parts.store, r->progress.customer, &customer);
    }
    if (error == FP_OK) {
        memcpy(job->application, customer.application, sizeof job->application);
        error = registry_customer_lives(job->registry, &customer);
    }
    return error == FP_E_STORE_NOT_FOUND ? FP_E_CUSTOMER_NOT_FOUND : error;
}

// What the slice before did is on disk.
static enum fp_error rotate_advance(struct registry_job *job)
{
    struct rotate *r = job->input;
    enum fp_error error = FP_OK;
    if (r->now.stage == ROTATE_RECORDS && r->now.pass == 0) {
        r->progress.connections_done += r->looked;
        if (r->progress.connections_done > r->progress.connections) {
            r->progress.connections_done = r->progress.connections;
        }
        r->progress.unopened += r->unopened;
    }
    if (r->now.stage == ROTATE_RECORDS) {
        r->progress.resealed += r->resealed;
    }
    r->now = r->next;
    if (++r->slices > ROTATE_EARLY && !r->told && r->now.stage != ROTATE_RETIRE) {
        r->told = true;
        error = rotate_answer(job, "under_way");
        if (error == FP_OK) {
            job_tell(job);
        }
    }
    return error;
}

static enum fp_error rotate_build(struct registry_job *job)
{
    struct rotate *r = job->input;
    enum fp_error error = rotate_customer(job);
    if (error == FP_OK && job->attempts == 1) {
        error = rotate_advance(job);
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    r->looked = 0;
    r->resealed = 0;
    r->unopened = 0;
    job->again = r->now.stage != ROTATE_RETIRE;
    switch (r->now.stage) {
    case ROTATE_BEGIN:
        return rotate_begin(job);
    case ROTATE_BARRIER:
        return rotate_barrier(job);
    case ROTATE_RECORDS:
        return rotate_records(job);
    case ROTATE_RETIRE:
        break;
    }
    return rotate_retire(job);
}

static void rotate_ended(struct registry_job *job, enum fp_error error)
{
    struct registry *registry = job->registry;
    struct rotate *r = job->input;
    struct registry_job **link = &registry->rotating;
    while (*link != NULL && *link != job) {
        link = &(*link)->next_rotating;
    }
    if (*link == NULL) {
        return; // another one of this customer was under way
    }
    *link = job->next_rotating;
    r->progress.ended = error;
    if (error == FP_OK || r->progress.version != 0) {
        registry->rotated = r->progress;
    }
    if (error != FP_OK && error != FP_E_CUSTOMER_NOT_FOUND && error != FP_E_CUSTOMER_ERASED) {
        registry->rotate_resume = true;
        registry->rotate_not_before_ms = job->now_ms + FP_LIMIT_KEY_ROTATE_PAUSE;
    }
}

static enum fp_error rotate_refused(struct registry_job *job)
{
    (void)job;
    return FP_E_KEY_ROTATING;
}

void registry_key_rotate(struct registry *registry, const struct registry_caller *caller,
                         struct bytes customer, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct rotate *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    bool busy = key_rotation_find(registry, customer) != NULL;
    if (input != NULL) {
        (void)bytes_to_text(customer, input->progress.customer, sizeof input->progress.customer);
        job->ended = rotate_ended;
    }
    if (input != NULL && !busy) {
        job->next_rotating = registry->rotating;
        registry->rotating = job;
    }
    job_run(job, busy ? rotate_refused : rotate_build);
}
