// What the files of the vault room share: its state, and the calls it works on.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_VAULT_VAULT_INT_H
#define FP_VAULT_VAULT_INT_H

#include "base/worker.h"
#include "registry/check.h"
#include "registry/installation.h"
#include "room/room.h"

#define SEAL_TRIED    64   // refused attempts that get a record of their own
#define VAULT_BUCKETS 4096 // of the table of calls, a power of two

// Numbers that the vault gives itself, on the link to egress; the gateway's stay below.
#define VAULT_OWN_CALL (UINT64_C(1) << 63)

// Where a call is. Every stage has a deadline.
enum call_stage {
    CALL_RECORDING,   // the record of the credential's use is under way to the disk
    CALL_AT_EGRESS,   // handed over; egress answers the gateway, we wait for the OUTCOME
    CALL_JUDGING,     // what the OUTCOME says is under way to the disk
    CALL_IN_REGISTRY, // the registry works and calls back
    CALL_VERIFYING,   // egress tries a credential
    CALL_NOTIFYING,   // egress delivers a webhook
    CALL_NOTING       // what came of that is under way to the disk
};

struct vault;
struct control_peer;
struct repeat;

struct call {
    struct call *next;                        // in its bucket
    struct call *older, *newer;               // in the list of all, by age
    struct vault *vault;                      // back
    uint64_t number;                          // on the link to egress
    bool listed;                              // in its bucket: else nobody asks for it any more
    enum call_stage stage;                    // see above
    unsigned pending;                         // callbacks that still hold a pointer to it
    uint64_t deadline_ns;                     // monotonic; then it is answered and let go
    struct control_peer *peer;                // asked at the command line; NULL: by the gateway
    uint64_t peer_call;                       // its number there, or with the console
    bool console;                             // asked by the dashboard
    bool writes;                              // it may change a record of the source
    bool rejected;                            // OUTCOME was CREDENTIALS_REJECTED: NOTED is owed
    char request_id[FP_LIMIT_REQUEST_ID + 1]; // for records
    char application[ID_TEXT];                // concerned, for the log line
    char connection[ID_TEXT];                 // concerned, for the log line
    char webhook[ID_TEXT];                    // of a delivery, which request_id names
    uint32_t credential_version;              // handed over
    uint32_t state;                           // of the connection when it was checked
    struct held *held;                        // request and identity until the hand-over; wiped
    struct repeat *repeat;                    // of an Idempotency-Key; owned; NULL: none
    bool settled;                             // the store knows what became of it, or will
};

// What is needed only until a call is handed over.
struct held {
    struct registry_identity identity; // who asks
    enum link_number number;           // which message
    struct store_connect_link *link;   // of a CONNECT_SEND; owned
    struct secret opened;              // of a CONNECT_SEND: what its seal held
    size_t size;                       // bytes of this struct and the frame
    size_t length;                     // of the frame's body
    uint8_t frame[];                   // the frame's body, with its token and credentials
};

struct control_peer {
    struct control_peer *next; // of all
    struct vault *vault;       // back
    struct link *link;         // owned
    uv_poll_t poll;            // of its descriptor
    unsigned uid;              // of the process at the other end
    uint64_t used_ns;          // last question, monotonic
    bool closing;              // uv_close() was called
};

// An attempt to unseal that was refused; recorded once the audit log is open.
struct seal_tried {
    int64_t time_ms;      // wall clock
    unsigned uid;         // of the process that tried
    enum fp_error result; // why not
};

// With a source that asks for a passphrase; zeroed otherwise.
struct vault_seal {
    const struct master_source *source;  // of the configuration
    bool closed;                         // sealed: nothing of `in` is open
    struct secret text;                  // of the key file, while sealed
    struct worker *worker;               // Argon2id takes its time; NULL: the source does not ask
    uv_poll_t poll;                      // of the worker
    bool trying;                         // an attempt is under way
    unsigned failures;                   // wrong passphrases in a row
    uint64_t next_ns;                    // no attempt before, monotonic
    struct seal_tried tried[SEAL_TRIED]; // refused so far
    size_t tried_count;                  // of tried
    uint64_t tried_total;                // with those that did not fit
};

struct vault {
    struct room *room;                               // ours
    int master_fd;                                   // until start()
    int next_fd;                                     // of the key that replaces it; -1: none
    int anchor_fd, syslog_fd;                        // for checkpoints; -1: none
    int control_fd;                                  // listener; -1: none
    unsigned owner_uid;                              // of the data directory
    struct vault_seal seal;                          // whether that is closed
    struct worker *console_worker;                   // passwords and searches of the dashboard
    uv_poll_t console_poll;                          // of it
    struct installation in;                          // keys, store, audit log, registry
    uv_poll_t audit_poll, store_poll, control_poll;  // callbacks that wait
    uv_prepare_t turn_end;                           // before the loop sleeps
    uv_timer_t tick;                                 // deadlines, flushes, sweeps
    unsigned handles;                                // open ones of the loop
    struct call *buckets[VAULT_BUCKETS];             // calls by number
    struct call *oldest, *newest;                    // all calls
    size_t calls;                                    // how many
    size_t verifying;                                // credentials being tried
    struct call *hooks[FP_LIMIT_WEBHOOKS_IN_FLIGHT]; // deliveries under way; NULL: free
    uint64_t last_number;                            // VAULT_OWN_CALL numbers given out
    struct control_peer *peers;                      // command lines
    size_t peer_count;                               // of peers
    struct arena *arena;                             // of the frame in hand; wiped
    struct buf body, detail, errors;                 // of the frame in hand
    uint64_t ticks;                                  // since start
    int64_t began_ms;                                // this room, wall clock
    bool reading;                                    // one read of the store for a whole turn
    bool store_away;                                 // the database cannot be reached
    bool store_told;                                 // the gateway heard of it once
    bool audit_bad;                                  // as it was logged last
    uint64_t anchors_lost;                           // the same
    bool draining;                                   // nothing new
    bool closing;                                    // close() runs or ran
};

// ---- calls.c: the table
// NULL: out of memory, or too many. The call is in the table.
struct call *call_open(struct vault *v, uint64_t number, uint32_t within_ms);
struct call *call_find(struct vault *v, uint64_t number);
uint64_t call_own_number(struct vault *v);
// Keeps a copy of the frame; false when out of memory.
bool call_hold(struct call *call, const struct link_frame *frame,
               const struct registry_identity *identity);
struct bytes call_frame(const struct call *call);
// Wipes what is held.
void call_release(struct call *call);
// Tells egress to stop working on it, where egress has it.
void call_stop(struct call *call);
// Nobody waits for it any more: out of its bucket; gone as soon as no callback holds it.
void call_abandon(struct call *call);
// One callback came back.
void call_returned(struct call *call);
void call_set_texts(struct call *call, struct bytes request_id, const char *application,
                    const char *connection);
// All calls of the gateway, all handed over to egress, all of one command line.
void calls_gateway_lost(struct vault *v);
void calls_egress_lost(struct vault *v);
void calls_peer_lost(struct vault *v, const struct control_peer *peer);
// Answers and lets go what is over its time.
void calls_expire(struct vault *v, uint64_t now_ns);

// ---- answer.c: to whoever asked
struct answer {
    enum fp_error error;     // FP_OK: body
    struct bytes body;       // JSON
    struct bytes detail;     // JSON object or empty
    struct bytes errors;     // JSON array or empty
    const char *application; // id or ""
    const char *connection;  // id or ""
    struct bytes etag;       // of body, where replayed
    bool replayed;           // the answer of an earlier request
};
// To the gateway, for a call that is in no table.
void answer_gateway(struct vault *v, uint64_t number, const struct answer *answer);
// To whoever asked for the call, which is then abandoned.
void answer_call(struct call *call, const struct answer *answer);
void answer_error(struct call *call, enum fp_error error);
// registry_done for calls: ctx is the call.
void answer_registry(void *ctx, const struct registry_result *result);
// A link was used in a way that link.def does not allow: ends the room.
_Noreturn void vault_broken_rule(const struct vault *v, const char *what);

// ---- call.c, connect.c, outcome.c: handlers of frames
void vault_on_call(struct vault *v, const struct link_frame *frame);
void vault_on_token_request(struct vault *v, const struct link_frame *frame);
void vault_on_authorize(struct vault *v, const struct link_frame *frame);
void vault_on_connection_create(struct vault *v, const struct link_frame *frame);
void vault_on_connect_open(struct vault *v, const struct link_frame *frame);
void vault_on_connect_send(struct vault *v, const struct link_frame *frame);
void vault_on_connect_link_create(struct vault *v, const struct link_frame *frame);
void vault_on_metadata_set(struct vault *v, const struct link_frame *frame);
void vault_on_cancel(struct vault *v, const struct link_frame *frame);
// The record of the credential's use for a held CALL, then the hand-over.
void call_audit(struct call *call);
void vault_on_outcome(struct vault *v, const struct link_frame *frame);
void vault_on_verified(struct vault *v, const struct link_frame *frame);
// Tells egress that its answer may go out.
void outcome_noted(struct vault *v, uint64_t number);
// A held CONNECT_SEND is planned, counted, recorded and tried.
void connect_start(struct call *call);
void connect_refuse(struct call *call, enum fp_error error);
// A call of the gateway that the registry will work on; NULL: it was answered, we are too busy.
struct call *call_begin(struct vault *v, uint64_t number, struct bytes request_id,
                        const struct registry_identity *identity);
// Checks a token for a frame in hand: writes the identity, or answers and returns false.
struct asked {
    uint64_t number;           // of the call
    struct bytes token;        // as shown
    enum token_kind kind;      // needed
    struct bytes request_id;   // for the record
    struct bytes address;      // for the record
    unsigned fault;            // found by the gateway
    struct bytes fault_detail; // rows for `errors`
    struct bytes possession;   // what the caller proved besides
};
bool vault_admit(struct vault *v, const struct asked *asked, struct registry_identity *out);
// CONNECTION_ADD of a command line. FP_E_MESSAGE_INVALID when it does not decode.
enum fp_error vault_on_connection_add(struct control_peer *peer, const struct link_frame *frame);

// ---- hooks.c: webhooks
// Starts what is due.
void hooks_tick(struct vault *v);
// Stops what is under way; it is sent again after the next start.
void hooks_drain(struct vault *v);
// An attempt that nobody reports any more: noted as failed.
void hooks_lost(struct call *call, enum fp_error error);
// The call goes: its place is free.
void hooks_forget(struct call *call);
void vault_on_notified(struct vault *v, const struct link_frame *frame);
void vault_on_webhook_create(struct vault *v, const struct link_frame *frame);

// ---- repeat.c: changes with an Idempotency-Key
// A held CALL with a key: answered as it was before, or on its way to call_audit().
void vault_repeat_start(struct call *call, const struct link_call *in,
                        const struct registry_identity *identity);
// The call is over. changed: the source may have changed something, and no answer was kept.
void vault_repeat_end(struct call *call, bool changed);
void vault_on_keep(struct vault *v, const struct link_frame *frame);

// ---- control.c: the control socket
void control_listen(struct vault *v);
// The whole answer to a question that is in no table.
void control_reply(struct control_peer *peer, uint64_t peer_call, const struct answer *answer);
// A call with a number of our own for a question; NULL: it was answered, we are too busy.
struct call *control_open_call(struct control_peer *peer, uint64_t peer_call);
void control_answer(struct call *call, const struct answer *answer);
void control_tick(struct vault *v, uint64_t now_ns);
void control_close_all(struct vault *v);

// ---- seal.c: sealed and unsealed
// With a source that asks: reads the key file and waits for a passphrase. FP_E_KEY_INVALID.
enum fp_error seal_begin(struct vault *v, struct fp_note *note);
// Ends the worker; what it does is finished first.
void seal_close(struct vault *v);
// Tells the gateway whether calls can be answered.
void seal_tell_gateway(struct vault *v);
// Answers SEALED to a message of the gateway.
void seal_refuse_gateway(struct vault *v, const struct link_frame *frame);
// UNSEAL and SEAL of a command line. FP_E_MESSAGE_INVALID when it does not decode.
enum fp_error seal_on_control(struct control_peer *peer, const struct link_frame *frame);

// ---- console.c: the dashboard
// The thread, where there is a dashboard.
enum fp_error console_begin(struct vault *v);
// Ends it; what it does is finished first.
void console_end(struct vault *v);
void vault_on_console(struct vault *v, const struct link_frame *frame);
// PLATFORMS_TOLD of egress.
void vault_on_platforms(struct vault *v, const struct link_frame *frame);
// To a call with `console`.
void console_answer(struct call *call, const struct answer *answer);
void calls_console_lost(struct vault *v);

// ---- vault.c
// Opens store, audit log and registry with a master key, and the one that replaces it (NULL: none);
// both are taken over. Nothing is open after a failure.
enum fp_error vault_unlock(struct vault *v, struct master_key *master, struct master_key *next,
                           struct fp_note *note);
// Calls callback in the loop when fd is readable.
enum fp_error vault_poll(struct vault *v, uv_poll_t *poll, int fd, uv_poll_cb callback);
// After a call went: a drain may be over.
void vault_check_drained(struct vault *v);
// One handle of the loop is closed; the last one ends the vault.
void vault_handle_gone(struct vault *v);

#endif
