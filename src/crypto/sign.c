// Ed25519 over OpenSSL. Signing is rare (a checkpoint, a certificate), so keys are made per use and
// do not stay in OpenSSL's memory. SPDX-License-Identifier: Apache-2.0
#include "crypto/sign.h"

#include <openssl/evp.h>

static EVP_PKEY *sign_key(const struct secret *seed)
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed->ptr, seed->len);
}

enum fp_error sign_public(const struct secret *seed, uint8_t out[static SIGN_PUBLIC_SIZE])
{
    size_t len = SIGN_PUBLIC_SIZE;
    EVP_PKEY *key = NULL;
    enum fp_error error = FP_E_CRYPTO_FAILED;
    if (seed->len != SIGN_SEED_SIZE) {
        return FP_E_INPUT_INVALID;
    }
    key = sign_key(seed);
    if (key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 &&
        len == SIGN_PUBLIC_SIZE) {
        error = FP_OK;
    }
    EVP_PKEY_free(key);
    return error;
}

enum fp_error sign_make(const struct secret *seed, struct bytes data, uint8_t out[static SIGN_SIZE])
{
    size_t len = SIGN_SIZE;
    EVP_PKEY *key = NULL;
    EVP_MD_CTX *ctx = NULL;
    enum fp_error error = FP_E_CRYPTO_FAILED;
    if (seed->len != SIGN_SEED_SIZE) {
        return FP_E_INPUT_INVALID;
    }
    key = sign_key(seed);
    ctx = EVP_MD_CTX_new();
    if (key != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(ctx, out, &len, data.ptr, data.len) == 1 && len == SIGN_SIZE) {
        error = FP_OK;
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return error;
}

enum fp_error sign_check(const uint8_t public_key[static SIGN_PUBLIC_SIZE], struct bytes data,
                         struct bytes signature)
{
    EVP_PKEY *key = NULL;
    EVP_MD_CTX *ctx = NULL;
    enum fp_error error = FP_E_CRYPTO_FAILED;
    if (signature.len != SIGN_SIZE) {
        return FP_E_UNSEAL_FAILED;
    }
    key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, public_key, SIGN_PUBLIC_SIZE);
    ctx = EVP_MD_CTX_new();
    if (key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1) {
        int good = EVP_DigestVerify(ctx, signature.ptr, signature.len, data.ptr, data.len);
        error = good == 1 ? FP_OK : FP_E_UNSEAL_FAILED;
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return error;
}
