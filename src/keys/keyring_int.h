// The cache of unwrapped data keys, shared by the files of the keyring: bounded, least recently
// used out first, wiped; the newest version of a customer is marked.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_KEYRING_INT_H
#define FP_KEYS_KEYRING_INT_H

#include "keys/keyring.h"

#define KEY_CACHE_BUCKETS 8192 // twice the entries, a power of two

struct key_entry {
    char customer[ID_TEXT]; // whose; empty: free
    uint32_t version;       // of the data key
    struct key_id id;       // of the data key
    struct secret key;      // unwrapped, AEAD_KEY_SIZE bytes
    uint64_t reserved;      // encryptions counted in the store
    uint64_t allowance;     // of these, not used yet
    bool newest;            // seals; the others open only
    uint32_t chain;         // next of its bucket, 1-based; 0: none. Free entries: next free
    uint32_t newer, older;  // by use, 1-based; 0: none
};

struct key_cache {
    struct key_entry *entries;           // FP_LIMIT_KEY_CACHE of them
    uint32_t buckets[KEY_CACHE_BUCKETS]; // by customer, 1-based
    uint32_t free;                       // first free entry, 1-based
    uint32_t newest, oldest;             // ends of the list by use, 1-based
    size_t count;                        // entries in use
};

enum fp_error key_cache_init(struct key_cache *cache); // zeroed before
void key_cache_done(struct key_cache *cache);
// version 0: the newest. NULL when not there. Marks it as used.
struct key_entry *key_cache_find(struct key_cache *cache, const char *customer, uint32_t version);
// A new entry, taking key over; drops the least recently used one when full. customer fits ID_TEXT.
struct key_entry *key_cache_add(struct key_cache *cache, const char *customer, uint32_t version,
                                bool newest, struct secret *key);
void key_cache_forget(struct key_cache *cache, const char *customer);
void key_cache_forget_all(struct key_cache *cache);

#endif
