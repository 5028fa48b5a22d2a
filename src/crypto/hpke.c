// RFC 9180 sections 4, 4.1, 5.1, 5.2 and 7.1.3. All that is expanded here fits one block of HMAC.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define HPKE_GROUP     "prime256v1"
#define HPKE_INPUT     1024 // bytes of a labeled input; info is bounded by it
#define HPKE_CANDIDATE 255  // tries to find a private key

// "KEM" and I2OSP(kem_id, 2); "HPKE" and I2OSP(kem_id, 2), I2OSP(kdf_id, 2), I2OSP(aead_id, 2).
static const struct bytes suite_kem = {(const uint8_t *)"KEM\x00\x10", 5};
static const struct bytes suite_all = {(const uint8_t *)"HPKE\x00\x10\x00\x01\x00\x02", 10};

// A labeled input of HMAC, put together; wiped by its user.
struct labeled {
    uint8_t bytes[HPKE_INPUT]; // so far
    size_t len;                // of it
    bool full;                 // something did not fit
};

static void labeled_add(struct labeled *l, struct bytes data)
{
    if (data.len > sizeof l->bytes - l->len) {
        l->full = true;
    } else if (data.len != 0) {
        memcpy(l->bytes + l->len, data.ptr, data.len);
        l->len += data.len;
    }
}

static enum fp_error labeled_hmac(struct labeled *l, struct bytes key, uint8_t out[static 32])
{
    static const uint8_t no_salt[DIGEST_SIZE]; // as good as an empty one, RFC 5869 2.2
    enum fp_error error = l->full ? FP_E_UNSEAL_FAILED : FP_OK;
    if (error == FP_OK) {
        error = hmac_sha256(key.len != 0 ? key : bytes_of(no_salt, sizeof no_salt),
                            bytes_of(l->bytes, l->len), out);
    }
    mem_wipe(l, sizeof *l);
    return error;
}

static enum fp_error labeled_extract(struct bytes suite, struct bytes salt, const char *label,
                                     struct bytes ikm, uint8_t out[static 32])
{
    struct labeled l = {0};
    labeled_add(&l, BYTES("HPKE-v1"));
    labeled_add(&l, suite);
    labeled_add(&l, bytes_of_text(label));
    labeled_add(&l, ikm);
    return labeled_hmac(&l, salt, out);
}

// The first block of HKDF-Expand: at most 32 bytes.
struct expansion {
    struct bytes suite; // whose
    const char *label;  // what for
    struct bytes info;  // context
    uint8_t len;        // bytes wanted, which are part of the input
};

static enum fp_error labeled_expand(const uint8_t prk[static 32], const struct expansion *e,
                                    uint8_t out[static 32])
{
    const uint8_t length[2] = {0, e->len};
    struct labeled l = {0};
    labeled_add(&l, bytes_of(length, sizeof length));
    labeled_add(&l, BYTES("HPKE-v1"));
    labeled_add(&l, e->suite);
    labeled_add(&l, bytes_of_text(e->label));
    labeled_add(&l, e->info);
    labeled_add(&l, BYTES("\x01"));
    return labeled_hmac(&l, bytes_of(prk, 32), out);
}

// A key of the curve as OpenSSL holds it; number NULL: the public half alone. NULL on failure, a
// point that is not on the curve among them.
static EVP_PKEY *key_make(const BIGNUM *number, struct bytes point)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    int selection = number != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (build == NULL || ctx == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, HPKE_GROUP, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.ptr, point.len) !=
            1 ||
        (number != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) != 1)) {
        goto out;
    }
    params = OSSL_PARAM_BLD_to_param(build);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, selection, params) != 1) {
        key = NULL;
    }
out:
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

// The public point of a private number. false also when the number is no private key.
static bool key_public(const struct secret *private_key, uint8_t out[static HPKE_PUBLIC_SIZE])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    BIGNUM *number = BN_secure_new();
    bool good = point != NULL && number != NULL &&
                BN_bin2bn(private_key->ptr, (int)private_key->len, number) != NULL &&
                !BN_is_zero(number) && BN_cmp(number, EC_GROUP_get0_order(group)) < 0;
    if (good) {
        BN_set_flags(number, BN_FLG_CONSTTIME);
        good = EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
               EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out,
                                  HPKE_PUBLIC_SIZE, NULL) == HPKE_PUBLIC_SIZE;
    }
    BN_clear_free(number);
    EC_POINT_clear_free(point);
    EC_GROUP_free(group);
    return good;
}

enum fp_error hpke_key_pair(struct bytes ikm, struct secret *private_out,
                            uint8_t public_out[static HPKE_PUBLIC_SIZE])
{
    struct secret candidate = {0};
    uint8_t prk[DIGEST_SIZE], point[HPKE_PUBLIC_SIZE];
    bool found = false;
    enum fp_error error = secret_make(HPKE_PRIVATE_SIZE, &candidate);
    if (error == FP_OK) {
        error = labeled_extract(suite_kem, (struct bytes){0}, "dkp_prk", ikm, prk);
    }
    for (unsigned i = 0; error == FP_OK && !found && i < HPKE_CANDIDATE; i++) {
        const uint8_t counter = (uint8_t)i;
        struct expansion e = {suite_kem, "candidate", bytes_of(&counter, 1), HPKE_PRIVATE_SIZE};
        error = labeled_expand(prk, &e, candidate.ptr);
        found = error == FP_OK && key_public(&candidate, point);
    }
    if (error == FP_OK && !found) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        memcpy(public_out, point, sizeof point);
        *private_out = candidate;
        candidate = (struct secret){0}; // moved
    }
    mem_wipe(prk, sizeof prk);
    secret_done(&candidate);
    return error;
}

// ECDH: the x coordinate.
static enum fp_error hpke_dh(const struct secret *private_key, struct bytes public_key,
                             struct bytes enc, struct secret *out)
{
    BIGNUM *number = BN_secure_new();
    EVP_PKEY *mine = NULL, *theirs = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    size_t len = HPKE_PRIVATE_SIZE;
    enum fp_error error = FP_E_CRYPTO_FAILED;
    if (number == NULL || BN_bin2bn(private_key->ptr, (int)private_key->len, number) == NULL) {
        goto out;
    }
    mine = key_make(number, public_key);
    theirs = key_make(NULL, enc);
    ctx = mine != NULL ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    error = theirs == NULL ? FP_E_UNSEAL_FAILED : secret_make(HPKE_PRIVATE_SIZE, out);
    if (error != FP_OK) {
        goto out;
    }
    if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
        EVP_PKEY_derive_set_peer(ctx, theirs) != 1 || EVP_PKEY_derive(ctx, out->ptr, &len) != 1 ||
        len != HPKE_PRIVATE_SIZE) {
        secret_done(out);
        error = FP_E_CRYPTO_FAILED;
    }
out:
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    BN_clear_free(number);
    return error;
}

enum fp_error hpke_shared_secret(const struct secret *private_key,
                                 const uint8_t public_key[static HPKE_PUBLIC_SIZE],
                                 struct bytes enc, struct secret *out)
{
    uint8_t context[2 * HPKE_PUBLIC_SIZE] = {0}, prk[DIGEST_SIZE];
    struct secret dh = {0}, shared = {0};
    struct expansion e = {suite_kem, "shared_secret", bytes_of(context, sizeof context), 32};
    enum fp_error error = FP_OK;
    if (enc.len != HPKE_PUBLIC_SIZE || enc.ptr[0] != 4 || private_key->len != HPKE_PRIVATE_SIZE) {
        return FP_E_UNSEAL_FAILED;
    }
    memcpy(context, enc.ptr, HPKE_PUBLIC_SIZE);
    memcpy(context + HPKE_PUBLIC_SIZE, public_key, HPKE_PUBLIC_SIZE);
    error = hpke_dh(private_key, bytes_of(public_key, HPKE_PUBLIC_SIZE), enc, &dh);
    if (error == FP_OK) {
        error = labeled_extract(suite_kem, (struct bytes){0}, "eae_prk", secret_bytes(&dh), prk);
    }
    error = error != FP_OK ? error : secret_make(DIGEST_SIZE, &shared);
    error = error != FP_OK ? error : labeled_expand(prk, &e, shared.ptr);
    if (error == FP_OK) {
        *out = shared;
        shared = (struct secret){0}; // moved
    }
    mem_wipe(prk, sizeof prk);
    secret_done(&dh);
    secret_done(&shared);
    return error;
}

// KeySchedule() of base mode: key and base_nonce; the only message has sequence number 0.
static enum fp_error hpke_schedule(const struct secret *shared, struct bytes info,
                                   uint8_t key[static 32], uint8_t nonce[static 32])
{
    uint8_t context[1 + 2 * DIGEST_SIZE] = {0}, prk[DIGEST_SIZE];
    const struct bytes all = bytes_of(context, sizeof context), none = {0};
    struct expansion wanted[2] = {{suite_all, "key", all, AEAD_KEY_SIZE},
                                  {suite_all, "base_nonce", all, AEAD_NONCE_SIZE}};
    enum fp_error error = labeled_extract(suite_all, none, "psk_id_hash", none, context + 1);
    if (error == FP_OK) {
        error = labeled_extract(suite_all, none, "info_hash", info, context + 1 + DIGEST_SIZE);
    }
    if (error == FP_OK) {
        error = labeled_extract(suite_all, secret_bytes(shared), "secret", none, prk);
    }
    error = error != FP_OK ? error : labeled_expand(prk, &wanted[0], key);
    error = error != FP_OK ? error : labeled_expand(prk, &wanted[1], nonce);
    mem_wipe(prk, sizeof prk);
    return error;
}

enum fp_error hpke_open(const struct secret *private_key,
                        const uint8_t public_key[static HPKE_PUBLIC_SIZE],
                        const struct hpke_sealed *sealed, struct secret *out)
{
    uint8_t key[DIGEST_SIZE] = {0}, nonce[DIGEST_SIZE] = {0};
    struct aead_message message = {bytes_of(key, AEAD_KEY_SIZE), bytes_of(nonce, AEAD_NONCE_SIZE),
                                   sealed->aad};
    struct secret shared = {0}, plain = {0};
    enum fp_error error = sealed->text.len < HPKE_TAG_SIZE
                              ? FP_E_UNSEAL_FAILED
                              : hpke_shared_secret(private_key, public_key, sealed->enc, &shared);
    error = error != FP_OK ? error : hpke_schedule(&shared, sealed->info, key, nonce);
    error = error != FP_OK ? error : secret_make(sealed->text.len - HPKE_TAG_SIZE, &plain);
    error = error != FP_OK ? error : aead_open(&message, sealed->text, plain.ptr);
    if (error == FP_OK) {
        *out = plain;
        plain = (struct secret){0}; // moved
    }
    mem_wipe(key, sizeof key);
    mem_wipe(nonce, sizeof nonce);
    secret_done(&shared);
    secret_done(&plain);
    return error;
}
