// A bar for what takes long, on standard error, where that is a terminal.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_PROGRESS_H
#define FP_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *title; // in front of it
    bool drawn;        // a bar stands there
};

// done of total; draws over the bar before.
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
// Takes the bar away.
void progress_done(struct progress *progress);
// Waits a little until it is worth asking again.
void progress_wait(void);

#endif
