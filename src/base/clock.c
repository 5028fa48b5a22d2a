// Time and its text forms. The calendar arithmetic counts eras of 400 years (146,097 days), with
// the year beginning in March so that the leap day comes last. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <time.h>

#define DAY_MS        86400000
#define ERA_DAYS      146097
#define DAYS_TO_EPOCH 719468 // from 0000-03-01 to 1970-01-01

int64_t clock_wall_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t clock_days_from_date(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t shifted = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t day_of_year = (153 * shifted + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - DAYS_TO_EPOCH;
}

void clock_date_from_days(int64_t days, int64_t *year_out, unsigned *month_out, unsigned *day_out)
{
    int64_t z = days + DAYS_TO_EPOCH;
    int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t doe = z - era * ERA_DAYS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t shifted = (5 * doy + 2) / 153;
    *day_out = (unsigned)(doy - (153 * shifted + 2) / 5 + 1);
    *month_out = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year_out = yoe + era * 400 + (*month_out <= 2 ? 1 : 0);
}

// Decimal with leading zeros. Written out by hand: every record of a list has several times.
static char *clock_digits(char *out, uint64_t value, unsigned width, char behind)
{
    for (unsigned i = width; i != 0; i--) {
        out[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    out[width] = behind;
    return out + width + 1;
}

void clock_text(int64_t wall_ms, char out[static CLOCK_TEXT])
{
    char *at = out;
    const int64_t first = clock_days_from_date(0, 1, 1) * DAY_MS;
    const int64_t last = clock_days_from_date(10000, 1, 1) * DAY_MS - 1;
    int64_t year = 0, days = 0, ms = 0;
    unsigned month = 0, day = 0;
    wall_ms = wall_ms < first ? first : wall_ms > last ? last : wall_ms;
    days = (wall_ms >= 0 ? wall_ms : wall_ms - (DAY_MS - 1)) / DAY_MS;
    ms = wall_ms - days * DAY_MS;
    clock_date_from_days(days, &year, &month, &day);
    at = clock_digits(at, (uint64_t)year, 4, '-');
    at = clock_digits(at, month, 2, '-');
    at = clock_digits(at, day, 2, 'T');
    at = clock_digits(at, (uint64_t)(ms / 3600000), 2, ':');
    at = clock_digits(at, (uint64_t)(ms / 60000 % 60), 2, ':');
    at = clock_digits(at, (uint64_t)(ms / 1000 % 60), 2, '.');
    at = clock_digits(at, (uint64_t)(ms % 1000), 3, 'Z');
    *at = '\0';
}

// digits decimal digits off the front of *rest, between low and high.
static bool take_number(struct bytes *rest, size_t digits, unsigned low, unsigned high,
                        unsigned *out)
{
    uint64_t value = 0;
    if (!bytes_to_u64(bytes_slice(*rest, 0, digits), high, &value) || rest->len < digits ||
        value < low) {
        return false;
    }
    *rest = bytes_slice(*rest, digits, rest->len);
    *out = (unsigned)value;
    return true;
}

static bool take_byte(struct bytes *rest, const char *any)
{
    for (; *any != '\0'; any++) {
        if (rest->len != 0 && rest->ptr[0] == (uint8_t)*any) {
            *rest = bytes_slice(*rest, 1, rest->len);
            return true;
        }
    }
    return false;
}

static bool take_date(struct bytes *rest, int64_t *days_out)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = 0, month = 0, day = 0, length = 0;
    if (!take_number(rest, 4, 0, 9999, &year) || !take_byte(rest, "-") ||
        !take_number(rest, 2, 1, 12, &month) || !take_byte(rest, "-") ||
        !take_number(rest, 2, 1, 31, &day)) {
        return false;
    }
    length = lengths[month - 1];
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        length = 29;
    }
    if (day > length) {
        return false;
    }
    *days_out = clock_days_from_date(year, month, day);
    return true;
}

static bool take_fraction(struct bytes *rest, unsigned *ms_out)
{
    unsigned ms = 0, scale = 100;
    size_t count = 0;
    while (rest->len != 0 && rest->ptr[0] >= '0' && rest->ptr[0] <= '9' && count < 12) {
        ms += scale * (unsigned)(rest->ptr[0] - '0');
        scale /= 10;
        count++;
        *rest = bytes_slice(*rest, 1, rest->len);
    }
    *ms_out = ms;
    return count != 0;
}

static bool take_zone(struct bytes *rest, int64_t *offset_ms_out)
{
    unsigned hours = 0, minutes = 0;
    bool negative = rest->len != 0 && rest->ptr[0] == '-';
    *offset_ms_out = 0;
    if (rest->len == 0 || take_byte(rest, "Zz")) {
        return true;
    }
    if (!take_byte(rest, "+-") || !take_number(rest, 2, 0, 23, &hours)) {
        return false;
    }
    (void)take_byte(rest, ":");
    if (!take_number(rest, 2, 0, 59, &minutes)) {
        return false;
    }
    *offset_ms_out = ((int64_t)hours * 60 + minutes) * 60000 * (negative ? -1 : 1);
    return true;
}

static bool take_time(struct bytes *rest, int64_t *ms_out)
{
    unsigned hour = 0, minute = 0, second = 0, ms = 0;
    if (!take_number(rest, 2, 0, 23, &hour) || !take_byte(rest, ":") ||
        !take_number(rest, 2, 0, 59, &minute)) {
        return false;
    }
    if (take_byte(rest, ":")) {
        // a leap second counts as the second before it
        if (!take_number(rest, 2, 0, 60, &second)) {
            return false;
        }
        second = second == 60 ? 59 : second;
        if (take_byte(rest, ".") && !take_fraction(rest, &ms)) {
            return false;
        }
    }
    *ms_out = (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + ms;
    return true;
}

bool clock_parse(struct bytes text, int64_t *wall_ms_out)
{
    int64_t days = 0, ms = 0, offset = 0;
    if (!take_date(&text, &days)) {
        return false;
    }
    if (text.len != 0) {
        if (!take_byte(&text, "Tt ") || !take_time(&text, &ms) || !take_zone(&text, &offset)) {
            return false;
        }
    }
    if (text.len != 0) {
        return false;
    }
    *wall_ms_out = days * DAY_MS + ms - offset;
    return true;
}
