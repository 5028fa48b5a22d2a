// Values of filters, checked against the type of the field.
// SPDX-License-Identifier: Apache-2.0
#include "model/query_int.h"

#include "base/clock.h"

#define QUERY_DAY_MS 86400000

static size_t query_digits(struct bytes text, size_t at)
{
    size_t start = at;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
    }
    return at - start;
}

static bool query_at(struct bytes text, size_t at, char c)
{
    return at < text.len && text.ptr[at] == (uint8_t)c;
}

// The number grammar of RFC 8259 section 6, so that it can be handed on as it is.
static bool query_is_number(struct bytes text)
{
    size_t at = query_at(text, 0, '-') ? 1 : 0;
    size_t digits = query_digits(text, at);
    if (digits == 0 || (digits > 1 && text.ptr[at] == '0')) {
        return false;
    }
    at += digits;
    if (query_at(text, at, '.')) {
        digits = query_digits(text, at + 1);
        if (digits == 0) {
            return false;
        }
        at += 1 + digits;
    }
    if (query_at(text, at, 'e') || query_at(text, at, 'E')) {
        at++;
        at += query_at(text, at, '+') || query_at(text, at, '-') ? 1 : 0;
        digits = query_digits(text, at);
        if (digits == 0 || digits > 3) {
            return false;
        }
        at += digits;
    }
    return at == text.len && text.len <= 64;
}

static bool query_boolean(struct bytes text, bool *out)
{
    bool yes = bytes_equal_text(text, "true") || bytes_equal_text(text, "1");
    bool no = bytes_equal_text(text, "false") || bytes_equal_text(text, "0");
    if (yes || no) {
        *out = yes;
    }
    return yes || no;
}

static bool query_time(struct model_filter *filter)
{
    size_t dot = 0;
    if (!clock_parse(filter->value, &filter->time_ms)) {
        return false;
    }
    filter->time_unit_ms = bytes_find(filter->value, '.', &dot) ? 1 : 1000;
    if (filter->value.len <= 10) {
        filter->time_unit_ms = QUERY_DAY_MS;
    }
    return true;
}

const char *model__query_value(struct model_filter *filter)
{
    if (filter->value.len > FP_LIMIT_FILTER_VALUE) {
        return "The value is longer than 1024 bytes.";
    }
    switch (filter->field->type) {
    case MODEL_TYPE_NUMBER:
        return query_is_number(filter->value) ? NULL
                                              : "The field is a number: send one, like 12.5.";
    case MODEL_TYPE_BOOLEAN:
        return query_boolean(filter->value, &filter->truth)
                   ? NULL
                   : "The field is true or false: send true, false, 1 or 0.";
    case MODEL_TYPE_TIME:
        return query_time(filter) ? NULL
                                  : "The field is a time: send a date (2026-01-31) or RFC 3339 "
                                    "(2026-01-31T08:00:00Z).";
    default:
        return NULL;
    }
}

bool model__query_operator_fits(enum model_operator op, enum model_type type)
{
    bool part = op == MODEL_CONTAINS || op == MODEL_STARTS_WITH || op == MODEL_ENDS_WITH;
    if (op == MODEL_EQUALS) {
        return true;
    }
    if (type == MODEL_TYPE_TEXT) {
        return true;
    }
    return (type == MODEL_TYPE_NUMBER || type == MODEL_TYPE_TIME) && !part;
}
