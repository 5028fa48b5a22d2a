// Signatures: the vector that the libraries of Standard Webhooks test themselves with.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/signature.h"

#include "crypto/encoding.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_webhook_signature__known_vector(void **state)
{
    struct webhook_message message = {.id = BYTES("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                                      .timestamp_s = 1614265330,
                                      .body = BYTES("{\"test\": 2432232314}")};
    struct buf key, out;
    (void)state;
    buf_init(&key, 64);
    buf_init(&out, 64);
    assert_int_equal(base64_decode(BYTES("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key), FP_OK);
    assert_int_equal(webhook_sign(buf_bytes(&key), &message, &out), FP_OK);
    assert_true(
        bytes_equal_text(buf_bytes(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    assert_int_equal(out.len, WEBHOOK_SIGNATURE);
    // each part counts
    message.timestamp_s++;
    buf_clear(&out);
    assert_int_equal(webhook_sign(buf_bytes(&key), &message, &out), FP_OK);
    assert_false(
        bytes_equal_text(buf_bytes(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    buf_done(&key);
    buf_done(&out);
}

static void test_webhook_signature__secret_has_its_form(void **state)
{
    static const uint8_t key[WEBHOOK_KEY] = {0};
    struct buf out;
    (void)state;
    buf_init(&out, 64);
    webhook_secret_append(bytes_of(key, sizeof key), &out);
    assert_int_equal(out.len, WEBHOOK_SECRET);
    assert_true(
        bytes_equal_text(buf_bytes(&out), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    buf_done(&out);
}

static void test_webhook_signature__no_room(void **state)
{
    static const uint8_t key[WEBHOOK_KEY] = {1};
    struct webhook_message message = {.id = BYTES("msg_1"), .body = BYTES("{}")};
    struct buf out;
    (void)state;
    buf_init(&out, WEBHOOK_SIGNATURE - 1);
    assert_int_equal(webhook_sign(bytes_of(key, sizeof key), &message, &out), FP_E_LIMIT_EXCEEDED);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webhook_signature__known_vector),
        cmocka_unit_test(test_webhook_signature__secret_has_its_form),
        cmocka_unit_test(test_webhook_signature__no_room),
    };
    return crypto_setup() == FP_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
