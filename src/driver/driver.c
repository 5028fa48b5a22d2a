// The public side of a run: start, next request, feed, result. What happens in between: run.c.
// SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "base/mem.h"
#include "driver/run_int.h"
#include "mapping/value.h"

#include <string.h>

static void *driver_alc_malloc(void *ctx, size_t size)
{
    return arena_alloc(ctx, 1, size);
}

static void *driver_alc_realloc(void *ctx, void *old, size_t old_size, size_t size)
{
    void *fresh = arena_alloc(ctx, 1, size);
    if (fresh != NULL && old != NULL) {
        memcpy(fresh, old, old_size < size ? old_size : size);
    }
    return fresh;
}

static void driver_alc_free(void *ctx, void *block)
{
    (void)ctx;
    (void)block; // the arena wipes and frees all of it at the end
}

static const struct driver_ops *driver_find(const char *name)
{
    static const struct driver_ops *const all[] = {&driver_jsonrpc, &driver_rest};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

// The credential's values by the definition's fields. A URL loses its slashes at the end.
static bool driver_take_credentials(struct driver_run *run)
{
    const struct mapping *m = run->call.mapping;
    struct bytes text = run->call.credentials;
    yyjson_doc *doc = NULL;
    if (!json_depth_within(text, 4) || text.len > FP_LIMIT_CREDENTIALS_JSON) {
        return false;
    }
    char *copy = arena_text(run->arena, text);
    doc = copy != NULL ? yyjson_read_opts(copy, text.len, 0, &run->sensitive_alc, NULL) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    for (unsigned i = 0; i < m->credential_count; i++) {
        yyjson_val *value = yyjson_obj_get(root, m->credentials[i].name);
        if (!yyjson_is_str(value)) {
            if (!m->credentials[i].optional) {
                return false;
            }
            continue;
        }
        struct bytes bytes = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
        while (m->credentials[i].kind == CREDENTIAL_URL && bytes_ends_with(bytes, BYTES("/"))) {
            bytes.len--;
        }
        run->credentials[i] = (struct run_value){bytes, false, true};
    }
    return true;
}

static void driver_unsupported(struct driver_run *run)
{
    const struct model_operation *operation = run->call.operation;
    struct json_out j = json_out_start(&run->detail);
    json_begin_object(&j);
    json_member_text_c(&j, "platform", run->call.mapping->platform);
    json_member_text_c(&j, "entity",
                       operation->entity != NULL ? operation->entity->name : operation->id);
    json_member_text_c(&j, "operation", operation->id);
    json_end_object(&j);
    run__fail(run, FP_E_OPERATION_UNSUPPORTED);
}

static bool driver_take_session(struct driver_run *run, struct bytes session)
{
    if (session.len == 0 || !run__session_load(run, session)) {
        return false;
    }
    run__session_save(run);
    run__begin(run);
    return true;
}

// With the session that the platform needs, or after it.
static void driver_go(struct driver_run *run)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    if (run->call.operation == NULL || w->step_count == 0) {
        run__login_begin(run);
    } else if (w->verify_only) {
        run__begin(run);
    } else if (!driver_take_session(run, run->call.session)) {
        run__session_wait(run);
    }
}

static void driver_begin(struct driver_run *run)
{
    const struct model_operation *operation = run->call.operation;
    const struct mapping *m = run->call.mapping;
    run->ops = driver_find(m->driver);
    if (run->ops == NULL) {
        run__fail_with(run, FP_E_INTERNAL, "No such driver.", (struct bytes){0});
        return;
    }
    if (operation != NULL && operation->kind == MODEL_KIND_STATUSES) {
        if (mapping_statuses_of(m, operation) != NULL) {
            run__answer_statuses(run);
            return;
        }
    }
    if (operation != NULL) {
        run->resource = mapping_resource_of(m, operation);
        if (run->resource == NULL || (m->domains & 1u << operation->domain) == 0) {
            driver_unsupported(run);
            return;
        }
    }
    if (!driver_take_credentials(run)) {
        run__fail_with(run, FP_E_SOURCE_SETTINGS_INVALID,
                       "The stored credentials are not those that the platform needs.",
                       (struct bytes){0});
        return;
    }
    if (operation != NULL &&
        !(operation->write ? run__write_prepare(run) : run__read_prepare(run))) {
        return;
    }
    driver_go(run);
}

enum fp_error driver_start(const struct driver_call *call, struct driver_run **out)
{
    struct driver_run *run = mem_alloc(1, sizeof *run);
    struct arena *arena = arena_create(FP_LIMIT_RUN_MEMORY, true);
    if (run == NULL || arena == NULL) {
        mem_free(run);
        arena_free(arena);
        return FP_E_NO_MEMORY;
    }
    run->call = *call;
    run->arena = arena;
    run->sensitive_alc =
        (yyjson_alc){driver_alc_malloc, driver_alc_realloc, driver_alc_free, arena};
    run->slots = arena_alloc(arena, FP_LIMIT_SOURCE_CALLS_PER_CALL, sizeof(struct driver_slot *));
    buf_init(&run->order, 1u << 16);
    buf_init_sensitive(&run->record, 4u << 20);
    buf_init(&run->body, FP_LIMIT_RUN_BODY);
    buf_init(&run->detail, 8192);
    buf_init(&run->errors, 8190);
    run->errors_out = json_out_start(&run->errors);
    mapping_clauses_init(&run->clauses);
    if (run->slots == NULL) {
        driver_free(run);
        return FP_E_NO_MEMORY;
    }
    driver_begin(run);
    *out = run;
    return FP_OK;
}

bool driver_next(struct driver_run *run, unsigned *number_out, struct client_request *out)
{
    unsigned under_way = 0;
    if (run->phase == RUN_DONE) {
        return false;
    }
    for (unsigned i = 0; i < run->slot_count; i++) {
        under_way += run->slots[i]->given && !run->slots[i]->answered ? 1 : 0;
    }
    for (unsigned i = 0; i < run->slot_count && under_way < RUN_PARALLEL; i++) {
        struct driver_slot *slot = run->slots[i];
        if (slot->given) {
            continue;
        }
        enum fp_error error = run->ops->prepare(run, slot);
        if (error != FP_OK) {
            run__fail(run, error);
            return false;
        }
        slot->given = true;
        run->result.source_calls++;
        *number_out = slot->number;
        *out = slot->request;
        return true;
    }
    return false;
}

bool driver_needs_session(const struct driver_run *run)
{
    return run->phase == RUN_SESSION;
}

void driver_log_in(struct driver_run *run)
{
    if (run->phase == RUN_SESSION) {
        run__login_begin(run);
    }
}

void driver_use_session(struct driver_run *run, struct bytes session)
{
    // One that does not fit was made by another version of the definition.
    if (run->phase == RUN_SESSION && !driver_take_session(run, session)) {
        run__login_begin(run);
    }
}

struct bytes driver_session(const struct driver_run *run)
{
    return run->result.session;
}

static void driver_advance(struct driver_run *run, struct driver_slot *slot)
{
    if (run->phase == RUN_LOGIN) {
        run__login_answered(run, slot);
    } else if (run__slots_answered(run)) {
        run__answered(run);
    }
}

void driver_feed(struct driver_run *run, unsigned number, struct client_answer *answer)
{
    struct driver_slot *slot = NULL;
    enum mapping_verdict verdict = VERDICT_FAILED;
    for (unsigned i = 0; i < run->slot_count && run->phase != RUN_DONE; i++) {
        if (run->slots[i]->number == number && run->slots[i]->given && !run->slots[i]->answered) {
            slot = run->slots[i];
        }
    }
    if (slot == NULL) {
        return; // of a phase that is over
    }
    if (answer->status != 0) {
        run->result.source_status = answer->status;
    }
    if (answer->error != FP_OK && slot->purpose == SLOT_FOR_WRITE && answer->sent) {
        run__write_unknown(run, answer->note.text);
        return;
    }
    if (answer->error != FP_OK) {
        run->result.retry_after_s = answer->error == FP_E_SOURCE_UNREACHABLE ? 10 : 0;
        run__fail_with(run, answer->error, answer->note.text, (struct bytes){0});
        return;
    }
    enum fp_error error = run->ops->open(run, slot, answer, &verdict);
    slot->answered = true;
    if (error == FP_E_SOURCE_FAILED) {
        run__verdict(run, slot, verdict, answer);
    } else if (error != FP_OK) {
        run__fail(run, error);
    } else {
        driver_advance(run, slot);
    }
}

bool driver_give_up_write(struct driver_run *run, const char *reason)
{
    const struct driver_slot *slot = run->slot_count != 0 ? run->slots[0] : NULL;
    bool out = run->phase == RUN_WRITE && slot != NULL && slot->given;
    if (run->phase == RUN_DONE || (!out && !run->written)) {
        return false;
    }
    if (out) {
        run__write_unknown(run, reason);
    } else {
        run__fail_with(run, FP_E_SOURCE_TIMEOUT, reason, (struct bytes){0});
    }
    return true;
}

bool driver_is_done(const struct driver_run *run)
{
    return run->phase == RUN_DONE;
}

const struct driver_result *driver_result(const struct driver_run *run)
{
    return &run->result;
}

void driver_free(struct driver_run *run)
{
    if (run == NULL) {
        return;
    }
    run__slots_clear(run);
    yyjson_doc_free(run->parents_doc);
    mapping_clauses_done(&run->clauses);
    buf_done(&run->order);
    buf_done(&run->record);
    buf_done(&run->body);
    buf_done(&run->detail);
    buf_done(&run->errors);
    arena_free(run->arena);
    mem_free(run);
}
