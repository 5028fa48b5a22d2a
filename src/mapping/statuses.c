// Lists an enumeration as Status records.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/statuses.h"

#include "mapping/filter_int.h"

#include <string.h>

// Text of a field of a status; ptr NULL where it has none.
static struct bytes statuses_text(const struct mapping_enumeration *e,
                                  const struct mapping_value *value, const char *field)
{
    if (strcmp(field, "key") == 0) {
        return value->key;
    }
    if (strcmp(field, "name") == 0) {
        return value->name;
    }
    if (strcmp(field, "code") == 0) {
        return value->source;
    }
    if (strcmp(field, "scope") == 0) {
        return bytes_of_text(e->serves->path + strlen("statuses/"));
    }
    return (struct bytes){0};
}

static bool statuses_fits(const struct mapping_enumeration *e, const struct mapping_value *value,
                          const struct model_filter *f)
{
    if (f->field->type == MODEL_TYPE_BOOLEAN) {
        return value->active == f->truth;
    }
    struct bytes text = statuses_text(e, value, f->field->name);
    return text.ptr != NULL && filter__meets(text, f);
}

static bool statuses_match(const struct mapping_enumeration *e, const struct mapping_value *value,
                           const struct model_query *query)
{
    for (unsigned i = 0; i < query->filter_count; i++) {
        bool fits = statuses_fits(e, value, &query->filters[i]);
        if (fits == query->match_any) {
            return fits;
        }
    }
    return query->filter_count == 0 || !query->match_any;
}

static void statuses_write(const struct mapping_enumeration *e, const struct mapping_value *value,
                           const struct model_query *query, struct json_out *j)
{
    const struct model_entity *entity = e->serves->entity;
    json_begin_object(j);
    for (unsigned i = 0; i < entity->field_count; i++) {
        if (query->selects && !model_fields_has(&query->fields, i)) {
            continue;
        }
        json_name(j, entity->fields[i].name);
        if (entity->fields[i].type == MODEL_TYPE_BOOLEAN) {
            json_bool(j, value->active);
        } else {
            json_text(j, statuses_text(e, value, entity->fields[i].name));
        }
    }
    json_end_object(j);
}

// Before or after, by the sorts of the query and then by the order of the definition.
static int statuses_compare(const struct mapping_enumeration *e, const struct model_query *query,
                            unsigned a, unsigned b)
{
    for (unsigned i = 0; i < query->sort_count; i++) {
        const struct model_sort *s = &query->sorts[i];
        int order = 0;
        if (s->field->type == MODEL_TYPE_BOOLEAN) {
            order = (int)e->values[a].active - (int)e->values[b].active;
        } else {
            order = bytes_compare(statuses_text(e, &e->values[a], s->field->name),
                                  statuses_text(e, &e->values[b], s->field->name));
        }
        if (order != 0) {
            return s->descending ? -order : order;
        }
    }
    return a < b ? -1 : 1;
}

// Enumerations are short: the place of each is counted, nothing is moved.
static uint64_t statuses_place(const struct mapping_enumeration *e, const struct model_query *query,
                               unsigned at)
{
    uint64_t place = 0;
    for (unsigned i = 0; i < e->count; i++) {
        if (i != at && statuses_match(e, &e->values[i], query) &&
            statuses_compare(e, query, i, at) < 0) {
            place++;
        }
    }
    return place;
}

static const struct mapping_value *statuses_at(const struct mapping_enumeration *e,
                                               const struct model_query *query, uint64_t place)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (statuses_match(e, &e->values[i], query) && statuses_place(e, query, i) == place) {
            return &e->values[i];
        }
    }
    return NULL;
}

enum fp_error mapping_statuses(const struct mapping_enumeration *enumeration,
                               const struct model_query *query, struct json_out *j,
                               struct json_out *errors, uint64_t *total_out, uint64_t *count_out)
{
    uint64_t total = 0;
    uint64_t count = 0;
    uint64_t offset = model_query_offset(query);
    for (unsigned i = 0; i < query->filter_count; i++) {
        if (query->filters[i].field->type == MODEL_TYPE_TIME) {
            model_error_row(errors, query->filters[i].name, "FILTER_UNSUPPORTED",
                            "Statuses have no times.");
            return FP_E_FILTER_UNSUPPORTED;
        }
    }
    for (unsigned i = 0; i < enumeration->count; i++) {
        total += statuses_match(enumeration, &enumeration->values[i], query) ? 1 : 0;
    }
    for (uint64_t place = offset; place < total && count < query->per_page; place++) {
        const struct mapping_value *value = statuses_at(enumeration, query, place);
        if (value != NULL) {
            statuses_write(enumeration, value, query, j);
            count++;
        }
    }
    *total_out = total;
    *count_out = count;
    return buf_error(j->out);
}
