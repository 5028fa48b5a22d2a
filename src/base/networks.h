// A list of networks as an operator writes it: CIDRs and single addresses with commas.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_NETWORKS_H
#define FP_BASE_NETWORKS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/note.h"

struct network {
    uint8_t address[16]; // network order; IPv4 in the first 4 bytes; host bits are zero
    uint8_t prefix;      // bits: 0 to 32 or 0 to 128
    bool v6;             // IPv6
};

struct networks {
    struct network items[FP_LIMIT_SOURCE_NETWORKS]; // in the order given
    size_t count;                                   // of items
};

// "10.0.0.0/8, fd12::/48, 192.168.1.7"; blanks around entries are fine, empty text is an empty
// list. FP_E_INPUT_INVALID with the entry's number and the reason in the note: not an address,
// prefix out of range, bits set behind the prefix, more than SOURCE_NETWORKS.
enum fp_error networks_parse(struct bytes text, struct networks *out, struct fp_note *note);
// Whether one of them holds the address (4 bytes, or 16 with v6). list may be NULL.
bool networks_contain(const struct networks *list, const uint8_t *address, bool v6);
// Whether the first bits of two addresses in network order are the same.
bool network_bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits);

#endif
