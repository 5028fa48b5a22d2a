// Calls through the vault's handlers, with a fake gateway and a fake egress over socketpairs: what
// reaches egress, what is refused and why, what an outcome does. Rows S1, S4, S11, S12, S13, S14,
// S15, N3.
// SPDX-License-Identifier: Apache-2.0
#include "vault_fixture.h"

static void test_vault_calls__an_approved_call_reaches_egress(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_execute out;
    send_call(room, 7, scene->conn.token, MODEL_OP_ERP_VENDORS_ITEM, "v1");
    out = expect_execute(room, 7);
    assert_true(bytes_equal_text(out.connection, scene->conn.id));
    assert_true(bytes_equal_text(out.application, scene->app.id));
    assert_true(bytes_equal_text(out.platform, "tryton"));
    assert_true(bytes_equal_text(out.credentials, "{\"password\":\"s3cret\"}"));
    assert_true(bytes_equal_text(out.networks, "10.1.0.0/16"));
    assert_true(bytes_equal_text(out.request_id, "req_test"));
    assert_true(bytes_equal_text(out.key, "v1"));
    assert_true(bytes_equal_text(out.query, "page=2"));
    assert_true(bytes_equal_text(out.body, "{}"));
    assert_int_equal(out.operation, MODEL_OP_ERP_VENDORS_ITEM);
    assert_int_equal(out.credential_version, 1);
    assert_true(out.deadline_ms > 0 && out.deadline_ms <= FP_LIMIT_CALL_DEADLINE);
    send_outcome(room, 7, scene->conn.id, 1, FP_OK);
    room_settle(room);
    assert_int_equal(room->gateway.count, 0); // egress answers the gateway
    assert_int_equal(room->egress.count, 0);
}

static void test_vault_calls__refusals_have_their_reason(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_answer answer;
    send_call(room, 1, "nonsense", MODEL_OP_ERP_VENDORS_LIST, "");
    answer = expect_answer(room, 1, FP_E_TOKEN_MALFORMED);
    assert_int_equal(answer.detail.len, 0);
    send_call(room, 2, "fp_live_00000000000000000000000000000000000000000002CZclj",
              MODEL_OP_ERP_VENDORS_LIST, "");
    answer = expect_answer(room, 2, FP_E_TOKEN_UNKNOWN);
    assert_int_equal(answer.detail.len + answer.application.len + answer.connection.len, 0);
    send_call(room, 3, scene->app.token, MODEL_OP_ERP_VENDORS_LIST, "");
    answer = expect_answer(room, 3, FP_E_TOKEN_KIND_WRONG);
    assert_true(answer_holds(&answer, "/needs_token_of", "connection"));
    send_call(room, 4, scene->conn.token, MODEL_OP_SYSTEM_CONNECTIONS, "");
    expect_answer(room, 4, FP_E_TOKEN_KIND_WRONG);
    assert_int_equal(room->egress.count, 0);
}

// What is wrong with the parameters is told only to a caller whose token is good.
static void test_vault_calls__faults_only_to_good_tokens(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_call in = {.call = 1,
                           .request_id = BYTES("req_f"),
                           .token =
                               BYTES("fp_live_00000000000000000000000000000000000000000002CZclj"),
                           .operation = MODEL_OP_ERP_VENDORS_LIST,
                           .fault = FP_E_PARAMETER_INVALID,
                           .fault_detail = BYTES("[{\"field\":\"page\"}]")};
    struct link_answer answer;
    assert_int_equal(link_put_call(link_out(room->gateway.ours), &in), FP_OK);
    answer = expect_answer(room, 1, FP_E_TOKEN_UNKNOWN);
    assert_int_equal(answer.errors.len, 0);
    in.call = 2;
    in.token = bytes_of_text(scene->conn.token);
    assert_int_equal(link_put_call(link_out(room->gateway.ours), &in), FP_OK);
    answer = expect_answer(room, 2, FP_E_PARAMETER_INVALID);
    assert_true(bytes_equal_text(answer.errors, "[{\"field\":\"page\"}]"));
    assert_int_equal(room->egress.count, 0);
}

static void test_vault_calls__system_operations_are_answered_here(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_answer answer;
    send_call(room, 1, scene->app.token, MODEL_OP_SYSTEM_CLIENT, "");
    answer = expect_answer(room, 1, FP_OK);
    assert_true(answer_holds(&answer, "/data/id", scene->app.id));
    assert_true(bytes_equal_text(answer.application, scene->app.id));
    send_call(room, 2, scene->conn.token, MODEL_OP_SYSTEM_SYNC_STATUS, "");
    answer = expect_answer(room, 2, FP_OK);
    assert_true(answer_holds(&answer, "/status", "done"));
    send_call(room, 3, scene->other.token, MODEL_OP_SYSTEM_CONNECTION_TOKEN, scene->conn.id);
    expect_answer(room, 3, FP_E_CONNECTION_NOT_FOUND);
    send_call(room, 4, scene->app.token, MODEL_OP_SYSTEM_CONNECTION_TOKEN, scene->conn.id);
    answer = expect_answer(room, 4, FP_OK);
    assert_true(answer_holds(&answer, "/data/owner", scene->conn.id));
    assert_int_equal(room->egress.count, 0);
}

// The list of platforms comes from egress, which gets no credential for it.
static void test_vault_calls__platforms_go_on_without_a_credential(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_execute out;
    send_call(room, 9, scene->app.token, MODEL_OP_SYSTEM_PLATFORMS, "");
    out = expect_execute(room, 9);
    assert_int_equal(out.credentials.len, 0);
    assert_int_equal(out.connection.len, 0);
    assert_true(bytes_equal_text(out.application, scene->app.id));
    fake_down(room, &room->egress);
    send_call(room, 10, scene->app.token, MODEL_OP_SYSTEM_PLATFORMS, "");
    expect_answer(room, 10, FP_E_LINK_CLOSED);
    fake_up(room, &room->egress);
}

static void test_vault_calls__token_requests(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_token_request in = {.call = 1,
                                    .request_id = BYTES("req_t"),
                                    .task = OAUTH_CLIENT_CREDENTIALS,
                                    .client_id = bytes_of_text(scene->app.id),
                                    .client_secret = bytes_of_text(scene->app.secret)};
    struct link_answer answer;
    assert_int_equal(link_put_token_request(link_out(room->gateway.ours), &in), FP_OK);
    answer = expect_answer(room, 1, FP_OK);
    assert_true(answer_holds(&answer, "/token_type", "bearer"));
    in.call = 2;
    in.client_secret = bytes_of_text(scene->other.secret);
    assert_int_equal(link_put_token_request(link_out(room->gateway.ours), &in), FP_OK);
    answer = expect_answer(room, 2, FP_E_CLIENT_INVALID);
    assert_int_equal(answer.detail.len, 0);
}

static void test_vault_calls__metadata(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_metadata_set in = {.call = 1,
                                   .request_id = BYTES("req_m"),
                                   .token = bytes_of_text(scene->app.token),
                                   .connection = bytes_of_text(scene->conn.id),
                                   .metadata = BYTES("{\"site\":\"7\"}")};
    struct link_answer answer;
    assert_int_equal(link_put_metadata_set(link_out(room->gateway.ours), &in), FP_OK);
    answer = expect_answer(room, 1, FP_OK);
    assert_true(answer_holds(&answer, "/data/user_metadata/site", "7"));
    in.call = 2;
    in.token = bytes_of_text(scene->other.token);
    assert_int_equal(link_put_metadata_set(link_out(room->gateway.ours), &in), FP_OK);
    expect_answer(room, 2, FP_E_CONNECTION_NOT_FOUND);
}

// S12, S13: the source rejects the credential: sessions are dropped, then the verdict is noted, and
// the very next call gets the new state.
static void test_vault_calls__a_rejected_credential(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_noted noted;
    struct link_forget forget;
    struct link_answer answer;
    send_call(room, 5, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 5);
    send_outcome(room, 5, scene->conn.id, 1, FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(link_get_forget(fake_expect(room, &room->egress, LINK_FORGET), &forget),
                     FP_OK);
    assert_true(bytes_equal_text(forget.connection, scene->conn.id));
    assert_int_equal(link_get_noted(fake_expect(room, &room->egress, LINK_NOTED), &noted), FP_OK);
    assert_int_equal(noted.call, 5);
    send_call(room, 6, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    answer = expect_answer(room, 6, FP_E_REAUTHORIZATION_REQUIRED);
    assert_true(answer_holds(&answer, "/reason", "CREDENTIALS_REJECTED"));
    assert_true(bytes_equal_text(answer.connection, scene->conn.id));
    // a second rejection of a call that was under way is noted all the same
    send_outcome(room, 99, scene->conn.id, 1, FP_E_CREDENTIALS_REJECTED);
    fake_expect(room, &room->egress, LINK_NOTED);
}

static void test_vault_calls__unreachable_and_back(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_answer answer;
    send_call(room, 1, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 1);
    send_outcome(room, 1, scene->conn.id, 1, FP_E_SOURCE_UNREACHABLE);
    // written before the next answer can show it: ask until it does, the vault's timer bounds it
    for (unsigned i = 0; i < 1000; i++) {
        send_call(room, 10 + i, scene->conn.token, MODEL_OP_SYSTEM_SYNC_STATUS, "");
        answer = expect_answer(room, 10 + i, FP_OK);
        if (memmem(answer.body.ptr, answer.body.len, "\"fail\"", 6) != NULL) {
            break;
        }
        uv_run(&room->loop, UV_RUN_ONCE);
    }
    assert_true(answer_holds(&answer, "/status", "fail"));
    send_call(room, 2, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 2); // calls go on trying
    send_outcome(room, 2, scene->conn.id, 1, FP_OK);
    for (unsigned i = 0; i < 1000; i++) {
        send_call(room, 2000 + i, scene->conn.token, MODEL_OP_SYSTEM_SYNC_STATUS, "");
        answer = expect_answer(room, 2000 + i, FP_OK);
        if (memmem(answer.body.ptr, answer.body.len, "\"done\"", 6) != NULL) {
            break;
        }
        uv_run(&room->loop, UV_RUN_ONCE);
    }
    assert_true(answer_holds(&answer, "/status", "done"));
}

static void test_vault_calls__egress_goes_away(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    send_call(room, 3, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 3);
    fake_down(room, &room->egress);
    expect_answer(room, 3, FP_E_LINK_CLOSED);
    send_call(room, 4, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_answer(room, 4, FP_E_LINK_CLOSED);
    room_settle(room);
    assert_int_equal(room->gateway.count, 0); // answered once
    fake_up(room, &room->egress);
    send_call(room, 5, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 5);
}

static void test_vault_calls__the_gateway_goes_away(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_stop stop;
    send_call(room, 3, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 3);
    fake_down(room, &room->gateway);
    assert_int_equal(link_get_stop(fake_expect(room, &room->egress, LINK_STOP), &stop), FP_OK);
    assert_int_equal(stop.call, 3);
    // a new gateway may count from the beginning
    fake_up(room, &room->gateway);
    send_call(room, 3, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 3);
    room_settle(room);
    assert_int_equal(room->gateway.count, 0);
}

static void test_vault_calls__cancelled(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_cancel cancel = {4};
    send_call(room, 4, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 4);
    assert_int_equal(link_put_cancel(link_out(room->gateway.ours), &cancel), FP_OK);
    fake_expect(room, &room->egress, LINK_STOP);
    // cancelled in the same turn as it came: nothing leaves
    send_call(room, 5, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    cancel.call = 5;
    assert_int_equal(link_put_cancel(link_out(room->gateway.ours), &cancel), FP_OK);
    send_call(room, 6, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 6);
    room_settle(room);
    assert_int_equal(room->egress.count, 0);
    cancel.call = 77; // never known: no fault
    assert_int_equal(link_put_cancel(link_out(room->gateway.ours), &cancel), FP_OK);
    room_settle(room);
}

// After a disconnect was confirmed no credential of that connection leaves any more, whatever was
// under way at that moment.
static void test_vault_calls__nothing_leaves_after_the_end(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    bool ended = false;
    for (uint64_t i = 0; i < 40; i++) {
        send_call(room, 100 + i, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
        if (i == 20) {
            send_call(room, 1, scene->app.token, MODEL_OP_SYSTEM_CONNECTION_DELETE, scene->conn.id);
        }
    }
    for (unsigned answers = 0; answers < 1 || !ended;) {
        struct link_answer answer;
        assert_true(fake_wait(room, &room->gateway));
        assert_int_equal(link_get_answer(fake_expect(room, &room->gateway, LINK_ANSWER), &answer),
                         FP_OK);
        ended = ended || answer.call == 1;
        answers++;
        if (answer.call == 1) {
            assert_int_equal(answer.error, FP_OK);
        }
    }
    room_pump(room);
    fake_forget(&room->egress);
    send_call(room, 500, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    room_settle(room);
    for (size_t i = 0; i < room->egress.count; i++) {
        assert_int_not_equal(room->egress.frames[i].number, LINK_EXECUTE);
    }
}

// N3: the disk is full: no credential leaves.
static void test_vault_calls__no_record_no_credential(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_answer answer;
    disk_full(true);
    send_call(room, 1, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    answer = expect_answer(room, 1, FP_E_AUDIT_UNAVAILABLE);
    assert_true(answer.retry_after_s > 0);
    send_call(room, 2, scene->app.token, MODEL_OP_SYSTEM_CLIENT, "");
    expect_answer(room, 2, FP_OK); // needs no record
    disk_full(false);
    assert_int_equal(room->egress.count, 0);
    for (uint64_t i = 10; i < 200; i++) {
        // the vault's timer tries again; until then calls are refused
        send_call(room, i, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
        while (room->gateway.count == 0 && room->egress.count == 0) {
            room_pump(room);
            uv_run(&room->loop, UV_RUN_ONCE);
        }
        if (room->egress.count != 0) {
            break;
        }
        fake_forget(&room->gateway);
    }
    fake_expect(room, &room->egress, LINK_EXECUTE);
}

static bool vault_has_spoken(const struct room *room)
{
    return link_wants_write(room->gateway.theirs) || link_wants_write(room->egress.theirs);
}

// Hands the call to the vault with its n-th allocation failing, until it says something.
static void call_with_failure(struct room *room, const struct link_call *in, unsigned long n)
{
    struct link_frame frame = {LINK_CALL, {0}};
    struct buf text;
    buf_init(&text, 65536);
    assert_int_equal(link_put_call(&text, in), FP_OK);
    frame.body = bytes_slice(buf_bytes(&text), 8, text.len);
    mem_fail_at(n);
    vault_room()->frame(room->state, LINK_ROOM_GATEWAY, &frame);
    for (unsigned i = 0; i < 1000 && !vault_has_spoken(room); i++) {
        uv_run(&room->loop, UV_RUN_NOWAIT);
        usleep(500);
    }
    mem_fail_at(0);
    buf_done(&text);
}

// Every allocation of a call's way fails once: the room goes on, each call is answered once at most
// (an answer whose own buffer cannot grow is lost; the gateway's deadline answers), and the next
// call works.
static void test_vault_calls__memory_runs_out_anywhere(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    unsigned reached = 0, refused = 0;
    for (unsigned long n = 1; n < 40 && reached < 3; n++) {
        struct link_call in = {.call = n,
                               .request_id = BYTES("req_n"),
                               .token = bytes_of_text(scene->conn.token),
                               .operation = MODEL_OP_ERP_VENDORS_LIST};
        call_with_failure(room, &in, n);
        room_pump(room);
        assert_true(room->gateway.count + room->egress.count <= 1);
        reached += (unsigned)room->egress.count;
        refused += (unsigned)room->gateway.count;
        fake_forget(&room->gateway);
        fake_forget(&room->egress);
    }
    assert_int_equal(reached, 3);
    assert_true(refused > 0);
    send_call(room, 100, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 100);
}

static void test_vault_calls__drain_waits_for_what_is_under_way(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    send_call(room, 1, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_execute(room, 1);
    vault_room()->drain(room->state, 1000);
    assert_false(room->finished);
    send_call(room, 2, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    expect_answer(room, 2, FP_E_SERVICE_UNAVAILABLE);
    send_outcome(room, 1, scene->conn.id, 1, FP_OK);
    room_pump(room);
    assert_true(room->finished);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_vault_calls__an_approved_call_reaches_egress),
        SCENE(test_vault_calls__refusals_have_their_reason),
        SCENE(test_vault_calls__faults_only_to_good_tokens),
        SCENE(test_vault_calls__system_operations_are_answered_here),
        SCENE(test_vault_calls__platforms_go_on_without_a_credential),
        SCENE(test_vault_calls__token_requests),
        SCENE(test_vault_calls__metadata),
        SCENE(test_vault_calls__a_rejected_credential),
        SCENE(test_vault_calls__unreachable_and_back),
        SCENE(test_vault_calls__egress_goes_away),
        SCENE(test_vault_calls__the_gateway_goes_away),
        SCENE(test_vault_calls__cancelled),
        SCENE(test_vault_calls__nothing_leaves_after_the_end),
        SCENE(test_vault_calls__no_record_no_credential),
        SCENE(test_vault_calls__memory_runs_out_anywhere),
        SCENE(test_vault_calls__drain_waits_for_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
