// The kernel's random bytes.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include "base/bug.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(uint8_t *out, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = getrandom(out + done, len - done, 0);
        if (n < 0 && errno != EINTR) {
            fp_bug("no random bytes from the kernel");
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

uint64_t random_u64(void)
{
    uint64_t value = 0;
    random_bytes((uint8_t *)&value, sizeof value);
    return value;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t value = 0, skip = 0;
    if (bound == 0) {
        fp_bug("random_below(0)");
    }
    // 2^64 modulo bound: values below it would make the lowest results more likely
    skip = (0 - bound) % bound;
    do {
        value = random_u64();
    } while (value < skip);
    return value % bound;
}
