// The calls of a source that speaks plain HTTP: path, parameters, body, paging, and where an answer
// holds what. A resource takes those of the wire, or names its own.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"
#include "model/url.h"

#define HTTP_SLOTS                                                                                 \
    (LOADER_ACCOUNT | LOADER_SLOT(SLOT_OBJECT) | LOADER_SLOT(SLOT_ONE) | LOADER_SLOT(SLOT_LIMIT) | \
     LOADER_SLOT(SLOT_OFFSET) | LOADER_SLOT(SLOT_PAGE) | LOADER_SLOT(SLOT_CURSOR) |                \
     LOADER_SLOT(SLOT_FILTER) | LOADER_SLOT(SLOT_ORDER) | LOADER_SLOT(SLOT_FIELDS) |               \
     LOADER_SLOT(SLOT_KEY))

static const char *const http_list_names[] = {"method",   "path",       "query",        "body",
                                              "rows",     "total",      "total_header", "paging",
                                              "page_max", "first_page", "next",         NULL};
static const char *const http_item_names[] = {"method", "path", "query", "body", "record", NULL};
static const char *const http_create_names[] = {"method", "path",       "query", "body",
                                                "key",    "key_header", NULL};
static const char *const http_update_names[] = {"method", "path", "query", "body", NULL};

static bool http_is_secret(const struct loader *l, const struct template *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->parts[i].slot == SLOT_CREDENTIAL &&
            l->mapping->credentials[t->parts[i].index].kind == CREDENTIAL_SECRET) {
            return true;
        }
    }
    return false;
}

enum fp_error loader__parameters(struct loader *l, const struct yaml_node *map, unsigned slots,
                                 unsigned most, struct mapping_parameter *out, unsigned *count_out)
{
    if (map->kind != YAML_MAP || map->count > most) {
        return loader__wrong(l, map, "At most %u names with values are expected here.", most);
    }
    for (const struct yaml_node *item = map->first; item != NULL; item = item->next) {
        struct mapping_parameter *p = &out[*count_out];
        struct buf name;
        buf_init(&name, FP_LIMIT_DEFINITION_TEXT * 3);
        url_encode(&name, item->name);
        p->name = arena_copy(l->arena, buf_bytes(&name));
        buf_done(&name);
        if (p->name.ptr == NULL) {
            return FP_E_NO_MEMORY;
        }
        enum fp_error error = loader__text_template(l, item, TEMPLATE_PLAIN, slots, &p->value);
        if (error != FP_OK) {
            return error;
        }
        if (http_is_secret(l, &p->value)) {
            loader__warn(l, item,
                         "A secret stands in an address, where proxies and logs of the "
                         "source may keep it: use a header if the system takes one.");
        }
        (*count_out)++;
    }
    return FP_OK;
}

static enum fp_error http_method(struct loader *l, const struct yaml_node *node,
                                 const char *otherwise, struct mapping_http *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH"};
    const struct yaml_node *method = yaml_member(node, "method");
    out->method = bytes_of_text(otherwise);
    for (unsigned i = 0; method != NULL && i < 4; i++) {
        if (method->kind == YAML_SCALAR && bytes_equal_text(method->text, methods[i])) {
            out->method = bytes_of_text(methods[i]);
            return FP_OK;
        }
    }
    return method == NULL ? FP_OK
                          : loader__wrong(l, method, "\"method\" is GET, POST, PUT or PATCH.");
}

// A path into an answer, where {object} and {one} stand for the resource's own names.
static enum fp_error http_path(struct loader *l, const struct yaml_node *node,
                               const struct mapping_resource *r, struct mapping_path *out)
{
    static const char *const holes[] = {"{object}", "{one}"};
    struct yaml_node plain = *node;
    struct buf text;
    if (node->kind != YAML_SCALAR || r == NULL) {
        return loader__answer_path(l, node, out);
    }
    const char *const values[] = {r->object, r->one};
    buf_init(&text, FP_LIMIT_DEFINITION_TEXT);
    for (size_t at = 0; at < node->text.len;) {
        struct bytes rest = bytes_slice(node->text, at, node->text.len);
        size_t step = 0;
        for (unsigned i = 0; i < 2 && step == 0; i++) {
            if (bytes_starts_with(rest, bytes_of_text(holes[i])) && values[i] != NULL) {
                buf_append_text(&text, values[i]);
                step = bytes_of_text(holes[i]).len;
            }
        }
        if (step == 0) {
            buf_append_byte(&text, rest.ptr[0]);
            step = 1;
        }
        at += step;
    }
    plain.text = buf_bytes(&text);
    enum fp_error error = buf_error(&text);
    error = error != FP_OK ? error : loader__answer_path(l, &plain, out);
    buf_done(&text);
    return error;
}

static enum fp_error http_paging(struct loader *l, const struct yaml_node *node,
                                 struct mapping_http *out)
{
    static const char *const words[] = {"none", "offset", "number", "cursor", "link", "header"};
    const struct yaml_node *paging = yaml_member(node, "paging");
    for (unsigned i = 0; paging != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (paging->kind == YAML_SCALAR && bytes_equal_text(paging->text, words[i])) {
            out->paging = (enum mapping_paging)i;
            return FP_OK;
        }
    }
    return loader__wrong(l, paging != NULL ? paging : node,
                         "\"paging\" is none, offset, number, cursor, link or header.");
}

static enum fp_error http_number(struct loader *l, const struct yaml_node *node, const char *name,
                                 unsigned *out)
{
    const struct yaml_node *item = yaml_member(node, name);
    uint64_t number = 0;
    if (item != NULL && !yaml_u64(item, 10000, &number)) {
        return loader__wrong(l, item, "\"%s\" is a number up to 10000.", name);
    }
    *out = item != NULL ? (unsigned)number : *out;
    return FP_OK;
}

// The holes that the way of paging needs.
static enum fp_error http_paged(struct loader *l, const struct yaml_node *node,
                                const struct mapping_call *call, const struct mapping_http *h)
{
    static const enum template_slot needed[] = {[PAGING_OFFSET] = SLOT_OFFSET,
                                                [PAGING_NUMBER] = SLOT_PAGE,
                                                [PAGING_CURSOR] = SLOT_CURSOR,
                                                [PAGING_HEADER] = SLOT_NONE};
    const struct yaml_node *paging = yaml_member(node, "paging");
    enum template_slot slot = needed[h->paging];
    bool found = slot == SLOT_NONE || template_has(&call->params, slot);
    for (unsigned i = 0; i < h->parameter_count; i++) {
        found = found || template_has(&h->parameters[i].value, slot);
    }
    if (!found) {
        return loader__wrong(l, paging,
                             "\"query\" or \"body\" lacks {%s}, which this paging needs.",
                             template_slot_name(slot));
    }
    bool body = h->paging == PAGING_CURSOR || h->paging == PAGING_LINK;
    if (body != (yaml_member(node, "next") != NULL)) {
        return loader__wrong(l, paging,
                             body ? "\"next\" is missing: where an answer names the next "
                                    "page."
                                  : "\"next\" belongs to the pagings cursor and link.");
    }
    if (h->paging == PAGING_NUMBER && !h->has_total && h->total_header.len == 0 &&
        h->page_max == 0) {
        return loader__wrong(l, paging,
                             "\"page_max\" is missing: without a total, pages are read "
                             "one by one.");
    }
    return FP_OK;
}

static enum fp_error http_list(struct loader *l, const struct yaml_node *node,
                               const struct mapping_resource *r, const struct mapping_call *call,
                               struct mapping_http *h)
{
    const struct yaml_node *rows = yaml_member(node, "rows");
    const struct yaml_node *total = yaml_member(node, "total");
    const struct yaml_node *header = yaml_member(node, "total_header");
    const struct yaml_node *next = yaml_member(node, "next");
    enum fp_error error = FP_OK;
    h->first = 1;
    if (rows != NULL) {
        error = http_path(l, rows, r, &h->rows);
    }
    if (error == FP_OK && total != NULL) {
        h->has_total = true;
        error = http_path(l, total, r, &h->total);
    }
    if (error == FP_OK && header != NULL) {
        error = loader__bytes(l, header, &h->total_header);
    }
    if (error == FP_OK && next != NULL) {
        error = http_path(l, next, r, &h->next);
    }
    error = error != FP_OK ? error : http_paging(l, node, h);
    error = error != FP_OK ? error : http_number(l, node, "page_max", &h->page_max);
    error = error != FP_OK ? error : http_number(l, node, "first_page", &h->first);
    return error != FP_OK ? error : http_paged(l, node, call, h);
}

enum fp_error loader__http_call(struct loader *l, const struct yaml_node *node,
                                const struct mapping_resource *r, bool list,
                                struct mapping_call *out)
{
    const struct yaml_node *path = yaml_member(node, "path");
    const struct yaml_node *query = yaml_member(node, "query");
    const struct yaml_node *body = yaml_member(node, "body");
    const struct yaml_node *record = yaml_member(node, "record");
    struct mapping_http *h = arena_alloc(l->arena, 1, sizeof *h);
    unsigned slots = HTTP_SLOTS | LOADER_SLOT(SLOT_RECORD);
    if (h == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (path == NULL) {
        return loader__wrong(l, node, "\"path\" is missing: what stands behind the address.");
    }
    enum fp_error error = http_method(l, node, body != NULL ? "POST" : "GET", h);
    error =
        error != FP_OK ? error : loader__text_template(l, path, TEMPLATE_URL, HTTP_SLOTS, &h->path);
    if (error == FP_OK && query != NULL) {
        error = loader__parameters(l, query, HTTP_SLOTS, MAPPING_PARAMETERS, h->parameters,
                                   &h->parameter_count);
    }
    if (error == FP_OK && body != NULL) {
        error = loader__json_template(l, body, slots, &out->params);
    }
    if (error == FP_OK && list) {
        error = http_list(l, node, r, out, h);
    }
    if (error == FP_OK && record != NULL) {
        error = http_path(l, record, r, &h->rows);
    }
    out->http = h;
    return error;
}

// A call of a resource: its own; none where it is null; or that of the wire.
static enum fp_error http_one(struct loader *l, const struct yaml_node *own, const char *name,
                              const struct mapping_resource *r, const char *const *names,
                              struct mapping_call *out)
{
    const struct yaml_node *node = yaml_member(own, name);
    if (node == NULL) {
        node = yaml_member(l->calls, name);
    }
    if (node == NULL || yaml_is_null(node)) {
        return FP_OK;
    }
    enum fp_error error = loader__map(l, node, names);
    return error != FP_OK ? error : loader__http_call(l, node, r, names == http_list_names, out);
}

static enum fp_error http_created(struct loader *l, const struct yaml_node *own,
                                  const struct mapping_resource *r, struct mapping_calls *calls)
{
    const struct yaml_node *create = yaml_member(own, "create");
    create = create != NULL ? create : yaml_member(l->calls, "create");
    const struct yaml_node *key = yaml_member(create, "key");
    const struct yaml_node *header = yaml_member(create, "key_header");
    if (calls->create.http == NULL) {
        return FP_OK;
    }
    if ((key == NULL) == (header == NULL)) {
        return loader__wrong(l, create,
                             "\"key\" or \"key_header\" is missing: where the answer "
                             "has the new record's key.");
    }
    if (!template_has(&calls->create.params, SLOT_RECORD)) {
        return loader__wrong(l, create, "\"body\" needs $record.");
    }
    return key != NULL ? http_path(l, key, r, &calls->created)
                       : loader__bytes(l, header, &calls->created_header);
}

enum fp_error loader__http_calls(struct loader *l, const struct yaml_node *node,
                                 struct mapping_resource *r)
{
    static const char *const names[] = {"list", "item", "create", "update", NULL};
    const struct yaml_node *own = yaml_member(node, "calls");
    struct mapping_calls *calls = arena_alloc(l->arena, 1, sizeof *calls);
    if (calls == NULL) {
        return FP_E_NO_MEMORY;
    }
    r->calls = calls;
    enum fp_error error = own != NULL ? loader__map(l, own, names) : FP_OK;
    error = error != FP_OK ? error : loader__text(l, node, "one", false, &r->one);
    error = error != FP_OK ? error : http_one(l, own, "list", r, http_list_names, &calls->list);
    error = error != FP_OK ? error : http_one(l, own, "item", r, http_item_names, &calls->item);
    error =
        error != FP_OK ? error : http_one(l, own, "create", r, http_create_names, &calls->create);
    error =
        error != FP_OK ? error : http_one(l, own, "update", r, http_update_names, &calls->update);
    error = error != FP_OK ? error : http_created(l, own, r, calls);
    if (error == FP_OK && calls->list.http == NULL && calls->item.http == NULL) {
        error = loader__wrong(l, node, "\"calls\" lack \"list\" and \"item\".");
    }
    // Without a call of its own, a record is looked up in a list that comes whole.
    bool whole = calls->list.http != NULL && calls->list.http->paging == PAGING_NONE;
    r->lists = calls->list.http != NULL;
    r->items = r->items && (calls->item.http != NULL || whole);
    return error;
}

enum fp_error loader__http_wire(struct loader *l, const struct yaml_node *wire)
{
    static const char *const names[] = {"error", "words", NULL};
    static const char *const calls_names[] = {"list", "item", "create", "update", NULL};
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *answer = yaml_member(wire, "answer");
    const struct yaml_node *basic = yaml_member(wire, "basic");
    const struct yaml_node *lines = yaml_member(wire, "lines");
    enum fp_error error = loader__text_dialect(l, wire);
    l->calls = yaml_member(wire, "calls");
    if (error == FP_OK && l->calls != NULL) {
        error = loader__map(l, l->calls, calls_names);
    }
    if (error == FP_OK && answer != NULL) {
        error = loader__map(l, answer, names);
    }
    if (error == FP_OK && yaml_member(answer, "error") != NULL) {
        error = loader__answer_path(l, yaml_member(answer, "error"), &w->error);
        w->words = w->error;
    }
    if (error == FP_OK && yaml_member(answer, "words") != NULL) {
        error = loader__answer_path(l, yaml_member(answer, "words"), &w->words);
    }
    if (error == FP_OK && basic != NULL) {
        error = loader__text_template(l, basic, TEMPLATE_PLAIN, LOADER_ACCOUNT, &w->basic);
    }
    return error != FP_OK || lines == NULL ? error : loader__lines(l, lines);
}
