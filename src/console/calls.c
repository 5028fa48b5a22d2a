// Questions under way to the vault: slots with generations and a deadline.
// SPDX-License-Identifier: Apache-2.0
#include "console/console_int.h"

#define CALLS_SLOT_BITS 16
#define CALLS_DEADLINE  65000 // ms; the vault's own is shorter
#define CALLS_RETRY     2     // seconds

static struct console_call *calls_find(struct console *c, uint64_t id)
{
    uint64_t slot = (id & ((1u << CALLS_SLOT_BITS) - 1)) - 1;
    return slot < FP_LIMIT_CONSOLE_CALLS && c->calls[slot].id == id ? &c->calls[slot] : NULL;
}

static struct console_call *calls_take(struct console *c, const struct console_exchange *x)
{
    for (uint64_t i = 0; i < FP_LIMIT_CONSOLE_CALLS; i++) {
        struct console_call *call = &c->calls[i];
        if (call->id == 0) {
            call->generation++;
            call->id = call->generation << CALLS_SLOT_BITS | (i + 1);
            call->x = *x;
            call->deadline = uv_now(room_loop(c->room)) + CALLS_DEADLINE;
            c->in_flight++;
            http_answer_attach(c->server, x->handle, call->id);
            return call;
        }
    }
    return NULL;
}

static void calls_release(struct console *c, struct console_call *call)
{
    call->id = 0;
    c->in_flight--;
}

static void calls_fail(struct console *c, struct console_call *call, enum fp_error error)
{
    struct console_exchange x = call->x;
    struct console_problem problem = {.retry_after_s = CALLS_RETRY};
    calls_release(c, call);
    console__answer_error(c, &x, error, &problem);
}

void console__send(struct console *c, const struct console_exchange *x,
                   const struct console_sent *sent)
{
    struct buf *vault = room_out(c->room, LINK_ROOM_VAULT);
    struct console_call *call = vault != NULL ? calls_take(c, x) : NULL;
    struct link_console_call message = {.request_id = bytes_of_text(x->request_id),
                                        .address = bytes_of_text(x->peer),
                                        .action = (uint16_t)sent->action,
                                        .session = sent->session,
                                        .key = sent->key,
                                        .reason = sent->reason,
                                        .form = sent->form};
    if (call == NULL) {
        struct console_exchange copy = *x;
        struct console_problem problem = {.retry_after_s = CALLS_RETRY};
        console__answer_error(c, &copy, FP_E_SERVICE_UNAVAILABLE, &problem);
        return;
    }
    message.call = call->id;
    if (link_put_console_call(vault, &message) != FP_OK) {
        calls_fail(c, call, FP_E_SERVICE_UNAVAILABLE);
    }
}

void console__on_frame(struct console *c, const struct link_frame *frame)
{
    struct link_console_answer in = {0};
    struct console_call *call = NULL;
    struct console_exchange x;
    enum fp_error error = FP_OK;
    if (frame->number != LINK_CONSOLE_ANSWER ||
        link_get_console_answer(frame->body, &in) != FP_OK || in.cookie > CONSOLE_COOKIE_DROP) {
        room_fail(c->room, "link_rule_broken", FP_E_MESSAGE_INVALID);
    }
    call = calls_find(c, in.call);
    if (call == NULL) {
        return; // the browser went away
    }
    x = call->x;
    calls_release(c, call);
    error = fp_error_known(in.error) ? (enum fp_error)in.error : FP_E_INTERNAL;
    if (error == FP_OK) {
        console__answer_json(c, &x, in.body, (enum console_cookie)in.cookie, in.session);
    } else {
        struct console_problem problem = {
            .detail = in.detail, .errors = in.errors, .retry_after_s = in.retry_after_s};
        console__answer_error(c, &x, error, &problem);
    }
}

void console__on_gone(void *ctx, uint64_t user)
{
    struct console *c = ctx;
    struct console_call *call = calls_find(c, user);
    if (call != NULL) {
        calls_release(c, call); // what was asked for is done and recorded all the same
    }
}

void console__lost(struct console *c)
{
    for (size_t i = 0; i < FP_LIMIT_CONSOLE_CALLS; i++) {
        if (c->calls[i].id != 0) {
            calls_fail(c, &c->calls[i], FP_E_SERVICE_UNAVAILABLE);
        }
    }
}

void console__tick(struct console *c)
{
    uint64_t now = uv_now(room_loop(c->room));
    for (size_t i = 0; c->in_flight != 0 && i < FP_LIMIT_CONSOLE_CALLS; i++) {
        if (c->calls[i].id != 0 && c->calls[i].deadline <= now) {
            calls_fail(c, &c->calls[i], FP_E_TIMEOUT);
        }
    }
}
