// What an answer that is no result means: by the definition's rules, then by HTTP.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "mapping/value.h"

#include <string.h>

#define JUDGE_TEXT 300 // bytes of the source's own words that are handed on

static bool judge_object(void *ctx, enum template_slot slot, unsigned index,
                         struct template_value *out)
{
    const struct driver_slot *s = ctx;
    (void)slot;
    (void)index;
    *out = (struct template_value){bytes_of_text(s->resource != NULL ? s->resource->object : ""),
                                   false};
    return s->resource != NULL;
}

static bool judge_contains(struct bytes text, struct bytes piece)
{
    for (size_t i = 0; i + piece.len <= text.len; i++) {
        if (memcmp(text.ptr + i, piece.ptr, piece.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool judge_text_fits(const struct mapping_judge *rule, const struct driver_slot *slot,
                            yyjson_val *body)
{
    struct bytes text = {0};
    struct buf expected;
    bool fits = false;
    if (!value_text(value_at(&rule->path, body), &text)) {
        return false;
    }
    buf_init(&expected, 4096);
    union {
        const struct driver_slot *in;
        void *out;
    } ctx = {.in = slot};
    if (template_render(&rule->text, judge_object, ctx.out, &expected) == FP_OK) {
        struct bytes piece = buf_bytes(&expected);
        fits = rule->compare == JUDGE_EQUALS   ? bytes_equal(text, piece)
               : rule->compare == JUDGE_STARTS ? bytes_starts_with(text, piece)
                                               : judge_contains(text, piece);
    }
    buf_done(&expected);
    return fits;
}

// The field's name out of "'name'".
static bool judge_field_fits(struct driver_run *run, const struct mapping_judge *rule,
                             yyjson_val *body)
{
    struct bytes text = {0};
    struct bytes before = rule->text.parts[0].literal;
    struct bytes after = rule->text.parts[1].literal;
    if (!value_text(value_at(&rule->path, body), &text) || !bytes_starts_with(text, before) ||
        !bytes_ends_with(text, after) || text.len <= before.len + after.len) {
        return false;
    }
    text = bytes_slice(text, before.len, text.len - before.len - after.len);
    run->lacking = arena_copy(run->arena, bytes_slice(text, 0, FP_LIMIT_NAME_TEXT));
    return run->lacking.ptr != NULL;
}

// Whether the rule is for calls of this kind and answers of this status.
static bool judge_is_about(const struct mapping_judge *rule, const struct driver_slot *slot,
                           unsigned status)
{
    bool login = slot->purpose == SLOT_FOR_LOGIN;
    bool within =
        rule->status_low == 0 || (status >= rule->status_low && status <= rule->status_high);
    return within && !(rule->login_only && !login) && !(rule->call_only && login) &&
           !(rule->write_only && slot->purpose != SLOT_FOR_WRITE);
}

// What a status says by itself (RFC 9110), where a definition does not say otherwise.
static enum mapping_verdict judge_status(const struct driver_slot *slot, unsigned status)
{
    bool item = slot->purpose == SLOT_FOR_READ && slot->call->http->paging == PAGING_NONE;
    switch (status) {
    case 401:
        return VERDICT_CREDENTIAL;
    case 403:
        return VERDICT_PERMISSION;
    case 404:
    case 410:
        return slot->purpose == SLOT_FOR_WRITE || item ? VERDICT_NOT_FOUND : VERDICT_SETTINGS;
    case 409:
    case 412:
        return slot->purpose == SLOT_FOR_WRITE ? VERDICT_CONFLICT : VERDICT_FAILED;
    case 400:
    case 422:
        return slot->purpose == SLOT_FOR_WRITE ? VERDICT_REJECTED : VERDICT_FAILED;
    case 429:
        return VERDICT_RATE;
    default:
        return VERDICT_FAILED;
    }
}

enum mapping_verdict run__judge(struct driver_run *run, const struct driver_slot *slot,
                                unsigned status, yyjson_val *body)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    for (unsigned i = 0; i < w->judge_count; i++) {
        const struct mapping_judge *rule = &w->judges[i];
        bool fits = judge_is_about(rule, slot, status);
        if (fits && rule->compare != JUDGE_NONE) {
            fits = rule->is == VERDICT_FIELD ? judge_field_fits(run, rule, body)
                                             : judge_text_fits(rule, slot, body);
        }
        if (fits) {
            return rule->is;
        }
    }
    if (status == 502 || status == 503 || status == 504) {
        return VERDICT_DOWN;
    }
    return run->ops->http ? judge_status(slot, status) : VERDICT_FAILED;
}

// The first text in the source's error: what a person would have been shown.
struct bytes run__words(const struct driver_run *run, const struct driver_slot *slot)
{
    struct bytes text = {0};
    const struct mapping_wire *w = &run->call.mapping->wire;
    yyjson_val *error =
        value_at(run->ops->http ? &w->words : &w->error, yyjson_doc_get_root(slot->doc));
    if (yyjson_is_arr(error)) {
        yyjson_val *first = yyjson_arr_get(error, 0);
        yyjson_val *second = yyjson_arr_get(error, 1);
        if (yyjson_is_arr(second)) {
            first = yyjson_arr_get(second, 0);
        }
        error = first;
    }
    return yyjson_is_str(error) && value_text(error, &text) ? text : (struct bytes){0};
}

static uint32_t judge_retry_after(const struct client_answer *answer, uint32_t otherwise)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        uint64_t seconds = 0;
        if (bytes_equal_nocase(answer->headers[i].name, BYTES("Retry-After")) &&
            bytes_to_u64(bytes_trim(answer->headers[i].value), 86400, &seconds) && seconds != 0) {
            return (uint32_t)seconds;
        }
    }
    return otherwise;
}

static enum fp_error judge_error(enum mapping_verdict verdict)
{
    static const enum fp_error errors[] = {
        [VERDICT_FAILED] = FP_E_SOURCE_FAILED,
        [VERDICT_CREDENTIAL] = FP_E_CREDENTIALS_REJECTED,
        [VERDICT_SESSION] = FP_E_SOURCE_FAILED,
        [VERDICT_PERMISSION] = FP_E_SOURCE_PERMISSION_MISSING,
        [VERDICT_NOT_FOUND] = FP_E_RECORD_NOT_FOUND,
        [VERDICT_RATE] = FP_E_SOURCE_RATE_LIMITED,
        [VERDICT_DOWN] = FP_E_SOURCE_UNREACHABLE,
        [VERDICT_UNSUPPORTED] = FP_E_OPERATION_UNSUPPORTED,
        [VERDICT_SETTINGS] = FP_E_SOURCE_SETTINGS_INVALID,
        [VERDICT_FIELD] = FP_E_SOURCE_FAILED,
        [VERDICT_REJECTED] = FP_E_SOURCE_REJECTED,
        [VERDICT_CONFLICT] = FP_E_CONFLICT,
    };
    return errors[verdict];
}

static const char *judge_reason(enum mapping_verdict verdict, enum slot_purpose purpose)
{
    bool login = purpose == SLOT_FOR_LOGIN;
    switch (verdict) {
    case VERDICT_CREDENTIAL:
        return "The source system refused the user name or password.";
    case VERDICT_SESSION:
        return "The source system refused a session that it had just given out.";
    case VERDICT_PERMISSION:
        return purpose == SLOT_FOR_WRITE
                   ? "The user may not change this object in the source system."
                   : "The user may not read this object in the source system.";
    case VERDICT_RATE:
        return login ? "The source system blocks log-ins for a while." : "Too many calls.";
    case VERDICT_UNSUPPORTED:
        return "The source system does not have this object: the module for it is not active.";
    case VERDICT_SETTINGS:
        return "There is no such system or database at this address.";
    case VERDICT_DOWN:
        return "The source system is there, but does not work now.";
    default:
        return NULL;
    }
}

// A step of the log-in that may fail, and fails by what the source has or allows.
static bool judge_may_be_passed_over(const struct driver_run *run, enum mapping_verdict verdict)
{
    return run->call.mapping->wire.steps[run->step].optional &&
           (verdict == VERDICT_FAILED || verdict == VERDICT_UNSUPPORTED ||
            verdict == VERDICT_PERMISSION || verdict == VERDICT_NOT_FOUND ||
            verdict == VERDICT_FIELD);
}

// The session is over: once, the call waits for another.
static void judge_session_over(struct driver_run *run)
{
    run->fresh = true; // what comes next must do
    yyjson_doc_free(run->parents_doc);
    run->parents_doc = NULL;
    run->parents = NULL;
    run__session_wait(run);
}

void run__verdict(struct driver_run *run, struct driver_slot *slot, enum mapping_verdict verdict,
                  const struct client_answer *answer)
{
    bool login = slot->purpose == SLOT_FOR_LOGIN;
    if (login && judge_may_be_passed_over(run, verdict)) {
        slot->result = NULL;
        run__login_answered(run, slot);
        return;
    }
    if (run__write_verdict(run, slot, verdict, answer->status)) {
        return;
    }
    if (verdict == VERDICT_SESSION && !login && !run->fresh) {
        judge_session_over(run);
        return;
    }
    if (verdict == VERDICT_FIELD && !login) {
        run__field_missing(run, slot);
        return;
    }
    if (verdict == VERDICT_RATE || verdict == VERDICT_DOWN) {
        run->result.retry_after_s = judge_retry_after(answer, verdict == VERDICT_RATE ? 60 : 10);
    }
    if (verdict == VERDICT_CREDENTIAL || verdict == VERDICT_SESSION) {
        run->result.session = (struct bytes){0};
    }
    run__fail_with(run, judge_error(verdict), judge_reason(verdict, slot->purpose),
                   run__words(run, slot));
}

// Overwrites every place of a secret in text with asterisks.
static void judge_hide(struct bytes needle, uint8_t *text, size_t len)
{
    for (size_t i = 0; needle.len >= 3 && i + needle.len <= len; i++) {
        if (memcmp(text + i, needle.ptr, needle.len) == 0) {
            memset(text + i, '*', needle.len);
        }
    }
}

void run__clean_text(const struct driver_run *run, struct bytes text, struct json_out *j)
{
    const struct mapping *m = run->call.mapping;
    // Hidden before it is cut, so that no half of a secret stays at the end.
    struct bytes whole = bytes_slice(text, 0, 1u << 16);
    uint8_t *copy = arena_alloc(run->arena, whole.len + 1, 1);
    if (copy == NULL || whole.len == 0) {
        json_null(j);
        return;
    }
    memcpy(copy, whole.ptr, whole.len);
    for (unsigned i = 0; i < m->credential_count; i++) {
        if (m->credentials[i].kind == CREDENTIAL_SECRET && run->credentials[i].set) {
            judge_hide(run->credentials[i].bytes, copy, whole.len);
        }
    }
    for (unsigned i = 0; i < m->wire.kept_count; i++) {
        if (run->kept[i].set && !run->kept[i].json && run->kept[i].bytes.len >= 16) {
            judge_hide(run->kept[i].bytes, copy, whole.len);
        }
    }
    struct bytes cut = bytes_slice(bytes_of(copy, whole.len), 0, JUDGE_TEXT);
    for (unsigned i = 0; i < 3 && !bytes_is_utf8(cut) && cut.len != 0; i++) {
        cut.len--;
    }
    json_text(j, cut);
}
