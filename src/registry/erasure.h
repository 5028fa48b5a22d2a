// Certificates of erasure: a statement in JSON, signed with the key of the audit log over exactly
// the bytes of its text, so that a stranger checks it with the public key and nothing else.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_ERASURE_H
#define FP_REGISTRY_ERASURE_H

#include "audit/audit_signer.h"
#include "base/buf.h"
#include "store/store.h"

#define ERASURE_TYPE "fishplate-erasure-1"
#define ERASURE_MAX  65536 // bytes of one, as it is stored

struct erasure_facts {
    const struct store_customer *customer; // erased
    const char *store;                     // id of the store
    const char *by;                        // who, as the audit record names it
    struct bytes by_id;                    // the same: name or id
    const struct store_data_key *keys;     // that were destroyed
    size_t key_count;                      // of them
    uint64_t connections;                  // that were ended
    uint64_t record;                       // of the audit log that says so
    int64_t now_ms;                        // wall clock
};

// Appends {"statement","signature","key"}: the statement as a text, the signature in base64, the
// public key in hex.
enum fp_error erasure_certify(const struct audit_signer *signer, const struct erasure_facts *facts,
                              struct buf *out);
// Checks a certificate (the object, or one with a member "certificate") and appends its statement.
// public_key: of whom it must be. FP_E_INPUT_INVALID: no certificate; FP_E_UNSEAL_FAILED: changed,
// or signed by somebody else.
enum fp_error erasure_check(struct bytes text, const uint8_t public_key[static SIGN_PUBLIC_SIZE],
                            struct buf *statement_out);

#endif
