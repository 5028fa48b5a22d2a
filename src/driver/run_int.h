// The inside of a run, shared by the files of this folder only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_DRIVER_RUN_INT_H
#define FP_DRIVER_RUN_INT_H

#include "base/limits.h"
#include "driver/driver.h"
#include "mapping/apply.h"
#include "mapping/filter.h"

#include <yyjson.h>

#define RUN_MISSING  48                    // fields that an installation may lack
#define RUN_PARALLEL 8                     // requests of one run under way at once
#define RUN_HEADERS  (MAPPING_HEADERS + 3) // those of the definition, and what a driver adds
#define RUN_ETAG     32                    // bytes of W/"…" and a NUL

enum run_phase {
    RUN_SESSION, // waits until it is told to log in, or given another's session
    RUN_LOGIN,   // step by step
    RUN_FINDS,   // what a new record needs from the source
    RUN_BEFORE,  // the record before it is changed
    RUN_WRITE,   // it is made or changed: once
    RUN_PARENTS, // parents of a nested list
    RUN_COUNTS,  // of each parent
    RUN_READ,    // records, and their number
    RUN_DONE
};

enum slot_purpose {
    SLOT_FOR_LOGIN,
    SLOT_FOR_FIND,
    SLOT_FOR_WRITE, // never sent twice
    SLOT_FOR_PARENTS,
    SLOT_FOR_COUNT,
    SLOT_FOR_READ
};

// One request to the source.
struct driver_slot {
    unsigned number;                           // names it; never used twice in a run
    enum slot_purpose purpose;                 // what it is for
    const struct mapping_resource *resource;   // whose object; NULL while logging in
    const struct mapping_call *call;           // method and parameters
    unsigned parent;                           // index into parents
    uint64_t offset;                           // records to skip
    uint64_t limit;                            // records to return
    uint64_t skip;                             // rows of the answer that are passed over
    uint64_t page;                             // plain HTTP: number of the page
    struct bytes cursor;                       // plain HTTP: where the page begins; a cursor,
                                               // or the address of the page
    struct bytes next;                         // of the answer: where the next page begins
    struct bytes located;                      // of the answer: key in a header
    uint64_t total;                            // of the answer, where total_known
    bool total_known;                          // the answer says how many records there are
    struct client_header headers[RUN_HEADERS]; // as sent
    struct client_request request;             // as given out
    bool given;                                // driver_next() gave it out
    bool answered;                             // result is there
    yyjson_doc *doc;                           // the answer; owned
    yyjson_val *result;                        // in doc
};

// A value that the session keeps, or a credential.
struct run_value {
    struct bytes bytes; // text, or JSON
    bool json;          // which of both
    bool set;           // there is a value
};

// A field that a source of this version or with these modules does not have.
struct run_missing {
    struct bytes object; // "product.product"
    struct bytes name;   // "boms"
};

// A list that is read page by page, one after the other.
struct run_walk {
    uint64_t from;                          // first record that the client gets
    uint64_t to;                            // behind the last
    uint64_t at;                            // first record of the next page
    uint64_t size;                          // records per page
    uint64_t page;                          // number of the next page
    uint64_t last;                          // rows of the page before
    uint64_t hashes[FP_LIMIT_SOURCE_PAGES]; // of the keys of each page
    struct bytes cursor;                    // of the next page
    unsigned pages;                         // read so far
    bool counts;                            // answers say how many records there are
};

struct driver_run {
    struct driver_call call;                           // what is to be done
    const struct driver_ops *ops;                      // how calls look on the wire
    const struct mapping_resource *resource;           // NULL for verify and statuses
    struct arena *arena;                               // of the run: sensitive
    enum run_phase phase;                              // where it stands
    unsigned step;                                     // of the log-in
    bool fresh;                                        // the next refusal of a session counts
    struct run_value credentials[MAPPING_CREDENTIALS]; // as typed
    struct run_value kept[MAPPING_KEPT];               // of the session
    struct mapping_clauses clauses;                    // of the query or the key
    struct buf order;                                  // JSON array
    struct driver_slot **slots;                        // of the phase
    unsigned slot_count;                               // of slots
    yyjson_doc *parents_doc;                           // owned: parents live in it
    yyjson_val *parents;                               // array; NULL for none
    struct run_missing missing[RUN_MISSING];           // fields that this installation lacks
    struct bytes lacking;                              // name in the error that was judged last
    unsigned missing_count;                            // of missing
    yyjson_val *sent;                                  // body of a write; in the arena
    struct buf record;                                 // of a write: JSON for the source
    struct bytes target;                               // key of the object that is written, where
                                                       // it is not the record itself
    bool written;                                      // the source has confirmed the write
    struct run_walk *walk;                             // plain HTTP: of a list; in the arena
    struct mapping_hints hints;                        // where the rows' members lie
    uint64_t total;                                    // records over all pages
    unsigned numbers;                                  // requests made so far
    struct buf body;                                   // answer for the client
    struct buf detail;                                 // JSON object
    struct buf errors;                                 // inside of a JSON array
    struct json_out errors_out;                        // writes into errors
    char etag[RUN_ETAG];                               // of the answer; "": none
    struct driver_result result;                       // when done
    yyjson_alc sensitive_alc;                          // memory of the arena for log-ins
};

// What one kind of wire does: a driver. Requests are finished by it, answers opened.
struct driver_ops {
    const char *name; // as in definitions: "jsonrpc"
    bool http;        // plain HTTP: statuses mean what they say, lists are read page by page
    // Fills slot->request from slot->call. FP_E_NO_MEMORY, FP_E_SOURCE_SETTINGS_INVALID.
    enum fp_error (*prepare)(struct driver_run *run, struct driver_slot *slot);
    // Finds the result in an HTTP answer and judges it. FP_OK: slot->result is set.
    enum fp_error (*open)(struct driver_run *run, struct driver_slot *slot,
                          struct client_answer *answer, enum mapping_verdict *verdict_out);
};

extern const struct driver_ops driver_jsonrpc;
extern const struct driver_ops driver_rest;

// -- run.c: phases and slots
// Ends the run with an error; the first one counts.
void run__fail(struct driver_run *run, enum fp_error error);
// The same with a sentence for `details`, and the source's own words, which are cut and cleaned.
void run__fail_with(struct driver_run *run, enum fp_error error, const char *message,
                    struct bytes source_text);
struct driver_slot *run__slot_add(struct driver_run *run, enum slot_purpose purpose);
// Frees the answers of the phase.
void run__slots_clear(struct driver_run *run);
bool run__slots_answered(const struct driver_run *run);
// -- login.c
void run__login_begin(struct driver_run *run);
// Stops until driver_log_in() or driver_use_session().
void run__session_wait(struct driver_run *run);
void run__login_answered(struct driver_run *run, struct driver_slot *slot);
// Takes over a session of an earlier run; false: it does not fit.
bool run__session_load(struct driver_run *run, struct bytes session);
void run__session_save(struct driver_run *run);
// -- write.c
// The body checked and translated; false: the run has ended, without a call.
bool run__write_prepare(struct driver_run *run);
// Goes on with a session: the write, once; then, and in all other runs, reading.
void run__begin(struct driver_run *run);
// All requests of the phase are answered.
void run__answered(struct driver_run *run);
// Ends a run whose write may have been carried out or not.
void run__write_unknown(struct driver_run *run, const char *reason);
// Judges what only a write can meet; false: as for every other call.
bool run__write_verdict(struct driver_run *run, const struct driver_slot *slot,
                        enum mapping_verdict verdict, unsigned status);
// -- read.c
// One record, not a list: also what a write answers with.
bool run__is_item(const struct driver_run *run);
// Filters, key and order in the source's words; false: the run has ended, without a call.
bool run__read_prepare(struct driver_run *run);
void run__read_begin(struct driver_run *run);
void run__read_answered(struct driver_run *run);
// How one record is read.
const struct mapping_call *run__item_call(const struct mapping_resource *r);
// The record that was asked for; NULL: the source has none.
yyjson_val *run__row(const struct driver_run *run, const struct driver_slot *slot);
// -- walk.c: lists over plain HTTP
void run__walk_begin(struct driver_run *run);
void run__walk_answered(struct driver_run *run, struct driver_slot *slot);
// -- address.c: what a request over plain HTTP is made of
enum fp_error run__address(struct driver_run *run, struct driver_slot *slot, struct bytes *out);
// The body by the call's template; empty where there is none.
enum fp_error run__http_body(struct driver_run *run, struct driver_slot *slot, struct bytes *out);
// The address of the next page, which must lie at the same origin; false: the run has ended.
bool run__next_address(struct driver_run *run, const struct driver_slot *slot, struct bytes link,
                       struct bytes *out);
// -- open.c
// An answer's document; NULL where the body is no JSON within the limits.
yyjson_doc *run__parse(struct driver_run *run, const struct driver_slot *slot,
                       struct client_answer *answer);
// An answer that cannot be understood: ends the run. After a write nobody knows what it did.
enum fp_error run__unclear(struct driver_run *run, const struct driver_slot *slot,
                           const char *reason);
// -- condition.c: which version of a record or a list this is
// The tag of what is answered; empty where there is none.
struct bytes run__etag(struct driver_run *run, struct bytes body);
// Whether the record as it is before an update is the one that If-Match names; false: the run has
// ended.
bool run__condition_holds(struct driver_run *run, yyjson_val *row);
// -- answer.c: the JSON for the client
// One record in its envelope, as it is answered; false: the run has ended.
bool run__answer_record(struct driver_run *run, const struct driver_slot *slot, yyjson_val *row,
                        struct buf *out);
void run__answer_list(struct driver_run *run);
void run__answer_item(struct driver_run *run);
void run__answer_statuses(struct driver_run *run);
// -- request.c
// Renders the parameters of a slot's call as JSON.
enum fp_error run__params(struct driver_run *run, struct driver_slot *slot, struct buf *out);
// A value for templates that need only credentials and session.
bool run__account_lookup(void *ctx, enum template_slot slot, unsigned index,
                         struct template_value *out);
enum fp_error run__headers(struct driver_run *run, struct driver_slot *slot);
enum fp_error run__url(struct driver_run *run, struct bytes *out);
// -- missing.c
// The fields to ask for, without those that the source lacks.
void run__fields(const struct driver_run *run, const struct mapping_resource *r, struct buf *out);
// The source lacks a field: begins again without it, or says what cannot be done without it.
void run__field_missing(struct driver_run *run, const struct driver_slot *slot);
// The list as an element of the session, and back.
void run__missing_save(const struct driver_run *run, struct json_out *j);
bool run__missing_load(struct driver_run *run, yyjson_val *list);
// -- judge.c
// What an HTTP answer means. body is NULL where it is no JSON.
enum mapping_verdict run__judge(struct driver_run *run, const struct driver_slot *slot,
                                unsigned status, yyjson_val *body);
// Ends the run as the verdict says.
void run__verdict(struct driver_run *run, struct driver_slot *slot, enum mapping_verdict verdict,
                  const struct client_answer *answer);
// The source's own words in an error; empty where there are none.
struct bytes run__words(const struct driver_run *run, const struct driver_slot *slot);
// Appends text for people: valid UTF-8, cut, without any secret of the run.
void run__clean_text(const struct driver_run *run, struct bytes text, struct json_out *j);

#endif
