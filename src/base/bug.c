// Ending the room on a broken invariant.
// SPDX-License-Identifier: Apache-2.0
#include "base/bug.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fp_bug_at(const char *file, int line, const char *text)
{
    log_flush();
    fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"bug\",\"at\":\"%s:%d\",\"text\":\"%s\"}\n",
            file, line, text);
    abort();
}
