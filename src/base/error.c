// The error catalogue's table.
// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

static const struct fp_error_row rows[FP_ERROR_COUNT] = {
    [FP_OK] = {"OK", 200, "none", "No error.", ""},
#define FP_ERROR(symbol, status, type, message, next_step)                                         \
    [FP_E_##symbol] = {#symbol, status, type, message, next_step},
#include "base/errors.def"
#undef FP_ERROR
};

int fp_error_known(unsigned long number)
{
    return number < FP_ERROR_COUNT;
}

const struct fp_error_row *fp_error_row(enum fp_error error)
{
    if (!fp_error_known((unsigned long)error)) {
        return &rows[FP_E_INTERNAL];
    }
    return &rows[error];
}

const char *fp_error_code(enum fp_error error)
{
    return fp_error_row(error)->code;
}
