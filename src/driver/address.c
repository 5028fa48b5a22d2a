// What a request over plain HTTP is made of: path, parameters and body, and the address of the next
// page, which must stay where the credential belongs. SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "base/limits.h"
#include "client/location.h"
#include "client/url.h"
#include "mapping/value.h"
#include "model/url.h"

#include <inttypes.h>
#include <stdio.h>

#define ADDRESS_MAX (FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET)

struct address_values {
    struct driver_run *run;         // credentials, session, filters
    const struct driver_slot *slot; // offset, limit, page
    struct buf key;                 // as the dialect writes keys
    struct buf filter;              // what always holds, and the query's
    struct buf fields;              // names with commas between
    char offset[24];                // decimal
    char limit[24];                 // decimal
    char page[24];                  // decimal
};

static bool address_text(struct bytes text, struct template_value *out)
{
    *out = (struct template_value){text, false};
    return text.len != 0;
}

static bool address_number(const char *digits, struct template_value *out)
{
    *out = (struct template_value){bytes_of_text(digits), true};
    return true;
}

static bool address_lookup(void *ctx, enum template_slot slot, unsigned index,
                           struct template_value *out)
{
    const struct address_values *v = ctx;
    const struct mapping_resource *r = v->slot->resource;
    switch (slot) {
    case SLOT_OBJECT:
        return address_text(bytes_of_text(r != NULL ? r->object : ""), out);
    case SLOT_ONE:
        return address_text(bytes_of_text(r != NULL ? r->one : ""), out);
    case SLOT_OFFSET:
        return address_number(v->offset, out);
    case SLOT_LIMIT:
        return address_number(v->limit, out);
    case SLOT_PAGE:
        return address_number(v->page, out);
    case SLOT_CURSOR:
        return address_text(v->slot->cursor, out);
    case SLOT_KEY:
        return address_text(buf_bytes(&v->key), out);
    case SLOT_FILTER:
        return address_text(buf_bytes(&v->filter), out);
    case SLOT_ORDER:
        return address_text(buf_bytes(&v->run->order), out);
    case SLOT_FIELDS:
        return address_text(buf_bytes(&v->fields), out);
    case SLOT_RECORD:
        *out = (struct template_value){buf_bytes(&v->run->record), true};
        return true;
    default:
        return run__account_lookup(v->run, slot, index, out);
    }
}

static void address_render(const struct template *t, struct address_values *v, struct buf *out)
{
    enum fp_error error = template_render(t, address_lookup, v, out);
    if (error != FP_OK && out->error == FP_OK) {
        out->error = error == FP_E_INPUT_INVALID ? FP_E_SOURCE_SETTINGS_INVALID : error;
    }
}

static bool address_is_list(const struct driver_slot *slot)
{
    return slot->resource != NULL && slot->call == &slot->resource->calls->list;
}

// The conditions of a list; of other calls there are none.
static void address_filter(struct address_values *v)
{
    const struct mapping_dialect *d = &v->run->call.mapping->wire.dialect;
    const struct mapping_resource *r = v->slot->resource;
    struct bytes own = buf_bytes(&v->run->clauses.own);
    if (!address_is_list(v->slot) || run__is_item(v->run)) {
        return;
    }
    if (r->where.count != 0) {
        address_render(&r->where, v, &v->filter);
        buf_append_bytes(&v->filter, own.len != 0 ? d->all_with : (struct bytes){0});
    }
    bool any = v->run->call.query->match_any && r->where.count != 0 && own.len != 0;
    buf_append_text(&v->filter, any ? "(" : "");
    buf_append_bytes(&v->filter, own);
    buf_append_text(&v->filter, any ? ")" : "");
}

static void address_fields(struct address_values *v)
{
    const struct mapping_resource *r = v->slot->resource;
    for (unsigned i = 0; r != NULL && i < r->field_count; i++) {
        buf_append_text(&v->fields, i != 0 ? "," : "");
        buf_append_bytes(&v->fields, r->field_names[i]);
    }
}

static void address_begin(struct address_values *v, struct driver_run *run,
                          const struct driver_slot *slot)
{
    const struct mapping_resource *r = slot->resource;
    struct bytes key = run->call.key;
    *v = (struct address_values){.run = run, .slot = slot};
    buf_init(&v->key, FP_LIMIT_KEY_TEXT * 4);
    buf_init(&v->filter, 1u << 20);
    buf_init(&v->fields, 1u << 16);
    (void)snprintf(v->offset, sizeof v->offset, "%" PRIu64, slot->offset);
    (void)snprintf(v->limit, sizeof v->limit, "%" PRIu64, slot->limit);
    (void)snprintf(v->page, sizeof v->page, "%" PRIu64, slot->page);
    if (r != NULL && r->key != NULL && key.len != 0) {
        mapping_literal(&run->call.mapping->wire.dialect, r->key->form, key, &v->key);
    }
    address_filter(v);
    address_fields(v);
}

static enum fp_error address_end(struct address_values *v)
{
    enum fp_error error = buf_error(&v->key);
    error = error != FP_OK ? error : buf_error(&v->filter);
    error = error != FP_OK ? error : buf_error(&v->fields);
    buf_done(&v->key);
    buf_done(&v->filter);
    buf_done(&v->fields);
    return error;
}

// Whether every hole of the value has one: a parameter without is left out.
static bool address_is_full(const struct template *t, struct address_values *v)
{
    for (unsigned i = 0; i < t->count; i++) {
        struct template_value value = {0};
        if (t->parts[i].slot != SLOT_NONE &&
            !address_lookup(v, t->parts[i].slot, t->parts[i].index, &value)) {
            return false;
        }
    }
    return true;
}

static void address_separate(bool *first, struct buf *out)
{
    buf_append_byte(out, *first ? '?' : '&');
    *first = false;
}

static void address_parameters(const struct mapping_parameter *list, unsigned count,
                               struct address_values *v, bool *first, struct buf *out)
{
    struct bytes clauses = buf_bytes(&v->filter);
    bool named = v->run->call.mapping->wire.dialect.form == DIALECT_PARAMETERS;
    for (unsigned i = 0; i < count; i++) {
        struct buf text;
        if (!address_is_full(&list[i].value, v) ||
            (named && mapping_clauses_name(clauses, list[i].name))) {
            continue; // a filter takes the place of what is sent otherwise
        }
        buf_init_sensitive(&text, ADDRESS_MAX);
        address_render(&list[i].value, v, &text);
        address_separate(first, out);
        buf_append_bytes(out, list[i].name);
        buf_append_byte(out, '=');
        url_encode(out, buf_bytes(&text));
        if (buf_error(&text) != FP_OK && out->error == FP_OK) {
            out->error = buf_error(&text);
        }
        buf_done(&text);
    }
}

static void address_query(struct address_values *v, struct buf *out)
{
    const struct mapping_http *h = v->slot->call->http;
    const struct mapping_resource *r = v->slot->resource;
    bool first = true;
    address_parameters(h->parameters, h->parameter_count, v, &first, out);
    if (address_is_list(v->slot) && !run__is_item(v->run)) {
        address_parameters(r->parameters, r->parameter_count, v, &first, out);
    }
    if (v->run->call.mapping->wire.dialect.form == DIALECT_PARAMETERS && v->filter.len != 0) {
        address_separate(&first, out);
        buf_append_bytes(out, buf_bytes(&v->filter));
    }
}

enum fp_error run__address(struct driver_run *run, struct driver_slot *slot, struct bytes *out)
{
    const struct mapping_http *h = slot->call->http;
    struct address_values v;
    struct bytes base = {0};
    struct buf text;
    bool link = h->paging == PAGING_LINK || h->paging == PAGING_HEADER;
    if (link && slot->cursor.len != 0) {
        *out = slot->cursor;
        return FP_OK;
    }
    enum fp_error error = run__url(run, &base);
    if (error != FP_OK) {
        return error;
    }
    buf_init_sensitive(&text, ADDRESS_MAX);
    address_begin(&v, run, slot);
    buf_append_bytes(&text, base);
    address_render(&h->path, &v, &text);
    address_query(&v, &text);
    error = buf_error(&text);
    enum fp_error ended = address_end(&v);
    error = error != FP_OK ? error : ended;
    if (error == FP_OK) {
        *out = arena_copy(run->arena, buf_bytes(&text));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    return error;
}

enum fp_error run__http_body(struct driver_run *run, struct driver_slot *slot, struct bytes *out)
{
    struct address_values v;
    struct buf body;
    if (slot->call->params.count == 0) {
        *out = (struct bytes){0};
        return FP_OK;
    }
    buf_init_sensitive(&body, 4u << 20);
    address_begin(&v, run, slot);
    address_render(&slot->call->params, &v, &body);
    enum fp_error error = buf_error(&body);
    enum fp_error ended = address_end(&v);
    error = error != FP_OK ? error : ended;
    if (error == FP_OK) {
        *out = arena_copy(run->arena, buf_bytes(&body));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&body);
    return error;
}

bool run__next_address(struct driver_run *run, const struct driver_slot *slot, struct bytes link,
                       struct bytes *out)
{
    struct client_url from = {0};
    struct client_url to = {0};
    struct fp_note note = {0};
    struct bytes base = {0};
    struct buf text;
    bool good = false;
    buf_init_sensitive(&text, ADDRESS_MAX);
    enum fp_error error = run__url(run, &base);
    error = error != FP_OK ? error : client_url_check(base, &from, &note);
    error = error != FP_OK ? error : client_location_resolve(slot->request.url, link, &text);
    if (error == FP_OK) {
        good = client_url_check(buf_bytes(&text), &to, &note) == FP_OK &&
               client_url_same_origin(&from, &to);
    }
    if (!good) {
        run__fail_with(run, FP_E_SOURCE_REDIRECT_REFUSED,
                       "The next page of the list lies at another address than the connection's.",
                       (struct bytes){0});
    } else {
        *out = arena_copy(run->arena, buf_bytes(&text));
        good = out->ptr != NULL;
    }
    buf_done(&text);
    return good;
}
