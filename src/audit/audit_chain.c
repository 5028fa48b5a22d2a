// One chain, from both sides: what is appended, and whether what was read fits.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_chain.h"

#include "base/clock.h"
#include "crypto/digest.h"

#include <string.h>

void audit_chain_begin(struct audit_chain *chain)
{
    *chain = (struct audit_chain){.begun = true, .whole = true};
}

static enum fp_error chain_grow(struct audit_chain *chain, uint64_t seq,
                                const uint8_t hash[AUDIT_HASH])
{
    enum fp_error error = audit_tree_add(&chain->tree, hash);
    if (error == FP_OK) {
        chain->begun = true;
        chain->seq = seq;
        memcpy(chain->hash, hash, AUDIT_HASH);
    }
    return error;
}

// The checkpoint's own text: signed by whom it says, over what stands before it.
static enum fp_error chain_check_signature(const struct audit_line *line, const uint8_t *public_key)
{
    struct buf text;
    enum fp_error error = FP_OK;
    if (!bytes_equal(bytes_of(line->checkpoint.key, SIGN_PUBLIC_SIZE),
                     bytes_of(public_key, SIGN_PUBLIC_SIZE))) {
        return FP_E_UNSEAL_FAILED;
    }
    buf_init(&text, 1024);
    audit_checkpoint_text(&line->checkpoint, line->prev, line->time, &text);
    error = buf_error(&text);
    if (error == FP_OK) {
        error = sign_check(public_key, buf_bytes(&text),
                           bytes_of(line->checkpoint.signature, SIGN_SIZE));
    }
    buf_done(&text);
    return error;
}

static enum fp_error chain_take_checkpoint(struct audit_chain *chain, const struct audit_line *line,
                                           const uint8_t *public_key, enum audit_fault *fault_out)
{
    const struct audit_checkpoint *c = &line->checkpoint;
    uint8_t root[AUDIT_HASH] = {0};
    enum fp_error error = FP_OK;
    if (c->to + 1 != line->seq || c->from > c->to ||
        (chain->whole && c->from != chain->signed_seq + 1)) {
        *fault_out = AUDIT_SIGNATURE;
        return FP_E_AUDIT_BROKEN;
    }
    if (chain->whole) {
        error = audit_tree_root(&chain->tree, root);
        if (error == FP_OK && memcmp(root, c->root, sizeof root) != 0) {
            *fault_out = AUDIT_SIGNATURE;
            return FP_E_AUDIT_BROKEN;
        }
    }
    if (error == FP_OK && public_key != NULL) {
        error = chain_check_signature(line, public_key);
        if (error == FP_E_UNSEAL_FAILED) {
            *fault_out = AUDIT_SIGNATURE;
            return FP_E_AUDIT_BROKEN;
        }
    }
    if (error == FP_OK) {
        chain->signed_seq = c->to;
        chain->generation = c->generation;
        chain->whole = true;
        chain->tree = (struct audit_tree){0};
    }
    return error;
}

// Whether the line stands where it says. Older files may have been given up: what the first line
// stands on is then taken as it is.
static enum audit_fault chain_place(const struct audit_chain *chain, const struct audit_line *line)
{
    const uint64_t expected = chain->begun ? chain->seq + 1 : chain->first;
    if (expected != 0 && line->seq != expected) {
        return line->seq > expected ? AUDIT_MISSING : AUDIT_REORDERED;
    }
    return chain->begun && memcmp(line->prev, chain->hash, AUDIT_HASH) != 0 ? AUDIT_CHANGED
                                                                            : AUDIT_INTACT;
}

enum fp_error audit_chain_take(struct audit_chain *chain, const struct audit_line *line,
                               const uint8_t *public_key, enum audit_fault *fault_out)
{
    struct audit_chain next = *chain;
    uint8_t hash[AUDIT_HASH] = {0};
    enum audit_fault fault = AUDIT_INTACT;
    enum fp_error error = digest_sha256(line->hashed, hash);
    if (error != FP_OK) {
        return error;
    }
    if (!next.begun && line->seq == 1 && next.first <= 1) {
        audit_chain_begin(&next);
    }
    fault = memcmp(hash, line->hash, AUDIT_HASH) != 0 ? AUDIT_CHANGED : chain_place(&next, line);
    if (fault != AUDIT_INTACT) {
        *fault_out = fault;
        return FP_E_AUDIT_BROKEN;
    }
    if (line->is_checkpoint) {
        error = chain_take_checkpoint(&next, line, public_key, fault_out);
    }
    if (error == FP_OK) {
        error = chain_grow(&next, line->seq, line->hash);
    }
    if (error == FP_OK) {
        *chain = next;
    }
    return error;
}

enum fp_error audit_chain_append(struct audit_chain *chain, struct bytes body, struct buf *out)
{
    uint8_t hash[AUDIT_HASH] = {0};
    enum fp_error error = audit_line_write(chain->seq + 1, body, chain->hash, out, hash);
    return error == FP_OK ? chain_grow(chain, chain->seq + 1, hash) : error;
}

enum fp_error audit_chain_sign(struct audit_chain *chain, const struct audit_signing *how,
                               struct buf *scratch, struct buf *out)
{
    struct audit_checkpoint c = {
        .from = chain->signed_seq + 1, .to = chain->seq, .generation = how->generation};
    struct audit_chain next = *chain;
    char time[CLOCK_TEXT];
    enum fp_error error = audit_tree_root(&chain->tree, c.root);
    clock_text(how->time_ms, time);
    memcpy(c.key, audit_signer_public(how->signer), sizeof c.key);
    buf_clear(scratch);
    if (error == FP_OK) {
        audit_checkpoint_text(&c, chain->hash, bytes_of_text(time), scratch);
        error = buf_error(scratch);
    }
    if (error == FP_OK) {
        error = audit_signer_sign(how->signer, buf_bytes(scratch), c.signature);
    }
    buf_clear(scratch);
    if (error == FP_OK) {
        error = audit_line_checkpoint_body(&c, how->time_ms, scratch);
    }
    if (error == FP_OK) {
        next.signed_seq = c.to;
        next.generation = c.generation;
        next.tree = (struct audit_tree){0};
        error = audit_chain_append(&next, buf_bytes(scratch), out);
    }
    if (error == FP_OK) {
        *chain = next;
    }
    return error;
}
