// The console room: serves the dashboard with TLS and hands its questions to the vault. It holds no
// key, opens no file, connects nowhere, and decides about nobody's rights.
// SPDX-License-Identifier: Apache-2.0
#include "console/console.h"

#include "base/log.h"
#include "base/mem.h"
#include "console/console_int.h"

#include <unistd.h>

#define CONSOLE_PEM   262144  // bytes of a certificate chain or key
#define CONSOLE_ARENA 1048576 // bytes
#define CONSOLE_TICK  500     // ms

static enum fp_error console_read_tls(struct room *room, struct http_tls **out)
{
    struct buf certificate, key;
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    buf_init(&certificate, CONSOLE_PEM);
    buf_init_sensitive(&key, CONSOLE_PEM);
    error = room_take_file(room, "tls.certificate", &certificate);
    if (error == FP_OK) {
        error = room_take_file(room, "tls.key", &key);
    }
    if (error == FP_OK) {
        error = http_tls_create(buf_bytes(&certificate), buf_bytes(&key), &note, out);
    }
    if (note.text[0] != '\0') {
        log_event(LOG_ERROR, "certificate_refused", note.text);
    }
    buf_done(&certificate);
    buf_done(&key);
    return error;
}

static void console_on_ended(void *ctx)
{
    struct console *c = ctx;
    room_finished(c->room);
}

// Answers of the dashboard are sent whole.
static void console_on_drained(void *ctx, uint64_t user, size_t bytes)
{
    (void)ctx;
    (void)user;
    (void)bytes;
}

static const struct http_ops console_http_ops = {
    .request = console__on_request,
    .refuse = console__on_refuse,
    .gone = console__on_gone,
    .drained = console_on_drained,
    .ended = console_on_ended,
};

static void console_on_closed(uv_handle_t *handle)
{
    struct console *c = handle->data;
    if (--c->handles == 0) {
        mem_free(c);
    }
}

static void console_close(void *state)
{
    struct console *c = state;
    http_server_free(c->server);
    c->server = NULL;
    http_tls_free(c->tls);
    arena_free(c->arena);
    uv_close((uv_handle_t *)&c->timer, console_on_closed);
}

static enum fp_error console_open(struct room *room, void **state_out)
{
    const struct config *config = room_config(room);
    struct http_options options = {.body_limit = FP_LIMIT_CONSOLE_FORM,
                                   .handshake_timeout_ms = FP_LIMIT_HTTP_HANDSHAKE_TIMEOUT,
                                   .header_timeout_ms = config->header_timeout_ms,
                                   .body_timeout_ms = config->body_timeout_ms,
                                   .idle_timeout_ms = config->idle_timeout_ms,
                                   .write_timeout_ms = config->write_timeout_ms,
                                   .connections = FP_LIMIT_CONSOLE_CONNECTIONS,
                                   .connections_per_address = FP_LIMIT_CONSOLE_CONNECTIONS};
    struct console *c = mem_alloc(1, sizeof *c);
    enum fp_error error = FP_OK;
    if (c == NULL) {
        return FP_E_NO_MEMORY;
    }
    c->room = room;
    c->config = config;
    c->timer.data = c;
    c->handles = 1;
    (void)uv_timer_init(room_loop(room), &c->timer);
    c->arena = arena_create(CONSOLE_ARENA, true);
    c->server = http_server_create(room_loop(room), &options, &console_http_ops, c);
    error = c->arena == NULL || c->server == NULL ? FP_E_NO_MEMORY : FP_OK;
    // OpenSSL reads its own configuration with the first certificate: before the sandbox
    if (error == FP_OK) {
        error = console_read_tls(room, &c->tls);
    }
    if (error != FP_OK) {
        console_close(c);
        return error;
    }
    *state_out = c;
    return FP_OK;
}

static void console_on_timer(uv_timer_t *timer)
{
    console__tick(timer->data);
}

static enum fp_error console_start(void *state)
{
    struct console *c = state;
    int fd = room_take_fd(c->room, ROOM_HANDOVER_LISTENER, "console");
    if (fd < 0) {
        return FP_E_CONFIG_INVALID;
    }
    http_server_set_tls(c->server, c->tls);
    c->tls = NULL; // moved
    if (uv_timer_start(&c->timer, console_on_timer, CONSOLE_TICK, CONSOLE_TICK) != 0) {
        close(fd);
        return FP_E_INTERNAL;
    }
    return http_server_listen(c->server, fd, 0, true);
}

static void console_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    (void)from; // link.def says that only the vault sends anything
    console__on_frame(state, frame);
}

static void console_link_up(void *state, enum link_room peer)
{
    (void)state;
    (void)peer;
}

static void console_link_down(void *state, enum link_room peer)
{
    if (peer == LINK_ROOM_VAULT) {
        console__lost(state);
    }
}

static void console_reload(void *state)
{
    struct console *c = state;
    struct http_tls *tls = NULL;
    if (console_read_tls(c->room, &tls) == FP_OK) {
        http_server_set_tls(c->server, tls);
        log_event(LOG_INFO, "certificate_loaded", NULL);
    } else {
        log_event(LOG_WARNING, "certificate_kept", "The new one cannot be used.");
    }
}

static void console_drain(void *state, unsigned within_ms)
{
    struct console *c = state;
    (void)within_ms; // the room's own timer ends it
    http_server_drain(c->server);
}

const struct room_ops *console_room(void)
{
    static const struct room_ops ops = {
        .name = LINK_ROOM_CONSOLE,
        .policy = SANDBOX_GATEWAY,
        .open = console_open,
        .start = console_start,
        .frame = console_frame,
        .link_up = console_link_up,
        .link_down = console_link_down,
        .reload = console_reload,
        .drain = console_drain,
        .close = console_close,
    };
    return &ops;
}
