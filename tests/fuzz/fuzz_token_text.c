// Fuzzes the reading of tokens: whatever parses has the length and alphabet of a token.
// SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_text form = {0};
    if (token_text_parse(bytes_of(data, size), &form) == FP_OK) {
        if (size < 53 || size >= TOKEN_TEXT_SIZE || form.kind < TOKEN_KIND_CONNECTION ||
            form.kind > TOKEN_KIND_CODE) {
            abort();
        }
    }
    return 0;
}
