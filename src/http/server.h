// The HTTP/1.1 server: takes listening sockets, hands out whole requests, and takes answers by a
// handle that stays safe to use after the client went away. It knows nothing of what it serves:
// even its own refusals are put in words by the owner. Everything happens on one loop.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_SERVER_H
#define FP_HTTP_SERVER_H

#include "base/bytes.h"
#include "base/error.h"
#include "http/head.h"
#include "http/tls.h"

#include <uv.h>

struct http_server;

// Names one request until it is answered or its client is gone; all zero names none.
struct http_handle {
    uint32_t slot;       // in the server's table
    uint32_t generation; // how often the slot was used
};

// A request, whole. All views end when the callback returns.
struct http_request {
    struct http_handle handle;         // for answering
    struct bytes method;               // "GET"; ptr NULL in a refusal that came before it was read
    struct bytes path;                 // raw: '/' and so on, or "*"; no query
    struct bytes query;                // raw, without question mark; ptr NULL: none
    const struct http_header *headers; // in order
    size_t header_count;               // entries of headers
    struct bytes body;                 // decoded from its chunks; may be empty
    const char *peer;                  // client's address as text; "unix" for a socket file
    unsigned tag;                      // of the listener that it came through
    bool tls;                          // it came encrypted
    bool head;                         // HEAD: answer as for GET, the body is left out
};

struct http_options {
    size_t body_limit;                // bytes of a request's body
    uint64_t handshake_timeout_ms;    // TLS, from the first byte to the last
    uint64_t header_timeout_ms;       // a head, from its first byte (or the connection's start)
    uint64_t body_timeout_ms;         // a body, whole
    uint64_t idle_timeout_ms;         // between requests
    uint64_t write_timeout_ms;        // without the client taking a byte
    unsigned connections;             // in total
    unsigned connections_per_address; // from one address (IPv6: one /64)
};

struct http_ops {
    // A request to be answered, now or later, by its handle.
    void (*request)(void *ctx, const struct http_request *request);
    // A request that is refused: answer it now, with a whole answer; then the connection ends. What
    // is known of the request is filled in.
    void (*refuse)(void *ctx, const struct http_request *request, enum fp_error error);
    // The client of an unanswered request went away; user is what http_answer_attach() set. Not
    // called where that is 0.
    void (*gone)(void *ctx, uint64_t user);
    // So many bytes given to http_answer_body() left for the client: room for more.
    void (*drained)(void *ctx, uint64_t user, size_t bytes);
    // After http_server_drain(): the last connection ended. May free the server no earlier than in
    // a later turn of the loop.
    void (*ended)(void *ctx);
};

// ctx is handed to the callbacks. NULL when out of memory.
struct http_server *http_server_create(uv_loop_t *loop, const struct http_options *options,
                                       const struct http_ops *ops, void *ctx);
// Takes over a listening socket (TCP or Unix) and closes it at the end. encrypted: with the
// certificate of http_server_set_tls().
enum fp_error http_server_listen(struct http_server *server, int fd, unsigned tag, bool encrypted);
// Takes over a certificate; connections that are open keep the one they have.
void http_server_set_tls(struct http_server *server, struct http_tls *tls);
// Accepts nothing new, lets every request that has begun be answered, then calls ended().
void http_server_drain(struct http_server *server);
// Ends every connection at once.
void http_server_abort(struct http_server *server);
// Ends everything; frees itself when the loop has closed its handles, so run the loop to its end.
void http_server_free(struct http_server *server);

struct http_statistics {
    uint64_t accepted;    // connections, since the start
    uint64_t turned_away; // connections over a limit
    uint64_t handshakes_failed;
    uint64_t requests;    // whole ones
    uint64_t refusals;    // requests that were none
    unsigned connections; // open now
    unsigned unanswered;  // requests waiting for the end of their answer
};
void http_server_statistics(const struct http_server *server, struct http_statistics *out);

struct http_answer_head {
    unsigned status;                   // 200 and so on
    struct bytes content_type;         // of the body; empty: no such header
    const struct http_header *headers; // besides those that the server sends itself
    size_t header_count;               // entries of headers
    int64_t length;                    // of the body in bytes; -1: not known yet
    struct bytes cache;                // Cache-Control; empty: no-store
    bool compress;                     // may be compressed; never for an answer with a secret in it
    bool secret;                       // wipe it from memory
    bool close;                        // end the connection after it
};

// Remembers a number for gone() and drained().
void http_answer_attach(struct http_server *server, struct http_handle handle, uint64_t user);
// Begins an answer. FP_E_CANCELLED: the client is gone, forget it. A header whose name or value is
// not valid is left out.
enum fp_error http_answer_begin(struct http_server *server, struct http_handle handle,
                                const struct http_answer_head *head);
// A piece of the body, copied. FP_E_CANCELLED as above; FP_E_LIMIT_EXCEEDED: more than
// FP_LIMIT_HTTP_ANSWER_QUEUE waits, the connection was ended.
enum fp_error http_answer_body(struct http_server *server, struct http_handle handle,
                               struct bytes piece);
// The answer is whole; the handle names nothing any more.
void http_answer_end(struct http_server *server, struct http_handle handle);
// The answer cannot be completed: ends the connection, so that nobody takes the part for the whole.
void http_answer_break(struct http_server *server, struct http_handle handle);
// All in one; head->length is set from body.
void http_answer_send(struct http_server *server, struct http_handle handle,
                      const struct http_answer_head *head, struct bytes body);

#endif
