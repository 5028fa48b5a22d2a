// Inside of the console room: console.c (the room), requests.c (what a browser asks for), answer.c
// (how it is put), calls.c (what is under way through the vault).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONSOLE_CONSOLE_INT_H
#define FP_CONSOLE_CONSOLE_INT_H

#include "auth/console_headers.h"
#include "auth/console_route.h"
#include "base/arena.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/note.h"
#include "console/files.h"
#include "http/server.h"
#include "room/room.h"

// A request with its answer, as far as answering and logging need it.
struct console_exchange {
    struct http_handle handle; // where the answer goes
    uint64_t started_ns;       // monotonic
    unsigned action;           // enum console_action; CONSOLE_ACTION_COUNT: none
    bool file;                 // of the dashboard itself
    unsigned status;           // of the answer
    enum fp_error error;       // of the answer
    uint64_t bytes;            // of the answer's body
    char request_id[ID_TEXT];  // ours
    char method[12];           // for the log
    char path[129];            // for the log
    char peer[46];             // browser's address
};

// A request that waits for the vault.
struct console_call {
    struct console_exchange x; // the request
    uint64_t id;               // on the link: generation << 16 | slot + 1; 0: free
    uint64_t generation;       // how often the slot was used
    uint64_t deadline;         // ms of the loop's clock
};

struct console {
    struct room *room;                                 // ours
    const struct config *config;                       // its configuration
    struct http_server *server;                        // listens
    struct http_tls *tls;                              // until the server takes it
    struct arena *arena;                               // of the request in hand
    struct console_call calls[FP_LIMIT_CONSOLE_CALLS]; // slots
    unsigned in_flight;                                // used slots
    uv_timer_t timer;                                  // looks at deadlines
    unsigned handles;                                  // of the loop, ours
};

// -- requests.c: callbacks of the server
void console__on_request(void *ctx, const struct http_request *request);
void console__on_refuse(void *ctx, const struct http_request *request, enum fp_error error);

// -- calls.c
// Sends a question on. Answers at once where that is not possible.
struct console_sent {
    enum console_action action; // what
    struct bytes key;           // {id}
    struct bytes session;       // of the cookie
    struct bytes reason;        // decoded
    struct bytes form;          // query or body
};
void console__send(struct console *c, const struct console_exchange *x,
                   const struct console_sent *sent);
void console__on_frame(struct console *c, const struct link_frame *frame);
void console__on_gone(void *ctx, uint64_t user);
void console__lost(struct console *c);
void console__tick(struct console *c);

// -- answer.c
struct console_problem {
    struct bytes detail;    // JSON object for `details`; empty: none
    struct bytes errors;    // JSON array for `errors`; empty: none
    unsigned retry_after_s; // 0: none
    unsigned allowed;       // bits: 1 GET, 2 POST, 4 DELETE; for 405
};
// All of them log the request afterwards. problem may be NULL.
void console__answer_error(struct console *c, struct console_exchange *x, enum fp_error error,
                           const struct console_problem *problem);
// session: of a new cookie, with CONSOLE_COOKIE_SET.
void console__answer_json(struct console *c, struct console_exchange *x, struct bytes body,
                          enum console_cookie cookie, struct bytes session);
void console__answer_file(struct console *c, struct console_exchange *x,
                          const struct console_file *file, bool unchanged);

#endif
