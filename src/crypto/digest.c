// SHA-256, HMAC and HKDF over OpenSSL's fetched objects; CRC-32 by a table of 16.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include "base/mem.h"
#include "crypto/crypto_int.h"

#include <openssl/core_names.h>
#include <string.h>

struct digest {
    EVP_MD_CTX *ctx; // owned
};

struct hmac {
    EVP_MAC_CTX *ctx; // owned, keyed
};

static enum fp_error digest_parts(EVP_MD_CTX *ctx, const struct bytes *parts, size_t count,
                                  uint8_t *out)
{
    unsigned len = 0;
    if (EVP_DigestInit_ex2(ctx, crypto__objects()->sha256, NULL) != 1) {
        return FP_E_CRYPTO_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0 && EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len) != 1) {
            return FP_E_CRYPTO_FAILED;
        }
    }
    return EVP_DigestFinal_ex(ctx, out, &len) == 1 ? FP_OK : FP_E_CRYPTO_FAILED;
}

enum fp_error digest_sha256_parts(const struct bytes *parts, size_t count,
                                  uint8_t out[static DIGEST_SIZE])
{
    struct crypto_contexts *c = crypto__contexts();
    return c != NULL ? digest_parts(c->md, parts, count, out) : FP_E_CRYPTO_FAILED;
}

enum fp_error digest_sha256(struct bytes data, uint8_t out[static DIGEST_SIZE])
{
    return digest_sha256_parts(&data, 1, out);
}

struct digest *digest_create(void)
{
    struct digest *d = mem_alloc(1, sizeof *d);
    if (d != NULL) {
        d->ctx = EVP_MD_CTX_new();
        if (d->ctx == NULL) {
            mem_free(d);
            d = NULL;
        }
    }
    return d;
}

void digest_free(struct digest *d)
{
    if (d != NULL) {
        EVP_MD_CTX_free(d->ctx);
        mem_free(d);
    }
}

enum fp_error digest_begin(struct digest *d)
{
    const struct crypto_objects *objects = crypto__objects();
    return objects != NULL && EVP_DigestInit_ex2(d->ctx, objects->sha256, NULL) == 1
               ? FP_OK
               : FP_E_CRYPTO_FAILED;
}

enum fp_error digest_add(struct digest *d, struct bytes data)
{
    return data.len == 0 || EVP_DigestUpdate(d->ctx, data.ptr, data.len) == 1 ? FP_OK
                                                                              : FP_E_CRYPTO_FAILED;
}

enum fp_error digest_end(struct digest *d, uint8_t out[static DIGEST_SIZE])
{
    unsigned len = 0;
    return EVP_DigestFinal_ex(d->ctx, out, &len) == 1 ? FP_OK : FP_E_CRYPTO_FAILED;
}

enum fp_error hmac_create(struct bytes key, struct hmac **out)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    const struct crypto_objects *objects = crypto__objects();
    struct hmac *h = mem_alloc(1, sizeof *h);
    enum fp_error error = FP_OK;
    if (h == NULL) {
        return FP_E_NO_MEMORY;
    }
    h->ctx = objects != NULL ? EVP_MAC_CTX_new(objects->hmac) : NULL;
    // an empty key still needs a place, or OpenSSL takes it for "keep the old one"
    if (h->ctx == NULL ||
        EVP_MAC_init(h->ctx, key.len != 0 ? key.ptr : (const uint8_t *)"", key.len, params) != 1) {
        error = FP_E_CRYPTO_FAILED;
        hmac_free(h);
        h = NULL;
    } else {
        *out = h;
    }
    return error;
}

void hmac_free(struct hmac *h)
{
    if (h != NULL) {
        EVP_MAC_CTX_free(h->ctx);
        mem_free(h);
    }
}

enum fp_error hmac_run(struct hmac *h, const struct bytes *parts, size_t count,
                       uint8_t out[static DIGEST_SIZE])
{
    size_t len = 0;
    if (EVP_MAC_init(h->ctx, NULL, 0, NULL) != 1) {
        return FP_E_CRYPTO_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len != 0 && EVP_MAC_update(h->ctx, parts[i].ptr, parts[i].len) != 1) {
            return FP_E_CRYPTO_FAILED;
        }
    }
    return EVP_MAC_final(h->ctx, out, &len, DIGEST_SIZE) == 1 && len == DIGEST_SIZE
               ? FP_OK
               : FP_E_CRYPTO_FAILED;
}

enum fp_error hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static DIGEST_SIZE])
{
    struct hmac *h = NULL;
    enum fp_error error = hmac_create(key, &h);
    if (error == FP_OK) {
        error = hmac_run(h, &data, 1, out);
    }
    hmac_free(h);
    return error;
}

// RFC 5869 2.3: T(i) = HMAC(PRK, T(i-1) | info | i).
static enum fp_error hkdf_expand(struct hmac *prk, struct bytes info, struct secret *out)
{
    uint8_t block[DIGEST_SIZE] = {0};
    enum fp_error error = FP_OK;
    size_t at = 0;
    for (uint8_t i = 1; at < out->len && error == FP_OK; i++) {
        const struct bytes parts[] = {bytes_of(block, i == 1 ? 0 : sizeof block), info,
                                      bytes_of(&i, 1)};
        error = hmac_run(prk, parts, 3, block);
        if (error == FP_OK) {
            size_t n = out->len - at < sizeof block ? out->len - at : sizeof block;
            memcpy(out->ptr + at, block, n);
            at += n;
        }
    }
    mem_wipe(block, sizeof block);
    return error;
}

enum fp_error hkdf_sha256(struct bytes key, struct bytes salt, struct bytes info, size_t len,
                          struct secret *out)
{
    uint8_t prk[DIGEST_SIZE];
    struct hmac *h = NULL;
    struct secret result = {0};
    enum fp_error error = len <= 255 * DIGEST_SIZE ? FP_OK : FP_E_LIMIT_EXCEEDED;
    if (error == FP_OK) {
        error = secret_make(len, &result);
    }
    if (error == FP_OK) {
        error = hmac_sha256(salt, key, prk);
    }
    if (error == FP_OK) {
        error = hmac_create(bytes_of(prk, sizeof prk), &h);
    }
    if (error == FP_OK) {
        error = hkdf_expand(h, info, &result);
    }
    if (error == FP_OK) {
        *out = result;
        result = (struct secret){0}; // moved
    }
    hmac_free(h);
    secret_done(&result);
    mem_wipe(prk, sizeof prk);
    return error;
}

uint32_t crc32_ieee(struct bytes data)
{
    // remainders of the sixteen half bytes for the reflected polynomial 0xedb88320
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < data.len; i++) {
        crc ^= data.ptr[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
