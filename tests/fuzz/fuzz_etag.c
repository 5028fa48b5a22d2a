// Lists of entity tags: what If-Match names, If-None-Match names as well, and nothing is read
// beyond the end. SPDX-License-Identifier: Apache-2.0
#include "model/etag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {"\"a\"", "W/\"a\"", "\"b,\""};
    struct bytes list = bytes_of(data, size);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        struct bytes tag = bytes_of_text(tags[i]);
        if (model_etag_listed(list, tag, true) && !model_etag_listed(list, tag, false)) {
            __builtin_trap();
        }
    }
    return 0;
}
