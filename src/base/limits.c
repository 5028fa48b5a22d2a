// The table of limits, for documentation and tests.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"

static const struct fp_limit_row rows[] = {
#define FP_LIMIT(symbol, value, unit, why) {#symbol, (value), unit, why},
#include "base/limits.def"
#undef FP_LIMIT
};

const struct fp_limit_row *fp_limit_rows(size_t *count_out)
{
    *count_out = sizeof rows / sizeof rows[0];
    return rows;
}
