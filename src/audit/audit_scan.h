// Reading through a log, record by record, while a server may be writing to it: for looking
// something up and for handing records out. Nothing is proven here; that is audit_verify.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_SCAN_H
#define FP_AUDIT_AUDIT_SCAN_H

#include "audit/audit_line.h"

struct audit_scan {
    int dir_fd;        // the log's folder; -1: one file
    int file_fd;       // that file; -1: a folder
    struct buf names;  // of the folder's files, AUDIT_SEGMENT_NAME bytes each
    size_t count;      // of them
    uint64_t no_lines; // lines of the last run that were no records
};

// text: the line without its end, valid during the call. false ends the run.
typedef bool audit_scan_each(void *ctx, struct bytes text, const struct audit_line *line);

// A folder with the files of a log, or one such file. FP_E_IO_FAILED (errno says), FP_E_NO_MEMORY.
enum fp_error audit_scan_open(const char *path, struct audit_scan *out);
void audit_scan_close(struct audit_scan *scan); // takes zeroed and half-built ones
// All records from the oldest on, in constant memory; the folder is looked at anew each time. A
// last line without its end is being written: it is left out. FP_E_IO_FAILED, FP_E_NO_MEMORY.
enum fp_error audit_scan_run(struct audit_scan *scan, audit_scan_each *each, void *ctx);

#endif
