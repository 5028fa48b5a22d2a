// Foreign JSON into an arena: depth checked before it is parsed, members read strictly, one error
// row for each member that is not as it must be.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_JSON_IN_H
#define FP_AUTH_JSON_IN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/note.h"

#include <yyjson.h>

// Strict RFC 8259 in UTF-8, at most FP_LIMIT_JSON_DEPTH deep. Everything lies in the arena.
// FP_E_REQUEST_BODY_INVALID with a note that says where; FP_E_NO_MEMORY.
enum fp_error json_in_parse(struct bytes text, struct arena *arena, struct fp_note *note,
                            yyjson_val **out);
// The text of a value, in the arena; FP_E_NO_MEMORY.
enum fp_error json_in_write(const yyjson_val *value, struct arena *arena, struct bytes *out);

// One member of an object whose names may stand once.
enum json_in_found { JSON_IN_ABSENT, JSON_IN_FOUND, JSON_IN_REPEATED };
enum json_in_found json_in_member(yyjson_val *object, const char *name, yyjson_val **out);

struct json_in_text {
    const char *name;   // of the member
    const char *field;  // how errors call it; NULL: name
    size_t max;         // bytes
    const char *syntax; // what is asked for, for the error: "Send 1 to 200 bytes of text."
};
// A text of 1 to max bytes without control characters; blanks at the ends are cut off. false: a row
// was added to errors.
bool json_in_take_text(yyjson_val *object, const struct json_in_text *rule, struct json_out *errors,
                       struct bytes *out);

#endif
