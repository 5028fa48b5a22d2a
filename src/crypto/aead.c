// AES-256-GCM with one context per thread and direction; after each use the context is keyed with
// zeros, so that no expanded key stays on OpenSSL's heap. SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include "base/mem.h"
#include "crypto/crypto_int.h"

#include <limits.h>

static const uint8_t zeros[AEAD_KEY_SIZE];

static enum fp_error aead_check(const struct aead_message *m, size_t text_len)
{
    return m->key.len == AEAD_KEY_SIZE && m->nonce.len == AEAD_NONCE_SIZE &&
                   m->aad.len <= INT_MAX && text_len <= INT_MAX
               ? FP_OK
               : FP_E_INPUT_INVALID;
}

static bool aead_seal_with(EVP_CIPHER_CTX *ctx, const struct aead_message *m, struct bytes plain,
                           uint8_t *out)
{
    int len = 0;
    return EVP_EncryptInit_ex2(ctx, NULL, m->key.ptr, m->nonce.ptr, NULL) == 1 &&
           (m->aad.len == 0 ||
            EVP_EncryptUpdate(ctx, NULL, &len, m->aad.ptr, (int)m->aad.len) == 1) &&
           (plain.len == 0 || EVP_EncryptUpdate(ctx, out, &len, plain.ptr, (int)plain.len) == 1) &&
           EVP_EncryptFinal_ex(ctx, out + plain.len, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, out + plain.len) == 1;
}

enum fp_error aead_seal(const struct aead_message *message, struct bytes plain, uint8_t *out)
{
    struct crypto_contexts *c = crypto__contexts();
    enum fp_error error = aead_check(message, plain.len);
    if (error == FP_OK && c == NULL) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        if (!aead_seal_with(c->seal, message, plain, out)) {
            mem_wipe(out, plain.len + AEAD_TAG_SIZE);
            error = FP_E_CRYPTO_FAILED;
        }
        if (EVP_EncryptInit_ex2(c->seal, NULL, zeros, zeros, NULL) != 1) {
            error = FP_E_CRYPTO_FAILED;
        }
    }
    return error;
}

static enum fp_error aead_open_with(EVP_CIPHER_CTX *ctx, const struct aead_message *m,
                                    struct bytes sealed, uint8_t *out)
{
    uint8_t tag[AEAD_TAG_SIZE], none[16];
    size_t text = sealed.len - AEAD_TAG_SIZE;
    int len = 0;
    for (size_t i = 0; i < sizeof tag; i++) {
        tag[i] = sealed.ptr[text + i];
    }
    if (EVP_DecryptInit_ex2(ctx, NULL, m->key.ptr, m->nonce.ptr, NULL) != 1 ||
        (m->aad.len != 0 && EVP_DecryptUpdate(ctx, NULL, &len, m->aad.ptr, (int)m->aad.len) != 1) ||
        (text != 0 && EVP_DecryptUpdate(ctx, out, &len, sealed.ptr, (int)text) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag) != 1) {
        return FP_E_CRYPTO_FAILED;
    }
    return EVP_DecryptFinal_ex(ctx, none, &len) == 1 ? FP_OK : FP_E_UNSEAL_FAILED;
}

enum fp_error aead_open(const struct aead_message *message, struct bytes sealed, uint8_t *out)
{
    struct crypto_contexts *c = crypto__contexts();
    enum fp_error error =
        sealed.len >= AEAD_TAG_SIZE ? aead_check(message, sealed.len) : FP_E_INPUT_TRUNCATED;
    if (error == FP_OK && c == NULL) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        error = aead_open_with(c->open, message, sealed, out);
        if (error != FP_OK) {
            mem_wipe(out, sealed.len - AEAD_TAG_SIZE);
        }
        if (EVP_DecryptInit_ex2(c->open, NULL, zeros, zeros, NULL) != 1) {
            error = FP_E_CRYPTO_FAILED;
        }
    }
    return error;
}
