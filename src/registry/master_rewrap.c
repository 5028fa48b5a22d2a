// Replacing the master key of a running server. The new one wraps only once the store says that it
// is coming; rows that were made before and are still on their way are written before the barrier,
// an audited slice that changes nothing. The store belongs to the new key when a whole pass over
// the rows found none of the old one's. SPDX-License-Identifier: Apache-2.0
#include "registry/master_rewrap.h"

#include "registry/key_rows.h"
#include "registry/master_rotation.h"
#include "registry/registry_int.h"

#include <string.h>

#define REWRAP_PAGES  4 // looked at in one slice where there is nothing to do
#define REWRAP_PASSES 8 // over all rows; the last one finds nothing
#define REWRAP_EARLY  8 // slices after which the answer comes

enum rewrap_stage { REWRAP_CLAIM, REWRAP_BARRIER, REWRAP_PAGES_OF_KEYS, REWRAP_FINISH };

struct rewrap_at {
    enum rewrap_stage stage;  // of the slice
    struct key_cursor cursor; // its rows begin behind it
    unsigned pass;            // over the rows
    bool found;               // in this pass, before this slice
};

struct rewrap {
    struct master_key *to;        // owned until the ring has it
    struct master_progress sofar; // told to whoever asks
    struct rewrap_at now;         // slice in hand
    struct rewrap_at next;        // slice after it
    uint64_t looked;              // rows looked at in the slice in hand
    uint64_t rewrapped;           // of them wrapped anew
    unsigned slices;              // so far
    bool told;                    // the answer is out
    bool listed;                  // it is the registry's
};

static void rewrap_write(struct json_out *json, const struct master_progress *p, const char *state)
{
    char from[KEY_ID_TEXT], to[KEY_ID_TEXT];
    key_id_text(&p->from, from);
    key_id_text(&p->to, to);
    json_begin_object(json);
    json_name(json, "data");
    json_begin_object(json);
    json_member_text_c(json, "state", state);
    json_member_text_c(json, "master_key", to);
    json_member_text_c(json, "old_master_key", from);
    json_member_i64(json, "keys", (int64_t)p->keys);
    json_member_i64(json, "keys_done", (int64_t)p->keys_done);
    json_member_i64(json, "rewrapped", (int64_t)p->rewrapped);
    json_member_bool(json, "was_done", p->was_done);
    if (p->ended != FP_OK) {
        json_member_i64(json, "error", (int64_t)p->ended);
        json_member_text_c(json, "code", fp_error_code(p->ended));
    }
    json_end_object(json);
    json_end_object(json);
}

static enum fp_error rewrap_answer(struct registry_job *job, const char *state)
{
    const struct rewrap *r = job->input;
    struct json_out json = json_out_start(&job->body);
    rewrap_write(&json, &r->sofar, state);
    return buf_error(&job->body);
}

enum fp_error master_rewrap_show(struct registry_job *job)
{
    const struct master_progress *p = &job->registry->rewrapped;
    struct json_out json = json_out_start(&job->body);
    const char *ended = p->ended == FP_OK ? "done" : "failed";
    rewrap_write(&json, p,
                 job->registry->rewrapping != NULL ? "under_way"
                 : p->known                        ? ended
                                                   : "none");
    return buf_error(&job->body);
}

static enum fp_error rewrap_record(struct registry_job *job, const char *stage)
{
    const struct rewrap *r = job->input;
    struct audit_record *record = job_record(job, AUDIT_KEY_ROTATE);
    char from[KEY_ID_TEXT], to[KEY_ID_TEXT];
    struct buf text;
    struct bytes copy = {0};
    enum fp_error error = FP_OK;
    key_id_text(&r->sofar.from, from);
    key_id_text(&r->sofar.to, to);
    buf_init(&text, 512);
    buf_printf(
        &text, "{\"stage\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"rewrapped\":%llu,\"keys\":%llu}",
        stage, from, to, (unsigned long long)r->sofar.rewrapped, (unsigned long long)r->sofar.keys);
    error = buf_error(&text);
    copy = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    record->detail = copy;
    return error == FP_OK && copy.ptr == NULL ? FP_E_NO_MEMORY : error;
}

// ------------------------------------------------------------------------------------ the claim

// The store says which key is coming. One that is there already is of a try before.
static enum fp_error rewrap_claim(struct registry_job *job)
{
    struct rewrap *r = job->input;
    struct store *store = job->registry->parts.store;
    struct store_setting there;
    struct store_setting row = {.name = MASTER_ROTATION_SETTING,
                                .value = bytes_of(r->sofar.to.b, sizeof r->sofar.to.b)};
    enum fp_error error = store_get_setting(store, MASTER_ROTATION_SETTING, job->scratch, &there);
    if (error == FP_OK && !bytes_equal(there.value, row.value)) {
        return FP_E_KEY_OTHER_MASTER;
    }
    if (error == FP_E_STORE_NOT_FOUND) {
        store_insert_setting(job_batch(job), &row);
        error = FP_OK;
    }
    if (error == FP_OK) {
        error = store_count(store, STORE_DATA_KEY, NULL, &r->sofar.keys);
    }
    r->next.stage = REWRAP_BARRIER;
    return error == FP_OK ? rewrap_record(job, "begin") : error;
}

static enum fp_error rewrap_barrier(struct registry_job *job)
{
    struct rewrap *r = job->input;
    if (r->to != NULL) {
        keyring_take_master(job->registry->parts.ring, r->to);
        r->to = NULL; // moved
    }
    r->next.stage = REWRAP_PAGES_OF_KEYS;
    return rewrap_record(job, "barrier");
}

// The store belongs to the new key from here on.
static enum fp_error rewrap_finish(struct registry_job *job)
{
    uint8_t check[KEYRING_CHECK_SIZE];
    struct store_setting row = {.name = "key_check", .value = bytes_of(check, sizeof check)};
    enum fp_error error =
        keyring_check_make(keyring_master(job->registry->parts.ring),
                           bytes_of_text(store_id(job->registry->parts.store)), check);
    if (error == FP_OK) {
        store_put_setting(job_batch(job), &row);
        store_delete_setting(job_batch(job), MASTER_ROTATION_SETTING);
        error = rewrap_record(job, "end");
    }
    return error == FP_OK ? rewrap_answer(job, "done") : error;
}

// ------------------------------------------------------------------------------------- the rows

static enum fp_error rewrap_row(struct registry_job *job, struct store_data_key *row)
{
    struct rewrap *r = job->input;
    struct keyring_row now = {0}, next = {0};
    enum fp_error error = FP_OK;
    if (row->state == STORE_KEY_DESTROYED ||
        memcmp(row->master_id, r->sofar.to.b, sizeof row->master_id) == 0) {
        return FP_OK;
    }
    error = key_rows_read(row, &now);
    error = error != FP_OK ? error : keyring_rewrap_row(job->registry->parts.ring, &now, &next);
    if (error == FP_OK) {
        memcpy(row->master_id, next.master.b, sizeof row->master_id);
        row->wrapped = bytes_of(next.wrapped, next.wrapped_len);
        store_update_data_key(job_batch(job), row); // copies what next holds
        r->rewrapped++;
    }
    return error;
}

static enum fp_error rewrap_pass_end(struct rewrap *r)
{
    if (!r->now.found && r->rewrapped == 0) {
        r->next.stage = REWRAP_FINISH;
        return FP_OK;
    }
    if (r->now.pass + 1 == REWRAP_PASSES) {
        return FP_E_SERVICE_UNAVAILABLE; // somebody still wraps with the old one: later
    }
    r->next = (struct rewrap_at){.stage = REWRAP_PAGES_OF_KEYS, .pass = r->now.pass + 1};
    return FP_OK;
}

static enum fp_error rewrap_pages(struct registry_job *job)
{
    struct rewrap *r = job->input;
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_data_key *rows = NULL;
    size_t count = FP_LIMIT_STORE_LIST;
    enum fp_error error = FP_OK;
    r->next = r->now;
    for (unsigned page = 0;
         page < REWRAP_PAGES && r->rewrapped == 0 && count == FP_LIMIT_STORE_LIST; page++) {
        struct key_cursor *cursor = &r->next.cursor;
        query.after = cursor->customer[0] != '\0' ? cursor->customer : NULL;
        query.after_number = cursor->version;
        error =
            store_list_data_keys(job->registry->parts.store, &query, job->scratch, &rows, &count);
        for (size_t i = 0; error == FP_OK && i < count; i++) {
            error = rewrap_row(job, &rows[i]);
        }
        if (error != FP_OK) {
            return error;
        }
        r->looked += count;
        if (count != 0) {
            memcpy(cursor->customer, rows[count - 1].customer, sizeof cursor->customer);
            cursor->version = rows[count - 1].key_version;
        }
    }
    r->next.found = r->now.found || r->rewrapped != 0;
    return count < FP_LIMIT_STORE_LIST ? rewrap_pass_end(r) : FP_OK;
}

// ----------------------------------------------------------------------------------- the slices

// What the slice before did is on disk.
static enum fp_error rewrap_advance(struct registry_job *job)
{
    struct rewrap *r = job->input;
    enum fp_error error = FP_OK;
    r->sofar.rewrapped += r->rewrapped;
    if (r->now.pass == 0) {
        r->sofar.keys_done += r->looked;
    }
    if (r->sofar.keys < r->sofar.keys_done) {
        r->sofar.keys = r->sofar.keys_done; // new customers meanwhile
    }
    r->now = r->next;
    job->registry->rewrapped = r->sofar;
    if (++r->slices > REWRAP_EARLY && !r->told) {
        r->told = true;
        error = rewrap_answer(job, "under_way");
        if (error == FP_OK) {
            job_tell(job);
        }
    }
    return error;
}

static enum fp_error rewrap_build(struct registry_job *job)
{
    struct rewrap *r = job->input;
    enum fp_error error = job->registry->stopping ? FP_E_SERVICE_UNAVAILABLE : FP_OK;
    if (error == FP_OK && job->attempts == 1) {
        error = rewrap_advance(job);
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    r->looked = 0;
    r->rewrapped = 0;
    job->again = r->now.stage != REWRAP_FINISH;
    switch (r->now.stage) {
    case REWRAP_CLAIM:
        return rewrap_claim(job);
    case REWRAP_BARRIER:
        return rewrap_barrier(job);
    case REWRAP_PAGES_OF_KEYS:
        return rewrap_pages(job);
    case REWRAP_FINISH:
        break;
    }
    return rewrap_finish(job);
}

static void rewrap_ended(struct registry_job *job, enum fp_error error)
{
    struct registry *registry = job->registry;
    struct rewrap *r = job->input;
    if (r->listed) {
        r->sofar.ended = error;
        r->sofar.known = true;
        registry->rewrapped = r->sofar;
        registry->rewrapping = NULL;
        if (error == FP_OK) {
            keyring_drop_previous(registry->parts.ring);
        }
    }
    master_free(r->to);
    r->to = NULL;
}

static enum fp_error rewrap_was_done(struct registry_job *job)
{
    job_record(job, AUDIT_KEY_ROTATE)->detail = BYTES("{\"stage\":\"was_done\"}");
    return rewrap_answer(job, "done");
}

// It goes on already, perhaps by itself after a stop: whoever asks may look on.
static enum fp_error rewrap_joined(struct registry_job *job)
{
    struct json_out json = json_out_start(&job->body);
    rewrap_write(&json, &job->registry->rewrapped, "under_way");
    return buf_error(&job->body);
}

static enum fp_error rewrap_busy(struct registry_job *job)
{
    (void)job;
    return FP_E_KEY_ROTATING;
}

static enum fp_error rewrap_other(struct registry_job *job)
{
    (void)job;
    return FP_E_KEY_OTHER_MASTER; // that one is to be finished first
}

static enum fp_error rewrap_no_key(struct registry_job *job)
{
    (void)job;
    return FP_E_KEY_INVALID;
}

// to: NULL for the one that the ring has already.
static void rewrap_run(struct registry_job *job, struct rewrap *r, struct master_key *to)
{
    struct registry *registry = job->registry;
    struct keyring *ring = registry->parts.ring;
    const struct master_key *previous = keyring_previous(ring);
    const struct key_id *now = master_id(keyring_master(ring));
    const bool same = to == NULL || key_id_equal(master_id(to), now);
    job->ended = rewrap_ended;
    r->sofar.from = previous != NULL ? *master_id(previous) : *now;
    r->sofar.to = same ? *now : *master_id(to);
    if (same) {
        master_free(to);
    } else {
        r->to = to;
    }
    if (registry->rewrapping != NULL) {
        job_run(job,
                key_id_equal(&r->sofar.to, &registry->rewrapped.to) ? rewrap_joined : rewrap_busy);
    } else if (same && previous == NULL) {
        r->sofar.was_done = true;
        job_run(job, rewrap_was_done);
    } else if (!same && previous != NULL) {
        job_run(job, rewrap_other);
    } else {
        r->listed = true;
        registry->rewrapping = job;
        registry->rewrapped = r->sofar;
        job_run(job, rewrap_build);
    }
}

void registry_master_rotate(struct registry *registry, const struct registry_caller *caller,
                            struct bytes key, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct rewrap *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    struct master_key *to = NULL;
    if (input == NULL || strcmp(registry->parts.config->key_source, "file") != 0 ||
        master_text_parse(key, &to, NULL) != FP_OK) {
        job_run(job, rewrap_no_key);
        return;
    }
    rewrap_run(job, input, to);
}

static void rewrap_no_one(void *ctx, const struct registry_result *result)
{
    (void)ctx;
    (void)result; // its end stands in the audit log
}

bool master_rewrap_tick(struct registry *registry)
{
    const struct registry_caller self = {.actor = AUDIT_BY_SYSTEM};
    struct registry_job *job = NULL;
    struct rewrap *input = NULL;
    if (registry->rewrapping == NULL && registry->rewrap_resume && !registry->stopping &&
        keyring_previous(registry->parts.ring) != NULL) {
        job = job_create(registry, &self, rewrap_no_one, NULL);
        input = job != NULL ? job_input(job, sizeof *input) : NULL;
        if (input == NULL) {
            job_run(job, rewrap_no_key);
        } else {
            rewrap_run(job, input, NULL);
        }
    }
    registry->rewrap_resume = false;
    return registry->rewrapping != NULL;
}
