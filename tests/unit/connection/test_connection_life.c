// The states of a connection: every state with every event, written down as one table, legal and
// illegal. Rows S4, S5, S12, S13.
// SPDX-License-Identifier: Apache-2.0
#include "connection/life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

// One row a state, one column an event: the state that follows, '-' nothing changes, '!' refused.
// Columns: verified, answered, unreachable, rejected, reconnected, disconnected, erased.
static const struct {
    enum connection_state state; // before
    const char *follows;         // p a u r d e, '-' or '!'
} table[] = {
    {CONNECTION_PENDING, "a!!!!d!"},      {CONNECTION_ACTIVE, "!-urad!"},
    {CONNECTION_UNREACHABLE, "!a-rad!"},  {CONNECTION_REQUIRES_REAUTHORIZATION, "!---ad!"},
    {CONNECTION_DISCONNECTED, "!---!!e"}, {CONNECTION_ERASED, "!---!!!"},
};

static char letter_of(enum connection_state state)
{
    return "?paurde"[state];
}

static void test_connection_life__every_state_with_every_event(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
        for (int kind = 0; kind < CONNECTION_EVENT_COUNT; kind++) {
            struct connection_life life = {table[row].state, CONNECTION_REASON_CREATED, 1000, 3};
            struct connection_event event = {(enum connection_event_kind)kind, 2000, 3,
                                             CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
            struct connection_step step = {0};
            char expected = table[row].follows[kind];
            enum fp_error error = connection_advance(&life, &event, &step);
            if (expected == '!') {
                assert_int_equal(error, FP_E_STATE_CONFLICT);
                assert_int_equal(step.life.state, 0);
                continue;
            }
            assert_int_equal(error, FP_OK);
            assert_int_equal(step.changed, expected != '-');
            if (expected == '-') {
                assert_int_equal(step.life.state, life.state);
                assert_int_equal(step.life.since_ms, 1000);
                assert_int_equal(step.effects, 0);
            } else {
                assert_int_equal(letter_of(step.life.state), expected);
                assert_int_equal(step.life.since_ms, 2000);
                assert_true(connection_reason_known(step.life.reason));
            }
        }
    }
}

static const struct {
    enum connection_state from;      // before
    enum connection_event_kind kind; // what happens
    enum connection_reason reason;   // what must be noted
    unsigned effects;                // what must be done
    uint32_t version;                // credential version afterwards, 7 before
} details[] = {
    {CONNECTION_PENDING, CONNECTION_EVENT_VERIFIED, CONNECTION_REASON_CONNECTED, 0, 8},
    {CONNECTION_ACTIVE, CONNECTION_EVENT_UNREACHABLE, CONNECTION_REASON_SOURCE_UNREACHABLE, 0, 7},
    {CONNECTION_UNREACHABLE, CONNECTION_EVENT_ANSWERED, CONNECTION_REASON_SOURCE_REACHABLE, 0, 7},
    {CONNECTION_ACTIVE, CONNECTION_EVENT_REJECTED, CONNECTION_REASON_CREDENTIALS_REJECTED,
     CONNECTION_EFFECT_FORGET, 7},
    {CONNECTION_UNREACHABLE, CONNECTION_EVENT_REJECTED, CONNECTION_REASON_CREDENTIALS_REJECTED,
     CONNECTION_EFFECT_FORGET, 7},
    {CONNECTION_REQUIRES_REAUTHORIZATION, CONNECTION_EVENT_RECONNECTED,
     CONNECTION_REASON_RECONNECTED, CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_SUPERSEDE_TOKENS,
     8},
    {CONNECTION_ACTIVE, CONNECTION_EVENT_RECONNECTED, CONNECTION_REASON_RECONNECTED,
     CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_SUPERSEDE_TOKENS, 8},
    {CONNECTION_ACTIVE, CONNECTION_EVENT_DISCONNECTED,
     CONNECTION_REASON_DISCONNECTED_BY_APPLICATION,
     CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_REVOKE_TOKENS |
         CONNECTION_EFFECT_DESTROY_CREDENTIAL,
     7},
    {CONNECTION_DISCONNECTED, CONNECTION_EVENT_ERASED, CONNECTION_REASON_ERASED,
     CONNECTION_EFFECT_FORGET | CONNECTION_EFFECT_DESTROY_KEY, 7},
};

static void test_connection_life__reasons_effects_and_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
        struct connection_life life = {details[i].from, CONNECTION_REASON_CREATED, 1, 7};
        struct connection_event event = {details[i].kind, 2, 7,
                                         CONNECTION_REASON_DISCONNECTED_BY_APPLICATION};
        struct connection_step step = {0};
        assert_int_equal(connection_advance(&life, &event, &step), FP_OK);
        assert_true(step.changed);
        assert_int_equal(step.life.reason, details[i].reason);
        assert_int_equal(step.effects, details[i].effects);
        assert_int_equal(step.life.credential_version, details[i].version);
    }
}

// S5: a call that was under way with the old credential must not spoil the new one.
static void test_connection_life__news_of_an_old_credential_changes_nothing(void **state)
{
    static const uint32_t versions[] = {0, 1, 3, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct connection_life life = {CONNECTION_ACTIVE, CONNECTION_REASON_RECONNECTED, 1, 2};
        struct connection_event event = {CONNECTION_EVENT_REJECTED, 2, versions[i], 0};
        struct connection_step step = {0};
        assert_int_equal(connection_advance(&life, &event, &step), FP_OK);
        assert_false(step.changed);
        life.state = CONNECTION_UNREACHABLE;
        event.kind = CONNECTION_EVENT_ANSWERED;
        assert_int_equal(connection_advance(&life, &event, &step), FP_OK);
        assert_false(step.changed);
    }
}

// S4: a connection is usable exactly in two states.
static void test_connection_life__usable(void **state)
{
    (void)state;
    assert_int_equal(connection_usable(CONNECTION_ACTIVE), FP_OK);
    assert_int_equal(connection_usable(CONNECTION_UNREACHABLE), FP_OK);
    assert_int_equal(connection_usable(CONNECTION_PENDING), FP_E_REAUTHORIZATION_REQUIRED);
    assert_int_equal(connection_usable(CONNECTION_REQUIRES_REAUTHORIZATION),
                     FP_E_REAUTHORIZATION_REQUIRED);
    assert_int_equal(connection_usable(CONNECTION_DISCONNECTED), FP_E_CONNECTION_DISCONNECTED);
    assert_int_equal(connection_usable(CONNECTION_ERASED), FP_E_CONNECTION_DISCONNECTED);
    assert_int_equal(connection_usable((enum connection_state)99), FP_E_CONNECTION_DISCONNECTED);
}

// S12: of all errors of the catalogue, only these say anything about the connection.
static void test_connection_life__outcomes(void **state)
{
    (void)state;
    for (int error = 0; error < FP_ERROR_COUNT; error++) {
        enum connection_event_kind kind = CONNECTION_EVENT_COUNT;
        bool known = connection_event_of_outcome((enum fp_error)error, &kind);
        switch (error) {
        case FP_OK:
        case FP_E_RECORD_NOT_FOUND:
        case FP_E_SOURCE_PERMISSION_MISSING:
        case FP_E_SOURCE_REJECTED:
        case FP_E_RECORD_LOCKED:
        case FP_E_CONFLICT:
            assert_true(known);
            assert_int_equal(kind, CONNECTION_EVENT_ANSWERED);
            break;
        case FP_E_SOURCE_UNREACHABLE:
            assert_true(known);
            assert_int_equal(kind, CONNECTION_EVENT_UNREACHABLE);
            break;
        case FP_E_CREDENTIALS_REJECTED:
            assert_true(known);
            assert_int_equal(kind, CONNECTION_EVENT_REJECTED);
            break;
        default:
            assert_false(known);
            break;
        }
    }
}

static void test_connection_life__names(void **state)
{
    (void)state;
    assert_string_equal(connection_state_name(CONNECTION_REQUIRES_REAUTHORIZATION),
                        "requires_reauthorization");
    assert_string_equal(connection_reason_name(CONNECTION_REASON_CREDENTIALS_REJECTED),
                        "CREDENTIALS_REJECTED");
    assert_string_equal(connection_state_name((enum connection_state)0), "?");
    assert_string_equal(connection_state_name((enum connection_state)7), "?");
    assert_string_equal(connection_reason_name((enum connection_reason)11), "?");
    for (unsigned i = 1; i <= CONNECTION_ERASED; i++) {
        assert_true(connection_state_known(i));
    }
    for (unsigned i = 1; i <= CONNECTION_REASON_ERASED; i++) {
        assert_true(connection_reason_known(i));
    }
    assert_false(connection_state_known(0));
    assert_false(connection_reason_known(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_life__every_state_with_every_event),
        cmocka_unit_test(test_connection_life__reasons_effects_and_versions),
        cmocka_unit_test(test_connection_life__news_of_an_old_credential_changes_nothing),
        cmocka_unit_test(test_connection_life__usable),
        cmocka_unit_test(test_connection_life__outcomes),
        cmocka_unit_test(test_connection_life__names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
