// Kept-alive sockets: reused, never shared between connections, bounded, given up; and the ways a
// call can end early.
// SPDX-License-Identifier: Apache-2.0
#include "client_fixture.h"

static void test_client_pool__kept_alive_is_reused(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_stats before, after;
    struct client_request request = request_to(url, sizeof url, "https", "tls", "/echo");
    client_get_stats(t.client, &before);
    for (int i = 0; i < 20; i++) {
        call(&request, "con_reuse", &result);
        assert_int_equal(result.error, FP_OK);
        assert_int_equal(result.reused, i != 0);
    }
    client_get_stats(t.client, &after);
    assert_int_equal(after.connections - before.connections, 1);
    assert_int_equal(after.requests - before.requests, 20);
    assert_non_null(strstr(result.body, "req=20 "));
}

static void test_client_pool__never_shared_between_connections(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_stats before, after;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    client_get_stats(t.client, &before);
    for (int i = 0; i < 12; i++) {
        static const char *const connections[] = {"con_one", "con_two", "con_three"};
        call(&request, connections[i % 3], &result);
        assert_int_equal(result.reused, i >= 3);
        char last[16];
        snprintf(last, sizeof last, "req=%d ", 1 + i / 3);
        assert_non_null(strstr(result.body, last));
    }
    client_get_stats(t.client, &after);
    assert_int_equal(after.connections - before.connections, 3);
    // without a connection nothing is kept at all
    before = after;
    for (int i = 0; i < 3; i++) {
        call(&request, "", &result);
        assert_false(result.reused);
        assert_non_null(strstr(result.body, "req=1 "));
    }
    client_get_stats(t.client, &after);
    assert_int_equal(after.connections - before.connections, 3);
}

static void test_client_pool__forget(void **state)
{
    (void)state;
    char url[200];
    struct result first, second;
    struct client_call *handle = NULL;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    call(&request, "con_forget", &first);
    client_forget(t.client, BYTES("con_forget"));
    client_forget(t.client, BYTES("con_never_seen"));
    call(&request, "con_forget", &second);
    assert_false(second.reused);
    // a call under way ends by itself, its socket is not kept
    char slow[200];
    struct client_request waiting = request_to(slow, sizeof slow, "http", "plain", "/slow/100");
    assert_int_equal(begin(&waiting, "con_forget", LOOPBACK, &first, &handle), FP_OK);
    client_forget(t.client, BYTES("con_forget"));
    run_until(&first.done, 1);
    assert_int_equal(first.error, FP_OK);
    call(&request, "con_forget", &second);
    assert_false(second.reused);
}

static void test_client_pool__limit_of_sockets(void **state)
{
    (void)state;
    char url[200];
    static struct result results[40];
    struct client_stats before, after;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/slow/30");
    client_get_stats(t.client, &before);
    for (int i = 0; i < 40; i++) {
        struct client_call *handle = NULL;
        assert_int_equal(begin(&request, "con_many", LOOPBACK, &results[i], &handle), FP_OK);
    }
    for (int i = 0; i < 40; i++) {
        run_until(&results[i].done, 1);
        assert_int_equal(results[i].error, FP_OK);
    }
    client_get_stats(t.client, &after);
    assert_int_equal(after.connections - before.connections, 4); // as the settings say
    assert_int_equal(after.calls, 0);
}

static void test_client_pool__repeats_only_what_is_safe(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/once");
    request.method = BYTES("POST");
    request.body = BYTES("order 1000 bearings");
    call(&request, "con_once", &result);
    assert_int_equal(result.error, FP_OK);
    call(&request, "con_once", &result); // the server closes the kept-alive socket unanswered
    assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
    assert_int_equal(result.attempts, 1);
    assert_true(result.sent);
    assert_non_null(strstr(result.note, "whether the request was done is unknown"));
    call(&request, "con_once", &result);
    assert_int_equal(result.error, FP_OK);
    request.safe_to_repeat = true;
    call(&request, "con_once", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.attempts, 2);
    assert_non_null(strstr(result.body, "req=1 method=POST body=19"));
}

// Descriptors are used again at once: none may be watched for a socket that is gone.
static void test_client_pool__descriptors_are_used_again(void **state)
{
    (void)state;
    char down_url[200];
    char good_url[200];
    struct result result;
    struct client_request down = request_to(down_url, sizeof down_url, "http", "refused", "/");
    struct client_request good = request_to(good_url, sizeof good_url, "http", "plain", "/echo");
    good.timeout_ms = 20000;
    for (int i = 0; i < 30; i++) {
        char connection[32];
        call(&down, "con_again_down", &result);
        assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
        snprintf(connection, sizeof connection, "con_again_%d", i % 3);
        call(&good, connection, &result);
        assert_int_equal(result.error, FP_OK);
        if (i % 4 == 3) {
            client_forget(t.client, bytes_of_text(connection));
        }
    }
}

static void test_client_pool__closed_while_idle(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/bye");
    request.method = BYTES("POST"); // not safe to repeat
    for (int i = 0; i < 5; i++) {
        call(&request, "con_bye", &result);
        assert_int_equal(result.error, FP_OK);
        assert_false(result.reused);
        assert_int_equal(result.attempts, 1);
        uint64_t end = uv_hrtime() + 100000000u;
        while (uv_hrtime() < end) {
            uv_run(&t.loop, UV_RUN_NOWAIT);
        }
    }
}

static void test_client_pool__cancel(void **state)
{
    (void)state;
    char url[200];
    static struct result results[10];
    struct client_call *handles[10];
    struct client_stats stats;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/slow/200");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(begin(&request, "con_cancel", LOOPBACK, &results[i], &handles[i]), FP_OK);
    }
    client_cancel(handles[9]); // not yet begun
    uint64_t end = uv_hrtime() + 50000000u;
    while (uv_hrtime() < end) {
        uv_run(&t.loop, UV_RUN_NOWAIT);
    }
    for (int i = 1; i < 9; i++) {
        client_cancel(handles[i]); // on a socket, or waiting for one
    }
    run_until(&results[0].done, 1);
    assert_int_equal(results[0].error, FP_OK);
    for (int i = 1; i < 10; i++) {
        assert_int_equal(results[i].done, 0);
    }
    client_get_stats(t.client, &stats);
    assert_int_equal(stats.calls, 0);
    client_cancel(NULL);
    still_works();
}

struct chain {
    struct result result;          // of the last call
    struct client_request request; // sent again
    unsigned left;                 // calls to come
    struct client_call *other;     // cancelled by done
};

static void on_chain(void *ctx, struct client_answer *answer)
{
    struct chain *chain = ctx;
    struct networks list;
    struct client_call *handle = NULL;
    on_done(&chain->result, answer);
    client_cancel(chain->other);
    chain->other = NULL;
    if (chain->left == 0) {
        return;
    }
    chain->left--;
    assert_int_equal(networks_parse(BYTES(LOOPBACK), &list, NULL), FP_OK);
    struct client_policy policy = {BYTES("con_chain"), &list};
    struct client_begin start = {&chain->request, &policy, on_chain, chain};
    client_forget(t.client, BYTES("con_chain")); // its own pool, while it hands out results
    assert_int_equal(client_send(t.client, &start, &handle, NULL), FP_OK);
}

static void test_client_pool__send_and_cancel_from_done(void **state)
{
    (void)state;
    char url[200];
    char slow[200];
    static struct chain chain;
    struct result cancelled;
    struct networks list;
    struct client_call *handle = NULL;
    struct client_request waiting = request_to(slow, sizeof slow, "http", "plain", "/slow/5000");
    assert_int_equal(begin(&waiting, "con_chain", LOOPBACK, &cancelled, &chain.other), FP_OK);
    chain.request = request_to(url, sizeof url, "http", "plain", "/echo");
    chain.left = 5;
    assert_int_equal(networks_parse(BYTES(LOOPBACK), &list, NULL), FP_OK);
    struct client_policy policy = {BYTES("con_chain"), &list};
    struct client_begin start = {&chain.request, &policy, on_chain, &chain};
    assert_int_equal(client_send(t.client, &start, &handle, NULL), FP_OK);
    run_until(&chain.result.done, 6);
    assert_int_equal(chain.result.error, FP_OK);
    assert_int_equal(cancelled.done, 0);
}

// Every allocation fails once: the call ends with an error or works, the next one works.
static void test_client_pool__out_of_memory(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/gzip");
    const struct client_header headers[] = {{BYTES("Authorization"), BYTES("Bearer abc")}};
    request.headers = headers;
    request.header_count = 1;
    request.timeout_ms = 20000;
    unsigned good = 0;
    for (unsigned long n = 1; n < 4000 && good < 3; n++) {
        struct client_call *handle = NULL;
        char connection[32];
        snprintf(connection, sizeof connection, "con_memory_%lu", n);
        mem_fail_at(n);
        enum fp_error error = begin(&request, connection, LOOPBACK, &result, &handle);
        if (error == FP_OK) {
            run_until(&result.done, 1);
            error = result.error;
        }
        unsigned long used = mem_count();
        mem_fail_at(0);
        good = error == FP_OK && used < n ? good + 1 : 0;
        client_forget(t.client, bytes_of_text(connection));
    }
    assert_int_equal(good, 3); // the walk went through to the end
    still_works();
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; // keeps the loop alive, as a room's links do
}

static void test_client_pool__idle_pools_are_closed(void **state)
{
    (void)state;
    uv_timer_t tick;
    struct client_stats stats;
    uint64_t end = uv_hrtime() + 60000000000u;
    still_works();
    uv_timer_init(&t.loop, &tick);
    uv_timer_start(&tick, on_tick, 10, 10);
    do {
        uv_run(&t.loop, UV_RUN_ONCE);
        client_get_stats(t.client, &stats);
    } while (stats.pools != 0 && uv_hrtime() < end);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&t.loop, UV_RUN_NOWAIT);
    assert_int_equal(stats.pools, 0);
    still_works();
}

static void test_client_pool__pools_are_bounded(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_stats stats;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    for (int i = 0; i < 40; i++) {
        char connection[32];
        snprintf(connection, sizeof connection, "con_%d", i);
        call(&request, connection, &result);
        assert_int_equal(result.error, FP_OK);
        client_get_stats(t.client, &stats);
        assert_true(stats.pools <= 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_pool__kept_alive_is_reused),
        cmocka_unit_test(test_client_pool__never_shared_between_connections),
        cmocka_unit_test(test_client_pool__forget),
        cmocka_unit_test(test_client_pool__limit_of_sockets),
        cmocka_unit_test(test_client_pool__repeats_only_what_is_safe),
        cmocka_unit_test(test_client_pool__descriptors_are_used_again),
        cmocka_unit_test(test_client_pool__closed_while_idle),
        cmocka_unit_test(test_client_pool__cancel),
        cmocka_unit_test(test_client_pool__send_and_cancel_from_done),
        cmocka_unit_test(test_client_pool__out_of_memory),
        cmocka_unit_test(test_client_pool__idle_pools_are_closed),
        cmocka_unit_test(test_client_pool__pools_are_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
