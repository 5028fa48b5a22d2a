// The one failure type of the project, generated from errors.def.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_ERROR_H
#define FP_BASE_ERROR_H

// The enum itself is must-use, so that no function can be forgotten: a dropped result is a warning,
// and warnings are errors here. gcc reads the standard attribute only, clang 14 in C only its own.
#if defined(__clang__)
#define FP_MUST_USE __attribute__((warn_unused_result))
#elif defined(__cppcheck__) // 2.17 reads none before an enum's name
#define FP_MUST_USE
#else
#define FP_MUST_USE [[nodiscard]]
#endif

enum FP_MUST_USE fp_error {
    FP_OK = 0,
#define FP_ERROR(symbol, status, type, message, next_step) FP_E_##symbol,
#include "base/errors.def"
#undef FP_ERROR
    FP_ERROR_COUNT
};

struct fp_error_row {
    const char *code;      // what a client reads: "TOKEN_EXPIRED"
    unsigned status;       // HTTP status
    const char *type;      // family: request, authentication, resource, source, limit, server
    const char *message;   // one sentence for people, no secret, no internals
    const char *next_step; // what to do about it
};

// The catalogue's row of an error; a number outside the catalogue gives the row of INTERNAL, FP_OK
// gives code "OK" with status 200. Never NULL.
const struct fp_error_row *fp_error_row(enum fp_error error);
// Shorthand for fp_error_row(error)->code.
const char *fp_error_code(enum fp_error error);
// Whether a number that came over a link is an error of the catalogue (or FP_OK).
int fp_error_known(unsigned long number);

#endif
