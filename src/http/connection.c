// The life of a connection: made, watched, timed, ended. Memory is freed by the loop's close
// callback only, never while events of one batch are handled.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/mem.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void connection_ready(uv_poll_t *poll, int status, int events)
{
    struct http_connection *c = poll->data;
    if (status < 0) {
        http__connection_close(c);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        http__connection_mark(c);
    }
    if ((events & UV_READABLE) != 0) {
        http__input_ready(c);
    } else if ((events & UV_DISCONNECT) != 0) {
        http__connection_close(c); // the client is gone while nothing was read from it
    }
}

static void connection_enlist(struct http_connection *c)
{
    struct http_server *server = c->server;
    c->next = server->connections;
    if (c->next != NULL) {
        c->next->before = c;
    }
    server->connections = c;
    server->connection_count++;
    server->turned_away += c->turned_away ? 1 : 0;
}

static void connection_delist(struct http_connection *c)
{
    struct http_server *server = c->server;
    if (c->before != NULL) {
        c->before->next = c->next;
    } else {
        server->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->before = c->before;
    }
    server->connection_count--;
    server->turned_away -= c->turned_away ? 1 : 0;
}

struct http_connection *http__connection_create(struct http_server *server, int fd,
                                                const struct http_listener *listener,
                                                const struct http_peer *peer, bool turned_away)
{
    struct http_connection *c = mem_alloc(1, sizeof *c);
    uint64_t now = uv_now(server->loop);
    if (c == NULL) {
        return NULL;
    }
    c->fd = fd;
    c->tag = listener->tag;
    c->server = server;
    c->peer = *peer;
    c->turned_away = turned_away;
    buf_init(&c->out, (size_t)4 * FP_LIMIT_HTTP_OUTPUT);
    buf_init_sensitive(&c->held, HTTP_SCRATCH);
    buf_init_sensitive(&c->held_plain, HTTP_SCRATCH);
    c->state = listener->encrypted ? CONNECTION_HANDSHAKE : CONNECTION_OPEN;
    c->read_deadline = now + (listener->encrypted ? server->options.handshake_timeout_ms
                                                  : server->options.header_timeout_ms);
    if (listener->encrypted) {
        c->tls = http_tls_session_create(server->tls, &c->out);
        if (c->tls == NULL) {
            mem_free(c);
            return NULL;
        }
    }
    if (uv_poll_init(server->loop, &c->poll, fd) != 0) {
        http_tls_session_free(c->tls);
        mem_free(c);
        return NULL;
    }
    c->poll.data = c;
    http_parser_init(&c->parser, server->options.body_limit);
    connection_enlist(c);
    http__connection_watch(c);
    http__server_wake(server);
    return c;
}

void http__connection_free(struct http_connection *c)
{
    struct http_server *server = c->server;
    connection_delist(c);
    http_parser_done(&c->parser);
    buf_done(&c->out);
    buf_done(&c->held);
    buf_done(&c->held_plain);
    mem_free(c);
    http__server_connection_ended(server);
}

static void connection_released(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    if (c->is_dirty) {
        c->released = true; // the list of dirty ones still names it: freed there
    } else {
        http__connection_free(c);
    }
}

void http__connection_close(struct http_connection *c)
{
    struct http_server *server = c->server;
    if (c->state == CONNECTION_CLOSED) {
        return;
    }
    c->state = CONNECTION_CLOSED;
    c->current = NULL;
    (void)uv_poll_stop(&c->poll);
    close(c->fd);
    c->fd = -1;
    http_tls_session_free(c->tls);
    c->tls = NULL;
    if (!c->turned_away) {
        http_peers_remove(server->peers, &c->peer);
    }
    while (c->first != NULL) {
        struct http_answer *a = c->first;
        uint64_t user = a->ended ? 0 : a->user;
        c->first = a->next;
        http__answer_release(server, a);
        if (user != 0) {
            server->told = true;
            server->ops.gone(server->ctx, user);
        }
    }
    c->newest = NULL;
    c->answers = 0;
    uv_close((uv_handle_t *)&c->poll, connection_released);
}

void http__connection_mark(struct http_connection *c)
{
    if (!c->is_dirty && c->state != CONNECTION_CLOSED) {
        c->is_dirty = true;
        c->dirty = c->server->dirty;
        c->server->dirty = c;
    }
}

void http__connection_watch(struct http_connection *c)
{
    int events = 0;
    if (c->state == CONNECTION_CLOSED) {
        return;
    }
    events = c->paused && c->state == CONNECTION_OPEN ? UV_DISCONNECT : UV_READABLE;
    if (http__output_waiting(c) != 0 || (c->first != NULL && c->first->taken < c->first->out.len)) {
        events |= UV_WRITABLE;
    }
    if (events != c->events) {
        c->events = events;
        if (uv_poll_start(&c->poll, events, connection_ready) != 0) {
            http__connection_close(c);
        }
    }
}

static enum connection_phase connection_phase_now(const struct http_connection *c)
{
    if (c->paused) {
        return PHASE_BUSY;
    }
    if (!http_parser_is_fresh(&c->parser)) {
        return c->parser.state == HTTP_PARSER_IN_HEAD ? PHASE_HEAD : PHASE_BODY;
    }
    if (c->answers != 0) {
        return PHASE_BUSY;
    }
    return c->phase == PHASE_NEW ? PHASE_NEW : PHASE_IDLE;
}

void http__connection_set_phase(struct http_connection *c)
{
    const struct http_options *options = &c->server->options;
    uint64_t now = uv_now(c->server->loop);
    enum connection_phase before = c->phase;
    if (c->state != CONNECTION_OPEN) {
        return;
    }
    c->phase = connection_phase_now(c);
    if (c->phase == before) {
        return;
    }
    switch (c->phase) {
    case PHASE_HEAD:
        // on a new connection the time has been running since its start
        c->read_deadline =
            before == PHASE_NEW ? c->read_deadline : now + options->header_timeout_ms;
        break;
    case PHASE_BODY:
        c->read_deadline = now + options->body_timeout_ms;
        break;
    case PHASE_IDLE:
        c->read_deadline = now + options->idle_timeout_ms;
        break;
    case PHASE_NEW:
        break;
    case PHASE_BUSY:
    default:
        c->read_deadline = 0;
        break;
    }
}

void http__connection_finish(struct http_connection *c)
{
    if (c->state == CONNECTION_HANDSHAKE || c->state == CONNECTION_OPEN) {
        c->state = CONNECTION_FINISHING;
        c->paused = false;
        c->read_deadline = 0;
        http__connection_mark(c);
    }
}

void http__connection_check_time(struct http_connection *c, uint64_t now)
{
    if (c->write_deadline != 0 && now >= c->write_deadline) {
        http__connection_close(c);
        return;
    }
    if (c->read_deadline == 0 || now < c->read_deadline) {
        return;
    }
    c->read_deadline = 0;
    if (c->state == CONNECTION_OPEN && (c->phase == PHASE_HEAD || c->phase == PHASE_BODY)) {
        http__input_refuse(c, FP_E_REQUEST_TIMEOUT);
    } else if (c->state == CONNECTION_OPEN) {
        http__connection_finish(c); // nobody waits for an answer
    } else {
        http__connection_close(c);
    }
}

void http__connection_drain(struct http_connection *c)
{
    bool idle = c->answers == 0 && http_parser_is_fresh(&c->parser);
    if (c->state == CONNECTION_HANDSHAKE) {
        http__connection_close(c);
    } else if (c->state == CONNECTION_OPEN && idle) {
        http__connection_finish(c);
    }
}
