// The outbound client as a whole: start, sweep of idle pools, end.
// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include "base/mem.h"
#include "client/client_int.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MS       5000
#define CLOCK_MS       25   // how exact time-outs are
#define LOOKUP_THREADS "64" // half of them may look up names at the same time
#define HEAD_MAX       (2 * FP_LIMIT_SOURCE_HEADERS + FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET)

static void timer_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    client->handles--;
}

static void on_sweep(uv_timer_t *timer)
{
    struct client *client = timer->data;
    uint64_t now = uv_now(client->loop);
    struct client_pool *pool = client->last;
    while (pool != NULL) {
        struct client_pool *previous = pool->previous;
        if (pool->forgotten || now - pool->used_ms >= client->idle_ms) {
            client__pool_drop(pool);
        }
        pool = previous;
    }
}

// The resolver's modules are loaded at its first use, which must not be after the sandbox.
static void warm_up_resolver(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo("localhost", NULL, &hints, &found) == 0) {
        freeaddrinfo(found);
    }
}

static void on_clock(uv_timer_t *timer)
{
    struct client *client = timer->data;
    client__calls_check(client);
    if (client->oldest == NULL) {
        (void)uv_timer_stop(timer);
    }
}

void client__clock_run(struct client *client)
{
    if (!uv_is_active((const uv_handle_t *)&client->clock)) {
        (void)uv_timer_start(&client->clock, on_clock, CLOCK_MS, CLOCK_MS);
    }
}

void client__on_failing(uv_timer_t *timer)
{
    client__calls_fail(timer->data);
}

static void timer_init(struct client *client, uv_timer_t *timer)
{
    (void)uv_timer_init(client->loop, timer);
    timer->data = client;
    client->handles++;
}

static enum fp_error trust(struct client *client, const struct client_settings *settings,
                           struct fp_note *note)
{
    X509_STORE *store = NULL;
    enum fp_error error =
        client__trust_load(settings->system_file, settings->ca_file, &store, note);
    if (error == FP_OK) {
        client->tls = client__tls_create(store);
        error = client->tls != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    return error;
}

enum fp_error client_create(uv_loop_t *loop, const struct client_settings *settings,
                            struct client **out, struct fp_note *note)
{
    enum fp_error error = FP_E_NO_MEMORY;
    struct client *client = mem_alloc(1, sizeof *client);
    if (client == NULL) {
        goto out;
    }
    client->loop = loop;
    client->pool_max = settings->pools != 0 ? settings->pools : FP_LIMIT_SOURCE_POOLS;
    client->connection_max =
        settings->connections != 0 ? settings->connections : FP_LIMIT_SOURCE_CONNECTIONS;
    client->idle_ms = settings->idle_ms != 0 ? settings->idle_ms : FP_LIMIT_SOURCE_IDLE;
    buf_init_sensitive(&client->head, HEAD_MAX);
    error = trust(client, settings, note);
    if (error != FP_OK) {
        goto out;
    }
    (void)setenv("UV_THREADPOOL_SIZE", LOOKUP_THREADS, 0);
    warm_up_resolver();
    unsigned every = client->idle_ms < SWEEP_MS ? client->idle_ms : SWEEP_MS;
    timer_init(client, &client->sweep);
    timer_init(client, &client->clock);
    timer_init(client, &client->failing);
    (void)uv_timer_start(&client->sweep, on_sweep, every, every);
    uv_unref((uv_handle_t *)&client->sweep);
    *out = client;
    client = NULL; // moved
out:
    mem_free(client);
    return error;
}

void client_free(struct client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->pools != NULL) {
        client__pool_free(client->pools);
    }
    uv_close((uv_handle_t *)&client->sweep, timer_closed);
    uv_close((uv_handle_t *)&client->clock, timer_closed);
    uv_close((uv_handle_t *)&client->failing, timer_closed);
    while (client->handles != 0) {
        (void)uv_run(client->loop, UV_RUN_NOWAIT);
    }
    SSL_CTX_free(client->tls);
    buf_done(&client->head);
    mem_free(client);
}

void client_forget(struct client *client, struct bytes connection)
{
    struct client_pool *pool = client__pool_find(client, connection);
    if (pool != NULL) {
        client__pool_forget(pool);
        client__pool_drop(pool); // or with its last call
    }
}

bool client_answer_header(const struct client_answer *answer, const char *name,
                          struct bytes *value_out)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (bytes_equal_nocase(answer->headers[i].name, bytes_of_text(name))) {
            *value_out = answer->headers[i].value;
            return true;
        }
    }
    return false;
}

void client_get_stats(const struct client *client, struct client_stats *out)
{
    *out = client->stats;
}
