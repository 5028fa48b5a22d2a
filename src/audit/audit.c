// The caller's half of the audit log: opening, handing records over, health.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit.h"

#include "audit/audit_int.h"
#include "audit/audit_verify_int.h"
#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void audit_run(void *ctx, struct work *list)
{
    audit__write(ctx, list);
}

static void audit_run_done(void *ctx, struct work *work)
{
    struct audit_pending *p = (struct audit_pending *)work;
    struct audit *audit = ctx;
    audit->done_seq = work->result == FP_OK ? p->seq : 0;
    if (p->done != NULL) {
        p->done(p->ctx, work->result);
    }
    mem_free(p);
}

static enum fp_error audit_hand_over(struct audit *audit, struct bytes body, audit_done *done,
                                     void *ctx)
{
    struct audit_pending *p = mem_alloc(1, sizeof *p + body.len);
    if (p == NULL) {
        return FP_E_NO_MEMORY;
    }
    p->done = done;
    p->ctx = ctx;
    p->len = body.len;
    if (body.len != 0) {
        memcpy(p->body, body.ptr, body.len);
    }
    if (worker_submit(audit->worker, &p->work) != FP_OK) {
        mem_free(p);
        return FP_E_AUDIT_UNAVAILABLE;
    }
    return FP_OK;
}

enum fp_error audit_append(struct audit *audit, const struct audit_record *record, audit_done *done,
                           void *ctx)
{
    enum fp_error error = FP_OK;
    buf_clear(&audit->body);
    error = audit_line_body(record, &audit->body);
    return error == FP_OK ? audit_hand_over(audit, buf_bytes(&audit->body), done, ctx) : error;
}

static void audit_keep_result(void *ctx, enum fp_error result)
{
    enum fp_error *kept = ctx;
    *kept = result;
}

enum fp_error audit_append_wait(struct audit *audit, const struct audit_record *record)
{
    enum fp_error result = FP_E_INTERNAL;
    enum fp_error error = audit_append(audit, record, audit_keep_result, &result);
    if (error == FP_OK) {
        audit_wait(audit);
        error = result;
    }
    return error;
}

uint64_t audit_done_seq(const struct audit *audit)
{
    return audit->done_seq;
}

const struct audit_signer *audit_signer_of(const struct audit *audit)
{
    return audit->signer;
}

int audit_event_fd(const struct audit *audit)
{
    return worker_event_fd(audit->worker);
}

void audit_dispatch(struct audit *audit)
{
    worker_dispatch(audit->worker);
}

void audit_wait(struct audit *audit)
{
    worker_wait(audit->worker);
}

enum fp_error audit_anchor(struct audit *audit, int fd, const char *tag)
{
    enum fp_error error = FP_E_LIMIT_EXCEEDED;
    (void)pthread_mutex_lock(&audit->lock);
    if (audit->anchor_count < AUDIT_ANCHORS) {
        audit->anchors[audit->anchor_count].fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        audit->anchors[audit->anchor_count].tag = tag;
        error = audit->anchors[audit->anchor_count].fd >= 0 ? FP_OK : FP_E_IO_FAILED;
        audit->anchor_count += error == FP_OK ? 1 : 0;
    }
    (void)pthread_mutex_unlock(&audit->lock);
    return error;
}

struct audit_health audit_health(struct audit *audit)
{
    struct audit_health health;
    (void)pthread_mutex_lock(&audit->lock);
    health = audit->health;
    (void)pthread_mutex_unlock(&audit->lock);
    return health;
}

void audit_probe(struct audit *audit)
{
    if (audit_health(audit).state != FP_OK) {
        // a failure shows in the health, as it did before
        enum fp_error ignored = audit_hand_over(audit, bytes_of(NULL, 0), NULL, NULL);
        (void)ignored;
    }
}

// One process at a time writes: the lock goes with it.
static enum fp_error audit_open_dir(struct audit *audit, const char *dir, struct fp_note *note)
{
    audit->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (audit->dir_fd < 0) {
        fp_note_set(note, "audit.dir", "%s: %s", dir, strerror(errno));
        return FP_E_IO_FAILED;
    }
    if (flock(audit->dir_fd, LOCK_EX | LOCK_NB) != 0) {
        fp_note_set(note, "audit.dir", "%s: another process writes this log", dir);
        return FP_E_IO_FAILED;
    }
    return FP_OK;
}

// Beside the log lies the key that its signatures are checked with; made once.
static enum fp_error audit_put_key(struct audit *audit, struct fp_note *note)
{
    char text[AUDIT_KEY_TEXT];
    bool good = false;
    int fd = openat(audit->dir_fd, AUDIT_KEY_FILE,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        return FP_OK;
    }
    audit_key_text(audit_signer_public(audit->signer), text);
    if (fd >= 0) {
        good = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
        (void)close(fd);
    }
    if (!good) {
        fp_note_set(note, "audit.dir", "%s: %s", AUDIT_KEY_FILE, strerror(errno));
        (void)unlinkat(audit->dir_fd, AUDIT_KEY_FILE, 0);
        return FP_E_IO_FAILED;
    }
    return FP_OK;
}

// A crash in the middle of a write leaves a last line without its end, or a hole of zeros. That is
// no record that anybody was told of; anything else that does not fit is.
static bool audit_is_torn(const struct audit_finding *finding, const struct audit_segment *segment)
{
    uint8_t tail[FP_LIMIT_AUDIT_RECORD];
    ssize_t n = 0;
    if (finding->fault == AUDIT_CUT) {
        return true;
    }
    n = pread(segment->fd, tail, sizeof tail, (off_t)finding->offset);
    return finding->fault == AUDIT_MALFORMED && n > 0 && memchr(tail, 0, (size_t)n) != NULL;
}

// Reads one file into the chain; in the last file a torn end is cut off.
static enum fp_error audit_read_file(struct audit *audit, bool last, struct audit_finding *finding,
                                     uint64_t *cut_out)
{
    struct audit_reader reader = {0};
    enum fp_error error = audit_reader_init(&reader, audit->segment.fd, bytes_of(NULL, 0));
    (void)snprintf(finding->file, sizeof finding->file, "%s", audit->segment.name);
    if (error == FP_OK) {
        error = audit__verify(&audit->chain, &reader, audit_signer_public(audit->signer), finding);
    }
    audit_reader_done(&reader);
    if (error == FP_E_AUDIT_BROKEN && last && audit_is_torn(finding, &audit->segment)) {
        *cut_out = audit->segment.length - finding->offset;
        error = audit_segment_cut_off(audit->dir_fd, &audit->segment, finding->offset);
    }
    return error;
}

// The last two files: the one before the last ends with a checkpoint, so that what is not signed
// yet is known whole.
static enum fp_error audit_read_back(struct audit *audit, uint64_t *cut_out, struct fp_note *note)
{
    struct buf names;
    struct audit_finding finding = {0};
    size_t count = 0;
    enum fp_error error = FP_OK;
    buf_init(&names, 64u << 20);
    error = audit_segment_names(audit->dir_fd, &names, &count);
    for (size_t i = count > 2 ? count - 2 : 0; i < count && error == FP_OK; i++) {
        const char *name = (const char *)names.ptr + i * AUDIT_SEGMENT_NAME;
        audit_segment_close(&audit->segment);
        error = audit_segment_open(audit->dir_fd, name, &audit->segment);
        if (!audit->chain.begun) {
            audit->chain.first = audit_segment_first(name);
        }
        if (error == FP_OK) {
            error = audit_read_file(audit, i + 1 == count, &finding, cut_out);
        }
    }
    if (error == FP_OK && !audit->chain.begun) {
        if (count > 0 && audit_segment_first(audit->segment.name) != 1) {
            error = FP_E_AUDIT_BROKEN; // an empty file that begins in the middle
        }
        audit_chain_begin(&audit->chain);
    }
    if (error == FP_OK && audit->segment.fd < 0) {
        error = audit_segment_create(audit->dir_fd, 1, &audit->segment);
    }
    if (error != FP_OK) {
        fp_note_set(note, "audit.dir", "%s: %s", audit->segment.name,
                    finding.text[0] != '\0' ? finding.text : strerror(errno));
    }
    buf_done(&names);
    return error;
}

static enum fp_error audit_say(struct audit *audit, enum audit_action action, const char *detail)
{
    const struct audit_record record = {
        .action = action, .actor = AUDIT_BY_SYSTEM, .detail = bytes_of_text(detail)};
    return audit_append_wait(audit, &record);
}

// The first records of this run: what was cut off, then that we are here.
static enum fp_error audit_say_start(struct audit *audit, uint64_t cut, struct fp_note *note)
{
    char detail[96];
    enum fp_error error = FP_OK;
    if (cut != 0) {
        (void)snprintf(detail, sizeof detail, "{\"bytes\":%llu}", (unsigned long long)cut);
        error = audit_say(audit, AUDIT_LOG_RECOVERED, detail);
    }
    if (error == FP_OK) {
        error = audit_say(audit, AUDIT_LOG_START, "{\"version\":\"" FP_VERSION "\"}");
    }
    if (error != FP_OK) {
        fp_note_set(note, "audit.dir", "the log cannot be written: %s",
                    strerror(audit_health(audit).os_error));
    }
    return error;
}

static enum fp_error audit_start_worker(struct audit *audit)
{
    struct worker_ops ops = {.run = audit_run,
                             .done = audit_run_done,
                             .queue_max = FP_LIMIT_AUDIT_QUEUE,
                             .group_max = AUDIT_GROUP};
    ops.idle_ms = audit->checkpoint_ms / 4 != 0 ? audit->checkpoint_ms / 4 : 1;
    return worker_create(&ops, audit, &audit->worker);
}

enum fp_error audit_open(const struct audit_options *options, struct audit **out,
                         struct fp_note *note)
{
    struct audit *audit = mem_alloc(1, sizeof *audit);
    uint64_t cut = 0;
    enum fp_error error = FP_OK;
    if (audit == NULL) {
        return FP_E_NO_MEMORY;
    }
    (void)pthread_mutex_init(&audit->lock, NULL);
    audit->dir_fd = -1;
    audit->segment.fd = -1;
    audit->signer = options->signer;
    audit->generation = options->generation;
    audit->generation_ctx = options->generation_ctx;
    audit->segment_bytes =
        options->segment_bytes != 0 ? options->segment_bytes : FP_LIMIT_AUDIT_SEGMENT;
    audit->checkpoint_records = options->checkpoint_records != 0
                                    ? options->checkpoint_records
                                    : FP_LIMIT_AUDIT_CHECKPOINT_RECORDS;
    audit->checkpoint_ms =
        options->checkpoint_ms != 0 ? options->checkpoint_ms : FP_LIMIT_AUDIT_CHECKPOINT_TIME;
    buf_init(&audit->body, FP_LIMIT_AUDIT_RECORD - 256); // the rest: number and hashes
    buf_init(&audit->scratch, FP_LIMIT_AUDIT_RECORD);
    buf_init(&audit->out, (size_t)(AUDIT_GROUP + 2) * FP_LIMIT_AUDIT_RECORD);
    error = audit_open_dir(audit, options->dir, note);
    if (error == FP_OK) {
        error = audit_put_key(audit, note);
    }
    if (error == FP_OK) {
        error = audit_read_back(audit, &cut, note);
    }
    if (error == FP_OK) {
        audit->health.checkpoint_seq = audit->chain.signed_seq;
        audit->health.checkpoint_generation = audit->chain.generation;
        error = audit_start_worker(audit);
    }
    if (error == FP_OK) {
        error = audit_say_start(audit, cut, note);
    }
    if (error == FP_OK) {
        *out = audit;
        audit = NULL; // moved
    }
    audit_close(audit);
    return error;
}

void audit_close(struct audit *audit)
{
    if (audit == NULL) {
        return;
    }
    if (audit->worker != NULL) {
        // a log that cannot be written now has said so all along
        enum fp_error ignored = audit_say(audit, AUDIT_LOG_STOP, NULL);
        (void)ignored;
        worker_free(audit->worker);
        audit__finish(audit);
    }
    for (size_t i = 0; i < audit->anchor_count; i++) {
        (void)close(audit->anchors[i].fd);
    }
    audit_segment_close(&audit->segment);
    if (audit->dir_fd >= 0) {
        (void)close(audit->dir_fd);
    }
    buf_done(&audit->body);
    buf_done(&audit->scratch);
    buf_done(&audit->out);
    (void)pthread_mutex_destroy(&audit->lock);
    mem_free(audit);
}
