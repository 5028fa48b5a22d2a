// The number grammar, part by part.
// SPDX-License-Identifier: Apache-2.0
#include "model/number.h"

static bool number_at(struct bytes text, size_t at, const char *any_of)
{
    for (; at < text.len && *any_of != '\0'; any_of++) {
        if (text.ptr[at] == (uint8_t)*any_of) {
            return true;
        }
    }
    return false;
}

// Digits from *at on, which moves behind them.
static size_t number_digits(struct bytes text, size_t *at)
{
    size_t start = *at;
    while (*at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9') {
        (*at)++;
    }
    return *at - start;
}

static bool number_exponent(struct bytes text, size_t *at)
{
    size_t digits = 0;
    (*at)++;
    *at += number_at(text, *at, "+-") ? 1 : 0;
    digits = number_digits(text, at);
    return digits >= 1 && digits <= 4;
}

bool model_number_valid(struct bytes text)
{
    size_t at = number_at(text, 0, "-") ? 1 : 0;
    bool zero = number_at(text, at, "0");
    size_t digits = number_digits(text, &at);
    if (digits == 0 || (zero && digits > 1) || text.len > MODEL_NUMBER_MAX) {
        return false;
    }
    if (number_at(text, at, ".")) {
        at++;
        if (number_digits(text, &at) == 0) {
            return false;
        }
    }
    if (number_at(text, at, "eE") && !number_exponent(text, &at)) {
        return false;
    }
    return at == text.len;
}
