// What the files of the outbound client share: pools, calls, and how libcurl hangs on the loop.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_CLIENT_INT_H
#define FP_CLIENT_CLIENT_INT_H

#include "base/arena.h"
#include "base/limits.h"
#include "client/client.h"
#include "client/url.h"

#include <curl/curl.h>
#include <openssl/x509.h>

#define CLIENT_SPARE   2    // easy handles kept per pool
#define CLIENT_BUCKETS 1024 // of the table of pools

// Connections of one customer's connection: a multi handle of its own, so that neither sockets nor
// TLS sessions are ever shared with another.
struct client_pool {
    struct client *client;           // owner
    struct client_pool *next;        // in client->pools, most recently used first
    struct client_pool *previous;    // in client->pools
    struct client_pool *bucket_next; // in client->table
    CURLM *multi;                    // owned
    uv_timer_t timer;                // libcurl's wish for time
    struct client_call *calls;       // in flight
    unsigned call_count;             // of calls
    CURL *spare[CLIENT_SPARE];       // set-up handles without a call
    unsigned spare_count;            // of spare
    uint64_t used_ms;                // loop time of the last end of a call
    uint8_t key[FP_LIMIT_ID_TEXT];   // connection id
    size_t key_len;                  // 0: sockets are closed after each call
    bool forgotten;                  // no new calls; closed with the last one
    bool broken;                     // a socket could not be watched: to be given up
    bool collecting;                 // results are handed out: must not be freed now
};

enum client_stop {
    CLIENT_STOP_NONE,    // not stopped by us
    CLIENT_STOP_ADDRESS, // the policy refused the address
    CLIENT_STOP_PLAIN,   // plain http to an address where it is not allowed
    CLIENT_STOP_REPEAT,  // closed before an answer, and not safe to repeat
    CLIENT_STOP_HEADERS, // more headers than allowed
    CLIENT_STOP_BODY,    // more body than allowed
    CLIENT_STOP_MEMORY   // no memory for what came
};

struct client_call {
    struct client_pool *pool;             // where it runs
    struct client_call *next;             // in pool->calls
    struct client_call *previous;         // in pool->calls
    CURL *easy;                           // owned while in flight
    struct curl_slist *headers;           // owned; wiped by the allocator
    struct arena *arena;                  // URL, answer's headers; sensitive
    const struct client_request *request; // the caller's
    client_done *done;                    // gets the answer
    void *ctx;                            // for done
    struct networks networks;             // allowed private ones
    struct client_url url;                // of the URL under way
    char *url_text;                       // in the arena
    struct client_answer answer;          // as far as it came
    struct client_header *fields;         // in the arena
    size_t field_room;                    // entries of fields
    size_t header_bytes;                  // of all header lines so far
    uint64_t begun_ns;                    // monotonic, client_send()
    uint64_t max_answer;                  // bytes
    unsigned redirects_left;              // same-origin ones to follow
    unsigned begun;                       // on a socket, since the last redirect
    unsigned opened;                      // sockets
    bool connected;                       // a socket got through to the other end
    bool body_begun;                      // header lines from now on are trailers
    enum client_stop stop;                // why we ended it
    unsigned long failures;               // client__curl_failures() at the begin
    char reason[CURL_ERROR_SIZE];         // libcurl's words; may hold names, no credential
};

struct client {
    uv_loop_t *loop;                              // the room's
    X509_STORE *store;                            // trusted certificates
    struct client_pool *pools;                    // most recently used first
    struct client_pool *last;                     // least recently used
    struct client_pool *table[CLIENT_BUCKETS];    // by hash of the key
    struct client_watch *watches[CLIENT_BUCKETS]; // of sockets, by descriptor
    unsigned pool_max;                            // see settings
    unsigned connection_max;                      // see settings
    unsigned idle_ms;                             // see settings
    uv_timer_t sweep;                             // closes idle pools
    unsigned handles;          // of the loop that are not closed yet, sweep included
    bool closing;              // client_free() was called; freed with the last handle
    struct client_stats stats; // so far
};

// memory.c: makes libcurl use our allocator, wiping what it frees. Once per process.
bool client__curl_start(void);
// How often that allocator had nothing to give.
unsigned long client__curl_failures(void);
// trust.c: certificates of the two files; either may be NULL. See client_create().
enum fp_error client__trust_load(const char *system_file, const char *ca_file, X509_STORE **out,
                                 struct fp_note *note);

// pool.c: the pool of a connection (made if there is none), or NULL when out of memory.
struct client_pool *client__pool_for(struct client *client, struct bytes connection);
struct client_pool *client__pool_find(struct client *client, struct bytes connection);
// Takes it out of the table: it gets no new calls and ends with the last one.
void client__pool_forget(struct client_pool *pool);
// Hands a call to libcurl; it must not be in flight. FP_E_NO_MEMORY.
enum fp_error client__pool_begin(struct client_call *call);
// What a socket of the pool shows; collects results.
void client__pool_act(struct client_pool *pool, curl_socket_t fd, int bits);
// Takes it back from libcurl; keeps the easy handle for the next one.
void client__pool_end(struct client_call *call);
void client__pool_free(struct client_pool *pool);
// Frees it unless it has calls or hands out results; then it goes later.
void client__pool_drop(struct client_pool *pool);

// watch.c: sockets on the loop. A watch lives as long as its socket.
// Watches for what libcurl wants; false: out of memory.
bool client__watch_start(struct client_pool *pool, curl_socket_t fd, int what);
// libcurl wants nothing for now; made is whether the socket was ever connected.
void client__watch_rest(struct client *client, curl_socket_t fd, bool made);
// Before the socket is closed, or when a new one has its number. Harmless where there is none.
void client__watch_drop(struct client *client, curl_socket_t fd);
void client__watch_drop_pool(struct client_pool *pool);
int client__on_close(void *client, curl_socket_t fd); // libcurl closes a socket

// call.c: a call has ended for libcurl.
void client__call_finish(struct client_call *call, CURLcode code);
void client__call_free(struct client_call *call);

// setup.c: an easy handle with everything that no call changes; NULL when out of memory.
CURL *client__easy_create(struct client_pool *pool);
// Everything of this call, for a first request or a redirected one. false: out of memory.
bool client__easy_prepare(struct client_call *call);
// Copies request headers to call->headers. FP_E_SOURCE_SETTINGS_INVALID, FP_E_NO_MEMORY.
enum fp_error client__headers_take(struct client_call *call, struct fp_note *note);

// receive.c: libcurl's callbacks; userdata is the call.
size_t client__on_header(char *data, size_t size, size_t count, void *userdata);
size_t client__on_body(char *data, size_t size, size_t count, void *userdata);
curl_socket_t client__on_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address);
int client__on_request(void *userdata, char *remote, char *local, int remote_port, int local_port);

// outcome.c: fills error and note of the answer.
void client__judge(struct client_call *call, CURLcode code);

#endif
