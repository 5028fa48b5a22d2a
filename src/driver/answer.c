// The answer for the client: the source's rows through the mapping, with the envelope around.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/apply.h"
#include "mapping/statuses.h"
#include "mapping/value.h"
#include "model/envelope.h"

#include <string.h>

#define ANSWER_SEEN 1024 // twice the records of a page, so that the table never fills

// Keys of the page so far, by their hash: the same record twice is shown once.
struct answer_seen {
    struct bytes keys[ANSWER_SEEN]; // open addressing
};

static bool answer_is_new(struct answer_seen *seen, struct bytes key)
{
    size_t at = bytes_hash(key) % ANSWER_SEEN;
    for (size_t i = 0; i < ANSWER_SEEN; i++, at = (at + 1) % ANSWER_SEEN) {
        if (seen->keys[at].ptr == NULL) {
            seen->keys[at] = key;
            return true;
        }
        if (bytes_equal(seen->keys[at], key)) {
            return false;
        }
    }
    return true;
}

static void answer_wrong_value(struct driver_run *run, const struct fp_note *note)
{
    struct buf text;
    buf_init(&text, 512);
    buf_printf(&text, "%s: %s", note->field, note->text);
    run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, buf_text(&text), (struct bytes){0});
    buf_done(&text);
}

static bool answer_row(struct driver_run *run, const struct driver_slot *slot, yyjson_val *row,
                       struct json_out *j)
{
    struct fp_note note = {0};
    struct mapping_record record = {.row = row, .hints = &run->hints, .query = run->call.query};
    if (run->parents != NULL) {
        record.parent = yyjson_arr_get(run->parents, slot->parent);
    }
    enum fp_error error = mapping_apply(run->call.mapping, run->resource, &record, j, &note);
    if (error == FP_E_SOURCE_ANSWER_INVALID) {
        answer_wrong_value(run, &note);
    } else if (error == FP_E_LIMIT_EXCEEDED) {
        run__fail(run, FP_E_SOURCE_ANSWER_TOO_LARGE);
    } else if (error != FP_OK) {
        run__fail(run, error);
    }
    return error == FP_OK;
}

static bool answer_slot(struct driver_run *run, const struct driver_slot *slot,
                        struct answer_seen *seen, struct json_out *j, uint64_t *count)
{
    const struct mapping_rule *rule = run->resource->key;
    yyjson_val *row = NULL;
    size_t index = 0;
    size_t max = 0;
    if (slot->limit == 0) {
        return true; // read on the way to the page
    }
    if (!yyjson_is_arr(slot->result)) {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The list of records is no list.",
                       (struct bytes){0});
        return false;
    }
    yyjson_arr_foreach(slot->result, index, max, row)
    {
        struct bytes key = {0};
        if (index < slot->skip) {
            continue;
        }
        if (index - slot->skip >= slot->limit) {
            break; // more than was asked for belongs to the next page
        }
        if (rule != NULL && rule->kind == RULE_PATH &&
            value_text(value_at(&rule->paths[0], row), &key) && !answer_is_new(seen, key)) {
            continue;
        }
        if (!answer_row(run, slot, row, j)) {
            return false;
        }
        (*count)++;
    }
    return true;
}

static void answer_finish(struct driver_run *run, struct json_out *j, uint64_t count)
{
    uint64_t offset = model_query_offset(run->call.query);
    struct model_page page = {.query = run->call.query,
                              .path_template = run->call.operation->path,
                              .key = run->call.key,
                              .public_url = run->call.public_url,
                              .total = run->total,
                              .count = count};
    if (count != 0 && page.total < offset + count) {
        page.total = offset + count; // a total that lies must not hide what is there
    }
    model_envelope_end_list(j, &page);
    enum fp_error error = buf_error(j->out);
    run__fail(run, error == FP_E_LIMIT_EXCEEDED ? FP_E_SOURCE_ANSWER_TOO_LARGE : error);
}

void run__answer_list(struct driver_run *run)
{
    struct answer_seen *seen = arena_alloc(run->arena, 1, sizeof *seen);
    struct json_out j = json_out_start(&run->body);
    uint64_t count = 0;
    if (seen == NULL) {
        run__fail(run, FP_E_NO_MEMORY);
        return;
    }
    model_envelope_begin_list(&j);
    for (unsigned i = 0; i < run->slot_count; i++) {
        if (run->slots[i]->purpose == SLOT_FOR_READ &&
            !answer_slot(run, run->slots[i], seen, &j, &count)) {
            return;
        }
    }
    answer_finish(run, &j, count);
}

bool run__answer_record(struct driver_run *run, const struct driver_slot *slot, yyjson_val *row,
                        struct buf *out)
{
    struct json_out j = json_out_start(out);
    model_envelope_begin(&j);
    if (!answer_row(run, slot, row, &j)) {
        return false;
    }
    model_envelope_end(&j);
    return true;
}

void run__answer_item(struct driver_run *run)
{
    const struct driver_slot *slot = run->slot_count != 0 ? run->slots[0] : NULL;
    yyjson_val *row = NULL;
    if (slot != NULL && !yyjson_is_arr(slot->result) &&
        !(run->ops->http && yyjson_is_obj(slot->result))) {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The list of records is no list.",
                       (struct bytes){0});
        return;
    }
    row = slot != NULL ? run__row(run, slot) : NULL;
    if (row == NULL) {
        run__fail(run, FP_E_RECORD_NOT_FOUND);
        return;
    }
    if (run__answer_record(run, slot, row, &run->body)) {
        run__fail(run, buf_error(&run->body));
    }
}

void run__answer_statuses(struct driver_run *run)
{
    const struct mapping_enumeration *e =
        mapping_statuses_of(run->call.mapping, run->call.operation);
    struct json_out j = json_out_start(&run->body);
    uint64_t count = 0;
    model_envelope_begin_list(&j);
    enum fp_error error =
        mapping_statuses(e, run->call.query, &j, &run->errors_out, &run->total, &count);
    if (error != FP_OK) {
        run__fail(run, error);
    } else {
        answer_finish(run, &j, count);
    }
}
