// Applies the compiled rules; the hot path: no allocation, no copy but into the answer.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/apply.h"

#include "mapping/value.h"

#include <string.h>

#define APPLY_MEMBERS 64 // of one object that are looked at by number

struct apply_member {
    const char *name;  // not owned
    size_t len;        // of name
    yyjson_val *value; // of the member
};

// An object of the answer with its members by number.
struct apply_object {
    yyjson_val *from;                           // the object
    unsigned count;                             // of members, at most APPLY_MEMBERS
    struct apply_member members[APPLY_MEMBERS]; // in the source's order
};

struct applier {
    const struct mapping *m;       // the platform
    struct mapping_hints *hints;   // where members were found before
    yyjson_val *parent;            // of a nested list
    struct json_out *j;            // the answer
    struct fp_note *note;          // what did not fit
    const struct mapping_path *at; // path that was read last, for the note
};

static enum fp_error apply_rules(struct applier *a, const struct mapping_rule *rules,
                                 unsigned count, yyjson_val *from);
static enum fp_error apply_rules_to(struct applier *a, const struct mapping_rule *rules,
                                    unsigned count, const struct apply_object *object);

static enum fp_error apply_wrong(struct applier *a, const char *expected)
{
    char field[96];
    struct bytes source = a->at != NULL ? bytes_slice(a->at->source, 0, 90) : BYTES("?");
    (void)bytes_to_text(source, field, sizeof field);
    fp_note_set(a->note, field, "The source's value is no %s.", expected);
    return FP_E_SOURCE_ANSWER_INVALID;
}

static void apply_look(yyjson_val *from, struct apply_object *out)
{
    yyjson_obj_iter iter;
    yyjson_val *key = NULL;
    out->from = from;
    out->count = 0;
    (void)yyjson_obj_iter_init(from, &iter);
    while (out->count < APPLY_MEMBERS && (key = yyjson_obj_iter_next(&iter)) != NULL) {
        out->members[out->count++] = (struct apply_member){yyjson_get_str(key), yyjson_get_len(key),
                                                           yyjson_obj_iter_get_val(key)};
    }
}

static bool apply_is_member(const struct apply_member *member, struct bytes name)
{
    return member->len == name.len && memcmp(member->name, name.ptr, name.len) == 0;
}

static yyjson_val *apply_member(struct applier *a, const struct mapping_path *path,
                                const struct apply_object *object)
{
    struct bytes name = path->steps[0].name;
    uint8_t *hint = &a->hints->at[path->place];
    if (*hint < object->count && apply_is_member(&object->members[*hint], name)) {
        return object->members[*hint].value;
    }
    for (unsigned i = 0; i < object->count; i++) {
        if (apply_is_member(&object->members[i], name)) {
            *hint = (uint8_t)i;
            return object->members[i].value;
        }
    }
    return object->count == APPLY_MEMBERS
               ? yyjson_obj_getn(object->from, (const char *)name.ptr, name.len)
               : NULL;
}

static yyjson_val *apply_get(struct applier *a, const struct mapping_path *path,
                             const struct apply_object *object)
{
    a->at = path;
    if (path->parent) {
        return value_at(path, a->parent);
    }
    if (path->count == 0) {
        return object->from;
    }
    yyjson_val *value = apply_member(a, path, object);
    if (path->count > 1) {
        struct mapping_path rest = {.steps = path->steps + 1, .count = path->count - 1};
        return value_at(&rest, value);
    }
    return value == NULL || yyjson_is_null(value) ? NULL : value;
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
                                 const struct apply_object *from)
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
                                const struct apply_object *from)
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

static void apply_exists(struct applier *a, const struct mapping_rule *rule,
                         const struct apply_object *from)
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
                                const struct apply_object *from)
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
        yyjson_val *value = rule->rule_count != 0 ? value_at(&rule->rules[0].paths[0], item) : item;
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
                                  const struct apply_object *from)
{
    yyjson_val *value = from->from;
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
    if (rule->path_count == 0) {
        return apply_rules_to(a, rule->rules, rule->rule_count, from);
    }
    return yyjson_is_obj(value) ? apply_rules(a, rule->rules, rule->rule_count, value)
                                : apply_wrong(a, "object");
}

static enum fp_error apply_list(struct applier *a, const struct mapping_rule *rule,
                                const struct apply_object *from)
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
        enum fp_error error = apply_rules_to(a, rule->rules, rule->rule_count, from);
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
                                const struct apply_object *from)
{
    switch (rule->kind) {
    case RULE_PATH:
        return apply_value(a, rule, apply_get(a, &rule->paths[0], from));
    case RULE_FIRST:
        return apply_first(a, rule, from);
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
    case RULE_CONST:
    case RULE_NULL:
        break; // gone out with what stands between the values
    }
    return FP_OK;
}

// What stands between the values was put together when the definition was loaded.
static enum fp_error apply_rules_to(struct applier *a, const struct mapping_rule *rules,
                                    unsigned count, const struct apply_object *object)
{
    if (count == 0) {
        json_raw(a->j, BYTES("{}"));
        return FP_OK;
    }
    json_raw(a->j, BYTES(""));
    for (unsigned i = 0; i < count; i++) {
        if (rules[i].kind == RULE_NULL || rules[i].kind == RULE_CONST) {
            continue;
        }
        buf_append_bytes(a->j->out, rules[i].before);
        a->j->need_comma = false;
        enum fp_error error = apply_rule(a, &rules[i], object);
        if (error != FP_OK) {
            return error;
        }
    }
    buf_append_bytes(a->j->out, rules[0].after);
    a->j->need_comma = true;
    return FP_OK;
}

// Recursion follows the rules, whose depth the loader limits.
static enum fp_error apply_rules(struct applier *a, const struct mapping_rule *rules,
                                 unsigned count, yyjson_val *from)
{
    struct apply_object object;
    apply_look(from, &object);
    return apply_rules_to(a, rules, count, &object);
}

// The fields that were asked for alone: every one with its name.
static enum fp_error apply_selected(struct applier *a, const struct mapping_resource *r,
                                    const struct model_query *query, yyjson_val *row)
{
    struct apply_object object;
    apply_look(row, &object);
    json_begin_object(a->j);
    for (unsigned i = 0; i < r->rule_count; i++) {
        const struct mapping_rule *rule = &r->rules[i];
        if (!model_fields_has(&query->fields, i)) {
            continue;
        }
        json_name(a->j, rule->field->name);
        if (rule->kind == RULE_NULL) {
            json_null(a->j);
        } else if (rule->kind == RULE_CONST) {
            json_raw(a->j, rule->constant);
        } else {
            enum fp_error error = apply_rule(a, rule, &object);
            if (error != FP_OK) {
                return error;
            }
        }
    }
    json_end_object(a->j);
    return FP_OK;
}

// The source's record goes in before the brace that ends ours. Our fields are never empty here: an
// entity without fields has no plan.
static enum fp_error apply_raw(struct applier *a, yyjson_val *row)
{
    struct buf *out = a->j->out;
    if (buf_error(out) == FP_OK) {
        out->len--;
    }
    buf_append_text(out, out->len != 0 && out->ptr[out->len - 1] == '{' ? "" : ",");
    buf_append_text(out, "\"raw\":");
    enum fp_error error = value_put_json(row, out);
    buf_append_byte(out, '}');
    return error;
}

enum fp_error mapping_apply(const struct mapping *m, const struct mapping_resource *r,
                            const struct mapping_record *record, struct json_out *j,
                            struct fp_note *note)
{
    struct mapping_hints none = {0};
    struct applier a = {.m = m,
                        .hints = record->hints != NULL ? record->hints : &none,
                        .parent = record->parent,
                        .j = j,
                        .note = note};
    if (!yyjson_is_obj(record->row) || (r->each != NULL && !yyjson_is_obj(record->parent))) {
        return apply_wrong(&a, "object");
    }
    if (r->key != NULL && r->key->kind == RULE_PATH &&
        value_at(&r->key->paths[0], record->row) == NULL) {
        a.at = &r->key->paths[0];
        return apply_wrong(&a, "key");
    }
    enum fp_error error = record->query != NULL && record->query->selects
                              ? apply_selected(&a, r, record->query, record->row)
                              : apply_rules(&a, r->rules, r->rule_count, record->row);
    if (error == FP_OK && record->query != NULL && record->query->include_raw) {
        error = apply_raw(&a, record->row);
    }
    return error != FP_OK ? error : buf_error(j->out);
}
