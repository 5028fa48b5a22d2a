// From a URL to a connected socket: the name is looked up on libuv's threads, the address policy is
// asked for each address, and they are tried one after the other, the next one soon (RFC 8305),
// until one lets us in. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "client/address.h"
#include "client/client_int.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct client_lookup {
    uv_getaddrinfo_t request; // libuv's
    struct client *client;    // back
    struct client_call *call; // NULL: it does not wait any more
    char host[CLIENT_HOST];   // looked up
    char port[8];             // looked up
};

bool client__address_passes(struct client_call *call, const struct sockaddr *address)
{
    enum client_verdict verdict = client_address_check(address, &call->networks);
    if (verdict != CLIENT_ADDRESS_PUBLIC && verdict != CLIENT_ADDRESS_ALLOWED) {
        call->stop = CLIENT_STOP_ADDRESS;
    } else if (!call->url.tls &&
               (verdict != CLIENT_ADDRESS_ALLOWED || !client_address_is_loopback(address))) {
        call->stop = CLIENT_STOP_PLAIN;
    } else {
        return true;
    }
    call->pool->client->stats.refused++;
    return false;
}

static socklen_t address_size(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

// false: this address does not let us in at once.
static bool try_address(struct client_call *call, const struct sockaddr_storage *address)
{
    const struct sockaddr *where = (const struct sockaddr *)address;
    struct client_socket *socket_new = NULL;
    int yes = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) {
        call->os_error = errno;
        return false;
    }
    call->opened++;
    call->pool->client->stats.connections++;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    if (connect(fd, where, address_size(address)) != 0 && errno != EINPROGRESS) {
        call->os_error = errno;
        (void)close(fd);
        return false;
    }
    socket_new = client__socket_create(call, fd);
    if (socket_new == NULL) {
        call->os_error = ENOMEM;
        return false;
    }
    socket_new->peer = *address;
    socket_new->next = call->opening;
    call->opening = socket_new;
    if (!client__socket_watch(socket_new, UV_WRITABLE)) {
        call->os_error = ENOMEM;
        call->opening = socket_new->next;
        client__socket_close(socket_new);
        return false;
    }
    return true;
}

// A name may have several addresses: one that is refused does not stop the next one, and is told
// only where none was left.
void client__open_next(struct client_call *call)
{
    call->try_ns = clock_monotonic_ns();
    while (call->address_next < call->address_count) {
        const struct sockaddr_storage *address = &call->addresses[call->address_next++];
        client_address_text((const struct sockaddr *)address, call->answer.address,
                            sizeof call->answer.address);
        if (client__address_passes(call, (const struct sockaddr *)address) &&
            try_address(call, address)) {
            return;
        }
    }
    if (call->opening == NULL) {
        bool refused = call->opened == 0 && call->os_error == 0;
        client__call_fail(call, refused ? call->stop : CLIENT_STOP_CONNECT);
    }
}

static void addresses_take(struct client_call *call, const struct addrinfo *found)
{
    call->addresses = arena_alloc(call->arena, CLIENT_ADDRESSES, sizeof *call->addresses);
    if (call->addresses == NULL) {
        client__call_fail(call, CLIENT_STOP_MEMORY);
        return;
    }
    for (; found != NULL && call->address_count < CLIENT_ADDRESSES; found = found->ai_next) {
        if ((found->ai_family == AF_INET || found->ai_family == AF_INET6) &&
            found->ai_addrlen <= sizeof *call->addresses) {
            memcpy(&call->addresses[call->address_count++], found->ai_addr, found->ai_addrlen);
        }
    }
    if (call->address_count == 0) {
        client__call_fail(call, CLIENT_STOP_NAME);
        return;
    }
    call->state = CALL_CONNECTING;
    client__open_next(call);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct client_lookup *lookup = request->data;
    struct client_call *call = lookup->call;
    lookup->client->handles--;
    if (call != NULL) {
        call->lookup = NULL;
        if (status == UV_EAI_MEMORY || status == UV_ENOMEM) {
            client__call_fail(call, CLIENT_STOP_MEMORY);
        } else if (status != 0) {
            client__call_fail(call, CLIENT_STOP_NAME);
        } else {
            addresses_take(call, found);
        }
    }
    uv_freeaddrinfo(found);
    mem_free(lookup);
}

static void look_up(struct client_call *call, const struct client_lookup *what)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    struct client *client = call->pool->client;
    struct client_lookup *lookup = mem_alloc(1, sizeof *lookup);
    if (lookup == NULL) {
        client__call_fail(call, CLIENT_STOP_MEMORY);
        return;
    }
    *lookup = *what;
    lookup->client = client;
    lookup->call = call;
    lookup->request.data = lookup;
    if (uv_getaddrinfo(client->loop, &lookup->request, on_found, lookup->host, lookup->port,
                       &hints) != 0) {
        mem_free(lookup);
        client__call_fail(call, CLIENT_STOP_NAME);
        return;
    }
    client->handles++;
    call->lookup = lookup;
}

// Numbers, in whatever form, need no thread.
void client__open(struct client_call *call)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_protocol = IPPROTO_TCP,
                                          .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct client_lookup what = {0};
    struct addrinfo *found = NULL;
    call->open_ns = clock_monotonic_ns();
    call->state = CALL_LOOKING_UP;
    call->address_count = 0;
    call->address_next = 0;
    call->os_error = 0;
    call->stop = CLIENT_STOP_NONE;
    (void)snprintf(what.port, sizeof what.port, "%u", (unsigned)call->url.port);
    bool usable = bytes_to_text(call->url.host, what.host, sizeof what.host);
    if (usable && getaddrinfo(what.host, what.port, &hints, &found) == 0) {
        addresses_take(call, found);
        freeaddrinfo(found);
    } else if (!usable || call->url.v6) {
        client__call_fail(call, CLIENT_STOP_URL);
    } else {
        look_up(call, &what);
    }
}

static void opening_remove(struct client_call *call, struct client_socket *socket)
{
    struct client_socket **at = &call->opening;
    while (*at != NULL && *at != socket) {
        at = &(*at)->next;
    }
    if (*at == socket) {
        *at = socket->next;
        socket->next = NULL;
    }
}

static void opening_close(struct client_call *call)
{
    while (call->opening != NULL) {
        struct client_socket *socket = call->opening;
        call->opening = socket->next;
        client__socket_close(socket);
    }
}

void client__open_cancel(struct client_call *call)
{
    if (call->lookup != NULL) {
        call->lookup->call = NULL;
        (void)uv_cancel((uv_req_t *)&call->lookup->request); // or it ends by itself
        call->lookup = NULL;
    }
    opening_close(call);
}

void client__open_result(struct client_socket *socket)
{
    struct client_call *call = socket->call;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    opening_remove(call, socket);
    if (error != 0) {
        call->os_error = error;
        client__socket_close(socket);
        client__open_next(call);
        return;
    }
    opening_close(call); // the others are late
    call->connected = true;
    call->socket = socket;
    call->stop = CLIENT_STOP_NONE;
    client_address_text((const struct sockaddr *)&socket->peer, call->answer.address,
                        sizeof call->answer.address);
    if (!socket->origin.tls) {
        client__call_ask(call, socket);
        return;
    }
    socket->state = SOCKET_HANDSHAKE;
    call->state = CALL_HANDSHAKE;
    if (!client__tls_begin(socket)) {
        client__call_fail(call, CLIENT_STOP_MEMORY);
        return;
    }
    if (client__tls_handshake(socket) != FP_E_AGAIN) { // nothing came yet
        client__call_fail(call, CLIENT_STOP_TLS);
        return;
    }
    client__socket_push(socket);
}
