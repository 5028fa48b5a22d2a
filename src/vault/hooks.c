// Webhooks on their way: which are due, one attempt each through egress, and what came of it. All
// state lies in the store; what is in flight here is sent again after a crash.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "registry/deliver.h"
#include "registry/webhooks.h"

#include <string.h>

#define HOOKS_GRACE_MS 5000 // egress keeps the time itself

static void hooks_log(const struct call *call, const struct delivery_news *news)
{
    struct log_line line;
    bool good = news->error == FP_OK && news->status >= 200 && news->status <= 299;
    log_begin(&line, good ? LOG_INFO : LOG_WARNING, "webhook_attempt");
    log_text_c(&line, "delivery", call->request_id);
    log_text_c(&line, "webhook", call->webhook);
    log_text_c(&line, "code", fp_error_code(news->error));
    log_i64(&line, "status", news->status);
    log_i64(&line, "ms", news->ms);
    log_end(&line);
}

static void hooks_written(void *ctx, const struct registry_result *result)
{
    struct call *call = ctx;
    if (result->error != FP_OK && result->error != FP_E_DELIVERY_NOT_FOUND &&
        result->error != FP_E_WEBHOOK_NOT_FOUND) {
        struct log_line line;
        log_begin(&line, LOG_WARNING, "webhook_not_noted"); // it is sent again
        log_text_c(&line, "delivery", call->request_id);
        log_text_c(&line, "code", fp_error_code(result->error));
        log_end(&line);
    }
    if (call->listed) {
        call_abandon(call);
    }
    call_returned(call);
}

// Writes down what came of an attempt. The call stays in the table until that is on disk, so that
// the delivery is not found due meanwhile.
static void hooks_over(struct call *call, const struct delivery_news *news)
{
    hooks_log(call, news);
    call->stage = CALL_NOTING;
    call->pending++;
    registry_delivery_attempted(call->vault->in.registry, news, hooks_written, call);
}

void hooks_lost(struct call *call, enum fp_error error)
{
    struct delivery_news news = {.id = bytes_of_text(call->request_id),
                                 .error = error,
                                 .reason = BYTES("The attempt was cut off.")};
    hooks_over(call, &news);
}

static bool hooks_in_flight(const struct vault *v, const struct delivery_due *due)
{
    unsigned same = 0;
    for (size_t i = 0; i < FP_LIMIT_WEBHOOKS_IN_FLIGHT; i++) {
        const struct call *call = v->hooks[i];
        if (call != NULL && strcmp(call->request_id, due->id) == 0) {
            return true;
        }
        same += call != NULL && strcmp(call->webhook, due->webhook) == 0 ? 1 : 0;
    }
    return same >= FP_LIMIT_WEBHOOKS_IN_FLIGHT_EACH;
}

void hooks_forget(struct call *call)
{
    for (size_t i = 0; i < FP_LIMIT_WEBHOOKS_IN_FLIGHT; i++) {
        if (call->vault->hooks[i] == call) {
            call->vault->hooks[i] = NULL;
        }
    }
}

static struct call **hooks_slot(struct vault *v)
{
    for (size_t i = 0; i < FP_LIMIT_WEBHOOKS_IN_FLIGHT; i++) {
        if (v->hooks[i] == NULL) {
            return &v->hooks[i];
        }
    }
    return NULL;
}

static enum fp_error hooks_send(struct call *call)
{
    struct vault *v = call->vault;
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct delivery_request request = {0};
    struct link_notify out = {.call = call->number};
    enum fp_error error = registry_delivery_prepare(v->in.registry, call->request_id,
                                                    clock_wall_ms(), v->arena, &request);
    if (error != FP_OK) {
        return error;
    }
    out.id = request.id;
    out.url = request.url;
    out.timestamp_s = (uint64_t)request.timestamp_s;
    out.signature = bytes_of_text(request.signature);
    out.networks = request.networks;
    out.body = request.body;
    return egress != NULL ? link_put_notify(egress, &out) : FP_E_LINK_CLOSED;
}

static void hooks_start(struct vault *v, struct call **slot, const struct delivery_due *due)
{
    struct call *call = call_open(v, call_own_number(v), FP_LIMIT_WEBHOOK_TIMEOUT + HOOKS_GRACE_MS);
    enum fp_error error = FP_OK;
    if (call == NULL) {
        return;
    }
    *slot = call;
    call->stage = CALL_NOTIFYING;
    memcpy(call->request_id, due->id, sizeof due->id);
    memcpy(call->webhook, due->webhook, sizeof call->webhook);
    arena_reset(v->arena);
    error = hooks_send(call);
    if (error == FP_E_STATE_CONFLICT || error == FP_E_UNSEAL_FAILED) {
        struct delivery_news news = {.id = bytes_of_text(call->request_id),
                                     .error = error,
                                     .final = true,
                                     .reason = error == FP_E_STATE_CONFLICT
                                                   ? BYTES("The endpoint is disabled.")
                                                   : BYTES("The row was not written by us.")};
        hooks_over(call, &news);
    } else if (error != FP_OK) {
        call_abandon(call); // nothing was sent: it is due again in the next round
    }
}

void hooks_tick(struct vault *v)
{
    struct delivery_due due[FP_LIMIT_WEBHOOKS_IN_FLIGHT];
    size_t count = 0;
    if (v->draining || !room_link_is_up(v->room, LINK_ROOM_EGRESS)) {
        return;
    }
    count =
        registry_deliveries_due(v->in.registry, clock_wall_ms(), sizeof due / sizeof due[0], due);
    for (size_t i = 0; i < count; i++) {
        struct call **slot = hooks_slot(v);
        if (slot == NULL) {
            return;
        }
        if (!hooks_in_flight(v, &due[i])) {
            hooks_start(v, slot, &due[i]);
        }
    }
}

void hooks_drain(struct vault *v)
{
    for (size_t i = 0; i < FP_LIMIT_WEBHOOKS_IN_FLIGHT; i++) {
        struct call *call = v->hooks[i];
        if (call != NULL && call->stage == CALL_NOTIFYING) {
            call_stop(call);
            call_abandon(call); // sent again after the next start
        }
    }
}

void vault_on_notified(struct vault *v, const struct link_frame *frame)
{
    struct link_notified in = {0};
    struct delivery_news news = {0};
    struct call *call = NULL;
    if (link_get_notified(frame->body, &in) != FP_OK || !fp_error_known(in.error)) {
        vault_broken_rule(v, "NOTIFIED");
    }
    call = call_find(v, in.call);
    if (call == NULL || call->stage != CALL_NOTIFYING) {
        return; // out of time, or of a life before this one
    }
    news = (struct delivery_news){.id = bytes_of_text(call->request_id),
                                  .error = (enum fp_error)in.error,
                                  .status = in.status,
                                  .retry_after_s = in.retry_after_s,
                                  .ms = in.ms,
                                  .reason = in.reason};
    hooks_over(call, &news);
}

void vault_on_webhook_create(struct vault *v, const struct link_frame *frame)
{
    struct link_webhook_create in = {0};
    struct registry_identity identity;
    struct registry_caller caller = {0};
    struct webhook_plan plan = {0};
    struct call *call = NULL;
    if (link_get_webhook_create(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "WEBHOOK_CREATE");
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
        plan = (struct webhook_plan){bytes_of_text(identity.token.owner), in.url, in.events};
        call->pending++;
        registry_webhook_create(v->in.registry, &caller, &plan, answer_registry, call);
    }
}
