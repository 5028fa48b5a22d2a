// The registry's own state: epoch, last uses, the throttle of refusal records.
// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "registry/registry_int.h"
#include "registry/replay.h"

#include <string.h>

#define USAGE_PROBES 8

enum fp_error registry_create(const struct registry_parts *parts, struct registry **out)
{
    struct registry *registry = mem_alloc(1, sizeof *registry);
    if (registry == NULL) {
        return FP_E_NO_MEMORY;
    }
    registry->parts = *parts;
    registry->epoch = 1;
    registry->rotate_resume = true;
    registry->rewrap_resume = true;
    registry->started_s = clock_wall_ms() / 1000;
    *out = registry;
    return FP_OK;
}

void registry_free(struct registry *registry)
{
    if (registry != NULL) {
        replay_free(registry->proofs);
        mem_free(registry);
    }
}

void registry_stop(struct registry *registry)
{
    registry->stopping = true;
}

void registry_settle(struct registry *registry)
{
    // a job goes through the audit log, then the store, perhaps several times
    while (registry->under_way != 0) {
        audit_wait(registry->parts.audit);
        store_wait(registry->parts.store);
    }
}

size_t registry_under_way(const struct registry *registry)
{
    return registry->under_way;
}

uint64_t registry_epoch(const struct registry *registry)
{
    return registry->epoch;
}

void registry_watch(struct registry *registry, void (*changed)(void *ctx, const char *connection),
                    void *ctx)
{
    registry->changed = changed;
    registry->changed_ctx = ctx;
}

// The entry of an id, or a free one among its places, or NULL when all of them are others'.
static struct usage_entry *usage_find(struct registry *registry, const char *id)
{
    uint32_t hash = bytes_hash(bytes_of_text(id));
    struct usage_entry *free_entry = NULL;
    for (uint32_t i = 0; i < USAGE_PROBES; i++) {
        struct usage_entry *entry = &registry->usage[(hash + i) % FP_LIMIT_USAGE_ENTRIES];
        if (strcmp(entry->id, id) == 0) {
            return entry;
        }
        if (entry->id[0] == '\0' && free_entry == NULL) {
            free_entry = entry;
        }
    }
    return free_entry;
}

void registry_note_use(struct registry *registry, const char *id, int64_t now_ms)
{
    struct usage_entry *entry = usage_find(registry, id);
    if (entry == NULL) {
        registry_flush_usage(registry);
        entry = usage_find(registry, id);
    }
    if (entry != NULL) {
        memcpy(entry->id, id, strlen(id) + 1);
        entry->used_ms = now_ms;
    }
}

int64_t registry_last_use(const struct registry *registry, const char *id)
{
    uint32_t hash = bytes_hash(bytes_of_text(id));
    for (uint32_t i = 0; i < USAGE_PROBES; i++) {
        const struct usage_entry *entry = &registry->usage[(hash + i) % FP_LIMIT_USAGE_ENTRIES];
        if (strcmp(entry->id, id) == 0) {
            return entry->used_ms;
        }
    }
    return 0;
}

static void usage_submit(struct registry *registry, struct store_batch *batch)
{
    // a last use that is lost with a failing disk is no harm
    enum fp_error lost = store_submit(registry->parts.store, batch, NULL, NULL);
    (void)lost;
}

void registry_flush_usage(struct registry *registry)
{
    struct store_batch *batch = NULL;
    unsigned in_batch = 0;
    for (size_t i = 0; i < FP_LIMIT_USAGE_ENTRIES; i++) {
        struct usage_entry *entry = &registry->usage[i];
        if (entry->id[0] == '\0') {
            continue;
        }
        batch = batch != NULL ? batch : store_batch_create(registry->parts.store);
        if (batch == NULL) {
            return;
        }
        if (id_valid(bytes_of_text(entry->id), "con")) {
            store_touch_connection(batch, entry->id, entry->used_ms);
        } else if (id_valid(bytes_of_text(entry->id), "ses")) {
            store_touch_session(batch, entry->id, entry->used_ms);
        } else {
            store_touch_token(batch, entry->id, entry->used_ms);
        }
        entry->id[0] = '\0';
        if (++in_batch == FP_LIMIT_STORE_BATCH) {
            usage_submit(registry, batch);
            batch = NULL;
            in_batch = 0;
        }
    }
    if (batch != NULL) {
        usage_submit(registry, batch);
    }
}

void registry_record_refusal(struct registry *registry, const struct audit_record *record,
                             int64_t now_ms)
{
    struct audit_record copy = *record;
    char detail[96];
    struct buf text;
    enum fp_error lost = FP_OK;
    if (now_ms / 1000 != registry->refusal_second) {
        registry->refusal_second = now_ms / 1000;
        registry->refusals = 0;
    }
    if (registry->refusals >= FP_LIMIT_REFUSAL_RECORDS) {
        registry->refusals_left_out++;
        return;
    }
    registry->refusals++;
    buf_init(&text, sizeof detail);
    if (registry->refusals_left_out != 0 && copy.detail.len == 0) {
        buf_append_text(&text, "{\"refusals_not_recorded_before\":");
        buf_append_u64(&text, registry->refusals_left_out);
        buf_append_byte(&text, '}');
        copy.detail = buf_bytes(&text);
    }
    // nothing was released, so nothing waits for this record
    lost = audit_append(registry->parts.audit, &copy, NULL, NULL);
    if (lost == FP_OK && copy.detail.ptr == text.ptr) {
        registry->refusals_left_out = 0;
    }
    buf_done(&text);
}
