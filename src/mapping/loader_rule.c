// The rules that fill the fields of an entity.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"

#include <string.h>

#define RULE_PATHS 8

const struct loader_form loader__forms[FORM_COUNT] = {
    {"text", FORM_TEXT},         {"integer", FORM_INTEGER}, {"float", FORM_FLOAT},
    {"decimal", FORM_DECIMAL},   {"boolean", FORM_BOOLEAN}, {"date", FORM_DATE},
    {"datetime", FORM_DATETIME},
};

static enum mapping_form rule_default_form(const struct loader *l, const struct mapping_rule *rule)
{
    switch (rule->field->type) {
    case MODEL_TYPE_NUMBER:
        return FORM_FLOAT;
    case MODEL_TYPE_BOOLEAN:
        return FORM_BOOLEAN;
    case MODEL_TYPE_TIME:
        return FORM_DATETIME;
    case MODEL_TYPE_KEY:
    case MODEL_TYPE_REF:
    case MODEL_TYPE_REFS:
        return rule->enumeration != NULL ? FORM_TEXT : l->mapping->wire.values.key;
    default:
        return FORM_TEXT;
    }
}

// Whether a source's value of this form can become a value of the field.
static bool rule_form_fits(enum mapping_form form, enum model_type type)
{
    switch (type) {
    case MODEL_TYPE_NUMBER:
        return form == FORM_INTEGER || form == FORM_FLOAT || form == FORM_DECIMAL;
    case MODEL_TYPE_BOOLEAN:
        return form == FORM_BOOLEAN;
    case MODEL_TYPE_TIME:
        return form == FORM_DATE || form == FORM_DATETIME;
    case MODEL_TYPE_KEY:
    case MODEL_TYPE_REF:
    case MODEL_TYPE_REFS:
        return form == FORM_TEXT || form == FORM_INTEGER;
    default:
        return form == FORM_TEXT || form == FORM_INTEGER || form == FORM_DECIMAL;
    }
}

static enum fp_error rule_form(struct loader *l, const struct yaml_node *node,
                               struct mapping_rule *rule)
{
    const struct yaml_node *type = yaml_member(node, "type");
    rule->form = rule_default_form(l, rule);
    if (type == NULL) {
        return FP_OK;
    }
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (type->kind == YAML_SCALAR && bytes_equal_text(type->text, loader__forms[i].word)) {
            rule->form = loader__forms[i].form;
            return rule_form_fits(rule->form, rule->field->type)
                       ? FP_OK
                       : loader__wrong(l, type, "\"%s\" is a %s: %s does not become one.",
                                       rule->field->name, model_type_name(rule->field->type),
                                       loader__forms[i].word);
        }
    }
    return loader__wrong(l, type,
                         "A type is text, integer, float, decimal, boolean, date or datetime.");
}

static enum fp_error rule_enumeration(struct loader *l, const struct yaml_node *node,
                                      struct mapping_rule *rule)
{
    const struct yaml_node *name = yaml_member(node, "enum");
    if (name == NULL) {
        return FP_OK;
    }
    if (rule->field->type != MODEL_TYPE_TEXT && rule->field->type != MODEL_TYPE_REF) {
        return loader__wrong(l, name, "Only texts and references have enumerations.");
    }
    for (unsigned i = 0; i < l->mapping->enumeration_count; i++) {
        if (name->kind == YAML_SCALAR &&
            bytes_equal_text(name->text, l->mapping->enumerations[i].name)) {
            rule->enumeration = &l->mapping->enumerations[i];
            return FP_OK;
        }
    }
    return loader__wrong(l, name, "There is no enumeration of this name.");
}

static enum fp_error rule_paths(struct loader *l, const struct yaml_node *node, bool whole,
                                struct mapping_rule *rule)
{
    bool list = node->kind == YAML_LIST;
    const struct yaml_node *item = list ? node->first : node;
    struct mapping_path *paths = NULL;
    unsigned count = list ? node->count : 1;
    if (count == 0 || count > RULE_PATHS) {
        return loader__wrong(l, node, "1 to %d paths are expected here.", RULE_PATHS);
    }
    paths = arena_alloc(l->arena, count, sizeof *paths);
    if (paths == NULL) {
        return FP_E_NO_MEMORY;
    }
    for (unsigned i = 0; i < count; i++, item = item->next) {
        enum fp_error error = loader__record_path(l, item, whole, &paths[i]);
        if (error != FP_OK) {
            return error;
        }
        if (paths[i].count == 0) {
            return loader__wrong(l, item, "The path is empty.");
        }
    }
    rule->paths = paths;
    rule->path_count = count;
    return FP_OK;
}

static bool rule_is_scalar(enum model_type type)
{
    return type != MODEL_TYPE_OBJECT && type != MODEL_TYPE_LIST && type != MODEL_TYPE_REFS &&
           type != MODEL_TYPE_TEXTS;
}

static enum fp_error rule_shift(struct loader *l, const struct yaml_node *node,
                                struct mapping_rule *rule)
{
    const struct yaml_node *shift = yaml_member(node, "shift");
    uint64_t number = 0;
    if (shift == NULL) {
        return FP_OK;
    }
    if (rule->field->type != MODEL_TYPE_NUMBER || !yaml_u64(shift, 9, &number)) {
        return loader__wrong(l, shift, "\"shift\" moves the point of a number by 0 to 9 digits.");
    }
    rule->shift = (int)number;
    return FP_OK;
}

// path, first, const, join, exists: which of them says where the value comes from.
static enum fp_error rule_find_source(struct loader *l, const struct yaml_node *node,
                                      struct mapping_rule *rule, const struct yaml_node **out)
{
    static const struct {
        const char *word;
        enum mapping_rule_kind kind;
    } rows[] = {{"path", RULE_PATH},
                {"first", RULE_FIRST},
                {"const", RULE_CONST},
                {"join", RULE_JOIN},
                {"exists", RULE_EXISTS}};
    const struct yaml_node *found = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct yaml_node *item = yaml_member(node, rows[i].word);
        if (item != NULL && found != NULL) {
            return loader__wrong_name(l, item, "The field has two sources.");
        }
        if (item != NULL) {
            found = item;
            rule->kind = rows[i].kind;
        }
    }
    if (found == NULL) {
        return loader__wrong(l, node,
                             "\"path\", \"first\", \"const\", \"join\" or \"exists\" is "
                             "missing.");
    }
    *out = found;
    return FP_OK;
}

// Whether what was found suits the type of the field.
static enum fp_error rule_source_fits(struct loader *l, const struct yaml_node *found,
                                      const struct mapping_rule *rule)
{
    enum model_type type = rule->field->type;
    if (rule->kind == RULE_EXISTS && type != MODEL_TYPE_BOOLEAN) {
        return loader__wrong_name(l, found, "\"exists\" gives true or false.");
    }
    if (rule->kind == RULE_JOIN && type != MODEL_TYPE_TEXT && type != MODEL_TYPE_KEY &&
        type != MODEL_TYPE_REF) {
        return loader__wrong_name(l, found, "\"join\" gives a text.");
    }
    if (rule->kind == RULE_PATH && found->kind != YAML_SCALAR) {
        return loader__wrong(l, found, "A path is one text.");
    }
    return FP_OK;
}

static enum fp_error rule_source(struct loader *l, const struct yaml_node *node,
                                 struct mapping_rule *rule)
{
    const struct yaml_node *with = yaml_member(node, "with");
    const struct yaml_node *found = NULL;
    enum fp_error error = rule_find_source(l, node, rule, &found);
    error = error != FP_OK ? error : rule_source_fits(l, found, rule);
    if (error != FP_OK) {
        return error;
    }
    if (with != NULL && rule->kind != RULE_JOIN) {
        return loader__wrong_name(l, with, "\"with\" belongs to \"join\".");
    }
    if (rule->kind == RULE_CONST) {
        return loader__json(l, found, &rule->constant);
    }
    error = with != NULL ? loader__bytes(l, with, &rule->constant) : FP_OK;
    return error != FP_OK ? error : rule_paths(l, found, false, rule);
}

static enum fp_error rule_constant_fits(struct loader *l, const struct yaml_node *node,
                                        const struct mapping_rule *rule)
{
    uint8_t first = rule->constant.len != 0 ? rule->constant.ptr[0] : 0;
    bool fits = true;
    if (rule->kind != RULE_CONST || bytes_equal_text(rule->constant, "null")) {
        return FP_OK;
    }
    switch (rule->field->type) {
    case MODEL_TYPE_NUMBER:
        fits = first == '-' || (first >= '0' && first <= '9');
        break;
    case MODEL_TYPE_BOOLEAN:
        fits = first == 't' || first == 'f';
        break;
    default:
        fits = first == '"';
        break;
    }
    return fits ? FP_OK
                : loader__wrong(l, node, "The constant is no %s.",
                                model_type_name(rule->field->type));
}

enum fp_error loader__value_form(struct loader *l, const struct yaml_node *node,
                                 struct mapping_rule *rule)
{
    enum fp_error error = rule_enumeration(l, node, rule);
    error = error != FP_OK ? error : rule_form(l, node, rule);
    return error != FP_OK ? error : rule_shift(l, node, rule);
}

static enum fp_error rule_scalar(struct loader *l, const struct yaml_node *node,
                                 struct mapping_rule *rule)
{
    static const char *const names[] = {"path", "first", "const", "join",   "with", "exists",
                                        "type", "shift", "enum",  "filter", "sort", NULL};
    enum fp_error error = FP_OK;
    if (node->kind == YAML_SCALAR) {
        rule->kind = RULE_PATH;
        error = rule_paths(l, node, false, rule);
        rule->form = rule_default_form(l, rule);
        return error != FP_OK ? error : loader__rule_search(l, node, rule);
    }
    error = loader__map(l, node, names);
    error = error != FP_OK ? error : rule_source(l, node, rule);
    error = error != FP_OK ? error : loader__value_form(l, node, rule);
    error = error != FP_OK ? error : rule_constant_fits(l, node, rule);
    return error != FP_OK ? error : loader__rule_search(l, node, rule);
}

// Lists of keys: at, and what to take of each element.
static enum fp_error rule_keys(struct loader *l, const struct yaml_node *node,
                               struct mapping_rule *rule)
{
    static const char *const names[] = {"at", "take", NULL};
    const struct yaml_node *at = node->kind == YAML_MAP ? yaml_member(node, "at") : node;
    const struct yaml_node *take = yaml_member(node, "take");
    struct mapping_rule *element = NULL;
    enum fp_error error = node->kind == YAML_MAP ? loader__map(l, node, names) : FP_OK;
    if (error == FP_OK && (at == NULL || at->kind != YAML_SCALAR)) {
        error = loader__wrong(l, node, "\"at\" is missing: the path of the list.");
    }
    rule->kind = RULE_KEYS;
    rule->form = rule_default_form(l, rule);
    if (error == FP_OK) {
        error = rule_paths(l, at, take != NULL, rule);
    }
    if (error != FP_OK || take == NULL) {
        return error;
    }
    element = arena_alloc(l->arena, 1, sizeof *element);
    if (element == NULL) {
        return FP_E_NO_MEMORY;
    }
    *element = (struct mapping_rule){.field = rule->field, .kind = RULE_PATH, .form = rule->form};
    error = rule_paths(l, take, false, element);
    rule->rules = element;
    rule->rule_count = 1;
    return error;
}

static enum fp_error rule_only(struct loader *l, const struct yaml_node *node,
                               struct mapping_rule *rule)
{
    const struct yaml_node *only = yaml_member(node, "only");
    struct mapping_path *path = NULL;
    if (only == NULL) {
        return FP_OK;
    }
    if (only->kind != YAML_MAP || only->count != 1) {
        return loader__wrong(l, only, "\"only\" is one path with one value.");
    }
    path = arena_alloc(l->arena, 1, sizeof *path);
    if (path == NULL) {
        return FP_E_NO_MEMORY;
    }
    struct yaml_node name = *only->first;
    name.kind = YAML_SCALAR;
    name.text = only->first->name;
    enum fp_error error = loader__record_path(l, &name, false, path);
    rule->only_path = path;
    return error != FP_OK ? error : loader__bytes(l, only->first, &rule->only_value);
}

static enum fp_error rule_nested(struct loader *l, const struct yaml_node *node, unsigned depth,
                                 struct mapping_rule *rule)
{
    static const char *const names[] = {"at", "fields", "only", "pick", NULL};
    const struct yaml_node *at = yaml_member(node, "at");
    const struct yaml_node *fields = yaml_member(node, "fields");
    const struct yaml_node *pick = yaml_member(node, "pick");
    bool list = rule->field->type == MODEL_TYPE_LIST;
    enum fp_error error = loader__map(l, node, names);
    rule->kind = list ? RULE_LIST : RULE_OBJECT;
    if (error == FP_OK && fields == NULL) {
        error = loader__wrong(l, node, "\"fields\" is missing.");
    }
    if (error == FP_OK && pick != NULL &&
        (list || pick->kind != YAML_SCALAR || !bytes_equal_text(pick->text, "first"))) {
        error = loader__wrong(l, pick, "\"pick\" is first, for an object out of a list.");
    }
    if (error == FP_OK && at != NULL) {
        error = rule_paths(l, at, true, rule);
    }
    if (error == FP_OK) {
        error = rule_only(l, node, rule);
    }
    rule->pick = pick != NULL;
    rule->rule_count = rule->field->entity->field_count;
    return error != FP_OK ? error
                          : loader__rules(l, fields, rule->field->entity, depth + 1, &rule->rules);
}

static enum fp_error rule_one(struct loader *l, const struct yaml_node *node, unsigned depth,
                              struct mapping_rule *rule)
{
    if (yaml_is_null(node)) {
        return FP_OK;
    }
    if (rule_is_scalar(rule->field->type)) {
        return rule_scalar(l, node, rule);
    }
    if (rule->field->type == MODEL_TYPE_REFS || rule->field->type == MODEL_TYPE_TEXTS) {
        return rule_keys(l, node, rule);
    }
    return rule_nested(l, node, depth, rule);
}

// The JSON that stands between the values: it is the same for every record.
static enum fp_error rule_texts(struct loader *l, struct mapping_rule *rules, unsigned count)
{
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, FP_LIMIT_DEFINITION_FILE);
    buf_append_byte(&text, '{');
    for (unsigned i = 0; i < count && error == FP_OK; i++) {
        buf_append_text(&text, i != 0 ? "," : "");
        buf_append_bytes(&text, rules[i].field->member);
        if (rules[i].kind == RULE_NULL) {
            buf_append_text(&text, "null");
        } else if (rules[i].kind == RULE_CONST) {
            buf_append_bytes(&text, rules[i].constant);
        } else {
            rules[i].before = arena_copy(l->arena, buf_bytes(&text));
            error = rules[i].before.ptr != NULL ? buf_error(&text) : FP_E_NO_MEMORY;
            buf_clear(&text);
        }
    }
    buf_append_byte(&text, '}');
    if (error == FP_OK && count != 0) {
        rules[0].after = arena_copy(l->arena, buf_bytes(&text));
        error = rules[0].after.ptr != NULL ? buf_error(&text) : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    return error;
}

enum fp_error loader__rules(struct loader *l, const struct yaml_node *fields,
                            const struct model_entity *entity, unsigned depth,
                            const struct mapping_rule **out)
{
    struct mapping_rule *rules = NULL;
    if (fields->kind != YAML_MAP) {
        return loader__wrong(l, fields, "\"fields\" are names with paths.");
    }
    if (depth > FP_LIMIT_RULE_DEPTH) {
        return loader__wrong(l, fields, "Entities are nested too deeply.");
    }
    rules = arena_alloc(l->arena, entity->field_count, sizeof *rules);
    if (rules == NULL) {
        return FP_E_NO_MEMORY;
    }
    for (unsigned i = 0; i < entity->field_count; i++) {
        rules[i].field = &entity->fields[i];
    }
    for (const struct yaml_node *f = fields->first; f != NULL; f = f->next) {
        const struct model_field *field = model_field_find(entity, f->name);
        if (field == NULL) {
            return loader__wrong_name(l, f, "%s has no field \"%.*s\".", entity->name,
                                      BYTES_ARG(bytes_slice(f->name, 0, 60)));
        }
        enum fp_error error = rule_one(l, f, depth, &rules[field - entity->fields]);
        if (error != FP_OK) {
            return error;
        }
    }
    *out = rules;
    return rule_texts(l, rules, entity->field_count);
}
