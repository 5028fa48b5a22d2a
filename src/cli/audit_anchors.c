// Anchors against a log: each is checked by its own signature, then looked up by number.
// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_anchors.h"

#include "audit/audit_chain.h"
#include "audit/audit_scan.h"
#include "audit/audit_segment.h"
#include "base/limits.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANCHORS_MAX (64u << 20) // bytes of them in memory: a million and a half

struct anchor {
    uint64_t seq;             // number of the checkpoint's record
    uint8_t hash[AUDIT_HASH]; // of its line
};

struct anchors {
    const uint8_t *key;            // that signed
    struct buf list;               // of struct anchor
    size_t count;                  // of them
    size_t next;                   // first one not looked up yet
    struct audit_finding *finding; // what is found
};

static struct anchor anchors_at(const struct anchors *a, size_t i)
{
    struct anchor one;
    memcpy(&one, a->list.ptr + i * sizeof one, sizeof one);
    return one;
}

// A line, or the part of one behind a system log's words. The signature makes it an anchor.
static enum fp_error anchors_take(struct anchors *a, struct bytes text)
{
    const uint8_t *brace = text.len != 0 ? memchr(text.ptr, '{', text.len) : NULL;
    struct audit_chain chain = {0};
    struct audit_line line;
    struct anchor one;
    enum audit_fault fault = AUDIT_INTACT;
    enum fp_error error = FP_OK;
    if (brace == NULL) {
        return FP_OK;
    }
    text = bytes_slice(text, (size_t)(brace - text.ptr), text.len);
    if (audit_line_parse(text, &line) != FP_OK || !line.is_checkpoint) {
        return FP_OK;
    }
    error = audit_chain_take(&chain, &line, a->key, &fault);
    if (error == FP_E_AUDIT_BROKEN) {
        return FP_OK; // not signed by this key: nobody's word
    }
    one.seq = line.seq;
    memcpy(one.hash, line.hash, sizeof one.hash);
    buf_append_bytes(&a->list, bytes_of((const uint8_t *)&one, sizeof one));
    a->count++;
    return error != FP_OK ? error : buf_error(&a->list);
}

static enum fp_error anchors_read(struct anchors *a, const char *path)
{
    struct audit_reader reader = {0};
    struct bytes text = {0};
    bool whole = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum fp_error error =
        fd >= 0 ? audit_reader_init(&reader, fd, bytes_of(NULL, 0)) : FP_E_IO_FAILED;
    error = error != FP_OK ? error : audit_reader_next(&reader, &text, &whole);
    while (error == FP_OK && text.ptr != NULL) {
        error = whole ? anchors_take(a, text) : FP_OK; // an unfinished last line is none
        error = error != FP_OK ? error : audit_reader_next(&reader, &text, &whole);
    }
    if (fd >= 0) {
        audit_reader_done(&reader);
        close(fd);
    }
    return error;
}

static int anchors_compare(const void *left, const void *right)
{
    struct anchor a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static void anchors_contradict(struct anchors *a, enum audit_fault fault, uint64_t seq)
{
    struct audit_finding *f = a->finding;
    f->fault = fault;
    f->seq = seq;
    if (fault == AUDIT_CUT) {
        (void)snprintf(f->text, sizeof f->text,
                       "record %llu and all behind it are cut off: an anchor knows record %llu",
                       (unsigned long long)f->last_seq + 1, (unsigned long long)seq);
    } else {
        (void)snprintf(f->text, sizeof f->text,
                       "record %llu is another one than an anchor knows: the log was written anew",
                       (unsigned long long)seq);
    }
}

static bool anchors_look(void *ctx, struct bytes text, const struct audit_line *line)
{
    struct anchors *a = ctx;
    (void)text;
    while (a->next < a->count && anchors_at(a, a->next).seq <= line->seq) {
        struct anchor one = anchors_at(a, a->next);
        // what is older than the log's first record was given up with its file
        if (one.seq == line->seq && memcmp(one.hash, line->hash, sizeof one.hash) != 0) {
            anchors_contradict(a, AUDIT_CHANGED, one.seq);
            return false;
        }
        a->next++;
    }
    return a->next < a->count;
}

enum fp_error audit_anchors_check(const char *path, const char *log, const uint8_t *public_key,
                                  struct audit_finding *finding, uint64_t *count_out,
                                  struct fp_note *note)
{
    struct anchors a = {.key = public_key, .finding = finding};
    struct audit_scan scan = {.dir_fd = -1, .file_fd = -1};
    enum fp_error error = FP_OK;
    buf_init(&a.list, ANCHORS_MAX);
    error = anchors_read(&a, path);
    if (error == FP_E_IO_FAILED) {
        fp_note_set(note, "--anchors", "%.200s: %m", path);
    } else if (error == FP_OK && a.count == 0) {
        fp_note_set(note, "--anchors", "%.200s holds no checkpoint that this key signed.", path);
        error = FP_E_INPUT_INVALID;
    }
    if (error == FP_OK) {
        qsort(a.list.ptr, a.count, sizeof(struct anchor), anchors_compare);
        error = audit_scan_open(log, &scan);
    }
    error = error != FP_OK ? error : audit_scan_run(&scan, anchors_look, &a);
    if (error == FP_OK && finding->fault == AUDIT_INTACT && a.next < a.count) {
        anchors_contradict(&a, AUDIT_CUT, anchors_at(&a, a.count - 1).seq);
    }
    if (error == FP_OK && finding->fault != AUDIT_INTACT) {
        error = FP_E_AUDIT_BROKEN;
    }
    *count_out = a.count;
    audit_scan_close(&scan);
    buf_done(&a.list);
    return error;
}
