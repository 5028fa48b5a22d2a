// What the files of the egress room share: calls, sessions, the room's state.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_EGRESS_EGRESS_INT_H
#define FP_EGRESS_EGRESS_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/networks.h"
#include "client/client.h"
#include "driver/driver.h"
#include "mapping/set.h"
#include "model/query.h"
#include "room/room.h"

#define EGRESS_BUCKETS 4096 // of the tables of calls and of sessions

struct egress;
struct egress_call;
struct egress_notice;

// A source's session of one connection and credential version. At most one call logs in at a time,
// others wait for it.
struct egress_session {
    struct egress_session *next;          // in its bucket
    struct egress_call *owner;            // logs in now; NULL: nobody
    struct egress_call *waiters;          // in the order they came
    struct buf session;                   // secret; empty: none
    uint64_t generation;                  // of session, to know the one that was refused
    uint64_t until_ms;                    // loop time; then session and rejected are forgotten
    uint32_t version;                     // of the credential
    uint8_t connection[FP_LIMIT_ID_TEXT]; // whose
    size_t connection_len;                // of connection
    unsigned busy;                        // loops over its calls: not to be freed
    bool rejected;                        // the source refused the credential: no new attempt
    bool in_table;                        // false: forgotten, freed with its last call
};

enum egress_stage {
    CALL_RUNNING,   // requests to the source are under way, or about to be
    CALL_WAITING,   // for another call's log-in
    CALL_DECIDED,   // waits for NOTED
    CALL_ANSWERING, // body pieces wait for credit
    CALL_GONE       // dropped, freed in the loop's next turn
};

// One request to the source, under way or about to be repeated.
struct egress_sent {
    struct egress_call *call;      // NULL: free
    struct client_request request; // the driver's
    struct client_call *client;    // under way; NULL while it waits to be repeated
    struct egress_sent *next;      // in egress->delayed
    uint64_t due_ms;               // loop time of the repetition
    unsigned number;               // the driver's
    unsigned tries;                // repetitions so far
};

struct egress_verdict {
    enum fp_error error;    // FP_OK: body
    struct bytes detail;    // JSON object or empty
    struct bytes errors;    // JSON array or empty
    struct bytes body;      // JSON or empty
    struct bytes account;   // verify only
    struct bytes etag;      // of body; may be empty
    bool unchanged;         // the client has it already: no body
    uint32_t retry_after_s; // 0: none
};

struct egress_call {
    struct egress *egress;            // the room
    struct egress_call *next;         // in its bucket
    struct egress_call *next_waiter;  // in the session's waiters
    struct egress_call *next_blocked; // in egress->blocked
    struct arena *arena;              // everything of the message; sensitive
    struct driver_run *run;           // NULL once decided
    struct egress_session *session;   // it takes part in; NULL: none
    uint64_t session_generation;      // of the session it was given; 0: none
    uint64_t number;                  // on the links
    uint64_t deadline_ms;             // loop time
    uv_timer_t timer;                 // deadline, later NOTED
    struct driver_call work;          // views into the arena
    struct networks networks;         // that may be reached
    struct bytes request_id;          // for the log
    struct bytes application;         // empty for a verify
    struct bytes connection;          // empty for a verify
    struct bytes platform;            // as it came
    uint32_t version;                 // of the credential
    bool keep;                        // KEEP before the OUTCOME of a change
    bool verify;                      // VERIFIED to the vault instead of an answer
    bool answered;                    // the head of the answer has left
    bool blocked;                     // in egress->blocked
    enum egress_stage stage;          // see there
    struct egress_sent sent[FP_LIMIT_SOURCE_CALLS_AT_ONCE]; // requests
    unsigned under_way;                                     // of sent, in use
    unsigned requests;                                      // given out by the driver
    unsigned attempts;                                      // on a socket
    unsigned retries;                                       // repetitions by us
    bool logged_in;                                         // this call logged in
    unsigned source_status;                                 // of the last answer
    uint64_t busy_since_ms;            // loop time; valid while under_way is not 0
    uint32_t source_ms;                // spent waiting for the source
    char address[CLIENT_ADDRESS_TEXT]; // last one
    struct fp_note note;               // of the last failure
    struct egress_verdict verdict;     // once decided; views into the arena
    struct buf body;                   // what of the answer has not left yet
    size_t body_at;                    // how much of it has left
    size_t unpaid;                     // bytes sent without credit
};

struct egress {
    struct room *room;                               // the room
    uv_loop_t *loop;                                 // its loop
    const struct config *config;                     // its configuration
    struct mapping_set *mappings;                    // all definitions
    struct client *client;                           // outbound
    struct networks networks;                        // every connection may reach
    char public_url[CONFIG_PATH];                    // without slash at the end
    struct egress_call *calls[EGRESS_BUCKETS];       // by number
    struct egress_session *sessions[EGRESS_BUCKETS]; // by connection
    unsigned call_count;                             // of calls
    unsigned session_count;                          // in the table
    uint64_t generation;                             // last one given to a session
    struct egress_notice *notices;                   // webhooks under way
    unsigned notice_count;                           // of notices
    struct egress_sent *delayed;                     // to be repeated later
    struct egress_call *blocked;                     // whose answers found a full link
    uv_timer_t tick;                                 // while delayed or blocked are not empty
    uv_timer_t sweep;                                // of sessions
    unsigned handles;                                // of the loop, not closed yet
    bool draining;                                   // no new calls
    bool stopping;                                   // all calls are being dropped
};

// calls.c: the table, the life of a call.
struct egress_call *egress_call_find(struct egress *e, uint64_t number);
// Begins a call whose message was taken over (arena, texts, work). Owns the call.
void egress_call_begin(struct egress_call *call, uint32_t deadline_ms);
// NULL when out of memory. In the table, its timer is ready.
struct egress_call *egress_call_create(struct egress *e, uint64_t number);
// Goes on where it stands: sends what may be sent, ends when the run is done.
void egress_call_pump(struct egress_call *call);
// Decides the call; what it still does at the source is cancelled.
void egress_call_decide(struct egress_call *call, const struct egress_verdict *verdict);
void egress_call_fail(struct egress_call *call, enum fp_error error, const char *reason);
// NOTED, or its time-out.
void egress_call_noted(struct egress_call *call);
// The client went away: the work ends, the vault is told.
void egress_call_abandon(struct egress_call *call);
// Nothing is answered any more; freed in the loop's next turn.
void egress_call_drop(struct egress_call *call);
// For every call; each() may drop any of them.
void egress_calls_each(struct egress *e, void (*each)(struct egress_call *call));

// source.c: requests to the source.
// Sends one more request, if the run has one and there is room. false: nothing to send now.
bool egress_source_send(struct egress_call *call);
void egress_source_cancel(struct egress_call *call);
// Begins again what waits in egress->delayed and is due.
void egress_source_resume(struct egress *e);

// session.c: shared log-ins.
enum egress_way { WAY_LOG_IN, WAY_USE, WAY_WAIT, WAY_REJECTED };
enum egress_way egress_session_ask(struct egress_call *call, struct bytes *session_out);
// The call has logged in: keep the session, wake those who wait.
void egress_session_gained(struct egress_call *call, struct bytes session);
// The call takes no part any more. If it was to log in: with an error of the source, those who wait
// share it (verdict); with verdict NULL the next one logs in.
void egress_session_leave(struct egress_call *call, const struct egress_verdict *verdict);
void egress_session_forget(struct egress *e, struct bytes connection);
void egress_session_sweep(struct egress *e, bool all);

// answer.c: what goes to the other rooms.
void egress_answer_outcome(struct egress_call *call);
// The answer of a change to the vault, for repetitions; true: NOTED will come.
bool egress_answer_keep(struct egress_call *call);
// Begins the answer of a decided call; drops the call when all of it has left.
void egress_answer_begin(struct egress_call *call);
// Sends what credit and link allow.
void egress_answer_go_on(struct egress_call *call);
// To a call that is not taken over at all.
void egress_answer_refuse(struct egress *e, const struct link_execute *in, enum fp_error error);
void egress_answer_unverified(struct egress *e, uint64_t call, enum fp_error error);
void egress_tick_start(struct egress *e);

// messages.c: from frames to calls.
void egress_on_execute(struct egress *e, struct bytes body);
void egress_on_verify(struct egress *e, struct bytes body);

// notify.c: webhooks.
void egress_on_notify(struct egress *e, struct bytes body);
// false: it is not under way.
bool egress_notify_stop(struct egress *e, uint64_t number);
// Drops all that are under way; the vault sends them again.
void egress_notify_end(struct egress *e);

// platforms.c: GET /api/system/platforms.
void egress_platforms(struct egress_call *call);
// PLATFORMS_ASK: answers the vault.
void egress_on_platforms(struct egress *e, struct bytes body);

#endif
