// Finding the token.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/bearer.h"

#include "auth/token_text.h"

// RFC 6750 2.1 and RFC 9449 7.1: behind which scheme a token stands; 0: none that is known.
static size_t bearer_scheme(struct bytes value, bool *dpop_out)
{
    static const struct bytes schemes[] = {{(const uint8_t *)"Bearer", 6},
                                           {(const uint8_t *)"DPoP", 4}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = schemes[i].len;
        if (bytes_equal_nocase(bytes_slice(value, 0, len), schemes[i]) &&
            (value.len == len || value.ptr[len] == ' ')) {
            *dpop_out = i == 1;
            return len;
        }
    }
    return 0;
}

bool bearer_is_dpop(const struct http_header *headers, size_t count)
{
    struct bytes value = {0};
    bool dpop = false;
    (void)http_headers_find(headers, count, "Authorization", &value);
    return bearer_scheme(value, &dpop) != 0 && dpop;
}

enum fp_error bearer_find(const struct http_header *headers, size_t count, struct bytes *token_out)
{
    struct bytes value = {0}, token = {0};
    struct token_text form = {0};
    bool dpop = false;
    size_t found = http_headers_find(headers, count, "Authorization", &value);
    size_t scheme = found != 0 ? bearer_scheme(value, &dpop) : 0;
    if (scheme == 0) {
        return FP_E_TOKEN_MISSING;
    }
    token = bytes_trim(bytes_slice(value, scheme, value.len));
    if (found != 1 || token_text_parse(token, &form) != FP_OK) {
        return FP_E_TOKEN_MALFORMED;
    }
    *token_out = token;
    return FP_OK;
}
