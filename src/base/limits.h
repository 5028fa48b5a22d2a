// Every limit as a constant: FP_LIMIT_HTTP_BODY and so on. Values and reasons: limits.def.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_LIMITS_H
#define FP_BASE_LIMITS_H

#include <stddef.h>

enum fp_limit {
#define FP_LIMIT(symbol, value, unit, why) FP_LIMIT_##symbol = (value),
#include "base/limits.def"
#undef FP_LIMIT
};

struct fp_limit_row {
    const char *name;    // "HTTP_BODY"
    unsigned long value; // in unit
    const char *unit;    // "bytes", "ms", ...
    const char *why;     // the reason
};

// All rows, in the order of the file; count_out gets how many.
const struct fp_limit_row *fp_limit_rows(size_t *count_out);

#endif
