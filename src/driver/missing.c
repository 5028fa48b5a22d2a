// Installations differ: a version, or a module that is not active, leaves fields away. What the
// source says it lacks is not asked for again, and is null for the client, instead of failing the
// call. SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"

#include <string.h>

static bool missing_has_segment(struct bytes field, struct bytes name)
{
    struct bytes rest = field;
    struct bytes segment = {0};
    while (bytes_split(&rest, '.', &segment)) {
        if (bytes_equal(segment, name)) {
            return true;
        }
    }
    return false;
}

static bool missing_is_known(const struct driver_run *run, const struct mapping_resource *r,
                             struct bytes field)
{
    for (unsigned i = 0; i < run->missing_count; i++) {
        if (bytes_equal_text(run->missing[i].object, r->object) &&
            missing_has_segment(field, run->missing[i].name)) {
            return true;
        }
    }
    return false;
}

// Only records that are shown are selected from: what is searched for or written needs the rest.
static bool missing_is_selected_from(const struct driver_run *run, const struct mapping_resource *r)
{
    return run->call.query != NULL && run->call.query->selects && !run->call.operation->write &&
           r == run->resource;
}

static bool missing_is_wanted(const struct model_fields *wanted, const struct model_fields *uses)
{
    uint64_t common = 0;
    for (size_t i = 0; i < sizeof wanted->bits / sizeof wanted->bits[0]; i++) {
        common |= wanted->bits[i] & uses->bits[i];
    }
    return common != 0;
}

void run__fields(const struct driver_run *run, const struct mapping_resource *r, struct buf *out)
{
    struct json_out j = json_out_start(out);
    bool selects = missing_is_selected_from(run, r);
    if (run->missing_count == 0 && !selects) {
        buf_append_bytes(out, r->fields);
        return;
    }
    json_begin_array(&j);
    for (unsigned i = 0; i < r->field_count; i++) {
        if (!missing_is_known(run, r, r->field_names[i]) &&
            (!selects || missing_is_wanted(&run->call.query->fields, &r->field_uses[i]))) {
            json_text(&j, r->field_names[i]);
        }
    }
    json_end_array(&j);
}

// Asked for, and not yet left out.
static bool missing_is_asked(const struct driver_run *run, const struct mapping_resource *r)
{
    for (unsigned i = 0; i < r->field_count; i++) {
        if (missing_has_segment(r->field_names[i], run->lacking)) {
            return !missing_is_known(run, r, r->field_names[i]);
        }
    }
    return false;
}

// Whether JSON that was sent names the field: as "name" or within "other.name.other".
static bool missing_is_named(struct bytes json, struct bytes name)
{
    for (size_t i = 0; i + name.len + 2 <= json.len; i++) {
        uint8_t before = json.ptr[i];
        uint8_t behind = json.ptr[i + 1 + name.len];
        if ((before == '"' || before == '.') && (behind == '"' || behind == '.') &&
            memcmp(json.ptr + i + 1, name.ptr, name.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool missing_in_where(const struct mapping_resource *r, struct bytes name)
{
    for (unsigned i = 0; i < r->where.count; i++) {
        if (missing_is_named(r->where.parts[i].literal, name)) {
            return true;
        }
    }
    return false;
}

static bool missing_in_rule(const struct driver_run *run, const struct model_field *field)
{
    const struct model_entity *entity = run->resource->resource->entity;
    const struct mapping_rule *rule = &run->resource->rules[field - entity->fields];
    for (unsigned i = 0; i < rule->path_count; i++) {
        if (missing_has_segment(rule->paths[i].source, run->lacking)) {
            return true;
        }
    }
    return false;
}

// Reports the filters and sorts that name the field; false: none does.
static bool missing_in_query(struct driver_run *run)
{
    static const char text[] = "This installation of the source system does not have the field.";
    const struct model_query *query = run->call.query;
    enum fp_error error = FP_OK;
    for (unsigned i = 0; query != NULL && i < query->filter_count; i++) {
        if (missing_in_rule(run, query->filters[i].field)) {
            model_error_row(&run->errors_out, query->filters[i].name, "FILTER_UNSUPPORTED", text);
            error = FP_E_FILTER_UNSUPPORTED;
        }
    }
    for (unsigned i = 0; query != NULL && i < query->sort_count; i++) {
        if (missing_in_rule(run, query->sorts[i].field)) {
            model_error_row(&run->errors_out, query->sorts[i].name, "SORT_UNSUPPORTED", text);
            error = error != FP_OK ? error : FP_E_SORT_UNSUPPORTED;
        }
    }
    if (error != FP_OK) {
        run__fail(run, error);
    }
    return error != FP_OK;
}

static void missing_restart(struct driver_run *run)
{
    yyjson_doc_free(run->parents_doc);
    run->parents_doc = NULL;
    run->parents = NULL;
    run__session_save(run); // the next run need not find it out again
    run__begin(run);
}

void run__field_missing(struct driver_run *run, const struct driver_slot *slot)
{
    const struct mapping_resource *r = slot->resource;
    if (missing_in_where(r, run->lacking)) {
        run__fail_with(run, FP_E_OPERATION_UNSUPPORTED,
                       "The module that this needs is not active in the source system.",
                       run__words(run, slot));
    } else if (missing_in_query(run)) {
        return;
    } else if (missing_is_asked(run, r) && run->missing_count < RUN_MISSING) {
        run->missing[run->missing_count++] =
            (struct run_missing){bytes_of_text(r->object), run->lacking};
        missing_restart(run);
    } else {
        run__fail_with(run, FP_E_SOURCE_FAILED, NULL, run__words(run, slot));
    }
}

void run__missing_save(const struct driver_run *run, struct json_out *j)
{
    json_begin_array(j);
    for (unsigned i = 0; i < run->missing_count; i++) {
        json_text(j, run->missing[i].object);
        json_text(j, run->missing[i].name);
    }
    json_end_array(j);
}

bool run__missing_load(struct driver_run *run, yyjson_val *list)
{
    size_t size = yyjson_arr_size(list);
    if (!yyjson_is_arr(list) || size % 2 != 0 || size / 2 > RUN_MISSING) {
        return false;
    }
    run->missing_count = 0;
    for (size_t i = 0; i < size; i += 2) {
        // The texts lie in the arena of the run, as the whole session does.
        struct run_missing *m = &run->missing[run->missing_count];
        if (!value_text(yyjson_arr_get(list, i), &m->object) ||
            !value_text(yyjson_arr_get(list, i + 1), &m->name)) {
            return false;
        }
        run->missing_count++;
    }
    return true;
}
