// The cache: chains by customer, one list by use, all in one block of entries.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "keys/keyring_int.h"

#include <string.h>

enum fp_error key_cache_init(struct key_cache *cache)
{
    cache->entries = mem_alloc(FP_LIMIT_KEY_CACHE, sizeof *cache->entries);
    if (cache->entries == NULL) {
        return FP_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < FP_LIMIT_KEY_CACHE; i++) {
        cache->entries[i].chain = i + 1 < FP_LIMIT_KEY_CACHE ? i + 2 : 0;
    }
    cache->free = 1;
    return FP_OK;
}

static struct key_entry *cache_at(struct key_cache *cache, uint32_t index)
{
    return index != 0 ? &cache->entries[index - 1] : NULL;
}

static uint32_t cache_index(const struct key_cache *cache, const struct key_entry *e)
{
    return (uint32_t)(e - cache->entries) + 1;
}

static uint32_t *cache_bucket(struct key_cache *cache, const char *customer)
{
    return &cache->buckets[bytes_hash(bytes_of_text(customer)) % KEY_CACHE_BUCKETS];
}

static void cache_unlink_use(struct key_cache *cache, struct key_entry *e)
{
    struct key_entry *newer = cache_at(cache, e->newer), *older = cache_at(cache, e->older);
    if (newer != NULL) {
        newer->older = e->older;
    } else {
        cache->newest = e->older;
    }
    if (older != NULL) {
        older->newer = e->newer;
    } else {
        cache->oldest = e->newer;
    }
    e->newer = 0;
    e->older = 0;
}

static void cache_link_use(struct key_cache *cache, struct key_entry *e)
{
    struct key_entry *first = cache_at(cache, cache->newest);
    e->newer = 0;
    e->older = cache->newest;
    if (first != NULL) {
        first->newer = cache_index(cache, e);
    } else {
        cache->oldest = cache_index(cache, e);
    }
    cache->newest = cache_index(cache, e);
}

static void cache_drop(struct key_cache *cache, struct key_entry *e)
{
    uint32_t index = cache_index(cache, e);
    uint32_t *at = cache_bucket(cache, e->customer);
    while (*at != index) {
        at = &cache_at(cache, *at)->chain;
    }
    *at = e->chain;
    cache_unlink_use(cache, e);
    secret_done(&e->key);
    *e = (struct key_entry){.chain = cache->free};
    cache->free = index;
    cache->count--;
}

void key_cache_done(struct key_cache *cache)
{
    if (cache->entries != NULL) {
        while (cache->oldest != 0) {
            cache_drop(cache, cache_at(cache, cache->oldest));
        }
        mem_free(cache->entries);
        cache->entries = NULL;
    }
}

struct key_entry *key_cache_find(struct key_cache *cache, const char *customer, uint32_t version)
{
    struct key_entry *e = cache_at(cache, *cache_bucket(cache, customer));
    while (e != NULL && (strcmp(e->customer, customer) != 0 ||
                         (version != 0 ? e->version != version : !e->newest))) {
        e = cache_at(cache, e->chain);
    }
    if (e != NULL && cache->newest != cache_index(cache, e)) {
        cache_unlink_use(cache, e);
        cache_link_use(cache, e);
    }
    return e;
}

struct key_entry *key_cache_add(struct key_cache *cache, const char *customer, uint32_t version,
                                bool newest, struct secret *key)
{
    struct key_entry *e = key_cache_find(cache, customer, version);
    struct key_entry *was = newest ? key_cache_find(cache, customer, 0) : NULL;
    uint32_t *bucket = cache_bucket(cache, customer);
    if (was != NULL) {
        was->newest = false;
    }
    if (e != NULL) {
        cache_drop(cache, e);
    }
    if (cache->free == 0) {
        cache_drop(cache, cache_at(cache, cache->oldest));
    }
    e = cache_at(cache, cache->free);
    cache->free = e->chain;
    *e = (struct key_entry){.version = version, .newest = newest, .key = *key, .chain = *bucket};
    *key = (struct secret){0}; // moved
    memcpy(e->customer, customer, strlen(customer) + 1);
    *bucket = cache_index(cache, e);
    cache_link_use(cache, e);
    cache->count++;
    return e;
}

void key_cache_forget(struct key_cache *cache, const char *customer)
{
    uint32_t index = *cache_bucket(cache, customer);
    while (index != 0) {
        struct key_entry *e = cache_at(cache, index);
        index = e->chain;
        if (strcmp(e->customer, customer) == 0) {
            cache_drop(cache, e);
        }
    }
}

void key_cache_forget_all(struct key_cache *cache)
{
    while (cache->oldest != 0) {
        cache_drop(cache, cache_at(cache, cache->oldest));
    }
}
