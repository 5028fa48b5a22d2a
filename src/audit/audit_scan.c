// Reading through the files of a log.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_scan.h"

#include "audit/audit_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_NAMES (64u << 20) // bytes of all names

enum fp_error audit_scan_open(const char *path, struct audit_scan *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    *out = (struct audit_scan){.dir_fd = -1, .file_fd = -1};
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return FP_E_IO_FAILED;
    }
    buf_init(&out->names, SCAN_NAMES);
    if (S_ISDIR(st.st_mode)) {
        out->dir_fd = fd;
    } else {
        out->file_fd = fd;
    }
    return FP_OK;
}

void audit_scan_close(struct audit_scan *scan)
{
    if (scan->dir_fd > 0) {
        (void)close(scan->dir_fd);
    }
    if (scan->file_fd > 0) {
        (void)close(scan->file_fd);
    }
    buf_done(&scan->names);
    *scan = (struct audit_scan){.dir_fd = -1, .file_fd = -1};
}

static enum fp_error scan_file(struct audit_scan *scan, int fd, audit_scan_each *each, void *ctx,
                               bool *goes_on)
{
    struct audit_reader reader = {0};
    struct audit_line line;
    struct bytes text = {0};
    bool whole = false;
    enum fp_error error = audit_reader_init(&reader, fd, (struct bytes){0});
    while (error == FP_OK && *goes_on) {
        error = audit_reader_next(&reader, &text, &whole);
        if (error != FP_OK || text.ptr == NULL || (!whole && reader.end)) {
            break;
        }
        if (!whole || audit_line_parse(text, &line) != FP_OK) {
            scan->no_lines++;
        } else {
            *goes_on = each(ctx, text, &line);
        }
    }
    audit_reader_done(&reader);
    return error;
}

enum fp_error audit_scan_run(struct audit_scan *scan, audit_scan_each *each, void *ctx)
{
    bool goes_on = true;
    enum fp_error error = FP_OK;
    scan->no_lines = 0;
    if (scan->dir_fd < 0) {
        return scan_file(scan, scan->file_fd, each, ctx, &goes_on);
    }
    buf_clear(&scan->names);
    scan->count = 0;
    error = audit_segment_names(scan->dir_fd, &scan->names, &scan->count);
    for (size_t i = 0; i < scan->count && error == FP_OK && goes_on; i++) {
        const char *name = (const char *)scan->names.ptr + i * AUDIT_SEGMENT_NAME;
        int fd = openat(scan->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            return FP_E_IO_FAILED;
        }
        error = scan_file(scan, fd, each, ctx, &goes_on);
        (void)close(fd);
    }
    return error;
}
