// Checking a body and writing it in the source's form.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/write_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "mapping/value.h"
#include "model/number.h"

#include <string.h>

#define WRITE_NAME 160 // bytes of "lineItems.499.quantity"

void write__wrong(struct writer *w, struct bytes name, const char *code, const char *message)
{
    struct buf field;
    if (w->wrong == FP_LIMIT_FIELD_ERRORS) {
        return;
    }
    w->wrong++;
    buf_init(&field, WRITE_NAME);
    if (w->list != NULL) {
        buf_printf(&field, "%s.%zu.", w->list, w->index);
    }
    buf_append_bytes(&field, bytes_slice(name, 0, 60));
    if (w->wrong == FP_LIMIT_FIELD_ERRORS) {
        model_error_row(w->errors, BYTES("?"), "TOO_MANY", "More is wrong than is named here.");
    } else {
        model_error_row(w->errors, buf_bytes(&field), code, message);
    }
    buf_done(&field);
}

void write__unfit(struct writer *w, const struct mapping_write_rule *rule, const char *message)
{
    write__wrong(w, bytes_of_text(rule->field->name), "VALUE_INVALID", message);
}

static bool write_holds_nul(struct bytes text)
{
    return text.len != 0 && memchr(text.ptr, 0, text.len) != NULL;
}

static void write_enumerated(struct writer *w, const struct mapping_write_rule *rule,
                             struct bytes text, struct buf *out)
{
    const struct mapping_enumeration *e = rule->enumeration;
    struct json_out j = json_out_start(out);
    for (unsigned i = 0; i < e->count; i++) {
        if (bytes_equal(e->values[i].key, text)) {
            json_text(&j, e->values[i].source);
            return;
        }
    }
    write__unfit(w, rule, "The source system has no such value; its list of statuses has those.");
}

static void write_text(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                       struct buf *out)
{
    struct json_out j = json_out_start(out);
    struct bytes text = {0};
    bool reference = rule->field->type == MODEL_TYPE_REF;
    if (!yyjson_is_str(value)) {
        write__unfit(w, rule, reference ? "Send the key of a record, a text." : "Send a text.");
        return;
    }
    (void)value_text(value, &text);
    if (rule->enumeration != NULL) {
        write_enumerated(w, rule, text, out);
    } else if (write_holds_nul(text)) {
        write__unfit(w, rule, "The text holds a NUL character.");
    } else if (rule->form == FORM_INTEGER) {
        if (value_is_integer(text)) {
            buf_append_bytes(out, text);
        } else {
            write__unfit(w, rule, "No record has this key: take it from a list.");
        }
    } else if (rule->form == FORM_DECIMAL && !model_number_valid(text)) {
        write__unfit(w, rule, "Send a number as text.");
    } else if (rule->form == FORM_DECIMAL) {
        value_put_decimal(&w->job->mapping->wire.values, text, 0, out);
    } else {
        json_text(&j, text.ptr != NULL ? text : BYTES(""));
    }
}

static bool write_is_whole(struct bytes text)
{
    size_t at = 0;
    return !bytes_find(text, '.', &at) && !bytes_find(text, 'e', &at) &&
           !bytes_find(text, 'E', &at) && text.len <= 18;
}

// Beyond this a source would read infinity, or fill its memory with zeros.
static bool write_is_moderate(struct bytes number)
{
    size_t at = 0;
    uint64_t exponent = 0;
    if (!bytes_find(number, 'e', &at) && !bytes_find(number, 'E', &at)) {
        return number.len <= 40;
    }
    struct bytes digits = bytes_slice(number, at + 1, number.len);
    if (digits.len != 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+')) {
        digits = bytes_slice(digits, 1, digits.len);
    }
    return at <= 40 && bytes_to_u64(digits, 30, &exponent);
}

// A JSON number, or the same digits as text: existing clients send amounts so.
static void write_number(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                         struct buf *out)
{
    struct bytes text = {0};
    if (!value_text(value, &text) || !model_number_valid(text)) {
        write__unfit(w, rule, "Send a number.");
    } else if (!write_is_moderate(text)) {
        write__unfit(w, rule, "The number has too many digits.");
    } else if (rule->form == FORM_INTEGER && (rule->shift != 0 || !write_is_whole(text))) {
        write__unfit(w, rule, "Send a whole number.");
    } else if (rule->form == FORM_DECIMAL) {
        value_put_decimal(&w->job->mapping->wire.values, text, -rule->shift, out);
    } else {
        value_shifted(text, -rule->shift, out);
    }
}

static void write_time(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                       struct buf *out)
{
    bool day = rule->form == FORM_DATE;
    struct bytes text = {0};
    int64_t wall_ms = 0;
    int64_t year = 0;
    unsigned month = 0;
    unsigned date = 0;
    if (!yyjson_is_str(value) || !value_text(value, &text) || !clock_parse(text, &wall_ms)) {
        write__unfit(w, rule, "Send a date or a time as RFC 3339 has it: 2026-11-24T08:30:00Z.");
        return;
    }
    int64_t part = wall_ms % VALUE_DAY_MS;
    clock_date_from_days((wall_ms - (part < 0 ? part + VALUE_DAY_MS : part)) / VALUE_DAY_MS, &year,
                         &month, &date);
    if (year < 1 || year > 9999) {
        write__unfit(w, rule, "The year is outside of 0001 to 9999.");
    } else if (day && part != 0) {
        write__unfit(w, rule, "The source system keeps a day here: send YYYY-MM-DD.");
    } else {
        value_put_time(&w->job->mapping->wire.values, wall_ms, day, out);
    }
}

static void write_boolean(struct writer *w, const struct mapping_write_rule *rule,
                          yyjson_val *value, struct buf *out)
{
    if (!yyjson_is_bool(value)) {
        write__unfit(w, rule, "Send true or false.");
        return;
    }
    buf_append_text(out, yyjson_get_bool(value) ? "true" : "false");
}

static void write_scalar(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                         struct buf *out)
{
    switch (rule->field->type) {
    case MODEL_TYPE_NUMBER:
        write_number(w, rule, value, out);
        break;
    case MODEL_TYPE_BOOLEAN:
        write_boolean(w, rule, value, out);
        break;
    case MODEL_TYPE_TIME:
        write_time(w, rule, value, out);
        break;
    default:
        write_text(w, rule, value, out);
        break;
    }
}

// A member whose name is known. Its value is appended, or a row.
void write__value(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                  bool create, struct buf *out)
{
    struct bytes name = bytes_of_text(rule->field->name);
    if (rule->target.len == 0) {
        write__wrong(w, name, "FIELD_READ_ONLY", "This field cannot be written in this system.");
    } else if (rule->create_only && !create) {
        write__wrong(w, name, "FIELD_READ_ONLY",
                     "This field is given when the record is made and does not change.");
    } else if (yyjson_is_null(value) && rule->required) {
        write__wrong(w, name, "FIELD_REQUIRED", "This field cannot be empty.");
    } else if (rule->nested != NULL) {
        write__list(w, rule, value, out);
    } else if (yyjson_is_null(value)) {
        buf_append_text(out, "null");
    } else {
        write_scalar(w, rule, value, out);
    }
}

struct bytes write__name_shown(struct bytes name)
{
    struct bytes shown = bytes_slice(name, 0, 60);
    for (size_t i = 0; i < shown.len; i++) {
        if (shown.ptr[i] < 0x20) {
            return BYTES("?");
        }
    }
    return bytes_is_utf8(shown) ? name : BYTES("?");
}

// Which field a member names; NULL: a row was added. Elements of a list may carry their key.
static const struct mapping_write_rule *write_rule_of(struct writer *w,
                                                      const struct mapping_write *write,
                                                      struct bytes name, uint64_t seen[static 2])
{
    const struct model_field *field = model_field_find(write->entity, name);
    if (field == NULL) {
        write__wrong(w, write__name_shown(name), "FIELD_UNKNOWN", "The entity has no such field.");
        return NULL;
    }
    unsigned at = (unsigned)(field - write->entity->fields);
    if (at >= FP_LIMIT_ENTITY_FIELDS || (seen[at / 64] & 1ull << (at % 64)) != 0) {
        write__wrong(w, name, "FIELD_REPEATED", "Send each field once.");
        return NULL;
    }
    seen[at / 64] |= 1ull << (at % 64);
    return &write->rules[at];
}

static void write_required(struct writer *w, const struct mapping_write *write,
                           const uint64_t seen[static 2])
{
    for (unsigned i = 0; i < write->entity->field_count && i < FP_LIMIT_ENTITY_FIELDS; i++) {
        if (write->rules[i].required && (seen[i / 64] & 1ull << (i % 64)) == 0) {
            write__wrong(w, bytes_of_text(write->rules[i].field->name), "FIELD_REQUIRED",
                         "This system needs the field in a new record.");
        }
    }
}

void write__members(struct writer *w, const struct mapping_write *write, yyjson_val *object,
                    bool element, bool create, struct buf *out)
{
    uint64_t seen[2] = {0};
    yyjson_val *name = NULL;
    yyjson_val *value = NULL;
    size_t index = 0;
    size_t max = 0;
    bool first = true;
    yyjson_obj_foreach(object, index, max, name, value)
    {
        struct bytes text = bytes_of(yyjson_get_str(name), yyjson_get_len(name));
        const struct mapping_write_rule *rule = write_rule_of(w, write, text, seen);
        struct json_out j = json_out_start(out);
        if (rule == NULL || (element && strcmp(rule->field->name, "key") == 0)) {
            continue; // the key was looked at before
        }
        buf_append_text(out, first ? "" : ",");
        json_text(&j, rule->target);
        buf_append_byte(out, ':');
        write__value(w, rule, value, create, out);
        first = false;
    }
    if (create) {
        write_required(w, write, seen);
        if (write->set.len != 0) {
            buf_append_text(out, first ? "" : ",");
            buf_append_bytes(out, write->set);
        }
    }
}

enum fp_error mapping_write(const struct mapping_write_job *job, struct bytes members,
                            struct json_out *errors, struct buf *out)
{
    struct writer w = {.job = job, .errors = errors};
    if (!yyjson_is_obj(job->body)) {
        return FP_E_REQUEST_BODY_INVALID;
    }
    buf_append_byte(out, '{');
    if (job->state_only) {
        write__state(&w, job->resource->write, job->body, out);
    } else {
        write__members(&w, job->resource->write, job->body, false, job->create, out);
    }
    if (members.len != 0) {
        buf_append_text(out, out->len > 1 ? "," : "");
        buf_append_bytes(out, members);
    }
    buf_append_byte(out, '}');
    if (buf_error(out) != FP_OK) {
        return buf_error(out) == FP_E_LIMIT_EXCEEDED ? FP_E_REQUEST_BODY_TOO_LARGE : buf_error(out);
    }
    return w.wrong != 0 ? FP_E_FIELD_INVALID : FP_OK;
}
