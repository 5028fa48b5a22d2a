// The JSON writer.
// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"

#include "base/clock.h"

#include <string.h>

struct json_out json_out_start(struct buf *out)
{
    return (struct json_out){.out = out};
}

static void json_before_value(struct json_out *j)
{
    if (j->need_comma) {
        buf_append_byte(j->out, ',');
    }
    j->need_comma = true;
}

static void json_open(struct json_out *j, uint8_t bracket)
{
    json_before_value(j);
    buf_append_byte(j->out, bracket);
    j->depth++;
    j->need_comma = false;
}

static void json_close(struct json_out *j, uint8_t bracket)
{
    buf_append_byte(j->out, bracket);
    j->depth--;
    j->need_comma = true;
}

void json_begin_object(struct json_out *j)
{
    json_open(j, '{');
}

void json_end_object(struct json_out *j)
{
    json_close(j, '}');
}

void json_begin_array(struct json_out *j)
{
    json_open(j, '[');
}

void json_end_array(struct json_out *j)
{
    json_close(j, ']');
}

static bool json_is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

// The escape of one ASCII character, as RFC 8259 section 7 has it.
static void json_escape(struct buf *out, uint8_t c)
{
    static const char *const shorts[128] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r",
        ['\t'] = "\\t", ['\b'] = "\\b",  ['\f'] = "\\f"};
    if (shorts[c] != NULL) {
        buf_append_text(out, shorts[c]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

static size_t json_sequence(struct bytes text, size_t at)
{
    for (size_t len = 2; len <= 4 && at + len <= text.len; len++) {
        if (bytes_is_utf8(bytes_slice(text, at, len))) {
            return len;
        }
    }
    return 0;
}

#define JSON_ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

// Whether one of eight bytes is below 0x20, beyond ASCII, a quote or a backslash. A borrow may call
// a byte above such a one special too, which does not matter.
static bool json_special_in(uint64_t eight)
{
    uint64_t quote = eight ^ JSON_ALL('"');
    uint64_t slash = eight ^ JSON_ALL('\\');
    uint64_t found =
        eight | (eight - JSON_ALL(0x20)) | (quote - JSON_ALL(1)) | (slash - JSON_ALL(1));
    return (found & JSON_ALL(0x80)) != 0;
}

static bool json_all_plain(struct bytes text)
{
    size_t at = 0;
    for (; at + 8 <= text.len; at += 8) {
        uint64_t eight = 0;
        memcpy(&eight, text.ptr + at, sizeof eight);
        if (json_special_in(eight)) {
            return false;
        }
    }
    while (at < text.len && json_is_plain(text.ptr[at])) {
        at++;
    }
    return at == text.len;
}

// Most texts need no escape: one copy with the quotes around. false: this one needs more.
static bool json_quoted_plain(struct buf *out, struct bytes text)
{
    uint8_t *room = NULL;
    if (!json_all_plain(text)) {
        return false;
    }
    room = buf_reserve(out, text.len + 2);
    if (room != NULL) {
        room[0] = '"';
        if (text.len != 0) {
            memcpy(room + 1, text.ptr, text.len);
        }
        room[text.len + 1] = '"';
        buf_commit(out, text.len + 2);
    }
    return true;
}

static void json_quoted(struct buf *out, struct bytes text)
{
    size_t at = 0;
    if (json_quoted_plain(out, text)) {
        return;
    }
    buf_append_byte(out, '"');
    while (at < text.len) {
        size_t run = at;
        while (run < text.len && json_is_plain(text.ptr[run])) {
            run++;
        }
        buf_append(out, text.ptr + at, run - at);
        at = run;
        if (at < text.len && text.ptr[at] < 0x80) {
            json_escape(out, text.ptr[at]);
            at++;
        } else if (at < text.len) {
            size_t len = json_sequence(text, at);
            buf_append(out, len != 0 ? (const void *)(text.ptr + at) : "\xef\xbf\xbd",
                       len != 0 ? len : 3);
            at += len != 0 ? len : 1;
        }
    }
    buf_append_byte(out, '"');
}

void json_name_bytes(struct json_out *j, struct bytes name)
{
    json_before_value(j);
    json_quoted(j->out, name);
    buf_append_byte(j->out, ':');
    j->need_comma = false;
}

void json_name(struct json_out *j, const char *name)
{
    json_name_bytes(j, bytes_of_text(name));
}

void json_text(struct json_out *j, struct bytes text)
{
    if (text.ptr == NULL) {
        json_null(j);
        return;
    }
    json_before_value(j);
    json_quoted(j->out, text);
}

void json_text_c(struct json_out *j, const char *text)
{
    json_text(j, bytes_of_text(text));
}

void json_i64(struct json_out *j, int64_t value)
{
    json_before_value(j);
    if (value < 0) {
        buf_append_byte(j->out, '-');
        buf_append_u64(j->out, (uint64_t)0 - (uint64_t)value);
    } else {
        buf_append_u64(j->out, (uint64_t)value);
    }
}

void json_u64(struct json_out *j, uint64_t value)
{
    json_before_value(j);
    buf_append_u64(j->out, value);
}

void json_raw(struct json_out *j, struct bytes raw)
{
    json_before_value(j);
    buf_append_bytes(j->out, raw);
}

void json_bool(struct json_out *j, bool value)
{
    json_raw(j, value ? BYTES("true") : BYTES("false"));
}

void json_null(struct json_out *j)
{
    json_raw(j, BYTES("null"));
}

void json_time(struct json_out *j, int64_t wall_ms)
{
    char text[CLOCK_TEXT];
    clock_text(wall_ms, text);
    json_text_c(j, text);
}

void json_member_text(struct json_out *j, const char *name, struct bytes text)
{
    json_name(j, name);
    json_text(j, text);
}

void json_member_text_c(struct json_out *j, const char *name, const char *text)
{
    json_name(j, name);
    json_text_c(j, text);
}

void json_member_i64(struct json_out *j, const char *name, int64_t value)
{
    json_name(j, name);
    json_i64(j, value);
}

void json_member_bool(struct json_out *j, const char *name, bool value)
{
    json_name(j, name);
    json_bool(j, value);
}

void json_member_time(struct json_out *j, const char *name, int64_t wall_ms)
{
    json_name(j, name);
    if (wall_ms == 0) {
        json_null(j);
    } else {
        json_time(j, wall_ms);
    }
}

bool json_depth_within(struct bytes text, unsigned max_depth)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth) {
                return false;
            }
        } else if ((c == ']' || c == '}') && depth != 0) {
            depth--;
        }
    }
    return true;
}
