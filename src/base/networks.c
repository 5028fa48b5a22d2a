// Lists of networks. RFC 4632 (IPv4), RFC 4291 2.3 (IPv6).
// SPDX-License-Identifier: Apache-2.0
#include "base/networks.h"

#include <arpa/inet.h>
#include <string.h>

bool network_bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(a, b, whole) != 0) {
        return false;
    }
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_clear(const struct network *network)
{
    unsigned bits = network->v6 ? 128 : 32;
    for (unsigned i = network->prefix; i < bits; i++) {
        if ((network->address[i / 8] & (0x80u >> (i % 8))) != 0) {
            return false;
        }
    }
    return true;
}

static const char *parse_one(struct bytes text, struct network *out)
{
    struct network network = {0};
    char address[INET6_ADDRSTRLEN];
    size_t slash = text.len;
    uint64_t prefix = 0;
    bool has_prefix = bytes_find(text, '/', &slash);
    if (!bytes_to_text(bytes_slice(text, 0, slash), address, sizeof address)) {
        return "is not an IPv4 or IPv6 address";
    }
    network.v6 = strchr(address, ':') != NULL;
    if (inet_pton(network.v6 ? AF_INET6 : AF_INET, address, network.address) != 1) {
        return "is not an IPv4 or IPv6 address";
    }
    network.prefix = network.v6 ? 128 : 32;
    if (has_prefix) {
        struct bytes digits = bytes_slice(text, slash + 1, text.len);
        if (digits.len == 0 || digits.len > 3 || !bytes_to_u64(digits, network.prefix, &prefix)) {
            return network.v6 ? "has a prefix that is not 0 to 128"
                              : "has a prefix that is not 0 to 32";
        }
        network.prefix = (uint8_t)prefix;
    }
    if (!host_bits_clear(&network)) {
        return "has bits set behind its prefix";
    }
    *out = network;
    return NULL;
}

enum fp_error networks_parse(struct bytes text, struct networks *out, struct fp_note *note)
{
    struct networks list = {0};
    struct bytes rest = bytes_trim(text);
    struct bytes piece = {0};
    while (bytes_trim(text).len != 0 && bytes_split(&rest, ',', &piece)) {
        if (list.count == FP_LIMIT_SOURCE_NETWORKS) {
            fp_note_set(note, "networks", "more than %d networks", FP_LIMIT_SOURCE_NETWORKS);
            return FP_E_INPUT_INVALID;
        }
        const char *wrong = parse_one(bytes_trim(piece), &list.items[list.count]);
        list.count++;
        if (wrong != NULL) {
            fp_note_set(note, "networks", "network %zu %s", list.count, wrong);
            return FP_E_INPUT_INVALID;
        }
    }
    *out = list;
    return FP_OK;
}

bool networks_contain(const struct networks *list, const uint8_t *address, bool v6)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct network *network = &list->items[i];
        if (network->v6 == v6 && network_bits_equal(network->address, address, network->prefix)) {
            return true;
        }
    }
    return false;
}
