// Making and checking identifiers.
// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include "base/bug.h"

#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void id_make(const char *prefix, int64_t wall_ms, char out[static ID_TEXT])
{
    uint8_t raw[16];
    unsigned bits = 0, held = 0;
    size_t at = 4;
    if (strlen(prefix) != 3) {
        fp_bug("id prefix must have three letters");
    }
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
        fp_bug("no random bytes from the kernel");
    }
    for (size_t i = 0; i < 6; i++) {
        raw[i] = (uint8_t)((uint64_t)wall_ms >> (8 * (5 - i)));
    }
    memcpy(out, prefix, 3);
    out[3] = '_';
    // 128 bits in 26 characters of 5 bits: two leading zero bits
    held = 2;
    for (size_t i = 0; i < sizeof raw; i++) {
        bits = (bits << 8 | raw[i]) & 0xffffu;
        held += 8;
        while (held >= 5) {
            held -= 5;
            out[at++] = alphabet[bits >> held & 31u];
        }
    }
    out[at] = '\0';
}

bool id_valid(struct bytes text, const char *prefix)
{
    if (text.len != ID_TEXT - 1 || memcmp(text.ptr, prefix, 3) != 0 || text.ptr[3] != '_') {
        return false;
    }
    for (size_t i = 4; i < text.len; i++) {
        if (text.ptr[i] == 0 || strchr(alphabet, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}
