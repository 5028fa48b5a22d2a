// A certificate of anybody: the check never crashes, gives out no statement that it refuses, and of
// what the right key signed it takes a statement of erasure alone, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"
#include "crypto/encoding.h"
#include "crypto/setup.h"
#include "registry/erasure.h"

static const uint8_t seed[SIGN_SEED_SIZE] = {7};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct bytes certificate, const uint8_t *key, struct buf *out)
{
    enum fp_error error = erasure_check(certificate, key, out);
    if ((error != FP_OK && error != FP_E_INPUT_INVALID && error != FP_E_UNSEAL_FAILED &&
         error != FP_E_NO_MEMORY) ||
        (error == FP_OK) != (out->len != 0)) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_signer *signer = NULL;
    struct bytes all = bytes_of(data, size);
    struct buf out, certificate, encoded;
    struct json_out json;
    uint8_t signature[SIGN_SIZE];
    if (crypto_setup() != FP_OK ||
        audit_signer_from_seed(bytes_of(seed, sizeof seed), &signer) != FP_OK ||
        audit_signer_sign(signer, all, signature) != FP_OK) {
        __builtin_trap();
    }
    buf_init(&out, ERASURE_MAX);
    buf_init(&certificate, (size_t)1 << 24);
    buf_init(&encoded, 256);
    check(all, audit_signer_public(signer), &out);
    buf_clear(&out);
    // the same bytes as a statement, signed by the right key
    base64_append(&encoded, bytes_of(signature, sizeof signature));
    json = json_out_start(&certificate);
    json_begin_object(&json);
    json_member_text(&json, "statement", all);
    json_member_text(&json, "signature", buf_bytes(&encoded));
    json_end_object(&json);
    check(buf_bytes(&certificate), audit_signer_public(signer), &out);
    if (out.len != 0 && !bytes_equal(buf_bytes(&out), all)) {
        __builtin_trap();
    }
    buf_done(&out);
    buf_done(&certificate);
    buf_done(&encoded);
    audit_signer_free(signer);
    return 0;
}
