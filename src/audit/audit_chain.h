// The chain of records as it grows: last number and hash, tree over what no checkpoint covers yet.
// Writing and checking share it. A plain value: copy it to try something.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_CHAIN_H
#define FP_AUDIT_AUDIT_CHAIN_H

#include "audit/audit_line.h"
#include "audit/audit_signer.h"
#include "audit/audit_tree.h"
#include "audit/audit_verify.h"

struct audit_chain {
    uint64_t seq;             // number of the last record; 0: none
    uint8_t hash[AUDIT_HASH]; // its hash; zeros: none
    bool begun;               // a record was read or written, or the log begins here
    uint64_t first;           // number that the first record must have; 0: any
    bool whole;               // the tree holds everything since the last checkpoint
    uint64_t signed_seq;      // last record under a checkpoint
    uint64_t generation;      // the store's, as that checkpoint says
    struct audit_tree tree;   // over the records behind that
};

// The beginning of a log: the next record is number 1.
void audit_chain_begin(struct audit_chain *chain);
// Takes one more line that was read, if it fits; says what is wrong otherwise (and leaves the
// chain). public_key NULL: signatures are not looked at. FP_E_AUDIT_BROKEN with *fault_out;
// FP_E_CRYPTO_FAILED.
enum fp_error audit_chain_take(struct audit_chain *chain, const struct audit_line *line,
                               const uint8_t *public_key, enum audit_fault *fault_out);
// Appends a line with this body to out and takes it.
enum fp_error audit_chain_append(struct audit_chain *chain, struct bytes body, struct buf *out);
// Appends a checkpoint over everything since the last one; scratch is a buffer to use.
struct audit_signing {
    const struct audit_signer *signer; // whose key
    int64_t time_ms;                   // now
    uint64_t generation;               // the store's
};
enum fp_error audit_chain_sign(struct audit_chain *chain, const struct audit_signing *how,
                               struct buf *scratch, struct buf *out);

#endif
