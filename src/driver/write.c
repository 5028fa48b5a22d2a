// Writing: what the new record needs or what the old one is, then the one call that changes
// something, then reading the record back. That call is sent once; where its answer leaves open
// whether it was carried out, the run says so. SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"
#include "mapping/write.h"
#include "model/url.h"

#include <string.h>

#define WRITE_LOOK_FILTERS 3   // of the list that shows whether a record was made
#define WRITE_LOOK_VALUE   200 // bytes of one filter's value

static bool write_creates(const struct driver_run *run)
{
    return run->call.operation->kind == MODEL_KIND_CREATE;
}

static struct mapping_write_job write_job(const struct driver_run *run, yyjson_val *before)
{
    return (struct mapping_write_job){.mapping = run->call.mapping,
                                      .resource = run->resource,
                                      .body = run->sent,
                                      .before = before,
                                      .create = write_creates(run),
                                      .state_only = run->call.operation->state_only};
}

static bool write_parse(struct driver_run *run)
{
    struct bytes body = run->call.body;
    char *copy = NULL;
    yyjson_doc *doc = NULL;
    if (body.len == 0 || !json_depth_within(body, FP_LIMIT_JSON_DEPTH)) {
        run__fail_with(run, FP_E_REQUEST_BODY_INVALID, "Send one JSON object.", (struct bytes){0});
        return false;
    }
    copy = arena_text(run->arena, body);
    doc = copy != NULL
              ? yyjson_read_opts(copy, body.len, VALUE_READ_FLAGS, &run->sensitive_alc, NULL)
              : NULL;
    run->sent = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(run->sent)) {
        run__fail_with(run, FP_E_REQUEST_BODY_INVALID, "Send one JSON object.", (struct bytes){0});
        return false;
    }
    return true;
}

// The record for the source into run->record; false: the run has ended.
static bool write_translate(struct driver_run *run, yyjson_val *before, struct bytes members)
{
    struct mapping_write_job job = write_job(run, before);
    buf_clear(&run->record);
    enum fp_error error = mapping_write(&job, members, &run->errors_out, &run->record);
    if (error != FP_OK) {
        run__fail(run, error);
    }
    return error == FP_OK;
}

static void write_answer_dry(struct driver_run *run)
{
    struct json_out j = json_out_start(&run->body);
    json_begin_object(&j);
    json_name(&j, "data");
    json_null(&j);
    json_member_bool(&j, "validate_only", true);
    json_end_object(&j);
    run__fail(run, buf_error(&run->body));
}

bool run__write_prepare(struct driver_run *run)
{
    const struct mapping *m = run->call.mapping;
    if (!write_parse(run)) {
        return false;
    }
    if (!write_creates(run) &&
        !mapping_key_clause(m, run->resource, run->call.key, &run->clauses)) {
        run__fail(run, FP_E_RECORD_NOT_FOUND);
        return false;
    }
    enum fp_error error = mapping_order(m, run->resource, NULL, &run->errors_out, &run->order);
    if (error != FP_OK) {
        run__fail(run, error);
        return false;
    }
    if (!write_translate(run, NULL, BYTES(""))) {
        return false;
    }
    if (run->call.query != NULL && run->call.query->validate_only) {
        write_answer_dry(run);
        return false;
    }
    return true;
}

static struct driver_slot *write_slot(struct driver_run *run, enum slot_purpose purpose,
                                      const struct mapping_resource *resource,
                                      const struct mapping_call *call)
{
    struct driver_slot *slot = run__slot_add(run, purpose);
    if (slot != NULL) {
        slot->resource = resource;
        slot->call = call;
        slot->limit = 1;
    }
    return slot;
}

static void write_send(struct driver_run *run)
{
    const struct mapping_calls *calls = run->resource->calls;
    run__slots_clear(run);
    run->phase = RUN_WRITE;
    const struct mapping_resource *through = run->resource->write->through;
    (void)write_slot(run, SLOT_FOR_WRITE, through != NULL ? through : run->resource,
                     write_creates(run) ? &calls->create : &calls->update);
}

static void write_begin(struct driver_run *run)
{
    const struct mapping_write *write = run->resource->write;
    const struct mapping_call *list = run__item_call(run->resource);
    run__slots_clear(run);
    if (!write_creates(run)) {
        run->phase = RUN_BEFORE;
        (void)write_slot(run, SLOT_FOR_READ, run->resource, list);
        return;
    }
    run->phase = RUN_FINDS;
    for (unsigned i = 0; i < write->find_count && run->phase != RUN_DONE; i++) {
        (void)write_slot(run, SLOT_FOR_FIND, write->find[i].resource, list);
    }
    if (write->find_count == 0) {
        write_send(run);
    }
}

void run__begin(struct driver_run *run)
{
    if (run->call.operation->write && !run->written) {
        write_begin(run);
    } else {
        run__read_begin(run);
    }
}

// The members of the new record that were searched for; what was not found is left out.
static void write_finds_answered(struct driver_run *run)
{
    const struct mapping_write *write = run->resource->write;
    struct buf members;
    buf_init(&members, 1u << 16);
    for (unsigned i = 0; i < run->slot_count; i++) {
        struct json_out j = json_out_start(&members);
        struct bytes key = {0};
        yyjson_val *row = yyjson_arr_get_first(run->slots[i]->result);
        if (!value_text(value_at(&run->resource->key->paths[0], row), &key)) {
            continue;
        }
        buf_append_text(&members, members.len != 0 ? "," : "");
        json_text(&j, write->find[i].target);
        buf_append_byte(&members, ':');
        if (run->call.mapping->wire.values.key == FORM_INTEGER && value_is_integer(key)) {
            buf_append_bytes(&members, key);
        } else {
            j = json_out_start(&members);
            json_text(&j, key);
        }
    }
    enum fp_error error = buf_error(&members);
    if (error != FP_OK) {
        run__fail(run, error);
    } else if (write_translate(run, NULL, buf_bytes(&members))) {
        write_send(run);
    }
    buf_done(&members);
}

// Whether the record's state allows changes; false: the run has ended.
static bool write_is_open(struct driver_run *run, yyjson_val *row)
{
    const struct mapping_write *w = run->resource->write;
    struct json_out j = json_out_start(&run->detail);
    struct bytes state = {0};
    bool known = w->while_count != 0 && value_text(value_at(&w->while_path, row), &state);
    for (unsigned i = 0; i < w->while_count && known; i++) {
        if (bytes_equal(state, w->while_values[i])) {
            return true;
        }
    }
    if (w->while_count == 0) {
        return true;
    }
    json_begin_object(&j);
    json_member_text_c(&j, "platform", run->call.mapping->platform);
    json_member_text_c(&j, "object", run->resource->object);
    json_name(&j, "state");
    run__clean_text(run, state, &j);
    json_end_object(&j);
    run__fail(run, FP_E_RECORD_LOCKED);
    return false;
}

// The key of the other object that is written for the record; false: the run has ended.
static bool write_find_target(struct driver_run *run, yyjson_val *row)
{
    const struct mapping_write *w = run->resource->write;
    struct bytes key = {0};
    if (w->through == NULL) {
        return true;
    }
    if (!value_text(value_at(&w->through_path, row), &key)) {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The record does not name what is written.",
                       (struct bytes){0});
        return false;
    }
    run->target = arena_copy(run->arena, bytes_slice(key, 0, FP_LIMIT_KEY_TEXT));
    return true;
}

// What the record is: it must be there, and its lists say what is changed and what is removed.
static void write_before_answered(struct driver_run *run)
{
    yyjson_val *row = run__row(run, run->slots[0]);
    if (!yyjson_is_ctn(run->slots[0]->result)) {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The list of records is no list.",
                       (struct bytes){0});
    } else if (row == NULL) {
        run__fail(run, FP_E_RECORD_NOT_FOUND);
    } else if (!run__condition_holds(run, row) || !write_is_open(run, row) ||
               !write_find_target(run, row) || !write_translate(run, row, BYTES(""))) {
        return;
    } else if (run->record.len <= 2) {
        run__answer_item(run); // nothing is to be changed
    } else {
        write_send(run);
    }
}

// The clause that finds the new record: by its own key, or by that of the object written for it.
static bool write_find_new(struct driver_run *run, struct bytes key)
{
    const struct mapping_write *w = run->resource->write;
    struct mapping_resource by = *run->resource;
    struct mapping_rule rule = *run->resource->key;
    if (w->through != NULL) {
        rule.paths = &w->through_path;
        by.key = &rule;
    } else {
        run->call.key = key;
    }
    return key.len != 0 && mapping_key_clause(run->call.mapping, &by, key, &run->clauses);
}

static void write_confirmed(struct driver_run *run)
{
    struct bytes key = {0};
    yyjson_val *value = NULL;
    run->written = true;
    if (write_creates(run)) {
        value = value_at(&run->resource->calls->created, run->slots[0]->result);
        if (run->resource->calls->created_header.len != 0) {
            key = run->slots[0]->located;
        } else if (value != NULL && value_text(value, &key)) {
            key = arena_copy(run->arena, bytes_slice(key, 0, FP_LIMIT_KEY_TEXT));
        }
        if (!write_find_new(run, key)) {
            run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID,
                           "The answer does not name the new record.", (struct bytes){0});
            return;
        }
    }
    run__read_begin(run);
}

void run__answered(struct driver_run *run)
{
    switch (run->phase) {
    case RUN_FINDS:
        write_finds_answered(run);
        break;
    case RUN_BEFORE:
        write_before_answered(run);
        break;
    case RUN_WRITE:
        write_confirmed(run);
        break;
    default:
        run__read_answered(run);
        break;
    }
}

// Filters of the list by what was sent, so that it shows the record if it was made.
static void write_look_filters(const struct driver_run *run, struct buf *out)
{
    const struct model_entity *entity = run->resource->resource->entity;
    unsigned count = 0;
    for (unsigned i = 0; i < entity->field_count && count < WRITE_LOOK_FILTERS; i++) {
        const struct mapping_rule *rule = &run->resource->rules[i];
        yyjson_val *value = yyjson_obj_get(run->sent, entity->fields[i].name);
        struct bytes text = {0};
        if (!rule->searchable || !yyjson_is_str(value) || !value_text(value, &text) ||
            text.len == 0 || text.len > WRITE_LOOK_VALUE ||
            entity->fields[i].type == MODEL_TYPE_TIME) {
            continue;
        }
        buf_printf(out, "%sfilter[%s]=", count == 0 ? "?" : "&", entity->fields[i].name);
        url_encode(out, text);
        count++;
    }
}

static void write_look_at(const struct driver_run *run, struct buf *out)
{
    struct bytes rest = bytes_of_text(run->call.operation->path);
    struct bytes piece = {0};
    bool first = true;
    while (bytes_split(&rest, '/', &piece)) {
        buf_append_text(out, first ? "" : "/");
        first = false;
        if (bytes_equal_text(piece, "{key}")) {
            url_encode(out, run->call.key);
        } else {
            buf_append_bytes(out, piece);
        }
    }
    if (write_creates(run)) {
        write_look_filters(run, out);
    }
}

void run__write_unknown(struct driver_run *run, const char *reason)
{
    struct json_out j = json_out_start(&run->detail);
    struct buf look;
    if (run->phase == RUN_DONE) {
        return;
    }
    buf_init(&look, 4096);
    write_look_at(run, &look);
    json_begin_object(&j);
    json_member_text_c(&j, "platform", run->call.mapping->platform);
    json_member_text_c(&j, "object", run->resource->object);
    json_name(&j, "reason");
    run__clean_text(run, bytes_of_text(reason), &j);
    json_member_text(&j, "look_at", buf_bytes(&look));
    json_end_object(&j);
    buf_done(&look);
    run__fail(run, FP_E_OUTCOME_UNKNOWN);
}

bool run__write_verdict(struct driver_run *run, const struct driver_slot *slot,
                        enum mapping_verdict verdict, unsigned status)
{
    if (slot->purpose != SLOT_FOR_WRITE) {
        return false;
    }
    // The source's refusals (4xx, or an error in the answer's words) say that it did nothing.
    if (status >= 500 || status == 408) {
        run__write_unknown(run, "The source system failed, or something in front of it did.");
        return true;
    }
    if (verdict == VERDICT_FIELD || verdict == VERDICT_UNSUPPORTED) {
        run__fail_with(run, FP_E_OPERATION_UNSUPPORTED,
                       "This installation of the source system lacks what is to be written.",
                       run__words(run, slot));
        return true;
    }
    return false;
}
