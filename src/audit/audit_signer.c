// The signing key of the audit log, sealed like any other record of the installation.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_signer.h"

#include "base/mem.h"
#include "crypto/encoding.h"

#include <string.h>

#define KEY_WORD "fishplate-audit-key-1 "

struct audit_signer {
    struct secret seed;                   // SIGN_SEED_SIZE bytes
    uint8_t public_key[SIGN_PUBLIC_SIZE]; // for everybody
};

static const struct seal_place signer_place = {BYTES(KEYRING_SYSTEM), BYTES("setting"),
                                               BYTES("audit_key"), BYTES("seed")};

enum fp_error audit_signer_create(struct keyring *ring, struct buf *sealed_out)
{
    struct secret seed = {0};
    enum fp_error error = secret_random(SIGN_SEED_SIZE, &seed);
    if (error == FP_OK) {
        error = keyring_seal(ring, &signer_place, secret_bytes(&seed), sealed_out);
    }
    secret_done(&seed);
    return error;
}

enum fp_error audit_signer_from_seed(struct bytes seed, struct audit_signer **out)
{
    struct audit_signer *signer = mem_alloc(1, sizeof *signer);
    enum fp_error error = signer != NULL ? secret_copy(seed, &signer->seed) : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = sign_public(&signer->seed, signer->public_key);
    }
    if (error == FP_OK) {
        *out = signer;
        signer = NULL; // moved
    }
    audit_signer_free(signer);
    return error;
}

enum fp_error audit_signer_open(struct keyring *ring, struct bytes sealed,
                                struct audit_signer **out)
{
    struct secret seed = {0};
    enum fp_error error = keyring_open(ring, &signer_place, sealed, &seed);
    if (error == FP_OK) {
        error = audit_signer_from_seed(secret_bytes(&seed), out);
    }
    secret_done(&seed);
    return error;
}

void audit_signer_free(struct audit_signer *signer)
{
    if (signer != NULL) {
        secret_done(&signer->seed);
        mem_free(signer);
    }
}

const uint8_t *audit_signer_public(const struct audit_signer *signer)
{
    return signer->public_key;
}

enum fp_error audit_signer_sign(const struct audit_signer *signer, struct bytes data,
                                uint8_t out[static SIGN_SIZE])
{
    return sign_make(&signer->seed, data, out);
}

void audit_key_text(const uint8_t public_key[static SIGN_PUBLIC_SIZE],
                    char out[static AUDIT_KEY_TEXT])
{
    const size_t word = sizeof KEY_WORD - 1;
    memcpy(out, KEY_WORD, word);
    hex_encode(bytes_of(public_key, SIGN_PUBLIC_SIZE), out + word);
    memcpy(out + word + 2 * SIGN_PUBLIC_SIZE, "\n", 2);
}

enum fp_error audit_key_parse(struct bytes text, uint8_t out[static SIGN_PUBLIC_SIZE])
{
    struct bytes word = bytes_of_text(KEY_WORD);
    if (bytes_ends_with(text, BYTES("\n"))) {
        text.len--;
    }
    if (bytes_starts_with(text, word)) {
        text = bytes_slice(text, word.len, text.len);
    }
    return hex_decode(text, out, SIGN_PUBLIC_SIZE);
}
