// The address policy as two tables. Sources: IANA IPv4 and IPv6 special-purpose address registries
// (RFC 6890), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), the metadata addresses of the
// large clouds. SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum range_kind { RANGE_PRIVATE, RANGE_FORBIDDEN };

struct range {
    uint8_t address[16];  // network order
    uint8_t prefix;       // bits
    enum range_kind kind; // what lies inside
};

// The first row that fits counts, so exceptions stand before their network.
static const struct range ranges4[] = {
    {{100, 100, 100, 200}, 32, RANGE_FORBIDDEN}, // metadata (Alibaba), inside 100.64/10
    {{168, 63, 129, 16}, 32, RANGE_FORBIDDEN},   // platform channel (Azure), looks public
    {{0}, 8, RANGE_FORBIDDEN},                   // this network; 0.0.0.0 reaches loopback
    {{10}, 8, RANGE_PRIVATE},                    // RFC 1918
    {{100, 64}, 10, RANGE_PRIVATE},              // shared, RFC 6598
    {{127}, 8, RANGE_PRIVATE},                   // loopback
    {{169, 254}, 16, RANGE_FORBIDDEN},           // link-local and metadata
    {{172, 16}, 12, RANGE_PRIVATE},              // RFC 1918
    {{192, 0, 0}, 24, RANGE_FORBIDDEN},          // protocol assignments; metadata (Oracle)
    {{192, 0, 2}, 24, RANGE_FORBIDDEN},          // documentation
    {{192, 88, 99}, 24, RANGE_FORBIDDEN},        // 6to4 relays
    {{192, 168}, 16, RANGE_PRIVATE},             // RFC 1918
    {{198, 18}, 15, RANGE_PRIVATE},              // benchmarking: laboratories
    {{198, 51, 100}, 24, RANGE_FORBIDDEN},       // documentation
    {{203, 0, 113}, 24, RANGE_FORBIDDEN},        // documentation
    {{224}, 4, RANGE_FORBIDDEN},                 // multicast
    {{240}, 4, RANGE_FORBIDDEN},                 // reserved, and broadcast
};

// IPv6 is the other way round: what is not in 2000::/3 or named here is refused.
static const struct range ranges6[] = {
    {{[15] = 1}, 128, RANGE_PRIVATE},                                    // ::1
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, RANGE_FORBIDDEN}, // metadata (AWS)
    {{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}, 128, RANGE_FORBIDDEN}, // metadata (Google)
    {{0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe},
     128,
     RANGE_FORBIDDEN},                               // metadata (Oracle)
    {{0xfc}, 7, RANGE_PRIVATE},                      // unique local
    {{0x20, 0x01, 0x00, 0x00}, 23, RANGE_FORBIDDEN}, // protocol assignments, Teredo, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32, RANGE_FORBIDDEN}, // documentation
    {{0x3f, 0xff, 0x00}, 20, RANGE_FORBIDDEN},       // documentation
};

static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
static const uint8_t six_to_four[2] = {0x20, 0x02};

static const struct range *range_find(const struct range *ranges, size_t count,
                                      const uint8_t *address)
{
    for (size_t i = 0; i < count; i++) {
        if (network_bits_equal(ranges[i].address, address, ranges[i].prefix)) {
            return &ranges[i];
        }
    }
    return NULL;
}

static enum client_verdict check4(const uint8_t *address, const struct networks *networks)
{
    const struct range *range = range_find(ranges4, sizeof ranges4 / sizeof ranges4[0], address);
    if (range == NULL) {
        return CLIENT_ADDRESS_PUBLIC;
    }
    if (range->kind == RANGE_FORBIDDEN) {
        return CLIENT_ADDRESS_FORBIDDEN;
    }
    return networks_contain(networks, address, false) ? CLIENT_ADDRESS_ALLOWED
                                                      : CLIENT_ADDRESS_PRIVATE;
}

// An IPv4 address inside an IPv6 one, where a translator may carry it on: only a public one passes,
// since an allowed network was given for the plain form.
static enum client_verdict check_embedded(const uint8_t *address)
{
    return check4(address, NULL) == CLIENT_ADDRESS_PUBLIC ? CLIENT_ADDRESS_PUBLIC
                                                          : CLIENT_ADDRESS_FORBIDDEN;
}

static enum client_verdict check6(const uint8_t *address, const struct networks *networks)
{
    if (memcmp(address, nat64, sizeof nat64) == 0) {
        return check_embedded(address + 12);
    }
    if (memcmp(address, six_to_four, sizeof six_to_four) == 0) {
        return check_embedded(address + 2);
    }
    const struct range *range = range_find(ranges6, sizeof ranges6 / sizeof ranges6[0], address);
    if (range == NULL) {
        return (address[0] & 0xe0) == 0x20 ? CLIENT_ADDRESS_PUBLIC : CLIENT_ADDRESS_FORBIDDEN;
    }
    if (range->kind == RANGE_FORBIDDEN) {
        return CLIENT_ADDRESS_FORBIDDEN;
    }
    return networks_contain(networks, address, true) ? CLIENT_ADDRESS_ALLOWED
                                                     : CLIENT_ADDRESS_PRIVATE;
}

enum client_verdict client_address_check(const struct sockaddr *address,
                                         const struct networks *networks)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, address, sizeof in4);
        return check4((const uint8_t *)&in4.sin_addr, networks);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return check6(in6.sin6_addr.s6_addr, networks);
    }
    return CLIENT_ADDRESS_FORBIDDEN;
}

bool client_address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, address, sizeof in4);
        return (ntohl(in4.sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    return false;
}

void client_address_text(const struct sockaddr *address, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    out[0] = '\0';
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, address, sizeof in4);
        if (inet_ntop(AF_INET, &in4.sin_addr, host, sizeof host) != NULL) {
            (void)snprintf(out, size, "%s:%u", host, (unsigned)ntohs(in4.sin_port));
        }
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        if (inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host) != NULL) {
            (void)snprintf(out, size, "[%s]:%u", host, (unsigned)ntohs(in6.sin6_port));
        }
    }
}
