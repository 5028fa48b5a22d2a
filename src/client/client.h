// Outbound HTTP to the customers' systems: asynchronous on the room's loop, kept-alive connections
// that are never shared between two connections of customers, the address policy (SSRF) checked on
// the address that is really connected to, limits on everything that comes back. HTTP/1.1 by llhttp
// and OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_CLIENT_H
#define FP_CLIENT_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/networks.h"
#include "base/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define CLIENT_ADDRESS_TEXT 56 // "[" IPv6 "]:" port and NUL
#define CLIENT_REDIRECTS    3  // most that client_request.redirects may ask for

struct client;
struct client_call;

struct client_settings {
    const char *ca_file;     // PEM, trusted besides the system's store; NULL or "": none
    const char *system_file; // PEM of the system's store; NULL: the usual place, where it exists
    unsigned pools;          // connections of customers with kept-alive sockets; 0: SOURCE_POOLS
    unsigned connections;    // sockets per pool; 0: SOURCE_CONNECTIONS
    unsigned idle_ms;        // a pool without calls is closed after this time; 0: SOURCE_IDLE
};

struct client_header {
    struct bytes name;  // a token of RFC 9110; ours in requests, the source's in answers
    struct bytes value; // no CR, LF, NUL; may be a secret in requests
};

// Everything a request points to stays the caller's and must stay valid until done() was called or
// the call was cancelled. Host, Content-Length, Accept-Encoding, User-Agent and Connection are set
// by the client and refused in headers.
struct client_request {
    struct bytes method;                 // "GET", "POST", ...; upper case letters
    struct bytes url;                    // absolute, http or https, no userinfo, no fragment
    const struct client_header *headers; // may hold secrets; NULL when header_count is 0
    size_t header_count;                 // entries of headers
    struct bytes body;                   // sent as it is; empty: no body
    uint32_t timeout_ms;                 // whole answer; 0: SOURCE_TIMEOUT
    uint32_t connect_timeout_ms;         // name, TCP and TLS; 0: SOURCE_CONNECT_TIMEOUT
    size_t max_answer;                   // bytes of body after decompression; 0: SOURCE_ANSWER
    unsigned redirects;                  // same-origin redirects of GET and HEAD to follow, 0 to 3
    bool safe_to_repeat; // may be sent once more over a new connection where a kept-alive one was
                         // closed before any byte of an answer
    bool sensitive;      // the answer's body holds a secret (a session): wiped after use
};

// On whose behalf, and where to.
struct client_policy {
    struct bytes connection;         // whose kept-alive sockets may be used; empty: a socket
                                     // of its own, closed after the answer
    const struct networks *networks; // private and loopback networks allowed; NULL: none.
                                     // Copied. Plain http only to loopback in one of them.
};

// Valid until done() returns, except a body that was moved out.
struct client_answer {
    enum fp_error error; // FP_OK: an HTTP answer came, whatever its status. Else
                         // SOURCE_UNREACHABLE (no name, no route, refused, closed before an
                         // answer), SOURCE_ADDRESS_REFUSED, SOURCE_TLS_FAILED, SOURCE_TIMEOUT,
                         // SOURCE_ANSWER_INVALID (no HTTP, cut off, broken compression),
                         // SOURCE_ANSWER_TOO_LARGE, SOURCE_REDIRECT_REFUSED (another origin),
                         // NO_MEMORY, INTERNAL
    unsigned status;     // 200 to 599; 0 where no answer came
    const struct client_header *headers; // of the last answer, in order; names as they came
    size_t header_count;                 // entries of headers
    struct buf body;     // decoded (gzip, deflate); the receiver may move it out and zero this
    struct fp_note note; // what went wrong, for people: host, port, reason; never a credential
    char address[CLIENT_ADDRESS_TEXT]; // that was connected to, "10.0.0.7:8000"; "" for none
    uint32_t ms;                       // from client_send() to the end
    unsigned attempts;                 // times the request was begun on a socket
    bool sent;   // something of the request may have left: do not repeat what is not safe
    bool reused; // came over a kept-alive socket
};

struct client_stats {
    uint64_t requests;    // begun on a socket
    uint64_t connections; // sockets opened
    unsigned pools;       // open now
    unsigned calls;       // in flight now
    uint64_t refused;     // addresses refused by the policy
};

// Called exactly once for each call that client_send() accepted and nobody cancelled; never from
// within client_send(). It may send and cancel other calls.
typedef void client_done(void *ctx, struct client_answer *answer);

// Before the sandbox closes: reads the trusted certificates, warms up the resolver. One per
// process. FP_E_CONFIG_INVALID with a note for a ca_file that cannot be used, FP_E_NO_MEMORY.
enum fp_error client_create(uv_loop_t *loop, const struct client_settings *settings,
                            struct client **out, struct fp_note *note);
// Cancels what is in flight, closes everything, and turns the loop until its handles are closed:
// not from within a callback. Takes NULL.
void client_free(struct client *client);

struct client_begin {
    const struct client_request *request; // see there for how long it must live
    const struct client_policy *policy;   // read during the call of client_send() only
    client_done *done;                    // gets the answer
    void *ctx;                            // for done
};
// Begins a call. FP_E_SOURCE_SETTINGS_INVALID for a URL, method or header that may not be sent (see
// client_url_check()), FP_E_LIMIT_EXCEEDED where too much is in flight (SOURCE_CALLS),
// FP_E_NO_MEMORY; done is not called then. *out names the call for client_cancel() and is dead once
// done() was called.
enum fp_error client_send(struct client *client, const struct client_begin *begin,
                          struct client_call **out, struct fp_note *note);
// done is not called any more; the socket is closed. Takes NULL.
void client_cancel(struct client_call *call);

// Closes the kept-alive sockets of a connection (revoked, new credential). Calls in flight end by
// themselves, their sockets are not kept.
void client_forget(struct client *client, struct bytes connection);

// First header of that name (any case); false where there is none.
bool client_answer_header(const struct client_answer *answer, const char *name,
                          struct bytes *value_out);
void client_get_stats(const struct client *client, struct client_stats *out);

#endif
