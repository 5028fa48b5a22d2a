// Appending to files of the log, and reading their lines.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_segment.h"

#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER_CHUNK 65536

static bool segment_name_ok(const char *name)
{
    size_t i = 6;
    if (strlen(name) != AUDIT_SEGMENT_NAME - 1 || strncmp(name, "audit-", 6) != 0 ||
        strcmp(name + 26, ".jsonl") != 0) {
        return false;
    }
    while (i < 26 && name[i] >= '0' && name[i] <= '9') {
        i++;
    }
    return i == 26;
}

uint64_t audit_segment_first(const char *name)
{
    uint64_t seq = 0;
    return segment_name_ok(name) && bytes_to_u64(bytes_of(name + 6, 20), INT64_MAX, &seq) ? seq : 0;
}

static int segment_compare(const void *a, const void *b)
{
    return memcmp(a, b, AUDIT_SEGMENT_NAME);
}

enum fp_error audit_segment_names(int dir_fd, struct buf *names, size_t *count_out)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry = NULL;
    if (dir == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return FP_E_IO_FAILED;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (segment_name_ok(entry->d_name)) {
            buf_append(names, entry->d_name, AUDIT_SEGMENT_NAME);
        }
    }
    (void)closedir(dir);
    if (buf_error(names) == FP_OK) {
        *count_out = names->len / AUDIT_SEGMENT_NAME;
        if (*count_out > 1) {
            qsort(names->ptr, *count_out, AUDIT_SEGMENT_NAME, segment_compare);
        }
    }
    return buf_error(names);
}

static enum fp_error segment_adopt(int fd, const char *name, struct audit_segment *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return FP_E_IO_FAILED;
    }
    *out = (struct audit_segment){
        .fd = fd, .length = (uint64_t)st.st_size, .dev = st.st_dev, .ino = st.st_ino};
    memcpy(out->name, name, strlen(name) + 1);
    return FP_OK;
}

enum fp_error audit_segment_create(int dir_fd, uint64_t seq, struct audit_segment *out)
{
    char name[AUDIT_SEGMENT_NAME];
    int fd = -1;
    (void)snprintf(name, sizeof name, "audit-%020llu.jsonl", (unsigned long long)seq);
    fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return FP_E_IO_FAILED;
    }
    if (fsync(dir_fd) != 0) {
        (void)close(fd);
        (void)unlinkat(dir_fd, name, 0);
        return FP_E_IO_FAILED;
    }
    return segment_adopt(fd, name, out);
}

enum fp_error audit_segment_open(int dir_fd, const char *name, struct audit_segment *out)
{
    int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? segment_adopt(fd, name, out) : FP_E_IO_FAILED;
}

void audit_segment_close(struct audit_segment *segment)
{
    if (segment->fd >= 0) {
        (void)close(segment->fd);
    }
    segment->fd = -1;
}

enum fp_error audit_segment_check(int dir_fd, struct audit_segment *segment)
{
    struct stat there, ours;
    if (segment->torn && audit_segment_cut(segment, segment->length) != FP_OK) {
        return FP_E_IO_FAILED;
    }
    if (fstatat(dir_fd, segment->name, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        fstat(segment->fd, &ours) != 0) {
        return FP_E_IO_FAILED;
    }
    if (there.st_dev != segment->dev || there.st_ino != segment->ino ||
        (uint64_t)ours.st_size != segment->length) {
        errno = ESTALE;
        return FP_E_IO_FAILED;
    }
    return FP_OK;
}

static bool segment_put(struct audit_segment *segment, struct bytes data)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n =
            pwrite(segment->fd, data.ptr + done, data.len - done, (off_t)(segment->length + done));
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fdatasync(segment->fd) == 0;
}

enum fp_error audit_segment_write(struct audit_segment *segment, struct bytes data)
{
    if (!segment_put(segment, data)) {
        int reason = errno;
        segment->torn = ftruncate(segment->fd, (off_t)segment->length) != 0;
        errno = reason;
        return FP_E_IO_FAILED;
    }
    segment->length += data.len;
    return FP_OK;
}

enum fp_error audit_segment_cut(struct audit_segment *segment, uint64_t length)
{
    if (ftruncate(segment->fd, (off_t)length) != 0 || fsync(segment->fd) != 0) {
        return FP_E_IO_FAILED;
    }
    segment->length = length;
    segment->torn = false;
    return FP_OK;
}

static bool segment_copy(int from, uint64_t offset, uint64_t end, int to)
{
    uint8_t chunk[4096];
    while (offset < end) {
        ssize_t n = pread(from, chunk, sizeof chunk, (off_t)offset);
        if (n <= 0 || write(to, chunk, (size_t)n) != n) {
            return false;
        }
        offset += (uint64_t)n;
    }
    return fsync(to) == 0;
}

enum fp_error audit_segment_cut_off(int dir_fd, struct audit_segment *segment, uint64_t length)
{
    char name[80];
    bool kept = false;
    int fd = -1;
    (void)snprintf(name, sizeof name, "cut-%020llu-%llu.bin",
                   (unsigned long long)audit_segment_first(segment->name),
                   (unsigned long long)length);
    fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        kept = segment_copy(segment->fd, length, segment->length, fd);
        kept = close(fd) == 0 && kept;
    }
    return kept ? audit_segment_cut(segment, length) : FP_E_IO_FAILED;
}

enum fp_error audit_reader_init(struct audit_reader *reader, int fd, struct bytes memory)
{
    *reader = (struct audit_reader){.fd = fd, .end = fd < 0};
    buf_init(&reader->chunk, fd < 0 ? memory.len : READER_CHUNK + 2 * FP_LIMIT_AUDIT_RECORD);
    if (fd < 0) {
        buf_append_bytes(&reader->chunk, memory);
    }
    return buf_error(&reader->chunk);
}

void audit_reader_done(struct audit_reader *reader)
{
    buf_done(&reader->chunk);
}

// Drops what was given out and reads on.
static enum fp_error reader_fill(struct audit_reader *reader)
{
    uint8_t *at = NULL;
    ssize_t n = -1;
    buf_consume(&reader->chunk, reader->at);
    reader->at = 0;
    at = buf_reserve(&reader->chunk, READER_CHUNK);
    if (at == NULL) {
        return buf_error(&reader->chunk);
    }
    do {
        n = pread(reader->fd, at, READER_CHUNK, (off_t)reader->read);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return FP_E_IO_FAILED;
    }
    buf_commit(&reader->chunk, (size_t)n);
    reader->read += (uint64_t)n;
    reader->end = n == 0;
    return FP_OK;
}

enum fp_error audit_reader_next(struct audit_reader *reader, struct bytes *line_out,
                                bool *whole_out)
{
    struct bytes rest = bytes_slice(buf_bytes(&reader->chunk), reader->at, reader->chunk.len);
    size_t len = 0;
    bool whole = bytes_find(rest, '\n', &len);
    enum fp_error error = FP_OK;
    while (!whole && !reader->end && rest.len <= FP_LIMIT_AUDIT_RECORD) {
        error = reader_fill(reader);
        if (error != FP_OK) {
            return error;
        }
        rest = bytes_slice(buf_bytes(&reader->chunk), reader->at, reader->chunk.len);
        whole = bytes_find(rest, '\n', &len);
    }
    if (!whole) {
        len = rest.len <= FP_LIMIT_AUDIT_RECORD ? rest.len : FP_LIMIT_AUDIT_RECORD + 1;
    }
    *whole_out = whole;
    if (rest.len == 0) {
        *line_out = bytes_of(NULL, 0);
        return FP_OK;
    }
    *line_out = bytes_slice(rest, 0, len);
    reader->offset = reader->next;
    reader->next += len + (whole ? 1 : 0);
    reader->at += len + (whole ? 1 : 0);
    reader->line++;
    return FP_OK;
}
