// From messages to calls: what is refused before anything is sent, verifying, the platforms.
// SPDX-License-Identifier: Apache-2.0
#include "egress_talk.h"

static void expect_refused(const struct link_execute *in, enum fp_error error)
{
    give_execute(in);
    assert_int_equal(world.answers[in->call].heads, 1);
    assert_int_equal(world.answers[in->call].head.error, error);
    assert_int_equal(world.outcome_counts[in->call], 1);
    assert_int_equal(world.outcomes[in->call].error, error);
    assert_int_equal(world.send_count, 0);
}

static void test_egress_messages__refused(void **state)
{
    (void)state;
    struct link_execute in = execute_of(1, "con_a");
    in.operation = 65535;
    expect_refused(&in, FP_E_INTERNAL);
    in = execute_of(2, "con_a");
    in.platform = BYTES("unheard-of");
    expect_refused(&in, FP_E_PLATFORM_UNKNOWN);
    in = execute_of(3, "con_a");
    in.networks = BYTES("10.0.0.0/8,nonsense");
    expect_refused(&in, FP_E_CONFIG_INVALID);
    in = execute_of(4, "con_a");
    in.query = BYTES("page=0&unknown=1");
    expect_refused(&in, FP_E_PARAMETER_INVALID);
    assert_non_null(strstr(world.answers[4].errors, "page"));
    assert_int_equal(world.answers[4].errors[0], '[');
    in = execute_of(5, ""); // no connection, and an operation that needs one
    in.operation = operation_of("erp.vendors.item");
    expect_refused(&in, FP_E_INTERNAL);
}

static void verify(uint64_t call, const char *platform, const char *credentials)
{
    GIVE(LINK_ROOM_VAULT, VERIFY, verify, .call = call, .request_id = BYTES("req_1"),
         .platform = bytes_of_text(platform), .networks = BYTES("127.0.0.1"), .deadline_ms = 5000,
         .credentials = bytes_of_text(credentials));
}

static void test_egress_messages__verify(void **state)
{
    (void)state;
    verify(1, "played", "{\"good\":1}");
    assert_int_equal(world.send_count, 1);
    assert_string_equal(world.sends[0].connection, ""); // a socket of its own
    world_answer(0, FP_OK, 200);
    world_answer(1, FP_OK, 200);
    world_read();
    assert_int_equal(world.verified_count, 1);
    assert_int_equal(world.verified.error, FP_OK);
    assert_string_equal(world.verified_account, "somebody");
    assert_int_equal(world.outcome_counts[1], 0);
    struct egress *e = world.state;
    assert_int_equal(e->session_count, 0); // nothing is kept
    assert_int_equal(e->call_count, 0);
}

static void test_egress_messages__verify_fails(void **state)
{
    (void)state;
    verify(1, "unheard-of", "{\"good\":1}");
    assert_int_equal(world.verified.error, FP_E_PLATFORM_UNKNOWN);
    verify(2, "played", "{}");
    assert_int_equal(world.verified.error, FP_E_FIELD_INVALID);
    assert_non_null(strstr(world.verified_errors, "It is missing."));
    assert_int_equal(world.send_count, 0); // before anything is sent
    verify(3, "played", "{\"good\":1}");
    verify(4, "played", "{\"good\":1}");
    assert_int_equal(world_logins(), 2); // two tries share nothing
    world_answer(0, FP_OK, 401);
    world_read();
    assert_int_equal(world.verified.call, 3);
    assert_int_equal(world.verified.error, FP_E_CREDENTIALS_REJECTED); // no NOTED is waited for
    give_stop(4);
    assert_int_equal(world_open(), 0);
    assert_int_equal(world.verified_count, 3);
    egress_room()->drain(world.state, 1000);
    verify(5, "played", "{\"good\":1}");
    assert_int_equal(world.verified.error, FP_E_SERVICE_UNAVAILABLE);
}

static void test_egress_messages__platforms(void **state)
{
    (void)state;
    struct link_execute in = execute_of(1, "");
    in.operation = operation_of("system.platforms");
    in.credentials = (struct bytes){0};
    in.query = BYTES("page=2&per_page=2");
    give_execute(&in);
    assert_int_equal(world.answers[1].head.error, FP_OK);
    const char *text = buf_text(&world.answers[1].body);
    assert_non_null(strstr(text, "{\"data\":[{\"key\":\"played\"}],"));
    assert_non_null(strstr(text, "\"total\":3"));
    assert_non_null(strstr(text, "https://fishplate.test/api/system/platforms"));
    in.call = 2;
    in.query = BYTES("per_page=100000000000000000000");
    give_execute(&in);
    assert_int_equal(world.answers[2].head.error, FP_E_PARAMETER_INVALID);
    assert_int_equal(world.send_count, 0);
}

// Every allocation fails once: each call is answered or refused, none is lost.
static void test_egress_messages__out_of_memory(void **state)
{
    (void)state;
    unsigned good = 0;
    uint64_t call = 1;
    for (unsigned long n = 1; n < 100 && good < 3; n++, call++) {
        char connection[32];
        struct buf frame;
        struct link_execute in;
        snprintf(connection, sizeof connection, "con_%lu", n);
        in = execute_of(call, connection);
        buf_init(&frame, 1u << 20);
        assert_int_equal(link_put_execute(&frame, &in), FP_OK);
        struct link_frame given = {LINK_EXECUTE, bytes_slice(buf_bytes(&frame), 8, frame.len)};
        buf_append_byte(&world.room.gateway, 0); // has memory already
        buf_clear(&world.room.gateway);
        mem_fail_at(n);
        egress_room()->frame(world.state, LINK_ROOM_VAULT, &given);
        unsigned long used = mem_count();
        mem_fail_at(0);
        buf_done(&frame);
        world_read();
        good = used < n ? good + 1 : 0;
        if (world.answers[call].heads == 0 && world_open() != 0) {
            give_stop(call);
        } else if (good == 0 && world.answers[call].heads == 0) {
            // a full link is tried again
            world_run_until_answered(call);
        }
        assert_int_equal(world_open(), 0);
    }
    assert_int_equal(good, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EGRESS_TEST(test_egress_messages__refused),
        EGRESS_TEST(test_egress_messages__verify),
        EGRESS_TEST(test_egress_messages__verify_fails),
        EGRESS_TEST(test_egress_messages__platforms),
        EGRESS_TEST(test_egress_messages__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
