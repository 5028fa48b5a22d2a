// Headers and padding of a tar archive: POSIX.1-1988 (ustar), blocks of 512 bytes.
// SPDX-License-Identifier: Apache-2.0
#include "cli/tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAR_BLOCK 512

struct tar_header {
    char name[100];   // of the file
    char mode[8];     // octal, as all numbers
    char uid[8];      // of its owner
    char gid[8];      // the same
    char size[12];    // bytes
    char mtime[12];   // Unix time
    char checksum[8]; // sum of the header's bytes, with blanks here
    char type;        // '0': a file
    char link[100];   // unused
    char magic[6];    // "ustar"
    char version[2];  // "00"
    char user[32];    // unused
    char group[32];   // unused
    char devices[16]; // unused
    char prefix[155]; // unused
    char padding[12]; // to a block
};

static enum fp_error tar_write(const struct tar *tar, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len != 0) {
        ssize_t done = write(tar->fd, at, len);
        if (done < 0 && errno != EINTR) {
            return FP_E_IO_FAILED;
        }
        at += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return FP_OK;
}

static void tar_sum(struct tar_header *header)
{
    const uint8_t *at = (const uint8_t *)header;
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++) {
        sum += at[i];
    }
    (void)snprintf(header->checksum, sizeof header->checksum, "%06o", sum & 0777777u);
}

enum fp_error tar_add(const struct tar *tar, const char *name, struct bytes content)
{
    static const uint8_t zeros[TAR_BLOCK];
    struct tar_header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    size_t rest = content.len % TAR_BLOCK;
    enum fp_error error = FP_OK;
    if (!bytes_to_text(bytes_of_text(name), header.name, sizeof header.name) ||
        content.len > 077777777777ull) {
        return FP_E_INPUT_INVALID;
    }
    (void)snprintf(header.mode, sizeof header.mode, "%07o", 0600u);
    (void)snprintf(header.uid, sizeof header.uid, "%07o", 0u);
    (void)snprintf(header.gid, sizeof header.gid, "%07o", 0u);
    (void)snprintf(header.size, sizeof header.size, "%011llo", (unsigned long long)content.len);
    (void)snprintf(header.mtime, sizeof header.mtime, "%011llo",
                   (unsigned long long)tar->time_s & 077777777777ull);
    tar_sum(&header);
    error = tar_write(tar, &header, sizeof header);
    error = error != FP_OK ? error : tar_write(tar, content.ptr, content.len);
    return error != FP_OK || rest == 0 ? error : tar_write(tar, zeros, TAR_BLOCK - rest);
}

enum fp_error tar_end(const struct tar *tar)
{
    static const uint8_t zeros[2 * TAR_BLOCK];
    enum fp_error error = tar_write(tar, zeros, sizeof zeros);
    return error == FP_OK && fsync(tar->fd) != 0 ? FP_E_IO_FAILED : error;
}
