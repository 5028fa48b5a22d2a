// Translation of a query: all filters, the key, the order.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/filter_int.h"

#include "base/limits.h"
#include "mapping/value.h"

const struct mapping_rule *filter__rule(const struct mapping_resource *r,
                                        const struct model_field *field)
{
    return &r->rules[field - r->resource->entity->fields];
}

static bool filter_operator_is_there(const struct mapping *m, const struct mapping_rule *rule,
                                     enum model_operator op)
{
    if (rule->enumeration != NULL) {
        return true;
    }
    if (rule->form == FORM_DATETIME) {
        return m->wire.dialect.operators[MODEL_GREATER_EQUAL].len != 0 &&
               m->wire.dialect.operators[MODEL_LESS].len != 0;
    }
    return m->wire.dialect.operators[op].len != 0;
}

void mapping_clauses_init(struct mapping_clauses *c)
{
    buf_init(&c->own, 1u << 20);
    buf_init(&c->parent, 1u << 20);
    c->never_count = 0;
    c->never = false;
}

void mapping_clauses_done(struct mapping_clauses *c)
{
    buf_done(&c->own);
    buf_done(&c->parent);
}

static void filter_add(const struct mapping *m, const struct mapping_rule *rule,
                       const struct model_filter *f, struct mapping_clauses *out)
{
    struct buf *to = rule->paths[0].parent ? &out->parent : &out->own;
    if (to->len != 0) {
        buf_append_byte(to, ',');
    }
    filter__first(m, rule, 0, f, to);
}

static enum fp_error filter_group_any(const struct mapping *m, struct buf *clauses)
{
    struct buf grouped;
    buf_init(&grouped, 1u << 20);
    filter__group(m, true, buf_bytes(clauses), &grouped);
    buf_clear(clauses);
    buf_append_bytes(clauses, buf_bytes(&grouped));
    enum fp_error error = buf_error(&grouped);
    buf_done(&grouped);
    return error;
}

enum fp_error mapping_filter(const struct mapping *m, const struct mapping_resource *r,
                             const struct model_query *query, struct json_out *errors,
                             struct mapping_clauses *out)
{
    bool refused = false;
    if (m->wire.dialect.form != DIALECT_JSON) {
        return filter__text(m, r, query, errors, out);
    }
    for (unsigned i = 0; i < query->filter_count; i++) {
        const struct model_filter *f = &query->filters[i];
        const struct mapping_rule *rule = filter__rule(r, f->field);
        if (!rule->searchable || !filter_operator_is_there(m, rule, f->op)) {
            model_error_row(errors, f->name, "FILTER_UNSUPPORTED",
                            "The source system cannot filter by this field with this operator.");
            refused = true;
            continue;
        }
        filter_add(m, rule, f, out);
    }
    if (query->match_any && out->own.len != 0 && out->parent.len != 0) {
        model_error_row(errors, BYTES("filterMatch"), "FILTER_UNSUPPORTED",
                        "The source system cannot match any of these fields together.");
        refused = true;
    }
    if (refused) {
        return FP_E_FILTER_UNSUPPORTED;
    }
    enum fp_error error = FP_OK;
    if (query->match_any && query->filter_count > 1) {
        error = filter_group_any(m, out->own.len != 0 ? &out->own : &out->parent);
    }
    if (error == FP_OK) {
        error = buf_error(&out->own);
    }
    return error != FP_OK ? error : buf_error(&out->parent);
}

static bool filter_key_value(const struct mapping_rule *rule, struct bytes key, struct buf *out)
{
    struct json_out j = json_out_start(out);
    if (rule->form == FORM_INTEGER) {
        buf_append_bytes(out, key);
        return value_is_integer(key);
    }
    json_text(&j, key);
    return key.len != 0;
}

bool mapping_key_clause(const struct mapping *m, const struct mapping_resource *r, struct bytes key,
                        struct mapping_clauses *out)
{
    struct bytes op = m->wire.dialect.operators[MODEL_EQUALS];
    struct bytes own = key;
    struct buf value;
    bool good = true;
    if (m->wire.dialect.form != DIALECT_JSON) {
        return filter__text_key(r, key);
    }
    if (r->key == NULL) {
        return false;
    }
    buf_init(&value, FP_LIMIT_KEY_TEXT * 8);
    if (r->key->kind == RULE_JOIN) {
        size_t at = 0;
        good = bytes_find(key, r->key->constant.ptr[0], &at) &&
               filter_key_value(r->key, bytes_slice(key, 0, at), &value);
        own = bytes_slice(key, at + 1, key.len);
        if (good) {
            filter__clause(m, r->key->paths[0].source, op, buf_bytes(&value), &out->parent);
        }
        buf_clear(&value);
    }
    good = good && filter_key_value(r->key, own, &value);
    if (good) {
        filter__clause(m, r->key->paths[r->key->path_count - 1].source, op, buf_bytes(&value),
                       &out->own);
    }
    buf_done(&value);
    return good && buf_error(&out->own) == FP_OK && buf_error(&out->parent) == FP_OK;
}

enum fp_error mapping_order(const struct mapping *m, const struct mapping_resource *r,
                            const struct model_query *query, struct json_out *errors,
                            struct buf *out)
{
    bool refused = false;
    bool by_key = false;
    unsigned count = 0;
    if (m->wire.dialect.form != DIALECT_JSON) {
        return filter__text_order(m, r, query, errors, out);
    }
    buf_append_byte(out, '[');
    for (unsigned i = 0; query != NULL && i < query->sort_count; i++) {
        const struct model_sort *s = &query->sorts[i];
        const struct mapping_rule *rule = filter__rule(r, s->field);
        if (!rule->sortable || r->each != NULL) {
            model_error_row(errors, s->name, "SORT_UNSUPPORTED",
                            "The source system cannot sort by this field.");
            refused = true;
            continue;
        }
        struct filter_clause c = {.field = rule->paths[0].source,
                                  .direction = s->descending ? m->wire.dialect.descending
                                                             : m->wire.dialect.ascending};
        buf_append_text(out, count++ != 0 ? "," : "");
        filter__put(&m->wire.dialect.order, &c, out);
        by_key = by_key || rule == r->key;
    }
    if (r->order.len != 0) {
        buf_append_text(out, count++ != 0 ? "," : "");
        buf_append_bytes(out, r->order);
    } else if (r->key != NULL && !by_key) {
        struct filter_clause c = {.field = r->key->paths[r->key->path_count - 1].source,
                                  .direction = m->wire.dialect.ascending};
        buf_append_text(out, count++ != 0 ? "," : "");
        filter__put(&m->wire.dialect.order, &c, out);
    }
    buf_append_byte(out, ']');
    return refused ? FP_E_SORT_UNSUPPORTED : buf_error(out);
}
