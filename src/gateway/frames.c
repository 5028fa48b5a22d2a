// What the other rooms answer.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

static void exchange_learn(struct gateway_exchange *x, struct bytes application,
                           struct bytes connection, struct bytes platform)
{
    (void)bytes_to_text(application, x->application, sizeof x->application);
    (void)bytes_to_text(connection, x->connection, sizeof x->connection);
    (void)bytes_to_text(platform, x->platform, sizeof x->platform);
}

static enum fp_error frame_error(uint16_t number)
{
    return fp_error_known(number) ? (enum fp_error)number : FP_E_INTERNAL;
}

static void frame_answer(struct gateway *g, struct bytes body)
{
    struct link_answer in = {0};
    struct gateway_call *call = NULL;
    enum fp_error error = link_get_answer(body, &in);
    if (error != FP_OK) {
        room_fail(g->room, "link_rule_broken", error);
    }
    call = gateway__call_find(g, in.call);
    if (call == NULL || call->streaming) {
        return; // the client left, or the deadline passed
    }
    exchange_learn(&call->x, in.application, in.connection, (struct bytes){0});
    error = frame_error(in.error);
    call->x.replayed = in.replayed != 0;
    if (error == FP_OK && call->x.replayed) {
        gateway__answer_replay(g, &call->x, in.etag, in.body);
    } else if (error == FP_OK && call->x.page) {
        gateway__oauth_redirect(g, &call->x, in.body);
    } else if (error == FP_OK && call->x.html) {
        gateway__connect_page(g, &call->x, FP_OK);
    } else if (error == FP_OK) {
        gateway__answer_json(g, &call->x, 200, in.body);
    } else {
        struct gateway_problem problem = {
            .detail = in.detail, .errors = in.errors, .retry_after_s = in.retry_after_s};
        gateway__answer_error(g, &call->x, error, &problem);
    }
    gateway__call_release(g, call);
}

static void call_abandon(struct gateway *g, struct gateway_call *call)
{
    struct link_abandon abandon = {call->id};
    struct buf *out = room_out(g->room, LINK_ROOM_EGRESS);
    if (out != NULL) {
        (void)link_put_abandon(out, &abandon);
    }
    gateway__call_release(g, call);
}

// A piece of the body; the last one ends the call.
static void call_body(struct gateway *g, struct gateway_call *call, struct bytes piece, bool last)
{
    uint64_t id = call->id;
    call->x.bytes += piece.len;
    if (http_answer_body(g->server, call->x.handle, piece) != FP_OK) {
        // the client is gone; where the server said so itself the call is over already
        if (gateway__call_find(g, id) != NULL) {
            call->x.error = FP_E_CANCELLED;
            gateway__finish(g, &call->x);
            call_abandon(g, call);
        }
        return;
    }
    if (last) {
        http_answer_end(g->server, call->x.handle);
        gateway__finish(g, &call->x);
        gateway__call_release(g, call);
    }
}

// The client left while the answer was on its way: the rest of it need not come.
static void frame_unwanted(struct gateway *g, uint64_t id)
{
    struct link_abandon abandon = {id};
    struct buf *out = room_out(g->room, LINK_ROOM_EGRESS);
    if (out != NULL) {
        (void)link_put_abandon(out, &abandon);
    }
}

static void frame_response(struct gateway *g, struct bytes body)
{
    struct link_response in = {0};
    struct gateway_call *call = NULL;
    struct gateway_source_answer answer = {0};
    enum fp_error error = link_get_response(body, &in);
    if (error != FP_OK) {
        room_fail(g->room, "link_rule_broken", error);
    }
    call = gateway__call_find(g, in.call);
    if (call == NULL && in.last == 0) {
        frame_unwanted(g, in.call);
    }
    if (call == NULL || call->streaming) {
        return;
    }
    exchange_learn(&call->x, in.application, in.connection, in.platform);
    call->x.source_ms = in.source_ms;
    call->x.source_calls = in.source_calls;
    error = frame_error(in.error);
    if (error != FP_OK) {
        struct gateway_problem problem = {
            .detail = in.detail, .errors = in.errors, .retry_after_s = in.retry_after_s};
        gateway__answer_error(g, &call->x, error, &problem);
        gateway__call_release(g, call);
        return;
    }
    call->streaming = true;
    gateway__call_touch(g, call);
    answer = (struct gateway_source_answer){.length = in.last != 0 ? (int64_t)in.body.len : -1,
                                            .etag = in.etag,
                                            .unchanged = in.unchanged != 0};
    if (gateway__answer_begin(g, &call->x, &answer) != FP_OK) {
        call_abandon(g, call);
        return;
    }
    call_body(g, call, in.body, in.last != 0);
}

static void frame_body(struct gateway *g, struct bytes body)
{
    struct link_body in = {0};
    struct gateway_call *call = NULL;
    enum fp_error error = link_get_body(body, &in);
    if (error != FP_OK) {
        room_fail(g->room, "link_rule_broken", error);
    }
    call = gateway__call_find(g, in.call);
    if (call != NULL && call->streaming) {
        gateway__call_touch(g, call);
        call_body(g, call, in.body, in.last != 0);
    }
}

static void frame_state(struct gateway *g, struct bytes body)
{
    struct link_state in = {0};
    enum fp_error error = link_get_state(body, &in);
    if (error != FP_OK) {
        room_fail(g->room, "link_rule_broken", error);
    }
    g->sealed = in.sealed != 0;
    g->store_away = in.store_away != 0;
}

void gateway__on_frame(struct gateway *g, enum link_room from, const struct link_frame *frame)
{
    (void)from; // link.def says who may send what
    arena_reset(g->arena);
    switch (frame->number) {
    case LINK_ANSWER:
        frame_answer(g, frame->body);
        break;
    case LINK_RESPONSE:
        frame_response(g, frame->body);
        break;
    case LINK_BODY:
        frame_body(g, frame->body);
        break;
    case LINK_STATE:
        frame_state(g, frame->body);
        break;
    default:
        room_fail(g->room, "link_rule_broken", FP_E_MESSAGE_INVALID);
    }
}
