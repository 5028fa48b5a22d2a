// The address policy: which addresses a source system may have. Metadata services, link-local,
// multicast, unspecified, broadcast and reserved addresses are refused always, in every encoding
// (IPv4-mapped, NAT64, 6to4, ...); private and loopback ones only inside a network that the
// operator allowed for the connection. IANA special-purpose registries, RFC 6890.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLIENT_ADDRESS_H
#define FP_CLIENT_ADDRESS_H

#include "base/networks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum client_verdict {
    CLIENT_ADDRESS_PUBLIC,   // allowed for every connection
    CLIENT_ADDRESS_ALLOWED,  // private or loopback, inside an allowed network
    CLIENT_ADDRESS_PRIVATE,  // private or loopback, not allowed for this connection
    CLIENT_ADDRESS_FORBIDDEN // refused always
};

// Judges an address to be connected to; networks may be NULL. Other families are forbidden.
enum client_verdict client_address_check(const struct sockaddr *address,
                                         const struct networks *networks);
// Whether it is in 127.0.0.0/8 or ::1.
bool client_address_is_loopback(const struct sockaddr *address);
// "127.0.0.1:80", "[::1]:443"; "" for other families.
void client_address_text(const struct sockaddr *address, char *out, size_t size);

#endif
