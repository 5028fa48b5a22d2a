// The address policy: which addresses a source system may have. Metadata services, link-local,
// multicast, unspecified, broadcast and reserved addresses are refused always, in every encoding
// (IPv4-mapped, NAT64, 6to4, ...); private and loopback ones only inside a network that the
// operator allowed for the connection. IANA special-purpose registries, RFC 6890.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_NETWORKS_H
#define FP_CLIENT_NETWORKS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct client_network {
    uint8_t address[16]; // network order; IPv4 in the first 4 bytes; host bits are zero
    uint8_t prefix;      // bits: 0 to 32 or 0 to 128
    bool v6;             // IPv6
};

struct client_networks {
    struct client_network items[FP_LIMIT_SOURCE_NETWORKS]; // in the order given
    size_t count;                                          // of items
};

enum client_verdict {
    CLIENT_ADDRESS_PUBLIC,   // allowed for every connection
    CLIENT_ADDRESS_ALLOWED,  // private or loopback, inside an allowed network
    CLIENT_ADDRESS_PRIVATE,  // private or loopback, not allowed for this connection
    CLIENT_ADDRESS_FORBIDDEN // refused always
};

// "10.0.0.0/8, fd12::/48, 192.168.1.7": CIDRs or single addresses with commas, blanks around them
// are fine, empty text is an empty list. FP_E_INPUT_INVALID with the entry and the reason in the
// note: not an address, prefix out of range, host bits set, a network that reaches beyond what may
// be allowed (only private and loopback ranges may), too many.
enum fp_error client_networks_parse(struct bytes text, struct client_networks *out,
                                    struct fp_note *note);

// Judges an address to be connected to; networks may be NULL. Other families are forbidden.
enum client_verdict client_address_check(const struct sockaddr *address,
                                         const struct client_networks *networks);
// Whether it is in 127.0.0.0/8 or ::1.
bool client_address_is_loopback(const struct sockaddr *address);
// "127.0.0.1:80", "[::1]:443"; "" for other families.
void client_address_text(const struct sockaddr *address, char *out, size_t size);

#endif
