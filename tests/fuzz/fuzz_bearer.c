// Fuzzes the Authorization header: what is found as a token has the form of one.
// SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"
#include "gateway/bearer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header header = {BYTES("Authorization"), {data, size}};
    struct token_text form = {0};
    struct bytes token = {0};
    if (bearer_find(&header, 1, &token) == FP_OK && token_text_parse(token, &form) != FP_OK) {
        abort();
    }
    return 0;
}
