// The schedule of retries, and what answers mean.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/schedule.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BEGUN INT64_C(1795000000000)

static void test_webhook_schedule__whole_course(void **state)
{
    // seconds from one attempt to the next, with the dice at zero: 30 s doubled, the last attempt
    // exactly 24 hours after the event
    static const int64_t expected[] = {30,   60,   120,  240,   480,   960,
                                       1920, 3840, 7680, 15360, 30720, 24990};
    struct webhook_tries tries = {.begun_ms = BEGUN};
    int64_t now = BEGUN;
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        int64_t next = 0;
        tries.made++;
        next = webhook_next_ms(&tries, now);
        assert_int_equal(next - now, expected[i] * 1000);
        now = next;
    }
    assert_int_equal(now, BEGUN + FP_LIMIT_WEBHOOK_GIVE_UP * INT64_C(1000));
    tries.made++;
    assert_int_equal(webhook_next_ms(&tries, now), 0);
}

static void test_webhook_schedule__dice_add_a_tenth_at_most(void **state)
{
    struct webhook_tries tries = {.begun_ms = BEGUN, .made = 1};
    (void)state;
    for (uint32_t dice = 0; dice < 5000; dice += 7) {
        int64_t delay = 0;
        tries.dice = dice;
        delay = webhook_next_ms(&tries, BEGUN) - BEGUN;
        assert_in_range(delay, 30000, 33000);
    }
}

static void test_webhook_schedule__a_receiver_asks_for_patience(void **state)
{
    struct webhook_tries tries = {.begun_ms = BEGUN, .made = 1, .retry_after_s = 600};
    (void)state;
    assert_int_equal(webhook_next_ms(&tries, BEGUN), BEGUN + 600000);
    tries.retry_after_s = 5; // sooner than we would: no
    assert_int_equal(webhook_next_ms(&tries, BEGUN), BEGUN + 30000);
    tries.retry_after_s = UINT32_MAX; // for ever: no
    assert_int_equal(webhook_next_ms(&tries, BEGUN), BEGUN + 86400000);
}

static void test_webhook_schedule__far_attempts(void **state)
{
    struct webhook_tries tries = {.begun_ms = BEGUN, .made = UINT32_MAX, .dice = UINT32_MAX};
    (void)state;
    assert_int_equal(webhook_next_ms(&tries, BEGUN), BEGUN + 86400000);
    assert_int_equal(webhook_next_ms(&tries, BEGUN + 86400000), 0);
    // the server was down longer than the whole schedule: one attempt was made, it was the last
    tries.made = 1;
    assert_int_equal(webhook_next_ms(&tries, BEGUN + 9 * INT64_C(86400000)), 0);
}

static void test_webhook_schedule__verdicts(void **state)
{
    static const struct {
        enum fp_error error;          // of the attempt
        unsigned status;              // of the answer
        enum webhook_verdict verdict; // expected
    } table[] = {
        {FP_OK, 200, WEBHOOK_DELIVERED},
        {FP_OK, 204, WEBHOOK_DELIVERED},
        {FP_OK, 299, WEBHOOK_DELIVERED},
        {FP_OK, 301, WEBHOOK_RETRY}, // redirects are failures
        {FP_OK, 307, WEBHOOK_RETRY},
        {FP_OK, 400, WEBHOOK_RETRY},
        {FP_OK, 410, WEBHOOK_GONE},
        {FP_OK, 500, WEBHOOK_RETRY},
        {FP_E_SOURCE_TIMEOUT, 0, WEBHOOK_RETRY},
        {FP_E_SOURCE_ANSWER_INVALID, 200, WEBHOOK_RETRY},
        {FP_E_SOURCE_ANSWER_INVALID, 410, WEBHOOK_RETRY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(webhook_judge(table[i].error, table[i].status), table[i].verdict);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webhook_schedule__whole_course),
        cmocka_unit_test(test_webhook_schedule__dice_add_a_tenth_at_most),
        cmocka_unit_test(test_webhook_schedule__a_receiver_asks_for_patience),
        cmocka_unit_test(test_webhook_schedule__far_attempts),
        cmocka_unit_test(test_webhook_schedule__verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
