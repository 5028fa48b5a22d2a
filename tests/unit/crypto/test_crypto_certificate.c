// The development certificate, read back with OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1795000000 // 2026-11-18

static struct buf certificate;
static struct buf key;

static X509 *read_certificate(void)
{
    BIO *bio = BIO_new_mem_buf(certificate.ptr, (int)certificate.len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x509);
    return x509;
}

static void make(const char *hostname)
{
    buf_clear(&certificate);
    buf_clear(&key);
    assert_int_equal(certificate_make(hostname, NOW_S, &certificate, &key), FP_OK);
}

static void test_crypto_certificate__names(void **state)
{
    X509 *x509 = NULL;
    (void)state;
    make("plant-7.example.com");
    x509 = read_certificate();
    assert_int_equal(X509_check_host(x509, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "plant-7.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "example.com", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "127.0.0.2", 0), 0);
    X509_free(x509);
}

// A host name with commas would otherwise add names of its own to the certificate.
static void test_crypto_certificate__odd_hostname_is_left_out(void **state)
{
    static const char *const odd[] = {NULL, "", "a,DNS:evil.example", "with blank", "localhost"};
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        X509 *x509 = NULL;
        GENERAL_NAMES *names = NULL;
        make(odd[i]);
        x509 = read_certificate();
        names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
        assert_int_equal(sk_GENERAL_NAME_num(names), 3);
        GENERAL_NAMES_free(names);
        X509_free(x509);
    }
}

static void test_crypto_certificate__life_and_key(void **state)
{
    BIO *bio = NULL;
    X509 *x509 = NULL;
    EVP_PKEY *pair = NULL;
    int days = 0, seconds = 0;
    time_t now = NOW_S, late = NOW_S + (time_t)CERTIFICATE_DAYS * 86400;
    (void)state;
    make(NULL);
    x509 = read_certificate();
    bio = BIO_new_mem_buf(key.ptr, (int)key.len);
    pair = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(pair);
    assert_int_equal(X509_check_private_key(x509, pair), 1);
    assert_int_equal(X509_verify(x509, pair), 1);
    assert_int_equal(EVP_PKEY_bits(pair), 256);
    assert_int_equal(
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x509), X509_get0_notAfter(x509)), 1);
    assert_int_equal(days, CERTIFICATE_DAYS);
    assert_true(X509_cmp_time(X509_get0_notBefore(x509), &now) < 0);
    assert_true(X509_cmp_time(X509_get0_notAfter(x509), &late) < 0);
    EVP_PKEY_free(pair);
    BIO_free(bio);
    X509_free(x509);
}

static void test_crypto_certificate__never_the_same(void **state)
{
    X509 *first = NULL, *second = NULL;
    (void)state;
    make(NULL);
    first = read_certificate();
    make(NULL);
    second = read_certificate();
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    assert_int_not_equal(X509_cmp(first, second), 0);
    X509_free(first);
    X509_free(second);
}

// It is its own authority: a client that trusts this file, and nothing else, accepts it.
static void test_crypto_certificate__trusts_itself(void **state)
{
    X509 *x509 = NULL;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    (void)state;
    make(NULL);
    x509 = read_certificate();
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), NOW_S);
    X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_STORE_add_cert(store, x509), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, x509, NULL), 1);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    assert_int_equal(X509_verify_cert(context), 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(x509);
}

static int set_up(void **state)
{
    (void)state;
    buf_init(&certificate, 65536);
    buf_init_sensitive(&key, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&certificate);
    buf_done(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_certificate__names),
        cmocka_unit_test(test_crypto_certificate__odd_hostname_is_left_out),
        cmocka_unit_test(test_crypto_certificate__life_and_key),
        cmocka_unit_test(test_crypto_certificate__never_the_same),
        cmocka_unit_test(test_crypto_certificate__trusts_itself),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
