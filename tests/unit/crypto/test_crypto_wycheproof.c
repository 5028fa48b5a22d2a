// All vectors of Project Wycheproof for the profile we use: AES-256-GCM with 96-bit nonces and
// 128-bit tags, HMAC-SHA-256, HKDF-SHA-256, Ed25519. The counts are fixed, so that a missing file
// or a group passed over by mistake fails. SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/setup.h"
#include "crypto/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <yyjson.h>

#define VALUE_MAX 66000

struct value {
    uint8_t bytes[VALUE_MAX]; // decoded hex
    size_t len;               // of it
};

static yyjson_doc *read_vectors(const char *name)
{
    char path[1024];
    yyjson_read_err err;
    yyjson_doc *doc = NULL;
    const char *shared = getenv("FISHPLATE_SHARED");
    (void)snprintf(path, sizeof path, "%s/wycheproof/%s", shared != NULL ? shared : "../shared",
                   name);
    doc = yyjson_read_file(path, 0, NULL, &err);
    // The vectors are no part of the project: where they are missing the tests say so and stand
    // out.
    if (doc == NULL && access(path, F_OK) != 0) {
        print_message("no %s: put the shared folder beside the project\n", path);
        skip();
    }
    if (doc == NULL) {
        fail_msg(
            "cannot read the vectors %s (%s): put the shared folder beside the project or name "
            "it in FISHPLATE_SHARED",
            path, err.msg);
    }
    return doc;
}

static struct bytes hex_member(yyjson_val *object, const char *name, struct value *out)
{
    struct bytes text = bytes_of_text(yyjson_get_str(yyjson_obj_get(object, name)));
    assert_true(text.len / 2 <= VALUE_MAX);
    assert_int_equal(hex_decode(text, out->bytes, text.len / 2), FP_OK);
    out->len = text.len / 2;
    return bytes_of(out->bytes, out->len);
}

static long size_member(yyjson_val *object, const char *name)
{
    return (long)yyjson_get_int(yyjson_obj_get(object, name));
}

static bool is_valid(yyjson_val *test)
{
    return strcmp(yyjson_get_str(yyjson_obj_get(test, "result")), "valid") == 0;
}

// Calls check for every test of every group; returns how many it counted.
static unsigned each_test(const char *file, unsigned (*check)(yyjson_val *group, yyjson_val *test))
{
    yyjson_doc *doc = read_vectors(file);
    yyjson_val *group, *test;
    size_t i, max, k, count;
    unsigned checked = 0;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "testGroups"), i, max, group)
    {
        yyjson_arr_foreach(yyjson_obj_get(group, "tests"), k, count, test)
        {
            checked += check(group, test);
        }
    }
    yyjson_doc_free(doc);
    return checked;
}

static struct value v_key, v_iv, v_aad, v_msg, v_ct, v_tag, v_sig, v_out;

static unsigned check_gcm(yyjson_val *group, yyjson_val *test)
{
    struct aead_message m;
    struct bytes msg, ct, tag;
    uint8_t sealed[4096], opened[4096];
    long id = size_member(test, "tcId");
    if (size_member(group, "ivSize") != 96 || size_member(group, "tagSize") != 128 ||
        size_member(group, "keySize") != 256) {
        return 0;
    }
    m = (struct aead_message){hex_member(test, "key", &v_key), hex_member(test, "iv", &v_iv),
                              hex_member(test, "aad", &v_aad)};
    msg = hex_member(test, "msg", &v_msg);
    ct = hex_member(test, "ct", &v_ct);
    tag = hex_member(test, "tag", &v_tag);
    assert_true(ct.len + tag.len <= sizeof sealed);
    memcpy(sealed, ct.ptr, ct.len);
    memcpy(sealed + ct.len, tag.ptr, tag.len);
    if (is_valid(test)) {
        uint8_t again[4096];
        assert_int_equal(aead_open(&m, bytes_of(sealed, ct.len + tag.len), opened), FP_OK);
        assert_memory_equal(opened, msg.ptr, msg.len);
        assert_int_equal(aead_seal(&m, msg, again), FP_OK);
        assert_memory_equal(again, sealed, ct.len + tag.len);
    } else if (aead_open(&m, bytes_of(sealed, ct.len + tag.len), opened) != FP_E_UNSEAL_FAILED) {
        fail_msg("AES-GCM test %ld must not open", id);
    }
    return 1;
}

static unsigned check_hmac(yyjson_val *group, yyjson_val *test)
{
    struct bytes key = hex_member(test, "key", &v_key), msg = hex_member(test, "msg", &v_msg);
    struct bytes tag = hex_member(test, "tag", &v_tag);
    uint8_t out[DIGEST_SIZE];
    (void)group;
    assert_int_equal(hmac_sha256(key, msg, out), FP_OK);
    if ((memcmp(out, tag.ptr, tag.len) == 0) != is_valid(test)) {
        fail_msg("HMAC test %ld differs", size_member(test, "tcId"));
    }
    return 1;
}

static unsigned check_hkdf(yyjson_val *group, yyjson_val *test)
{
    struct bytes key = hex_member(test, "ikm", &v_key), salt = hex_member(test, "salt", &v_iv);
    struct bytes info = hex_member(test, "info", &v_aad), okm = hex_member(test, "okm", &v_out);
    struct secret out = {0};
    enum fp_error error = hkdf_sha256(key, salt, info, (size_t)size_member(test, "size"), &out);
    (void)group;
    if (is_valid(test)) {
        assert_int_equal(error, FP_OK);
        if (!secret_equal(&out, okm)) {
            fail_msg("HKDF test %ld differs", size_member(test, "tcId"));
        }
    } else {
        assert_int_equal(error, FP_E_LIMIT_EXCEEDED);
    }
    secret_done(&out);
    return 1;
}

static unsigned check_ed25519(yyjson_val *group, yyjson_val *test)
{
    struct bytes pk = hex_member(yyjson_obj_get(group, "publicKey"), "pk", &v_key);
    struct bytes msg = hex_member(test, "msg", &v_msg), sig = hex_member(test, "sig", &v_sig);
    enum fp_error error = FP_OK;
    assert_int_equal(pk.len, SIGN_PUBLIC_SIZE);
    error = sign_check(pk.ptr, msg, sig);
    if (error != (is_valid(test) ? FP_OK : FP_E_UNSEAL_FAILED)) {
        fail_msg("Ed25519 test %ld: %s", size_member(test, "tcId"), fp_error_code(error));
    }
    return 1;
}

static void test_crypto_wycheproof__aes_gcm(void **state)
{
    (void)state;
    // 66 of the 197 tests with 96-bit nonces and 128-bit tags are for 256-bit keys
    assert_int_equal(each_test("aes_gcm_test.json", check_gcm), 66);
}

static void test_crypto_wycheproof__hmac(void **state)
{
    (void)state;
    assert_int_equal(each_test("hmac_sha256_test.json", check_hmac), 174);
}

static void test_crypto_wycheproof__hkdf(void **state)
{
    (void)state;
    assert_int_equal(each_test("hkdf_sha256_test.json", check_hkdf), 86);
}

static void test_crypto_wycheproof__ed25519(void **state)
{
    (void)state;
    assert_int_equal(each_test("ed25519_test.json", check_ed25519), 151);
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
        cmocka_unit_test(test_crypto_wycheproof__aes_gcm),
        cmocka_unit_test(test_crypto_wycheproof__hmac),
        cmocka_unit_test(test_crypto_wycheproof__hkdf),
        cmocka_unit_test(test_crypto_wycheproof__ed25519),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
