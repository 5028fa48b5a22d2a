// Slots of a run, and how it ends.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "model/etag.h"

#include <string.h>

// The rows with the brackets around; empty when out of memory.
static struct bytes run_errors(struct driver_run *run)
{
    size_t len = run->errors.len;
    uint8_t *array = arena_alloc(run->arena, len + 2, 1);
    if (array == NULL) {
        return BYTES("");
    }
    array[0] = '[';
    memcpy(array + 1, run->errors.ptr, len);
    array[len + 1] = ']';
    return bytes_of(array, len + 2);
}

// What of the answer is sent: nothing where the client has it already.
static void run_finish_body(struct driver_run *run)
{
    const struct model_query *query = run->call.query;
    const struct model_operation *operation = run->call.operation;
    run->result.body = buf_bytes(&run->body);
    if (run->body.len == 0 || operation == NULL || (query != NULL && query->validate_only)) {
        return;
    }
    run->result.etag = run__etag(run, run->result.body);
    if (!operation->write && run->call.condition.len != 0 && run->result.etag.len != 0 &&
        model_etag_listed(run->call.condition, run->result.etag, false)) {
        run->result.unchanged = true;
        run->result.body = BYTES("");
    }
}

static void run_finish(struct driver_run *run, enum fp_error error)
{
    run->phase = RUN_DONE;
    run->result.error = error;
    run->result.detail = buf_error(&run->detail) == FP_OK ? buf_bytes(&run->detail) : BYTES("");
    if (error != FP_OK && run->errors.len != 0 && buf_error(&run->errors) == FP_OK) {
        run->result.errors = run_errors(run);
    }
    run->result.body = BYTES("");
    if (error == FP_OK) {
        run_finish_body(run);
    }
}

void run__fail(struct driver_run *run, enum fp_error error)
{
    if (run->phase == RUN_DONE) {
        return;
    }
    if (error != FP_OK && run->written && run->detail.len == 0) {
        run__fail_with(run, error, fp_error_row(error)->message, (struct bytes){0});
    } else {
        run_finish(run, error);
    }
}

void run__fail_with(struct driver_run *run, enum fp_error error, const char *message,
                    struct bytes source_text)
{
    struct json_out j = json_out_start(&run->detail);
    if (run->phase == RUN_DONE) {
        return;
    }
    json_begin_object(&j);
    json_member_text_c(&j, "platform", run->call.mapping->platform);
    if (run->resource != NULL) {
        json_member_text_c(&j, "object", run->resource->object);
    }
    if (run->result.source_status != 0) {
        json_member_i64(&j, "source_status", run->result.source_status);
    }
    if (message != NULL && message[0] != '\0') {
        json_name(&j, "reason");
        run__clean_text(run, bytes_of_text(message), &j);
    }
    // where the settings are wrong, nobody has logged in: what the source says then may be about
    // its inside (Tryton names the path of its database)
    if (source_text.len != 0 && error != FP_E_SOURCE_SETTINGS_INVALID) {
        json_name(&j, "source_message");
        run__clean_text(run, source_text, &j);
    }
    if (run->written) {
        if (run->call.key.len != 0) {
            json_member_text(&j, "key", run->call.key);
        }
        error = FP_E_WRITTEN_UNREAD;
    }
    json_end_object(&j);
    run_finish(run, error);
}

struct driver_slot *run__slot_add(struct driver_run *run, enum slot_purpose purpose)
{
    struct driver_slot *slot = NULL;
    if (run->slot_count == FP_LIMIT_SOURCE_CALLS_PER_CALL ||
        run->result.source_calls >= FP_LIMIT_SOURCE_CALLS_PER_CALL) {
        run__fail(run, FP_E_LIMIT_EXCEEDED);
        return NULL;
    }
    slot = arena_alloc(run->arena, 1, sizeof *slot);
    if (slot == NULL) {
        run__fail(run, FP_E_NO_MEMORY);
        return NULL;
    }
    slot->number = ++run->numbers;
    slot->purpose = purpose;
    run->slots[run->slot_count++] = slot;
    return slot;
}

void run__slots_clear(struct driver_run *run)
{
    for (unsigned i = 0; i < run->slot_count; i++) {
        yyjson_doc_free(run->slots[i]->doc);
        run->slots[i]->doc = NULL;
    }
    run->slot_count = 0;
}

bool run__slots_answered(const struct driver_run *run)
{
    for (unsigned i = 0; i < run->slot_count; i++) {
        if (!run->slots[i]->answered) {
            return false;
        }
    }
    return true;
}
