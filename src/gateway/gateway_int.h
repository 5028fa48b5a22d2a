// Inside of the gateway, shared by its files: gateway.c (the room), requests.c (what a request asks
// for), submit.c (what is sent for it), frames.c (what comes back), calls.c (what is under way),
// answer.c (how it is put), documents.c (the API described), oauth.c (the OAuth server's part),
// probes.c (health and metrics).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_GATEWAY_INT_H
#define FP_GATEWAY_GATEWAY_INT_H

#include "base/arena.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/note.h"
#include "gateway/metrics.h"
#include "gateway/web_files.h"
#include "http/server.h"
#include "model/route.h"
#include "room/room.h"

#define GATEWAY_PATH          256 // bytes of a path in the log
#define GATEWAY_BLOCK         64  // slots of calls made at once
#define GATEWAY_BLOCKS        (FP_LIMIT_CALLS_IN_FLIGHT / GATEWAY_BLOCK + 1)
#define GATEWAY_NO_OPERATION  0xffffu // no operation of the model
#define GATEWAY_RETRY_AFTER_S 1       // a room restarts in less
#define GATEWAY_ADDRESS       46      // bytes

enum gateway_listener { GATEWAY_API = 1, GATEWAY_METRICS };

// A request with its answer, as far as answering and logging need it.
struct gateway_exchange {
    struct http_handle handle;                 // where the answer goes
    uint64_t started_ns;                       // monotonic
    const char *origin;                        // that may read the answer, from the configuration
    unsigned operation;                        // index, or GATEWAY_NO_OPERATION
    unsigned allowed;                          // methods of the path, for Allow
    bool oauth;                                // an endpoint for clients: errors as RFC 6749 5.2
    bool page;                                 // for a person's browser: errors are a page
    bool typed;                                // by a connect page, for a person: never 401
    bool html;                                 // a connect page itself: errors are pages, too
    bool german;                               // the browser prefers it
    bool dpop;                                 // the token came as DPoP, not as Bearer
    bool replayed;                             // the answer of an earlier request is given again
    bool quiet;                                // a probe: logged only when debugging
    unsigned status;                           // of the answer
    enum fp_error error;                       // of the answer
    uint64_t bytes;                            // of the answer's body
    uint32_t source_ms;                        // waiting for the source
    uint16_t source_calls;                     // made for it
    char request_id[ID_TEXT];                  // ours
    char method[12];                           // for the log
    char path[GATEWAY_PATH + 1];               // for the log
    char peer[GATEWAY_ADDRESS];                // client's address
    char application[FP_LIMIT_ID_TEXT + 1];    // empty where unknown
    char connection[FP_LIMIT_ID_TEXT + 1];     // empty where unknown
    char platform[FP_LIMIT_PLATFORM_TEXT + 1]; // empty where unknown
};

// A request under way through the other rooms.
struct gateway_call {
    struct gateway_exchange x;   // the request
    uint64_t id;                 // on the links: generation << 32 | slot; 0: the slot is free
    struct gateway_call *next;   // younger deadline, or in the free list
    struct gateway_call *before; // older deadline
    uint64_t deadline;           // ms of the loop's clock
    bool needs_egress;           // may be answered by egress
    bool writes;                 // may change a record of the source: once lost, nobody knows
    bool streaming;              // the answer has begun
};

// A description of the API on its way to a client that takes no gzip.
struct gateway_stream {
    struct gateway_exchange x; // the request
    struct bytes rest;         // of the document, not handed to the server yet
    size_t waiting;            // bytes handed to the server that have not left
    bool used;                 // the slot is taken
};

struct gateway {
    struct room *room;                           // ours
    const struct config *config;                 // its configuration
    struct http_server *server;                  // listens
    struct arena *arena;                         // of the request or frame being handled
    struct metrics *metrics;                     // counters
    struct gateway_call *blocks[GATEWAY_BLOCKS]; // slots, in blocks that stay where they are
    size_t block_count;                          // entries of blocks
    struct gateway_call *free;                   // list
    struct gateway_call *oldest;                 // in the order of their deadlines
    struct gateway_call *youngest;               // its end
    unsigned in_flight;                          // calls
    uv_timer_t timer;                            // looks at deadlines while calls are in flight
    uv_prepare_t turn;                           // writes the log once per turn of the loop
    unsigned handles;                            // of the loop, ours
    bool draining;                               // takes nothing new
    bool sealed;                                 // as the vault says
    bool store_away;                             // as the vault says: not ready
    struct gateway_stream streams[FP_LIMIT_DOCUMENT_STREAMS]; // documents under way
    struct http_tls *tls; // read before the sandbox closed, until the server takes it
};

// -- requests.c: callbacks of the server
void gateway__on_request(void *ctx, const struct http_request *request);
void gateway__on_refuse(void *ctx, const struct http_request *request, enum fp_error error);

// -- submit.c
// What was found wrong with the parameters or the body; only a caller with a good token learns it.
struct gateway_fault {
    enum fp_error error; // FP_OK: nothing
    struct buf errors;   // JSON array of rows, or empty
    struct fp_note note; // one sentence, or empty
};
// Sends the call on. Answers at once where that is not possible.
void gateway__submit(struct gateway *g, struct gateway_exchange *x,
                     const struct http_request *request, const struct model_route *route,
                     struct bytes token);

// -- oauth.c: operations that ask for no token
void gateway__oauth(struct gateway *g, struct gateway_exchange *x,
                    const struct http_request *request);
// The vault's answer to AUTHORIZE: the browser goes where it says.
void gateway__oauth_redirect(struct gateway *g, struct gateway_exchange *x, struct bytes body);

// -- possession.c
// What the caller proved besides, as it travels (auth/possession.h), in the arena; token empty: at
// an endpoint for clients. FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED.
enum fp_error gateway__possession(struct gateway *g, struct gateway_exchange *x,
                                  const struct http_request *request, struct bytes token,
                                  struct bytes *out);

// The slot for what is sent on, and the link to the vault; NULL: answered 503 already.
struct gateway_call *gateway__submit_begin(struct gateway *g, struct gateway_exchange *x,
                                           bool needs_egress, struct buf **out);
// A call whose message did not fit: answered 503, gone.
void gateway__submit_failed(struct gateway *g, struct gateway_call *call);

// -- connect.c: connect pages
// false: another path.
bool gateway__connect(struct gateway *g, struct gateway_exchange *x,
                      const struct http_request *request);
// The page for what the vault said of its link, then gateway__finish().
void gateway__connect_page(struct gateway *g, struct gateway_exchange *x, enum fp_error error);

// -- frames.c
void gateway__on_frame(struct gateway *g, enum link_room from, const struct link_frame *frame);

// -- calls.c
// A slot for a copy of the exchange; NULL when there are too many or memory is short.
struct gateway_call *gateway__call_take(struct gateway *g, const struct gateway_exchange *x,
                                        bool needs_egress);
// The link to the vault for a new call, NULL where none can be taken now.
struct buf *gateway__link(struct gateway *g, bool needs_egress);
struct gateway_call *gateway__call_find(struct gateway *g, uint64_t id); // NULL: over already
void gateway__call_release(struct gateway *g, struct gateway_call *call);
// It moved on: the deadline counts from now.
void gateway__call_touch(struct gateway *g, struct gateway_call *call);
// Answers every call that is lost with this peer: 503, a write as OUTCOME_UNKNOWN.
void gateway__calls_lost(struct gateway *g, enum link_room peer);
void gateway__on_gone(void *ctx, uint64_t user);
void gateway__on_drained(void *ctx, uint64_t user, size_t bytes);
void gateway__calls_done(struct gateway *g);

// -- answer.c
struct gateway_problem {
    struct bytes detail;        // JSON object for `details`; empty: none
    struct bytes errors;        // JSON array of rows for `errors`; empty: none
    const struct fp_note *note; // instead of detail; NULL: none
    unsigned retry_after_s;     // 0: the usual
};
// The whole answer to a request that failed, then gateway__finish(). problem may be NULL.
void gateway__answer_error(struct gateway *g, struct gateway_exchange *x, enum fp_error error,
                           const struct gateway_problem *problem);
// The whole answer with a JSON body (or with none), then gateway__finish().
void gateway__answer_json(struct gateway *g, struct gateway_exchange *x, unsigned status,
                          struct bytes body);
// The same for another type of text.
void gateway__answer_text(struct gateway *g, struct gateway_exchange *x, struct bytes content_type,
                          struct bytes body);
struct gateway_file {
    struct bytes content_type; // of the body
    struct bytes etag;         // of its content
    struct bytes policy;       // Content-Security-Policy
    struct bytes body;         // all of it
    bool packed;               // body is gzip
    bool unchanged;            // answer 304: the client has it
};
// The head of an answer with a file, for all to keep who ask again with its tag. The body is the
// caller's to send. FP_E_CANCELLED: the client is gone.
enum fp_error gateway__answer_file(struct gateway *g, struct gateway_exchange *x,
                                   const struct gateway_file *file);
// A file of the connect pages with the headers that browsers need, and what goes with it.
void gateway__answer_web(struct gateway *g, struct gateway_exchange *x, unsigned status,
                         const struct web_file *file);
// -- answer_source.c
struct gateway_source_answer {
    int64_t length;    // of the body; -1: not known
    struct bytes etag; // of the body; may be empty
    bool unchanged;    // 304: no body
};
// The head of an answer out of a source. FP_E_CANCELLED: the client is gone.
enum fp_error gateway__answer_begin(struct gateway *g, struct gateway_exchange *x,
                                    const struct gateway_source_answer *answer);
// What an earlier request with the same Idempotency-Key was answered, then gateway__finish().
void gateway__answer_replay(struct gateway *g, struct gateway_exchange *x, struct bytes etag,
                            struct bytes body);
// -- answer.c again
// 303 to a place that the vault named.
void gateway__answer_redirect(struct gateway *g, struct gateway_exchange *x, struct bytes location);
// To OPTIONS: the methods, and what a browser may send.
void gateway__answer_options(struct gateway *g, struct gateway_exchange *x, unsigned allowed,
                             bool preflight);
// Counts and logs a request that is over.
void gateway__finish(struct gateway *g, const struct gateway_exchange *x);

// -- challenge.c: refusals in the words of OAuth
// The body of RFC 6749 5.2.
void gateway__oauth_error_body(struct gateway *g, const struct gateway_exchange *x,
                               const struct gateway_problem *problem, struct buf *out);
// WWW-Authenticate.
void gateway__challenge(struct gateway *g, const struct gateway_exchange *x,
                        const struct gateway_problem *problem, struct buf *out);
// DPoP-Nonce; empty: none.
struct bytes gateway__nonce(struct gateway *g, const struct gateway_exchange *x,
                            const struct gateway_problem *problem);

// -- documents.c
// /openapi.json, /openapi-3.0.json, /docs. false: another path.
bool gateway__document(struct gateway *g, struct gateway_exchange *x,
                       const struct http_request *request);
// Callbacks of the server for documents under way; user is 1 to FP_LIMIT_DOCUMENT_STREAMS, which no
// call has for its number.
void gateway__document_gone(struct gateway *g, uint64_t user);
void gateway__document_drained(struct gateway *g, uint64_t user, size_t bytes);

// -- probes.c
bool gateway__is_ready(const struct gateway *g);
// /healthz, /readyz, and on the metrics listener /metrics. false: another path.
bool gateway__probe(struct gateway *g, struct gateway_exchange *x,
                    const struct http_request *request);

#endif
