// One socket to a source on the loop: reads and writes in as few system calls as there are answers,
// hands what came to the call that waits for it. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "client/client_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <unistd.h>

#define SOCKET_WIRE  (4u << 20) // bytes that wait to be written, at most
#define SOCKET_KEEP  4096       // bytes of that buffer that stay with a socket
#define SOCKET_READS 8          // per event, so that a fast source does not starve others
#define SOCKET_PIECE 65536      // bytes of a large body that are encrypted at once

static void on_closed(uv_handle_t *handle)
{
    struct client_socket *socket = handle->data;
    socket->client->handles--;
    buf_done(&socket->wire);
    mem_free(socket);
}

void client__socket_close(struct client_socket *socket)
{
    if (socket->state == SOCKET_CLOSED) {
        return;
    }
    if (socket->ssl != NULL && socket->state == SOCKET_READY) {
        // tells the other end, where its buffer has room
        (void)SSL_shutdown(socket->ssl);
        client__socket_push(socket);
    }
    socket->state = SOCKET_CLOSED;
    socket->pool = NULL;
    socket->call = NULL;
    SSL_free(socket->ssl);
    socket->ssl = NULL;
    ERR_clear_error();
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    (void)close(socket->fd);
}

bool client__socket_alive(const struct client_socket *socket)
{
    uint8_t byte = 0;
    return recv(socket->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool client__socket_put(struct client_socket *socket, struct bytes data)
{
    size_t wrote = 0;
    if (socket->ssl == NULL) {
        buf_append_bytes(&socket->wire, data);
        return buf_error(&socket->wire) == FP_OK;
    }
    while (data.len != 0) {
        size_t len = data.len < CLIENT_RECORD ? data.len : CLIENT_RECORD;
        if (SSL_write_ex(socket->ssl, data.ptr, len, &wrote) != 1) {
            ERR_clear_error();
            return false;
        }
        data = bytes_slice(data, wrote, data.len);
    }
    return true;
}

// true: everything is written. A socket that is broken shows it when it is read.
static bool socket_flush(struct client_socket *socket)
{
    while (socket->wire.len != 0) {
        ssize_t sent = send(socket->fd, socket->wire.ptr, socket->wire.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return false;
        }
        buf_consume(&socket->wire, sent > 0 ? (size_t)sent : socket->wire.len);
    }
    if (socket->wire.room > SOCKET_KEEP) {
        buf_done(&socket->wire);
    }
    return true;
}

void client__socket_push(struct client_socket *socket)
{
    struct client_call *call = socket->call;
    bool flushed = socket_flush(socket);
    while (flushed && call != NULL && call->state == CALL_ASKING &&
           call->body_at < call->request->body.len) {
        struct bytes piece = bytes_slice(call->request->body, call->body_at, SOCKET_PIECE);
        if (!client__socket_put(socket, piece)) {
            client__call_fail(call, CLIENT_STOP_MEMORY);
            return;
        }
        call->body_at += piece.len;
        flushed = socket_flush(socket);
    }
    if (socket->state != SOCKET_CLOSED) {
        (void)client__socket_watch(socket, UV_READABLE | (flushed ? 0 : UV_WRITABLE));
    }
}

enum read_end {
    READ_MORE,   // nothing left for now
    READ_CLOSED, // the other end said that it is done
    READ_BROKEN  // TLS is out of step
};

// Feeds what was decrypted to the call; without one it is more than anybody asked for.
static enum client_incoming_state take(struct client_socket *socket, struct bytes data)
{
    struct client_call *call = socket->call;
    if (call == NULL || call->state != CALL_ASKING) {
        return INCOMING_WRONG;
    }
    call->window_bytes += data.len;
    return client_incoming_feed(&call->incoming, data);
}

static enum read_end decrypt(struct client_socket *socket, enum client_incoming_state *state)
{
    struct client *client = socket->client;
    enum read_end end = READ_MORE;
    size_t most = 0;
    while (*state != INCOMING_WRONG) {
        size_t got = 0;
        if (socket->in.len == 0 && SSL_has_pending(socket->ssl) == 0) {
            break; // asking OpenSSL would cost more
        }
        int result = SSL_read_ex(socket->ssl, client->plain, sizeof client->plain, &got);
        if (result == 1) {
            most = got > most ? got : most;
            *state = take(socket, bytes_of(client->plain, got));
            continue;
        }
        int error = SSL_get_error(socket->ssl, result);
        if (error == SSL_ERROR_ZERO_RETURN) {
            end = READ_CLOSED;
        } else if (error != SSL_ERROR_WANT_READ) {
            end = READ_BROKEN;
            if (socket->call != NULL) {
                client__tls_reason(socket->call);
            }
        }
        break;
    }
    mem_wipe(client->plain, most);
    ERR_clear_error();
    return end;
}

static enum client_stop stop_of(enum client_fault fault)
{
    switch (fault) {
    case CLIENT_FAULT_HEADERS:
        return CLIENT_STOP_HEADERS;
    case CLIENT_FAULT_BODY:
        return CLIENT_STOP_BODY;
    case CLIENT_FAULT_CODING:
        return CLIENT_STOP_CODING;
    case CLIENT_FAULT_MEMORY:
        return CLIENT_STOP_MEMORY;
    default:
        return CLIENT_STOP_HTTP;
    }
}

// What is to be done after bytes were taken. false: the socket is no longer the caller's to read.
static bool go_on(struct client_socket *socket, enum client_incoming_state state, enum read_end end)
{
    struct client_call *call = socket->call;
    if (call == NULL) { // idle: only tickets may come
        if (state == INCOMING_WRONG || end != READ_MORE) {
            client__pool_idle_remove(socket);
            client__socket_close(socket);
            return false;
        }
        return true;
    }
    if (state == INCOMING_DONE) {
        bool clean = end == READ_MORE && socket->wire.len == 0 &&
                     (socket->ssl == NULL || SSL_has_pending(socket->ssl) == 0);
        client__call_finish(call, CLIENT_STOP_NONE, clean && call->incoming.keep);
        return false;
    }
    if (state == INCOMING_WRONG) {
        client__call_finish(call, stop_of(call->incoming.fault), false);
        return false;
    }
    if (end != READ_MORE) {
        client__call_closed(call, end == READ_CLOSED);
        return false;
    }
    return true;
}

// Handshakes, and then sends the request.
static bool shake(struct client_socket *socket)
{
    struct client_call *call = socket->call;
    enum fp_error error = client__tls_handshake(socket);
    client__socket_push(socket);
    if (error == FP_E_AGAIN) {
        return true;
    }
    if (error != FP_OK) {
        client__call_finish(call, call->stop, false);
        return false;
    }
    client__call_ask(call, socket);
    return socket->state == SOCKET_READY && socket->call == call && call->state == CALL_ASKING;
}

// false: the socket is no longer the caller's to read.
static bool socket_take(struct client_socket *socket, struct bytes data)
{
    enum client_incoming_state state = INCOMING_MORE;
    enum read_end end = READ_MORE;
    if (socket->ssl == NULL) {
        state = take(socket, data);
        return go_on(socket, state, end);
    }
    socket->in = data;
    if (socket->state == SOCKET_HANDSHAKE && !shake(socket)) {
        socket->in = (struct bytes){0};
        return false;
    }
    if (socket->state != SOCKET_READY) {
        return true;
    }
    end = decrypt(socket, &state);
    socket->in = (struct bytes){0}; // OpenSSL has read ahead
    return go_on(socket, state, end);
}

static void socket_ended(struct client_socket *socket)
{
    struct client_call *call = socket->call;
    if (call == NULL) {
        client__pool_idle_remove(socket);
        client__socket_close(socket);
    } else if (socket->state == SOCKET_HANDSHAKE) {
        client__call_finish(call, CLIENT_STOP_TLS, false);
    } else {
        client__call_closed(call, socket->ssl == NULL);
    }
}

static void socket_read(struct client_socket *socket)
{
    struct client *client = socket->client;
    bool more = true;
    for (unsigned i = 0; more && i < SOCKET_READS; i++) {
        ssize_t got = recv(socket->fd, client->space, sizeof client->space, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            if (got < 0 && socket->call != NULL) {
                socket->call->os_error = errno;
            }
            socket_ended(socket);
            return;
        }
        bool plain = socket->ssl == NULL;
        more = socket_take(socket, bytes_of(client->space, (size_t)got)) &&
               (size_t)got == sizeof client->space;
        if (plain) {
            mem_wipe(client->space, (size_t)got);
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct client_socket *socket = poll->data;
    if (socket->state == SOCKET_CONNECTING) {
        client__open_result(socket);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && socket->state != SOCKET_CLOSED) {
        client__socket_push(socket);
    }
    if ((status < 0 || (events & UV_READABLE) != 0) && socket->state != SOCKET_CLOSED) {
        socket_read(socket);
    }
}

bool client__socket_watch(struct client_socket *socket, int events)
{
    if (socket->events == events) {
        return true;
    }
    socket->events = events;
    return uv_poll_start(&socket->poll, events, on_poll) == 0;
}

struct client_socket *client__socket_create(struct client_call *call, int fd)
{
    struct client *client = call->pool->client;
    struct client_socket *socket = mem_alloc(1, sizeof *socket);
    if (socket == NULL || uv_poll_init(client->loop, &socket->poll, fd) != 0) {
        mem_free(socket);
        (void)close(fd);
        return NULL;
    }
    socket->poll.data = socket;
    socket->client = client;
    socket->pool = call->pool;
    socket->call = call;
    socket->fd = fd;
    socket->state = SOCKET_CONNECTING;
    socket->opened_ns = clock_monotonic_ns();
    socket->origin.port = call->url.port;
    socket->origin.tls = call->url.tls;
    socket->origin.v6 = call->url.v6;
    (void)bytes_to_text(call->url.host, socket->origin.host, sizeof socket->origin.host);
    // without TLS the credential itself stands here
    buf_init_sensitive(&socket->wire, SOCKET_WIRE);
    client->handles++;
    return socket;
}
