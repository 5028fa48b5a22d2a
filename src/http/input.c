// What comes in: bytes from the socket, decrypted, cut into requests, handed to the owner in order.
// While the pipeline is full nothing more is read; what was read already is held.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void input_describe(struct http_connection *c, struct http_request *out)
{
    const struct http_parser *p = &c->parser;
    struct http_server *server = c->server;
    *out = (struct http_request){
        .method = http_parser_method(p),
        .path = p->parts.path,
        .query = p->parts.query,
        .headers = server->headers,
        .header_count = http_parser_headers(p, server->headers),
        .peer = c->peer.text,
        .tag = c->tag,
        .tls = c->tls != NULL,
    };
    out->head = bytes_equal(out->method, BYTES("HEAD"));
}

// Makes place in the order of answers for the request that is being read.
static struct http_answer *input_place(struct http_connection *c)
{
    const struct http_head_facts *facts = &c->parser.facts;
    struct http_answer *a = c->current;
    if (a == NULL) {
        a = http__answer_take(c);
        c->current = a;
    }
    if (a == NULL) {
        http__connection_close(c); // out of memory
        return NULL;
    }
    a->head = bytes_equal(http_parser_method(&c->parser), BYTES("HEAD"));
    a->old = c->parser.target.ptr != NULL && c->parser.grammar.http_minor == 0;
    a->accepts_gzip = facts->accepts_gzip;
    a->last = !facts->keep_alive;
    return a;
}

void http__input_refuse(struct http_connection *c, enum fp_error error)
{
    struct http_server *server = c->server;
    struct http_request request = {0};
    struct http_answer *a = input_place(c);
    if (a == NULL) {
        return;
    }
    a->last = true;
    a->accepts_gzip = false;
    server->statistics.refusals++;
    input_describe(c, &request);
    request.handle = a->handle;
    c->current = NULL;
    http__connection_finish(c);
    server->ops.refuse(server->ctx, &request, error);
    if (c->state != CONNECTION_CLOSED && !a->ended) {
        http__connection_close(c); // the owner had nothing to say
    }
}

static void input_dispatch(struct http_connection *c)
{
    struct http_server *server = c->server;
    struct http_request request = {0};
    struct http_answer *a = input_place(c);
    if (a == NULL) {
        return;
    }
    a->last = a->last || server->draining;
    input_describe(c, &request);
    request.handle = a->handle;
    request.body = buf_bytes(&c->parser.body);
    server->statistics.requests++;
    c->current = NULL;
    if (a->last) {
        http__connection_finish(c);
    }
    server->ops.request(server->ctx, &request);
    if (c->state != CONNECTION_CLOSED) {
        http_parser_next(&c->parser);
        c->paused = c->state == CONNECTION_OPEN && c->answers >= FP_LIMIT_HTTP_PIPELINE;
    }
}

// The head is good: take a place, and ask for the body where the client waits to be asked.
static void input_head(struct http_connection *c, bool more_there)
{
    struct http_answer *a = input_place(c);
    if (a != NULL && c->parser.facts.expects_continue && !more_there) {
        buf_append_text(&a->out, "HTTP/1.1 100 Continue\r\n\r\n");
        http__connection_mark(c);
    }
}

// Parses until the bytes are used up, the pipeline is full or the connection ends.
static void input_parse(struct http_connection *c, struct bytes *in)
{
    enum http_parser_event event = HTTP_PARSER_HEAD;
    while (c->state == CONNECTION_OPEN && !c->paused && event != HTTP_PARSER_MORE) {
        event = http_parser_feed(&c->parser, in);
        if (event == HTTP_PARSER_HEAD) {
            input_head(c, in->len != 0);
        } else if (event == HTTP_PARSER_REQUEST) {
            input_dispatch(c);
        } else if (event == HTTP_PARSER_ERROR) {
            http__input_refuse(c, c->parser.error);
        }
    }
}

// Keeps what is left over, where it is still wanted.
static void input_hold(struct http_connection *c, struct buf *held, struct bytes rest)
{
    if (c->state == CONNECTION_OPEN && rest.len != 0) {
        buf_append_bytes(held, rest);
        if (buf_error(held) != FP_OK) {
            http__connection_close(c);
        }
    }
}

// The client sends nothing more: answers that are complete still leave, others it would not see.
static void input_ended(struct http_connection *c)
{
    if (c->state == CONNECTION_OPEN || c->state == CONNECTION_FINISHING) {
        http__output_flush(c);
    }
    http__connection_close(c);
}

static void input_decrypted(struct http_connection *c)
{
    struct http_server *server = c->server;
    while (c->state == CONNECTION_OPEN && !c->paused) {
        size_t len = 0;
        struct bytes rest = {0};
        enum fp_error error =
            http_tls_read(c->tls, server->scratch_plain, sizeof server->scratch_plain, &len);
        if (error == FP_E_AGAIN) {
            return;
        }
        if (error == FP_E_LINK_CLOSED) {
            input_ended(c);
            return;
        }
        if (error != FP_OK) {
            http__connection_close(c);
            return;
        }
        rest = bytes_of(server->scratch_plain, len);
        input_parse(c, &rest);
        input_hold(c, &c->held_plain, rest);
        mem_wipe(server->scratch_plain, len);
    }
}

static void input_encrypted(struct http_connection *c, struct bytes in)
{
    http_tls_feed(c->tls, in);
    if (c->state == CONNECTION_HANDSHAKE) {
        enum fp_error error = http_tls_handshake(c->tls);
        http__connection_mark(c);
        if (error == FP_E_AGAIN) {
            return;
        }
        if (error != FP_OK) {
            c->server->statistics.handshakes_failed++;
            c->said_goodbye = true; // an alert, if anything
            http__connection_finish(c);
            return;
        }
        c->state = CONNECTION_OPEN;
        c->read_deadline = uv_now(c->server->loop) + c->server->options.header_timeout_ms;
    }
    input_decrypted(c);
    if (c->tls != NULL) {
        input_hold(c, &c->held, http_tls_unread(c->tls));
    }
    if (c->tls != NULL) {
        http_tls_feed(c->tls, (struct bytes){0});
    }
}

// Nobody waits for these bytes; they are read so that our answer can be.
static void input_discard(struct http_connection *c, size_t len)
{
    c->lingered += len;
    if (c->lingered > FP_LIMIT_HTTP_LINGER_BYTES) {
        http__connection_close(c);
    }
}

static void input_take(struct http_connection *c, struct bytes in)
{
    if (c->state == CONNECTION_FINISHING || c->state == CONNECTION_LINGERING) {
        input_discard(c, in.len);
    } else if (c->tls != NULL) {
        input_encrypted(c, in);
    } else {
        struct bytes rest = in;
        input_parse(c, &rest);
        input_hold(c, &c->held, rest);
    }
    if (c->state != CONNECTION_CLOSED) {
        http__connection_set_phase(c);
        http__connection_watch(c);
    }
}

void http__input_ready(struct http_connection *c)
{
    struct http_server *server = c->server;
    ssize_t got = 0;
    do {
        got = recv(c->fd, server->scratch, sizeof server->scratch, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        input_take(c, bytes_of(server->scratch, (size_t)got));
        if (c->tls == NULL) {
            mem_wipe(server->scratch, (size_t)got);
        }
    } else if (got == 0) {
        input_ended(c);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        http__connection_close(c);
    }
}

void http__input_resume(struct http_connection *c)
{
    struct http_server *server = c->server;
    if (c->state != CONNECTION_OPEN || !c->paused || c->answers >= FP_LIMIT_HTTP_PIPELINE) {
        return;
    }
    c->paused = false;
    if (c->held_plain.len != 0) {
        // parsing may hold again what is left: hand over a copy
        struct bytes rest = bytes_of(server->scratch_plain, c->held_plain.len);
        memcpy(server->scratch_plain, c->held_plain.ptr, rest.len);
        buf_done(&c->held_plain);
        input_parse(c, &rest);
        input_hold(c, &c->held_plain, rest);
        mem_wipe(server->scratch_plain, sizeof server->scratch_plain);
    }
    if (c->state == CONNECTION_OPEN && !c->paused) {
        // even with nothing held, the TLS session may have decrypted more than was asked for
        struct bytes rest = bytes_of(server->scratch, c->held.len);
        memcpy(server->scratch, c->held.len != 0 ? c->held.ptr : (const uint8_t *)"", rest.len);
        buf_done(&c->held);
        input_take(c, rest);
    } else if (c->state != CONNECTION_CLOSED) {
        http__connection_set_phase(c);
        http__connection_watch(c);
    }
}
