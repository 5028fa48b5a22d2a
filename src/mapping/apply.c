// Applies the compiled rules; the hot path: no allocation, no copy but into the answer.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/apply.h"

#include "mapping/value.h"

#include <string.h>

struct applier {
    const struct mapping *m;       // the platform
    yyjson_val *parent;            // of a nested list
    struct json_out *j;            // the answer
    struct fp_note *note;          // what did not fit
    const struct mapping_path *at; // path that was read last, for the note
};

static enum fp_error apply_rules(struct applier *a, const struct mapping_rule *rules,
                                 unsigned count, yyjson_val *from);

static enum fp_error apply_wrong(struct applier *a, const char *expected)
{
    char field[96];
    struct bytes source = a->at != NULL ? bytes_slice(a->at->source, 0, 90) : BYTES("?");
    (void)bytes_to_text(source, field, sizeof field);
    fp_note_set(a->note, field, "The source's value is no %s.", expected);
    return FP_E_SOURCE_ANSWER_INVALID;
}

static yyjson_val *apply_get(struct applier *a, const struct mapping_path *path, yyjson_val *from)
{
    a->at = path;
    return value_at(path, path->parent ? a->parent : from);
}

static void apply_quoted(struct applier *a, struct bytes text)
{
    json_text(a->j, text.ptr != NULL ? text : BYTES(""));
}

static enum fp_error apply_enumerated(struct applier *a, const struct mapping_rule *rule,
                                      struct bytes text)
{
    const struct mapping_enumeration *e = rule->enumeration;
    for (unsigned i = 0; i < e->count; i++) {
        if (bytes_equal(e->values[i].source, text)) {
            apply_quoted(a, e->values[i].key);
            return FP_OK;
        }
    }
    apply_quoted(a, text); // a state that the definition does not know is still the truth
    return FP_OK;
}

static enum fp_error apply_text(struct applier *a, const struct mapping_rule *rule,
                                yyjson_val *value)
{
    struct bytes text = {0};
    bool number = rule->form == FORM_INTEGER || rule->form == FORM_DECIMAL;
    if (number ? !value_number(&a->m->wire.values, value, &text) : !value_text(value, &text)) {
        return apply_wrong(a, number ? "number" : "text");
    }
    if (rule->form == FORM_INTEGER && !value_is_integer(text)) {
        return apply_wrong(a, "key");
    }
    if (rule->enumeration != NULL) {
        return apply_enumerated(a, rule, text);
    }
    apply_quoted(a, text);
    return FP_OK;
}

static enum fp_error apply_number(struct applier *a, const struct mapping_rule *rule,
                                  yyjson_val *value)
{
    struct bytes text = {0};
    if (!value_number(&a->m->wire.values, value, &text)) {
        return apply_wrong(a, "number");
    }
    if (rule->shift == 0) {
        json_raw(a->j, text);
        return FP_OK;
    }
    json_raw(a->j, BYTES(""));
    value_shifted(text, rule->shift, a->j->out);
    return FP_OK;
}

static enum fp_error apply_value(struct applier *a, const struct mapping_rule *rule,
                                 yyjson_val *value)
{
    int64_t wall_ms = 0;
    bool truth = false;
    if (value == NULL) {
        json_null(a->j);
        return FP_OK;
    }
    switch (rule->field->type) {
    case MODEL_TYPE_NUMBER:
        return apply_number(a, rule, value);
    case MODEL_TYPE_BOOLEAN:
        if (!value_boolean(value, &truth)) {
            return apply_wrong(a, "true or false");
        }
        json_bool(a->j, truth);
        return FP_OK;
    case MODEL_TYPE_TIME:
        if (!value_time(&a->m->wire.values, value, &wall_ms)) {
            return apply_wrong(a, "date or time");
        }
        json_time(a->j, wall_ms);
        return FP_OK;
    default:
        return apply_text(a, rule, value);
    }
}

static enum fp_error apply_first(struct applier *a, const struct mapping_rule *rule,
                                 yyjson_val *from)
{
    yyjson_val *value = NULL;
    for (unsigned i = 0; i < rule->path_count && value == NULL; i++) {
        value = apply_get(a, &rule->paths[i], from);
    }
    return apply_value(a, rule, value);
}

// Keys that are joined must all be there, otherwise there is no key; texts are joined as far as
// they are there.
static enum fp_error apply_join(struct applier *a, const struct mapping_rule *rule,
                                yyjson_val *from)
{
    struct buf joined;
    bool text = rule->field->type == MODEL_TYPE_TEXT;
    bool missing = false;
    unsigned found = 0;
    enum fp_error error = FP_OK;
    buf_init(&joined, 1u << 20);
    for (unsigned i = 0; i < rule->path_count && error == FP_OK; i++) {
        struct bytes piece = {0};
        yyjson_val *value = apply_get(a, &rule->paths[i], from);
        if (value == NULL) {
            missing = true;
            continue;
        }
        if (!value_text(value, &piece)) {
            error = apply_wrong(a, "text");
            break;
        }
        if (found++ != 0) {
            buf_append_bytes(&joined, rule->constant);
        }
        buf_append_bytes(&joined, piece);
    }
    if (error == FP_OK && (found == 0 || (missing && !text))) {
        json_null(a->j);
    } else if (error == FP_OK) {
        apply_quoted(a, buf_bytes(&joined));
        error = buf_error(&joined);
    }
    buf_done(&joined);
    return error;
}

static void apply_exists(struct applier *a, const struct mapping_rule *rule, yyjson_val *from)
{
    yyjson_val *value = apply_get(a, &rule->paths[0], from);
    bool truth = value != NULL;
    if (yyjson_is_arr(value)) {
        truth = yyjson_arr_size(value) != 0;
    } else if (yyjson_is_bool(value)) {
        truth = yyjson_get_bool(value);
    }
    json_bool(a->j, truth);
}

static enum fp_error apply_keys(struct applier *a, const struct mapping_rule *rule,
                                yyjson_val *from)
{
    yyjson_val *list = apply_get(a, &rule->paths[0], from);
    yyjson_val *item = NULL;
    size_t index = 0;
    size_t max = 0;
    enum fp_error error = FP_OK;
    if (list != NULL && !yyjson_is_arr(list)) {
        return apply_wrong(a, "list");
    }
    json_begin_array(a->j);
    yyjson_arr_foreach(list, index, max, item)
    {
        yyjson_val *value =
            rule->rule_count != 0 ? apply_get(a, &rule->rules[0].paths[0], item) : item;
        if (value != NULL && !yyjson_is_null(value)) {
            error = apply_text(a, rule, value);
        }
        if (error != FP_OK) {
            return error;
        }
    }
    json_end_array(a->j);
    return FP_OK;
}

static bool apply_only(const struct mapping_rule *rule, yyjson_val *item)
{
    struct bytes text = {0};
    yyjson_val *value = rule->only_path != NULL ? value_at(rule->only_path, item) : NULL;
    return rule->only_path == NULL ||
           (value != NULL && value_text(value, &text) && bytes_equal(text, rule->only_value));
}

static enum fp_error apply_object(struct applier *a, const struct mapping_rule *rule,
                                  yyjson_val *from)
{
    yyjson_val *value = from;
    if (rule->path_count != 0) {
        value = apply_get(a, &rule->paths[0], from);
    }
    if (rule->pick && value != NULL) {
        yyjson_val *item = NULL;
        yyjson_val *found = NULL;
        size_t index = 0;
        size_t max = 0;
        if (!yyjson_is_arr(value)) {
            return apply_wrong(a, "list");
        }
        yyjson_arr_foreach(value, index, max, item)
        {
            if (found == NULL && apply_only(rule, item)) {
                found = item;
            }
        }
        value = found;
    } else if (value != NULL && !apply_only(rule, value)) {
        value = NULL;
    }
    if (value == NULL) {
        json_null(a->j);
        return FP_OK;
    }
    return yyjson_is_obj(value) ? apply_rules(a, rule->rules, rule->rule_count, value)
                                : apply_wrong(a, "object");
}

static enum fp_error apply_list(struct applier *a, const struct mapping_rule *rule,
                                yyjson_val *from)
{
    yyjson_val *list = rule->path_count != 0 ? apply_get(a, &rule->paths[0], from) : NULL;
    yyjson_val *item = NULL;
    size_t index = 0;
    size_t max = 0;
    if (list != NULL && !yyjson_is_arr(list)) {
        return apply_wrong(a, "list");
    }
    json_begin_array(a->j);
    if (rule->path_count == 0) { // the record itself is the one element
        enum fp_error error = apply_rules(a, rule->rules, rule->rule_count, from);
        if (error != FP_OK) {
            return error;
        }
    }
    yyjson_arr_foreach(list, index, max, item)
    {
        if (!yyjson_is_obj(item)) {
            return apply_wrong(a, "list of objects");
        }
        if (!apply_only(rule, item)) {
            continue;
        }
        enum fp_error error = apply_rules(a, rule->rules, rule->rule_count, item);
        if (error != FP_OK) {
            return error;
        }
    }
    json_end_array(a->j);
    return FP_OK;
}

static enum fp_error apply_rule(struct applier *a, const struct mapping_rule *rule,
                                yyjson_val *from)
{
    switch (rule->kind) {
    case RULE_PATH:
        return apply_value(a, rule, apply_get(a, &rule->paths[0], from));
    case RULE_FIRST:
        return apply_first(a, rule, from);
    case RULE_CONST:
        json_raw(a->j, rule->constant);
        return FP_OK;
    case RULE_JOIN:
        return apply_join(a, rule, from);
    case RULE_EXISTS:
        apply_exists(a, rule, from);
        return FP_OK;
    case RULE_OBJECT:
        return apply_object(a, rule, from);
    case RULE_LIST:
        return apply_list(a, rule, from);
    case RULE_KEYS:
        return apply_keys(a, rule, from);
    case RULE_NULL:
        break;
    }
    json_null(a->j);
    return FP_OK;
}

// Recursion follows the rules, whose depth the loader limits.
static enum fp_error apply_rules(struct applier *a, const struct mapping_rule *rules,
                                 unsigned count, yyjson_val *from)
{
    json_begin_object(a->j);
    for (unsigned i = 0; i < count; i++) {
        if (a->j->need_comma) {
            buf_append_byte(a->j->out, ',');
        }
        buf_append_bytes(a->j->out, rules[i].field->member);
        a->j->need_comma = false;
        enum fp_error error = apply_rule(a, &rules[i], from);
        if (error != FP_OK) {
            return error;
        }
    }
    json_end_object(a->j);
    return FP_OK;
}

enum fp_error mapping_apply(const struct mapping *m, const struct mapping_resource *r,
                            const struct mapping_record *record, struct json_out *j,
                            struct fp_note *note)
{
    struct applier a = {.m = m, .parent = record->parent, .j = j, .note = note};
    if (!yyjson_is_obj(record->row) || (r->each != NULL && !yyjson_is_obj(record->parent))) {
        return apply_wrong(&a, "object");
    }
    if (r->key != NULL && r->key->kind == RULE_PATH &&
        apply_get(&a, &r->key->paths[0], record->row) == NULL) {
        return apply_wrong(&a, "key");
    }
    enum fp_error error = apply_rules(&a, r->rules, r->rule_count, record->row);
    return error != FP_OK ? error : buf_error(j->out);
}
