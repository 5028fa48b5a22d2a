// The tree of hashes over a run of records, as in RFC 6962 section 2.1 (leaf 0x00, node 0x01),
// grown leaf by leaf in constant memory: one root signs them all, and a single record can be proven
// to belong to it. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_TREE_H
#define FP_AUDIT_AUDIT_TREE_H

#include "base/error.h"

#include <stdint.h>

#define AUDIT_TREE_HEIGHT 40 // 2^40 records under one signature

struct audit_tree {
    uint8_t node[AUDIT_TREE_HEIGHT][32]; // complete subtrees: one for each set bit of count
    uint64_t count;                      // leaves
};

// FP_E_CRYPTO_FAILED; FP_E_LIMIT_EXCEEDED. The tree is unchanged then.
enum fp_error audit_tree_add(struct audit_tree *tree, const uint8_t leaf[static 32]);
// SHA-256 of nothing for an empty tree.
enum fp_error audit_tree_root(const struct audit_tree *tree, uint8_t out[static 32]);

#endif
