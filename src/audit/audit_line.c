// Writing and reading lines of the audit log.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_line.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"

#include <string.h>

#define LINE_TAIL  149 // ,"prev":"64","hash":"64"}
#define LINE_HASH  75  // of it, what the hash does not cover: ,"hash":"64"}
#define LINE_FIELD 512 // longest text of a record

static const char *const action_texts[AUDIT_ACTION_COUNT] = {
#define AUDIT_ACTION(symbol, text, what) [AUDIT_##symbol] = (text),
#include "audit/audit_actions.def"
#undef AUDIT_ACTION
};

static const char *const actor_texts[] = {
    [AUDIT_BY_SYSTEM] = "system",         [AUDIT_BY_APPLICATION] = "application",
    [AUDIT_BY_CONNECTION] = "connection", [AUDIT_BY_OPERATOR] = "operator",
    [AUDIT_BY_COMMAND] = "command",       [AUDIT_BY_UNKNOWN] = "unknown",
    [AUDIT_BY_CUSTOMER] = "customer",
};

const char *audit_action_text(enum audit_action action)
{
    return (unsigned)action < AUDIT_ACTION_COUNT ? action_texts[action] : NULL;
}

const char *audit_actor_text(enum audit_actor actor)
{
    return (unsigned)actor < sizeof actor_texts / sizeof actor_texts[0] ? actor_texts[actor] : NULL;
}

// Whether the first bracket is closed by the last byte, and not before.
static bool line_is_one_object(struct bytes text)
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
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if (depth == 0) {
                return i + 1 == text.len && c == '}';
            }
        }
    }
    return false;
}

// Where it will stand as it is in a line: an object in one line, not too deep.
static bool line_detail_ok(struct bytes detail)
{
    if (detail.len > FP_LIMIT_AUDIT_DETAIL || detail.ptr[0] != '{' || !bytes_is_utf8(detail) ||
        !json_depth_within(detail, FP_LIMIT_JSON_DEPTH) || !line_is_one_object(detail)) {
        return false;
    }
    for (size_t i = 0; i < detail.len; i++) {
        if (detail.ptr[i] < 0x20) {
            return false;
        }
    }
    return true;
}

static void line_time(struct json_out *j, int64_t time_ms)
{
    json_member_time(j, "time", time_ms != 0 ? time_ms : clock_wall_ms());
}

enum fp_error audit_line_body(const struct audit_record *record, struct buf *out)
{
    const struct {
        const char *name;   // member
        struct bytes value; // left out where empty
    } texts[] = {
        {"customer", record->customer},     {"application", record->application},
        {"connection", record->connection}, {"token", record->token},
        {"request_id", record->request_id}, {"address", record->address},
    };
    struct json_out j = json_out_start(out);
    if (audit_action_text(record->action) == NULL || audit_actor_text(record->actor) == NULL ||
        record->action == AUDIT_LOG_CHECKPOINT || record->actor_id.len > LINE_FIELD ||
        !fp_error_known((unsigned long)record->result) ||
        (record->detail.len != 0 && !line_detail_ok(record->detail))) {
        return FP_E_INPUT_INVALID;
    }
    line_time(&j, record->time_ms);
    json_member_text_c(&j, "action", audit_action_text(record->action));
    json_member_text_c(&j, "actor", audit_actor_text(record->actor));
    if (record->actor_id.len != 0) {
        json_member_text(&j, "actor_id", record->actor_id);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].value.len > LINE_FIELD) {
            return FP_E_INPUT_INVALID;
        }
        if (texts[i].value.len != 0) {
            json_member_text(&j, texts[i].name, texts[i].value);
        }
    }
    json_member_text_c(&j, "result", fp_error_code(record->result));
    if (record->detail.len != 0) {
        json_name(&j, "detail");
        json_raw(&j, record->detail);
    }
    return buf_error(out);
}

enum fp_error audit_line_checkpoint_body(const struct audit_checkpoint *checkpoint, int64_t time_ms,
                                         struct buf *out)
{
    struct json_out j = json_out_start(out);
    line_time(&j, time_ms);
    json_member_text_c(&j, "action", audit_action_text(AUDIT_LOG_CHECKPOINT));
    buf_printf(out, ",\"from\":%llu,\"to\":%llu,\"generation\":%llu,\"root\":\"",
               (unsigned long long)checkpoint->from, (unsigned long long)checkpoint->to,
               (unsigned long long)checkpoint->generation);
    hex_append(out, bytes_of(checkpoint->root, sizeof checkpoint->root));
    buf_append_text(out, "\",\"key\":\"");
    hex_append(out, bytes_of(checkpoint->key, sizeof checkpoint->key));
    buf_append_text(out, "\",\"signature\":\"");
    hex_append(out, bytes_of(checkpoint->signature, sizeof checkpoint->signature));
    buf_append_byte(out, '"');
    return buf_error(out);
}

enum fp_error audit_line_write(uint64_t seq, struct bytes body, const uint8_t prev[AUDIT_HASH],
                               struct buf *out, uint8_t hash_out[AUDIT_HASH])
{
    size_t start = out->len;
    enum fp_error error = FP_OK;
    buf_printf(out, "{\"seq\":%llu,", (unsigned long long)seq);
    buf_append_bytes(out, body);
    buf_append_text(out, ",\"prev\":\"");
    hex_append(out, bytes_of(prev, AUDIT_HASH));
    buf_append_byte(out, '"');
    error = buf_error(out);
    if (error == FP_OK) {
        error = digest_sha256(bytes_of(out->ptr + start, out->len - start), hash_out);
    }
    if (error == FP_OK) {
        buf_append_text(out, ",\"hash\":\"");
        hex_append(out, bytes_of(hash_out, AUDIT_HASH));
        buf_append_text(out, "\"}\n");
        error = buf_error(out);
    }
    return error;
}

static bool take_text(struct bytes *rest, const char *text)
{
    struct bytes expected = bytes_of_text(text);
    if (!bytes_starts_with(*rest, expected)) {
        return false;
    }
    *rest = bytes_slice(*rest, expected.len, rest->len);
    return true;
}

static bool take_number(struct bytes *rest, uint64_t *out)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9') {
        len++;
    }
    if ((len > 1 && rest->ptr[0] == '0') ||
        !bytes_to_u64(bytes_slice(*rest, 0, len), INT64_MAX, out)) {
        return false;
    }
    *rest = bytes_slice(*rest, len, rest->len);
    return true;
}

static bool take_hex(struct bytes *rest, uint8_t *out, size_t len)
{
    struct bytes text = bytes_slice(*rest, 0, 2 * len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F') {
            return false; // we write small letters: one text for each value
        }
    }
    if (hex_decode(text, out, len) != FP_OK) {
        return false;
    }
    *rest = bytes_slice(*rest, 2 * len, rest->len);
    return true;
}

// Up to the next quote; no escapes in what is read this way.
static bool take_until_quote(struct bytes *rest, struct bytes *out)
{
    size_t at = 0;
    if (!bytes_find(*rest, '"', &at)) {
        return false;
    }
    *out = bytes_slice(*rest, 0, at);
    *rest = bytes_slice(*rest, at + 1, rest->len);
    return true;
}

static bool line_parse_checkpoint(struct bytes rest, struct audit_checkpoint *out)
{
    return take_text(&rest, ",\"from\":") && take_number(&rest, &out->from) &&
           take_text(&rest, ",\"to\":") && take_number(&rest, &out->to) &&
           take_text(&rest, ",\"generation\":") && take_number(&rest, &out->generation) &&
           take_text(&rest, ",\"root\":\"") && take_hex(&rest, out->root, sizeof out->root) &&
           take_text(&rest, "\",\"key\":\"") && take_hex(&rest, out->key, sizeof out->key) &&
           take_text(&rest, "\",\"signature\":\"") &&
           take_hex(&rest, out->signature, sizeof out->signature) && take_text(&rest, "\"") &&
           rest.len == 0;
}

static bool line_parse_tail(struct bytes tail, struct audit_line *out)
{
    return take_text(&tail, ",\"prev\":\"") && take_hex(&tail, out->prev, AUDIT_HASH) &&
           take_text(&tail, "\",\"hash\":\"") && take_hex(&tail, out->hash, AUDIT_HASH) &&
           take_text(&tail, "\"}");
}

// What stands between action and prev is left in *rest.
static bool line_parse_head(struct bytes *rest, struct audit_line *out)
{
    return take_text(rest, "{\"seq\":") && take_number(rest, &out->seq) && out->seq != 0 &&
           take_text(rest, ",\"time\":\"") && take_until_quote(rest, &out->time) &&
           out->time.len == CLOCK_TEXT - 1 && take_text(rest, ",\"action\":\"") &&
           take_until_quote(rest, &out->action);
}

enum fp_error audit_line_parse(struct bytes text, struct audit_line *out)
{
    struct audit_line line = {0};
    struct bytes head;
    if (text.len <= LINE_TAIL || text.len > FP_LIMIT_AUDIT_RECORD) {
        return FP_E_INPUT_INVALID;
    }
    head = bytes_slice(text, 0, text.len - LINE_TAIL);
    line.hashed = bytes_slice(text, 0, text.len - LINE_HASH);
    if (!line_parse_tail(bytes_slice(text, head.len, LINE_TAIL), &line) ||
        !line_parse_head(&head, &line)) {
        return FP_E_INPUT_INVALID;
    }
    line.is_checkpoint = bytes_equal_text(line.action, audit_action_text(AUDIT_LOG_CHECKPOINT));
    if (line.is_checkpoint && !line_parse_checkpoint(head, &line.checkpoint)) {
        return FP_E_INPUT_INVALID;
    }
    *out = line;
    return FP_OK;
}

void audit_checkpoint_text(const struct audit_checkpoint *checkpoint,
                           const uint8_t prev[AUDIT_HASH], struct bytes time, struct buf *out)
{
    buf_printf(out, "fishplate audit checkpoint v1\nfrom %llu\nto %llu\ngeneration %llu\nroot ",
               (unsigned long long)checkpoint->from, (unsigned long long)checkpoint->to,
               (unsigned long long)checkpoint->generation);
    hex_append(out, bytes_of(checkpoint->root, sizeof checkpoint->root));
    buf_append_text(out, "\nprev ");
    hex_append(out, bytes_of(prev, AUDIT_HASH));
    buf_append_text(out, "\ntime ");
    buf_append_bytes(out, time);
    buf_append_byte(out, '\n');
}
