// The server as a whole: made, swept for deadlines, flushed each turn of the loop, drained, ended.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/mem.h"

// One timer for all deadlines: looking at 10,000 connections takes 0.1 ms, ten times a second, and
// an idle server does not wake at all.
#define SERVER_SWEEP_MS 100

static void server_on_idle(uv_idle_t *idle)
{
    (void)idle; // its being active keeps the loop from sleeping
}

static void server_flush(uv_prepare_t *prepare)
{
    struct http_server *server = prepare->data;
    (void)uv_idle_stop(&server->nudge);
    while (server->dirty != NULL) {
        struct http_connection *c = server->dirty;
        server->dirty = c->dirty;
        c->dirty = NULL;
        c->is_dirty = false;
        if (c->released) {
            http__connection_free(c);
            continue;
        }
        if (c->state != CONNECTION_CLOSED) {
            http__output_flush(c);
            http__input_resume(c);
        }
    }
    if (server->told) {
        // the owner may have queued something for the rest of this turn, which is over
        server->told = false;
        (void)uv_idle_start(&server->nudge, server_on_idle);
    }
}

static void server_sweep(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now = uv_now(server->loop);
    struct http_connection *next = NULL;
    bool stopped = false;
    for (struct http_connection *c = server->connections; c != NULL; c = next) {
        next = c->next; // stays: connections leave the list in close callbacks only
        http__connection_check_time(c, now);
    }
    for (struct http_listener *l = server->listeners; l != NULL; l = l->next) {
        http__listener_resume(l);
        stopped = stopped || l->stopped;
    }
    if (server->connections == NULL && !stopped) {
        (void)uv_timer_stop(&server->sweep);
    }
}

void http__server_wake(struct http_server *server)
{
    if (!uv_is_active((uv_handle_t *)&server->sweep) &&
        !uv_is_closing((uv_handle_t *)&server->sweep)) {
        (void)uv_timer_start(&server->sweep, server_sweep, SERVER_SWEEP_MS, SERVER_SWEEP_MS);
    }
}

struct http_server *http_server_create(uv_loop_t *loop, const struct http_options *options,
                                       const struct http_ops *ops, void *ctx)
{
    struct http_server *server = mem_alloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->loop = loop;
    server->options = *options;
    server->ops = *ops;
    server->ctx = ctx;
    server->date_second = -1;
    server->peers = http_peers_create();
    server->gzip = gzip_pool_create();
    buf_init(&server->compressed, FP_LIMIT_HTTP_ANSWER_QUEUE);
    if (server->peers == NULL || server->gzip == NULL) {
        http_peers_free(server->peers);
        gzip_pool_free(server->gzip);
        mem_free(server);
        return NULL;
    }
    (void)uv_prepare_init(loop, &server->prepare);
    (void)uv_timer_init(loop, &server->sweep);
    server->prepare.data = server;
    server->sweep.data = server;
    server->handles = 3;
    (void)uv_idle_init(loop, &server->nudge);
    server->nudge.data = server;
    (void)uv_prepare_start(&server->prepare, server_flush);
    uv_unref((uv_handle_t *)&server->prepare);
    return server;
}

void http_server_set_tls(struct http_server *server, struct http_tls *tls)
{
    http_tls_free(server->tls);
    server->tls = tls;
}

static void server_close_listeners(struct http_server *server)
{
    while (server->listeners != NULL) {
        struct http_listener *listener = server->listeners;
        server->listeners = listener->next;
        http__listener_close(listener);
    }
}

static void server_tell_ended(struct http_server *server)
{
    if (server->draining && !server->told_ended && server->connection_count == 0) {
        server->told_ended = true;
        server->ops.ended(server->ctx);
    }
}

void http_server_drain(struct http_server *server)
{
    server->draining = true;
    server_close_listeners(server);
    for (struct http_connection *c = server->connections; c != NULL; c = c->next) {
        http__connection_drain(c);
    }
    server_tell_ended(server);
}

void http_server_abort(struct http_server *server)
{
    for (struct http_connection *c = server->connections; c != NULL; c = c->next) {
        http__connection_close(c);
    }
}

static void server_release(struct http_server *server)
{
    if (!server->freeing || server->handles != 0 || server->connection_count != 0) {
        return;
    }
    http__answers_done(server);
    http_peers_free(server->peers);
    gzip_pool_free(server->gzip);
    buf_done(&server->compressed);
    http_tls_free(server->tls);
    mem_free(server);
}

void http__handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->handles--;
    server_release(server);
}

void http__server_connection_ended(struct http_server *server)
{
    if (!server->freeing) {
        server_tell_ended(server);
    }
    server_release(server);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    server->freeing = true;
    server_close_listeners(server);
    http_server_abort(server);
    while (server->dirty != NULL) {
        struct http_connection *c = server->dirty;
        server->dirty = c->dirty;
        c->is_dirty = false;
        if (c->released) {
            http__connection_free(c);
        }
    }
    uv_close((uv_handle_t *)&server->prepare, http__handle_closed);
    uv_close((uv_handle_t *)&server->sweep, http__handle_closed);
    uv_close((uv_handle_t *)&server->nudge, http__handle_closed);
}

void http_server_statistics(const struct http_server *server, struct http_statistics *out)
{
    *out = server->statistics;
    out->connections = server->connection_count;
}
