// Time: wall clock and monotonic, in milliseconds and nanoseconds, and its RFC 3339 form.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_CLOCK_H
#define FP_BASE_CLOCK_H

#include "base/bytes.h"

#define CLOCK_TEXT 25 // "2026-11-24T13:52:57.123Z" and NUL

int64_t clock_wall_ms(void);       // since 1970-01-01T00:00:00Z
uint64_t clock_monotonic_ns(void); // for durations
// RFC 3339 in UTC with milliseconds; years 0000 to 9999, others are clamped.
void clock_text(int64_t wall_ms, char out[static CLOCK_TEXT]);
// A date, or a date and time with zone (Z or +hh:mm), RFC 3339; a date alone is midnight UTC; a
// time without zone is taken as UTC. false when it is none.
bool clock_parse(struct bytes text, int64_t *wall_ms_out);
// Days from 1970-01-01 of a date of the Gregorian calendar, and back.
int64_t clock_days_from_date(int64_t year, unsigned month, unsigned day);
void clock_date_from_days(int64_t days, int64_t *year_out, unsigned *month_out, unsigned *day_out);

#endif
