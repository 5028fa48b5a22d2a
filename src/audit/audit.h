// The audit log: lines of JSON, chained by SHA-256, signed in checkpoints. Audit or fail: a record
// is durable when its callback says FP_OK; otherwise the caller must not do what it wanted to
// record. One writer thread appends whatever waits and syncs once (group commit).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_H
#define FP_AUDIT_AUDIT_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/note.h"
#include "keys/keyring.h"

#define AUDIT_HASH 32

// What happened: rows in audit_actions.def.
enum audit_action {
#define AUDIT_ACTION(symbol, text, what) AUDIT_##symbol,
#include "audit/audit_actions.def"
#undef AUDIT_ACTION
    AUDIT_ACTION_COUNT
};

enum audit_actor {
    AUDIT_BY_SYSTEM,      // the server itself
    AUDIT_BY_APPLICATION, // an application, by its token or secret; actor_id its id
    AUDIT_BY_CONNECTION,  // the holder of a connection's token; actor_id the connection
    AUDIT_BY_OPERATOR,    // a person of the hosting company
    AUDIT_BY_COMMAND,     // the command line on this machine; actor_id the user's name
    AUDIT_BY_CUSTOMER,    // whoever holds a connect link; actor_id the link's
    AUDIT_BY_UNKNOWN      // a caller whose token is none
};

// All texts are copied by audit_append(); empty where they do not apply. No secret in any.
struct audit_record {
    enum audit_action action; // what
    enum audit_actor actor;   // who
    struct bytes actor_id;    // who, by id or name
    struct bytes customer;    // whose data
    struct bytes application; // through which application
    struct bytes connection;  // which connection
    struct bytes token;       // the token's id, never the token
    struct bytes request_id;  // as in X-Request-Id and the log line
    struct bytes address;     // caller's address
    enum fp_error result;     // FP_OK or why not
    struct bytes detail;      // JSON object, at most FP_LIMIT_AUDIT_DETAIL; empty: none
    int64_t time_ms;          // wall clock; 0: now
};

struct audit;
struct audit_signer; // audit_signer.h

struct audit_options {
    const char *dir;                   // folder of the log; made by init
    const struct audit_signer *signer; // signs checkpoints; borrowed, must outlive the log
    // The store's generation, called on the writer's thread: signed with each checkpoint, so that a
    // store that was rolled back shows. NULL: 0 is signed.
    uint64_t (*generation)(void *ctx);
    void *generation_ctx;        // its argument
    uint64_t segment_bytes;      // 0: FP_LIMIT_AUDIT_SEGMENT
    uint32_t checkpoint_records; // 0: FP_LIMIT_AUDIT_CHECKPOINT_RECORDS
    uint32_t checkpoint_ms;      // 0: FP_LIMIT_AUDIT_CHECKPOINT_TIME
};

typedef void audit_done(void *ctx, enum fp_error result);

// Before the sandbox closes: opens the folder and its last file, checks that file's chain, cuts an
// unfinished last line off (and records that), starts the writer thread. Needs afterwards: openat
// below dir, write, fdatasync, fstat, ftruncate, futex. FP_E_AUDIT_BROKEN with a note when the
// chain does not hold, FP_E_IO_FAILED, FP_E_NO_MEMORY.
enum fp_error audit_open(const struct audit_options *options, struct audit **out,
                         struct fp_note *note);
// Writes what waits and a last checkpoint, ends the thread, runs the remaining callbacks. Takes
// NULL.
void audit_close(struct audit *audit);

// Each checkpoint's line is written to these descriptors too, from now on: a file that is appended
// to, a socket of the system log (tag: words in front of it; NULL: none). Copies of theirs are
// taken. A failure refuses nothing; it is counted in the health. FP_E_LIMIT_EXCEEDED beyond
// AUDIT_ANCHORS.
#define AUDIT_ANCHORS 2
enum fp_error audit_anchor(struct audit *audit, int fd, const char *tag);

// Hands a record over; done(ctx, FP_OK) is called by audit_dispatch() on the caller's thread once
// it is on disk, done(ctx, FP_E_AUDIT_UNAVAILABLE) when it could not be written. Callbacks come in
// the order of the records. done may be NULL. Returns at once: FP_E_AUDIT_UNAVAILABLE (queue full),
// FP_E_NO_MEMORY, FP_E_INPUT_INVALID (a text too long, detail no object); done is then not called.
enum fp_error audit_append(struct audit *audit, const struct audit_record *record, audit_done *done,
                           void *ctx);
// The same, waiting: for the command line and start-up.
enum fp_error audit_append_wait(struct audit *audit, const struct audit_record *record);
// Within a callback: the number of the record that it is about; 0: it was not written.
uint64_t audit_done_seq(const struct audit *audit);
// Who signs the log, for other statements that are to be checked with the same public key.
// Borrowed.
const struct audit_signer *audit_signer_of(const struct audit *audit);
// Readable when audit_dispatch() has something to do.
int audit_event_fd(const struct audit *audit);
void audit_dispatch(struct audit *audit);
// Blocks until nothing waits, running callbacks.
void audit_wait(struct audit *audit);

struct audit_health {
    enum fp_error state;           // FP_OK, or FP_E_AUDIT_UNAVAILABLE since the last failed write
    int os_error;                  // errno of that failure, 0: none
    uint64_t records;              // written since start
    uint64_t refused;              // not written since start
    uint64_t syncs;                // fdatasync calls since start: records / syncs is the group size
    uint64_t last_seq;             // number of the newest record on disk
    uint8_t last_hash[AUDIT_HASH]; // its hash
    uint64_t checkpoint_seq;       // number of the newest record under a signature
    int64_t checkpoint_ms;         // when that was, wall clock; 0: before this start
    uint64_t checkpoint_generation; // the store's generation that it names
    uint64_t anchors;               // checkpoints copied elsewhere since start
    uint64_t anchors_lost;          // of which a copy could not be written
};
// Any thread, any time.
struct audit_health audit_health(struct audit *audit);
// While the state is bad: tries to write again (a record of the gap), without waiting for a caller.
// For a timer of the room.
void audit_probe(struct audit *audit);

const char *audit_action_text(enum audit_action action); // "credential.use"
const char *audit_actor_text(enum audit_actor actor);    // "application"

#endif
