// The life of a call in egress: answers with credit, outcomes, repetitions, time-outs, lost rooms.
// SPDX-License-Identifier: Apache-2.0
#include "egress_talk.h"

static void log_in_first(const char *connection)
{
    execute(255, connection);
    world_answer(world.send_count - 1, FP_OK, 200);
    world_answer(world.send_count - 1, FP_OK, 200);
    world_read();
    assert_int_equal(world.answers[255].head.error, FP_OK);
}

static void test_egress_calls__answer_and_outcome(void **state)
{
    (void)state;
    execute(7, "con_a");
    assert_int_equal(world.send_count, 1);
    assert_true(world.sends[0].login);
    assert_string_equal(world.sends[0].connection, "con_a");
    assert_true(world.sends[0].request.timeout_ms <= 30000); // the call's own time is shorter
    world_answer(0, FP_OK, 200);
    assert_int_equal(world.send_count, 2);
    world_answer(1, FP_OK, 200);
    world_read();
    assert_int_equal(world.outcome_counts[7], 1);
    assert_int_equal(world.outcomes[7].error, FP_OK);
    assert_int_equal(world.outcomes[7].credential_version, 1);
    assert_int_equal(world.outcomes[7].source_status, 200);
    assert_non_null(strstr(world.outcome_detail, "\"calls\":2"));
    assert_non_null(strstr(world.outcome_detail, "\"logged_in\":true"));
    assert_null(strstr(world.outcome_detail, "hidden"));
    assert_int_equal(world.answers[7].heads, 1);
    assert_true(world.answers[7].last);
    assert_int_equal(world.answers[7].body.len, 100);
    assert_int_equal(world.answers[7].head.source_calls, 2);
    struct egress *e = world.state;
    assert_int_equal(e->call_count, 0);
}

static void test_egress_calls__large_answer_waits_for_credit(void **state)
{
    (void)state;
    size_t size = 1000003;
    log_in_first("con_a");
    world.body_size = size;
    execute(1, "con_a");
    world_answer(world.send_count - 1, FP_OK, 200);
    world_read();
    struct answer *answer = &world.answers[1];
    assert_int_equal(answer->body.len, FP_LIMIT_LINK_CREDIT);
    assert_false(answer->last);
    // others are answered meanwhile
    world.body_size = 10;
    execute(2, "con_a");
    world_answer(world.send_count - 1, FP_OK, 200);
    world_read();
    assert_true(world.answers[2].last);
    size_t seen = answer->body.len;
    while (!answer->last) {
        give_credit(1, 10000);
        assert_true(answer->body.len > seen && answer->body.len <= seen + 10000);
        seen = answer->body.len;
    }
    assert_int_equal(seen, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(answer->body.ptr[i], 'a' + (i % 26));
    }
    give_credit(1, 1); // too late is harmless
    give_credit(99, 1);
}

static void test_egress_calls__more_credit_than_owed(void **state)
{
    (void)state;
    log_in_first("con_a");
    world.body_size = 3 * FP_LIMIT_LINK_CREDIT;
    execute(1, "con_a");
    world_answer(world.send_count - 1, FP_OK, 200);
    world_read();
    give_credit(1, UINT32_MAX);
    assert_int_equal(world.answers[1].body.len, 2 * FP_LIMIT_LINK_CREDIT); // never more under way
    give_abandon(1);
    give_credit(1, UINT32_MAX);
    assert_int_equal(world.answers[1].body.len, 2 * FP_LIMIT_LINK_CREDIT);
    struct egress *e = world.state;
    assert_int_equal(e->call_count, 0);
}

static void test_egress_calls__stop_and_abandon(void **state)
{
    (void)state;
    log_in_first("con_a");
    execute(1, "con_a");
    execute(2, "con_a");
    size_t first = world.send_count - 2;
    give_stop(1);
    give_stop(1);
    give_stop(77);
    assert_true(world.sends[first].cancelled);
    assert_int_equal(world.outcome_counts[1], 0); // the vault knows
    assert_int_equal(world.answers[1].heads, 0);
    give_abandon(2);
    assert_true(world.sends[first + 1].cancelled);
    assert_int_equal(world.outcomes[2].error, FP_E_CANCELLED);
    assert_int_equal(world.answers[2].heads, 0);
    assert_int_equal(world_open(), 0);
}

static void test_egress_calls__rejection_waits_for_its_record(void **state)
{
    (void)state;
    execute(1, "con_a");
    world_answer(0, FP_OK, 401);
    world_read();
    assert_int_equal(world.outcomes[1].error, FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(world.answers[1].heads, 0);
    world_run(30);
    assert_int_equal(world.answers[1].heads, 0);
    give_noted(1);
    assert_int_equal(world.answers[1].head.error, FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(world.send_count, 1); // tried once
    give_noted(1);
    assert_int_equal(world.answers[1].heads, 1);
}

static void test_egress_calls__deadline(void **state)
{
    (void)state;
    struct link_execute in = execute_of(1, "con_a");
    in.deadline_ms = 40;
    give_execute(&in);
    assert_int_equal(world.answers[1].heads, 0);
    world_run_until_answered(1);
    assert_int_equal(world.answers[1].head.error, FP_E_SOURCE_TIMEOUT);
    assert_int_equal(world.outcomes[1].error, FP_E_SOURCE_TIMEOUT);
    assert_true(world.outcomes[1].source_ms >= 20);
    assert_true(world.sends[0].cancelled);
}

// Answers the last request with a fault until no more come; how often it was sent.
static unsigned tries_of(uint64_t call, enum fp_error error, unsigned status)
{
    size_t before = world.send_count;
    execute(call, "con_a");
    for (int i = 0; i < 5 && world.answers[call].heads == 0; i++) {
        uint64_t end = uv_hrtime() + 30000000000u;
        while (world_open() == 0 && uv_hrtime() < end) {
            uv_run(&world.room.loop, UV_RUN_ONCE);
        }
        world_answer(world.send_count - 1, error, status);
        world_read();
        if (error == FP_OK && status == 401) {
            give_noted(call);
        }
    }
    return (unsigned)(world.send_count - before);
}

static void test_egress_calls__repeats_what_is_safe(void **state)
{
    (void)state;
    log_in_first("con_a");
    assert_int_equal(tries_of(1, FP_OK, 503), 3);
    assert_int_equal(world.answers[1].head.error, FP_E_SOURCE_FAILED);
    assert_non_null(strstr(world.outcome_detail, "\"repeated\":2"));
    assert_int_equal(tries_of(2, FP_OK, 502), 3);
    assert_int_equal(tries_of(3, FP_E_SOURCE_UNREACHABLE, 0), 3);
    assert_int_equal(world.answers[3].head.error, FP_E_SOURCE_UNREACHABLE);
    retry_after = "1";
    assert_int_equal(tries_of(4, FP_OK, 503), 3);
}

static void test_egress_calls__repeats_nothing_else(void **state)
{
    (void)state;
    log_in_first("con_a");
    assert_int_equal(tries_of(1, FP_OK, 500), 1);
    assert_int_equal(tries_of(2, FP_OK, 404), 1);
    assert_int_equal(tries_of(3, FP_OK, 429), 1);
    assert_int_equal(tries_of(4, FP_E_SOURCE_TIMEOUT, 0), 1);
    assert_int_equal(tries_of(5, FP_E_SOURCE_ANSWER_INVALID, 0), 1);
    assert_int_equal(tries_of(6, FP_E_SOURCE_TLS_FAILED, 0), 1);
    retry_after = "7";
    assert_int_equal(tries_of(7, FP_OK, 503), 1);
    retry_after = "Wed, 21 Oct 2026 07:28:00 GMT";
    assert_int_equal(tries_of(8, FP_OK, 503), 1);
    retry_after = NULL;
    world.unsafe = true;
    assert_int_equal(tries_of(9, FP_OK, 503), 1);
    assert_int_equal(tries_of(10, FP_E_SOURCE_UNREACHABLE, 0), 1);
    world.unsafe = false;
    struct link_execute in = execute_of(11, "con_a"); // no time left for it
    in.deadline_ms = 150;
    give_execute(&in);
    world_answer(world.send_count - 1, FP_OK, 503);
    world_read();
    assert_int_equal(world.answers[11].head.error, FP_E_SOURCE_FAILED);
}

static void test_egress_calls__a_stopped_call_is_not_repeated(void **state)
{
    (void)state;
    log_in_first("con_a");
    execute(1, "con_a");
    world_answer(world.send_count - 1, FP_OK, 503);
    size_t sent = world.send_count;
    give_stop(1);
    world_run(250);
    assert_int_equal(world.send_count, sent);
}

static void test_egress_calls__several_requests_at_once(void **state)
{
    (void)state;
    world.needs_login = false;
    world.data_requests = 20;
    execute(1, "con_a");
    assert_int_equal(world_open(), FP_LIMIT_SOURCE_CALLS_AT_ONCE);
    for (size_t i = 0; i < 20; i++) {
        assert_true(world_open() <= FP_LIMIT_SOURCE_CALLS_AT_ONCE);
        world_answer(i, FP_OK, 200);
    }
    world_read();
    assert_int_equal(world.answers[1].head.error, FP_OK);
    assert_int_equal(world.answers[1].head.source_calls, 20);
    // one failure ends them all
    execute(2, "con_a");
    world_answer(22, FP_E_SOURCE_TLS_FAILED, 0);
    world_read();
    assert_int_equal(world.answers[2].head.error, FP_E_SOURCE_TLS_FAILED);
    assert_int_equal(world_open(), 0);
}

static void test_egress_calls__endless_work_ends(void **state)
{
    (void)state;
    world.needs_login = false;
    world.endless = true;
    execute(1, "con_a");
    while (world.answers[1].heads == 0) {
        world_answer(world.send_count - 1, FP_OK, 200);
        world_read();
    }
    assert_int_equal(world.send_count, FP_LIMIT_SOURCE_CALLS_PER_CALL);
    assert_int_equal(world.answers[1].head.error, FP_E_SOURCE_ANSWER_TOO_LARGE);
}

static void test_egress_calls__client_that_cannot_send(void **state)
{
    (void)state;
    world.send_error = FP_E_SOURCE_SETTINGS_INVALID;
    execute(1, "con_a");
    assert_int_equal(world.answers[1].head.error, FP_E_SOURCE_SETTINGS_INVALID);
    world.send_error = FP_E_LIMIT_EXCEEDED;
    execute(2, "con_b");
    assert_int_equal(world.answers[2].head.error, FP_E_SERVICE_UNAVAILABLE);
}

static void test_egress_calls__vault_lost(void **state)
{
    (void)state;
    log_in_first("con_a");
    execute(1, "con_a");
    execute(2, "con_b"); // logs in
    execute(3, "con_b"); // waits for it
    world.body_size = FP_LIMIT_LINK_CREDIT + 10;
    execute(4, "con_a");
    world_answer(world.send_count - 1, FP_OK, 200); // half of it has left
    world.vault_up = false;
    egress_room()->link_down(world.state, LINK_ROOM_VAULT);
    world_read();
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(world.answers[i].head.error, FP_E_SERVICE_UNAVAILABLE);
        assert_true(world.answers[i].head.retry_after_s != 0);
    }
    assert_int_equal(world_open(), 0);
    give_credit(4, 100);
    assert_true(world.answers[4].last);
    world.vault_up = true;
    egress_room()->link_up(world.state, LINK_ROOM_VAULT);
    size_t logins = world_logins();
    execute(5, "con_a");
    assert_int_equal(world_logins(), logins + 1); // no session was kept
}

static void test_egress_calls__gateway_lost(void **state)
{
    (void)state;
    execute(1, "con_a");
    execute(2, "con_a");
    world.gateway_up = false;
    egress_room()->link_down(world.state, LINK_ROOM_GATEWAY);
    world_read();
    assert_int_equal(world.outcomes[1].error, FP_E_CANCELLED);
    assert_int_equal(world.outcomes[2].error, FP_E_CANCELLED);
    assert_int_equal(world_open(), 0);
    execute(3, "con_a"); // one that was on its way
    world_answer(world.send_count - 1, FP_OK, 200);
    world_answer(world.send_count - 1, FP_OK, 200);
    world_read();
    assert_int_equal(world.outcomes[3].error, FP_OK);
    struct egress *e = world.state;
    assert_int_equal(e->call_count, 0);
}

static void test_egress_calls__drain(void **state)
{
    (void)state;
    execute(1, "con_a");
    egress_room()->drain(world.state, 1000);
    assert_false(world.finished);
    execute(2, "con_a");
    assert_int_equal(world.answers[2].head.error, FP_E_SERVICE_UNAVAILABLE);
    assert_int_equal(world.outcomes[2].error, FP_E_SERVICE_UNAVAILABLE);
    world_answer(0, FP_OK, 200);
    world_answer(1, FP_OK, 200);
    world_read();
    assert_int_equal(world.answers[1].head.error, FP_OK);
    assert_true(world.finished);
}

static void test_egress_calls__full_link_to_the_gateway(void **state)
{
    (void)state;
    log_in_first("con_a");
    world.room.gateway.max = 40000; // it does not keep up
    world.body_size = 100000;
    execute(1, "con_a");
    execute(2, "con_a");
    world_answer(world.send_count - 2, FP_OK, 200);
    world_answer(world.send_count - 1, FP_OK, 200);
    for (int i = 0; i < 100 && !(world.answers[1].last && world.answers[2].last); i++) {
        world_run(10); // reads what is there
    }
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(world.answers[i].heads, 1);
        assert_int_equal(world.answers[i].body.len, 100000);
        assert_true(world.answers[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EGRESS_TEST(test_egress_calls__answer_and_outcome),
        EGRESS_TEST(test_egress_calls__large_answer_waits_for_credit),
        EGRESS_TEST(test_egress_calls__more_credit_than_owed),
        EGRESS_TEST(test_egress_calls__stop_and_abandon),
        EGRESS_TEST(test_egress_calls__rejection_waits_for_its_record),
        EGRESS_TEST(test_egress_calls__deadline),
        EGRESS_TEST(test_egress_calls__repeats_what_is_safe),
        EGRESS_TEST(test_egress_calls__repeats_nothing_else),
        EGRESS_TEST(test_egress_calls__a_stopped_call_is_not_repeated),
        EGRESS_TEST(test_egress_calls__several_requests_at_once),
        EGRESS_TEST(test_egress_calls__endless_work_ends),
        EGRESS_TEST(test_egress_calls__client_that_cannot_send),
        EGRESS_TEST(test_egress_calls__vault_lost),
        EGRESS_TEST(test_egress_calls__gateway_lost),
        EGRESS_TEST(test_egress_calls__drain),
        EGRESS_TEST(test_egress_calls__full_link_to_the_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
