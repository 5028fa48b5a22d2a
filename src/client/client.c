// The outbound client as a whole: start, sweep of idle pools, end.
// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include "base/mem.h"
#include "client/client_int.h"

#include <netdb.h>
#include <string.h>

#define SWEEP_MS 5000

static void sweep_closed(uv_handle_t *handle)
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

enum fp_error client_create(uv_loop_t *loop, const struct client_settings *settings,
                            struct client **out, struct fp_note *note)
{
    enum fp_error error = FP_E_NO_MEMORY;
    struct client *client = mem_alloc(1, sizeof *client);
    if (client == NULL || !client__curl_start()) {
        goto out;
    }
    client->loop = loop;
    client->pool_max = settings->pools != 0 ? settings->pools : FP_LIMIT_SOURCE_POOLS;
    client->connection_max =
        settings->connections != 0 ? settings->connections : FP_LIMIT_SOURCE_CONNECTIONS;
    client->idle_ms = settings->idle_ms != 0 ? settings->idle_ms : FP_LIMIT_SOURCE_IDLE;
    error = client__trust_load(settings->system_file, settings->ca_file, &client->store, note);
    if (error != FP_OK) {
        goto out;
    }
    warm_up_resolver();
    unsigned every = client->idle_ms < SWEEP_MS ? client->idle_ms : SWEEP_MS;
    (void)uv_timer_init(loop, &client->sweep);
    client->sweep.data = client;
    client->handles = 1;
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
    (void)uv_timer_stop(&client->sweep);
    uv_close((uv_handle_t *)&client->sweep, sweep_closed);
    while (client->handles != 0) {
        (void)uv_run(client->loop, UV_RUN_NOWAIT);
    }
    X509_STORE_free(client->store);
    mem_free(client);
}

void client_forget(struct client *client, struct bytes connection)
{
    struct client_pool *pool = client__pool_find(client, connection);
    if (pool == NULL) {
        return;
    }
    client__pool_forget(pool);
    client__pool_drop(pool); // or with its last call, or at the next sweep
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
