// What leaves: answers in their order, encrypted where the connection is, collected and written
// with one system call per turn of the loop where the socket takes it.
// SPDX-License-Identifier: Apache-2.0
#include "http/server_int.h"

#include <errno.h>
#include <sys/socket.h>

#define OUTPUT_KEEP   4096 // bytes of buffer that stay with an idle connection
#define OUTPUT_ROUNDS 16   // per turn and connection, so that a fast client does not starve others

size_t http__output_waiting(const struct http_connection *c)
{
    return c->out.len - c->sent;
}

// Tells the owner how much of the body is on its way. Bytes of the head and of chunk lines are not
// told apart from those of the body while more waits: an early report does no harm, a lost one
// would.
static void output_report(struct http_connection *c, struct http_answer *a, size_t moved)
{
    size_t amount = a->taken == a->out.len || moved > a->owed ? a->owed : moved;
    a->owed -= amount;
    // what is gone makes room, at the cost of moving no more than was sent
    if (a->taken >= a->out.len / 2) {
        buf_consume(&a->out, a->taken);
        a->taken = 0;
    }
    if (amount != 0 && a->user != 0) {
        c->server->told = true;
        c->server->ops.drained(c->server->ctx, a->user, amount);
    }
}

// Moves a piece of the answer to the connection's output. false: the connection is lost.
static bool output_move(struct http_connection *c, struct http_answer *a)
{
    struct bytes rest = bytes_slice(buf_bytes(&a->out), a->taken, FP_LIMIT_HTTP_OUTPUT);
    size_t moved = rest.len;
    if (c->tls != NULL) {
        if (http_tls_write(c->tls, rest, &moved) != FP_OK) {
            return false;
        }
    } else {
        c->out.sensitive = c->out.sensitive || a->out.sensitive;
        buf_append_bytes(&c->out, rest);
    }
    a->taken += moved;
    output_report(c, a, moved);
    return c->state == CONNECTION_CLOSED || buf_error(&c->out) == FP_OK;
}

static void output_pop(struct http_connection *c)
{
    struct http_answer *a = c->first;
    bool last = a->last;
    c->first = a->next;
    if (c->first == NULL) {
        c->newest = NULL;
    }
    c->answers--;
    http__answer_release(c->server, a);
    if (last) {
        http__connection_finish(c);
    }
}

// Fills the output up to its mark. false: the connection is lost.
static bool output_fill(struct http_connection *c)
{
    while (c->first != NULL && http__output_waiting(c) < FP_LIMIT_HTTP_OUTPUT) {
        struct http_answer *a = c->first;
        if (a->taken < a->out.len) {
            if (!output_move(c, a)) {
                return false;
            }
            if (c->state == CONNECTION_CLOSED) {
                return true; // by the owner, from within a report
            }
        } else if (a->ended) {
            output_pop(c);
        } else {
            output_report(c, a, 0); // a compressor may have swallowed all
            break;
        }
    }
    return true;
}

// Writes what the socket takes. false: the connection is lost.
static bool output_send(struct http_connection *c)
{
    const struct http_options *options = &c->server->options;
    bool progress = false;
    while (http__output_waiting(c) != 0) {
        ssize_t sent = send(c->fd, c->out.ptr + c->sent, http__output_waiting(c), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (progress || c->write_deadline == 0) {
                c->write_deadline = uv_now(c->server->loop) + options->write_timeout_ms;
            }
            buf_consume(&c->out, c->sent); // at most FP_LIMIT_HTTP_OUTPUT and a record move
            c->sent = 0;
            return true;
        }
        if (sent <= 0) {
            return false;
        }
        c->sent += (size_t)sent;
        progress = true;
    }
    c->write_deadline = 0;
    c->sent = 0;
    if (c->out.room > OUTPUT_KEEP) {
        buf_done(&c->out);
    } else {
        buf_clear(&c->out);
    }
    return true;
}

// All answers are written: say goodbye, then wait for the client's end, so that what it still
// sends does not make the kernel throw the answer away.
static void output_finish(struct http_connection *c)
{
    if (c->tls != NULL && !c->said_goodbye) {
        c->said_goodbye = true;
        http_tls_end(c->tls);
        if (!output_send(c)) {
            http__connection_close(c);
            return;
        }
        if (http__output_waiting(c) != 0) {
            return; // comes again when the socket took it
        }
    }
    if (shutdown(c->fd, SHUT_WR) != 0) {
        http__connection_close(c);
        return;
    }
    c->state = CONNECTION_LINGERING;
    c->read_deadline = uv_now(c->server->loop) + FP_LIMIT_HTTP_LINGER_TIMEOUT;
}

void http__output_flush(struct http_connection *c)
{
    bool more = true;
    for (unsigned i = 0; i < OUTPUT_ROUNDS && more && c->state != CONNECTION_CLOSED; i++) {
        if (!output_fill(c) || (c->state != CONNECTION_CLOSED && !output_send(c))) {
            http__connection_close(c);
        }
        more = c->state != CONNECTION_CLOSED && http__output_waiting(c) == 0 && c->first != NULL &&
               (c->first->taken < c->first->out.len || c->first->ended);
    }
    if (c->state == CONNECTION_CLOSED) {
        return;
    }
    // with more left, the others have their turn first: the socket is writable and says so
    if (c->state == CONNECTION_FINISHING && c->first == NULL && http__output_waiting(c) == 0) {
        output_finish(c);
    }
    http__connection_set_phase(c);
    http__connection_watch(c);
}
