// The part of a definition that says how records are written: which fields of a body go to which
// member of the source's record, and by which calls. SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"

#include <string.h>

#define WRITE_RECORD (LOADER_SLOT(SLOT_RECORD) | LOADER_SLOT(SLOT_KEY))

static enum fp_error write_call(struct loader *l, const struct yaml_node *node,
                                const char *const *names, bool keyed, struct mapping_call *out)
{
    enum fp_error error = loader__map(l, node, names);
    error = error != FP_OK ? error : loader__call(l, node, WRITE_RECORD, out);
    if (error == FP_OK && (!template_has(&out->params, SLOT_RECORD) ||
                           template_has(&out->params, SLOT_KEY) != keyed)) {
        error = loader__wrong(l, node,
                              keyed ? "\"params\" needs $key and $record."
                                    : "\"params\" needs $record, and a new record has no $key.");
    }
    return error;
}

enum fp_error loader__lines(struct loader *l, const struct yaml_node *lines)
{
    static const char *const names[] = {"add", "change", "remove", NULL};
    static const unsigned slots[] = {LOADER_SLOT(SLOT_RECORDS), WRITE_RECORD,
                                     LOADER_SLOT(SLOT_KEYS)};
    struct mapping_wire *w = &l->mapping->wire;
    struct template *const templates[] = {&w->line_add, &w->line_change, &w->line_remove};
    enum fp_error error = loader__map(l, lines, names);
    for (unsigned i = 0; i < 3 && error == FP_OK; i++) {
        const struct yaml_node *node = yaml_member(lines, names[i]);
        if (node == NULL && i != 0 && loader__is_http(l)) {
            continue; // lists are written with new records only
        }
        error = node == NULL ? loader__wrong(l, lines, "\"%s\" is missing.", names[i])
                             : loader__json_template(l, node, slots[i], templates[i]);
    }
    return error;
}

enum fp_error loader__wire_writes(struct loader *l, const struct yaml_node *wire)
{
    static const char *const create_names[] = {"method", "params", "key", NULL};
    static const char *const update_names[] = {"method", "params", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *calls = yaml_member(wire, "calls");
    const struct yaml_node *create = yaml_member(calls, "create");
    const struct yaml_node *update = yaml_member(calls, "update");
    const struct yaml_node *lines = yaml_member(wire, "lines");
    enum fp_error error = FP_OK;
    if (create != NULL) {
        const struct yaml_node *key = yaml_member(create, "key");
        error = write_call(l, create, create_names, false, &w->calls.create);
        if (error == FP_OK && key == NULL) {
            error = loader__wrong(l, create,
                                  "\"key\" is missing: where the result has the new record's.");
        }
        error = error != FP_OK ? error : loader__answer_path(l, key, &w->calls.created);
    }
    if (error == FP_OK && update != NULL) {
        error = write_call(l, update, update_names, true, &w->calls.update);
    }
    return error != FP_OK || lines == NULL ? error : loader__lines(l, lines);
}

// What a field's value is at the source: as it is read, where that is a plain value, or as said.
static enum fp_error write_form(struct loader *l, const struct yaml_node *node,
                                struct mapping_write_rule *rule)
{
    const struct mapping_rule *read = rule->read;
    struct mapping_rule form = {.field = rule->field};
    bool plain = read->kind == RULE_PATH || read->kind == RULE_FIRST;
    bool said = yaml_member(node, "type") != NULL || yaml_member(node, "enum") != NULL ||
                yaml_member(node, "shift") != NULL;
    enum fp_error error = FP_OK;
    if (plain && !said) {
        form.form = read->form;
        form.shift = read->shift;
        form.enumeration = read->enumeration;
    } else {
        error = loader__value_form(l, node, &form);
    }
    rule->form = form.form;
    rule->shift = form.shift;
    rule->enumeration = form.enumeration;
    return error;
}

static enum fp_error write_target(struct loader *l, const struct yaml_node *node,
                                  const struct mapping_write *w, struct bytes *out)
{
    enum fp_error error = loader__bytes(l, node, out);
    if (error == FP_OK && out->len == 0) {
        return loader__wrong(l, node, "The name of the source's field is empty.");
    }
    for (unsigned i = 0; i < w->entity->field_count && error == FP_OK; i++) {
        if (bytes_equal(w->rules[i].target, *out) && &w->rules[i].target != out) {
            error = loader__wrong(l, node, "\"%.*s\" is written by \"%s\" already.",
                                  BYTES_ARG(bytes_slice(*out, 0, 60)), w->rules[i].field->name);
        }
    }
    return error;
}

static enum fp_error write_body(struct loader *l, const struct yaml_node *node,
                                const struct mapping_resource *r, const struct mapping_rule *reads,
                                struct mapping_write *w);

// Records inside of the record: one level.
static enum fp_error write_nested(struct loader *l, const struct yaml_node *node,
                                  const struct mapping_resource *r, struct mapping_write_rule *rule)
{
    const struct mapping_rule *read = rule->read;
    struct mapping_write *w = NULL;
    if (l->mapping->wire.line_add.count == 0) {
        return loader__wrong(l, node, "\"lines\" of the wire say how lists are written: missing.");
    }
    if (l->mapping->wire.line_change.count == 0) {
        rule->create_only = true;
    }
    if (read->kind != RULE_LIST || read->path_count != 1 || read->paths[0].parent) {
        return loader__wrong(l, node, "\"%s\" is not read from a list of the record.",
                             rule->field->name);
    }
    w = arena_alloc(l->arena, 1, sizeof *w);
    if (w == NULL) {
        return FP_E_NO_MEMORY;
    }
    w->entity = rule->field->entity;
    rule->nested = w;
    return write_body(l, node, r, read->rules, w);
}

static bool write_can_be(const struct model_field *field)
{
    return field->type != MODEL_TYPE_OBJECT && field->type != MODEL_TYPE_ANY &&
           field->type != MODEL_TYPE_REFS && field->type != MODEL_TYPE_TEXTS &&
           strcmp(field->name, "key") != 0;
}

static enum fp_error write_field(struct loader *l, const struct yaml_node *node,
                                 const struct mapping_resource *r, const struct mapping_write *w,
                                 struct mapping_write_rule *rule)
{
    static const char *const names[] = {"to", "type", "enum", "shift", "required", "only", NULL};
    static const char *const list_names[] = {"to", "fields", "set", "required", "only", NULL};
    bool list = rule->field->type == MODEL_TYPE_LIST;
    const struct yaml_node *to = node->kind == YAML_MAP ? yaml_member(node, "to") : node;
    const struct yaml_node *only = yaml_member(node, "only");
    enum fp_error error = FP_OK;
    if (!write_can_be(rule->field)) {
        return loader__wrong_name(l, node, "\"%s\" cannot be written.", rule->field->name);
    }
    if (node->kind == YAML_MAP) {
        error = loader__map(l, node, list ? list_names : names);
    }
    if (error == FP_OK && to == NULL) {
        error = loader__wrong(l, node, "\"to\" is missing: the source's field.");
    }
    if (error == FP_OK && only != NULL &&
        (only->kind != YAML_SCALAR || !bytes_equal_text(only->text, "create"))) {
        error = loader__wrong(l, only, "\"only\" is create: the field is never changed later.");
    }
    rule->create_only = only != NULL;
    error = error != FP_OK ? error : write_target(l, to, w, &rule->target);
    error = error != FP_OK ? error : loader__flag(l, node, "required", &rule->required);
    if (error != FP_OK) {
        return error;
    }
    return list ? write_nested(l, node, r, rule) : write_form(l, node, rule);
}

// "set": members of every new record, as JSON without the braces around.
static enum fp_error write_set(struct loader *l, const struct yaml_node *node,
                               struct mapping_write *w)
{
    const struct yaml_node *set = yaml_member(node, "set");
    struct bytes json = {0};
    if (set == NULL) {
        return FP_OK;
    }
    if (set->kind != YAML_MAP || set->count == 0) {
        return loader__wrong(l, set, "\"set\" names members of new records with their values.");
    }
    enum fp_error error = loader__json(l, set, &json);
    w->set = bytes_slice(json, 1, json.len >= 2 ? json.len - 2 : 0);
    return error;
}

static enum fp_error write_finds(struct loader *l, const struct yaml_node *node,
                                 const struct mapping_resource *r, struct mapping_write *w)
{
    const struct yaml_node *map = yaml_member(node, "find");
    enum fp_error error = FP_OK;
    if (map == NULL) {
        return FP_OK;
    }
    if (map->kind != YAML_MAP || map->count == 0 || map->count > MAPPING_FINDS) {
        return loader__wrong(l, map, "\"find\" names 1 to %d members with what is searched.",
                             MAPPING_FINDS);
    }
    for (const struct yaml_node *f = map->first; f != NULL && error == FP_OK; f = f->next) {
        struct mapping_find *find = &w->find[w->find_count++];
        struct yaml_node name = *f;
        name.kind = YAML_SCALAR;
        name.text = f->name;
        error = write_target(l, &name, w, &find->target);
        error = error != FP_OK ? error : loader__search(l, f, r, &find->resource);
    }
    return error;
}

// "fields" and "set" of a record or of the records in a list.
static enum fp_error write_body(struct loader *l, const struct yaml_node *node,
                                const struct mapping_resource *r, const struct mapping_rule *reads,
                                struct mapping_write *w)
{
    const struct yaml_node *fields = yaml_member(node, "fields");
    struct mapping_write_rule *rules = arena_alloc(l->arena, w->entity->field_count, sizeof *rules);
    enum fp_error error = FP_OK;
    if (rules == NULL) {
        return FP_E_NO_MEMORY;
    }
    w->rules = rules;
    for (unsigned i = 0; i < w->entity->field_count; i++) {
        rules[i].field = &w->entity->fields[i];
        rules[i].read = &reads[i];
    }
    if (fields == NULL || fields->kind != YAML_MAP || fields->count == 0) {
        return loader__wrong(l, fields != NULL ? fields : node,
                             "\"fields\" are those that may be written, with the source's names.");
    }
    for (const struct yaml_node *f = fields->first; f != NULL && error == FP_OK; f = f->next) {
        const struct model_field *field = model_field_find(w->entity, f->name);
        if (field == NULL) {
            return loader__wrong_name(l, f, "%s has no field \"%.*s\".", w->entity->name,
                                      BYTES_ARG(bytes_slice(f->name, 0, 60)));
        }
        error = write_field(l, f, r, w, &rules[field - w->entity->fields]);
    }
    return error != FP_OK ? error : write_set(l, node, w);
}

static enum fp_error write_way(struct loader *l, const struct yaml_node *node, const char *word,
                               bool served, const struct mapping_call *call)
{
    if (!served) {
        return loader__wrong(l, node, "The API has no operation to %s these records.", word);
    }
    return call->params.count == 0 && call->http == NULL
               ? loader__wrong(l, node, "\"calls\" of the wire lack \"%s\".", word)
               : FP_OK;
}

// Whether the API and the wire have what is to be done.
static enum fp_error write_possible(struct loader *l, const struct yaml_node *node,
                                    const struct mapping_resource *r, const struct mapping_write *w)
{
    unsigned kinds = r->resource->kinds;
    enum fp_error error = FP_OK;
    if (!w->create && !w->update) {
        return loader__wrong(l, node, "\"create\" or \"update\" must be true.");
    }
    if (w->create) {
        error =
            write_way(l, node, "create", (kinds & 1u << MODEL_KIND_CREATE) != 0, &r->calls->create);
    }
    if (error == FP_OK && w->update) {
        error =
            write_way(l, node, "update", (kinds & 1u << MODEL_KIND_UPDATE) != 0, &r->calls->update);
    }
    if (error != FP_OK) {
        return error;
    }
    if (r->each != NULL || r->key == NULL || r->key->kind != RULE_PATH) {
        return loader__wrong(l, node, "Records without a key of their own cannot be written.");
    }
    if (loader__is_http(l) && r->calls->item.http == NULL) {
        return loader__wrong(l, node,
                             "Records that cannot be read by their key cannot be "
                             "written: \"calls\" lack \"item\".");
    }
    if (loader__is_http(l) &&
        (yaml_member(node, "find") != NULL || yaml_member(node, "through") != NULL)) {
        return loader__wrong(l, node, "\"find\" and \"through\" are not for this driver.");
    }
    return FP_OK;
}

// "while": the record may be changed only in these states, which the source itself does not check.
static enum fp_error write_while(struct loader *l, const struct yaml_node *node,
                                 struct mapping_write *w)
{
    const struct yaml_node *map = yaml_member(node, "while");
    enum fp_error error = FP_OK;
    if (map == NULL) {
        return FP_OK;
    }
    if (map->kind != YAML_MAP || map->count != 1) {
        return loader__wrong(l, map, "\"while\" is one path with the values that allow changes.");
    }
    const struct yaml_node *values = map->first;
    struct yaml_node path = *values;
    path.kind = YAML_SCALAR;
    path.text = values->name;
    error = loader__record_path(l, &path, false, &w->while_path);
    if (error == FP_OK && (values->kind != YAML_LIST || values->count == 0 ||
                           values->count > MAPPING_WHILE || w->while_path.parent)) {
        error =
            loader__wrong(l, values, "A list of 1 to %d values is expected here.", MAPPING_WHILE);
    }
    for (const struct yaml_node *v = values->first; v != NULL && error == FP_OK; v = v->next) {
        error = loader__bytes(l, v, &w->while_values[w->while_count++]);
    }
    return error;
}

// "through": what is written is another object, which the record names.
static enum fp_error write_through(struct loader *l, const struct yaml_node *node,
                                   const struct mapping_resource *r, struct mapping_write *w)
{
    static const char *const names[] = {"object", "field", NULL};
    const struct yaml_node *map = yaml_member(node, "through");
    const struct yaml_node *field = yaml_member(map, "field");
    struct mapping_resource *through = NULL;
    if (map == NULL) {
        return FP_OK;
    }
    enum fp_error error = loader__map(l, map, names);
    if (error == FP_OK && field == NULL) {
        error = loader__wrong(l, map, "\"field\" is missing: where the record names the object.");
    }
    error = error != FP_OK ? error : loader__record_path(l, field, false, &w->through_path);
    if (error == FP_OK && (w->through_path.count != 1 || w->through_path.parent)) {
        error = loader__wrong(l, field, "One field of the record is expected here.");
    }
    through = arena_alloc(l->arena, 1, sizeof *through);
    if (through == NULL) {
        return FP_E_NO_MEMORY;
    }
    *through = *r;
    error = error != FP_OK ? error : loader__text(l, map, "object", true, &through->object);
    w->through = through;
    return error;
}

enum fp_error loader__write(struct loader *l, const struct yaml_node *node,
                            struct mapping_resource *r)
{
    static const char *const names[] = {"create", "update", "fields",  "set",
                                        "find",   "while",  "through", NULL};
    struct mapping_write *w = arena_alloc(l->arena, 1, sizeof *w);
    enum fp_error error = loader__map(l, node, names);
    if (w == NULL) {
        return FP_E_NO_MEMORY;
    }
    w->entity = r->resource->entity;
    error = error != FP_OK ? error : loader__flag(l, node, "create", &w->create);
    error = error != FP_OK ? error : loader__flag(l, node, "update", &w->update);
    error = error != FP_OK ? error : write_possible(l, node, r, w);
    error = error != FP_OK ? error : write_body(l, node, r, r->rules, w);
    error = error != FP_OK ? error : write_finds(l, node, r, w);
    error = error != FP_OK ? error : write_while(l, node, w);
    error = error != FP_OK ? error : write_through(l, node, r, w);
    r->write = w;
    return error;
}
