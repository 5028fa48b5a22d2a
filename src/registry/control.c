// Questions of the command line.
// SPDX-License-Identifier: Apache-2.0
#include "registry/control.h"

#include "registry/applications.h"
#include "registry/connect_links.h"
#include "registry/control_webhook.h"
#include "registry/customers.h"
#include "registry/erase.h"
#include "registry/evidence.h"
#include "registry/key_rotation.h"
#include "registry/key_status.h"
#include "registry/master_rewrap.h"
#include "registry/operators.h"
#include "registry/registry_int.h"
#include "registry/rotate.h"
#include "registry/tokens.h"

// Every question begins with its number, whatever else is in it.
enum fp_error registry_control_call(const struct link_frame *frame, uint64_t *call_out)
{
    uint64_t call = 0;
    const struct link_rule *rule = link_rule(frame->number);
    if (rule == NULL || (rule->from & 1u << LINK_ROOM_CONTROL) == 0 || frame->body.len < 8) {
        return FP_E_MESSAGE_INVALID;
    }
    for (size_t i = 0; i < 8; i++) {
        call |= (uint64_t)frame->body.ptr[i] << (8 * i);
    }
    *call_out = call;
    return FP_OK;
}

struct control {
    struct registry *registry;     // where
    struct registry_caller caller; // who
    struct bytes body;             // of the frame
    registry_done *done;           // tells
    void *ctx;                     // whom
};

static enum fp_error control_application_create(const struct control *c)
{
    struct link_application_create in = {0};
    enum fp_error error = link_get_application_create(c->body, &in);
    if (error == FP_OK) {
        struct application_request request = {
            in.name,     in.environment, in.networks,           in.redirect_uris,
            in.access_s, in.refresh_s,   in.pkce_optional != 0,
        };
        registry_application_create(c->registry, &c->caller, &request, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_application_update(const struct control *c)
{
    struct link_application_update in = {0};
    enum fp_error error = link_get_application_update(c->body, &in);
    if (error == FP_OK) {
        struct application_update update = {
            .application = in.application,
            .changes = in.changes,
            .request = {.redirect_uris = in.redirect_uris,
                        .access_s = in.access_s,
                        .refresh_s = in.refresh_s,
                        .pkce_optional = in.pkce_optional != 0},
        };
        registry_application_update(c->registry, &c->caller, &update, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_application_list(const struct control *c)
{
    struct link_application_list in = {0};
    enum fp_error error = link_get_application_list(c->body, &in);
    if (error == FP_OK) {
        registry_application_list(c->registry, &c->caller, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_application_delete(const struct control *c)
{
    struct link_application_delete in = {0};
    enum fp_error error = link_get_application_delete(c->body, &in);
    if (error == FP_OK) {
        registry_application_delete(c->registry, &c->caller, in.application, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_connection_add(const struct control *c)
{
    struct link_connection_add in = {0};
    struct registry_result none = {.error = FP_E_NOT_RUNNING, .application = "", .connection = ""};
    enum fp_error error = link_get_connection_add(c->body, &in);
    if (error == FP_OK) {
        c->done(c->ctx, &none);
    }
    return error;
}

static enum fp_error control_connection_list(const struct control *c)
{
    struct link_connection_list in = {0};
    enum fp_error error = link_get_connection_list(c->body, &in);
    if (error == FP_OK) {
        struct connection_list list = {in.application, in.after};
        registry_connection_list(c->registry, &c->caller, &list, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_connection_show(const struct control *c)
{
    struct link_connection_show in = {0};
    enum fp_error error = link_get_connection_show(c->body, &in);
    if (error == FP_OK) {
        registry_connection_show(c->registry, &c->caller, in.connection, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_connection_delete(const struct control *c)
{
    struct link_connection_delete in = {0};
    enum fp_error error = link_get_connection_delete(c->body, &in);
    if (error == FP_OK) {
        struct connection_end end = {.connection = in.connection,
                                     .reason = CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
        registry_connection_disconnect(c->registry, &c->caller, &end, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_token_issue(const struct control *c)
{
    struct link_token_issue in = {0};
    enum fp_error error = link_get_token_issue(c->body, &in);
    if (error == FP_OK) {
        struct token_request request = {.owner = in.owner,
                                        .scopes = in.scopes,
                                        .expires_in_s = in.expires_in_s,
                                        .binding = in.binding,
                                        .addresses = in.addresses};
        registry_token_issue(c->registry, &c->caller, &request, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_token_list(const struct control *c)
{
    struct link_token_list in = {0};
    enum fp_error error = link_get_token_list(c->body, &in);
    if (error == FP_OK) {
        registry_token_list(c->registry, &c->caller, in.owner, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_token_revoke(const struct control *c)
{
    struct link_token_revoke in = {0};
    enum fp_error error = link_get_token_revoke(c->body, &in);
    if (error == FP_OK) {
        registry_token_revoke(c->registry, &c->caller, in.token, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_token_rotate(const struct control *c)
{
    struct link_token_rotate in = {0};
    enum fp_error error = link_get_token_rotate(c->body, &in);
    if (error == FP_OK) {
        struct token_rotation rotation = {in.token, in.overlap_s};
        registry_token_rotate(c->registry, &c->caller, &rotation, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_key_status(const struct control *c)
{
    struct link_key_status in = {0};
    enum fp_error error = link_get_key_status(c->body, &in);
    if (error == FP_OK) {
        registry_key_status(c->registry, &c->caller, in.after, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_key_rotate(const struct control *c)
{
    struct link_key_rotate in = {0};
    enum fp_error error = link_get_key_rotate(c->body, &in);
    if (error == FP_OK) {
        registry_key_rotate(c->registry, &c->caller, in.customer, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_evidence_sign(const struct control *c)
{
    struct link_evidence_sign in = {0};
    enum fp_error error = link_get_evidence_sign(c->body, &in);
    if (error == FP_OK) {
        registry_evidence_sign(c->registry, &c->caller, in.digest, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_master_rotate(const struct control *c)
{
    struct link_master_rotate in = {0};
    enum fp_error error = link_get_master_rotate(c->body, &in);
    if (error == FP_OK) {
        registry_master_rotate(c->registry, &c->caller, in.key, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_key_rotation(const struct control *c)
{
    struct link_key_rotation in = {0};
    enum fp_error error = link_get_key_rotation(c->body, &in);
    if (error == FP_OK) {
        registry_key_rotation(c->registry, &c->caller, in.customer, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_connect_link_add(const struct control *c)
{
    struct link_connect_link_add in = {0};
    enum fp_error error = link_get_connect_link_add(c->body, &in);
    if (error == FP_OK) {
        struct connect_link_plan plan = {.kind = STORE_LINK_INVITED,
                                         .application = in.application,
                                         .name = in.name,
                                         .email = in.email,
                                         .platforms = in.platforms,
                                         .connection = in.connection,
                                         .return_url = in.return_url,
                                         .expires_in_s = in.expires_in_s};
        registry_connect_link_create(c->registry, &c->caller, &plan, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_customer_list(const struct control *c)
{
    struct link_customer_list in = {0};
    enum fp_error error = link_get_customer_list(c->body, &in);
    if (error == FP_OK) {
        struct customer_list list = {in.application, in.after};
        registry_customer_list(c->registry, &c->caller, &list, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_customer_show(const struct control *c)
{
    struct link_customer_show in = {0};
    enum fp_error error = link_get_customer_show(c->body, &in);
    if (error == FP_OK) {
        registry_customer_show(c->registry, &c->caller, in.customer, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_customer_erase(const struct control *c)
{
    struct link_customer_erase in = {0};
    enum fp_error error = link_get_customer_erase(c->body, &in);
    if (error == FP_OK) {
        registry_customer_erase(c->registry, &c->caller, in.customer, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_other(const struct control *c, const struct link_frame *frame)
{
    switch (frame->number) {
    case LINK_CUSTOMER_LIST:
        return control_customer_list(c);
    case LINK_CUSTOMER_SHOW:
        return control_customer_show(c);
    case LINK_CUSTOMER_ERASE:
        return control_customer_erase(c);
    default:
        return control_webhook(c->registry, &c->caller, frame, c->done, c->ctx);
    }
}

static enum fp_error control_operator_invite(const struct control *c)
{
    struct link_operator_invite in = {0};
    enum fp_error error = link_get_operator_invite(c->body, &in);
    if (error == FP_OK) {
        struct operator_invitation invitation = {in.email, in.role};
        registry_operator_invite(c->registry, &c->caller, &invitation, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_operator_list(const struct control *c)
{
    struct link_operator_list in = {0};
    enum fp_error error = link_get_operator_list(c->body, &in);
    if (error == FP_OK) {
        registry_operator_list(c->registry, &c->caller, c->done, c->ctx);
    }
    return error;
}

static enum fp_error control_operator_disable(const struct control *c)
{
    struct link_operator_disable in = {0};
    enum fp_error error = link_get_operator_disable(c->body, &in);
    if (error == FP_OK) {
        registry_operator_disable(c->registry, &c->caller, in.operator, c->done, c->ctx);
    }
    return error;
}

void registry_status(struct registry *registry, struct json_out *json)
{
    struct audit_health audit = audit_health(registry->parts.audit);
    struct store_state store = store_state(registry->parts.store);
    struct keyring_state keys = keyring_state(registry->parts.ring);
    json_name(json, "audit");
    json_begin_object(json);
    json_member_text_c(json, "state", fp_error_code(audit.state));
    json_member_i64(json, "os_error", audit.os_error);
    json_member_i64(json, "records", (int64_t)audit.records);
    json_member_i64(json, "refused", (int64_t)audit.refused);
    json_member_i64(json, "syncs", (int64_t)audit.syncs);
    json_member_i64(json, "last_seq", (int64_t)audit.last_seq);
    json_member_i64(json, "checkpoint_seq", (int64_t)audit.checkpoint_seq);
    json_member_time(json, "checkpoint_at", audit.checkpoint_ms);
    json_member_i64(json, "anchors", (int64_t)audit.anchors);
    json_member_i64(json, "anchors_lost", (int64_t)audit.anchors_lost);
    json_end_object(json);
    json_name(json, "store");
    json_begin_object(json);
    json_member_text_c(json, "backend", store_backend(registry->parts.store));
    json_member_text_c(json, "id", store_id(registry->parts.store));
    json_member_text_c(json, "state", fp_error_code(store.last));
    json_member_i64(json, "waiting", (int64_t)store.waiting);
    json_member_i64(json, "batches", (int64_t)store.batches);
    json_member_i64(json, "commits", (int64_t)store.commits);
    json_end_object(json);
    json_name(json, "keys");
    json_begin_object(json);
    json_member_i64(json, "cached", (int64_t)keys.cached);
    json_member_i64(json, "hits", (int64_t)keys.hits);
    json_member_i64(json, "misses", (int64_t)keys.misses);
    json_member_i64(json, "sealed", (int64_t)keys.sealed);
    json_member_i64(json, "opened", (int64_t)keys.opened);
    json_end_object(json);
}

static enum fp_error control_status(const struct control *c)
{
    struct link_status in = {0};
    struct registry_result result = {.application = "", .connection = ""};
    struct buf body;
    struct json_out json = json_out_start(&body);
    enum fp_error error = link_get_status(c->body, &in);
    if (error != FP_OK) {
        return error;
    }
    buf_init(&body, 65536);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_bool(&json, "running", false);
    json_member_text_c(&json, "version", FP_VERSION);
    registry_status(c->registry, &json);
    json_end_object(&json);
    json_end_object(&json);
    result.error = buf_error(&body);
    result.body = result.error == FP_OK ? buf_bytes(&body) : (struct bytes){0};
    c->done(c->ctx, &result);
    buf_done(&body);
    return FP_OK;
}

static const struct {
    enum link_number number;                          // of the question
    enum fp_error (*answer)(const struct control *c); // what answers it
} control_rows[] = {
    {LINK_APPLICATION_CREATE, control_application_create},
    {LINK_APPLICATION_UPDATE, control_application_update},
    {LINK_APPLICATION_LIST, control_application_list},
    {LINK_APPLICATION_DELETE, control_application_delete},
    {LINK_CONNECTION_ADD, control_connection_add},
    {LINK_CONNECTION_LIST, control_connection_list},
    {LINK_CONNECTION_SHOW, control_connection_show},
    {LINK_CONNECTION_DELETE, control_connection_delete},
    {LINK_TOKEN_ISSUE, control_token_issue},
    {LINK_TOKEN_LIST, control_token_list},
    {LINK_TOKEN_REVOKE, control_token_revoke},
    {LINK_TOKEN_ROTATE, control_token_rotate},
    {LINK_CONNECT_LINK_ADD, control_connect_link_add},
    {LINK_KEY_STATUS, control_key_status},
    {LINK_KEY_ROTATE, control_key_rotate},
    {LINK_KEY_ROTATION, control_key_rotation},
    {LINK_MASTER_ROTATE, control_master_rotate},
    {LINK_EVIDENCE_SIGN, control_evidence_sign},
    {LINK_STATUS, control_status},
    {LINK_OPERATOR_INVITE, control_operator_invite},
    {LINK_OPERATOR_LIST, control_operator_list},
    {LINK_OPERATOR_DISABLE, control_operator_disable},
};

enum fp_error registry_control(struct registry *registry, struct bytes actor,
                               const struct link_frame *frame, registry_done *done, void *ctx)
{
    struct control c = {.registry = registry,
                        .caller = {.actor = AUDIT_BY_COMMAND, .actor_id = actor},
                        .body = frame->body,
                        .done = done,
                        .ctx = ctx};
    for (size_t i = 0; i < sizeof control_rows / sizeof control_rows[0]; i++) {
        if (control_rows[i].number == frame->number) {
            return control_rows[i].answer(&c);
        }
    }
    return control_other(&c, frame);
}
