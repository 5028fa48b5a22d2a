// The resources of a definition: which of the source's objects answers what.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/json_out.h"
#include "base/limits.h"

#include <string.h>

#define FIELDS_MAX 200

struct field_list {
    struct bytes names[FIELDS_MAX];       // as the source names them
    struct model_fields uses[FIELDS_MAX]; // our fields that need each
    struct model_fields now;              // of the field that is looked at
    unsigned count;                       // of names
    bool full;                            // there were more
    bool parent;                          // collect what the parent record is asked for
    struct arena *arena;                  // for joined names
};

static void fields_use(struct field_list *list, unsigned at)
{
    for (size_t i = 0; i < sizeof list->now.bits / sizeof list->now.bits[0]; i++) {
        list->uses[at].bits[i] |= list->now.bits[i];
    }
}

static void fields_add(struct field_list *list, struct bytes base, const struct mapping_path *path)
{
    struct bytes name = path->source;
    if (path->parent != list->parent || path->count == 0) {
        return;
    }
    if (base.len != 0) {
        uint8_t *joined = arena_alloc(list->arena, base.len + 1 + name.len, 1);
        if (joined == NULL) {
            list->full = true;
            return;
        }
        memcpy(joined, base.ptr, base.len);
        joined[base.len] = '.';
        memcpy(joined + base.len + 1, name.ptr, name.len);
        name = bytes_of(joined, base.len + 1 + name.len);
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (bytes_equal(list->names[i], name)) {
            fields_use(list, i);
            return;
        }
    }
    if (list->count == FIELDS_MAX) {
        list->full = true;
        return;
    }
    fields_use(list, list->count);
    list->names[list->count++] = name;
}

// Depth is limited by the loader of the rules.
static void fields_collect(struct field_list *list, struct bytes base,
                           const struct mapping_rule *rules, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct mapping_rule *rule = &rules[i];
        if (rule->rules == NULL) {
            for (unsigned p = 0; p < rule->path_count; p++) {
                fields_add(list, base, &rule->paths[p]);
            }
            continue;
        }
        struct bytes inner = base;
        if (rule->path_count != 0) {
            struct field_list one = {.arena = list->arena, .parent = list->parent};
            fields_add(&one, base, &rule->paths[0]);
            if (one.count == 0 && !list->parent) {
                continue; // all of it comes from the parent
            }
            inner = one.count != 0 ? one.names[0] : (struct bytes){0};
        }
        if (rule->only_path != NULL) {
            fields_add(list, inner, rule->only_path);
        }
        fields_collect(list, inner, rule->rules, rule->rule_count);
    }
}

// The names as they are kept, and as JSON array.
static enum fp_error fields_keep(struct loader *l, const struct field_list *list,
                                 struct mapping_resource *out)
{
    struct bytes *names = arena_alloc(l->arena, list->count, sizeof *names);
    struct model_fields *uses = arena_alloc(l->arena, list->count, sizeof *uses);
    struct buf text;
    if (names == NULL || uses == NULL) {
        return FP_E_NO_MEMORY;
    }
    buf_init(&text, FP_LIMIT_DEFINITION_FILE);
    struct json_out j = json_out_start(&text);
    json_begin_array(&j);
    for (unsigned i = 0; i < list->count; i++) {
        json_text(&j, list->names[i]);
        names[i] = arena_copy(l->arena, list->names[i]);
        uses[i] = list->uses[i];
    }
    json_end_array(&j);
    out->field_names = names;
    out->field_uses = uses;
    out->field_count = list->count;
    out->fields = arena_copy(l->arena, buf_bytes(&text));
    enum fp_error error = out->fields.ptr != NULL ? buf_error(&text) : FP_E_NO_MEMORY;
    buf_done(&text);
    return error;
}

enum fp_error loader__fields(struct loader *l, const struct mapping_resource *resource, bool parent,
                             struct mapping_resource *out)
{
    struct field_list *list = arena_alloc(l->scratch, 1, sizeof *list);
    if (list == NULL) {
        return FP_E_NO_MEMORY;
    }
    list->arena = l->scratch;
    list->parent = parent;
    for (unsigned i = 0; i < resource->rule_count; i++) {
        list->now = (struct model_fields){0};
        model_fields_add(&list->now, i);
        fields_collect(list, (struct bytes){0}, &resource->rules[i], 1);
    }
    list->now = (struct model_fields){0}; // what only a write needs
    if (resource->write != NULL) {
        fields_add(list, (struct bytes){0}, &resource->write->while_path);
        fields_add(list, (struct bytes){0}, &resource->write->through_path);
    }
    if (list->full) {
        fp_note_set(l->note, "", "%s asks for more than %d fields.", resource->resource->path,
                    FIELDS_MAX);
        return FP_E_DEFINITION_INVALID;
    }
    return fields_keep(l, list, out);
}

// What always holds for lists: clauses, parameters, or an expression.
static enum fp_error resource_where(struct loader *l, const struct yaml_node *where, unsigned slots,
                                    struct mapping_resource *r)
{
    slots |= LOADER_SLOT(SLOT_CREDENTIAL);
    switch (l->mapping->wire.dialect.form) {
    case DIALECT_PARAMETERS:
        return loader__parameters(l, where, slots, MAPPING_FINDS, r->parameters,
                                  &r->parameter_count);
    case DIALECT_EXPRESSION:
        return loader__text_template(l, where, TEMPLATE_PLAIN, slots, &r->where);
    default:
        return loader__json_items(l, where, slots, &r->where);
    }
}

static enum fp_error resource_templates(struct loader *l, const struct yaml_node *node,
                                        struct mapping_resource *r)
{
    const unsigned slots =
        LOADER_SLOT(SLOT_SESSION) | LOADER_SLOT(SLOT_KEY) | LOADER_SLOT(SLOT_EACH);
    const struct yaml_node *where = yaml_member(node, "where");
    const struct yaml_node *context = yaml_member(node, "context");
    const struct yaml_node *item = yaml_member(node, "item_context");
    enum fp_error error = FP_OK;
    r->context = l->mapping->wire.context;
    r->item_context = l->mapping->wire.item_context;
    if (where != NULL) {
        error = resource_where(l, where, slots, r);
    }
    if (error == FP_OK && where != NULL && where->count == 0 && where->kind != YAML_SCALAR) {
        error = loader__wrong(l, where, "\"where\" is empty: leave it out.");
    }
    if (error == FP_OK && context != NULL) {
        error = loader__json_template(l, context, slots, &r->context);
        r->item_context = r->context;
    }
    if (error == FP_OK && item != NULL) {
        error = loader__json_template(l, item, slots, &r->item_context);
    }
    return error;
}

static enum fp_error resource_key(struct loader *l, const struct yaml_node *node,
                                  struct mapping_resource *r)
{
    const struct model_field *field = model_field_find(r->resource->entity, BYTES("key"));
    if (field == NULL) {
        return FP_OK;
    }
    r->key = &r->rules[field - r->resource->entity->fields];
    if (r->key->kind == RULE_PATH && r->key->path_count == 1 && !r->key->paths[0].parent) {
        return FP_OK;
    }
    if (r->each != NULL && r->key->kind == RULE_JOIN && r->key->path_count == 2 &&
        r->key->paths[0].parent && !r->key->paths[1].parent && r->key->constant.len == 1) {
        return FP_OK;
    }
    return loader__wrong(l, node,
                         "\"key\" must be mapped: one path, or under \"each\" a join of "
                         "the parent's and the record's key with one character between.");
}

// The order that makes pages stable: by the key, unless the definition names another.
static enum fp_error resource_order(struct loader *l, const struct yaml_node *node,
                                    struct mapping_resource *r)
{
    const struct yaml_node *order = yaml_member(node, "order");
    if (order == NULL) {
        return FP_OK;
    }
    struct template t = {0};
    enum fp_error error = loader__is_http(l)
                              ? loader__text_template(l, order, TEMPLATE_PLAIN, 0, &t)
                              : loader__json_items(l, order, 0, &t);
    if (error == FP_OK) {
        r->order = t.parts[0].literal;
    }
    return error;
}

static enum fp_error resource_each(struct loader *l, const struct yaml_node *node,
                                   struct mapping_resource *r)
{
    static const char *const names[] = {"object", "where", "context", "order", NULL};
    struct mapping_resource *each = NULL;
    enum fp_error error = loader__map(l, node, names);
    if (error != FP_OK) {
        return error;
    }
    each = arena_alloc(l->arena, 1, sizeof *each);
    if (each == NULL) {
        return FP_E_NO_MEMORY;
    }
    each->resource = r->resource;
    r->each = each;
    error = loader__text(l, node, "object", true, &each->object);
    if (error == FP_OK) {
        error = resource_templates(l, node, each);
    }
    return error == FP_OK ? resource_order(l, node, each) : error;
}

enum fp_error loader__search(struct loader *l, const struct yaml_node *node,
                             const struct mapping_resource *r, struct mapping_resource **out)
{
    static const char *const names[] = {"object", "where", "context", NULL};
    struct mapping_resource *search = NULL;
    enum fp_error error = loader__map(l, node, names);
    if (error != FP_OK) {
        return error;
    }
    search = arena_alloc(l->arena, 1, sizeof *search);
    if (search == NULL) {
        return FP_E_NO_MEMORY;
    }
    search->resource = r->resource;
    search->key = r->key;
    error = loader__text(l, node, "object", true, &search->object);
    error = error != FP_OK ? error : resource_templates(l, node, search);
    if (error == FP_OK) {
        struct field_list list = {.count = 1, .names = {r->key->paths[0].source}};
        error = fields_keep(l, &list, search);
    }
    if (error == FP_OK) {
        *out = search;
    }
    return error;
}

static void resource_warn(struct loader *l, const struct yaml_node *node,
                          const struct mapping_resource *r)
{
    unsigned mapped = 0;
    for (unsigned i = 0; i < r->rule_count; i++) {
        mapped += r->rules[i].kind != RULE_NULL ? 1 : 0;
        if (strcmp(r->rules[i].field->name, "updatedAt") == 0 && r->each == NULL &&
            !r->rules[i].searchable) {
            loader__warn(l, node, "%s cannot be filtered by updatedAt: clients read all of it.",
                         r->resource->path);
        }
    }
    if (mapped < 2) {
        loader__warn(l, node, "%s has no field but its key.", r->resource->path);
    }
}

static enum fp_error resource_fields(struct loader *l, const struct yaml_node *node,
                                     struct mapping_resource *r)
{
    const struct yaml_node *fields = yaml_member(node, "fields");
    const struct yaml_node *write = yaml_member(node, "write");
    if (fields == NULL) {
        return loader__wrong(l, node, "\"fields\" is missing.");
    }
    r->rule_count = r->resource->entity->field_count;
    enum fp_error error = loader__rules(l, fields, r->resource->entity, 0, &r->rules);
    if (error == FP_OK) {
        error = resource_key(l, fields, r);
    }
    if (error == FP_OK && write != NULL) {
        error = loader__write(l, write, r);
    }
    return error == FP_OK ? loader__fields(l, r, false, r) : error;
}

// Paths that begin with "each." need a parent.
static bool resource_uses_parent(const struct mapping_rule *rules, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned p = 0; p < rules[i].path_count; p++) {
            if (rules[i].paths[p].parent) {
                return true;
            }
        }
        if (rules[i].rules != NULL && resource_uses_parent(rules[i].rules, rules[i].rule_count)) {
            return true;
        }
    }
    return false;
}

static enum fp_error resource_parent(struct loader *l, const struct yaml_node *node,
                                     struct mapping_resource *r)
{
    if (r->each != NULL) {
        return loader__fields(l, r, true, r->each);
    }
    return resource_uses_parent(r->rules, r->rule_count)
               ? loader__wrong(l, node, "\"each.\" stands in a path, but there is no \"each\".")
               : FP_OK;
}

// All parts of a resource whose name is known.
static enum fp_error resource_read(struct loader *l, const struct yaml_node *node,
                                   const struct model_resource *resource,
                                   struct mapping_resource *r)
{
    const struct yaml_node *each = yaml_member(node, "each");
    l->places = 0;
    r->resource = resource;
    r->items = (resource->kinds & 1u << MODEL_KIND_ITEM) != 0;
    r->lists = true;
    r->calls = &l->mapping->wire.calls;
    enum fp_error error = loader__text(l, node, "object", true, &r->object);
    error = error != FP_OK || !loader__is_http(l) ? error : loader__http_calls(l, node, r);
    error = error != FP_OK ? error : resource_templates(l, node, r);
    error = error != FP_OK ? error : resource_order(l, node, r);
    error = error != FP_OK || each == NULL ? error : resource_each(l, each, r);
    error = error != FP_OK ? error : resource_fields(l, node, r);
    return error != FP_OK ? error : resource_parent(l, node, r);
}

static enum fp_error resource_one(struct loader *l, const struct yaml_node *node)
{
    static const char *const names[] = {
        "object", "where", "context", "item_context", "order", "each", "fields", "write", NULL};
    static const char *const http_names[] = {"object", "one",    "calls", "where",
                                             "order",  "fields", "write", NULL};
    const struct model_resource *resource = model_resource_find(node->name);
    struct mapping_resource *r = NULL;
    bool http = loader__is_http(l);
    if (resource == NULL || (!http && (resource->kinds & 1u << MODEL_KIND_STATUSES) != 0)) {
        return loader__wrong_name(l, node, "The API has no resource \"%.*s\".",
                                  BYTES_ARG(bytes_slice(node->name, 0, 60)));
    }
    enum fp_error error = loader__map(l, node, http ? http_names : names);
    if (error != FP_OK) {
        return error;
    }
    r = arena_alloc(l->arena, 1, sizeof *r);
    if (r == NULL) {
        return FP_E_NO_MEMORY;
    }
    error = resource_read(l, node, resource, r);
    if (error == FP_OK) {
        resource_warn(l, node, r);
        l->mapping->resources[resource - model_resources] = r;
    }
    return error;
}

enum fp_error loader__resources(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *map = yaml_member(root, "resources");
    enum fp_error error = FP_OK;
    if (map == NULL || map->kind != YAML_MAP || map->count == 0) {
        return loader__wrong(l, map != NULL ? map : root,
                             "\"resources\" are the paths of the API that this source answers.");
    }
    for (const struct yaml_node *r = map->first; r != NULL && error == FP_OK; r = r->next) {
        error = resource_one(l, r);
    }
    return error;
}
