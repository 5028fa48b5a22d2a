// How many connections each address has open. An IPv6 address counts by its /64: that is what one
// household or one attacker gets.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_PEERS_H
#define FP_HTTP_PEERS_H

#include "base/bytes.h"
#include "base/error.h"

#include <netinet/in.h>

#define HTTP_PEER_TEXT 46 // INET6_ADDRSTRLEN

struct http_peer {
    bool counted;              // false: a Unix socket, not limited
    uint8_t prefix[8];         // of IPv6; for IPv4 its four bytes and 0xff
    uint8_t family;            // 4 or 6
    char text[HTTP_PEER_TEXT]; // whole address, or "unix"
};

// Of an accepted socket's address. An IPv4 address in IPv6 clothes (::ffff:0:0/96) is IPv4.
void http_peer_set(struct http_peer *peer, const struct sockaddr_storage *address);

struct http_peers;
struct http_peers *http_peers_create(void);     // NULL when out of memory
void http_peers_free(struct http_peers *peers); // takes NULL
// Counts one more; FP_E_TOO_MANY_CONNECTIONS where that would be over most, FP_E_NO_MEMORY.
enum fp_error http_peers_add(struct http_peers *peers, const struct http_peer *peer, unsigned most);
// Counts one less.
void http_peers_remove(struct http_peers *peers, const struct http_peer *peer);
unsigned http_peers_count(const struct http_peers *peers, const struct http_peer *peer);

#endif
