// Bodies about connect links: an application makes one; a connect page asks and sends. Strict
// types; every field of an application's body that is wrong gets its row.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_CONNECT_H
#define FP_AUTH_REQUEST_CONNECT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/note.h"

struct connect_link_body {
    struct bytes name;       // 1 to FP_LIMIT_NAME_TEXT bytes
    struct bytes email;      // 1 to FP_LIMIT_EMAIL_TEXT bytes
    struct bytes platforms;  // names with commas between, or empty
    struct bytes connection; // or empty
    struct bytes return_url; // or empty
    uint32_t expires_in_s;   // 0: the default
};

// {"name","email","platforms":[..],"connection","return_url","expires_in"}: the last four may be
// left out; others are ignored. FP_E_REQUEST_BODY_INVALID with a note; FP_E_FIELD_INVALID with rows
// in errors (a writer standing inside of an array); FP_E_NO_MEMORY. Views lie in the arena.
enum fp_error connect_link_body_parse(struct bytes body, struct arena *arena,
                                      struct json_out *errors, struct fp_note *note,
                                      struct connect_link_body *out);

struct connect_page_body {
    struct bytes link;     // the link's token
    unsigned page;         // of the list of platforms, from 1
    struct bytes platform; // rest: only where something is sent; else empty
    struct bytes name;     // or empty
    struct bytes email;    // or empty
    struct bytes enc;      // decoded
    struct bytes sealed;   // decoded
};

// {"link","page"}, or with send {"link","platform","name","email","enc","sealed"}, the last two in
// base64url. FP_E_REQUEST_BODY_INVALID with a note for anything else; FP_E_NO_MEMORY.
enum fp_error connect_page_body_parse(struct bytes body, bool send, struct arena *arena,
                                      struct fp_note *note, struct connect_page_body *out);

#endif
