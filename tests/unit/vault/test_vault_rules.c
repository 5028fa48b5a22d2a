// Messages that the rules of the links allow by their form but the vault does not expect: each ends
// the room. And the control socket: who may come in, what is asked there. Row S20.
// SPDX-License-Identifier: Apache-2.0
#include "vault_fixture.h"

#include "registry/control.h"

// Hands the frames that wait to the vault and says what room_fail() was told; FP_OK: nothing.
static enum fp_error rule_broken(struct room *room)
{
    jmp_buf here;
    room->failure = FP_OK;
    room->on_fail = &here;
    if (setjmp(here) == 0) {
        room_pump(room);
    }
    room->on_fail = NULL;
    return room->failure;
}

static enum fp_error rule_call(struct room *room, struct link_call in)
{
    assert_int_equal(link_put_call(link_out(room->gateway.ours), &in), FP_OK);
    return rule_broken(room);
}

static struct link_call good_call(const struct scene *scene, uint64_t number)
{
    return (struct link_call){.call = number,
                              .request_id = BYTES("req_r"),
                              .token = bytes_of_text(scene->conn.token),
                              .operation = MODEL_OP_ERP_VENDORS_LIST};
}

static void test_vault_rules__operations_out_of_place(void **state)
{
    static const unsigned operations[] = {MODEL_OPERATION_COUNT, 65535, MODEL_OP_SYSTEM_TOKEN,
                                          MODEL_OP_SYSTEM_CONNECTION_CREATE,
                                          MODEL_OP_SYSTEM_METADATA_SET};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        struct link_call in = good_call(scene, 1);
        in.operation = (uint16_t)operations[i];
        assert_int_equal(rule_call(&scene->room, in), FP_E_MESSAGE_INVALID);
        // a broken handler leaves its frame behind: the room would be gone now
        fake_down(&scene->room, &scene->room.gateway);
        fake_up(&scene->room, &scene->room.gateway);
    }
}

static void test_vault_rules__a_number_twice(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(rule_call(&scene->room, good_call(scene, 5)), FP_OK);
    assert_int_equal(rule_call(&scene->room, good_call(scene, 5)), FP_E_MESSAGE_INVALID);
}

static void test_vault_rules__a_number_of_the_vault(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(rule_call(&scene->room, good_call(scene, UINT64_C(1) << 63)),
                     FP_E_MESSAGE_INVALID);
}

static void test_vault_rules__a_fault_that_is_none(void **state)
{
    struct scene *scene = *state;
    struct link_call in = good_call(scene, 5);
    in.fault = FP_ERROR_COUNT;
    assert_int_equal(rule_call(&scene->room, in), FP_E_MESSAGE_INVALID);
}

static void test_vault_rules__a_request_id_with_nul(void **state)
{
    struct scene *scene = *state;
    struct link_call in = good_call(scene, 5);
    in.request_id = bytes_of("a\0b", 3);
    assert_int_equal(rule_call(&scene->room, in), FP_E_MESSAGE_INVALID);
}

static void test_vault_rules__verdicts_outside_of_the_catalogue(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_outcome outcome = {.call = 1, .error = FP_ERROR_COUNT};
    struct link_verified verified = {.call = 1, .error = UINT16_MAX};
    assert_int_equal(link_put_outcome(link_out(room->egress.ours), &outcome), FP_OK);
    assert_int_equal(rule_broken(room), FP_E_MESSAGE_INVALID);
    fake_down(room, &room->egress);
    fake_up(room, &room->egress);
    assert_int_equal(link_put_verified(link_out(room->egress.ours), &verified), FP_OK);
    assert_int_equal(rule_broken(room), FP_E_MESSAGE_INVALID);
}

static enum fp_error rule_bare(struct room *room, enum link_room from, enum link_number number)
{
    struct link_frame frame = {number, {0}};
    jmp_buf here;
    room->failure = FP_OK;
    room->on_fail = &here;
    if (setjmp(here) == 0) {
        vault_room()->frame(room->state, from, &frame);
    }
    room->on_fail = NULL;
    return room->failure;
}

// Every message there is, from both neighbours, with an empty body: the vault takes none of them
// for good. (Links refuse most before; here the handler itself is asked.)
static void test_vault_rules__every_message_without_its_body(void **state)
{
    static const enum link_room rooms[] = {LINK_ROOM_GATEWAY, LINK_ROOM_EGRESS, LINK_ROOM_CONTROL,
                                           LINK_ROOM_CONSOLE, LINK_ROOM_SUPERVISOR};
    struct scene *scene = *state;
    struct room *room = &scene->room;
    for (unsigned number = 0; number < LINK_NUMBERS; number++) {
        for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
            assert_int_equal(rule_bare(room, rooms[i], (enum link_number)number),
                             FP_E_MESSAGE_INVALID);
        }
    }
    room_settle(room);
    assert_int_equal(room->egress.count + room->gateway.count, 0);
}

// ---------------------------------------------------------------- control socket

static struct fake control_join(struct room *room)
{
    struct fake fake = {.name = LINK_ROOM_CONTROL};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", room->control_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fake.ours = link_create(fd, LINK_ROOM_CONTROL, LINK_ROOM_VAULT);
    assert_non_null(fake.ours);
    return fake;
}

// Turns the loop until an answer is there; FP_E_LINK_CLOSED when the vault hung up.
static enum fp_error control_wait_answer(struct room *room, struct fake *fake,
                                         struct link_control_answer *out)
{
    static uint8_t *last;
    uint64_t end = clock_monotonic_ns() + UINT64_C(10000000000);
    mem_free(last);
    last = NULL;
    while (clock_monotonic_ns() < end) {
        enum fp_error error = link_flush(fake->ours);
        while (error == FP_OK) {
            error = link_read(fake->ours, fake_on_frame, fake);
        }
        if (fake->count != 0) {
            last = fake->frames[0].body;
            fake->count = 0;
            assert_int_equal(fake->frames[0].number, LINK_CONTROL_ANSWER);
            return link_get_control_answer(bytes_of(last, fake->frames[0].len), out);
        }
        if (error == FP_E_LINK_CLOSED) {
            return error;
        }
        room_pump(room);
        uv_run(&room->loop, UV_RUN_ONCE);
    }
    return FP_E_TIMEOUT;
}

static void test_vault_rules__control_answers(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct fake control = control_join(room);
    struct link_control_answer answer = {0};
    struct link_status status = {.call = 41};
    struct link_application_create create = {
        .call = 42, .name = BYTES("By hand"), .environment = BYTES("test")};
    char json[8192];
    assert_int_equal(link_put_status(link_out(control.ours), &status), FP_OK);
    assert_int_equal(control_wait_answer(room, &control, &answer), FP_OK);
    assert_int_equal(answer.call, 41);
    assert_int_equal(answer.error, FP_OK);
    assert_true(bytes_to_text(answer.body, json, sizeof json));
    assert_true(json_has_text(json, "/data/audit/state", "OK"));
    assert_true(json_has_text(json, "/data/store/backend", "sqlite"));
    assert_int_equal(link_put_application_create(link_out(control.ours), &create), FP_OK);
    assert_int_equal(control_wait_answer(room, &control, &answer), FP_OK);
    assert_int_equal(answer.call, 42);
    assert_true(bytes_to_text(answer.body, json, sizeof json));
    assert_true(json_has_text(json, "/data/environment", "test"));
    link_free(control.ours);
    room_settle(room);
}

static void test_vault_rules__control_connects_with_a_trial(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct fake control = control_join(room);
    struct link_control_answer answer = {0};
    struct link_verify verify = {0};
    struct link_verified verified = {.account = BYTES("admin")};
    struct link_connection_add add = {.call = 7,
                                      .application = bytes_of_text(scene->app.id),
                                      .name = BYTES("Hand"),
                                      .email = BYTES("hand@plant.test"),
                                      .platform = BYTES("tryton"),
                                      .networks = BYTES("127.0.0.0/8"),
                                      .credentials = BYTES("{\"password\":\"h\"}")};
    char json[4096];
    assert_int_equal(link_put_connection_add(link_out(control.ours), &add), FP_OK);
    assert_int_equal(link_flush(control.ours), FP_OK);
    assert_int_equal(link_get_verify(fake_expect(room, &room->egress, LINK_VERIFY), &verify),
                     FP_OK);
    assert_true(bytes_equal_text(verify.networks, "127.0.0.0/8"));
    assert_true((verify.call & UINT64_C(1) << 63) != 0);
    verified.call = verify.call;
    assert_int_equal(link_put_verified(link_out(room->egress.ours), &verified), FP_OK);
    assert_int_equal(control_wait_answer(room, &control, &answer), FP_OK);
    assert_int_equal(answer.call, 7);
    assert_int_equal(answer.error, FP_OK);
    assert_true(bytes_to_text(answer.body, json, sizeof json));
    assert_true(json_has_text(json, "/data/name", "Hand"));
    link_free(control.ours);
    room_settle(room);
}

// S5: connecting again by hand: the connection says where it is tried, its old token ends.
static void test_vault_rules__control_connects_again(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct fake control = control_join(room);
    struct link_control_answer answer = {0};
    struct link_verify verify = {0};
    struct link_verified verified = {.account = BYTES("admin")};
    struct link_connection_add add = {.call = 8,
                                      .connection = bytes_of_text(scene->conn.id),
                                      .credentials = BYTES("{\"password\":\"changed\"}")};
    struct link_answer refused;
    assert_int_equal(link_put_connection_add(link_out(control.ours), &add), FP_OK);
    assert_int_equal(link_flush(control.ours), FP_OK);
    assert_int_equal(link_get_verify(fake_expect(room, &room->egress, LINK_VERIFY), &verify),
                     FP_OK);
    assert_true(bytes_equal_text(verify.platform, "tryton"));
    assert_true(bytes_equal_text(verify.networks, "10.1.0.0/16"));
    verified.call = verify.call;
    assert_int_equal(link_put_verified(link_out(room->egress.ours), &verified), FP_OK);
    assert_int_equal(control_wait_answer(room, &control, &answer), FP_OK);
    assert_int_equal(answer.error, FP_OK);
    fake_expect(room, &room->egress, LINK_FORGET);
    send_call(room, 1, scene->conn.token, MODEL_OP_ERP_VENDORS_LIST, "");
    refused = expect_answer(room, 1, FP_E_TOKEN_SUPERSEDED);
    assert_true(answer_holds(&refused, "/reason", "SUPERSEDED"));
    link_free(control.ours);
    room_settle(room);
}

// One that goes away in between takes its questions along; one that breaks a rule is dropped, and
// the others and the room go on.
static void test_vault_rules__control_peers_come_and_go(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct fake first = control_join(room), second = control_join(room);
    struct link_control_answer answer = {0};
    struct link_connection_add add = {.call = 7,
                                      .application = bytes_of_text(scene->app.id),
                                      .name = BYTES("Gone"),
                                      .email = BYTES("gone@plant.test"),
                                      .platform = BYTES("tryton"),
                                      .credentials = BYTES("{}")};
    struct link_application_list list = {.call = 9};
    assert_int_equal(link_put_connection_add(link_out(first.ours), &add), FP_OK);
    assert_int_equal(link_flush(first.ours), FP_OK);
    fake_expect(room, &room->egress, LINK_VERIFY);
    link_free(first.ours);
    fake_expect(room, &room->egress, LINK_STOP);
    assert_int_equal(link_put_application_list(link_out(second.ours), &list), FP_OK);
    assert_int_equal(control_wait_answer(room, &second, &answer), FP_OK);
    assert_int_equal(answer.call, 9);
    buf_append_text(link_out(second.ours), "garbage that is no frame at all");
    assert_int_equal(control_wait_answer(room, &second, &answer), FP_E_LINK_CLOSED);
    link_free(second.ours);
    room_settle(room);
}

static void test_vault_rules__control_has_places_for_so_many(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct fake peers[FP_LIMIT_CONTROL_PEERS + 1];
    struct link_control_answer answer = {0};
    struct link_status status = {.call = 1};
    for (size_t i = 0; i < FP_LIMIT_CONTROL_PEERS; i++) {
        peers[i] = control_join(room);
        room_settle(room);
    }
    peers[FP_LIMIT_CONTROL_PEERS] = control_join(room);
    assert_int_equal(link_put_status(link_out(peers[FP_LIMIT_CONTROL_PEERS].ours), &status), FP_OK);
    assert_int_equal(control_wait_answer(room, &peers[FP_LIMIT_CONTROL_PEERS], &answer),
                     FP_E_LINK_CLOSED);
    assert_int_equal(link_put_status(link_out(peers[0].ours), &status), FP_OK);
    assert_int_equal(control_wait_answer(room, &peers[0], &answer), FP_OK);
    for (size_t i = 0; i <= FP_LIMIT_CONTROL_PEERS; i++) {
        link_free(peers[i].ours);
    }
    room_settle(room);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_vault_rules__operations_out_of_place),
        SCENE(test_vault_rules__a_number_twice),
        SCENE(test_vault_rules__a_number_of_the_vault),
        SCENE(test_vault_rules__a_fault_that_is_none),
        SCENE(test_vault_rules__a_request_id_with_nul),
        SCENE(test_vault_rules__verdicts_outside_of_the_catalogue),
        SCENE(test_vault_rules__every_message_without_its_body),
        SCENE(test_vault_rules__control_answers),
        SCENE(test_vault_rules__control_connects_with_a_trial),
        SCENE(test_vault_rules__control_connects_again),
        SCENE(test_vault_rules__control_peers_come_and_go),
        SCENE(test_vault_rules__control_has_places_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
