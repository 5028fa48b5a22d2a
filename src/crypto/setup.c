// OpenSSL's start-up, fetched objects, contexts per thread, known answers (FIPS 180-4, RFC 4231,
// NIST GCM test case 13, RFC 8032 7.1). SPDX-License-Identifier: Apache-2.0
#include "crypto/setup.h"

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/crypto_int.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"
#include "crypto/sign.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t setup_lock = PTHREAD_MUTEX_INITIALIZER;
static struct crypto_objects objects;
static bool ready;
static pthread_key_t thread_key; // holds struct crypto_contexts

const struct crypto_objects *crypto__objects(void)
{
    return ready ? &objects : NULL;
}

static void crypto_contexts_free(void *p)
{
    struct crypto_contexts *c = p;
    if (c != NULL) {
        EVP_MD_CTX_free(c->md);
        EVP_CIPHER_CTX_free(c->seal);
        EVP_CIPHER_CTX_free(c->open);
        mem_free(c);
    }
}

static struct crypto_contexts *crypto_contexts_make(void)
{
    struct crypto_contexts *c = mem_alloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->md = EVP_MD_CTX_new();
    c->seal = EVP_CIPHER_CTX_new();
    c->open = EVP_CIPHER_CTX_new();
    if (c->md == NULL || c->seal == NULL || c->open == NULL ||
        EVP_EncryptInit_ex2(c->seal, objects.cipher, NULL, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(c->open, objects.cipher, NULL, NULL, NULL) != 1 ||
        pthread_setspecific(thread_key, c) != 0) {
        crypto_contexts_free(c);
        return NULL;
    }
    return c;
}

struct crypto_contexts *crypto__contexts(void)
{
    struct crypto_contexts *c = NULL;
    if (ready) {
        c = pthread_getspecific(thread_key);
        if (c == NULL) {
            c = crypto_contexts_make();
        }
    }
    return c;
}

static enum fp_error crypto_check_digests(void)
{
    static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf};
    static const uint8_t jefe[4] = {0x5b, 0xdc, 0xc1, 0x46};
    uint8_t out[DIGEST_SIZE];
    enum fp_error error = digest_sha256(BYTES("abc"), out);
    if (error == FP_OK && memcmp(out, abc, sizeof abc) != 0) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        error = hmac_sha256(BYTES("Jefe"), BYTES("what do ya want for nothing?"), out);
    }
    if (error == FP_OK && memcmp(out, jefe, sizeof jefe) != 0) {
        error = FP_E_CRYPTO_FAILED;
    }
    return error;
}

static enum fp_error crypto_check_aead(void)
{
    uint8_t key[AEAD_KEY_SIZE] = {0}, nonce[AEAD_NONCE_SIZE] = {0};
    uint8_t sealed[4 + AEAD_TAG_SIZE], opened[4], tag[AEAD_TAG_SIZE];
    struct aead_message m = {bytes_of(key, sizeof key), bytes_of(nonce, sizeof nonce), BYTES("")};
    enum fp_error error = FP_OK;
    error = hex_decode(BYTES("530f8afbc74536b9a963b4f1c4cb738b"), tag, sizeof tag);
    if (error == FP_OK) {
        error = aead_seal(&m, BYTES(""), sealed);
    }
    if (error == FP_OK && memcmp(sealed, tag, sizeof tag) != 0) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        error = aead_seal(&m, BYTES("test"), sealed);
    }
    if (error == FP_OK) {
        error = aead_open(&m, bytes_of(sealed, sizeof sealed), opened);
    }
    if (error == FP_OK && memcmp(opened, "test", 4) != 0) {
        error = FP_E_CRYPTO_FAILED;
    }
    return error;
}

static enum fp_error crypto_check_sign(void)
{
    uint8_t seed_raw[SIGN_SEED_SIZE], expected[SIGN_PUBLIC_SIZE], out[SIGN_PUBLIC_SIZE];
    uint8_t signature[SIGN_SIZE];
    struct secret seed = {0};
    enum fp_error error =
        hex_decode(BYTES("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
                   seed_raw, sizeof seed_raw);
    if (error == FP_OK) {
        error =
            hex_decode(BYTES("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
                       expected, sizeof expected);
    }
    if (error == FP_OK) {
        error = secret_copy(bytes_of(seed_raw, sizeof seed_raw), &seed);
    }
    if (error == FP_OK) {
        error = sign_public(&seed, out);
    }
    if (error == FP_OK && memcmp(out, expected, sizeof out) != 0) {
        error = FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        error = sign_make(&seed, BYTES("fishplate"), signature);
    }
    if (error == FP_OK) {
        error = sign_check(out, BYTES("fishplate"), bytes_of(signature, sizeof signature));
    }
    secret_done(&seed);
    return error;
}

static enum fp_error crypto_fetch(void)
{
    objects.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    objects.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    objects.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (objects.sha256 == NULL || objects.hmac == NULL || objects.cipher == NULL ||
        pthread_key_create(&thread_key, crypto_contexts_free) != 0) {
        return FP_E_CRYPTO_FAILED;
    }
    ready = true;
    return FP_OK;
}

static void crypto_release(void)
{
    if (ready) {
        crypto_contexts_free(pthread_getspecific(thread_key));
        (void)pthread_key_delete(thread_key);
        ready = false;
    }
    EVP_MD_free(objects.sha256);
    EVP_MAC_free(objects.hmac);
    EVP_CIPHER_free(objects.cipher);
    objects = (struct crypto_objects){0};
}

enum fp_error crypto_setup(void)
{
    enum fp_error error = FP_OK;
    (void)pthread_mutex_lock(&setup_lock);
    if (!ready) {
        // no configuration file of the machine may change what we use
        error = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 ? secret_setup()
                                                                            : FP_E_CRYPTO_FAILED;
        if (error == FP_OK) {
            error = crypto_fetch();
        }
        if (error == FP_OK) {
            error = crypto_check_digests();
        }
        if (error == FP_OK) {
            error = crypto_check_aead();
        }
        if (error == FP_OK) {
            error = crypto_check_sign();
        }
        if (error != FP_OK) {
            crypto_release();
        }
    }
    (void)pthread_mutex_unlock(&setup_lock);
    return error;
}

void crypto_shutdown(void)
{
    (void)pthread_mutex_lock(&setup_lock);
    crypto_release();
    (void)pthread_mutex_unlock(&setup_lock);
}
