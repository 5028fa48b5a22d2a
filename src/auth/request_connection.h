// Bodies of the operations on connections: create, and set metadata. Strict types; every field that
// is wrong gets its row.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_REQUEST_CONNECTION_H
#define FP_AUTH_REQUEST_CONNECTION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/note.h"

struct connection_body {
    struct bytes name;        // 1 to FP_LIMIT_NAME_TEXT bytes
    struct bytes email;       // local@domain, at most FP_LIMIT_EMAIL_TEXT bytes
    struct bytes provider;    // name of the platform, at most FP_LIMIT_PLATFORM_TEXT bytes
    struct bytes credentials; // JSON object, at most FP_LIMIT_CREDENTIALS_JSON bytes; a secret
};

// {"name","email","provider","credentials"}; other members are ignored. FP_E_REQUEST_BODY_INVALID
// with a note; FP_E_FIELD_INVALID with rows in errors (a writer standing inside of an array);
// FP_E_NO_MEMORY. Views lie in the arena, which must be a sensitive one.
enum fp_error connection_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                    struct fp_note *note, struct connection_body *out);

// [{"key","value"}], or one such object: becomes {"key":"value"} as JSON. At most
// FP_LIMIT_METADATA_ENTRIES, FP_LIMIT_METADATA_JSON bytes. Errors as above.
enum fp_error metadata_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                  struct fp_note *note, struct bytes *metadata_out);
// The binding that a body of POST /api/system/connections/{id}/token asks for, in the words of RFC
// 7800: {"cnf":{"jkt":"..."}}. Anything else, another form of body included, is not looked at: out
// is then empty. FP_E_FIELD_INVALID with a row; FP_E_NO_MEMORY.
enum fp_error token_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                               struct bytes *out);

#endif
