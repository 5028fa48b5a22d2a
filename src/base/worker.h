// One thread that does blocking work (writing, syncing) for a loop: work is handed over in order,
// the thread takes all that waits at once (so that one sync serves many), and the results come back
// in order on the caller's thread through an eventfd. SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_WORKER_H
#define FP_BASE_WORKER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One piece of work: the first member of the owner's struct.
struct work {
    struct work *next;    // in the queue it is in
    enum fp_error result; // set by run()
};

struct worker_ops {
    // On the thread: does all of the list (at most group_max pieces, never empty) and sets each
    // result. With list NULL: idle_ms passed without work.
    void (*run)(void *ctx, struct work *list);
    // On the caller's thread, in order: tells the result and releases the work.
    void (*done)(void *ctx, struct work *work);
    size_t queue_max; // pieces waiting or being done
    size_t group_max; // pieces for one run()
    unsigned idle_ms; // 0: never called idle
};

struct worker;

// All signals are blocked on the thread. FP_E_NO_MEMORY, FP_E_IO_FAILED (no descriptor, no thread).
enum fp_error worker_create(const struct worker_ops *ops, void *ctx, struct worker **out);
// Finishes what waits, runs the remaining done()s, ends the thread. Takes NULL.
void worker_free(struct worker *w);
// FP_E_LIMIT_EXCEEDED when queue_max waits already; the work stays with the caller then.
enum fp_error worker_submit(struct worker *w, struct work *work);
int worker_event_fd(const struct worker *w);
// Runs done() for everything finished.
void worker_dispatch(struct worker *w);
// Blocks until nothing is under way, running done()s.
void worker_wait(struct worker *w);
size_t worker_waiting(struct worker *w);

#endif
