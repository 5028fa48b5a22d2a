// Three small rooms for the tests of the supervisor. A client of the gateway says one line and
// hears one answer; "ping" goes through all three and comes back as "pong".
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_FAKE_ROOMS_H
#define FP_TEST_FAKE_ROOMS_H

#include "room/room.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct fake {
    struct room *room;    // the room
    uv_tcp_t listener;    // of the gateway
    uv_tcp_t client;      // the one client of the gateway
    bool has_client;      // client is in use
    bool closing;         // client is being closed
    bool reloaded;        // new files were handed over
    char line[64];        // what the client sent
    char certificate[64]; // the text of the certificate file
};

static struct fake fake;

static void fake_read_certificate(void)
{
    int fd = room_take_fd(fake.room, ROOM_HANDOVER_FILE, "tls.certificate");
    ssize_t got = fd < 0 ? 0 : read(fd, fake.certificate, sizeof fake.certificate - 1);
    fake.certificate[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static enum fp_error fake_open(struct room *room, void **state_out)
{
    fake.room = room;
    *state_out = &fake;
    return FP_OK;
}

static enum fp_error fake_refuse(struct room *room, void **state_out)
{
    int fd = room_take_fd(room, ROOM_HANDOVER_FILE, "master.key");
    char byte = 0;
    if (fd < 0 || read(fd, &byte, 1) != 1) {
        return FP_E_KEY_INVALID;
    }
    close(fd);
    return byte == 'b' ? FP_E_KEY_INVALID : fake_open(room, state_out);
}

static enum fp_error fake_start(void *state)
{
    (void)state;
    return FP_OK;
}

static void fake_on_closed(uv_handle_t *handle)
{
    (void)handle;
    fake.has_client = false;
    fake.closing = false;
}

static void fake_hang_up(void)
{
    if (fake.has_client && !fake.closing) {
        fake.closing = true;
        uv_close((uv_handle_t *)&fake.client, fake_on_closed);
    }
}

static void fake_answer(const char *text)
{
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    (void)uv_try_write((uv_stream_t *)&fake.client, &piece, 1);
    fake_hang_up();
}

// The words a client may say, each one line.
static void fake_obey(void)
{
    struct link_cancel cancel = {7};
    struct buf *out = room_out(fake.room, LINK_ROOM_VAULT);
    char text[128];
    if (strcmp(fake.line, "certificate\n") == 0) {
        snprintf(text, sizeof text, "%s%s", fake.certificate, fake.reloaded ? " again" : "");
        fake_answer(text);
    } else if (out == NULL || !room_link_is_up(fake.room, LINK_ROOM_EGRESS)) {
        fake_answer("down");
    } else if (strcmp(fake.line, "break\n") == 0) {
        buf_append_text(out, "this is no frame of ours");
        fake_answer("broken");
    } else if (strcmp(fake.line, "rooms\n") == 0) {
        struct bytes rooms = room_overview(fake.room);
        fake_answer(bytes_find(rooms, '{', &(size_t){0}) ? "known" : "unknown");
    } else if (link_put_cancel(out, &cancel) != FP_OK) {
        fake_answer("full");
    }
}

static void fake_on_space(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    (void)handle;
    (void)wanted;
    *buf = uv_buf_init(fake.line, sizeof fake.line - 1);
}

static void fake_on_line(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    (void)stream;
    (void)buf;
    if (got <= 0) {
        fake_hang_up();
        return;
    }
    fake.line[got] = '\0';
    fake_obey();
}

static void fake_on_client(uv_stream_t *listener, int status)
{
    if (status != 0 || fake.has_client || uv_tcp_init(room_loop(fake.room), &fake.client) != 0) {
        return;
    }
    fake.has_client = true;
    if (uv_accept(listener, (uv_stream_t *)&fake.client) == 0) {
        (void)uv_read_start((uv_stream_t *)&fake.client, fake_on_space, fake_on_line);
    }
}

static enum fp_error gateway_start(void *state)
{
    int fd = room_take_fd(fake.room, ROOM_HANDOVER_LISTENER, "plain.0");
    (void)state;
    fake_read_certificate();
    if (fd < 0 || uv_tcp_init(room_loop(fake.room), &fake.listener) != 0 ||
        uv_tcp_open(&fake.listener, fd) != 0 ||
        uv_listen((uv_stream_t *)&fake.listener, 16, fake_on_client) != 0) {
        return FP_E_IO_FAILED;
    }
    return FP_OK;
}

static void gateway_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    struct link_body body = {0};
    (void)state;
    if (from == LINK_ROOM_EGRESS && frame->number == LINK_BODY &&
        link_get_body(frame->body, &body) == FP_OK && body.call == 7) {
        fake_answer("pong");
    }
}

static void vault_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    struct link_cancel in = {0};
    struct buf *out = room_out(fake.room, LINK_ROOM_EGRESS);
    (void)state;
    if (from == LINK_ROOM_GATEWAY && out != NULL && link_get_cancel(frame->body, &in) == FP_OK) {
        struct link_stop stop = {in.call};
        enum fp_error error = link_put_stop(out, &stop);
        (void)error;
    }
}

static void egress_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    struct link_stop in = {0};
    struct buf *out = room_out(fake.room, LINK_ROOM_GATEWAY);
    (void)state;
    if (from == LINK_ROOM_VAULT && out != NULL && link_get_stop(frame->body, &in) == FP_OK) {
        struct link_body body = {in.call, 1, BYTES("x")};
        enum fp_error error = link_put_body(out, &body);
        (void)error;
    }
}

static void fake_link_up(void *state, enum link_room peer)
{
    (void)state;
    (void)peer;
}

static void fake_link_down(void *state, enum link_room peer)
{
    (void)state;
    (void)peer;
    if (room_config(fake.room) != NULL) {
        fake_hang_up(); // calls under way are lost
    }
}

static void gateway_reload(void *state)
{
    (void)state;
    fake_read_certificate();
    fake.reloaded = true;
}

static void fake_drain(void *state, unsigned within_ms)
{
    (void)state;
    (void)within_ms;
    // a client that is still there keeps the gateway from ending
    if (!fake.has_client) {
        room_finished(fake.room);
    }
}

static void fake_close(void *state)
{
    (void)state;
    fake_hang_up();
    if (fake.listener.data != NULL || uv_is_active((uv_handle_t *)&fake.listener)) {
        uv_close((uv_handle_t *)&fake.listener, NULL);
    }
}

static const struct room_ops fakes[] = {
    {LINK_ROOM_GATEWAY, SANDBOX_GATEWAY, fake_open, gateway_start, gateway_frame, fake_link_up,
     fake_link_down, gateway_reload, fake_drain, fake_close},
    {LINK_ROOM_VAULT, SANDBOX_VAULT, fake_refuse, fake_start, vault_frame, fake_link_up,
     fake_link_down, NULL, fake_drain, fake_close},
    {LINK_ROOM_EGRESS, SANDBOX_EGRESS, fake_open, fake_start, egress_frame, fake_link_up,
     fake_link_down, NULL, fake_drain, fake_close},
};
static const enum link_room names[] = {LINK_ROOM_GATEWAY, LINK_ROOM_VAULT, LINK_ROOM_EGRESS};

#endif
