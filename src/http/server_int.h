// Inside of the server, shared by its files: server.c (limits, time, end), listener.c (accepting),
// connection.c (life of a connection), input.c, output.c, answers.c (handles) and answer_head.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_SERVER_INT_H
#define FP_HTTP_SERVER_INT_H

#include "http/gzip.h"
#include "http/parser.h"
#include "http/peers.h"
#include "http/server.h"

#define HTTP_SCRATCH       65536 // bytes read at once
#define HTTP_ANSWER_BLOCK  256   // slots of answers made at once
#define HTTP_ANSWER_BLOCKS 4096  // a million answers: sixty thousand full pipelines
#define HTTP_DATE          30    // "Tue, 24 Nov 2026 14:11:52 GMT"

// A request's place in the order of its connection, and what waits to be sent for it.
struct http_answer {
    struct http_connection *connection; // NULL: free
    struct http_answer *next;           // behind it on the connection, or in the free list
    struct http_handle handle;          // its slot, and the generation in use
    uint64_t user;                      // owner's number, 0: none
    struct buf out;                     // ready to be sent
    size_t taken;                       // of `out`, from the front
    size_t owed;                        // body bytes not reported as drained
    struct gzip *gzip;                  // compressor, NULL: none
    bool begun;                         // its head was written
    bool ended;                         // nothing more is added
    bool head;                          // the request was HEAD
    bool bodiless;                      // no body is sent
    bool chunked;                       // the body is sent in chunks
    bool old;                           // the request was HTTP/1.0
    bool accepts_gzip;                  // by its Accept-Encoding
    bool last;                          // the connection ends after it
};

enum connection_state {
    CONNECTION_HANDSHAKE, // TLS is not up yet
    CONNECTION_OPEN,      // requests are read
    CONNECTION_FINISHING, // no request is read any more, answers still leave
    CONNECTION_LINGERING, // all is sent; waiting for the client's end, reading into the void
    CONNECTION_CLOSED     // descriptor closed; waiting for the loop to let go
};

// What the read deadline is for.
enum connection_phase {
    PHASE_NEW,  // nothing came yet
    PHASE_HEAD, // a head has begun
    PHASE_BODY, // a body is awaited
    PHASE_BUSY, // requests are being answered, none is being read
    PHASE_IDLE  // kept alive
};

struct http_connection {
    uv_poll_t poll;                 // of fd
    int fd;                         // owned, -1 once closed
    int events;                     // that poll is started for
    unsigned tag;                   // of the listener
    struct http_server *server;     // where it belongs
    struct http_connection *next;   // in the server's list
    struct http_connection *before; // in the server's list
    struct http_connection *dirty;  // next one to be flushed
    struct http_tls_session *tls;   // NULL: plain
    struct http_parser parser;      // of what comes in
    struct http_answer *first;      // oldest answer
    struct http_answer *newest;     // youngest answer
    struct http_answer *current;    // whose request is being read; NULL: none
    unsigned answers;               // from first to newest
    struct buf out;                 // bytes for the socket
    size_t sent;                    // of `out`, from the front
    struct buf held;                // read from the socket, not parsed yet: the pipeline is full
    struct buf held_plain;          // the same, decrypted
    uint64_t read_deadline;         // ms of the loop's clock; 0: none
    uint64_t write_deadline;        // the same, while `out` waits for the socket
    size_t lingered;                // bytes thrown away
    enum connection_state state;    // life
    enum connection_phase phase;    // what is waited for
    bool is_dirty;                  // in the list
    bool released;                  // the loop let go; freed when it leaves the list
    bool said_goodbye;              // close_notify is written
    bool paused;                    // reads no further requests: enough are under way
    bool turned_away;               // over the limit: only told so
    struct http_peer peer;          // the client
};

struct http_listener {
    uv_poll_t poll;             // of fd
    int fd;                     // owned
    unsigned tag;               // owner's
    bool encrypted;             // TLS
    bool stopped;               // out of descriptors: waits for the next sweep
    struct http_server *server; // where it belongs
    struct http_listener *next; // in the list
};

struct http_server {
    uv_loop_t *loop;                                   // not owned
    struct http_options options;                       // as given
    struct http_ops ops;                               // the owner's
    void *ctx;                                         // for ops
    struct http_listener *listeners;                   // list
    struct http_connection *connections;               // list of all
    struct http_connection *dirty;                     // to be flushed before the loop sleeps
    unsigned connection_count;                         // entries of connections
    unsigned turned_away;                              // of those, over the limit
    struct http_peers *peers;                          // by address
    struct http_tls *tls;                              // NULL: no certificate
    struct gzip_pool *gzip;                            // compressors
    struct buf compressed;                             // of one piece
    uv_prepare_t prepare;                              // flushes
    uv_timer_t sweep;                                  // looks for deadlines that passed
    uv_idle_t nudge;                                   // one more turn of the loop without sleeping
    bool told;                                         // the owner was called while flushing
    unsigned handles;                                  // uv handles of the server itself, open
    bool draining;                                     // accepts nothing
    bool told_ended;                                   // ended() was called
    bool freeing;                                      // free when the last handle is closed
    struct http_answer *blocks[HTTP_ANSWER_BLOCKS];    // slots, in blocks that stay where they are
    size_t block_count;                                // entries of blocks
    struct http_answer *free_answers;                  // list
    struct http_statistics statistics;                 // counters
    int64_t date_second;                               // of `date`
    char date[HTTP_DATE];                              // value of the Date header
    struct http_header headers[FP_LIMIT_HTTP_HEADERS]; // of the request being handed out
    uint8_t scratch[HTTP_SCRATCH];                     // bytes from a socket
    uint8_t scratch_plain[HTTP_SCRATCH];               // bytes decrypted
};

// connection.c
struct http_connection *http__connection_create(struct http_server *server, int fd,
                                                const struct http_listener *listener,
                                                const struct http_peer *peer, bool turned_away);
// Closes the descriptor; the memory goes when the loop allows. Unanswered requests are gone.
void http__connection_close(struct http_connection *c);
void http__connection_free(struct http_connection *c);
// Its output is looked at before the loop sleeps.
void http__connection_mark(struct http_connection *c);
// Sets the poll events by state.
void http__connection_watch(struct http_connection *c);
// After parsing or answering: which deadline runs now.
void http__connection_set_phase(struct http_connection *c);
void http__connection_check_time(struct http_connection *c, uint64_t now);
// No further request: ends when all answers are sent.
void http__connection_finish(struct http_connection *c);
// For draining: ends now where nothing is under way.
void http__connection_drain(struct http_connection *c);

// input.c
void http__input_ready(struct http_connection *c);
// Goes on with what is held, when the pipeline has room again.
void http__input_resume(struct http_connection *c);
void http__input_refuse(struct http_connection *c, enum fp_error error);

// output.c
void http__output_flush(struct http_connection *c);
size_t http__output_waiting(const struct http_connection *c);

// answers.c
struct http_answer *http__answer_take(struct http_connection *c); // NULL when out of memory
void http__answer_release(struct http_server *server, struct http_answer *a);
void http__answers_done(struct http_server *server);

// answer_head.c
void http__answer_head_write(struct http_server *server, struct http_answer *a,
                             const struct http_answer_head *head);

// server.c
void http__server_connection_ended(struct http_server *server);
void http__server_wake(struct http_server *server); // the sweep runs while there are connections
// listener.c
void http__listener_close(struct http_listener *listener);
void http__listener_resume(struct http_listener *listener);
void http__handle_closed(uv_handle_t *handle); // one of the server's own

#endif
