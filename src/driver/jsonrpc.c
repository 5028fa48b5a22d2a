// JSON-RPC over HTTP: one address, a method and parameters in the body, errors inside of answers.
// Everything else about a product stands in its definition. SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"

struct jsonrpc_values {
    struct driver_run *run; // for credentials and session
    struct bytes id;        // number of the call
    struct bytes method;    // its method
    struct bytes params;    // JSON
};

static bool jsonrpc_lookup(void *ctx, enum template_slot slot, unsigned index,
                           struct template_value *out)
{
    const struct jsonrpc_values *v = ctx;
    switch (slot) {
    case SLOT_ID:
        *out = (struct template_value){v->id, true};
        return true;
    case SLOT_METHOD:
        *out = (struct template_value){v->method, false};
        return true;
    case SLOT_PARAMS:
        *out = (struct template_value){v->params, true};
        return true;
    default:
        return run__account_lookup(v->run, slot, index, out);
    }
}

static bool jsonrpc_object(void *ctx, enum template_slot slot, unsigned index,
                           struct template_value *out)
{
    const struct driver_slot *s = ctx;
    (void)slot;
    (void)index;
    *out = (struct template_value){bytes_of_text(s->resource != NULL ? s->resource->object : ""),
                                   false};
    return true;
}

static enum fp_error jsonrpc_body(struct driver_run *run, struct driver_slot *slot,
                                  struct bytes *out)
{
    struct buf id;
    struct buf method;
    struct buf params;
    struct buf body;
    buf_init(&id, 24);
    buf_init(&method, 1024);
    buf_init_sensitive(&params, 4u << 20);
    buf_init_sensitive(&body, 4u << 20);
    buf_append_u64(&id, slot->number);
    enum fp_error error = template_render(&slot->call->method, jsonrpc_object, slot, &method);
    error = error != FP_OK ? error : run__params(run, slot, &params);
    if (error == FP_OK) {
        struct jsonrpc_values v = {run, buf_bytes(&id), buf_bytes(&method), buf_bytes(&params)};
        error = template_render(&run->call.mapping->wire.body, jsonrpc_lookup, &v, &body);
    }
    if (error == FP_OK) {
        *out = arena_copy(run->arena, buf_bytes(&body));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&id);
    buf_done(&method);
    buf_done(&params);
    buf_done(&body);
    return error;
}

static enum fp_error jsonrpc_prepare(struct driver_run *run, struct driver_slot *slot)
{
    struct client_request *r = &slot->request;
    bool login = slot->purpose == SLOT_FOR_LOGIN;
    *r = (struct client_request){.method = BYTES("POST"),
                                 .timeout_ms = login ? FP_LIMIT_SOURCE_LOGIN_TIMEOUT : 0,
                                 .safe_to_repeat = !login && slot->purpose != SLOT_FOR_WRITE,
                                 .sensitive = login};
    enum fp_error error = run__url(run, &r->url);
    error = error != FP_OK ? error : run__headers(run, slot);
    return error != FP_OK ? error : jsonrpc_body(run, slot, &r->body);
}

static bool jsonrpc_number_fits(const struct driver_run *run, const struct driver_slot *slot,
                                yyjson_val *root)
{
    struct bytes text = {0};
    uint64_t number = 0;
    yyjson_val *id = value_at(&run->call.mapping->wire.id, root);
    return id != NULL && value_text(id, &text) && bytes_to_u64(text, UINT32_MAX, &number) &&
           number == slot->number;
}

static enum fp_error jsonrpc_open(struct driver_run *run, struct driver_slot *slot,
                                  struct client_answer *answer, enum mapping_verdict *verdict_out)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    slot->doc = run__parse(run, slot, answer);
    yyjson_val *root = yyjson_doc_get_root(slot->doc);
    bool good = answer->status >= 200 && answer->status < 300;
    if (!good || value_at(&w->error, root) != NULL) {
        *verdict_out = run__judge(run, slot, answer->status, root);
        return FP_E_SOURCE_FAILED;
    }
    if (root == NULL) {
        return run__unclear(run, slot, "The answer is no JSON.");
    }
    if (!jsonrpc_number_fits(run, slot, root)) {
        return run__unclear(run, slot, "The answer belongs to another call.");
    }
    slot->result = value_at(&w->result, root);
    return FP_OK;
}

const struct driver_ops driver_jsonrpc = {"jsonrpc", false, jsonrpc_prepare, jsonrpc_open};
