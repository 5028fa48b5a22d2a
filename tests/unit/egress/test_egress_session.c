// Sessions of sources: one log-in for all who wait, none after a rejection, none that outlives a
// FORGET. SPDX-License-Identifier: Apache-2.0
#include "egress_talk.h"

static void answer_all_data(void)
{
    for (size_t i = 0; i < world.send_count; i++) {
        if (world.sends[i].open && !world.sends[i].login) {
            world_answer(i, FP_OK, 200);
        }
    }
    world_read();
}

static void expect_answers(uint64_t first, uint64_t last, enum fp_error error)
{
    for (uint64_t i = first; i <= last; i++) {
        assert_int_equal(world.answers[i].heads, 1);
        assert_int_equal(world.answers[i].head.error, error);
    }
}

static void test_egress_session__one_login_for_all(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++) {
        execute(i, "con_a");
    }
    execute(6, "con_b");
    assert_int_equal(world.send_count, 2);
    assert_int_equal(world_logins(), 2);
    world_answer(0, FP_OK, 200);
    assert_int_equal(world_open(), 6);
    world_answer(1, FP_OK, 200);
    answer_all_data();
    expect_answers(1, 6, FP_OK);
    execute(7, "con_a");
    answer_all_data();
    assert_int_equal(world_logins(), 2);
    expect_answers(7, 7, FP_OK);
}

static void test_egress_session__other_credential_version(void **state)
{
    (void)state;
    execute(1, "con_a");
    world_answer(0, FP_OK, 200);
    answer_all_data();
    struct link_execute in = execute_of(2, "con_a");
    in.credential_version = 2;
    give_execute(&in);
    assert_int_equal(world_logins(), 2);
}

static void test_egress_session__rejection_is_shared_and_remembered(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 3; i++) {
        execute(i, "con_a");
    }
    world_answer(0, FP_OK, 401);
    execute(4, "con_a"); // was on its way while the vault wrote
    for (uint64_t i = 1; i <= 4; i++) {
        give_noted(i);
        assert_int_equal(world.outcomes[i].error, FP_E_CREDENTIALS_REJECTED);
    }
    expect_answers(1, 4, FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(world.send_count, 1); // one attempt in all
    struct link_execute in = execute_of(5, "con_a");
    in.credential_version = 2; // a new credential is another matter
    give_execute(&in);
    assert_int_equal(world.send_count, 2);
}

static void test_egress_session__failure_is_shared(void **state)
{
    (void)state;
    world.unsafe = true;
    for (uint64_t i = 1; i <= 3; i++) {
        execute(i, "con_a");
    }
    world_answer(0, FP_E_SOURCE_TIMEOUT, 0);
    world_read();
    expect_answers(1, 3, FP_E_SOURCE_TIMEOUT);
    assert_int_equal(world.send_count, 1);
    execute(4, "con_a"); // later ones try again
    assert_int_equal(world.send_count, 2);
}

static void test_egress_session__next_one_logs_in(void **state)
{
    (void)state;
    struct link_execute in = execute_of(1, "con_a");
    in.deadline_ms = 40;
    give_execute(&in);
    execute(2, "con_a");
    execute(3, "con_a");
    execute(4, "con_a");
    assert_int_equal(world_logins(), 1);
    give_stop(3);
    world_run_until_answered(1); // the first one's own time is over
    expect_answers(1, 1, FP_E_SOURCE_TIMEOUT);
    assert_int_equal(world_logins(), 2);
    give_stop(2);
    assert_int_equal(world_logins(), 3);
    world_answer(world.send_count - 1, FP_OK, 200);
    answer_all_data();
    expect_answers(4, 4, FP_OK);
}

static void test_egress_session__waiting_ends_with_the_deadline(void **state)
{
    (void)state;
    execute(1, "con_a");
    struct link_execute in = execute_of(2, "con_a");
    in.deadline_ms = 30;
    give_execute(&in);
    world_run_until_answered(2);
    expect_answers(2, 2, FP_E_SOURCE_TIMEOUT);
    assert_non_null(strstr(world.answers[2].detail, "log-in"));
    world_answer(0, FP_OK, 200);
    answer_all_data();
    expect_answers(1, 1, FP_OK);
}

static void test_egress_session__refused_once_then_one_login(void **state)
{
    (void)state;
    execute(1, "con_a");
    world_answer(0, FP_OK, 200);
    answer_all_data();
    size_t first = world.send_count;
    for (uint64_t i = 2; i <= 4; i++) {
        execute(i, "con_a");
    }
    for (size_t i = first; i < first + 3; i++) {
        world_answer(i, FP_OK, 401); // the source has forgotten the session
    }
    assert_int_equal(world_logins(), 2);
    assert_int_equal(world_open(), 1);
    world_answer(world.send_count - 1, FP_OK, 200);
    assert_int_equal(world_open(), 3);
    answer_all_data();
    expect_answers(2, 4, FP_OK);
    assert_int_equal(world_logins(), 2);
}

static void test_egress_session__refused_twice_is_an_error(void **state)
{
    (void)state;
    execute(1, "con_a");
    world_answer(0, FP_OK, 200);
    world_answer(1, FP_OK, 401);
    world_read();
    give_noted(1);
    expect_answers(1, 1, FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(world.send_count, 2);
}

static void test_egress_session__forget(void **state)
{
    (void)state;
    execute(1, "con_a");
    world_answer(0, FP_OK, 200);
    answer_all_data();
    give_forget("con_a");
    give_forget("con_never_seen");
    assert_int_equal(world.forgotten, 2);
    execute(2, "con_a");
    execute(3, "con_a");
    assert_int_equal(world_logins(), 2);
    give_forget("con_a"); // in the middle of a log-in: not kept
    world_answer(world.send_count - 1, FP_OK, 200);
    answer_all_data();
    expect_answers(2, 3, FP_OK);
    execute(4, "con_a");
    assert_int_equal(world_logins(), 3);
    struct egress *e = world.state;
    give_stop(4);
    give_forget("con_a");
    assert_int_equal(e->session_count, 0);
}

static void test_egress_session__platform_without_sessions(void **state)
{
    (void)state;
    world.needs_login = false;
    execute(1, "con_a");
    execute(2, "con_a");
    assert_int_equal(world_open(), 2);
    answer_all_data();
    expect_answers(1, 2, FP_OK);
    struct egress *e = world.state;
    assert_int_equal(e->session_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EGRESS_TEST(test_egress_session__one_login_for_all),
        EGRESS_TEST(test_egress_session__other_credential_version),
        EGRESS_TEST(test_egress_session__rejection_is_shared_and_remembered),
        EGRESS_TEST(test_egress_session__failure_is_shared),
        EGRESS_TEST(test_egress_session__next_one_logs_in),
        EGRESS_TEST(test_egress_session__waiting_ends_with_the_deadline),
        EGRESS_TEST(test_egress_session__refused_once_then_one_login),
        EGRESS_TEST(test_egress_session__refused_twice_is_an_error),
        EGRESS_TEST(test_egress_session__forget),
        EGRESS_TEST(test_egress_session__platform_without_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
