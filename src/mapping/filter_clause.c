// One filter as one clause of the source: values in its form, patterns, enumerations, times.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/filter_int.h"

#include "base/limits.h"
#include "mapping/value.h"

#include <string.h>

static bool filter_lookup(void *ctx, enum template_slot slot, unsigned index,
                          struct template_value *out)
{
    const struct filter_clause *c = ctx;
    (void)index;
    switch (slot) {
    case SLOT_FIELD:
        *out = (struct template_value){c->field, false};
        return true;
    case SLOT_OPERATOR:
        *out = (struct template_value){c->operator, false };
        return true;
    case SLOT_VALUE:
        *out = (struct template_value){c->value, true};
        return true;
    case SLOT_CLAUSES:
        *out = (struct template_value){c->clauses, true};
        return true;
    case SLOT_DIRECTION:
        *out = (struct template_value){c->direction, false};
        return true;
    default:
        return false;
    }
}

// All memory errors stay in the buffer, which is checked once at the end.
void filter__put(const struct template *t, struct filter_clause *c, struct buf *out)
{
    enum fp_error error = template_render(t, filter_lookup, c, out);
    if (error != FP_OK && out->error == FP_OK) {
        out->error = error;
    }
}

void filter__clause(const struct mapping *m, struct bytes field, struct bytes op,
                    struct bytes value, struct buf *out)
{
    struct filter_clause c = {.field = field, .operator= op, .value = value};
    filter__put(&m->wire.dialect.clause, &c, out);
}

void filter__group(const struct mapping *m, bool any, struct bytes clauses, struct buf *out)
{
    struct filter_clause c = {.clauses = clauses};
    filter__put(any ? &m->wire.dialect.any : &m->wire.dialect.all, &c, out);
}

static void filter_time_clause(const struct mapping *m, const struct mapping_path *path,
                               enum model_operator op, int64_t wall_ms, bool day, struct buf *out)
{
    struct buf value;
    buf_init(&value, 4096);
    value_put_time(&m->wire.values, wall_ms, day, &value);
    filter__clause(m, path->source, m->wire.dialect.operators[op], buf_bytes(&value), out);
    buf_done(&value);
}

// Sources keep finer times than the milliseconds that clients see, so each comparison is turned
// into one of >= and <, which is exact for what a client was shown.
static void filter_datetime(const struct mapping *m, const struct mapping_path *path,
                            const struct model_filter *f, struct buf *out)
{
    struct buf both;
    switch (f->op) {
    case MODEL_GREATER:
        filter_time_clause(m, path, MODEL_GREATER_EQUAL, f->time_ms + 1, false, out);
        return;
    case MODEL_GREATER_EQUAL:
        filter_time_clause(m, path, MODEL_GREATER_EQUAL, f->time_ms, false, out);
        return;
    case MODEL_LESS:
        filter_time_clause(m, path, MODEL_LESS, f->time_ms, false, out);
        return;
    case MODEL_LESS_EQUAL:
        filter_time_clause(m, path, MODEL_LESS, f->time_ms + 1, false, out);
        return;
    default:
        break;
    }
    buf_init(&both, 8192);
    filter_time_clause(m, path, MODEL_GREATER_EQUAL, f->time_ms, false, &both);
    buf_append_byte(&both, ',');
    filter_time_clause(m, path, MODEL_LESS, f->time_ms + f->time_unit_ms, false, &both);
    filter__group(m, false, buf_bytes(&both), out);
    buf_done(&both);
}

// A day of the source is shown as its midnight in UTC.
static void filter_date(const struct mapping *m, const struct mapping_path *path,
                        const struct model_filter *f, struct buf *out)
{
    int64_t part = f->time_ms % VALUE_DAY_MS;
    int64_t floor = f->time_ms - part - (part < 0 ? VALUE_DAY_MS : 0);
    int64_t ceiling = part == 0 ? floor : floor + VALUE_DAY_MS;
    if (f->op == MODEL_EQUALS && part != 0) {
        buf_append_bytes(out, m->wire.dialect.never);
        return;
    }
    bool up = f->op == MODEL_GREATER_EQUAL || f->op == MODEL_LESS;
    filter_time_clause(m, path, f->op, up ? ceiling : floor, true, out);
}

static void filter_like(const struct mapping_dialect *d, const struct model_filter *f,
                        struct buf *out)
{
    struct json_out j = json_out_start(out);
    struct buf pattern;
    buf_init(&pattern, FP_LIMIT_FILTER_VALUE * 8);
    if (f->op != MODEL_STARTS_WITH) {
        buf_append_bytes(&pattern, d->any_run);
    }
    for (size_t i = 0; i < f->value.len; i++) {
        struct bytes c = bytes_slice(f->value, i, 1);
        if (bytes_equal(c, d->any_run) || bytes_equal(c, d->any_one) || bytes_equal(c, d->escape)) {
            buf_append_bytes(&pattern, d->escape);
        }
        buf_append_bytes(&pattern, c);
    }
    if (f->op != MODEL_ENDS_WITH) {
        buf_append_bytes(&pattern, d->any_run);
    }
    json_text(&j, buf_bytes(&pattern));
    buf_done(&pattern);
}

static bool filter_is_part(enum model_operator op)
{
    return op == MODEL_CONTAINS || op == MODEL_STARTS_WITH || op == MODEL_ENDS_WITH;
}

// false: no record can meet it.
static bool filter_value(const struct mapping *m, const struct mapping_rule *rule,
                         const struct model_filter *f, struct buf *out)
{
    const struct mapping_values *v = &m->wire.values;
    struct json_out j = json_out_start(out);
    switch (rule->form) {
    case FORM_BOOLEAN:
        json_bool(&j, f->truth);
        return true;
    case FORM_INTEGER:
        if (rule->field->type != MODEL_TYPE_NUMBER && !value_is_integer(f->value)) {
            return false;
        }
        value_shifted(f->value, -rule->shift, out);
        return true;
    case FORM_FLOAT:
        value_shifted(f->value, -rule->shift, out);
        return true;
    case FORM_DECIMAL:
        value_put_decimal(v, f->value, -rule->shift, out);
        return true;
    default:
        if (filter_is_part(f->op)) {
            filter_like(&m->wire.dialect, f, out);
        } else {
            json_text(&j, f->value.ptr != NULL ? f->value : BYTES(""));
        }
        return true;
    }
}

bool filter__meets(struct bytes text, const struct model_filter *f)
{
    int order = bytes_compare(text, f->value);
    switch (f->op) {
    case MODEL_EQUALS:
        return order == 0;
    case MODEL_STARTS_WITH:
        return text.len >= f->value.len &&
               bytes_equal_nocase(bytes_slice(text, 0, f->value.len), f->value);
    case MODEL_ENDS_WITH:
        return text.len >= f->value.len &&
               bytes_equal_nocase(bytes_slice(text, text.len - f->value.len, f->value.len),
                                  f->value);
    case MODEL_CONTAINS:
        for (size_t i = 0; i + f->value.len <= text.len; i++) {
            if (bytes_equal_nocase(bytes_slice(text, i, f->value.len), f->value)) {
                return true;
            }
        }
        return false;
    case MODEL_GREATER:
        return order > 0;
    case MODEL_GREATER_EQUAL:
        return order >= 0;
    case MODEL_LESS:
        return order < 0;
    default:
        return order <= 0;
    }
}

// An enumeration is filtered here, over its table; the source is asked for the values that fit.
static void filter_enumerated(const struct mapping *m, const struct mapping_rule *rule,
                              const struct mapping_path *path, const struct model_filter *f,
                              struct buf *out)
{
    struct buf list;
    bool found = false;
    buf_init(&list, FP_LIMIT_DEFINITION_FILE);
    struct json_out j = json_out_start(&list);
    json_begin_array(&j);
    for (unsigned i = 0; i < rule->enumeration->count; i++) {
        if (filter__meets(rule->enumeration->values[i].key, f)) {
            json_text(&j, rule->enumeration->values[i].source);
            found = true;
        }
    }
    json_end_array(&j);
    if (found) {
        filter__clause(m, path->source, m->wire.dialect.is_in, buf_bytes(&list), out);
    } else {
        buf_append_bytes(out, m->wire.dialect.never);
    }
    buf_done(&list);
}

static void filter_path(const struct mapping *m, const struct mapping_rule *rule,
                        const struct mapping_path *path, const struct model_filter *f,
                        struct buf *out)
{
    struct buf value;
    if (rule->enumeration != NULL) {
        filter_enumerated(m, rule, path, f, out);
        return;
    }
    if (rule->form == FORM_DATETIME) {
        filter_datetime(m, path, f, out);
        return;
    }
    if (rule->form == FORM_DATE) {
        filter_date(m, path, f, out);
        return;
    }
    buf_init(&value, FP_LIMIT_FILTER_VALUE * 16);
    if (filter_value(m, rule, f, &value)) {
        filter__clause(m, path->source, m->wire.dialect.operators[f->op], buf_bytes(&value), out);
    } else {
        buf_append_bytes(out, m->wire.dialect.never);
    }
    buf_done(&value);
}

// first: [a, b] is b only where a is null, so: a meets it, or a is null and b meets it.
void filter__first(const struct mapping *m, const struct mapping_rule *rule, unsigned at,
                   const struct model_filter *f, struct buf *out)
{
    struct buf rest;
    struct buf both;
    const struct mapping_path *path = &rule->paths[at];
    if (at + 1 == rule->path_count) {
        filter_path(m, rule, path, f, out);
        return;
    }
    buf_init(&rest, 1u << 18);
    buf_init(&both, 1u << 18);
    filter__clause(m, path->source, m->wire.dialect.operators[MODEL_EQUALS], BYTES("null"), &rest);
    buf_append_byte(&rest, ',');
    filter__first(m, rule, at + 1, f, &rest); // at most as deep as the rule has paths
    filter_path(m, rule, path, f, &both);
    buf_append_byte(&both, ',');
    filter__group(m, false, buf_bytes(&rest), &both);
    filter__group(m, true, buf_bytes(&both), out);
    buf_done(&rest);
    buf_done(&both);
}
