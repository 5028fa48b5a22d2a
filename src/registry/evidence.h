// Signing what an operator hands to an auditor: the key of the audit log says that this
// installation made it, and when, and the log says that it was handed out.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_EVIDENCE_H
#define FP_REGISTRY_EVIDENCE_H

#include "registry/registry.h"

// digest: SHA-256 of the manifest, 64 hex digits. {"data":{"text","signature","key"}}: the
// signature (Ed25519, base64) is over exactly the bytes of text, which has three lines: "fishplate
// evidence v1", "manifest " and the digits, "time " and now. Recorded as operator.export.
// FP_E_FIELD_INVALID.
void registry_evidence_sign(struct registry *registry, const struct registry_caller *caller,
                            struct bytes digest, registry_done *done, void *ctx);

#endif
