// Pools: which call gets which socket. A call takes an idle socket to its origin, opens one, or
// waits for one; all of it for one customer's connection. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "client/client_int.h"

#include <string.h>

#define POOL_LIFETIME 900000000000u // ns of a socket: certificates and addresses change

static void link_first(struct client_pool *pool)
{
    struct client *client = pool->client;
    pool->previous = NULL;
    pool->next = client->pools;
    if (client->pools != NULL) {
        client->pools->previous = pool;
    } else {
        client->last = pool;
    }
    client->pools = pool;
}

static void unlink_pool(struct client_pool *pool)
{
    struct client *client = pool->client;
    if (pool->previous != NULL) {
        pool->previous->next = pool->next;
    } else {
        client->pools = pool->next;
    }
    if (pool->next != NULL) {
        pool->next->previous = pool->previous;
    } else {
        client->last = pool->previous;
    }
}

static struct client_pool **bucket_of(struct client *client, struct bytes connection)
{
    return &client->table[bytes_hash(connection) % CLIENT_BUCKETS];
}

static struct client_pool *pool_create(struct client *client, struct bytes connection)
{
    struct client_pool **bucket = bucket_of(client, connection);
    struct client_pool *pool = mem_alloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->client = client;
    pool->key_len = connection.len;
    pool->most = client->connection_max;
    if (connection.len == 0) {
        pool->most = FP_LIMIT_SOURCE_CONNECTIONS_UNKEPT;
    } else {
        memcpy(pool->key, connection.ptr, connection.len);
    }
    pool->used_ms = uv_now(client->loop);
    client->stats.pools++;
    link_first(pool);
    pool->bucket_next = *bucket;
    *bucket = pool;
    return pool;
}

// Room for one more: the pool that was unused for the longest time goes.
static void make_room(struct client *client)
{
    struct client_pool *pool = client->last;
    while (client->stats.pools >= client->pool_max && pool != NULL) {
        struct client_pool *previous = pool->previous;
        client__pool_drop(pool);
        pool = previous;
    }
}

struct client_pool *client__pool_find(struct client *client, struct bytes connection)
{
    struct client_pool *pool = *bucket_of(client, connection);
    while (pool != NULL && !bytes_equal(bytes_of(pool->key, pool->key_len), connection)) {
        pool = pool->bucket_next;
    }
    return pool;
}

struct client_pool *client__pool_for(struct client *client, struct bytes connection)
{
    struct client_pool *pool = client__pool_find(client, connection);
    if (pool == NULL) {
        make_room(client);
        return pool_create(client, connection);
    }
    unlink_pool(pool);
    link_first(pool);
    return pool;
}

static bool fits(const struct client_socket *socket, const struct client_url *url)
{
    return socket->origin.port == url->port && socket->origin.tls == url->tls &&
           bytes_equal_nocase(bytes_of_text(socket->origin.host), url->host);
}

void client__pool_idle_remove(struct client_socket *socket)
{
    struct client_pool *pool = socket->pool;
    struct client_socket **at = &pool->idle;
    while (*at != NULL && *at != socket) {
        at = &(*at)->next;
    }
    if (*at == socket) {
        *at = socket->next;
        socket->next = NULL;
        pool->idle_count--;
    }
}

static void idle_close(struct client_socket *socket)
{
    client__pool_idle_remove(socket);
    client__socket_close(socket);
}

static void idle_close_all(struct client_pool *pool)
{
    while (pool->idle != NULL) {
        idle_close(pool->idle);
    }
}

void client__pool_forget(struct client_pool *pool)
{
    struct client_pool **at = bucket_of(pool->client, bytes_of(pool->key, pool->key_len));
    while (*at != NULL && *at != pool) {
        at = &(*at)->bucket_next;
    }
    if (*at == pool) {
        *at = pool->bucket_next;
    }
    pool->forgotten = true;
    idle_close_all(pool);
}

// The last used one to this origin that is still open. What is not safe to repeat looks twice.
static struct client_socket *idle_take(struct client_pool *pool, const struct client_call *call,
                                       uint64_t now_ns)
{
    struct client_socket *socket = pool->idle;
    while (socket != NULL) {
        struct client_socket *next = socket->next;
        bool rested = socket->idle_ns != now_ns || !call->request->safe_to_repeat;
        if (fits(socket, &call->url)) {
            if (now_ns - socket->opened_ns < POOL_LIFETIME &&
                (!rested || client__socket_alive(socket))) {
                client__pool_idle_remove(socket);
                return socket;
            }
            idle_close(socket);
        }
        socket = next;
    }
    return NULL;
}

static void wait_in_line(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    call->state = CALL_WAITING;
    call->next_in_line = NULL;
    if (pool->waiting == NULL) {
        pool->waiting = call;
    } else {
        pool->waiting_last->next_in_line = call;
    }
    pool->waiting_last = call;
}

// false: there is no room for it now.
static bool start(struct client_call *call, uint64_t now_ns)
{
    struct client_pool *pool = call->pool;
    struct client_socket *socket = call->fresh ? NULL : idle_take(pool, call, now_ns);
    if (socket == NULL && pool->busy + pool->idle_count >= pool->most) {
        if (pool->idle == NULL) {
            return false;
        }
        idle_close(pool->idle); // to another origin
    }
    pool->busy++;
    call->slot = true;
    if (socket != NULL) {
        call->connected = true;
        client__call_ask(call, socket);
    } else {
        client__open(call);
    }
    return true;
}

void client__pool_start(struct client_call *call)
{
    if (call->pool->waiting != NULL || !start(call, clock_monotonic_ns())) {
        wait_in_line(call);
    }
}

static void line_leave(struct client_call **first, struct client_call *call)
{
    struct client_call *before = NULL;
    while (*first != NULL && *first != call) {
        before = *first;
        first = &(*first)->next_in_line;
    }
    if (*first == call) {
        *first = call->next_in_line;
        if (call->state == CALL_WAITING && call->next_in_line == NULL) {
            call->pool->waiting_last = before;
        }
        call->next_in_line = NULL;
    }
}

static void start_waiting(struct client_pool *pool, uint64_t now_ns)
{
    while (pool->waiting != NULL) {
        struct client_call *call = pool->waiting;
        pool->waiting = call->next_in_line;
        call->next_in_line = NULL;
        if (!start(call, now_ns)) {
            call->next_in_line = pool->waiting; // stays the first one
            if (pool->waiting == NULL) {
                pool->waiting_last = call;
            }
            pool->waiting = call;
            return;
        }
    }
}

static void rest(struct client_pool *pool, struct client_socket *socket, uint64_t now_ns)
{
    socket->call = NULL;
    socket->idle_ns = now_ns;
    socket->next = pool->idle;
    pool->idle = socket;
    pool->idle_count++;
}

void client__pool_release(struct client_call *call, bool keep)
{
    struct client_pool *pool = call->pool;
    struct client_socket *socket = call->socket;
    uint64_t now_ns = 0;
    if (call->state == CALL_WAITING) {
        line_leave(&pool->waiting, call);
    } else if (call->state == CALL_FAILED) {
        line_leave(&pool->client->failed, call);
    }
    client__open_cancel(call);
    call->socket = NULL;
    if (socket != NULL) {
        now_ns = clock_monotonic_ns();
        if (keep && pool->key_len != 0 && !pool->forgotten && socket->state == SOCKET_READY) {
            rest(pool, socket, now_ns);
        } else {
            client__socket_close(socket);
        }
    }
    if (call->slot) {
        call->slot = false;
        pool->busy--;
        start_waiting(pool, now_ns);
    }
}

void client__pool_free(struct client_pool *pool)
{
    struct client *client = pool->client;
    while (pool->calls != NULL) {
        client__call_cancel(pool->calls);
    }
    idle_close_all(pool);
    if (!pool->forgotten) {
        client__pool_forget(pool);
    }
    unlink_pool(pool);
    client->stats.pools--;
    SSL_SESSION_free(pool->session);
    mem_free(pool);
}

void client__pool_drop(struct client_pool *pool)
{
    if (pool->calls == NULL) {
        client__pool_free(pool);
    }
}

void client__pool_left(struct client_pool *pool)
{
    if (pool->forgotten) {
        client__pool_drop(pool);
    }
}
