// The checker's core, for the checker and for opening a log.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_VERIFY_INT_H
#define FP_AUDIT_AUDIT_VERIFY_INT_H

#include "audit/audit_chain.h"
#include "audit/audit_segment.h"

// Takes every line of the reader into the chain; stops at the first fault and describes it.
// finding->file is the caller's. FP_OK, FP_E_AUDIT_BROKEN, FP_E_IO_FAILED, FP_E_NO_MEMORY,
// FP_E_CRYPTO_FAILED.
enum fp_error audit__verify(struct audit_chain *chain, struct audit_reader *reader,
                            const uint8_t *public_key, struct audit_finding *finding);

#endif
