// What the files of the registry share: its state and the job, one operation on its way through
// audit log and store.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REGISTRY_INT_H
#define FP_REGISTRY_REGISTRY_INT_H

#include "base/arena.h"
#include "base/json_out.h"
#include "registry/registry.h"

#define JOB_RECORDS 8 // audit records of one attempt

struct usage_entry {
    char id[ID_TEXT]; // connection or token; empty: free
    int64_t used_ms;  // last use, wall clock
};

// How far the replacement of a customer's data key is.
struct key_progress {
    char customer[ID_TEXT];    // whose
    uint32_t version;          // the new one
    uint64_t connections;      // of the customer
    uint64_t connections_done; // of them looked at
    uint64_t resealed;         // records sealed anew
    uint64_t unopened;         // records that no key opens: left as they are
    enum fp_error ended;       // once it is over: how
};

// How far the replacement of the master key is.
struct master_progress {
    struct key_id from, to; // master keys
    uint64_t keys;          // data keys there are
    uint64_t keys_done;     // of them looked at
    uint64_t rewrapped;     // by this process
    bool was_done;          // the store belonged to it already
    bool known;             // there was one
    enum fp_error ended;    // once it is over: how
};

// A place in the list of data keys.
struct key_cursor {
    char customer[ID_TEXT]; // last one looked at; "": before the first
    uint32_t version;       // of its key
};

// Failures to sign in, of one account or address.
struct sign_in_failures {
    uint32_t who;    // hash of its name; 0: free
    unsigned count;  // in a row
    int64_t next_ms; // no attempt before, wall clock
};

// All that are remembered, by hash with short probes.
struct sign_in_table {
    struct sign_in_failures list[FP_LIMIT_SIGN_IN_KNOWN]; // places
};

struct registry {
    struct registry_parts parts;                        // borrowed
    uint64_t epoch;                                     // written changes of rights
    size_t under_way;                                   // jobs
    void (*changed)(void *ctx, const char *connection); // may be NULL
    void *changed_ctx;                                  // for it
    struct usage_entry usage[FP_LIMIT_USAGE_ENTRIES];   // by hash, short probes
    int64_t refusal_second;                             // of the throttle
    unsigned refusals;                                  // recorded in that second
    uint64_t refusals_left_out;                         // since the last one recorded
    char sweep_after[ID_TEXT];                          // cursor of registry_sweep()
    char sweep_links_after[STORE_LINK_KINDS][ID_TEXT];  // cursors over connect links, by kind
    struct replay *proofs;                              // jti of DPoP proofs; NULL: none yet
    int64_t started_s;                                  // wall clock, when it was created
    char due_after[ID_TEXT];                            // cursor of registry_deliveries_due()
    bool sweeping;                                      // a batch of it is under way
    struct registry_job *erasing;                       // jobs that erase a customer each
    struct registry_job *rotating;                      // jobs that replace a data key each
    struct key_progress rotated;                        // the last one that ended
    struct registry_job *rewrapping;                    // replaces the master key
    struct master_progress rewrapped;                   // how far it is, or how the last one ended
    bool rewrap_resume;                                 // one was interrupted
    struct key_cursor rotate_left;                      // of those that were interrupted
    struct key_cursor rotate_due;                       // of those that are due
    bool rotate_resume;                                 // there may be interrupted ones
    int64_t rotate_not_before_ms;                       // wall clock; after a failure
    int64_t rotate_look_ms;                             // when to look for due ones again
    bool stopping;                                      // long jobs end at their next slice
    struct sign_in_table sign_ins;                      // who guesses passwords
};

struct registry_job;

struct job_forgotten {
    struct job_forgotten *next; // in the same attempt
    char connection[ID_TEXT];   // whose sessions must go
};

// Fills records, batch and outputs of one attempt; may run again when the store says that somebody
// was faster. Its inputs lie in job->input.
typedef enum fp_error job_build(struct registry_job *job);

struct registry_job {
    struct registry *registry;                // whose
    struct arena *arena;                      // inputs; wiped at the end
    struct arena *scratch;                    // of one attempt; wiped
    struct registry_caller caller;            // in the arena
    job_build *build;                         // what to do
    void *input;                              // for it, in the arena
    registry_done *done;                      // tells the caller
    void *ctx;                                // for it
    struct audit_record records[JOB_RECORDS]; // written before anything else
    unsigned record_count;                    // of records
    unsigned records_open;                    // handed to the audit log, not back yet
    struct store_batch *batch;                // then written; NULL: nothing
    struct buf body;                          // answer
    struct buf detail;                        // about a failure
    struct buf errors;                        // rows of wrong fields
    char application[ID_TEXT];                // concerned
    char connection[ID_TEXT];                 // concerned
    char fresh_customer[ID_TEXT];             // whose key was made in this attempt
    enum fp_error failure;                    // of a record
    enum fp_error verdict;                    // told once all is written, where it is not FP_OK
    unsigned attempts;                        // so far
    struct job_forgotten *forgotten;          // connections whose sessions must go, in scratch
    bool rights;                              // the change may end somebody's right
    bool again;                               // more slices follow: build once more
    uint64_t record_seq;                      // number of the last record of the slice before
    char erasing[ID_TEXT];                    // customer that this job erases; "": none
    struct registry_job *next_erasing;        // in the registry's list
    void (*ended)(struct registry_job *job, enum fp_error error); // before done; NULL: none
    struct registry_job *next_rotating;                           // in the registry's list
    int64_t now_ms;                                               // wall clock of this attempt
    unsigned cookie;                                              // enum console_cookie
    struct bytes session;                                         // for the cookie, in the arena
};

// NULL when out of memory: done was then called with FP_E_NO_MEMORY.
struct registry_job *job_create(struct registry *registry, const struct registry_caller *caller,
                                registry_done *done, void *ctx);
// Takes a field of the input over into the job's arena; a failure shows in job_run().
void job_keep(struct registry_job *job, struct bytes *field);
// In the job's arena, zeroed; NULL when out of memory.
void *job_input(struct registry_job *job, size_t size);
// Runs it; done will be called. A NULL job is taken (its done was called already).
void job_run(struct registry_job *job, job_build *build);
// Adds a record with the job's caller, application and connection filled in; the caller completes
// it. Beyond JOB_RECORDS a bug.
struct audit_record *job_record(struct registry_job *job, enum audit_action action);
// The batch of this attempt, made at first need; NULL when out of memory.
struct store_batch *job_batch(struct registry_job *job);
// Once written, sessions of that connection must go.
enum fp_error job_forget(struct registry_job *job, const char *connection);
// From now to the end of the job nothing is made for that customer. FP_E_CUSTOMER_ERASED when
// another job does it already.
enum fp_error job_erase(struct registry_job *job, const char *customer);
// FP_E_CUSTOMER_ERASED for a customer that is erased or about to be, so that nothing new is sealed
// for it.
enum fp_error registry_customer_lives(const struct registry *registry,
                                      const struct store_customer *customer);
// Calls done at once with what stands in the body, and never again: for a job that goes on for
// longer than anybody waits.
void job_tell(struct registry_job *job);
// One row of `errors`; returns FP_E_FIELD_INVALID.
enum fp_error job_field(struct registry_job *job, const char *field, const char *message);
// Keeps the answer's size and the buffers' failures in one place.
enum fp_error job_outputs_error(const struct registry_job *job);

// A record that nothing waits for, of something refused; so many a second at most.
void registry_record_refusal(struct registry *registry, const struct audit_record *record,
                             int64_t now_ms);

#endif
