// Filters and orders for sources that speak plain HTTP: as parameters of the address, where one
// name stands for one condition, or as one expression.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/filter_int.h"

#include "base/limits.h"
#include "mapping/value.h"
#include "model/url.h"

struct text_hole {
    struct bytes field;     // the source's name
    struct bytes value;     // a literal
    struct bytes direction; // of an order
};

static bool text_lookup(void *ctx, enum template_slot slot, unsigned index,
                        struct template_value *out)
{
    const struct text_hole *h = ctx;
    (void)index;
    *out = (struct template_value){slot == SLOT_FIELD   ? h->field
                                   : slot == SLOT_VALUE ? h->value
                                                        : h->direction,
                                   false};
    return true;
}

static void text_put(const struct template *t, struct text_hole *h, struct buf *out)
{
    enum fp_error error = template_render(t, text_lookup, h, out);
    if (error != FP_OK && out->error == FP_OK) {
        out->error = error;
    }
}

void mapping_literal(const struct mapping_dialect *d, enum mapping_form form, struct bytes text,
                     struct buf *out)
{
    struct buf plain;
    buf_init(&plain, text.len * 2 + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (form == FORM_TEXT && d->doubled.len == 1 && text.ptr[i] == d->doubled.ptr[0]) {
            buf_append_byte(&plain, text.ptr[i]);
        }
        buf_append_byte(&plain, text.ptr[i]);
    }
    struct text_hole hole = {.value = buf_bytes(&plain)};
    if (d->literals[form].count != 0) {
        text_put(&d->literals[form], &hole, out);
    } else {
        buf_append_bytes(out, hole.value);
    }
    if (buf_error(&plain) != FP_OK && out->error == FP_OK) {
        out->error = buf_error(&plain);
    }
    buf_done(&plain);
}

bool mapping_clauses_name(struct bytes clauses, struct bytes name)
{
    struct bytes clause = {0};
    while (bytes_split(&clauses, '&', &clause)) {
        if (clause.len > name.len && clause.ptr[name.len] == '=' &&
            bytes_starts_with(clause, name)) {
            return true;
        }
    }
    return false;
}

static void text_join(const struct mapping_dialect *d, bool any, struct buf *out)
{
    if (out->len != 0 && d->form == DIALECT_PARAMETERS) {
        buf_append_byte(out, '&');
    } else if (out->len != 0) {
        buf_append_bytes(out, any ? d->any_with : d->all_with);
    }
}

static void text_clause(const struct mapping_dialect *d, const struct mapping_clause *c,
                        struct bytes field, struct bytes literal, struct buf *out)
{
    struct text_hole hole = {.field = field, .value = literal};
    struct buf name;
    struct buf text;
    if (d->form == DIALECT_EXPRESSION) {
        text_put(&c->text, &hole, out);
        return;
    }
    buf_init(&name, FP_LIMIT_DEFINITION_TEXT * 2);
    buf_init(&text, 1u << 18);
    text_put(&c->name, &hole, &name);
    text_put(&c->text, &hole, &text);
    url_encode(out, buf_bytes(&name));
    buf_append_byte(out, '=');
    url_encode(out, buf_bytes(&text));
    if (out->error == FP_OK) {
        out->error = buf_error(&name) != FP_OK ? buf_error(&name) : buf_error(&text);
    }
    buf_done(&name);
    buf_done(&text);
}

static bool text_has(const struct mapping_dialect *d, enum model_operator op)
{
    return d->words[op].text.count != 0;
}

static int64_t text_floor(int64_t ms, int64_t unit)
{
    int64_t rest = ms % unit;
    return ms - rest - (rest < 0 ? unit : 0);
}

static int64_t text_ceiling(int64_t ms, int64_t unit)
{
    int64_t floor = text_floor(ms, unit);
    return floor == ms ? ms : floor + unit;
}

static void text_time(const struct mapping *m, enum model_operator op, struct bytes field,
                      int64_t ms, bool day, struct buf *out)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    struct buf time;
    struct buf literal;
    buf_init(&time, 64);
    buf_init(&literal, 4096);
    value_time_text(&m->wire.values, ms, day, &time);
    mapping_literal(d, day ? FORM_DATE : FORM_DATETIME, buf_bytes(&time), &literal);
    text_clause(d, &d->words[op], field, buf_bytes(&literal), out);
    buf_done(&time);
    buf_done(&literal);
}

// From the instant on, as exactly as the source keeps times.
static void text_from(const struct mapping *m, struct bytes field, int64_t ms, struct buf *out)
{
    text_time(m, MODEL_GREATER_EQUAL, field, text_ceiling(ms, value_time_unit(&m->wire.values)),
              false, out);
}

static void text_before(const struct mapping *m, struct bytes field, int64_t ms, struct buf *out)
{
    int64_t unit = value_time_unit(&m->wire.values);
    if (text_has(&m->wire.dialect, MODEL_LESS)) {
        text_time(m, MODEL_LESS, field, text_ceiling(ms, unit), false, out);
    } else {
        text_time(m, MODEL_LESS_EQUAL, field, text_ceiling(ms, unit) - unit, false, out);
    }
}

// What clients are shown is cut to milliseconds, so that each comparison is one of "from" and
// "before".
static void text_datetime(const struct mapping *m, struct bytes field, const struct model_filter *f,
                          struct buf *out)
{
    switch (f->op) {
    case MODEL_GREATER:
        text_from(m, field, f->time_ms + 1, out);
        break;
    case MODEL_GREATER_EQUAL:
        text_from(m, field, f->time_ms, out);
        break;
    case MODEL_LESS:
        text_before(m, field, f->time_ms, out);
        break;
    case MODEL_LESS_EQUAL:
        text_before(m, field, f->time_ms + 1, out);
        break;
    default:
        text_from(m, field, f->time_ms, out);
        text_join(&m->wire.dialect, false, out);
        text_before(m, field, f->time_ms + f->time_unit_ms, out);
        break;
    }
}

// A day of the source is shown as its midnight in UTC.
static void text_date(const struct mapping *m, struct bytes field, const struct model_filter *f,
                      struct buf *out)
{
    bool up = f->op == MODEL_GREATER_EQUAL || f->op == MODEL_LESS;
    int64_t ms = up ? text_ceiling(f->time_ms, VALUE_DAY_MS) : text_floor(f->time_ms, VALUE_DAY_MS);
    text_time(m, f->op, field, ms, true, out);
}

static void text_group(struct bytes clauses, struct buf *out)
{
    buf_append_byte(out, '(');
    buf_append_bytes(out, clauses);
    buf_append_byte(out, ')');
}

// The values of an enumeration that meet the filter, in one clause where the source can.
static void text_enumerated(const struct mapping *m, const struct mapping_rule *rule,
                            struct bytes field, const struct model_filter *f, struct buf *out)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    struct buf values;
    struct buf clauses;
    unsigned count = 0;
    buf_init(&values, 1u << 16);
    buf_init(&clauses, 1u << 18);
    for (unsigned i = 0; i < rule->enumeration->count; i++) {
        size_t before = values.len;
        if (!filter__meets(rule->enumeration->values[i].key, f)) {
            continue;
        }
        buf_append_bytes(&values, count != 0 ? d->one_with : (struct bytes){0});
        size_t at = count != 0 ? before + d->one_with.len : before;
        mapping_literal(d, rule->form, rule->enumeration->values[i].source, &values);
        text_join(d, true, &clauses);
        text_clause(d, &d->words[MODEL_EQUALS], field,
                    bytes_slice(buf_bytes(&values), at, values.len), &clauses);
        count++;
    }
    if (count > 1 && d->one_of.text.count != 0) {
        text_clause(d, &d->one_of, field, buf_bytes(&values), out);
    } else if (count > 1) {
        text_group(buf_bytes(&clauses), out);
    } else {
        buf_append_bytes(out, buf_bytes(&clauses));
    }
    buf_done(&values);
    buf_done(&clauses);
}

static void text_plain(const struct mapping *m, const struct mapping_rule *rule, struct bytes field,
                       const struct model_filter *f, struct buf *out)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    struct buf number;
    struct buf literal;
    struct bytes text = f->value;
    buf_init(&number, 1024);
    buf_init(&literal, FP_LIMIT_FILTER_VALUE * 16);
    if (rule->form == FORM_BOOLEAN) {
        text = f->truth ? BYTES("true") : BYTES("false");
    } else if (rule->form != FORM_TEXT && rule->field->type == MODEL_TYPE_NUMBER) {
        value_shifted(f->value, -rule->shift, &number);
        text = buf_bytes(&number);
    }
    mapping_literal(d, rule->form, text, &literal);
    text_clause(d, &d->words[f->op], field, buf_bytes(&literal), out);
    buf_done(&number);
    buf_done(&literal);
}

static void text_path(const struct mapping *m, const struct mapping_rule *rule,
                      const struct mapping_path *path, const struct model_filter *f,
                      struct buf *out)
{
    struct bytes field = rule->filter_name.len != 0 ? rule->filter_name : path->source;
    if (rule->enumeration != NULL) {
        text_enumerated(m, rule, field, f, out);
    } else if (rule->form == FORM_DATETIME) {
        text_datetime(m, field, f, out);
    } else if (rule->form == FORM_DATE) {
        text_date(m, field, f, out);
    } else {
        text_plain(m, rule, field, f, out);
    }
}

// first: [a, b] is b only where a is null, so: a meets it, or a is null and b meets it.
static void text_first(const struct mapping *m, const struct mapping_rule *rule, unsigned at,
                       const struct model_filter *f, struct buf *out)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    struct buf either;
    struct buf both;
    if (at + 1 == rule->path_count || rule->filter_name.len != 0 || d->form == DIALECT_PARAMETERS) {
        text_path(m, rule, &rule->paths[at], f, out);
        return;
    }
    buf_init(&either, 1u << 18);
    buf_init(&both, 1u << 18);
    text_path(m, rule, &rule->paths[at], f, &either);
    text_clause(d, &d->words[MODEL_EQUALS], rule->paths[at].source, BYTES("null"), &both);
    text_join(d, false, &both);
    text_first(m, rule, at + 1, f, &both); // at most as deep as the rule has paths
    text_join(d, true, &either);
    text_group(buf_bytes(&both), &either);
    text_group(buf_bytes(&either), out);
    buf_done(&either);
    buf_done(&both);
}

// No record of the source can meet it: a key that is none, a day that begins at noon.
static bool text_never(const struct mapping_rule *rule, const struct model_filter *f)
{
    if (rule->enumeration != NULL) {
        for (unsigned i = 0; i < rule->enumeration->count; i++) {
            if (filter__meets(rule->enumeration->values[i].key, f)) {
                return false;
            }
        }
        return true;
    }
    if (rule->form == FORM_DATE) {
        return f->op == MODEL_EQUALS && f->time_ms % VALUE_DAY_MS != 0;
    }
    return rule->form == FORM_INTEGER && rule->field->type != MODEL_TYPE_NUMBER &&
           !value_is_integer(f->value);
}

// Whether the value holds a character that means something else to the source.
static bool text_is_refused(const struct mapping_dialect *d, struct bytes value)
{
    size_t at = 0;
    for (size_t i = 0; i < d->refused.len; i++) {
        if (bytes_find(value, d->refused.ptr[i], &at)) {
            return true;
        }
    }
    return false;
}

static bool text_operator_is_there(const struct mapping *m, const struct mapping_rule *rule,
                                   enum model_operator op)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    bool up = text_has(d, MODEL_GREATER_EQUAL);
    bool down = text_has(d, MODEL_LESS) || text_has(d, MODEL_LESS_EQUAL);
    if (rule->operators != 0 && (rule->operators & 1u << op) == 0) {
        return false;
    }
    if (rule->enumeration != NULL) {
        bool several = d->form == DIALECT_EXPRESSION || d->one_of.text.count != 0;
        return text_has(d, MODEL_EQUALS) && (op == MODEL_EQUALS || several);
    }
    if (rule->form == FORM_DATETIME) {
        bool from = op == MODEL_GREATER || op == MODEL_GREATER_EQUAL;
        bool before = op == MODEL_LESS || op == MODEL_LESS_EQUAL;
        return from ? up : before ? down : up && down;
    }
    return text_has(d, op);
}

// Whether a parameter of the clauses stands already somewhere: then only one of them would count.
static bool text_is_taken(const struct mapping *m, const struct mapping_resource *r,
                          struct bytes clauses, struct bytes before)
{
    struct bytes clause = {0};
    if (m->wire.dialect.form != DIALECT_PARAMETERS) {
        return false;
    }
    for (struct bytes rest = clauses; bytes_split(&rest, '&', &clause);) {
        size_t end = clause.len;
        (void)bytes_find(clause, '=', &end);
        struct bytes name = bytes_slice(clause, 0, end);
        if (mapping_clauses_name(before, name) ||
            (rest.ptr != NULL && mapping_clauses_name(rest, name))) {
            return true;
        }
        for (unsigned i = 0; i < r->parameter_count; i++) {
            if (bytes_equal(r->parameters[i].name, name)) {
                return true;
            }
        }
    }
    return false;
}

struct text_query {
    const struct mapping *m;          // the platform
    const struct mapping_resource *r; // what is listed
    bool match_any;                   // any of the filters is enough
};

// One filter of the query; false: it cannot stand beside the others.
static bool text_add(const struct text_query *q, const struct mapping_rule *rule,
                     const struct model_filter *f, struct mapping_clauses *out)
{
    const struct mapping_dialect *d = &q->m->wire.dialect;
    struct buf clause;
    bool good = true;
    if (text_never(rule, f)) {
        out->never_count++;
        return true;
    }
    buf_init(&clause, 1u << 20);
    text_first(q->m, rule, 0, f, &clause);
    if (text_is_taken(q->m, q->r, buf_bytes(&clause), buf_bytes(&out->own))) {
        good = false;
    } else {
        text_join(d, q->match_any, &out->own);
        if (d->form == DIALECT_EXPRESSION && q->match_any) {
            text_group(buf_bytes(&clause), &out->own);
        } else {
            buf_append_bytes(&out->own, buf_bytes(&clause));
        }
    }
    if (buf_error(&clause) != FP_OK && out->own.error == FP_OK) {
        out->own.error = buf_error(&clause);
    }
    buf_done(&clause);
    return good;
}

enum fp_error filter__text(const struct mapping *m, const struct mapping_resource *r,
                           const struct model_query *query, struct json_out *errors,
                           struct mapping_clauses *out)
{
    struct text_query q = {.m = m, .r = r, .match_any = query->match_any};
    bool refused = false;
    if (query->match_any && query->filter_count > 1 && m->wire.dialect.form == DIALECT_PARAMETERS) {
        model_error_row(errors, BYTES("filterMatch"), "FILTER_UNSUPPORTED",
                        "The source system cannot match any of several fields.");
        return FP_E_FILTER_UNSUPPORTED;
    }
    for (unsigned i = 0; i < query->filter_count; i++) {
        const struct model_filter *f = &query->filters[i];
        const struct mapping_rule *rule = filter__rule(r, f->field);
        if (!rule->searchable || !text_operator_is_there(m, rule, f->op)) {
            model_error_row(errors, f->name, "FILTER_UNSUPPORTED",
                            "The source system cannot filter by this field with this operator.");
            refused = true;
        } else if (text_is_refused(&m->wire.dialect, f->value)) {
            model_error_row(errors, f->name, "FILTER_UNSUPPORTED",
                            "The source system cannot filter by a value with such a character.");
            refused = true;
        } else if (!text_add(&q, rule, f, out)) {
            model_error_row(errors, f->name, "FILTER_UNSUPPORTED",
                            "The source system cannot combine this filter with another one that "
                            "it has on the same field.");
            refused = true;
        }
    }
    // One that nothing meets decides alone, or among any of them together with all others.
    out->never = query->match_any ? out->never_count != 0 && out->never_count == query->filter_count
                                  : out->never_count != 0;
    return refused ? FP_E_FILTER_UNSUPPORTED : buf_error(&out->own);
}

static void text_order(const struct mapping_dialect *d, struct bytes field, bool descending,
                       struct buf *out)
{
    struct text_hole hole = {.field = field,
                             .direction = descending ? d->descending : d->ascending};
    buf_append_bytes(out, out->len != 0 ? d->order_with : (struct bytes){0});
    text_put(&d->order, &hole, out);
}

static struct bytes text_order_name(const struct mapping_rule *rule)
{
    return rule->sort_name.len != 0 ? rule->sort_name : rule->paths[0].source;
}

enum fp_error filter__text_order(const struct mapping *m, const struct mapping_resource *r,
                                 const struct model_query *query, struct json_out *errors,
                                 struct buf *out)
{
    const struct mapping_dialect *d = &m->wire.dialect;
    bool refused = false;
    bool by_key = false;
    unsigned count = 0;
    for (unsigned i = 0; query != NULL && i < query->sort_count; i++) {
        const struct model_sort *s = &query->sorts[i];
        const struct mapping_rule *rule = filter__rule(r, s->field);
        if (!rule->sortable || count == d->order_max) {
            model_error_row(errors, s->name, "SORT_UNSUPPORTED",
                            rule->sortable ? "The source system cannot sort by so many fields."
                                           : "The source system cannot sort by this field.");
            refused = true;
            continue;
        }
        text_order(d, text_order_name(rule), s->descending, out);
        by_key = by_key || rule == r->key;
        count++;
    }
    if (count < d->order_max && r->order.len != 0) {
        buf_append_bytes(out, out->len != 0 ? d->order_with : (struct bytes){0});
        buf_append_bytes(out, r->order);
    } else if (count < d->order_max && r->key != NULL && r->key->sortable && !by_key) {
        text_order(d, text_order_name(r->key), false, out);
    }
    return refused ? FP_E_SORT_UNSUPPORTED : buf_error(out);
}

bool filter__text_key(const struct mapping_resource *r, struct bytes key)
{
    if (r->key == NULL || key.len == 0 || bytes_equal_text(key, ".") ||
        bytes_equal_text(key, "..")) {
        return false; // dots would lead to another path
    }
    return r->key->form != FORM_INTEGER || value_is_integer(key);
}
