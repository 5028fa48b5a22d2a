// The writing half: a group of records becomes lines, one write, one sync. What does not reach the
// disk is taken back, so that the chain never has a hole; the calls are refused.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_int.h"
#include "base/clock.h"
#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Records without a signature, not counting a checkpoint itself.
static uint64_t writer_unsigned(const struct audit_chain *chain)
{
    uint64_t count = chain->seq - chain->signed_seq;
    return chain->signed_seq != 0 && count != 0 ? count - 1 : count;
}

static enum fp_error writer_add(struct audit *audit, struct audit_chain *chain,
                                const struct audit_record *record)
{
    enum fp_error error = FP_OK;
    buf_clear(&audit->scratch);
    error = audit_line_body(record, &audit->scratch);
    return error == FP_OK ? audit_chain_append(chain, buf_bytes(&audit->scratch), &audit->out)
                          : error;
}

// After refusals: says how many, before anything else is written again.
static enum fp_error writer_add_gap(struct audit *audit, struct audit_chain *chain)
{
    char detail[96];
    struct audit_record record = {
        .action = AUDIT_LOG_GAP, .actor = AUDIT_BY_SYSTEM, .result = FP_E_AUDIT_UNAVAILABLE};
    int len = snprintf(detail, sizeof detail, "{\"refused\":%llu,\"os_error\":%d}",
                       (unsigned long long)audit->gap, audit->health.os_error);
    record.detail = bytes_of(detail, (size_t)len);
    return writer_add(audit, chain, &record);
}

// Lines of the group into out; a line that cannot be made (out of memory) fails alone.
static void writer_add_group(struct audit *audit, struct audit_chain *chain, struct work *list)
{
    for (struct work *work = list; work != NULL; work = work->next) {
        struct audit_pending *p = (struct audit_pending *)work;
        size_t before = audit->out.len;
        work->result = FP_OK;
        if (p->len != 0) {
            work->result = audit_chain_append(chain, bytes_of(p->body, p->len), &audit->out);
            p->seq = chain->seq;
        }
        if (work->result != FP_OK) {
            work->result = FP_E_AUDIT_UNAVAILABLE;
            audit->out.len = before;
            audit->out.error = FP_OK;
            (void)pthread_mutex_lock(&audit->lock);
            audit->health.refused++;
            (void)pthread_mutex_unlock(&audit->lock);
        }
    }
}

// The generation signed never goes back, or a rolled-back store would be refused only once.
static enum fp_error writer_sign(struct audit *audit, struct audit_chain *chain, int64_t now_ms)
{
    uint64_t now = audit->generation != NULL ? audit->generation(audit->generation_ctx) : 0;
    const struct audit_signing how = {audit->signer, now_ms,
                                      now > chain->generation ? now : chain->generation};
    return audit_chain_sign(chain, &how, &audit->scratch, &audit->out);
}

// The checkpoint is the last line of what was written.
static void writer_anchor(struct audit *audit)
{
    struct bytes line = buf_bytes(&audit->out);
    size_t at = line.len;
    while (at > 1 && line.ptr[at - 2] != '\n') {
        at--;
    }
    line = bytes_slice(line, at != 0 ? at - 1 : 0, line.len);
    (void)pthread_mutex_lock(&audit->lock);
    for (size_t i = 0; i < audit->anchor_count; i++) {
        struct buf text;
        buf_init(&text, FP_LIMIT_AUDIT_RECORD + 64);
        buf_append_text(&text, audit->anchors[i].tag != NULL ? audit->anchors[i].tag : "");
        buf_append_bytes(&text, line);
        if (buf_error(&text) != FP_OK ||
            write(audit->anchors[i].fd, text.ptr, text.len) != (ssize_t)text.len) {
            audit->health.anchors_lost++;
        } else {
            audit->health.anchors++;
        }
        buf_done(&text);
    }
    (void)pthread_mutex_unlock(&audit->lock);
}

// A checkpoint ends each file, so that each file's first record stands on a signed one.
static enum fp_error writer_roll(struct audit *audit)
{
    struct audit_segment next = {.fd = -1};
    struct audit_chain chain = audit->chain;
    enum fp_error error = FP_OK;
    if (audit->segment.length < audit->segment_bytes) {
        return FP_OK;
    }
    buf_clear(&audit->out);
    if (writer_unsigned(&chain) != 0) {
        error = writer_sign(audit, &chain, clock_wall_ms());
    }
    if (error == FP_OK && audit->out.len != 0) {
        error = audit_segment_write(&audit->segment, buf_bytes(&audit->out));
    }
    if (error == FP_OK) {
        if (chain.signed_seq != audit->chain.signed_seq) {
            writer_anchor(audit);
        }
        audit->chain = chain;
        audit->oldest_ms = 0;
        error = audit_segment_create(audit->dir_fd, chain.seq + 1, &next);
    }
    if (error == FP_OK) {
        audit_segment_close(&audit->segment);
        audit->segment = next;
    }
    return error;
}

static bool writer_checkpoint_due(const struct audit *audit, const struct audit_chain *chain,
                                  int64_t now_ms)
{
    uint64_t count = writer_unsigned(chain);
    // a clock that was set back must not put the signature off
    bool late = audit->oldest_ms != 0 &&
                (now_ms - audit->oldest_ms >= audit->checkpoint_ms || now_ms < audit->oldest_ms);
    return count >= audit->checkpoint_records || (count != 0 && late);
}

static void writer_note(struct audit *audit, enum fp_error state, int os_error, uint64_t records)
{
    struct audit_health *h = &audit->health;
    (void)pthread_mutex_lock(&audit->lock);
    h->state = state;
    h->os_error = os_error;
    if (state == FP_OK) {
        h->syncs++;
        h->records += records;
        h->last_seq = audit->chain.seq;
        memcpy(h->last_hash, audit->chain.hash, sizeof h->last_hash);
        if (h->checkpoint_seq != audit->chain.signed_seq) {
            h->checkpoint_seq = audit->chain.signed_seq;
            h->checkpoint_ms = clock_wall_ms();
            h->checkpoint_generation = audit->chain.generation;
        }
    } else {
        h->refused += records;
    }
    (void)pthread_mutex_unlock(&audit->lock);
}

static void writer_refuse(struct audit *audit, struct work *list, int os_error)
{
    uint64_t refused = 0;
    for (struct work *work = list; work != NULL; work = work->next) {
        refused += ((const struct audit_pending *)work)->len != 0 ? 1 : 0;
        work->result = FP_E_AUDIT_UNAVAILABLE;
    }
    audit->gap += refused;
    writer_note(audit, FP_E_AUDIT_UNAVAILABLE, os_error, refused);
}

// Everything of one group into out, over a copy of the chain.
static enum fp_error writer_compose(struct audit *audit, struct audit_chain *chain,
                                    struct work *list, int64_t now_ms)
{
    enum fp_error error = FP_OK;
    buf_clear(&audit->out);
    if (audit->health.state != FP_OK) {
        error = writer_add_gap(audit, chain);
    }
    if (error == FP_OK) {
        writer_add_group(audit, chain, list);
        if (writer_checkpoint_due(audit, chain, now_ms)) {
            error = writer_sign(audit, chain, now_ms);
        }
    }
    return error;
}

static uint64_t writer_count(const struct work *list)
{
    uint64_t count = 0;
    for (; list != NULL; list = list->next) {
        const struct audit_pending *p = (const struct audit_pending *)list;
        count += p->len != 0 && p->work.result == FP_OK ? 1 : 0;
    }
    return count;
}

void audit__write(struct audit *audit, struct work *list)
{
    struct audit_chain chain;
    int64_t now_ms = clock_wall_ms();
    enum fp_error error = FP_OK;
    errno = 0;
    error = audit_segment_check(audit->dir_fd, &audit->segment);
    if (error == FP_OK) {
        error = writer_roll(audit);
    }
    chain = audit->chain;
    if (error == FP_OK) {
        error = writer_compose(audit, &chain, list, now_ms);
    }
    if (error == FP_OK && audit->out.len == 0) {
        return; // idle and nothing due, or nothing of the group could be made
    }
    if (error == FP_OK) {
        error = audit_segment_write(&audit->segment, buf_bytes(&audit->out));
    }
    if (error != FP_OK) {
        writer_refuse(audit, list, errno);
        return;
    }
    if (chain.signed_seq != audit->chain.signed_seq) {
        writer_anchor(audit);
    }
    if (writer_unsigned(&chain) == 0) {
        audit->oldest_ms = 0;
    } else if (audit->oldest_ms == 0 || chain.signed_seq != audit->chain.signed_seq) {
        audit->oldest_ms = now_ms;
    }
    audit->chain = chain;
    audit->gap = 0;
    writer_note(audit, FP_OK, 0, writer_count(list));
}

void audit__finish(struct audit *audit)
{
    struct audit_chain chain = audit->chain;
    buf_clear(&audit->out);
    if (audit->health.state == FP_OK && writer_unsigned(&chain) != 0 &&
        writer_sign(audit, &chain, clock_wall_ms()) == FP_OK &&
        audit_segment_write(&audit->segment, buf_bytes(&audit->out)) == FP_OK) {
        writer_anchor(audit);
        audit->chain = chain;
    }
}
