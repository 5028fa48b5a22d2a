// Finding the bearer token.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/bearer.h"

#include "auth/token_text.h"

enum fp_error bearer_find(const struct http_header *headers, size_t count, struct bytes *token_out)
{
    static const struct bytes scheme = {(const uint8_t *)"Bearer", 6};
    struct bytes value = {0}, token = {0};
    struct token_text form = {0};
    size_t found = http_headers_find(headers, count, "Authorization", &value);
    if (found == 0 || !bytes_equal_nocase(bytes_slice(value, 0, scheme.len), scheme) ||
        (value.len > scheme.len && value.ptr[scheme.len] != ' ')) {
        return FP_E_TOKEN_MISSING;
    }
    token = bytes_trim(bytes_slice(value, scheme.len, value.len));
    if (found != 1 || token_text_parse(token, &form) != FP_OK) {
        return FP_E_TOKEN_MALFORMED;
    }
    *token_out = token;
    return FP_OK;
}
