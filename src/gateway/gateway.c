// The gateway room: terminates TLS, parses HTTP, serves the API. It holds no key of the vault and
// connects nowhere.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway.h"

#include "base/log.h"
#include "base/mem.h"
#include "gateway/gateway_int.h"

#include <stdio.h>

#define GATEWAY_PEM 262144 // bytes of a certificate chain or key

// From the files that were handed over. NULL in *out where none were.
static enum fp_error gateway_read_tls(struct room *room, struct http_tls **out)
{
    struct buf certificate, key;
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    buf_init(&certificate, GATEWAY_PEM);
    buf_init_sensitive(&key, GATEWAY_PEM);
    error = room_take_file(room, "tls.certificate", &certificate);
    if (error == FP_OK) {
        error = room_take_file(room, "tls.key", &key);
    }
    if (error == FP_OK) {
        error = http_tls_create(buf_bytes(&certificate), buf_bytes(&key), &note, out);
    }
    if (note.text[0] != '\0') {
        struct log_line line;
        log_begin(&line, LOG_ERROR, "certificate_refused");
        log_text_c(&line, "field", note.field);
        log_text_c(&line, "text", note.text);
        log_end(&line);
    }
    buf_done(&certificate);
    buf_done(&key);
    return error;
}

static const struct http_ops gateway_http_ops;

static struct http_options gateway_options(const struct config *config)
{
    return (struct http_options){
        .body_limit =
            config->body_limit < FP_LIMIT_HTTP_BODY ? config->body_limit : FP_LIMIT_HTTP_BODY,
        .handshake_timeout_ms = FP_LIMIT_HTTP_HANDSHAKE_TIMEOUT,
        .header_timeout_ms = config->header_timeout_ms,
        .body_timeout_ms = config->body_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
        .write_timeout_ms = config->write_timeout_ms,
        .connections = config->connections,
        .connections_per_address = config->connections_per_address,
    };
}

static void gateway_on_closed(uv_handle_t *handle)
{
    struct gateway *g = handle->data;
    if (--g->handles == 0) {
        mem_free(g);
    }
}

static void gateway_close(void *state)
{
    struct gateway *g = state;
    log_collect(false);
    http_server_free(g->server); // clients that wait are gone: calls end
    g->server = NULL;
    http_tls_free(g->tls);
    gateway__calls_done(g);
    metrics_free(g->metrics);
    arena_free(g->arena);
    uv_close((uv_handle_t *)&g->timer, gateway_on_closed);
    uv_close((uv_handle_t *)&g->turn, gateway_on_closed);
}

static enum fp_error gateway_open(struct room *room, void **state_out)
{
    struct http_options options = gateway_options(room_config(room));
    struct gateway *g = mem_alloc(1, sizeof *g);
    enum fp_error error = FP_OK;
    if (g == NULL) {
        return FP_E_NO_MEMORY;
    }
    g->room = room;
    g->config = room_config(room);
    g->arena = arena_create(FP_LIMIT_GATEWAY_ARENA, true);
    g->metrics = metrics_create();
    g->timer.data = g;
    g->turn.data = g;
    g->handles = 2;
    (void)uv_timer_init(room_loop(room), &g->timer);
    (void)uv_prepare_init(room_loop(room), &g->turn);
    g->server = http_server_create(room_loop(room), &options, &gateway_http_ops, g);
    if (g->arena == NULL || g->metrics == NULL || g->server == NULL) {
        error = FP_E_NO_MEMORY;
    }
    // OpenSSL reads its own configuration with the first certificate: before the sandbox
    if (error == FP_OK && g->config->api_listen[0][0] != '\0') {
        error = gateway_read_tls(room, &g->tls);
    }
    if (error != FP_OK) {
        gateway_close(g);
        return error;
    }
    *state_out = g;
    return FP_OK;
}

// Before the loop sleeps: one write for the lines of all requests of this turn.
static void gateway_on_turn(uv_prepare_t *turn)
{
    (void)turn;
    log_flush();
}

static enum fp_error gateway_listen(struct gateway *g, const char *name, enum gateway_listener tag,
                                    bool encrypted)
{
    int fd = room_take_fd(g->room, ROOM_HANDOVER_LISTENER, name);
    return fd < 0 ? FP_OK : http_server_listen(g->server, fd, (unsigned)tag, encrypted);
}

static enum fp_error gateway_start(void *state)
{
    struct gateway *g = state;
    enum fp_error error = FP_OK;
    if (g->tls != NULL) {
        http_server_set_tls(g->server, g->tls);
        g->tls = NULL; // moved
    }
    for (int i = 0; i < CONFIG_LISTENERS && error == FP_OK; i++) {
        char name[24]; // holds any int: gcc counts every digit
        snprintf(name, sizeof name, "api.%d", i);
        error = gateway_listen(g, name, GATEWAY_API, true);
        snprintf(name, sizeof name, "plain.%d", i);
        if (error == FP_OK) {
            error = gateway_listen(g, name, GATEWAY_API, false);
        }
    }
    if (error == FP_OK) {
        error = gateway_listen(g, "metrics", GATEWAY_METRICS, false);
    }
    if (error == FP_OK && uv_prepare_start(&g->turn, gateway_on_turn) != 0) {
        error = FP_E_INTERNAL;
    }
    log_collect(error == FP_OK);
    return error;
}

static void gateway_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    gateway__on_frame(state, from, frame);
}

static void gateway_link_up(void *state, enum link_room peer)
{
    (void)state; // readiness looks at the links themselves
    (void)peer;
}

static void gateway_link_down(void *state, enum link_room peer)
{
    struct gateway *g = state;
    arena_reset(g->arena);
    if (peer == LINK_ROOM_VAULT) {
        g->sealed = false; // the next one says so itself
        g->store_away = false;
    }
    gateway__calls_lost(g, peer);
}

static void gateway_reload(void *state)
{
    struct gateway *g = state;
    struct http_tls *tls = NULL;
    if (g->config->api_listen[0][0] == '\0') {
        return;
    }
    if (gateway_read_tls(g->room, &tls) == FP_OK) {
        http_server_set_tls(g->server, tls);
        log_event(LOG_INFO, "certificate_loaded", NULL);
    } else {
        log_event(LOG_WARNING, "certificate_kept", "The new one cannot be used.");
    }
}

static void gateway_drain(void *state, unsigned within_ms)
{
    struct gateway *g = state;
    (void)within_ms; // the room's own timer ends it
    g->draining = true;
    http_server_drain(g->server);
}

static void gateway_on_ended(void *ctx)
{
    struct gateway *g = ctx;
    room_finished(g->room);
}

static const struct http_ops gateway_http_ops = {
    .request = gateway__on_request,
    .refuse = gateway__on_refuse,
    .gone = gateway__on_gone,
    .drained = gateway__on_drained,
    .ended = gateway_on_ended,
};

const struct room_ops *gateway_room(void)
{
    static const struct room_ops ops = {
        .name = LINK_ROOM_GATEWAY,
        .policy = SANDBOX_GATEWAY,
        .open = gateway_open,
        .start = gateway_start,
        .frame = gateway_frame,
        .link_up = gateway_link_up,
        .link_down = gateway_link_down,
        .reload = gateway_reload,
        .drain = gateway_drain,
        .close = gateway_close,
    };
    return &ops;
}
