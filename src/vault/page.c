// Connect links and pages: an application makes a link, a browser asks what it is for, and sends
// what its customer typed, sealed for us.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/model.h"
#include "registry/connect_page.h"

static void page_refuse(struct vault *v, uint64_t number, enum fp_error error,
                        const char *application)
{
    struct answer answer = {.error = error, .application = application, .connection = ""};
    answer_gateway(v, number, &answer);
}

// The link that a browser shows, or the refusal is answered.
static bool page_find(struct vault *v, uint64_t number, struct bytes token,
                      struct store_connect_link *out)
{
    enum fp_error error = FP_OK;
    if ((number & VAULT_OWN_CALL) != 0 || call_find(v, number) != NULL) {
        vault_broken_rule(v, "call number");
    }
    error = v->draining ? FP_E_SERVICE_UNAVAILABLE
                        : connect_link_find(v->in.registry, token, clock_wall_ms(), out);
    if (error != FP_OK) {
        page_refuse(v, number, error, out->application);
    }
    return error == FP_OK;
}

// Egress has the definitions: it answers the gateway.
static void page_platforms(struct vault *v, const struct link_connect_open *in,
                           const struct store_connect_link *link)
{
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_execute out = {.call = in->call,
                               .request_id = in->request_id,
                               .application = bytes_of_text(link->application),
                               .operation = MODEL_OP_SYSTEM_PLATFORMS,
                               .query = in->query,
                               .deadline_ms = FP_LIMIT_CALL_DEADLINE};
    if (egress == NULL || link_put_execute(egress, &out) != FP_OK) {
        page_refuse(v, in->call, FP_E_LINK_CLOSED, link->application);
    }
}

void vault_on_connect_open(struct vault *v, const struct link_frame *frame)
{
    struct link_connect_open in = {0};
    struct store_connect_link link = {0};
    struct answer answer = {.application = link.application, .connection = ""};
    if (link_get_connect_open(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONNECT_OPEN");
    }
    if (!page_find(v, in.call, in.link, &link)) {
        return;
    }
    if (in.platforms != 0) {
        page_platforms(v, &in, &link);
        return;
    }
    answer.error = registry_connect_link_describe(v->in.registry, &link, &v->body);
    if (answer.error == FP_OK) {
        answer.body = buf_bytes(&v->body);
    }
    answer_gateway(v, in.call, &answer);
}

// Holds the frame, the link's row and what was sealed.
static enum fp_error page_hold(struct call *call, const struct link_frame *frame,
                               const struct store_connect_link *link)
{
    struct vault *v = call->vault;
    struct link_connect_send in = {0};
    struct connect_sealed sealed = {0};
    enum fp_error error = FP_OK;
    if (link_get_connect_send(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONNECT_SEND");
    }
    error = registry_connect_link_allows(v->in.registry, link, in.platform);
    if (error == FP_OK && !call_hold(call, frame, NULL)) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    call->held->link = mem_alloc(1, sizeof *link);
    if (call->held->link == NULL) {
        return FP_E_NO_MEMORY;
    }
    *call->held->link = *link;
    sealed = (struct connect_sealed){in.platform, in.enc, in.sealed};
    return registry_connect_link_open(v->in.registry, link, &sealed, &call->held->opened);
}

void vault_on_connect_send(struct vault *v, const struct link_frame *frame)
{
    struct link_connect_send in = {0};
    struct store_connect_link link = {0};
    struct call *call = NULL;
    enum fp_error error = FP_OK;
    if (link_get_connect_send(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONNECT_SEND");
    }
    if (!page_find(v, in.call, in.link, &link)) {
        return;
    }
    call = call_open(v, in.call, FP_LIMIT_CALL_DEADLINE);
    if (call == NULL) {
        page_refuse(v, in.call, FP_E_SERVICE_UNAVAILABLE, link.application);
        return;
    }
    call_set_texts(call, in.request_id, link.application, link.connection);
    error = page_hold(call, frame, &link);
    if (error == FP_OK) {
        connect_start(call);
    } else {
        if (error == FP_E_PLATFORM_UNKNOWN) {
            buf_printf(&v->errors, "[{\"field\":\"platform\",\"code\":\"%s\",\"message\":\"%s\"}]",
                       fp_error_code(error), fp_error_row(error)->message);
        }
        connect_refuse(call, error);
    }
}

void vault_on_connect_link_create(struct vault *v, const struct link_frame *frame)
{
    struct link_connect_link_create in = {0};
    struct registry_identity identity;
    struct registry_caller caller = {0};
    struct connect_link_plan plan = {0};
    struct call *call = NULL;
    if (link_get_connect_link_create(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONNECT_LINK_CREATE");
    }
    if (!vault_admit(v,
                     &(struct asked){in.call, in.token, TOKEN_KIND_APPLICATION, in.request_id,
                                     in.address, in.fault, in.fault_detail, in.possession},
                     &identity)) {
        return;
    }
    call = call_open(v, in.call, FP_LIMIT_CALL_DEADLINE);
    if (call == NULL) {
        page_refuse(v, in.call, FP_E_SERVICE_UNAVAILABLE, identity.token.application);
        return;
    }
    call->stage = CALL_IN_REGISTRY;
    call_set_texts(call, in.request_id, identity.token.application, "");
    caller = registry_caller_of(&identity, in.request_id, in.address);
    plan = (struct connect_link_plan){.kind = STORE_LINK_INVITED,
                                      .application = bytes_of_text(identity.token.owner),
                                      .name = in.name,
                                      .email = in.email,
                                      .platforms = in.platforms,
                                      .connection = in.connection,
                                      .return_url = in.return_url,
                                      .expires_in_s = in.expires_in_s};
    call->pending++;
    registry_connect_link_create(v->in.registry, &caller, &plan, answer_registry, call);
}
