// The body of POST /api/system/webhooks. Strict types; every field that is wrong gets its row.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_WEBHOOK_H
#define FP_AUTH_REQUEST_WEBHOOK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/note.h"

#define WEBHOOK_EVENTS_TEXT 512 // bytes, as link.def says

struct webhook_body {
    struct bytes url;    // 1 to FP_LIMIT_URL_TEXT bytes
    struct bytes events; // names with blanks between; empty: all
};

// {"url","events":[..]}: events may be left out or null; others are ignored.
// FP_E_REQUEST_BODY_INVALID with a note; FP_E_FIELD_INVALID with rows in errors (a writer standing
// inside of an array); FP_E_NO_MEMORY. Views lie in the arena.
enum fp_error webhook_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                 struct fp_note *note, struct webhook_body *out);

#endif
