// Two sets that take turns: names go into the younger one, the older one is dropped whole when the
// window is over. Entries are hashed with a salt of our own, so that nobody chooses their places.
// SPDX-License-Identifier: Apache-2.0
#include "registry/replay.h"

#include "base/mem.h"
#include "crypto/random.h"

#include <string.h>

#define ENTRY       16  // bytes of a name that are kept
#define SLOTS_FIRST 256 // of a set, doubled while it grows; a power of two

struct replay_set {
    uint8_t (*slots)[ENTRY]; // all zero: free
    size_t slot_count;       // a power of two; at most half of them are taken
    size_t taken;            // of them
};

struct replay {
    struct replay_set young, old; // by age
    uint64_t started_ms;          // when `young` was empty
    uint64_t window_ms;           // see replay.h
    size_t max;                   // entries of one set
    uint8_t salt[ENTRY];          // of this process
};

enum fp_error replay_create(uint32_t window_s, uint32_t max_entries, struct replay **out)
{
    struct replay *replay = mem_alloc(1, sizeof *replay);
    if (replay == NULL) {
        return FP_E_NO_MEMORY;
    }
    replay->window_ms = (uint64_t)window_s * 1000;
    replay->max = max_entries;
    random_bytes(replay->salt, sizeof replay->salt);
    *out = replay;
    return FP_OK;
}

void replay_free(struct replay *replay)
{
    if (replay != NULL) {
        mem_free(replay->young.slots);
        mem_free(replay->old.slots);
        mem_free(replay);
    }
}

// The slot of an entry, or the free one where it would go. A set without slots has none: NULL.
static uint8_t *set_find(const struct replay_set *set, const uint8_t entry[static ENTRY],
                         bool *found_out)
{
    static const uint8_t nothing[ENTRY];
    uint64_t at = 0;
    *found_out = false;
    if (set->slot_count == 0) {
        return NULL;
    }
    memcpy(&at, entry, sizeof at);
    for (;; at++) {
        uint8_t *slot = set->slots[at & (set->slot_count - 1)];
        if (memcmp(slot, nothing, ENTRY) == 0) {
            return slot;
        }
        if (memcmp(slot, entry, ENTRY) == 0) {
            *found_out = true;
            return slot;
        }
    }
}

static enum fp_error set_grow(struct replay_set *set)
{
    struct replay_set larger = {0};
    bool found = false;
    if (set->taken * 2 < set->slot_count) {
        return FP_OK;
    }
    larger.slot_count = set->slot_count != 0 ? set->slot_count * 2 : SLOTS_FIRST;
    larger.taken = set->taken;
    larger.slots = mem_alloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return FP_E_NO_MEMORY;
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        static const uint8_t nothing[ENTRY];
        if (memcmp(set->slots[i], nothing, ENTRY) != 0) {
            memcpy(set_find(&larger, set->slots[i], &found), set->slots[i], ENTRY);
        }
    }
    mem_free(set->slots);
    *set = larger;
    return FP_OK;
}

static void replay_turn(struct replay *replay, uint64_t now_ms)
{
    uint64_t age = now_ms - replay->started_ms;
    if (age < replay->window_ms) {
        return;
    }
    mem_free(replay->old.slots);
    replay->old = replay->young;
    replay->young = (struct replay_set){0};
    if (age >= 2 * replay->window_ms) {
        mem_free(replay->old.slots);
        replay->old = (struct replay_set){0};
    }
    replay->started_ms = now_ms;
}

enum fp_error replay_take(struct replay *replay, const uint8_t name[static DIGEST_SIZE],
                          uint64_t now_ms)
{
    uint8_t hash[DIGEST_SIZE];
    struct bytes parts[2] = {{replay->salt, sizeof replay->salt}, {name, DIGEST_SIZE}};
    bool in_old = false, in_young = false;
    enum fp_error error = digest_sha256_parts(parts, 2, hash);
    if (error != FP_OK) {
        return error;
    }
    hash[0] |= 1; // never all zero
    replay_turn(replay, now_ms);
    (void)set_find(&replay->old, hash, &in_old);
    (void)set_find(&replay->young, hash, &in_young);
    if (in_old || in_young) {
        return FP_E_EXISTS;
    }
    if (replay->young.taken >= replay->max) {
        return FP_E_SERVICE_UNAVAILABLE;
    }
    error = set_grow(&replay->young);
    if (error == FP_OK) {
        memcpy(set_find(&replay->young, hash, &in_young), hash, ENTRY);
        replay->young.taken++;
    }
    return error;
}
