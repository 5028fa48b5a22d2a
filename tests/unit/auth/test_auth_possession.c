// What a caller proved, packed and unpacked, and the words for bindings. Rows S8, N6.
// SPDX-License-Identifier: Apache-2.0
#include "auth/possession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pack(const struct possession *possession, struct buf *out)
{
    buf_init(out, POSSESSION_TEXT);
    possession_encode(possession, out);
    assert_int_equal(buf_error(out), FP_OK);
}

static void test_auth_possession__there_and_back(void **state)
{
    struct possession sent = {.scheme_dpop = true,
                              .certificate = true,
                              .proof = {.iat_s = 1700000000, .nonce = BYTES("a nonce")}};
    struct possession found = {0};
    struct buf text;
    (void)state;
    memset(sent.proof.thumbprint, 1, DIGEST_SIZE);
    memset(sent.proof.jti, 2, DIGEST_SIZE);
    memset(sent.certificate_sha256, 3, DIGEST_SIZE);
    pack(&sent, &text);
    assert_int_equal(possession_decode(buf_bytes(&text), &found), FP_OK);
    assert_true(found.scheme_dpop && found.certificate && found.fault == DPOP_GOOD);
    assert_memory_equal(found.proof.thumbprint, sent.proof.thumbprint, DIGEST_SIZE);
    assert_memory_equal(found.proof.jti, sent.proof.jti, DIGEST_SIZE);
    assert_memory_equal(found.certificate_sha256, sent.certificate_sha256, DIGEST_SIZE);
    assert_true(found.proof.iat_s == 1700000000);
    assert_true(bytes_equal_text(found.proof.nonce, "a nonce"));
    // a shorter one is none, but for the nonce at its end
    for (size_t len = 1; len < text.len - 7; len++) {
        assert_int_equal(possession_decode(bytes_slice(buf_bytes(&text), 0, len), &found),
                         FP_E_INPUT_INVALID);
    }
    buf_done(&text);
}

static void test_auth_possession__what_does_not_fit(void **state)
{
    struct possession sent = {.fault = DPOP_URL}, found = {0};
    const uint8_t flags[2] = {4, 1}, fault[2] = {0, DPOP_CLAIMED}, more[3] = {0, 1, 0};
    struct buf text;
    (void)state;
    assert_int_equal(possession_decode((struct bytes){0}, &found), FP_OK);
    assert_true(found.fault == DPOP_MISSING && !found.scheme_dpop && !found.certificate);
    pack(&sent, &text);
    assert_int_equal(possession_decode(buf_bytes(&text), &found), FP_OK);
    assert_int_equal(found.fault, DPOP_URL);
    buf_done(&text);
    assert_int_equal(possession_decode(bytes_of(flags, 2), &found), FP_E_INPUT_INVALID);
    assert_int_equal(possession_decode(bytes_of(fault, 2), &found), FP_E_INPUT_INVALID);
    assert_int_equal(possession_decode(bytes_of(more, 3), &found), FP_E_INPUT_INVALID);
    // a nonce that is none of ours travels as one that never fits
    sent = (struct possession){.proof = {.nonce = BYTES("123456789012345678901234567890123")}};
    pack(&sent, &text);
    assert_int_equal(possession_decode(buf_bytes(&text), &found), FP_OK);
    assert_int_equal(found.proof.nonce.len, 1);
    buf_done(&text);
}

static void test_auth_possession__bindings(void **state)
{
    static const uint8_t thumbprint[DIGEST_SIZE];
    static const char *const wrong[] = {
        "jkt",
        "jkt:",
        "kid:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "jkt:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  // bits behind the end
        "jkt:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   // 42
        "jkt:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", // padding
        "JKT:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    char binding[BINDING_TEXT];
    (void)state;
    binding_make("x5t", thumbprint, binding);
    assert_string_equal(binding, "x5t:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_true(binding_valid(bytes_of_text(binding)) && binding_valid(BYTES("")));
    assert_true(binding_is_certificate(binding) && !binding_is_key(binding));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(binding_valid(bytes_of_text(wrong[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_possession__there_and_back),
        cmocka_unit_test(test_auth_possession__what_does_not_fit),
        cmocka_unit_test(test_auth_possession__bindings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
