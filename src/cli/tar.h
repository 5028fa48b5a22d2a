// A tar archive (POSIX ustar) of small files, written front to back.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_TAR_H
#define FP_CLI_TAR_H

#include "base/bytes.h"
#include "base/error.h"

struct tar {
    int fd;         // borrowed; written from where it stands
    int64_t time_s; // of all files, Unix time
};

// One file. name: at most 100 bytes, relative. FP_E_INPUT_INVALID, FP_E_IO_FAILED (errno says).
enum fp_error tar_add(const struct tar *tar, const char *name, struct bytes content);
// The end of the archive, synced.
enum fp_error tar_end(const struct tar *tar);

#endif
