// Codes of authenticator apps: the vectors of RFC 6238 appendix B (its last six digits), base 32 of
// RFC 4648 section 10. SPDX-License-Identifier: Apache-2.0
#include "crypto/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_crypto_totp__rfc_6238(void **state)
{
    static const struct {
        int64_t seconds;  // since 1970
        const char *code; // of then
    } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    const struct bytes secret = BYTES("12345678901234567890");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char code[TOTP_DIGITS + 1] = "";
        int64_t step = rows[i].seconds / TOTP_STEP_S;
        assert_int_equal(totp_code(secret, step, code), FP_OK);
        assert_string_equal(code, rows[i].code);
        assert_int_equal(totp_find(secret, bytes_of_text(code), rows[i].seconds * 1000, 0), step);
    }
}

static void test_crypto_totp__each_code_once_and_only_near_its_time(void **state)
{
    const struct bytes secret = BYTES("12345678901234567890");
    const struct bytes code = BYTES("081804");
    const int64_t at = INT64_C(1111111109), step = at / TOTP_STEP_S;
    (void)state;
    assert_int_equal(totp_find(secret, code, (at + 30) * 1000, 0), step);
    assert_int_equal(totp_find(secret, code, (at - 30) * 1000, 0), step);
    assert_int_equal(totp_find(secret, code, (at + 60) * 1000, 0), 0);
    assert_int_equal(totp_find(secret, code, at * 1000, step), 0);
    assert_int_equal(totp_find(secret, BYTES("081805"), at * 1000, 0), 0);
    assert_int_equal(totp_find(secret, BYTES(""), at * 1000, 0), 0);
    assert_int_equal(totp_find(secret, BYTES("0818041"), at * 1000, 0), 0);
}

static void test_crypto_totp__base32(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "MY"},
                                          {"fo", "MZXQ"},
                                          {"foo", "MZXW6"},
                                          {"foob", "MZXW6YQ"},
                                          {"fooba", "MZXW6YTB"},
                                          {"foobar", "MZXW6YTBOI"}};
    struct buf out;
    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&out);
        base32_append(&out, bytes_of_text(rows[i][0]));
        assert_string_equal(buf_text(&out), rows[i][1]);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_totp__rfc_6238),
        cmocka_unit_test(test_crypto_totp__each_code_once_and_only_near_its_time),
        cmocka_unit_test(test_crypto_totp__base32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
