// Lists of networks: whatever is read has clear host bits and holds its own address.
// SPDX-License-Identifier: Apache-2.0
#include "base/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct networks list = {0};
    struct fp_note note = {0};
    enum fp_error error = networks_parse(bytes_of(data, size), &list, &note);
    if (error == FP_E_INPUT_INVALID) {
        if (note.text[0] == '\0' || list.count != 0) {
            __builtin_trap();
        }
        return 0;
    }
    if (error != FP_OK || list.count > FP_LIMIT_SOURCE_NETWORKS) {
        __builtin_trap();
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!networks_contain(&list, list.items[i].address, list.items[i].v6)) {
            __builtin_trap();
        }
    }
    return 0;
}
