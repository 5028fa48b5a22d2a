// Counting connections by address: a hash table with chains, its hash keyed at random, since the
// other side chooses the keys.
// SPDX-License-Identifier: Apache-2.0
#include "http/peers.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define PEERS_BUCKETS 4096 // at most FP_LIMIT_HTTP_CONNECTIONS entries by default

struct peers_entry {
    struct peers_entry *next; // in the bucket
    uint64_t prefix;          // of the address
    unsigned count;           // open connections
    uint8_t family;           // 4 or 6
};

struct http_peers {
    uint64_t key;                               // random
    struct peers_entry *buckets[PEERS_BUCKETS]; // by hash
};

void http_peer_set(struct http_peer *peer, const struct sockaddr_storage *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const uint8_t *bytes = NULL;
    *peer = (struct http_peer){.text = "unix"};
    if (address->ss_family == AF_INET) {
        bytes = (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
        peer->family = 4;
    } else if (address->ss_family == AF_INET6) {
        bytes = (const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr;
        peer->family = memcmp(bytes, mapped, sizeof mapped) == 0 ? 4 : 6;
        bytes += peer->family == 4 ? sizeof mapped : 0;
    } else {
        return;
    }
    peer->counted = true;
    memcpy(peer->prefix, bytes, peer->family == 4 ? 4 : 8);
    if (inet_ntop(peer->family == 4 ? AF_INET : AF_INET6, bytes, peer->text, sizeof peer->text) ==
        NULL) {
        peer->text[0] = '\0';
    }
}

struct http_peers *http_peers_create(void)
{
    struct http_peers *peers = mem_alloc(1, sizeof *peers);
    if (peers != NULL && getrandom(&peers->key, sizeof peers->key, 0) != sizeof peers->key) {
        mem_free(peers);
        return NULL;
    }
    return peers;
}

void http_peers_free(struct http_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    for (size_t i = 0; i < PEERS_BUCKETS; i++) {
        while (peers->buckets[i] != NULL) {
            struct peers_entry *entry = peers->buckets[i];
            peers->buckets[i] = entry->next;
            mem_free(entry);
        }
    }
    mem_free(peers);
}

static uint64_t peer_number(const struct http_peer *peer)
{
    uint64_t number = 0;
    memcpy(&number, peer->prefix, sizeof number);
    return number;
}

// The mixing steps of splitmix64 over the keyed prefix.
static size_t peers_bucket(const struct http_peers *peers, const struct http_peer *peer)
{
    uint64_t x = (peer_number(peer) ^ peers->key) + peer->family;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu ^ peers->key;
    return (size_t)(x >> 40) % PEERS_BUCKETS;
}

static struct peers_entry **peers_find(const struct http_peers *peers, const struct http_peer *peer)
{
    struct peers_entry *const *at = &peers->buckets[peers_bucket(peers, peer)];
    while (*at != NULL && ((*at)->prefix != peer_number(peer) || (*at)->family != peer->family)) {
        at = &(*at)->next;
    }
    return (struct peers_entry **)(uintptr_t)at;
}

enum fp_error http_peers_add(struct http_peers *peers, const struct http_peer *peer, unsigned most)
{
    struct peers_entry **at = NULL;
    if (!peer->counted) {
        return FP_OK;
    }
    at = peers_find(peers, peer);
    if (*at == NULL) {
        struct peers_entry *entry = mem_alloc(1, sizeof *entry);
        if (entry == NULL) {
            return FP_E_NO_MEMORY;
        }
        entry->prefix = peer_number(peer);
        entry->family = peer->family;
        *at = entry;
    }
    if ((*at)->count >= most) {
        return FP_E_TOO_MANY_CONNECTIONS;
    }
    (*at)->count++;
    return FP_OK;
}

void http_peers_remove(struct http_peers *peers, const struct http_peer *peer)
{
    struct peers_entry **at = NULL;
    if (!peer->counted) {
        return;
    }
    at = peers_find(peers, peer);
    if (*at != NULL && --(*at)->count == 0) {
        struct peers_entry *entry = *at;
        *at = entry->next;
        mem_free(entry);
    }
}

unsigned http_peers_count(const struct http_peers *peers, const struct http_peer *peer)
{
    struct peers_entry *const *at = peers_find(peers, peer);
    return *at != NULL ? (*at)->count : 0;
}
