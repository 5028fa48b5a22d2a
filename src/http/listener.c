// Accepting connections, within the limits.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER_BATCH 32 // connections accepted in one go

// What a connection over a limit gets: the reason, where that costs no handshake.
static void listener_turn_away(struct http_listener *listener, int fd, const struct http_peer *peer)
{
    struct http_server *server = listener->server;
    struct http_connection *c = NULL;
    server->statistics.turned_away++;
    if (!listener->encrypted && server->turned_away < FP_LIMIT_HTTP_TURNED_AWAY) {
        c = http__connection_create(server, fd, listener, peer, true);
    }
    if (c == NULL) {
        close(fd);
        return;
    }
    http__input_refuse(c, FP_E_TOO_MANY_CONNECTIONS);
}

static void listener_admit(struct http_listener *listener, int fd,
                           const struct sockaddr_storage *address)
{
    struct http_server *server = listener->server;
    struct http_peer peer = {0};
    int on = 1;
    http_peer_set(&peer, address);
    server->statistics.accepted++;
    if (server->connection_count - server->turned_away >= server->options.connections ||
        http_peers_add(server->peers, &peer, server->options.connections_per_address) != FP_OK) {
        listener_turn_away(listener, fd, &peer);
        return;
    }
    if (peer.counted) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if ((listener->encrypted && server->tls == NULL) ||
        http__connection_create(server, fd, listener, &peer, false) == NULL) {
        http_peers_remove(server->peers, &peer);
        close(fd);
    }
}

static void listener_ready(uv_poll_t *poll, int status, int events)
{
    struct http_listener *listener = poll->data;
    (void)status;
    (void)events;
    for (unsigned i = 0; i < LISTENER_BATCH; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener_admit(listener, fd, &address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // asking again at once would only burn time: the sweep starts it again
            listener->stopped = true;
            (void)uv_poll_stop(&listener->poll);
            http__server_wake(listener->server);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

enum fp_error http_server_listen(struct http_server *server, int fd, unsigned tag, bool encrypted)
{
    struct http_listener *listener = mem_alloc(1, sizeof *listener);
    int flags = fcntl(fd, F_GETFL);
    if (listener == NULL || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        uv_poll_init(server->loop, &listener->poll, fd) != 0) {
        close(fd);
        mem_free(listener);
        return FP_E_IO_FAILED;
    }
    listener->fd = fd;
    listener->tag = tag;
    listener->encrypted = encrypted;
    listener->server = server;
    listener->poll.data = listener;
    listener->next = server->listeners;
    server->listeners = listener;
    server->handles++;
    if (uv_poll_start(&listener->poll, UV_READABLE, listener_ready) != 0) {
        return FP_E_IO_FAILED; // closed with the server
    }
    return FP_OK;
}

void http__listener_resume(struct http_listener *listener)
{
    if (listener->stopped) {
        listener->stopped = uv_poll_start(&listener->poll, UV_READABLE, listener_ready) != 0;
    }
}

static void listener_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    handle->data = listener->server;
    http__handle_closed(handle);
    mem_free(listener);
}

void http__listener_close(struct http_listener *listener)
{
    (void)uv_poll_stop(&listener->poll);
    close(listener->fd);
    listener->fd = -1;
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
}
