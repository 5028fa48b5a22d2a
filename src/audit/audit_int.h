// What the two halves of the log share: audit.c hands records over, audit_writer.c writes them on
// its thread. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_INT_H
#define FP_AUDIT_AUDIT_INT_H

#include "audit/audit_chain.h"
#include "audit/audit_segment.h"
#include "base/worker.h"

#include <pthread.h>

#define AUDIT_GROUP 512 // records in one write

// A record under way.
struct audit_pending {
    struct work work; // first: the worker's
    audit_done *done; // may be NULL
    void *ctx;        // its argument
    uint64_t seq;     // its number, once it is written
    size_t len;       // of body; 0: no record, only a try to write again
    uint8_t body[];   // members from "time" to "detail"
};

struct audit {
    struct worker *worker;             // owns the thread
    const struct audit_signer *signer; // borrowed
    uint64_t (*generation)(void *ctx); // the store's; may be NULL
    void *generation_ctx;              // its argument
    uint64_t segment_bytes;            // begin a new file beyond
    uint32_t checkpoint_records;       // sign at the latest after so many
    uint32_t checkpoint_ms;            // and after so long
    struct buf body;                   // caller's thread: a record's members
    uint64_t done_seq;                 // caller's thread: number of the record called back last
    // -- writer's thread from here
    int dir_fd;                   // folder, locked
    struct audit_segment segment; // file written to
    struct audit_chain chain;     // as on disk
    int64_t oldest_ms;            // when the first record without a signature was written; 0: none
    uint64_t gap;                 // records refused since the last good write
    struct buf out;               // lines of one group
    struct buf scratch;           // a body of our own
    struct {
        int fd;               // owned
        const char *tag;      // in front of a line; NULL: none
    } anchors[AUDIT_ANCHORS]; // where checkpoints are copied to, under the lock
    size_t anchor_count;      // of them
    // -- both
    pthread_mutex_t lock;       // over health
    struct audit_health health; // last known
};

// Writes a group (NULL: what is due by time); sets the results. On the writer's thread, or after it
// has ended.
void audit__write(struct audit *audit, struct work *list);
// A checkpoint over what has none, if anything; for the end.
void audit__finish(struct audit *audit);

#endif
