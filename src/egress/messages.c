// From EXECUTE and VERIFY to calls: copies what the message holds, looks up what it names.
// SPDX-License-Identifier: Apache-2.0
#include "egress/egress_int.h"

#include "base/log.h"

#define ERRORS_MAX 8192

// A copy in the call's arena; false: no memory.
static bool take(struct egress_call *call, struct bytes text, struct bytes *out)
{
    *out = arena_copy(call->arena, text);
    return out->ptr != NULL || text.len == 0;
}

// Those of the connection, then those that every connection may reach, as far as they fit.
static enum fp_error take_networks(struct egress_call *call, struct bytes text)
{
    const struct networks *common = &call->egress->networks;
    struct fp_note note = {0};
    enum fp_error error = networks_parse(text, &call->networks, &note);
    for (size_t i = 0; error == FP_OK && i < common->count; i++) {
        if (call->networks.count < FP_LIMIT_SOURCE_NETWORKS) {
            call->networks.items[call->networks.count++] = common->items[i];
        }
    }
    return error == FP_OK ? FP_OK : FP_E_CONFIG_INVALID;
}

// Fills call->work.query; decides the call where the query is wrong. false: decided.
static bool take_query(struct egress_call *call, struct bytes raw)
{
    struct egress_verdict verdict = {0};
    struct buf rows;
    struct model_query *query = arena_alloc(call->arena, 1, sizeof *query);
    if (query == NULL) {
        egress_call_fail(call, FP_E_NO_MEMORY, "Out of memory.");
        return false;
    }
    buf_init(&rows, ERRORS_MAX);
    struct json_out errors = json_out_start(&rows);
    json_begin_array(&errors);
    verdict.error = model_query_parse(raw, call->work.operation, call->arena, &errors, query);
    json_end_array(&errors);
    verdict.errors = buf_error(&rows) == FP_OK ? buf_bytes(&rows) : (struct bytes){NULL, 0};
    call->work.query = query;
    if (verdict.error != FP_OK) {
        egress_call_decide(call, &verdict);
    }
    buf_done(&rows);
    return verdict.error == FP_OK;
}

static bool take_execute(struct egress_call *call, const struct link_execute *in,
                         struct bytes *query_out)
{
    call->version = in->credential_version;
    call->keep = in->keep != 0;
    return take(call, in->request_id, &call->request_id) &&
           take(call, in->application, &call->application) &&
           take(call, in->connection, &call->connection) &&
           take(call, in->platform, &call->platform) && take(call, in->key, &call->work.key) &&
           take(call, in->body, &call->work.body) &&
           take(call, in->condition, &call->work.condition) &&
           take(call, in->credentials, &call->work.credentials) && take(call, in->query, query_out);
}

// Everything that a call needs, or its decision. false: decided.
static bool prepare_execute(struct egress_call *call, const struct link_execute *in)
{
    struct bytes query = {0};
    if (!take_execute(call, in, &query)) {
        egress_call_fail(call, FP_E_NO_MEMORY, "Out of memory.");
        return false;
    }
    call->work.operation = model_operation_at(in->operation);
    call->work.public_url = call->egress->public_url;
    if (call->work.operation == NULL) {
        egress_call_fail(call, FP_E_INTERNAL, "There is no such operation.");
        return false;
    }
    if (!take_query(call, query)) {
        return false;
    }
    if (call->connection.len == 0) {
        egress_platforms(call);
        return false;
    }
    call->work.mapping = mapping_set_find(call->egress->mappings, call->platform);
    if (call->work.mapping == NULL) {
        egress_call_fail(call, FP_E_PLATFORM_UNKNOWN, "The connection's platform is gone.");
        return false;
    }
    if (take_networks(call, in->networks) != FP_OK) {
        egress_call_fail(call, FP_E_CONFIG_INVALID, "The connection's networks cannot be read.");
        return false;
    }
    return true;
}

void egress_on_execute(struct egress *e, struct bytes body)
{
    struct link_execute in = {0};
    if (link_get_execute(body, &in) != FP_OK || egress_call_find(e, in.call) != NULL) {
        room_fail(e->room, "execute_invalid", FP_E_MESSAGE_INVALID);
    }
    struct egress_call *call = NULL;
    if (!e->draining && e->call_count < FP_LIMIT_CALLS_IN_FLIGHT) {
        call = egress_call_create(e, in.call);
    }
    if (call == NULL) {
        egress_answer_refuse(e, &in, FP_E_SERVICE_UNAVAILABLE);
        return;
    }
    if (prepare_execute(call, &in)) {
        egress_call_begin(call, in.deadline_ms);
    }
}

// The credential's fields, before anything is sent. false: decided.
static bool check_fields(struct egress_call *call)
{
    struct egress_verdict verdict = {0};
    struct buf rows;
    buf_init(&rows, ERRORS_MAX);
    struct json_out errors = json_out_start(&rows);
    json_begin_array(&errors);
    verdict.error = driver_check_credentials(call->work.mapping, call->work.credentials, &errors);
    json_end_array(&errors);
    verdict.errors = buf_error(&rows) == FP_OK ? buf_bytes(&rows) : (struct bytes){NULL, 0};
    if (verdict.error != FP_OK) {
        egress_call_decide(call, &verdict);
    }
    buf_done(&rows);
    return verdict.error == FP_OK;
}

static bool prepare_verify(struct egress_call *call, const struct link_verify *in)
{
    call->verify = true;
    if (!take(call, in->request_id, &call->request_id) ||
        !take(call, in->platform, &call->platform) ||
        !take(call, in->credentials, &call->work.credentials)) {
        egress_call_fail(call, FP_E_NO_MEMORY, "Out of memory.");
        return false;
    }
    call->work.public_url = call->egress->public_url;
    call->work.mapping = mapping_set_find(call->egress->mappings, call->platform);
    if (call->work.mapping == NULL) {
        egress_call_fail(call, FP_E_PLATFORM_UNKNOWN, "No connector of this name is loaded.");
        return false;
    }
    if (take_networks(call, in->networks) != FP_OK) {
        egress_call_fail(call, FP_E_CONFIG_INVALID, "The connection's networks cannot be read.");
        return false;
    }
    return check_fields(call);
}

void egress_on_verify(struct egress *e, struct bytes body)
{
    struct link_verify in = {0};
    struct egress_call *call = NULL;
    if (link_get_verify(body, &in) != FP_OK || egress_call_find(e, in.call) != NULL) {
        room_fail(e->room, "verify_invalid", FP_E_MESSAGE_INVALID);
    }
    if (!e->draining && e->call_count < FP_LIMIT_CALLS_IN_FLIGHT) {
        call = egress_call_create(e, in.call);
    }
    if (call == NULL) {
        egress_answer_unverified(e, in.call, FP_E_SERVICE_UNAVAILABLE);
        return;
    }
    if (prepare_verify(call, &in)) {
        egress_call_begin(call, in.deadline_ms);
    }
}
