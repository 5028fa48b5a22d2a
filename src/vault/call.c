// Calls of the API: who asks, may they, and then an answer of our own, or the record of the
// credential's use and, once that is durable, everything egress needs for this one call.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "model/model.h"
#include "registry/binding.h"
#include "registry/connections.h"
#include "registry/metadata.h"
#include "registry/oauth.h"
#include "registry/system.h"

static void call_refuse(struct vault *v, uint64_t number, enum fp_error error,
                        const struct registry_identity *identity)
{
    struct answer answer = {.error = error,
                            .detail = buf_bytes(&v->detail),
                            .application = identity->token.application,
                            .connection = identity->connection.id};
    answer_gateway(v, number, &answer);
}

// A fault in the parameters is told only to a caller whose token is good.
static bool call_has_fault(struct vault *v, const struct asked *asked,
                           const struct registry_identity *identity)
{
    struct answer answer = {.error = (enum fp_error)asked->fault,
                            .errors = asked->fault_detail,
                            .application = identity->token.application,
                            .connection = identity->connection.id};
    if (asked->fault == FP_OK) {
        return false;
    }
    if (!fp_error_known(asked->fault)) {
        vault_broken_rule(v, "fault");
    }
    answer_gateway(v, asked->number, &answer);
    return true;
}

// Whoever shows a token without what it is bound to learns that and nothing more of it.
static enum fp_error call_check_binding(struct vault *v, const struct asked *asked,
                                        const struct registry_identity *identity, int64_t now_ms,
                                        enum fp_error judged)
{
    struct possession possession = {0};
    struct binding_shown shown = {&possession, asked->address};
    enum fp_error error = possession_decode(asked->possession, &possession);
    if (error != FP_OK) {
        vault_broken_rule(v, "possession");
    }
    if (identity->token.id[0] == '\0') {
        return judged; // no row was found
    }
    error = binding_check(v->in.registry, &identity->token, &shown, now_ms, &v->detail);
    return error != FP_OK ? error : judged;
}

bool vault_admit(struct vault *v, const struct asked *asked, struct registry_identity *out)
{
    static const struct registry_identity nobody;
    int64_t now_ms = clock_wall_ms();
    enum fp_error error = FP_OK;
    if ((asked->number & VAULT_OWN_CALL) != 0 || call_find(v, asked->number) != NULL) {
        vault_broken_rule(v, "call number");
    }
    if (v->draining || v->calls >= FP_LIMIT_CALLS_IN_FLIGHT) {
        call_refuse(v, asked->number, FP_E_SERVICE_UNAVAILABLE, &nobody);
        return false;
    }
    error = registry_identify(v->in.registry, asked->token, asked->kind, now_ms, out, &v->detail);
    error = call_check_binding(v, asked, out, now_ms, error);
    if (error != FP_OK) {
        struct registry_caller caller = registry_caller_of(out, asked->request_id, asked->address);
        registry_refused(v->in.registry, out, &caller, error, now_ms);
        call_refuse(v, asked->number, error, out);
        return false;
    }
    registry_note_use(v->in.registry, out->token.id, now_ms);
    return !call_has_fault(v, asked, out);
}

struct call *call_begin(struct vault *v, uint64_t number, struct bytes request_id,
                        const struct registry_identity *identity)
{
    struct call *call = call_open(v, number, room_config(v->room)->call_timeout_ms);
    if (call == NULL) {
        call_refuse(v, number, FP_E_SERVICE_UNAVAILABLE, identity);
        return NULL;
    }
    call->stage = CALL_IN_REGISTRY;
    call_set_texts(call, request_id, identity->token.application, identity->connection.id);
    return call;
}

static void call_read(struct vault *v, const struct link_call *in,
                      const struct registry_identity *identity)
{
    struct system_call call = {in->operation, in->key, in->query, in->binding, in->subkey};
    struct system_answer out = {&v->body, &v->detail, &v->errors};
    struct answer answer = {.application = identity->token.application,
                            .connection = identity->connection.id};
    answer.error = registry_system_read(v->in.registry, identity, &call, v->arena, &out);
    if (answer.error == FP_OK) {
        answer.body = buf_bytes(&v->body);
    } else {
        answer.detail = buf_bytes(&v->detail);
        answer.errors = buf_bytes(&v->errors);
    }
    answer_gateway(v, in->call, &answer);
}

static void call_write(struct vault *v, const struct link_call *in,
                       const struct registry_identity *identity)
{
    struct system_call system = {in->operation, in->key, in->query, in->binding, in->subkey};
    struct registry_caller caller = registry_caller_of(identity, in->request_id, in->address);
    struct call *call = call_begin(v, in->call, in->request_id, identity);
    if (call != NULL) {
        call->pending++;
        registry_system_write(v->in.registry, identity, &caller, &system, answer_registry, call);
    }
}

static struct link_execute call_execute_of(const struct call *call, const struct link_call *in)
{
    return (struct link_execute){.call = call->number,
                                 .request_id = in->request_id,
                                 .application = bytes_of_text(call->application),
                                 .connection = bytes_of_text(call->connection),
                                 .credential_version = call->credential_version,
                                 .operation = in->operation,
                                 .key = in->key,
                                 .subkey = in->subkey,
                                 .query = in->query,
                                 .condition = in->condition,
                                 .keep = call->repeat != NULL ? 1 : 0,
                                 .body = in->body,
                                 .deadline_ms = room_config(call->vault->room)->call_timeout_ms};
}

// Operations that use no connection go on without a credential and without a record.
static void call_pass_on(struct vault *v, const struct link_call *in,
                         const struct registry_identity *identity)
{
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct call nobody = {.vault = v, .number = in->call};
    struct link_execute out = {0};
    call_set_texts(&nobody, in->request_id, identity->token.application, "");
    out = call_execute_of(&nobody, in);
    if (egress == NULL || link_put_execute(egress, &out) != FP_OK) {
        call_refuse(v, in->call, FP_E_LINK_CLOSED, identity);
    }
}

// The token again, where something was written since it was checked: a revocation that was
// confirmed while the record was on its way to the disk still holds.
static enum fp_error call_still_good(struct call *call, const struct link_call *in)
{
    struct vault *v = call->vault;
    if (registry_epoch(v->in.registry) == call->held->identity.epoch) {
        return FP_OK;
    }
    return registry_identify(v->in.registry, in->token, TOKEN_KIND_CONNECTION, clock_wall_ms(),
                             &call->held->identity, &v->detail);
}

static enum fp_error call_hand_over(struct call *call, const struct link_call *in)
{
    struct vault *v = call->vault;
    const struct store_connection *row = &call->held->identity.connection;
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_execute out = {0};
    struct secret credential = {0};
    enum fp_error error = egress != NULL ? FP_OK : FP_E_LINK_CLOSED;
    if (error == FP_OK) {
        error = registry_credential(v->in.registry, row, v->arena, &credential);
    }
    if (error == FP_OK) {
        call->credential_version = row->credential_version;
        call->state = row->state;
        call->writes = model_operation_at(in->operation)->write;
        out = call_execute_of(call, in);
        out.platform = bytes_of_text(row->platform);
        out.networks = bytes_of_text(row->networks);
        out.credentials = secret_bytes(&credential);
        error = link_put_execute(egress, &out);
        error = error == FP_E_LIMIT_EXCEEDED ? FP_E_SERVICE_UNAVAILABLE : error;
    }
    secret_done(&credential);
    return error;
}

// The record is on disk, or not.
static void call_recorded(void *ctx, enum fp_error result)
{
    struct call *call = ctx;
    struct vault *v = call->vault;
    struct link_call in = {0};
    enum fp_error error = result != FP_OK ? FP_E_AUDIT_UNAVAILABLE : FP_OK;
    struct answer answer = {.application = call->application, .connection = call->connection};
    if (!call->listed) {
        call_returned(call); // cancelled, or out of time
        return;
    }
    arena_reset(v->arena);
    buf_clear(&v->detail);
    if (link_get_call(call_frame(call), &in) != FP_OK) {
        vault_broken_rule(v, "CALL");
    }
    error = error != FP_OK ? error : call_still_good(call, &in);
    error = error != FP_OK ? error : call_hand_over(call, &in);
    if (error == FP_OK) {
        call->stage = CALL_AT_EGRESS;
        call_release(call);
    } else {
        answer.error = error;
        answer.detail = buf_bytes(&v->detail);
        answer_call(call, &answer);
    }
    call_returned(call);
}

// What the record says of a call: the operation, and of a change which record it is about.
static void call_describe(const struct link_call *in, struct buf *out)
{
    const struct model_operation *operation = model_operation_at(in->operation);
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_text_c(&j, "operation", operation->id);
    if (operation->write && in->key.len != 0) {
        json_member_text(&j, "key", in->key);
    }
    json_end_object(&j);
}

void call_audit(struct call *call)
{
    struct vault *v = call->vault;
    const struct registry_identity *identity = &call->held->identity;
    struct link_call in = {0};
    if (link_get_call(call_frame(call), &in) != FP_OK) {
        vault_broken_rule(v, "CALL");
    }
    struct registry_caller caller = registry_caller_of(identity, in.request_id, in.address);
    struct audit_record record = {.action = AUDIT_CREDENTIAL_USE,
                                  .actor = caller.actor,
                                  .actor_id = caller.actor_id,
                                  .application = caller.application,
                                  .connection = bytes_of_text(identity->connection.id),
                                  .customer = bytes_of_text(identity->connection.customer),
                                  .token = caller.token,
                                  .request_id = caller.request_id,
                                  .address = caller.address};
    buf_clear(&v->body);
    call_describe(&in, &v->body);
    record.detail = buf_bytes(&v->body);
    call->stage = CALL_RECORDING;
    call->pending++;
    if (audit_append(v->in.audit, &record, call_recorded, call) != FP_OK) {
        call->pending--;
        answer_error(call, FP_E_AUDIT_UNAVAILABLE);
    }
}

static void call_record(struct vault *v, const struct link_frame *frame, const struct link_call *in,
                        const struct registry_identity *identity)
{
    struct call *call = call_begin(v, in->call, in->request_id, identity);
    if (call == NULL) {
        return;
    }
    if (!call_hold(call, frame, identity)) {
        answer_error(call, FP_E_NO_MEMORY);
    } else if (in->idempotency_key.len != 0 && model_operation_at(in->operation)->write) {
        vault_repeat_start(call, in, identity);
    } else {
        call_audit(call);
    }
}

void vault_on_call(struct vault *v, const struct link_frame *frame)
{
    struct link_call in = {0};
    struct registry_identity identity;
    const struct model_operation *operation = NULL;
    struct asked asked = {0};
    enum fp_error error = FP_OK;
    if (link_get_call(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CALL");
    }
    operation = model_operation_at(in.operation);
    if (operation == NULL || operation->token == MODEL_TOKEN_NONE ||
        in.operation == MODEL_OP_SYSTEM_CONNECTION_CREATE ||
        in.operation == MODEL_OP_SYSTEM_CONNECT_LINK_CREATE ||
        in.operation == MODEL_OP_SYSTEM_METADATA_SET ||
        in.operation == MODEL_OP_SYSTEM_WEBHOOK_CREATE) {
        vault_broken_rule(v, "operation"); // has a message of its own, or is none
    }
    asked = (struct asked){in.call,
                           in.token,
                           operation->token == MODEL_TOKEN_APPLICATION ? TOKEN_KIND_APPLICATION
                                                                       : TOKEN_KIND_CONNECTION,
                           in.request_id,
                           in.address,
                           in.fault,
                           in.fault_detail,
                           in.possession};
    if (!vault_admit(v, &asked, &identity)) {
        return;
    }
    error = registry_permits(&identity, in.operation, &v->detail);
    if (error != FP_OK) {
        call_refuse(v, in.call, error, &identity);
        return;
    }
    switch (registry_system_way(in.operation)) {
    case SYSTEM_READ:
        call_read(v, &in, &identity);
        break;
    case SYSTEM_WRITE:
        call_write(v, &in, &identity);
        break;
    case SYSTEM_ELSEWHERE:
        if (operation->token == MODEL_TOKEN_APPLICATION) {
            call_pass_on(v, &in, &identity);
        } else {
            call_record(v, frame, &in, &identity);
        }
        break;
    }
}

// A call of somebody who shows no token; NULL: it was answered.
static struct call *call_begin_open(struct vault *v, uint64_t number, struct bytes request_id)
{
    static const struct registry_identity nobody;
    if ((number & VAULT_OWN_CALL) != 0 || call_find(v, number) != NULL) {
        vault_broken_rule(v, "call number");
    }
    if (v->draining) {
        call_refuse(v, number, FP_E_SERVICE_UNAVAILABLE, &nobody);
        return NULL;
    }
    return call_begin(v, number, request_id, &nobody);
}

void vault_on_token_request(struct vault *v, const struct link_frame *frame)
{
    struct link_token_request in = {0};
    struct registry_caller caller = {.actor = AUDIT_BY_UNKNOWN};
    struct oauth_request request = {0};
    struct call *call = NULL;
    if (link_get_token_request(frame->body, &in) != FP_OK || in.task < OAUTH_CLIENT_CREDENTIALS ||
        in.task > OAUTH_INTROSPECT) {
        vault_broken_rule(v, "TOKEN_REQUEST");
    }
    call = call_begin_open(v, in.call, in.request_id);
    if (call != NULL) {
        caller.request_id = in.request_id;
        caller.address = in.address;
        request = (struct oauth_request){(enum oauth_task)in.task,
                                         in.client_id,
                                         in.client_secret,
                                         in.token,
                                         in.redirect_uri,
                                         in.verifier,
                                         in.scope,
                                         in.possession,
                                         false};
        call->pending++;
        registry_oauth(v->in.registry, &caller, &request, answer_registry, call);
    }
}

void vault_on_authorize(struct vault *v, const struct link_frame *frame)
{
    struct link_authorize in = {0};
    struct registry_caller caller = {.actor = AUDIT_BY_UNKNOWN};
    struct authorize_request request = {0};
    struct call *call = NULL;
    if (link_get_authorize(frame->body, &in) != FP_OK || in.fault >= AUTHORIZE_FAULTS) {
        vault_broken_rule(v, "AUTHORIZE");
    }
    call = call_begin_open(v, in.call, in.request_id);
    if (call != NULL) {
        caller.request_id = in.request_id;
        caller.address = in.address;
        request = (struct authorize_request){in.client_id, in.redirect_uri,
                                             in.state,     in.scope,
                                             in.challenge, (enum authorize_fault)in.fault};
        call->pending++;
        registry_authorize(v->in.registry, &caller, &request, answer_registry, call);
    }
}

void vault_on_metadata_set(struct vault *v, const struct link_frame *frame)
{
    struct link_metadata_set in = {0};
    struct registry_identity identity;
    struct registry_caller caller = {0};
    struct metadata_change change = {0};
    struct call *call = NULL;
    if (link_get_metadata_set(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "METADATA_SET");
    }
    if (!vault_admit(v,
                     &(struct asked){in.call, in.token, TOKEN_KIND_APPLICATION, in.request_id,
                                     in.address, in.fault, in.fault_detail, in.possession},
                     &identity)) {
        return;
    }
    call = call_begin(v, in.call, in.request_id, &identity);
    if (call != NULL) {
        caller = registry_caller_of(&identity, in.request_id, in.address);
        change = (struct metadata_change){bytes_of_text(identity.token.owner), in.connection,
                                          in.metadata};
        call->pending++;
        registry_metadata_set(v->in.registry, &caller, &change, answer_registry, call);
    }
}

void vault_on_cancel(struct vault *v, const struct link_frame *frame)
{
    struct link_cancel in = {0};
    struct call *call = NULL;
    if (link_get_cancel(frame->body, &in) != FP_OK || (in.call & VAULT_OWN_CALL) != 0) {
        vault_broken_rule(v, "CANCEL");
    }
    // one that was answered in between is no fault
    call = call_find(v, in.call);
    if (call != NULL && call->repeat != NULL && call->stage == CALL_AT_EGRESS) {
        return; // the client asks again with its Idempotency-Key: the answer is kept for then
    }
    if (call != NULL) {
        call_stop(call);
        call_abandon(call);
    }
}
