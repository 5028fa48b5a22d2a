// Writing JSON straight into a buffer: no tree, no copies. The writer keeps track of commas and
// nesting; errors stay in the buffer.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_JSON_OUT_H
#define FP_BASE_JSON_OUT_H

#include "base/buf.h"

struct json_out {
    struct buf *out; // not owned
    unsigned depth;  // open objects and arrays
    bool need_comma; // a value stands before the next one
};

struct json_out json_out_start(struct buf *out);
void json_begin_object(struct json_out *j);
void json_end_object(struct json_out *j);
void json_begin_array(struct json_out *j);
void json_end_array(struct json_out *j);
// The name of the next member.
void json_name(struct json_out *j, const char *name);
void json_name_bytes(struct json_out *j, struct bytes name);
// RFC 8259 section 7; bytes that are not UTF-8 become U+FFFD each. ptr NULL writes null.
void json_text(struct json_out *j, struct bytes text);
void json_text_c(struct json_out *j, const char *text); // NULL writes null
void json_i64(struct json_out *j, int64_t value);
void json_u64(struct json_out *j, uint64_t value);
void json_bool(struct json_out *j, bool value);
void json_null(struct json_out *j);
// A value that is JSON already: a number as the source wrote it, or a whole document.
void json_raw(struct json_out *j, struct bytes raw);
// RFC 3339 in UTC with milliseconds.
void json_time(struct json_out *j, int64_t wall_ms);
// Name and value in one.
void json_member_text(struct json_out *j, const char *name, struct bytes text);
void json_member_text_c(struct json_out *j, const char *name, const char *text);
void json_member_i64(struct json_out *j, const char *name, int64_t value);
void json_member_bool(struct json_out *j, const char *name, bool value);
void json_member_time(struct json_out *j, const char *name, int64_t wall_ms); // 0 writes null
// Whether text is JSON by nesting at most max_depth levels: brackets counted outside of strings. A
// cheap look before the real parser, which has no limit of its own.
bool json_depth_within(struct bytes text, unsigned max_depth);

#endif
