// Names of events and lists of them.
// SPDX-License-Identifier: Apache-2.0
#include "webhook/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_webhook_event__names_are_one_to_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WEBHOOK_EVENT_COUNT; i++) {
        assert_true(webhook_event_known(i));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(webhook_event_name(i), webhook_event_name(j));
        }
    }
    assert_false(webhook_event_known(WEBHOOK_EVENT_COUNT));
    assert_string_equal(webhook_event_name(WEBHOOK_EVENT_COUNT), "?");
}

static void test_webhook_event__lists(void **state)
{
    static const struct {
        const char *list;    // as given
        enum fp_error error; // expected
        uint32_t events;     // expected
    } table[] = {
        {"", FP_OK, WEBHOOK_ALL_EVENTS},
        {" , ", FP_OK, WEBHOOK_ALL_EVENTS},
        {"connection.reachable", FP_OK, 1u << WEBHOOK_REACHABLE},
        {"token.rotated, token.revoked token.rotated", FP_OK,
         1u << WEBHOOK_TOKEN_ROTATED | 1u << WEBHOOK_TOKEN_REVOKED},
        {"connection.reachabl", FP_E_FIELD_INVALID, 0},
        {"connection.reachable,CONNECTION.UNREACHABLE", FP_E_FIELD_INVALID, 0},
        {"webhook.test", FP_E_FIELD_INVALID, 0}, // goes to every endpoint, nobody chooses it
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint32_t events = 0;
        assert_int_equal(webhook_events_parse(bytes_of_text(table[i].list), &events),
                         table[i].error);
        assert_int_equal(events, table[i].events);
    }
}

static void test_webhook_event__written_list(void **state)
{
    struct buf out;
    struct json_out json = json_out_start(&out);
    (void)state;
    buf_init(&out, 1024);
    webhook_events_write(&json, 1u << WEBHOOK_UNREACHABLE | 1u << WEBHOOK_TOKEN_REVOKED);
    assert_int_equal(buf_error(&out), FP_OK);
    assert_true(
        bytes_equal_text(buf_bytes(&out), "[\"connection.unreachable\",\"token.revoked\"]"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webhook_event__names_are_one_to_one),
        cmocka_unit_test(test_webhook_event__lists),
        cmocka_unit_test(test_webhook_event__written_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
