// Files of the log: audit-<number of its first record>.jsonl, appended to by one writer. Nothing
// here knows what a line means. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_SEGMENT_H
#define FP_AUDIT_AUDIT_SEGMENT_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

#define AUDIT_SEGMENT_NAME 33 // "audit-", 20 digits, ".jsonl" and NUL

struct audit_segment {
    int fd;                        // open for writing; -1: none
    char name[AUDIT_SEGMENT_NAME]; // in the folder
    uint64_t length;               // bytes known to be on disk
    dev_t dev;                     // to see whether the file is still that one
    ino_t ino;                     // the same
    bool torn;                     // a failed write could not be taken back yet
};

// Names of all files in the folder, sorted, AUDIT_SEGMENT_NAME bytes each, into an empty buffer.
// FP_E_IO_FAILED, FP_E_NO_MEMORY.
enum fp_error audit_segment_names(int dir_fd, struct buf *names, size_t *count_out);
// Number of a file's first record by its name; 0 when it is no such name.
uint64_t audit_segment_first(const char *name);
// A new file whose first record will be seq; synced with its folder. FP_E_IO_FAILED (errno says).
enum fp_error audit_segment_create(int dir_fd, uint64_t seq, struct audit_segment *out);
// An existing one, its length taken as it is.
enum fp_error audit_segment_open(int dir_fd, const char *name, struct audit_segment *out);
void audit_segment_close(struct audit_segment *segment);
// Whether the folder still has this file with what we wrote and nothing else. FP_E_IO_FAILED with
// errno: ENOENT (removed), ESTALE (another file in its place, or changed by somebody else).
enum fp_error audit_segment_check(int dir_fd, struct audit_segment *segment);
// Appends and syncs. On failure what was written is taken back where that works; length counts only
// what is on disk for sure.
enum fp_error audit_segment_write(struct audit_segment *segment, struct bytes data);
// Cuts the file to that length and syncs; what is cut off is kept beside it, in
// cut-<number of the file's first record>-<length>.bin.
enum fp_error audit_segment_cut_off(int dir_fd, struct audit_segment *segment, uint64_t length);
// Cuts the file to that length and syncs.
enum fp_error audit_segment_cut(struct audit_segment *segment, uint64_t length);

// Lines of a file or of memory, one after the other.
struct audit_reader {
    int fd;           // read by offset; -1: memory only
    struct buf chunk; // what was read and not given out yet, and the current line
    size_t at;        // begin of the next line in chunk
    uint64_t offset;  // of the current line in the file
    uint64_t next;    // of the next line
    uint64_t read;    // bytes read from the file so far
    uint64_t line;    // number of the current line, from 1
    bool end;         // nothing more to read
};

// fd is borrowed; with fd -1 the reader gives the lines of memory.
enum fp_error audit_reader_init(struct audit_reader *reader, int fd, struct bytes memory);
void audit_reader_done(struct audit_reader *reader);
// The next line, valid until the next call, without its end; *whole_out: the end was there. A line
// over the longest record comes in pieces. *line_out.ptr NULL: no more. FP_E_IO_FAILED,
// FP_E_NO_MEMORY.
enum fp_error audit_reader_next(struct audit_reader *reader, struct bytes *line_out,
                                bool *whole_out);

#endif
