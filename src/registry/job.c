// One operation on its way: build, audit record on disk, store, callback. Where somebody else was
// faster (a version or a name taken in between) it is built again from what the store then says.
// SPDX-License-Identifier: Apache-2.0
#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/query.h"
#include "registry/registry_int.h"

#include <string.h>

#define JOB_ATTEMPTS 12
#define JOB_ARENA    (4u * 1024 * 1024)
#define JOB_BODY     1048576 // as ANSWER and CONTROL_ANSWER carry it
#define JOB_DETAIL   8192

static struct bytes job_copy(struct registry_job *job, struct bytes data, bool *good)
{
    struct bytes copy = arena_copy(job->arena, data);
    *good = *good && (copy.ptr != NULL || data.len == 0);
    return copy;
}

static bool job_copy_caller(struct registry_job *job, const struct registry_caller *caller)
{
    bool good = true;
    job->caller.actor = caller->actor;
    job->caller.actor_id = job_copy(job, caller->actor_id, &good);
    job->caller.application = job_copy(job, caller->application, &good);
    job->caller.token = job_copy(job, caller->token, &good);
    job->caller.request_id = job_copy(job, caller->request_id, &good);
    job->caller.address = job_copy(job, caller->address, &good);
    job->caller.reason = job_copy(job, caller->reason, &good);
    return good;
}

static void job_free(struct registry_job *job)
{
    if (job != NULL) {
        store_batch_free(job->batch);
        arena_free(job->arena);
        arena_free(job->scratch);
        buf_done(&job->body);
        buf_done(&job->detail);
        buf_done(&job->errors);
        mem_free(job);
    }
}

struct registry_job *job_create(struct registry *registry, const struct registry_caller *caller,
                                registry_done *done, void *ctx)
{
    struct registry_job *job = mem_alloc(1, sizeof *job);
    struct registry_result none = {.error = FP_E_NO_MEMORY, .application = "", .connection = ""};
    if (job != NULL) {
        job->registry = registry;
        job->done = done;
        job->ctx = ctx;
        buf_init_sensitive(&job->body, JOB_BODY);
        buf_init(&job->detail, JOB_DETAIL);
        buf_init(&job->errors, JOB_DETAIL);
        job->arena = arena_create(JOB_ARENA, true);
        job->scratch = arena_create(JOB_ARENA, true);
        if (job->arena != NULL && job->scratch != NULL && job_copy_caller(job, caller)) {
            registry->under_way++;
            return job;
        }
    }
    job_free(job);
    done(ctx, &none);
    return NULL;
}

void *job_input(struct registry_job *job, size_t size)
{
    job->input = arena_alloc(job->arena, 1, size);
    return job->input;
}

void job_keep(struct registry_job *job, struct bytes *field)
{
    struct bytes copy = arena_copy(job->arena, *field);
    if (copy.ptr == NULL) {
        job->input = NULL;
    }
    *field = copy;
}

struct audit_record *job_record(struct registry_job *job, enum audit_action action)
{
    struct audit_record *record = NULL;
    if (job->record_count == JOB_RECORDS) {
        fp_bug("more audit records than a job has");
    }
    record = &job->records[job->record_count++];
    *record = (struct audit_record){
        .action = action,
        .actor = job->caller.actor,
        .actor_id = job->caller.actor_id,
        .application =
            job->application[0] != '\0' ? bytes_of_text(job->application) : job->caller.application,
        .connection = bytes_of_text(job->connection),
        .token = job->caller.token,
        .request_id = job->caller.request_id,
        .address = job->caller.address,
        .result = FP_OK,
        .time_ms = job->now_ms,
    };
    return record;
}

struct store_batch *job_batch(struct registry_job *job)
{
    if (job->batch == NULL) {
        job->batch = store_batch_create(job->registry->parts.store);
    }
    return job->batch;
}

enum fp_error job_forget(struct registry_job *job, const char *connection)
{
    struct job_forgotten *entry = arena_alloc(job->scratch, 1, sizeof *entry);
    if (entry == NULL) {
        return FP_E_NO_MEMORY;
    }
    memcpy(entry->connection, connection, strlen(connection) + 1);
    entry->next = job->forgotten;
    job->forgotten = entry;
    return FP_OK;
}

enum fp_error registry_customer_lives(const struct registry *registry,
                                      const struct store_customer *customer)
{
    for (const struct registry_job *j = registry->erasing; j != NULL; j = j->next_erasing) {
        if (strcmp(j->erasing, customer->id) == 0) {
            return FP_E_CUSTOMER_ERASED;
        }
    }
    return customer->erased_ms != 0 ? FP_E_CUSTOMER_ERASED : FP_OK;
}

enum fp_error job_erase(struct registry_job *job, const char *customer)
{
    struct store_customer row = {0};
    if (job->erasing[0] != '\0') {
        return FP_OK; // an attempt before this one said so
    }
    if (!bytes_to_text(bytes_of_text(customer), row.id, sizeof row.id) ||
        registry_customer_lives(job->registry, &row) != FP_OK) {
        return FP_E_CUSTOMER_ERASED;
    }
    memcpy(job->erasing, row.id, sizeof job->erasing);
    job->next_erasing = job->registry->erasing;
    job->registry->erasing = job;
    return FP_OK;
}

static void job_erase_end(struct registry_job *job)
{
    struct registry_job **link = &job->registry->erasing;
    while (*link != NULL && *link != job) {
        link = &(*link)->next_erasing;
    }
    if (*link == job) {
        *link = job->next_erasing;
    }
}

enum fp_error job_field(struct registry_job *job, const char *field, const char *message)
{
    struct json_out json = json_out_start(&job->errors);
    // rows are collected without their brackets
    json.need_comma = job->errors.len != 0;
    model_error_row(&json, bytes_of_text(field), fp_error_code(FP_E_FIELD_INVALID), message);
    return FP_E_FIELD_INVALID;
}

enum fp_error job_outputs_error(const struct registry_job *job)
{
    enum fp_error error = buf_error(&job->body);
    error = error != FP_OK ? error : buf_error(&job->detail);
    error = error != FP_OK ? error : buf_error(&job->errors);
    if (error == FP_OK && job->batch != NULL) {
        error = store_batch_error(job->batch);
    }
    return error;
}

static void job_told(void *ctx, const struct registry_result *result)
{
    (void)ctx;
    (void)result;
}

void job_tell(struct registry_job *job)
{
    struct registry_result result = {.body = buf_bytes(&job->body),
                                     .application = job->application,
                                     .connection = job->connection};
    job->done(job->ctx, &result);
    job->done = job_told;
    job->ctx = NULL;
    buf_clear(&job->body);
}

static void job_finish(struct registry_job *job, enum fp_error error)
{
    struct registry_result result = {.error = error != FP_OK ? error : job->verdict,
                                     .application = job->application,
                                     .connection = job->connection};
    struct buf errors;
    buf_init(&errors, JOB_DETAIL + 2);
    if (result.error == FP_OK) {
        result.body = buf_bytes(&job->body);
        result.cookie = job->cookie;
        result.session = job->session;
    } else {
        result.detail = buf_bytes(&job->detail);
        if (job->errors.len != 0) {
            buf_append_byte(&errors, '[');
            buf_append_bytes(&errors, buf_bytes(&job->errors));
            buf_append_byte(&errors, ']');
            result.errors = buf_bytes(&errors);
        }
        if (job->fresh_customer[0] != '\0') {
            keyring_forget(job->registry->parts.ring, job->fresh_customer);
        }
    }
    job_erase_end(job);
    if (job->ended != NULL) {
        job->ended(job, result.error);
    }
    job->registry->under_way--;
    job->done(job->ctx, &result);
    buf_done(&errors);
    job_free(job);
}

static void job_attempt(struct registry_job *job);

static bool job_lost_a_race(enum fp_error error)
{
    return error == FP_E_STORE_CONFLICT || error == FP_E_EXISTS || error == FP_E_STORE_NOT_FOUND;
}

// The records said what was going to happen; it did not.
static void job_record_failure(struct registry_job *job, enum fp_error error)
{
    enum fp_error lost = FP_OK;
    if (job->record_count != 0) {
        struct audit_record record = job->records[0];
        record.result = error;
        record.detail = (struct bytes){0};
        lost = audit_append(job->registry->parts.audit, &record, NULL, NULL);
        (void)lost; // the operation fails anyway
    }
}

static void job_written(void *ctx, enum fp_error result)
{
    struct registry_job *job = ctx;
    if (result != FP_OK) {
        job_record_failure(job, result);
        if (job_lost_a_race(result) && job->attempts < JOB_ATTEMPTS) {
            job_attempt(job);
        } else {
            job_finish(job, result);
        }
        return;
    }
    job->fresh_customer[0] = '\0';
    job->registry->epoch += job->rights ? 1 : 0;
    for (struct job_forgotten *f = job->forgotten; f != NULL; f = f->next) {
        if (job->registry->changed != NULL) {
            job->registry->changed(job->registry->changed_ctx, f->connection);
        }
    }
    if (job->again) {
        job->attempts = 0;
        job_attempt(job);
    } else {
        job_finish(job, FP_OK);
    }
}

static void job_write(struct registry_job *job)
{
    struct store_batch *batch = job->batch;
    enum fp_error error = FP_OK;
    if (batch == NULL) {
        job_finish(job, FP_OK);
        return;
    }
    job->batch = NULL; // taken over, also on failure
    error = store_submit(job->registry->parts.store, batch, job_written, job);
    if (error != FP_OK) {
        job_record_failure(job, error);
        job_finish(job, error);
    }
}

static void job_recorded(void *ctx, enum fp_error result)
{
    struct registry_job *job = ctx;
    job->failure = job->failure != FP_OK ? job->failure : result;
    job->record_seq = audit_done_seq(job->registry->parts.audit);
    job->records_open--;
    if (job->records_open != 0) {
        return;
    }
    if (job->failure != FP_OK) {
        job_finish(job, FP_E_AUDIT_UNAVAILABLE);
    } else {
        job_write(job);
    }
}

// Why an operator does it stands in every record, among what else is told there.
static enum fp_error job_add_reason(struct registry_job *job, struct audit_record *record)
{
    struct bytes inner = bytes_slice(record->detail, 1, record->detail.len);
    struct buf text;
    struct json_out json = json_out_start(&text);
    enum fp_error error = FP_OK;
    if (job->caller.reason.len == 0) {
        return FP_OK;
    }
    buf_init(&text, FP_LIMIT_AUDIT_DETAIL);
    json_begin_object(&json);
    json_member_text(&json, "reason", job->caller.reason);
    if (inner.len > 1) {
        buf_append_byte(&text, ',');
        buf_append_bytes(&text, inner);
    } else {
        json_end_object(&json);
    }
    error = buf_error(&text);
    if (error == FP_OK) {
        record->detail = arena_copy(job->scratch, buf_bytes(&text));
        error = record->detail.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    return error;
}

static void job_audit(struct registry_job *job)
{
    for (unsigned i = 0; i < job->record_count; i++) {
        enum fp_error error = job_add_reason(job, &job->records[i]);
        error = error != FP_OK
                    ? error
                    : audit_append(job->registry->parts.audit, &job->records[i], job_recorded, job);
        if (error != FP_OK) {
            job->failure = FP_E_AUDIT_UNAVAILABLE;
            break;
        }
        job->records_open++;
    }
    if (job->records_open == 0) {
        job_finish(job, FP_E_AUDIT_UNAVAILABLE);
    }
}

static void job_attempt(struct registry_job *job)
{
    enum fp_error error = FP_OK;
    if (job->fresh_customer[0] != '\0') {
        keyring_forget(job->registry->parts.ring, job->fresh_customer);
        job->fresh_customer[0] = '\0';
    }
    buf_clear(&job->body);
    buf_clear(&job->detail);
    buf_clear(&job->errors);
    arena_reset(job->scratch);
    job->record_count = 0;
    job->failure = FP_OK;
    job->verdict = FP_OK;
    job->forgotten = NULL;
    job->again = false;
    job->attempts++;
    job->now_ms = clock_wall_ms();
    error = job->build(job);
    error = error != FP_OK ? error : job_outputs_error(job);
    if (error != FP_OK) {
        job_finish(job, error);
    } else if (job->record_count == 0) {
        job_write(job);
    } else {
        job_audit(job);
    }
}

void job_run(struct registry_job *job, job_build *build)
{
    if (job == NULL) {
        return;
    }
    if (job->input == NULL) {
        job_finish(job, FP_E_NO_MEMORY);
        return;
    }
    job->build = build;
    job_attempt(job);
}
