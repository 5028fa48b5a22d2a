// Signatures of others, over OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/verify.h"

#include "crypto/sign.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define POINT_SIZE 65 // 0x04 and two coordinates
#define DER_SIZE   80 // an ECDSA-Sig-Value of P-256 has 72 bytes at most

// NULL when the point is not on the curve.
static EVP_PKEY *verify_p256(const struct verify_key *key)
{
    uint8_t point[POINT_SIZE] = {0x04};
    char group[] = "prime256v1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *made = NULL;
    memcpy(point + 1, key->x, VERIFY_COORDINATE);
    memcpy(point + 1 + VERIFY_COORDINATE, key->y, VERIFY_COORDINATE);
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        EVP_PKEY_free(made);
        made = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return made;
}

// R and S as OpenSSL wants them; 0: it could not be made.
static size_t verify_der(struct bytes signature, uint8_t out[static DER_SIZE])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.ptr, VERIFY_COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(signature.ptr + VERIFY_COORDINATE, VERIFY_COORDINATE, NULL);
    uint8_t *end = out;
    int len = 0;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; // moved
        len = i2d_ECDSA_SIG(pair, NULL);
        len = len > 0 && len <= DER_SIZE ? i2d_ECDSA_SIG(pair, &end) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

static enum fp_error verify_es256(const struct verify_key *key, struct bytes data,
                                  struct bytes signature)
{
    uint8_t der[DER_SIZE];
    EVP_PKEY *made = verify_p256(key);
    EVP_MD_CTX *ctx = NULL;
    size_t len = 0;
    enum fp_error error = FP_E_CRYPTO_FAILED;
    if (made == NULL) {
        return FP_E_KEY_INVALID;
    }
    ctx = EVP_MD_CTX_new();
    len = verify_der(signature, der);
    if (ctx != NULL && len != 0 &&
        EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, made, NULL) == 1) {
        error =
            EVP_DigestVerify(ctx, der, len, data.ptr, data.len) == 1 ? FP_OK : FP_E_UNSEAL_FAILED;
    }
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(made);
    return error;
}

enum fp_error verify_signature(const struct verify_key *key, struct bytes data,
                               struct bytes signature)
{
    if (signature.len != VERIFY_SIGNATURE) {
        return FP_E_UNSEAL_FAILED;
    }
    return key->algorithm == VERIFY_EDDSA ? sign_check(key->x, data, signature)
                                          : verify_es256(key, data, signature);
}
