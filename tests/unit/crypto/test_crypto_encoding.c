// Text forms of bytes: RFC 4648 section 10, strictness, base 62 with the public example of a
// token's checksum. SPDX-License-Identifier: Apache-2.0
#include "crypto/encoding.h"
#include "crypto/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_crypto_encoding__hex(void **state)
{
    char text[9];
    uint8_t raw[4];
    (void)state;
    hex_encode(bytes_of("\x00\xff\x1a\x7e", 4), text);
    assert_string_equal(text, "00ff1a7e");
    assert_int_equal(hex_decode(BYTES("00FF1a7E"), raw, 4), FP_OK);
    assert_memory_equal(raw, "\x00\xff\x1a\x7e", 4);
    assert_int_equal(hex_decode(BYTES("00ff1a7"), raw, 4), FP_E_INPUT_INVALID);
    assert_int_equal(hex_decode(BYTES("00ff1a7g"), raw, 4), FP_E_INPUT_INVALID);
    assert_int_equal(hex_decode(BYTES("00ff1a7e0"), raw, 4), FP_E_INPUT_INVALID);
}

static void check_base64(const char *plain, const char *padded, const char *bare)
{
    struct buf out;
    buf_init(&out, 100);
    base64_append(&out, bytes_of_text(plain));
    assert_string_equal(buf_text(&out), padded);
    buf_clear(&out);
    base64url_append(&out, bytes_of_text(plain));
    assert_string_equal(buf_text(&out), bare);
    buf_clear(&out);
    assert_int_equal(base64_decode(bytes_of_text(padded), &out), FP_OK);
    assert_string_equal(buf_text(&out), plain);
    buf_clear(&out);
    assert_int_equal(base64url_decode(bytes_of_text(bare), &out), FP_OK);
    assert_string_equal(buf_text(&out), plain);
    buf_done(&out);
}

static void test_crypto_encoding__base64(void **state)
{
    (void)state;
    check_base64("", "", "");
    check_base64("f", "Zg==", "Zg");
    check_base64("fo", "Zm8=", "Zm8");
    check_base64("foo", "Zm9v", "Zm9v");
    check_base64("foob", "Zm9vYg==", "Zm9vYg");
    check_base64("fooba", "Zm9vYmE=", "Zm9vYmE");
    check_base64("foobar", "Zm9vYmFy", "Zm9vYmFy");
    check_base64("\xfb\xff\xfe", "+//+", "-__-");
}

static void test_crypto_encoding__base64_is_strict(void **state)
{
    static const char *const bad[] = {"Zg",   "Zg=",    "Zg===", "Zh==", "Z===",     "====",
                                      "Zm9=", "Zm9v\n", "Zm9 ",  "Zm-_", "Zg==Zg==", "=Zg="};
    static const char *const bad_url[] = {"Z", "Zg==", "Zh", "Zm9", "Zm9v\n", "+//+", "Zm9vY"};
    struct buf out;
    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(base64_decode(bytes_of_text(bad[i]), &out), FP_E_INPUT_INVALID);
    }
    for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++) {
        assert_int_equal(base64url_decode(bytes_of_text(bad_url[i]), &out), FP_E_INPUT_INVALID);
    }
    assert_int_equal(base64_decode(bytes_of("Zg=\0", 4), &out), FP_E_INPUT_INVALID);
    buf_done(&out);
}

static void test_crypto_encoding__token_checksum_example(void **state)
{
    char digits[BASE62_32];
    (void)state;
    base62_checksum(BYTES("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), digits);
    assert_memory_equal(digits, "0mLq17", 6);
}

static void test_crypto_encoding__base62_round_trip(void **state)
{
    uint8_t number[32], back[32];
    char digits[BASE62_256];
    (void)state;
    memset(number, 0, sizeof number);
    assert_int_equal(base62_encode(bytes_of(number, 32), digits, 43), FP_OK);
    assert_memory_equal(digits, "0000000000000000000000000000000000000000000", 43);
    memset(number, 0xff, sizeof number);
    assert_int_equal(base62_encode(bytes_of(number, 32), digits, 43), FP_OK);
    assert_int_equal(base62_decode(bytes_of(digits, 43), back, 32), FP_OK);
    assert_memory_equal(number, back, 32);
    assert_int_equal(base62_encode(bytes_of(number, 32), digits, 42), FP_E_LIMIT_EXCEEDED);
    for (int i = 0; i < 1000; i++) {
        random_bytes(number, sizeof number);
        assert_int_equal(base62_encode(bytes_of(number, 32), digits, 43), FP_OK);
        assert_int_equal(base62_decode(bytes_of(digits, 43), back, 32), FP_OK);
        assert_memory_equal(number, back, 32);
    }
    memset(digits, 'z', sizeof digits); // 62^43 - 1 is over 2^256
    assert_int_equal(base62_decode(bytes_of(digits, 43), back, 32), FP_E_INPUT_INVALID);
    assert_int_equal(base62_decode(BYTES("a-b"), back, 32), FP_E_INPUT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_encoding__hex),
        cmocka_unit_test(test_crypto_encoding__base64),
        cmocka_unit_test(test_crypto_encoding__base64_is_strict),
        cmocka_unit_test(test_crypto_encoding__token_checksum_example),
        cmocka_unit_test(test_crypto_encoding__base62_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
