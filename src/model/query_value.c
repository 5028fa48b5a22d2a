// Values of filters, checked against the type of the field.
// SPDX-License-Identifier: Apache-2.0
#include "model/query_int.h"

#include "base/clock.h"
#include "model/number.h"

#define QUERY_DAY_MS 86400000

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
        return model_number_valid(filter->value) ? NULL
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
