// The progress bar: drawn over itself at a terminal, nothing anywhere else.
// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 40
#define WAIT_MS   150

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    char bar[BAR_WIDTH + 1];
    uint64_t part = total != 0 && done < total ? done * BAR_WIDTH / total : BAR_WIDTH;
    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    for (uint64_t i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < part ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %llu of %llu", progress->title, bar, (unsigned long long)done,
            (unsigned long long)total);
    fflush(stderr);
    progress->drawn = true;
}

void progress_done(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
}

void progress_wait(void)
{
    const struct timespec pause = {0, WAIT_MS * 1000000L};
    (void)nanosleep(&pause, NULL); // a signal only shortens it
}
