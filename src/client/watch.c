// Sockets on the loop. A watch lives as long as its socket and goes on watching while the socket is
// kept without a call: else each call would cost five system calls more. libcurl 7.88 does not tell
// when it closes a socket that never got connected, so those are dropped at once.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "client/client_int.h"

#include <unistd.h>

struct client_watch {
    uv_poll_t poll;            // handle of the loop
    struct client_watch *next; // in its bucket
    struct client_pool *pool;  // whose socket
    curl_socket_t fd;          // watched
    int events;                // that the loop watches for; 0: stopped
    bool wanted;               // by libcurl, now
};

static struct client_watch **place_of(struct client *client, curl_socket_t fd)
{
    struct client_watch **at = &client->watches[(unsigned)fd % CLIENT_BUCKETS];
    while (*at != NULL && (*at)->fd != fd) {
        at = &(*at)->next;
    }
    return at;
}

static void on_closed(uv_handle_t *handle)
{
    struct client_watch *watch = handle->data;
    mem_free(watch);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct client_watch *watch = poll->data;
    int bits = 0;
    if (!watch->wanted) { // closed by the other end while idle: libcurl finds out when it looks
        (void)uv_poll_stop(poll);
        watch->events = 0;
        return;
    }
    if (status < 0) {
        bits = CURL_CSELECT_ERR;
    }
    bits |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    bits |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    client__pool_act(watch->pool, watch->fd, bits);
}

static struct client_watch *watch_create(struct client_pool *pool, curl_socket_t fd)
{
    struct client_watch *watch = mem_alloc(1, sizeof *watch);
    if (watch == NULL) {
        return NULL;
    }
    watch->pool = pool;
    watch->fd = fd;
    watch->poll.data = watch;
    if (uv_poll_init(pool->client->loop, &watch->poll, fd) != 0) {
        mem_free(watch);
        return NULL;
    }
    *place_of(pool->client, fd) = watch;
    return watch;
}

bool client__watch_start(struct client_pool *pool, curl_socket_t fd, int what)
{
    struct client_watch *watch = *place_of(pool->client, fd);
    int events = 0;
    events |= (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    if (watch == NULL) {
        watch = watch_create(pool, fd);
    }
    if (watch == NULL) {
        return false;
    }
    watch->wanted = true;
    if (watch->events == events) {
        return true;
    }
    watch->events = events;
    return uv_poll_start(&watch->poll, events, on_poll) == 0;
}

void client__watch_rest(struct client *client, curl_socket_t fd, bool made)
{
    struct client_watch *watch = *place_of(client, fd);
    if (watch != NULL && made) {
        watch->wanted = false;
    } else {
        client__watch_drop(client, fd);
    }
}

static void drop(struct client_watch **at)
{
    struct client_watch *watch = *at;
    *at = watch->next;
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}

void client__watch_drop(struct client *client, curl_socket_t fd)
{
    struct client_watch **at = place_of(client, fd);
    if (*at != NULL) {
        drop(at);
    }
}

void client__watch_drop_pool(struct client_pool *pool)
{
    for (size_t i = 0; i < CLIENT_BUCKETS; i++) {
        struct client_watch **at = &pool->client->watches[i];
        while (*at != NULL) {
            if ((*at)->pool == pool) {
                drop(at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

int client__on_close(void *client, curl_socket_t fd)
{
    client__watch_drop(client, fd);
    return close(fd);
}
