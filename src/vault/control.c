// The control socket: command lines of the machine's owner. Who is at the other end is known from
// the kernel; only root and the user that runs this room or owns the data are let in.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void control_on_closed(uv_handle_t *handle)
{
    struct control_peer *peer = handle->data;
    struct vault *v = peer->vault;
    link_free(peer->link);
    mem_free(peer);
    vault_handle_gone(v);
}

static void control_drop(struct control_peer *peer)
{
    struct vault *v = peer->vault;
    struct control_peer **link = &v->peers;
    if (peer->closing) {
        return;
    }
    peer->closing = true;
    while (*link != peer) {
        link = &(*link)->next;
    }
    *link = peer->next;
    v->peer_count--;
    (void)uv_poll_stop(&peer->poll);
    uv_close((uv_handle_t *)&peer->poll, control_on_closed);
    calls_peer_lost(v, peer);
}

static void control_on_event(uv_poll_t *poll, int status, int events);

static void control_wait(struct control_peer *peer)
{
    int events = UV_READABLE | (link_wants_write(peer->link) ? UV_WRITABLE : 0);
    if (!peer->closing && uv_poll_start(&peer->poll, events, control_on_event) != 0) {
        control_drop(peer);
    }
}

void control_reply(struct control_peer *peer, uint64_t peer_call, const struct answer *answer)
{
    struct link_control_answer out = {.call = peer_call,
                                      .error = (uint16_t)answer->error,
                                      .detail = answer->detail,
                                      .errors = answer->errors,
                                      .body = answer->body};
    if (link_put_control_answer(link_out(peer->link), &out) != FP_OK) {
        log_event(LOG_WARNING, "control_answer_lost", "The command line does not read.");
    }
    // written from the loop, so that nothing ends under the hands of whoever answers
    control_wait(peer);
}

void control_answer(struct call *call, const struct answer *answer)
{
    control_reply(call->peer, call->peer_call, answer);
}

struct call *control_open_call(struct control_peer *peer, uint64_t peer_call)
{
    struct vault *v = peer->vault;
    struct answer busy = {.error = FP_E_SERVICE_UNAVAILABLE, .application = "", .connection = ""};
    struct call *call =
        v->draining ? NULL : call_open(v, call_own_number(v), FP_LIMIT_CALL_DEADLINE);
    if (call == NULL) {
        control_reply(peer, peer_call, &busy);
        return NULL;
    }
    call->peer = peer;
    call->peer_call = peer_call;
    call->stage = CALL_IN_REGISTRY;
    return call;
}

static void control_status(struct control_peer *peer, uint64_t peer_call)
{
    struct vault *v = peer->vault;
    struct json_out json = json_out_start(&v->body);
    struct answer answer = {.application = "", .connection = ""};
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_bool(&json, "running", true);
    json_member_text_c(&json, "version", FP_VERSION);
    json_member_bool(&json, "sealed", v->seal.closed);
    json_member_text_c(&json, "key_source", room_config(v->room)->key_source);
    if (!v->seal.closed) {
        registry_status(v->in.registry, &json);
    }
    json_name(&json, "calls");
    json_begin_object(&json);
    json_member_i64(&json, "in_flight", (int64_t)v->calls);
    json_member_i64(&json, "verifying", (int64_t)v->verifying);
    json_end_object(&json);
    json_name(&json, "links");
    json_begin_object(&json);
    json_member_bool(&json, "gateway", room_link_is_up(v->room, LINK_ROOM_GATEWAY));
    json_member_bool(&json, "egress", room_link_is_up(v->room, LINK_ROOM_EGRESS));
    json_end_object(&json);
    json_name(&json, "rooms");
    json_raw(&json, room_overview(v->room));
    json_end_object(&json);
    json_end_object(&json);
    answer.error = buf_error(&v->body);
    answer.body = answer.error == FP_OK ? buf_bytes(&v->body) : (struct bytes){0};
    control_reply(peer, peer_call, &answer);
}

static enum fp_error control_ask(struct control_peer *peer, const struct link_frame *frame)
{
    struct vault *v = peer->vault;
    uint64_t peer_call = 0;
    char actor[32];
    struct call *call = NULL;
    enum fp_error error = FP_OK;
    if (frame->number == LINK_UNSEAL || frame->number == LINK_SEAL) {
        return seal_on_control(peer, frame);
    }
    error = registry_control_call(frame, &peer_call);
    if (error == FP_OK && frame->number == LINK_STATUS) {
        control_status(peer, peer_call);
        return FP_OK;
    }
    if (error == FP_OK && v->seal.closed) {
        control_reply(peer, peer_call,
                      &(struct answer){.error = FP_E_SEALED, .application = "", .connection = ""});
        return FP_OK;
    }
    if (error != FP_OK || frame->number == LINK_CONNECTION_ADD) {
        return error != FP_OK ? error : vault_on_connection_add(peer, frame);
    }
    call = control_open_call(peer, peer_call);
    if (call == NULL) {
        return FP_OK;
    }
    snprintf(actor, sizeof actor, "uid:%u", peer->uid);
    call->pending++;
    error = registry_control(v->in.registry, bytes_of_text(actor), frame, answer_registry, call);
    if (error != FP_OK) {
        call->pending--;
        call_abandon(call);
    }
    return error;
}

static void control_on_frame(void *ctx, const struct link_frame *frame)
{
    struct control_peer *peer = ctx;
    struct vault *v = peer->vault;
    if (peer->closing) {
        return;
    }
    peer->used_ns = clock_monotonic_ns();
    arena_reset(v->arena);
    buf_clear(&v->body);
    buf_clear(&v->detail);
    buf_clear(&v->errors);
    if (control_ask(peer, frame) != FP_OK) {
        log_event(LOG_WARNING, "control_broken_rule", link_rule(frame->number)->name);
        control_drop(peer);
    }
    buf_clear(&v->body);
}

static void control_on_event(uv_poll_t *poll, int status, int events)
{
    struct control_peer *peer = poll->data;
    enum fp_error error = status == 0 ? FP_OK : FP_E_LINK_CLOSED;
    while (error == FP_OK && (events & UV_READABLE) != 0 && !peer->closing) {
        error = link_read(peer->link, control_on_frame, peer);
    }
    if (error == FP_OK || error == FP_E_AGAIN) {
        error = peer->closing ? FP_OK : link_flush(peer->link);
    }
    if (error != FP_OK && error != FP_E_AGAIN) {
        control_drop(peer);
    } else {
        control_wait(peer);
    }
}

// Takes over fd. Whoever may not come in, or one too many, is let go without a word.
static void control_admit(struct vault *v, int fd)
{
    struct ucred who = {0};
    socklen_t size = sizeof who;
    struct control_peer *peer = NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
        (who.uid != 0 && who.uid != geteuid() && who.uid != v->owner_uid) ||
        v->peer_count >= FP_LIMIT_CONTROL_PEERS) {
        struct log_line line;
        log_begin(&line, LOG_WARNING, "control_refused");
        log_i64(&line, "uid", (int64_t)who.uid);
        log_end(&line);
        close(fd);
        return;
    }
    peer = mem_alloc(1, sizeof *peer);
    if (peer == NULL) {
        close(fd);
        return;
    }
    peer->vault = v;
    peer->uid = who.uid;
    peer->used_ns = clock_monotonic_ns();
    peer->poll.data = peer;
    peer->link = link_create(fd, LINK_ROOM_VAULT, LINK_ROOM_CONTROL);
    if (peer->link == NULL || uv_poll_init(room_loop(v->room), &peer->poll, fd) != 0) {
        link_free(peer->link);
        mem_free(peer);
        return;
    }
    v->handles++;
    peer->next = v->peers;
    v->peers = peer;
    v->peer_count++;
    control_wait(peer);
}

static void control_on_accept(uv_poll_t *poll, int status, int events)
{
    struct vault *v = poll->data;
    (void)events;
    for (unsigned i = 0; status == 0 && i < FP_LIMIT_CONTROL_PEERS; i++) {
        int fd = accept4(v->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        control_admit(v, fd);
    }
}

void control_listen(struct vault *v)
{
    if (v->control_fd < 0) {
        return;
    }
    v->control_poll.data = v;
    if (uv_poll_init(room_loop(v->room), &v->control_poll, v->control_fd) != 0) {
        room_fail(v->room, "control_listener", FP_E_IO_FAILED);
    }
    v->handles++;
    if (uv_poll_start(&v->control_poll, UV_READABLE, control_on_accept) != 0) {
        room_fail(v->room, "control_listener", FP_E_IO_FAILED);
    }
}

void control_tick(struct vault *v, uint64_t now_ns)
{
    struct control_peer *next = NULL;
    for (struct control_peer *peer = v->peers; peer != NULL; peer = next) {
        next = peer->next;
        if (now_ns - peer->used_ns > (uint64_t)FP_LIMIT_CONTROL_IDLE * 1000000) {
            control_drop(peer);
        }
    }
}

void control_close_all(struct vault *v)
{
    while (v->peers != NULL) {
        control_drop(v->peers);
    }
}
