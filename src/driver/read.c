// Reading: parents where there are any, then the records and their number.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"

bool run__is_item(const struct driver_run *run)
{
    enum model_kind kind = run->call.operation->kind;
    return kind == MODEL_KIND_ITEM || kind == MODEL_KIND_CREATE || kind == MODEL_KIND_UPDATE;
}

// Sources without a call for one record are asked for the list.
const struct mapping_call *run__item_call(const struct mapping_resource *r)
{
    return r->calls->item.http != NULL ? &r->calls->item : &r->calls->list;
}

yyjson_val *run__row(const struct driver_run *run, const struct driver_slot *slot)
{
    const struct mapping_rule *key = run->resource->key;
    yyjson_val *row = NULL;
    size_t index = 0;
    size_t max = 0;
    if (yyjson_is_obj(slot->result)) {
        return slot->result;
    }
    if (!run->ops->http || slot->call->http->paging != PAGING_NONE ||
        slot->call == &run->resource->calls->item) {
        return yyjson_arr_get_first(slot->result);
    }
    yyjson_arr_foreach(slot->result, index, max, row)
    {
        struct bytes text = {0};
        if (value_text(value_at(&key->paths[0], row), &text) && bytes_equal(text, run->call.key)) {
            return row;
        }
    }
    return NULL;
}

static void read_records(struct driver_run *run)
{
    const struct model_query *query = run->call.query;
    struct driver_slot *slot = NULL;
    run->phase = RUN_READ;
    if (run->ops->http && !run__is_item(run)) {
        run__walk_begin(run);
        return;
    }
    slot = run__slot_add(run, SLOT_FOR_READ);
    if (slot == NULL) {
        return;
    }
    slot->resource = run->resource;
    slot->call = run__item_call(run->resource);
    slot->limit = 1;
    if (run__is_item(run)) {
        return;
    }
    slot->offset = model_query_offset(query);
    slot->limit = query->per_page;
    slot = run__slot_add(run, SLOT_FOR_COUNT);
    if (slot != NULL) {
        slot->resource = run->resource;
        slot->call = &run->call.mapping->wire.calls.count;
    }
}

static void read_parents(struct driver_run *run)
{
    run->phase = RUN_PARENTS;
    struct driver_slot *slot = run__slot_add(run, SLOT_FOR_PARENTS);
    if (slot != NULL) {
        slot->resource = run->resource->each;
        slot->call = &run->call.mapping->wire.calls.list;
        slot->limit = FP_LIMIT_PARENTS + 1;
    }
}

bool run__read_prepare(struct driver_run *run)
{
    const struct mapping *m = run->call.mapping;
    enum fp_error error = FP_OK;
    if (run__is_item(run)) {
        if (!mapping_key_clause(m, run->resource, run->call.key, &run->clauses)) {
            run__fail(run, FP_E_RECORD_NOT_FOUND);
            return false;
        }
        error = mapping_order(m, run->resource, NULL, &run->errors_out, &run->order);
    } else {
        error = mapping_filter(m, run->resource, run->call.query, &run->errors_out, &run->clauses);
        enum fp_error order =
            mapping_order(m, run->resource, run->call.query, &run->errors_out, &run->order);
        error = error != FP_OK ? error : order;
    }
    if (error != FP_OK) {
        run__fail(run, error);
    }
    return error == FP_OK;
}

void run__read_begin(struct driver_run *run)
{
    run__slots_clear(run);
    if (run->resource->each != NULL) {
        read_parents(run);
    } else {
        read_records(run);
    }
}

static void read_too_wide(struct driver_run *run)
{
    for (unsigned i = 0; i < run->resource->rule_count; i++) {
        const struct mapping_rule *rule = &run->resource->rules[i];
        if (rule->kind == RULE_PATH && rule->paths[0].parent && rule->searchable) {
            struct buf name;
            buf_init(&name, 200);
            buf_printf(&name, "filter[%s]", rule->field->name);
            model_error_row(&run->errors_out, buf_bytes(&name), "NARROW",
                            "The source system has too many places to ask one after the other: "
                            "name one with this filter.");
            buf_done(&name);
        }
    }
    run__fail(run, FP_E_PARAMETER_INVALID);
}

// The parents are there: one call for each to count what it has, or to read the one record.
static void read_parents_answered(struct driver_run *run)
{
    struct driver_slot *parents = run->slots[0];
    size_t count = yyjson_arr_size(parents->result);
    if (!yyjson_is_arr(parents->result)) {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The list of parents is no list.",
                       (struct bytes){0});
        return;
    }
    if (count > FP_LIMIT_PARENTS) {
        read_too_wide(run);
        return;
    }
    run->parents_doc = parents->doc;
    run->parents = parents->result;
    parents->doc = NULL; // moved
    run__slots_clear(run);
    run->phase = run__is_item(run) ? RUN_READ : RUN_COUNTS;
    for (size_t i = 0; i < count && run->phase != RUN_DONE; i++) {
        struct driver_slot *slot =
            run__slot_add(run, run__is_item(run) ? SLOT_FOR_READ : SLOT_FOR_COUNT);
        if (slot != NULL) {
            slot->resource = run->resource;
            slot->call = run__is_item(run) ? &run->call.mapping->wire.calls.list
                                           : &run->call.mapping->wire.calls.count;
            slot->parent = (unsigned)i;
            slot->limit = 1;
        }
    }
    if (count == 0) {
        run__read_answered(run);
    }
}

static bool read_count(struct driver_run *run, const struct driver_slot *slot, uint64_t *out)
{
    struct bytes text = {0};
    if (slot->result != NULL && value_text(slot->result, &text) &&
        bytes_to_u64(text, 1000000000000u, out)) {
        return true;
    }
    run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, "The number of records is no number.",
                   (struct bytes){0});
    return false;
}

// The page's window over the parents' records, one after the other.
static void read_counts_answered(struct driver_run *run)
{
    struct {
        unsigned parent;
        uint64_t offset;
        uint64_t limit;
    } reads[FP_LIMIT_PARENTS];
    unsigned read_count_total = 0;
    uint64_t offset = model_query_offset(run->call.query);
    uint64_t left = run->call.query->per_page;
    uint64_t before = 0;
    for (unsigned i = 0; i < run->slot_count; i++) {
        uint64_t count = 0;
        if (!read_count(run, run->slots[i], &count)) {
            return;
        }
        if (left != 0 && before + count > offset) {
            uint64_t skip = offset > before ? offset - before : 0;
            uint64_t take = count - skip < left ? count - skip : left;
            reads[read_count_total].parent = run->slots[i]->parent;
            reads[read_count_total].offset = skip;
            reads[read_count_total++].limit = take;
            left -= take;
        }
        before += count;
    }
    run->total = before;
    run__slots_clear(run);
    run->phase = RUN_READ;
    for (unsigned i = 0; i < read_count_total; i++) {
        struct driver_slot *slot = run__slot_add(run, SLOT_FOR_READ);
        if (slot == NULL) {
            return;
        }
        slot->resource = run->resource;
        slot->call = &run->call.mapping->wire.calls.list;
        slot->parent = reads[i].parent;
        slot->offset = reads[i].offset;
        slot->limit = reads[i].limit;
    }
    if (read_count_total == 0) {
        run__answer_list(run);
    }
}

static void read_done(struct driver_run *run)
{
    if (run__is_item(run)) {
        run__answer_item(run);
        return;
    }
    for (unsigned i = 0; i < run->slot_count; i++) {
        if (run->slots[i]->purpose == SLOT_FOR_COUNT &&
            !read_count(run, run->slots[i], &run->total)) {
            return;
        }
    }
    run__answer_list(run);
}

void run__read_answered(struct driver_run *run)
{
    if (run->walk != NULL && run->phase == RUN_READ) {
        run__walk_answered(run, run->slots[run->slot_count - 1]);
        return;
    }
    switch (run->phase) {
    case RUN_PARENTS:
        read_parents_answered(run);
        break;
    case RUN_COUNTS:
        read_counts_answered(run);
        break;
    case RUN_READ:
        read_done(run);
        break;
    default:
        break;
    }
}
