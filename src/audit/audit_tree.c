// Subtrees are joined as a binary counter carries.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_tree.h"

#include "crypto/digest.h"

#include <string.h>

static enum fp_error tree_join(const uint8_t left[static 32], const uint8_t right[static 32],
                               uint8_t out[static 32])
{
    const struct bytes parts[] = {BYTES("\1"), bytes_of(left, 32), bytes_of(right, 32)};
    return digest_sha256_parts(parts, 3, out);
}

enum fp_error audit_tree_add(struct audit_tree *tree, const uint8_t leaf[static 32])
{
    const struct bytes parts[] = {BYTES("\0"), bytes_of(leaf, 32)};
    uint8_t node[32];
    unsigned level = 0;
    enum fp_error error = digest_sha256_parts(parts, 2, node);
    while (error == FP_OK && (tree->count >> level & 1u) != 0) {
        error = tree_join(tree->node[level], node, node);
        level++;
    }
    if (error == FP_OK && level >= AUDIT_TREE_HEIGHT) {
        error = FP_E_LIMIT_EXCEEDED;
    }
    if (error == FP_OK) {
        memcpy(tree->node[level], node, sizeof node);
        tree->count++;
    }
    return error;
}

enum fp_error audit_tree_root(const struct audit_tree *tree, uint8_t out[static 32])
{
    uint8_t root[32];
    bool begun = false;
    enum fp_error error = FP_OK;
    for (unsigned level = 0; level < AUDIT_TREE_HEIGHT && error == FP_OK; level++) {
        if ((tree->count >> level & 1u) == 0) {
            continue;
        }
        if (begun) {
            error = tree_join(tree->node[level], root, root);
        } else {
            memcpy(root, tree->node[level], sizeof root);
            begun = true;
        }
    }
    if (error == FP_OK && !begun) {
        error = digest_sha256(BYTES(""), root);
    }
    if (error == FP_OK) {
        memcpy(out, root, sizeof root);
    }
    return error;
}
