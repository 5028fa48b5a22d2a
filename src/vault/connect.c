// Connecting a system: the record of the attempt, the attempt at egress, and only when the source
// has accepted the credential is anything stored.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "registry/connect_page.h"
#include "registry/connections.h"

#include <stdio.h>

// What a held CONNECTION_CREATE or CONNECTION_ADD asks for; views into the held frame.
static struct connection_request connect_request(struct call *call)
{
    struct connection_request request = {0};
    struct link_connection_create create = {0};
    struct link_connection_add add = {0};
    struct link_connect_send send = {0};
    if (call->held->number == LINK_CONNECTION_CREATE &&
        link_get_connection_create(call_frame(call), &create) == FP_OK) {
        request.application = bytes_of_text(call->held->identity.token.owner);
        request.name = create.name;
        request.email = create.email;
        request.platform = create.platform;
        request.credentials = create.credentials;
    } else if (call->held->number == LINK_CONNECTION_ADD &&
               link_get_connection_add(call_frame(call), &add) == FP_OK) {
        request.application = add.application;
        request.connection = add.connection;
        request.name = add.name;
        request.email = add.email;
        request.platform = add.platform;
        request.networks = add.networks;
        request.credentials = add.credentials;
    } else if (call->held->number == LINK_CONNECT_SEND &&
               link_get_connect_send(call_frame(call), &send) == FP_OK) {
        const struct store_connect_link *link = call->held->link;
        request.application = bytes_of_text(link->application);
        request.connection = bytes_of_text(link->connection);
        request.name = link->name[0] != '\0' ? bytes_of_text(link->name) : send.name;
        request.email = link->email[0] != '\0' ? bytes_of_text(link->email) : send.email;
        request.platform = send.platform;
        request.credentials = secret_bytes(&call->held->opened);
        request.link = bytes_of_text(link->id);
    } else {
        vault_broken_rule(call->vault, "CONNECTION_CREATE");
    }
    return request;
}

// Who asks, for records.
static struct registry_caller connect_caller(const struct call *call, char actor[static 32])
{
    struct link_connection_create create = {0};
    struct link_connect_send send = {0};
    if (call->held->number == LINK_CONNECT_SEND) {
        if (link_get_connect_send(call_frame(call), &send) != FP_OK) {
            vault_broken_rule(call->vault, "CONNECT_SEND");
        }
        return (struct registry_caller){.actor = AUDIT_BY_CUSTOMER,
                                        .actor_id = bytes_of_text(call->held->link->id),
                                        .application = bytes_of_text(call->held->link->application),
                                        .request_id = send.request_id,
                                        .address = send.address};
    }
    if (call->peer != NULL || call->held->number == LINK_CONNECTION_ADD) {
        return (struct registry_caller){.actor = AUDIT_BY_COMMAND,
                                        .actor_id = bytes_of_text(actor),
                                        .request_id = bytes_of_text(call->request_id)};
    }
    if (link_get_connection_create(call_frame(call), &create) != FP_OK) {
        vault_broken_rule(call->vault, "CONNECTION_CREATE");
    }
    return registry_caller_of(&call->held->identity, create.request_id, create.address);
}

static void connect_actor(const struct call *call, char out[static 32])
{
    snprintf(out, 32, "uid:%u", call->peer != NULL ? call->peer->uid : 0);
}

void connect_refuse(struct call *call, enum fp_error error)
{
    struct vault *v = call->vault;
    struct answer answer = {.error = error,
                            .detail = buf_bytes(&v->detail),
                            .errors = buf_bytes(&v->errors),
                            .application = call->application,
                            .connection = call->connection};
    answer_call(call, &answer);
}

static enum fp_error connect_verify(struct call *call)
{
    struct vault *v = call->vault;
    struct connection_request request = connect_request(call);
    struct connection_plan plan = {0};
    uint32_t most_ms = room_config(v->room)->call_timeout_ms;
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_verify out = {.call = call->number,
                              .request_id = bytes_of_text(call->request_id),
                              .deadline_ms = most_ms < FP_LIMIT_SOURCE_LOGIN_TIMEOUT
                                                 ? most_ms
                                                 : FP_LIMIT_SOURCE_LOGIN_TIMEOUT,
                              .credentials = request.credentials};
    enum fp_error error = egress != NULL ? FP_OK : FP_E_LINK_CLOSED;
    if (error == FP_OK && v->verifying >= FP_LIMIT_VERIFIES_IN_FLIGHT) {
        error = FP_E_SERVICE_UNAVAILABLE;
    }
    if (error == FP_OK) {
        error = registry_connection_plan(v->in.registry, &request, &plan, &v->errors);
    }
    if (error == FP_OK) {
        out.platform = bytes_of_text(plan.platform);
        out.networks = bytes_of_text(plan.networks);
        error = link_put_verify(egress, &out);
        error = error == FP_E_LIMIT_EXCEEDED ? FP_E_SERVICE_UNAVAILABLE : error;
    }
    if (error == FP_OK) {
        call->stage = CALL_VERIFYING;
        v->verifying++;
    }
    return error;
}

static void connect_recorded(void *ctx, enum fp_error result)
{
    struct call *call = ctx;
    struct vault *v = call->vault;
    enum fp_error error = result != FP_OK ? FP_E_AUDIT_UNAVAILABLE : FP_OK;
    if (call->listed) {
        buf_clear(&v->detail);
        buf_clear(&v->errors);
        error = error != FP_OK ? error : connect_verify(call);
        if (error != FP_OK) {
            connect_refuse(call, error);
        }
    }
    call_returned(call);
}

static void connect_record(struct call *call, enum fp_error result, audit_done *done)
{
    char actor[32];
    struct registry_caller caller;
    struct audit_record record = {.action = AUDIT_CREDENTIAL_VERIFY, .result = result};
    struct buf detail;
    struct json_out json = json_out_start(&detail);
    connect_actor(call, actor);
    caller = connect_caller(call, actor);
    buf_init(&detail, 1024);
    json_begin_object(&json);
    json_member_text(&json, "platform", connect_request(call).platform);
    json_end_object(&json);
    record.detail = buf_bytes(&detail);
    record.actor = caller.actor;
    record.actor_id = caller.actor_id;
    record.application = bytes_of_text(call->application);
    record.connection = bytes_of_text(call->connection);
    record.token = caller.token;
    record.request_id = caller.request_id;
    record.address = caller.address;
    call->pending += done != NULL ? 1 : 0;
    if (audit_append(call->vault->in.audit, &record, done, call) != FP_OK && done != NULL) {
        call->pending--;
        connect_refuse(call, FP_E_AUDIT_UNAVAILABLE);
    }
    buf_done(&detail);
}

// What is wrong by itself is neither recorded nor tried.
static bool connect_plan(struct call *call)
{
    struct vault *v = call->vault;
    struct connection_request request = connect_request(call);
    struct connection_plan plan = {0};
    enum fp_error error = registry_connection_plan(v->in.registry, &request, &plan, &v->errors);
    if (error != FP_OK) {
        connect_refuse(call, error);
    } else {
        (void)bytes_to_text(request.connection, call->connection, sizeof call->connection);
    }
    return error == FP_OK;
}

// The attempt counts against its link, or there are none left.
static void connect_counted(void *ctx, const struct registry_result *result)
{
    struct call *call = ctx;
    if (call->listed && result->error == FP_OK) {
        connect_record(call, FP_OK, connect_recorded);
    } else if (call->listed) {
        connect_refuse(call, result->error);
    }
    call_returned(call);
}

void connect_start(struct call *call)
{
    call->stage = CALL_RECORDING;
    if (!connect_plan(call)) {
        return;
    }
    if (call->held->number == LINK_CONNECT_SEND) {
        struct registry_caller caller = connect_caller(call, (char[32]){0});
        call->pending++;
        registry_connect_link_attempt(call->vault->in.registry, &caller, call->held->link->id,
                                      connect_counted, call);
    } else {
        connect_record(call, FP_OK, connect_recorded);
    }
}

void vault_on_connection_create(struct vault *v, const struct link_frame *frame)
{
    struct link_connection_create in = {0};
    struct registry_identity identity;
    struct call *call = NULL;
    if (link_get_connection_create(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONNECTION_CREATE");
    }
    if (!vault_admit(v,
                     &(struct asked){in.call, in.token, TOKEN_KIND_APPLICATION, in.request_id,
                                     in.address, in.fault, in.fault_detail, in.possession},
                     &identity)) {
        return;
    }
    call = call_open(v, in.call, room_config(v->room)->call_timeout_ms);
    if (call == NULL) {
        struct answer answer = {.error = FP_E_SERVICE_UNAVAILABLE,
                                .application = identity.token.application,
                                .connection = ""};
        answer_gateway(v, in.call, &answer);
        return;
    }
    call_set_texts(call, in.request_id, identity.token.application, "");
    if (call_hold(call, frame, &identity)) {
        connect_start(call);
    } else {
        answer_error(call, FP_E_NO_MEMORY);
    }
}

enum fp_error vault_on_connection_add(struct control_peer *peer, const struct link_frame *frame)
{
    struct link_connection_add in = {0};
    char request_id[ID_TEXT];
    struct call *call = NULL;
    enum fp_error error = link_get_connection_add(frame->body, &in);
    if (error != FP_OK) {
        return error;
    }
    call = control_open_call(peer, in.call);
    if (call == NULL) {
        return FP_OK;
    }
    id_make("req", clock_wall_ms(), request_id);
    call_set_texts(call, bytes_of_text(request_id), "", "");
    if (call_hold(call, frame, NULL)) {
        connect_start(call);
    } else {
        answer_error(call, FP_E_NO_MEMORY);
    }
    return FP_OK;
}

// A source may take its time: the application's token must still hold.
static enum fp_error connect_still_good(struct call *call)
{
    struct vault *v = call->vault;
    struct link_connection_create in = {0};
    if (call->held->number != LINK_CONNECTION_CREATE ||
        registry_epoch(v->in.registry) == call->held->identity.epoch) {
        return FP_OK;
    }
    if (link_get_connection_create(call_frame(call), &in) != FP_OK) {
        vault_broken_rule(v, "CONNECTION_CREATE");
    }
    return registry_identify(v->in.registry, in.token, TOKEN_KIND_APPLICATION, clock_wall_ms(),
                             &call->held->identity, &v->detail);
}

static void connect_store(struct call *call, const struct link_verified *in)
{
    struct connection_request request = connect_request(call);
    char actor[32];
    struct registry_caller caller = {0};
    enum fp_error error = connect_still_good(call);
    call->stage = CALL_IN_REGISTRY;
    call->vault->verifying--;
    if (error != FP_OK) {
        connect_refuse(call, error);
        return;
    }
    connect_actor(call, actor);
    caller = connect_caller(call, actor);
    request.account = in->account;
    call->pending++;
    registry_connection_create(call->vault->in.registry, &caller, &request, answer_registry, call);
}

// What is wrong with a request to connect is the fault of one of its fields.
static const char *connect_field_of(enum fp_error error)
{
    switch (error) {
    case FP_E_PLATFORM_UNKNOWN:
        return "provider";
    case FP_E_CREDENTIALS_REJECTED:
    case FP_E_SOURCE_PERMISSION_MISSING:
    case FP_E_SOURCE_SETTINGS_INVALID:
    case FP_E_SOURCE_ADDRESS_REFUSED:
        return "credentials";
    default:
        return NULL;
    }
}

static void connect_failed(struct call *call, const struct link_verified *in)
{
    struct answer answer = {.error = (enum fp_error)in->error,
                            .detail = in->detail,
                            .errors = in->errors,
                            .application = call->application,
                            .connection = call->connection};
    const char *field = connect_field_of(answer.error);
    if (field != NULL && answer.errors.len == 0) {
        buf_printf(&call->vault->errors, "[{\"field\":\"%s\",\"code\":\"%s\",\"message\":\"%s\"}]",
                   field, fp_error_code(answer.error), fp_error_row(answer.error)->message);
        answer.errors = buf_bytes(&call->vault->errors);
    }
    if (call->held->number != LINK_CONNECT_SEND && // a page tells a person, by the code
        (answer.error == FP_E_CREDENTIALS_REJECTED ||
         answer.error == FP_E_SOURCE_PERMISSION_MISSING)) {
        // 401 would be about the application's own token
        answer.error = FP_E_FIELD_INVALID;
    }
    connect_record(call, (enum fp_error)in->error, NULL);
    answer_call(call, &answer);
}

void vault_on_verified(struct vault *v, const struct link_frame *frame)
{
    struct link_verified in = {0};
    struct call *call = NULL;
    if (link_get_verified(frame->body, &in) != FP_OK || !fp_error_known(in.error)) {
        vault_broken_rule(v, "VERIFIED");
    }
    call = call_find(v, in.call);
    if (call == NULL || call->stage != CALL_VERIFYING) {
        return; // cancelled or out of time
    }
    if (in.error == FP_OK) {
        connect_store(call, &in);
    } else {
        connect_failed(call, &in);
    }
}
