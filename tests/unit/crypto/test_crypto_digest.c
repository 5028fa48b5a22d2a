// Digests beyond the Wycheproof vectors: pieces against whole, CRC-32, AEAD's borders, random.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "crypto/setup.h"
#include "crypto/sign.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_crypto_digest__pieces_equal_whole(void **state)
{
    uint8_t whole[DIGEST_SIZE], parts[DIGEST_SIZE], pieces[DIGEST_SIZE];
    const struct bytes two[] = {BYTES("fish"), BYTES(""), BYTES("plate")};
    struct digest *d = digest_create();
    (void)state;
    assert_non_null(d);
    assert_int_equal(digest_sha256(BYTES("fishplate"), whole), FP_OK);
    assert_int_equal(digest_sha256_parts(two, 3, parts), FP_OK);
    assert_memory_equal(whole, parts, sizeof whole);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(digest_begin(d), FP_OK);
        assert_int_equal(digest_add(d, BYTES("fishpl")), FP_OK);
        assert_int_equal(digest_add(d, BYTES("ate")), FP_OK);
        assert_int_equal(digest_end(d, pieces), FP_OK);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
    digest_free(d);
}

static void test_crypto_digest__crc32(void **state)
{
    (void)state;
    assert_int_equal(crc32_ieee(BYTES("123456789")), 0xcbf43926u); // the check value of CRC-32
    assert_int_equal(crc32_ieee(BYTES("")), 0);
}

static void test_crypto_digest__keyed_hmac_is_reusable(void **state)
{
    uint8_t once[DIGEST_SIZE], again[DIGEST_SIZE];
    const struct bytes parts[] = {BYTES("a"), BYTES("bc")};
    struct hmac *h = NULL;
    (void)state;
    assert_int_equal(hmac_sha256(BYTES("key"), BYTES("abc"), once), FP_OK);
    assert_int_equal(hmac_create(BYTES("key"), &h), FP_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hmac_run(h, parts, 2, again), FP_OK);
        assert_memory_equal(once, again, sizeof once);
    }
    hmac_free(h);
}

static void test_crypto_digest__aead_refuses_changes(void **state)
{
    uint8_t key[AEAD_KEY_SIZE] = {0}, nonce[AEAD_NONCE_SIZE] = {0};
    uint8_t sealed[11 + AEAD_TAG_SIZE] = {0}, opened[11];
    struct aead_message m = {bytes_of(key, sizeof key), bytes_of(nonce, sizeof nonce),
                             BYTES("place")};
    struct bytes all = bytes_of(sealed, sizeof sealed);
    static const uint8_t zero[11];
    (void)state;
    random_bytes(key, sizeof key);
    random_bytes(nonce, sizeof nonce);
    assert_int_equal(aead_seal(&m, BYTES("hello world"), sealed), FP_OK);
    for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(opened, 1, sizeof opened);
        assert_int_equal(aead_open(&m, all, opened), FP_E_UNSEAL_FAILED);
        assert_memory_equal(opened, zero, sizeof zero); // nothing unproven is handed out
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(aead_open(&m, bytes_slice(all, 0, 15), opened), FP_E_INPUT_TRUNCATED);
    m.aad = BYTES("other");
    assert_int_equal(aead_open(&m, all, opened), FP_E_UNSEAL_FAILED);
    m.aad = BYTES("place");
    assert_int_equal(aead_open(&m, all, opened), FP_OK);
    assert_memory_equal(opened, "hello world", 11);
    m.key.len = 16;
    assert_int_equal(aead_seal(&m, BYTES("x"), sealed), FP_E_INPUT_INVALID);
}

static void *other_thread(void *arg)
{
    uint8_t *out = arg;
    uint8_t key[AEAD_KEY_SIZE] = {0}, nonce[AEAD_NONCE_SIZE] = {0}, sealed[AEAD_TAG_SIZE + 1];
    struct aead_message m = {bytes_of(key, sizeof key), bytes_of(nonce, sizeof nonce), BYTES("")};
    for (int i = 0; i < 2000; i++) {
        if (digest_sha256(BYTES("thread"), out) != FP_OK ||
            aead_seal(&m, BYTES("1"), sealed) != FP_OK ||
            aead_open(&m, bytes_of(sealed, sizeof sealed), sealed + AEAD_TAG_SIZE) != FP_OK) {
            return arg;
        }
    }
    return NULL;
}

static void test_crypto_digest__threads_have_contexts_of_their_own(void **state)
{
    pthread_t threads[4];
    uint8_t out[4][DIGEST_SIZE], expected[DIGEST_SIZE];
    (void)state;
    assert_int_equal(digest_sha256(BYTES("thread"), expected), FP_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, other_thread, out[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        assert_memory_equal(out[i], expected, sizeof expected);
    }
}

static void test_crypto_digest__random_below_stays_below(void **state)
{
    bool seen[7] = {false};
    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t value = random_below(7);
        assert_true(value < 7);
        seen[value] = true;
    }
    for (int i = 0; i < 7; i++) {
        assert_true(seen[i]); // missed with a chance of 7 * (6/7)^2000
    }
}

static void test_crypto_digest__sign_refuses_wrong_sizes(void **state)
{
    struct secret seed = {0};
    uint8_t public_key[SIGN_PUBLIC_SIZE], signature[SIGN_SIZE];
    (void)state;
    assert_int_equal(secret_random(31, &seed), FP_OK);
    assert_int_equal(sign_public(&seed, public_key), FP_E_INPUT_INVALID);
    assert_int_equal(sign_make(&seed, BYTES("x"), signature), FP_E_INPUT_INVALID);
    secret_done(&seed);
    assert_int_equal(secret_random(32, &seed), FP_OK);
    assert_int_equal(sign_public(&seed, public_key), FP_OK);
    assert_int_equal(sign_make(&seed, BYTES("x"), signature), FP_OK);
    assert_int_equal(sign_check(public_key, BYTES("x"), bytes_of(signature, 64)), FP_OK);
    assert_int_equal(sign_check(public_key, BYTES("y"), bytes_of(signature, 64)),
                     FP_E_UNSEAL_FAILED);
    assert_int_equal(sign_check(public_key, BYTES("x"), bytes_of(signature, 63)),
                     FP_E_UNSEAL_FAILED);
    secret_done(&seed);
}

static int setup(void **state)
{
    (void)state;
    return crypto_setup() == FP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    crypto_shutdown();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_digest__pieces_equal_whole),
        cmocka_unit_test(test_crypto_digest__crc32),
        cmocka_unit_test(test_crypto_digest__keyed_hmac_is_reusable),
        cmocka_unit_test(test_crypto_digest__aead_refuses_changes),
        cmocka_unit_test(test_crypto_digest__threads_have_contexts_of_their_own),
        cmocka_unit_test(test_crypto_digest__random_below_stays_below),
        cmocka_unit_test(test_crypto_digest__sign_refuses_wrong_sizes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
