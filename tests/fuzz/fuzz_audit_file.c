// A log of anybody: the check never crashes, says why when it refuses, and what it accepts it also
// accepts line by line. SPDX-License-Identifier: Apache-2.0
#include "audit/audit_verify.h"
#include "crypto/setup.h"

static const uint8_t no_key[SIGN_PUBLIC_SIZE];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_finding finding, again;
    struct bytes all = bytes_of(data, size);
    enum fp_error error = crypto_setup();
    if (error != FP_OK) {
        __builtin_trap();
    }
    error = audit_verify_bytes(all, NULL, &finding);
    if ((error == FP_OK) != (finding.fault == AUDIT_INTACT) ||
        (error != FP_OK && (error != FP_E_AUDIT_BROKEN || finding.text[0] == '\0')) ||
        finding.offset > size) {
        __builtin_trap();
    }
    // what stands before the fault is good by itself
    if (error != FP_OK) {
        error = audit_verify_bytes(bytes_slice(all, 0, finding.offset), NULL, &again);
        if (finding.fault != AUDIT_REORDERED && finding.fault != AUDIT_MISSING &&
            (error != FP_OK || again.records != finding.records)) {
            __builtin_trap();
        }
    }
    // with a key that signed nothing, a checkpoint is never good
    error = audit_verify_bytes(all, no_key, &again);
    if (error == FP_OK && again.signed_seq != 0) {
        __builtin_trap();
    }
    return 0;
}
