// Filling templates with the values of a run.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"

#include <inttypes.h>
#include <stdio.h>

struct request_values {
    struct driver_run *run;         // credentials, session
    const struct driver_slot *slot; // offset, limit, parent
    struct buf filter;              // JSON array
    struct buf order;               // JSON array; the run's own or the parents'
    struct buf context;             // JSON
    struct buf each;                // key of the parent, JSON
    struct buf key;                 // key of the path, JSON
    struct buf fields;              // JSON array
    char offset[24];                // decimal
    char limit[24];                 // decimal
};

static bool request_kept(const struct run_value *value, struct template_value *out)
{
    if (value->set) {
        *out = (struct template_value){value->bytes, value->json};
    }
    return value->set;
}

bool run__account_lookup(void *ctx, enum template_slot slot, unsigned index,
                         struct template_value *out)
{
    const struct driver_run *run = ctx;
    if (slot == SLOT_CREDENTIAL) {
        return request_kept(&run->credentials[index], out);
    }
    return slot == SLOT_SESSION && request_kept(&run->kept[index], out);
}

static bool request_lookup(void *ctx, enum template_slot slot, unsigned index,
                           struct template_value *out)
{
    const struct request_values *v = ctx;
    const struct mapping_resource *r = v->slot->resource;
    switch (slot) {
    case SLOT_OBJECT:
        *out = (struct template_value){bytes_of_text(r != NULL ? r->object : ""), false};
        return true;
    case SLOT_FILTER:
        *out = (struct template_value){buf_bytes(&v->filter), true};
        return true;
    case SLOT_OFFSET:
        *out = (struct template_value){bytes_of_text(v->offset), true};
        return true;
    case SLOT_LIMIT:
        *out = (struct template_value){bytes_of_text(v->limit), true};
        return true;
    case SLOT_ORDER:
        *out = (struct template_value){buf_bytes(&v->order), true};
        return true;
    case SLOT_FIELDS:
        *out = (struct template_value){buf_bytes(&v->fields), true};
        return true;
    case SLOT_CONTEXT:
        *out = (struct template_value){buf_bytes(&v->context), true};
        return true;
    case SLOT_EACH:
        *out = (struct template_value){buf_bytes(&v->each), true};
        return v->each.len != 0;
    case SLOT_RECORD:
        *out = (struct template_value){buf_bytes(&v->run->record), true};
        return true;
    case SLOT_KEY:
        *out = (struct template_value){buf_bytes(&v->key), true};
        return v->key.len != 0;
    default:
        return run__account_lookup(v->run, slot, index, out);
    }
}

// A key as JSON in the source's form; 0 where it cannot be one, which no record has.
static void request_key(const struct mapping *m, struct bytes key, struct buf *out)
{
    struct json_out j = json_out_start(out);
    if (m->wire.values.key == FORM_INTEGER) {
        buf_append_bytes(out, value_is_integer(key) ? key : BYTES("0"));
    } else {
        json_text(&j, key);
    }
}

static void request_each(struct request_values *v)
{
    const struct driver_run *run = v->run;
    struct bytes key = {0};
    if (run->parents == NULL || v->slot->purpose == SLOT_FOR_PARENTS) {
        return;
    }
    yyjson_val *parent = yyjson_arr_get(run->parents, v->slot->parent);
    yyjson_val *value = value_at(&run->resource->key->paths[0], parent);
    if (value_text(value, &key)) {
        request_key(run->call.mapping, key, &v->each);
    }
}

// The clauses that always hold, then those of the query or of the key.
static enum fp_error request_filter(struct request_values *v)
{
    const struct driver_run *run = v->run;
    const struct mapping_resource *r = v->slot->resource;
    bool item = run__is_item(run);
    bool find = v->slot->purpose == SLOT_FOR_FIND;
    bool parents = v->slot->purpose == SLOT_FOR_PARENTS;
    struct bytes clauses = buf_bytes(parents ? &run->clauses.parent : &run->clauses.own);
    if (find) {
        clauses = (struct bytes){0}; // what is searched for has nothing to do with the record
    }
    enum fp_error error = FP_OK;
    buf_append_byte(&v->filter, '[');
    // A record is read by its key alone, so that no reference to it dangles; of nested lists the
    // conditions say which pairs exist at all.
    if (r->where.count != 0 && (!item || find || run->resource->each != NULL)) {
        error = template_render(&r->where, request_lookup, v, &v->filter);
        buf_append_text(&v->filter, clauses.len != 0 ? "," : "");
    }
    buf_append_bytes(&v->filter, clauses);
    buf_append_byte(&v->filter, ']');
    return error;
}

static void request_order(struct request_values *v)
{
    const struct driver_run *run = v->run;
    static const struct model_query none = {.page = 1, .per_page = 1};
    if (v->slot->purpose != SLOT_FOR_PARENTS) {
        buf_append_bytes(&v->order, buf_bytes(&run->order));
        return;
    }
    struct mapping_resource parents = *run->resource->each;
    struct mapping_rule key = *run->resource->key;
    key.path_count = 1; // the first path is the parent's
    parents.key = &key;
    enum fp_error error = mapping_order(run->call.mapping, &parents, &none, NULL, &v->order);
    if (error != FP_OK && v->order.error == FP_OK) {
        v->order.error = error;
    }
}

static enum fp_error request_render(struct request_values *v, struct buf *out)
{
    const struct driver_run *run = v->run;
    const struct mapping_resource *r = v->slot->resource;
    enum fp_error error = FP_OK;
    if (r != NULL) {
        bool item = run__is_item(run);
        request_each(v);
        bool other = v->slot->purpose == SLOT_FOR_WRITE && run->target.len != 0;
        request_key(run->call.mapping, other ? run->target : run->call.key, &v->key);
        error =
            template_render(item ? &r->item_context : &r->context, request_lookup, v, &v->context);
        error = error != FP_OK ? error : request_filter(v);
        request_order(v);
        run__fields(run, r, &v->fields);
    }
    error = error != FP_OK ? error : buf_error(&v->filter);
    error = error != FP_OK ? error : buf_error(&v->order);
    error = error != FP_OK ? error : buf_error(&v->context);
    error = error != FP_OK ? error : buf_error(&v->fields);
    return error != FP_OK ? error : template_render(&v->slot->call->params, request_lookup, v, out);
}

enum fp_error run__params(struct driver_run *run, struct driver_slot *slot, struct buf *out)
{
    struct request_values v = {.run = run, .slot = slot};
    struct buf *const all[] = {&v.filter, &v.order, &v.context, &v.each, &v.key, &v.fields};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        buf_init(all[i], 2u << 20);
    }
    (void)snprintf(v.offset, sizeof v.offset, "%" PRIu64, slot->offset);
    (void)snprintf(v.limit, sizeof v.limit, "%" PRIu64, slot->limit);
    enum fp_error error = request_render(&v, out);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        buf_done(all[i]);
    }
    return error;
}

static bool request_session_ready(const struct driver_run *run, const struct template *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->parts[i].slot == SLOT_SESSION && !run->kept[t->parts[i].index].set) {
            return false;
        }
    }
    return true;
}

static enum fp_error request_text(struct driver_run *run, const struct template *t, size_t max,
                                  struct bytes *out)
{
    struct buf text;
    buf_init_sensitive(&text, max);
    enum fp_error error = template_render(t, run__account_lookup, run, &text);
    if (error == FP_OK) {
        *out = arena_copy(run->arena, buf_bytes(&text));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    } else if (error != FP_E_NO_MEMORY) {
        error = FP_E_SOURCE_SETTINGS_INVALID;
    }
    buf_done(&text);
    return error;
}

enum fp_error run__headers(struct driver_run *run, struct driver_slot *slot)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    for (unsigned i = 0; i < w->header_count; i++) {
        struct client_header *header = &slot->headers[slot->request.header_count];
        if (w->header_session[i] && !request_session_ready(run, &w->header_values[i])) {
            continue;
        }
        enum fp_error error = request_text(run, &w->header_values[i], 1u << 16, &header->value);
        if (error != FP_OK) {
            return error;
        }
        header->name = w->header_names[i];
        slot->request.header_count++;
    }
    slot->request.headers = slot->headers;
    return FP_OK;
}

enum fp_error run__url(struct driver_run *run, struct bytes *out)
{
    return request_text(run, &run->call.mapping->wire.url, FP_LIMIT_URL_TEXT * 2, out);
}
