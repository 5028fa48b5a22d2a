// One call to a source, without I/O: a run gives requests to send, is fed the answers, and ends
// with the JSON for the client or with an error. Whoever drives it (egress, the command line, a
// test) does the sending. Everything about a platform is data of its definition.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_DRIVER_DRIVER_H
#define FP_DRIVER_DRIVER_H

#include "base/buf.h"
#include "base/error.h"
#include "client/client.h"
#include "mapping/definition.h"

struct driver_run;

// What is to be done. Everything pointed to must live until driver_free().
struct driver_call {
    const struct mapping *mapping;           // the platform
    const struct model_operation *operation; // NULL: verify the credential and name its account
    struct bytes key;                        // of the path, decoded; may be empty
    struct bytes body;                       // of a write: JSON as sent
    const struct model_query *query;         // NULL for a verify
    struct bytes credentials;                // JSON object as stored: secret
    struct bytes session;                    // from an earlier run, or empty: secret
    const char *public_url;                  // for links, without slash at the end
    struct bytes condition;                  // If-None-Match of a read, If-Match of an update; may
                                             // be empty
};

// Ready when driver_is_done().
struct driver_result {
    enum fp_error error;    // FP_OK: body is the answer
    struct bytes body;      // JSON, envelope included; empty after a verify and when unchanged
    struct bytes etag;      // of the body (RFC 9110 8.8.3); empty: none
    bool unchanged;         // the condition names what would have been answered
    struct bytes detail;    // JSON object for `details` of an error; may be empty
    struct bytes errors;    // JSON array for `errors` of a 422; may be empty
    uint32_t retry_after_s; // 0: none
    struct bytes session;   // secret; to be given to later runs of the same connection and
                            // credential version; empty: none, drop the old one
    struct bytes account;   // verify: the account's name as the source says it
    unsigned source_status; // HTTP status of the source's last answer; 0: none
    unsigned source_calls;  // requests given out
};

// Credentials as a platform wants them: an object with the definition's fields and no others, each
// a text within its limits. FP_E_FIELD_INVALID: errors gets one row per wrong field (a writer
// standing inside of an array). FP_E_REQUEST_BODY_INVALID: no JSON object.
enum fp_error driver_check_credentials(const struct mapping *mapping, struct bytes credentials,
                                       struct json_out *errors);
// FP_E_NO_MEMORY only: everything else is a result of the run.
enum fp_error driver_start(const struct driver_call *call, struct driver_run **out);
// The next request that may be sent now, if any; several may be under way at once. *number names
// it for driver_feed(); out stays valid until then.
bool driver_next(struct driver_run *run, unsigned *number_out, struct client_request *out);
// A run that needs a session and has none, or whose session the source no longer takes (once),
// gives out no more requests and waits here, so that the calls of one connection can share one
// log-in. Then exactly one of driver_log_in() and driver_use_session() lets it go on.
bool driver_needs_session(const struct driver_run *run);
// It logs in by itself: driver_next() gives the log-in's requests.
void driver_log_in(struct driver_run *run);
// Another run of the same connection and credential version has logged in. Copied.
void driver_use_session(struct driver_run *run, struct bytes session);
// The session in use, as soon as it is known; empty: none. Secret; valid until the next call with
// this run.
struct bytes driver_session(const struct driver_run *run);
// Gives the answer to a request; may move its body out.
void driver_feed(struct driver_run *run, unsigned number, struct client_answer *answer);
bool driver_is_done(const struct driver_run *run);
// There is no time left. A run whose change may have reached the source ends with what is known of
// it (OUTCOME_UNKNOWN, WRITTEN_UNREAD); false: nothing was changed, and the run is as it was.
bool driver_give_up_write(struct driver_run *run, const char *reason);
// Only when done; valid until driver_free(). Requests still under way may be cancelled.
const struct driver_result *driver_result(const struct driver_run *run);
// Wipes and frees. Takes NULL.
void driver_free(struct driver_run *run);

#endif
