// The key that signs checkpoints of the audit log: Ed25519, its seed sealed under the
// installation's own key, its public half for everybody. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_SIGNER_H
#define FP_AUDIT_AUDIT_SIGNER_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/sign.h"
#include "keys/keyring.h"

struct audit_signer;

// A new key; appends its sealed form, to be kept in the store's setting "audit_key". The keyring
// needs its system key. FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED, and what keyring_seal() says.
enum fp_error audit_signer_create(struct keyring *ring, struct buf *sealed_out);
// From that sealed form; what keyring_open() says.
enum fp_error audit_signer_open(struct keyring *ring, struct bytes sealed,
                                struct audit_signer **out);
// For tests and tools: from a seed of SIGN_SEED_SIZE bytes, copied.
enum fp_error audit_signer_from_seed(struct bytes seed, struct audit_signer **out);
void audit_signer_free(struct audit_signer *signer);                   // wipes; takes NULL
const uint8_t *audit_signer_public(const struct audit_signer *signer); // SIGN_PUBLIC_SIZE bytes
// The public half as text, one line: "fishplate-audit-key-1 " and 64 hex digits. The log's folder
// holds it as AUDIT_KEY_FILE for convenience; a stranger takes it from a place that whoever could
// change the log could not.
#define AUDIT_KEY_FILE "audit.pub"
#define AUDIT_KEY_TEXT 88 // with its end and NUL
void audit_key_text(const uint8_t public_key[static SIGN_PUBLIC_SIZE],
                    char out[static AUDIT_KEY_TEXT]);
// That line, or the digits alone. FP_E_INPUT_INVALID.
enum fp_error audit_key_parse(struct bytes text, uint8_t out[static SIGN_PUBLIC_SIZE]);
enum fp_error audit_signer_sign(const struct audit_signer *signer, struct bytes data,
                                uint8_t out[static SIGN_SIZE]);

#endif
