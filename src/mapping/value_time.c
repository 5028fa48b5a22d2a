// Times that sources write without a type: as text of several forms, or as a number.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/value.h"

#include "base/clock.h"

#include <inttypes.h>

#define TIME_DIGITS 18 // of a number of milliseconds

int64_t value_time_unit(const struct mapping_values *values)
{
    switch (values->time) {
    case TIME_SECONDS:
    case TIME_BARE:
    case TIME_SQL:
    case TIME_UNIX:
        return 1000;
    default:
        return 1;
    }
}

void value_time_text(const struct mapping_values *values, int64_t wall_ms, bool day,
                     struct buf *out)
{
    char text[CLOCK_TEXT];
    clock_text(wall_ms, text);
    switch (values->time) {
    case TIME_UNIX:
        buf_printf(out, "%" PRId64, wall_ms / 1000);
        return;
    case TIME_UNIX_MS:
        buf_printf(out, "%" PRId64, wall_ms);
        return;
    case TIME_JSON_DATE:
        buf_printf(out, "/Date(%" PRId64 ")/", wall_ms);
        return;
    default:
        break;
    }
    if (day) {
        buf_append(out, text, 10); // 2026-11-24
    } else if (values->time == TIME_RFC3339) {
        buf_append_text(out, text);
    } else {
        text[10] = values->time == TIME_SQL ? ' ' : 'T';
        buf_append(out, text, 19); // 2026-11-24T08:30:00
        buf_append_text(out, values->time == TIME_SECONDS ? "Z" : "");
    }
}

// An optional sign and digits; what stands behind them goes to *rest_out.
static bool time_number(struct bytes text, int64_t *out, struct bytes *rest_out)
{
    bool minus = text.len != 0 && text.ptr[0] == '-';
    size_t start = minus ? 1 : 0;
    size_t end = start;
    uint64_t number = 0;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
        end++;
    }
    if (end - start > TIME_DIGITS ||
        !bytes_to_u64(bytes_slice(text, start, end - start), INT64_MAX, &number)) {
        return false;
    }
    *out = minus ? -(int64_t)number : (int64_t)number;
    *rest_out = bytes_slice(text, end, text.len);
    return true;
}

// /Date(1767225600000)/ or /Date(1767225600000+0060)/: the number is UTC, the minutes behind it say
// where it was written and do not count.
static bool time_json_date(struct bytes text, int64_t *wall_ms_out)
{
    struct bytes rest = {0};
    if (!bytes_ends_with(text, BYTES(")/")) ||
        !time_number(bytes_slice(text, 6, text.len - 8), wall_ms_out, &rest)) {
        return false;
    }
    uint64_t zone = 0;
    return rest.len == 0 || ((rest.ptr[0] == '+' || rest.ptr[0] == '-') &&
                             bytes_to_u64(bytes_slice(rest, 1, rest.len), 1440, &zone));
}

static bool time_unix(struct bytes text, int64_t unit, int64_t *wall_ms_out)
{
    struct bytes rest = {0};
    int64_t number = 0;
    if (!time_number(text, &number, &rest) || number > INT64_MAX / 1000 ||
        number < INT64_MIN / 1000 || (rest.len != 0 && rest.ptr[0] != '.')) {
        return false;
    }
    int64_t ms = 0;
    for (size_t i = 1; i < 4 && unit == 1000; i++) {
        ms = ms * 10 + (i < rest.len ? rest.ptr[i] - '0' : 0);
    }
    *wall_ms_out = number * unit + (text.ptr[0] == '-' ? -ms : ms);
    return true;
}

bool value_time_plain(const struct mapping_values *values, struct bytes text, bool number,
                      int64_t *wall_ms_out)
{
    const int64_t last = (int64_t)3000000 * VALUE_DAY_MS; // year 10183: beyond what can be shown
    int64_t ms = 0;
    bool good = false;
    if (bytes_starts_with(text, BYTES("/Date(")) && text.len > 8) {
        good = time_json_date(text, &ms);
    } else if (values->time == TIME_UNIX || values->time == TIME_UNIX_MS) {
        good = time_unix(text, values->time == TIME_UNIX ? 1000 : 1, &ms);
    } else {
        good = !number && clock_parse(text, &ms);
    }
    if (!good || ms > last || ms < -last) {
        return false;
    }
    *wall_ms_out = ms;
    return true;
}
