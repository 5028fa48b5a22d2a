// Passwords of operators: what is stored opens with the same password alone, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/setup.h"
#include "keys/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_keys_password__opens_with_itself_alone(void **state)
{
    const struct bytes password = BYTES("sieben rote Fahrr\xc3\xa4"
                                        "der");
    char stored[PASSWORD_TEXT + 1] = "", other[PASSWORD_TEXT + 1] = "";
    bool right = false;
    (void)state;
    assert_int_equal(crypto_setup(), FP_OK);
    assert_int_equal(password_make(password, stored), FP_OK);
    assert_int_equal(password_make(password, other), FP_OK);
    assert_string_not_equal(stored, other); // a salt of its own
    assert_null(strstr(stored, "rote"));
    assert_int_equal(password_check(stored, password, &right), FP_OK);
    assert_true(right);
    assert_int_equal(password_check(stored, BYTES("sieben rote Fahrraeder"), &right), FP_OK);
    assert_false(right);
    stored[strlen(stored) - 1] = stored[strlen(stored) - 1] == '0' ? '1' : '0';
    assert_int_equal(password_check(stored, password, &right), FP_OK);
    assert_false(right);
    // nobody's, and a text that is none: never right, whatever is typed
    assert_int_equal(password_check("", password, &right), FP_OK);
    assert_false(right);
    assert_int_equal(password_check("argon2id1 00 00", BYTES("\n"), &right), FP_OK);
    assert_false(right);
}

static void test_keys_password__refuses_what_guessers_try(void **state)
{
    static const char *const bad[] = {
        "short",
        "fourteen chars",
        "passwordpassword",
        "Password1234567",
        "P4ssw0rd passw0rd",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcdefghijklmnopqrstuvwxyz",
        "12345678901234567890",
        "qwertyuiopasdfghjkl",
        "ada.lovelace.ada.lovelace",
        "fishplate-admin-2026",
    };
    static const char *const good[] = {
        "sieben rote Fahrr\xc3\xa4"
        "der",
        "correct horse battery staple",
        "xK9#mQ2vL7$wR4t",
        "\xd1\x81\xd0\xb5\xd0\xbc\xd1\x8c \xd0\xba\xd1\x80\xd0\xb0\xd1\x81\xd0\xbd\xd1\x8b\xd1\x85 "
        "\xd0\xba\xd0\xbe\xd0\xbd\xd0\xb5\xd0\xb9",
    };
    char long_one[258];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (password_fault(bytes_of_text(bad[i]), BYTES("ada.lovelace@example.com")) == NULL) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_null(password_fault(bytes_of_text(good[i]), BYTES("ada.lovelace@example.com")));
    }
    for (size_t i = 0; i < sizeof long_one; i++) {
        long_one[i] = (char)('a' + (i * 7) % 26);
    }
    assert_null(password_fault(bytes_of(long_one, 256), BYTES("")));
    assert_non_null(password_fault(bytes_of(long_one, 257), BYTES("")));
    assert_non_null(password_fault(bytes_of("\xff\xfe no text, no text", 20), BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_password__opens_with_itself_alone),
        cmocka_unit_test(test_keys_password__refuses_what_guessers_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
