// The part of a definition that says how to talk to the source: address, calls, log-in, values.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"

#include <string.h>

#define WIRE_PARAMS                                                                                \
    (LOADER_ACCOUNT | LOADER_SLOT(SLOT_OBJECT) | LOADER_SLOT(SLOT_FILTER) |                        \
     LOADER_SLOT(SLOT_OFFSET) | LOADER_SLOT(SLOT_LIMIT) | LOADER_SLOT(SLOT_ORDER) |                \
     LOADER_SLOT(SLOT_FIELDS) | LOADER_SLOT(SLOT_CONTEXT))

static enum fp_error wire_need(struct loader *l, const struct yaml_node *map, const char *name,
                               const struct yaml_node **out)
{
    *out = yaml_member(map, name);
    return *out != NULL ? FP_OK : loader__wrong(l, map, "\"%s\" is missing.", name);
}

enum fp_error loader__call(struct loader *l, const struct yaml_node *node, unsigned slots,
                           struct mapping_call *out)
{
    const struct yaml_node *method = NULL;
    const struct yaml_node *params = NULL;
    enum fp_error error = wire_need(l, node, "method", &method);
    if (error == FP_OK) {
        error = wire_need(l, node, "params", &params);
    }
    if (error == FP_OK) {
        error = loader__text_template(l, method, TEMPLATE_PLAIN, LOADER_SLOT(SLOT_OBJECT),
                                      &out->method);
    }
    if (error == FP_OK) {
        error = loader__json_template(l, params, WIRE_PARAMS | slots, &out->params);
    }
    return error;
}

static enum fp_error wire_headers(struct loader *l, const struct yaml_node *node)
{
    struct mapping_wire *w = &l->mapping->wire;
    if (node == NULL) {
        return FP_OK;
    }
    if (node->kind != YAML_MAP || node->count > MAPPING_HEADERS) {
        return loader__wrong(l, node, "\"headers\" are at most %d names with values.",
                             MAPPING_HEADERS);
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        unsigned i = w->header_count;
        w->header_names[i] = arena_copy(l->arena, item->name);
        if (w->header_names[i].ptr == NULL) {
            return FP_E_NO_MEMORY;
        }
        enum fp_error error =
            loader__text_template(l, item, TEMPLATE_PLAIN, LOADER_ACCOUNT, &w->header_values[i]);
        if (error != FP_OK) {
            return error;
        }
        w->header_session[i] = template_has(&w->header_values[i], SLOT_SESSION);
        w->header_count++;
    }
    return FP_OK;
}

// Makes room for a kept value, whose name must be new.
static enum fp_error wire_keep_name(struct loader *l, const struct yaml_node *node)
{
    struct mapping_wire *w = &l->mapping->wire;
    char *copy = NULL;
    for (unsigned i = 0; i < w->kept_count; i++) {
        if (bytes_equal_text(node->name, w->kept[i])) {
            return loader__wrong_name(l, node, "\"%s\" is kept twice.", w->kept[i]);
        }
    }
    if (w->kept_count == MAPPING_KEPT) {
        return loader__wrong_name(l, node, "More than %d values are kept.", MAPPING_KEPT);
    }
    copy = arena_text(l->arena, node->name);
    if (copy == NULL) {
        return FP_E_NO_MEMORY;
    }
    w->kept[w->kept_count++] = copy;
    return FP_OK;
}

// All names that may stand behind "session.", before anything is compiled that uses them.
static enum fp_error wire_kept_names(struct loader *l, const struct yaml_node *login)
{
    const struct yaml_node *steps = yaml_member(login, "steps");
    const struct yaml_node *derive = yaml_member(login, "derive");
    enum fp_error error = FP_OK;
    for (const struct yaml_node *s = steps != NULL ? steps->first : NULL; s != NULL; s = s->next) {
        const struct yaml_node *keep = yaml_member(s, "keep");
        for (const struct yaml_node *k = keep != NULL ? keep->first : NULL;
             k != NULL && error == FP_OK; k = k->next) {
            error = wire_keep_name(l, k);
        }
    }
    for (const struct yaml_node *d = derive != NULL ? derive->first : NULL;
         d != NULL && error == FP_OK; d = d->next) {
        error = wire_keep_name(l, d);
    }
    return error;
}

static unsigned wire_kept_slot(const struct mapping_wire *w, struct bytes name)
{
    for (unsigned i = 0; i < w->kept_count; i++) {
        if (bytes_equal_text(name, w->kept[i])) {
            return i;
        }
    }
    return 0; // never: all names were collected before
}

static enum fp_error wire_step(struct loader *l, const struct yaml_node *node)
{
    static const char *const rpc_names[] = {"method", "params", "keep", "optional", NULL};
    static const char *const http_names[] = {"method", "path",     "query", "body",
                                             "keep",   "optional", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    struct mapping_login_step *step = &w->steps[w->step_count];
    const struct yaml_node *keep = yaml_member(node, "keep");
    bool http = loader__is_http(l);
    enum fp_error error = loader__map(l, node, http ? http_names : rpc_names);
    if (error == FP_OK) {
        error = http ? loader__http_call(l, node, NULL, false, &step->call)
                     : loader__call(l, node, 0, &step->call);
    }
    if (error == FP_OK) {
        error = loader__flag(l, node, "optional", &step->optional);
    }
    if (error == FP_OK && keep != NULL && keep->kind != YAML_MAP) {
        error = loader__wrong(l, keep, "\"keep\" names values and their paths in the result.");
    }
    for (const struct yaml_node *k = keep != NULL ? keep->first : NULL; k != NULL && error == FP_OK;
         k = k->next) {
        step->keep_slots[step->keep_count] = wire_kept_slot(w, k->name);
        error = loader__answer_path(l, k, &step->keep_paths[step->keep_count++]);
    }
    // Over plain HTTP the credential may stand in a header: what a step keeps is needed.
    step->secret = http ? !step->optional : template_has(&step->call.params, SLOT_CREDENTIAL);
    w->step_count++;
    return error;
}

static enum fp_error wire_only(struct loader *l, const struct yaml_node *login)
{
    const struct yaml_node *only = yaml_member(login, "only");
    if (only != NULL && !bytes_equal_text(only->text, "verify")) {
        return loader__wrong(l, only, "\"only\" is verify: the steps try out a credential.");
    }
    l->mapping->wire.verify_only = only != NULL;
    return FP_OK;
}

static enum fp_error wire_derive(struct loader *l, const struct yaml_node *derive)
{
    struct mapping_wire *w = &l->mapping->wire;
    enum fp_error error = FP_OK;
    for (const struct yaml_node *d = derive != NULL ? derive->first : NULL;
         d != NULL && error == FP_OK; d = d->next) {
        error = loader__text_template(l, d, TEMPLATE_PLAIN, LOADER_ACCOUNT,
                                      &w->derived[wire_kept_slot(w, d->name)]);
    }
    return error;
}

static enum fp_error wire_login(struct loader *l, const struct yaml_node *login)
{
    static const char *const names[] = {"steps", "derive", "account", "only", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *steps = yaml_member(login, "steps");
    const struct yaml_node *derive = yaml_member(login, "derive");
    const struct yaml_node *account = yaml_member(login, "account");
    enum fp_error error = loader__map(l, login, names);
    error = error != FP_OK ? error : wire_only(l, login);
    if (error == FP_OK && (steps == NULL || steps->kind != YAML_LIST || steps->count == 0 ||
                           steps->count > MAPPING_STEPS)) {
        error = loader__wrong(l, steps != NULL ? steps : login,
                              "\"steps\" is a list of 1 to %d calls.", MAPPING_STEPS);
    }
    for (const struct yaml_node *s = steps != NULL ? steps->first : NULL;
         s != NULL && error == FP_OK; s = s->next) {
        error = wire_step(l, s);
    }
    error = error != FP_OK ? error : wire_derive(l, derive);
    if (error == FP_OK && account != NULL) {
        error = loader__text_template(l, account, TEMPLATE_PLAIN, LOADER_ACCOUNT, &w->account);
    }
    return error;
}

static enum fp_error wire_parts(struct loader *l, const struct yaml_node *node,
                                struct mapping_values *v)
{
    const struct yaml_node *part = node->first;
    if (node->kind != YAML_LIST || node->count != 7) {
        return loader__wrong(l, node, "\"parts\" are the 7 members from year to microsecond.");
    }
    for (unsigned i = 0; i < 7; i++, part = part->next) {
        enum fp_error error = loader__bytes(l, part, &v->parts[i]);
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error wire_time(struct loader *l, const struct yaml_node *node,
                               struct mapping_values *v)
{
    static const char *const words[] = {"rfc3339", "seconds", "bare",     "sql",
                                        "unix",    "unix-ms", "json-date"};
    const struct yaml_node *time = yaml_member(node, "time");
    for (unsigned i = 0; time != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (time->kind == YAML_SCALAR && bytes_equal_text(time->text, words[i])) {
            v->time = (enum mapping_time)i;
            return FP_OK;
        }
    }
    return time == NULL ? FP_OK
                        : loader__wrong(l, time,
                                        "\"time\" is rfc3339, seconds, bare, sql, unix, "
                                        "unix-ms or json-date.");
}

static enum fp_error wire_values(struct loader *l, const struct yaml_node *node)
{
    static const char *const names[] = {"tag",    "datetime", "date",     "decimal", "parts",
                                        "digits", "key",      "relation", "time",    NULL};
    struct mapping_values *v = &l->mapping->wire.values;
    const struct {
        const char *name;
        struct bytes *out;
    } texts[] = {{"tag", &v->tag},         {"datetime", &v->datetime}, {"date", &v->date},
                 {"decimal", &v->decimal}, {"digits", &v->digits},     {"relation", &v->relation}};
    const char *key = "text";
    if (node == NULL) {
        return FP_OK;
    }
    enum fp_error error = loader__map(l, node, names);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && error == FP_OK; i++) {
        const struct yaml_node *text = yaml_member(node, texts[i].name);
        error = text != NULL ? loader__bytes(l, text, texts[i].out) : FP_OK;
    }
    const struct yaml_node *parts = yaml_member(node, "parts");
    if (error == FP_OK && parts != NULL) {
        error = wire_parts(l, parts, v);
    }
    if (error == FP_OK) {
        error = loader__text(l, node, "key", false, &key);
    }
    if (error == FP_OK && strcmp(key, "integer") != 0 && strcmp(key, "text") != 0) {
        error = loader__wrong(l, yaml_member(node, "key"), "\"key\" is integer or text.");
    }
    v->key = strcmp(key, "integer") == 0 ? FORM_INTEGER : FORM_TEXT;
    return error != FP_OK ? error : wire_time(l, node, v);
}

static enum fp_error wire_answer(struct loader *l, const struct yaml_node *node)
{
    static const char *const names[] = {"id", "result", "error", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    struct mapping_path *const paths[] = {&w->id, &w->result, &w->error};
    enum fp_error error = loader__map(l, node, names);
    for (unsigned i = 0; i < 3 && error == FP_OK; i++) {
        const struct yaml_node *path = NULL;
        error = wire_need(l, node, names[i], &path);
        if (error == FP_OK) {
            error = loader__answer_path(l, path, paths[i]);
        }
    }
    return error;
}

static enum fp_error wire_calls(struct loader *l, const struct yaml_node *calls)
{
    static const char *const names[] = {"list", "count", "create", "update", NULL};
    static const char *const members[] = {"method", "params", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *list = NULL;
    const struct yaml_node *count = NULL;
    enum fp_error error = loader__map(l, calls, names);
    if (error == FP_OK) {
        error = wire_need(l, calls, "list", &list);
    }
    if (error == FP_OK) {
        error = wire_need(l, calls, "count", &count);
    }
    if (error == FP_OK) {
        error = loader__map(l, list, members);
    }
    if (error == FP_OK) {
        error = loader__map(l, count, members);
    }
    if (error == FP_OK) {
        error = loader__call(l, list, 0, &w->calls.list);
    }
    if (error == FP_OK) {
        error = loader__call(l, count, 0, &w->calls.count);
    }
    if (error == FP_OK && !template_has(&w->calls.list.params, SLOT_LIMIT)) {
        loader__warn(l, list, "The list has no $limit: the source decides how much it sends.");
    }
    return error;
}

static enum fp_error wire_contexts(struct loader *l, const struct yaml_node *wire)
{
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *context = yaml_member(wire, "context");
    const struct yaml_node *item = yaml_member(wire, "item_context");
    unsigned slots = LOADER_ACCOUNT | LOADER_SLOT(SLOT_EACH) | LOADER_SLOT(SLOT_KEY);
    enum fp_error error = FP_OK;
    if (context != NULL) {
        error = loader__json_template(l, context, slots, &w->context);
    }
    if (error == FP_OK && item != NULL) {
        error = loader__json_template(l, item, slots, &w->item_context);
    } else if (error == FP_OK) {
        w->item_context = w->context;
    }
    return error;
}

// Body and answer: what every call over JSON-RPC has.
static enum fp_error wire_frame(struct loader *l, const struct yaml_node *wire)
{
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *body = NULL;
    const struct yaml_node *answer = NULL;
    const unsigned in_body =
        LOADER_ACCOUNT | LOADER_SLOT(SLOT_ID) | LOADER_SLOT(SLOT_METHOD) | LOADER_SLOT(SLOT_PARAMS);
    enum fp_error error = wire_need(l, wire, "body", &body);
    error = error != FP_OK ? error : wire_need(l, wire, "answer", &answer);
    error = error != FP_OK ? error : loader__json_template(l, body, in_body, &w->body);
    return error != FP_OK ? error : wire_answer(l, answer);
}

static enum fp_error wire_jsonrpc(struct loader *l, const struct yaml_node *wire)
{
    static const char *const names[] = {"url",   "headers", "body",    "answer",       "values",
                                        "calls", "login",   "context", "item_context", "filters",
                                        "judge", "lines",   NULL};
    const struct yaml_node *calls = NULL;
    enum fp_error error = loader__map(l, wire, names);
    error = error != FP_OK ? error : wire_frame(l, wire);
    error = error != FP_OK ? error : wire_need(l, wire, "calls", &calls);
    error = error != FP_OK ? error : wire_calls(l, calls);
    error = error != FP_OK ? error : loader__wire_writes(l, wire);
    error = error != FP_OK ? error : wire_contexts(l, wire);
    return error != FP_OK ? error : loader__dialect(l, wire);
}

static enum fp_error wire_http(struct loader *l, const struct yaml_node *wire)
{
    static const char *const names[] = {"url",   "headers", "basic", "answer", "values", "calls",
                                        "login", "filters", "judge", "lines",  NULL};
    enum fp_error error = loader__map(l, wire, names);
    if (yaml_member(wire, "login") == NULL) {
        loader__warn(l, wire,
                     "There is no \"login\": a credential is not tried out when a "
                     "customer connects.");
    }
    return error != FP_OK ? error : loader__http_wire(l, wire);
}

enum fp_error loader__wire(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *wire = NULL;
    const struct yaml_node *url = NULL;
    const struct yaml_node *login = yaml_member(yaml_member(root, "wire"), "login");
    struct mapping_wire *w = &l->mapping->wire;
    enum fp_error error = wire_need(l, root, "wire", &wire);
    error = error != FP_OK ? error : wire_need(l, wire, "url", &url);
    error = error != FP_OK ? error : wire_values(l, yaml_member(wire, "values"));
    error = error != FP_OK || login == NULL ? error : wire_kept_names(l, login);
    if (error == FP_OK) {
        error = loader__text_template(l, url, TEMPLATE_URL, LOADER_SLOT(SLOT_CREDENTIAL), &w->url);
    }
    error = error != FP_OK ? error : wire_headers(l, yaml_member(wire, "headers"));
    if (error == FP_OK) {
        error =
            strcmp(l->mapping->driver, "jsonrpc") == 0 ? wire_jsonrpc(l, wire) : wire_http(l, wire);
    }
    error = error != FP_OK || login == NULL ? error : wire_login(l, login);
    return error != FP_OK ? error : loader__judges(l, wire);
}
