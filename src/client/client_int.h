// What the files of the outbound client share: pools, sockets, calls.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_CLIENT_INT_H
#define FP_CLIENT_CLIENT_INT_H

#include "base/arena.h"
#include "base/limits.h"
#include "client/client.h"
#include "client/incoming.h"
#include "client/url.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#define CLIENT_BUCKETS   1024  // of the table of pools
#define CLIENT_SPACE     65536 // bytes read from a socket at once
#define CLIENT_RECORD    16384 // bytes of plain text in one TLS record, RFC 8446 5.1
#define CLIENT_HOST      256   // of an origin, with NUL
#define CLIENT_REASON    128   // OpenSSL's words
#define CLIENT_ADDRESSES 8     // of one name that are tried

struct client_origin {
    char host[CLIENT_HOST]; // as written, without brackets
    uint16_t port;          // of the other end
    bool tls;               // https
    bool v6;                // host is an IPv6 address
};

// Kept-alive sockets of one customer's connection: neither they nor TLS sessions are ever shared
// with another.
struct client_pool {
    struct client *client;            // owner
    struct client_pool *next;         // in client->pools, most recently used first
    struct client_pool *previous;     // in client->pools
    struct client_pool *bucket_next;  // in client->table
    struct client_call *calls;        // all of them
    struct client_call *waiting;      // for a socket, first come first served
    struct client_call *waiting_last; // undefined when nobody waits
    struct client_socket *idle;       // last used first
    unsigned idle_count;              // of idle
    unsigned busy;                    // calls that have a socket or open one
    unsigned most;                    // idle and busy together
    SSL_SESSION *session;             // to be taken up again; NULL: none
    struct client_origin session_of;  // whose
    uint64_t used_ms;                 // loop time of the last end of a call
    uint8_t key[FP_LIMIT_ID_TEXT];    // connection id
    size_t key_len;                   // 0: sockets are closed after each call
    bool forgotten;                   // no new calls; goes with the last one
};

enum client_socket_state {
    SOCKET_CONNECTING, // TCP
    SOCKET_HANDSHAKE,  // TLS
    SOCKET_READY,      // has a call, or is idle
    SOCKET_CLOSED      // freed with its handle
};

struct client_socket {
    uv_poll_t poll;                 // of fd
    struct client *client;          // back
    struct client_pool *pool;       // whose; NULL once closed
    struct client_call *call;       // whose; NULL: idle
    struct client_socket *next;     // in pool->idle or call->opening
    SSL *ssl;                       // NULL: plain
    struct bytes in;                // read, not yet taken by OpenSSL
    struct buf wire;                // to be written
    struct client_origin origin;    // the other end
    struct sockaddr_storage peer;   // its address
    uint64_t opened_ns;             // monotonic
    uint64_t idle_ns;               // monotonic, since then without a call
    int events;                     // watched for
    int fd;                         // owned
    unsigned served;                // requests
    enum client_socket_state state; // see there
};

// Why a call ends.
enum client_stop {
    CLIENT_STOP_NONE,        // with an answer
    CLIENT_STOP_ADDRESS,     // the policy refused the address
    CLIENT_STOP_PLAIN,       // plain http to an address where it is not allowed
    CLIENT_STOP_URL,         // no usable address in it
    CLIENT_STOP_NAME,        // the name has no address
    CLIENT_STOP_CONNECT,     // no address lets us in
    CLIENT_STOP_CERTIFICATE, // not trusted, or of another name
    CLIENT_STOP_TLS,         // the handshake failed
    CLIENT_STOP_TIME,        // one of the time-outs
    CLIENT_STOP_REPEAT,      // closed before an answer, and not safe to repeat
    CLIENT_STOP_CLOSED,      // closed before an answer
    CLIENT_STOP_CUT,         // closed within the answer
    CLIENT_STOP_HTTP,        // no HTTP that we understand
    CLIENT_STOP_HEADERS,     // more headers than allowed
    CLIENT_STOP_BODY,        // more body than allowed
    CLIENT_STOP_CODING,      // broken compression
    CLIENT_STOP_MEMORY       // no memory for it
};

enum client_call_state {
    CALL_WAITING,    // in pool->waiting
    CALL_LOOKING_UP, // the name
    CALL_CONNECTING, // opening is not empty
    CALL_HANDSHAKE,  // TLS on socket
    CALL_ASKING,     // the request is on its way, or the answer
    CALL_FAILED      // in client->failed
};

struct client_lookup;

struct client_call {
    struct client_pool *pool;             // where it runs
    struct client_call *next;             // in pool->calls
    struct client_call *previous;         // in pool->calls
    struct client_call *older, *newer;    // in the client's list of all
    struct client_call *next_in_line;     // in pool->waiting or client->failed
    struct client_socket *socket;         // its own; NULL: none yet
    struct client_socket *opening;        // connecting, the first to succeed is taken
    struct client_lookup *lookup;         // under way; NULL: none
    struct sockaddr_storage *addresses;   // in the arena
    unsigned address_count;               // of addresses
    unsigned address_next;                // to be tried
    struct arena *arena;                  // URL, answer's headers; sensitive
    const struct client_request *request; // the caller's
    client_done *done;                    // gets the answer
    void *ctx;                            // for done
    struct networks networks;             // allowed private ones
    struct client_url url;                // of the URL under way
    struct bytes url_text;                // in the arena
    struct client_answer answer;          // as far as it came
    struct client_incoming incoming;      // reads the answer
    size_t body_at;                       // bytes of the request's body that have left
    uint64_t begun_ns;                    // monotonic, client_send()
    uint64_t open_ns;                     // monotonic, lookup began
    uint64_t try_ns;                      // monotonic, last address was tried
    uint64_t window_ns;                   // monotonic, since then window_bytes are counted
    uint64_t window_bytes;                // that came
    unsigned redirects_left;              // same-origin ones to follow
    unsigned begun;                       // on a socket, since the last redirect
    unsigned opened;                      // sockets
    int os_error;                         // of the last address
    long verify;                          // OpenSSL's result
    bool connected;                       // a socket got through to the other end
    bool fresh;                           // not over a kept-alive socket
    bool slot;                            // counted in pool->busy
    enum client_call_state state;         // see there
    enum client_stop stop;                // why it ends
    char reason[CLIENT_REASON];           // OpenSSL's words; no credential
};

struct client {
    uv_loop_t *loop;                           // the room's
    SSL_CTX *tls;                              // what holds for all sessions
    struct client_pool *pools;                 // most recently used first
    struct client_pool *last;                  // least recently used
    struct client_pool *table[CLIENT_BUCKETS]; // by hash of the key
    struct client_call *oldest, *newest;       // all calls
    struct client_call *scan;                  // next one to look at for time-outs
    struct client_call *failed;                // to be ended in the loop's next turn
    unsigned pool_max;                         // see settings
    unsigned connection_max;                   // see settings
    unsigned idle_ms;                          // see settings
    uv_timer_t sweep;                          // closes idle pools
    uv_timer_t clock;                          // time-outs, while there are calls
    uv_timer_t failing;                        // ends client->failed
    unsigned handles;                          // of the loop that are not closed yet
    struct client_stats stats;                 // so far
    struct buf head;                           // of the request being sent; wiped
    uint8_t space[CLIENT_SPACE];               // read from a socket
    uint8_t plain[CLIENT_RECORD];              // decrypted; wiped
};

// trust.c: certificates of the two files; either may be NULL. See client_create().
enum fp_error client__trust_load(const char *system_file, const char *ca_file, X509_STORE **out,
                                 struct fp_note *note);

// tls.c: takes over the store. NULL when out of memory.
SSL_CTX *client__tls_create(X509_STORE *store);
// Begins TLS on a connected socket. false: out of memory.
bool client__tls_begin(struct client_socket *socket);
// FP_OK: done. FP_E_AGAIN: goes on with more bytes. Else call->stop is set.
enum fp_error client__tls_handshake(struct client_socket *socket);
// OpenSSL's words for what went wrong last, for client__judge().
void client__tls_reason(struct client_call *call);

// pool.c: the pool of a connection (made if there is none), or NULL when out of memory.
struct client_pool *client__pool_for(struct client *client, struct bytes connection);
struct client_pool *client__pool_find(struct client *client, struct bytes connection);
// Takes it out of the table: it gets no new calls and goes with the last one.
void client__pool_forget(struct client_pool *pool);
// Gives the call a socket or begins to open one, or lets it wait.
void client__pool_start(struct client_call *call);
// The call needs its socket no more; keep: the next one may have it. Starts who waits.
void client__pool_release(struct client_call *call, bool keep);
void client__pool_idle_remove(struct client_socket *socket);
// Cancels its calls.
void client__pool_free(struct client_pool *pool);
// Frees it unless it has calls.
void client__pool_drop(struct client_pool *pool);
// A call has gone: a forgotten pool goes with the last one.
void client__pool_left(struct client_pool *pool);

// open.c: name, addresses, TCP.
void client__open(struct client_call *call);
void client__open_cancel(struct client_call *call);
// A connecting socket has its result.
void client__open_result(struct client_socket *socket);
// The next address besides those that are being tried.
void client__open_next(struct client_call *call);
bool client__address_passes(struct client_call *call, const struct sockaddr *address);

// socket.c
// NULL: out of memory; fd is closed then.
struct client_socket *client__socket_create(struct client_call *call, int fd);
bool client__socket_watch(struct client_socket *socket, int events);
void client__socket_close(struct client_socket *socket);
// Puts bytes into wire, encrypted where the socket is. false: out of memory.
bool client__socket_put(struct client_socket *socket, struct bytes data);
// Writes what the socket takes, then more of the request's body.
void client__socket_push(struct client_socket *socket);
// Nothing came since the last answer, and the other end is still there.
bool client__socket_alive(const struct client_socket *socket);

// head.c: the request on the wire.
// FP_E_SOURCE_SETTINGS_INVALID with a note for headers that may not be sent.
enum fp_error client__headers_check(const struct client_request *request, struct fp_note *note);
// The head, and the body where it is small; *body_out is how much of it. FP_E_NO_MEMORY.
enum fp_error client__head_write(const struct client_call *call, struct buf *out, size_t *body_out);

// call.c
// The socket is ready: sends the request.
void client__call_ask(struct client_call *call, struct client_socket *socket);
// Ends it in the loop's next turn: for use where done() must not be called.
void client__call_fail(struct client_call *call, enum client_stop stop);
// Ends it now.
void client__call_finish(struct client_call *call, enum client_stop stop, bool keep);
// Frees it, without done() and without looking after its pool.
void client__call_cancel(struct client_call *call);
// The other end closed, or broke off.
void client__call_closed(struct client_call *call, bool clean);
// Ends what is over its time.
void client__calls_check(struct client *client);
void client__calls_fail(struct client *client);

// client.c
void client__clock_run(struct client *client); // while there are calls
void client__on_failing(uv_timer_t *timer);

// outcome.c: fills error and note of the answer.
void client__judge(struct client_call *call);

#endif
