// libcurl's multi interface on the loop: one multi handle and one timer per pool. Nothing of a pool
// is freed from within libcurl's callbacks. SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "client/client_int.h"

#include <string.h>

static void timer_closed(uv_handle_t *handle)
{
    struct client_pool *pool = handle->data;
    struct client *client = pool->client;
    mem_free(pool);
    client->handles--;
}

// A socket is not watched: libcurl would wait for it for ever. What is in flight ends here, the
// pool takes no new calls.
static void give_up(struct client_pool *pool)
{
    client__pool_forget(pool);
    while (pool->calls != NULL) {
        pool->calls->stop = CLIENT_STOP_MEMORY;
        pool->calls->redirects_left = 0;
        client__call_finish(pool->calls, CURLE_ABORTED_BY_CALLBACK);
    }
}

// Results are collected after libcurl has returned, so that done() may begin and cancel calls.
static void collect(struct client_pool *pool)
{
    CURLMsg *message = NULL;
    int left = 0;
    pool->collecting = true;
    if (pool->broken) {
        give_up(pool);
    }
    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        struct client_call *call = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE) {
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
            client__call_finish(call, code);
        }
    }
    pool->collecting = false;
    if (pool->forgotten) {
        client__pool_drop(pool);
    }
}

// An error of the multi handle itself is a lack of memory, after which it has forgotten a socket.
void client__pool_act(struct client_pool *pool, curl_socket_t fd, int bits)
{
    int running = 0;
    if (curl_multi_socket_action(pool->multi, fd, bits, &running) != CURLM_OK) {
        pool->broken = true;
    }
    collect(pool);
}

static void on_timer(uv_timer_t *timer)
{
    struct client_pool *pool = timer->data;
    client__pool_act(pool, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *userdata)
{
    struct client_pool *pool = userdata;
    (void)multi;
    if (pool->broken) {
        (void)uv_timer_start(&pool->timer, on_timer, 0, 0);
    } else if (timeout_ms < 0) {
        (void)uv_timer_stop(&pool->timer);
    } else {
        (void)uv_timer_start(&pool->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketp)
{
    struct client_pool *pool = userdata;
    struct client_call *call = NULL;
    (void)socketp;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    if (what == CURL_POLL_REMOVE) {
        client__watch_rest(pool->client, fd, call == NULL || call->begun != 0);
        return 0;
    }
    // While a connection is made libcurl waits for writing only.
    if (call != NULL && (what & CURL_POLL_IN) != 0) {
        call->connected = true;
    }
    if (!client__watch_start(pool, fd, what)) {
        pool->broken = true;
        (void)uv_timer_start(&pool->timer, on_timer, 0, 0);
    }
    return 0;
}

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

static bool multi_setup(struct client_pool *pool)
{
    long most = (long)(pool->key_len != 0 ? pool->client->connection_max
                                          : FP_LIMIT_SOURCE_CONNECTIONS_UNKEPT);
    return curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK &&
           curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK;
}

static struct client_pool **bucket_of(struct client *client, struct bytes connection)
{
    return &client->table[bytes_hash(connection) % CLIENT_BUCKETS];
}

static struct client_pool *pool_create(struct client *client, struct bytes connection)
{
    struct client_pool **bucket = NULL;
    struct client_pool *pool = mem_alloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->client = client;
    pool->key_len = connection.len;
    if (connection.len != 0) {
        memcpy(pool->key, connection.ptr, connection.len);
    }
    pool->multi = curl_multi_init();
    if (pool->multi == NULL || !multi_setup(pool)) {
        (void)curl_multi_cleanup(pool->multi);
        mem_free(pool);
        return NULL;
    }
    (void)uv_timer_init(client->loop, &pool->timer);
    pool->timer.data = pool;
    client->handles++;
    client->stats.pools++;
    link_first(pool);
    bucket = bucket_of(client, connection);
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
}

enum fp_error client__pool_begin(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    if (call->easy == NULL) {
        call->easy =
            pool->spare_count != 0 ? pool->spare[--pool->spare_count] : client__easy_create(pool);
    }
    if (call->easy == NULL || !client__easy_prepare(call) ||
        curl_multi_add_handle(pool->multi, call->easy) != CURLM_OK) {
        return FP_E_NO_MEMORY;
    }
    return FP_OK;
}

void client__pool_end(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    if (call->easy == NULL) {
        return;
    }
    (void)curl_multi_remove_handle(pool->multi, call->easy);
    // The handle must not remember what points into the call.
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_URL, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_PRIVATE, NULL);
    if (pool->spare_count < CLIENT_SPARE) {
        pool->spare[pool->spare_count++] = call->easy;
    } else {
        curl_easy_cleanup(call->easy);
    }
    call->easy = NULL;
}

void client__pool_free(struct client_pool *pool)
{
    while (pool->calls != NULL) {
        client_cancel(pool->calls);
    }
    while (pool->spare_count != 0) {
        curl_easy_cleanup(pool->spare[--pool->spare_count]);
    }
    (void)curl_multi_cleanup(pool->multi);
    client__watch_drop_pool(pool);
    pool->multi = NULL;
    client__pool_forget(pool);
    unlink_pool(pool);
    pool->client->stats.pools--;
    (void)uv_timer_stop(&pool->timer);
    uv_close((uv_handle_t *)&pool->timer, timer_closed);
}

void client__pool_drop(struct client_pool *pool)
{
    if (pool->calls == NULL && !pool->collecting) {
        client__pool_free(pool);
    }
}
