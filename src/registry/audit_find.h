// Searching the audit log for the dashboard: the newest records first, file by file from the end,
// so that what is asked for most is found soonest. Reads files alone: for a thread.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_AUDIT_FIND_H
#define FP_REGISTRY_AUDIT_FIND_H

#include "base/buf.h"
#include "base/clock.h"
#include "registry/console.h"

enum audit_find_field {
    AUDIT_FIND_REQUEST,
    AUDIT_FIND_CONNECTION,
    AUDIT_FIND_APPLICATION,
    AUDIT_FIND_CUSTOMER,
    AUDIT_FIND_TOKEN,
    AUDIT_FIND_RESULT,
    AUDIT_FIND_ACTOR,
    AUDIT_FIND_ACTION, // one, or all of its kind
    AUDIT_FIND_TEXT,   // anywhere in the line
    AUDIT_FIND_COUNT
};
// So many of them are members of a record, equal to what is looked for.
#define AUDIT_FIND_MEMBERS AUDIT_FIND_ACTION

struct audit_find {
    char values[AUDIT_FIND_COUNT][FP_LIMIT_REQUEST_ID + 1]; // empty: does not matter
    char since[CLOCK_TEXT], until[CLOCK_TEXT];              // of records; empty: any
    uint64_t before;                                        // only older records; 0: any
    unsigned limit;                                         // records, at most
    bool failed; // only those with a result that is not OK
};

// What an action of the dashboard looks for. FP_E_PARAMETER_INVALID, FP_E_REQUEST_BODY_INVALID.
enum fp_error audit_find_plan(const struct console_question *q, struct audit_find *out);
// Appends {"records":[line,...newest first],"next":number or null,"searched":bytes}. next: where to
// go on by `before`. FP_E_IO_FAILED, FP_E_NO_MEMORY.
enum fp_error audit_find_run(const char *dir, const struct audit_find *find, struct buf *out);

#endif
