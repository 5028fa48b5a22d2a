// Connecting through the vault's handlers, with a fake gateway and a fake egress over socketpairs:
// nothing is stored before the source accepted the credential. Rows S2, S5, N3.
// SPDX-License-Identifier: Apache-2.0
#include "vault_fixture.h"

static void send_create(struct room *room, uint64_t number, const char *token, const char *email,
                        const char *platform)
{
    struct link_connection_create in = {.call = number,
                                        .request_id = BYTES("req_c"),
                                        .address = BYTES("192.0.2.8"),
                                        .token = bytes_of_text(token),
                                        .name = BYTES("New plant"),
                                        .email = bytes_of_text(email),
                                        .platform = bytes_of_text(platform),
                                        .credentials = BYTES("{\"password\":\"typed\"}")};
    assert_int_equal(link_put_connection_create(link_out(room->gateway.ours), &in), FP_OK);
}

static struct link_verify expect_verify(struct room *room)
{
    struct link_verify out = {0};
    assert_int_equal(link_get_verify(fake_expect(room, &room->egress, LINK_VERIFY), &out), FP_OK);
    return out;
}

static void send_verified(struct room *room, uint64_t number, enum fp_error error,
                          const char *errors)
{
    struct link_verified in = {.call = number,
                               .error = (uint16_t)error,
                               .errors = bytes_of_text(errors),
                               .account = BYTES("Administrator")};
    assert_int_equal(link_put_verified(link_out(room->egress.ours), &in), FP_OK);
}

static int64_t connections_of(struct room *room, const char *token)
{
    struct link_answer answer;
    yyjson_doc *doc = NULL;
    int64_t total = -1;
    send_call(room, 900, token, MODEL_OP_SYSTEM_CONNECTIONS, "");
    answer = expect_answer(room, 900, FP_OK);
    doc = yyjson_read((const char *)answer.body.ptr, answer.body.len, 0);
    total = yyjson_get_sint(yyjson_doc_ptr_get(doc, "/meta/total"));
    yyjson_doc_free(doc);
    return total;
}

static void test_vault_connect__verified_then_stored(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_verify verify;
    struct link_answer answer;
    struct link_execute out;
    char token[128], json[4096];
    const char *text = NULL;
    yyjson_doc *doc = NULL;
    send_create(room, 1, scene->app.token, "new@plant.test", "tryton");
    verify = expect_verify(room);
    assert_int_equal(verify.call, 1);
    assert_true(bytes_equal_text(verify.platform, "tryton"));
    assert_true(bytes_equal_text(verify.networks, "10.1.0.0/16"));
    assert_true(bytes_equal_text(verify.credentials, "{\"password\":\"typed\"}"));
    assert_int_equal(connections_of(room, scene->app.token), 1);
    send_verified(room, 1, FP_OK, "");
    answer = expect_answer(room, 1, FP_OK);
    assert_true(answer_holds(&answer, "/data/account", "Administrator"));
    assert_true(bytes_to_text(answer.body, json, sizeof json));
    doc = yyjson_read(json, strlen(json), 0);
    text = yyjson_get_str(yyjson_doc_ptr_get(doc, "/data/access_token"));
    assert_true(bytes_to_text(bytes_of_text(text), token, sizeof token));
    yyjson_doc_free(doc);
    assert_int_equal(connections_of(room, scene->app.token), 2);
    send_call(room, 2, token, MODEL_OP_ERP_VENDORS_LIST, "");
    out = expect_execute(room, 2);
    assert_true(bytes_equal_text(out.credentials, "{\"password\":\"typed\"}"));
}

static const struct {
    enum fp_error verdict;  // of egress
    const char *errors;     // of egress
    enum fp_error answered; // to the client
    const char *rows;       // what errors must hold
} refusals[] = {
    {FP_E_CREDENTIALS_REJECTED, "", FP_E_FIELD_INVALID, "CREDENTIALS_REJECTED"},
    {FP_E_CREDENTIALS_REJECTED, "[{\"field\":\"credentials.password\"}]", FP_E_FIELD_INVALID,
     "credentials.password"},
    {FP_E_SOURCE_PERMISSION_MISSING, "", FP_E_FIELD_INVALID, "SOURCE_PERMISSION_MISSING"},
    {FP_E_FIELD_INVALID, "[{\"field\":\"credentials.url\"}]", FP_E_FIELD_INVALID,
     "credentials.url"},
    {FP_E_PLATFORM_UNKNOWN, "", FP_E_PLATFORM_UNKNOWN, ""},
    {FP_E_SOURCE_UNREACHABLE, "", FP_E_SOURCE_UNREACHABLE, ""},
    {FP_E_SOURCE_ADDRESS_REFUSED, "", FP_E_SOURCE_ADDRESS_REFUSED, ""},
    {FP_E_SOURCE_ANSWER_INVALID, "", FP_E_SOURCE_ANSWER_INVALID, ""},
};

static void test_vault_connect__refused_and_nothing_stored(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct link_answer answer;
        char errors[1024];
        send_create(room, 1, scene->app.token, "refused@plant.test", "tryton");
        expect_verify(room);
        send_verified(room, 1, refusals[i].verdict, refusals[i].errors);
        answer = expect_answer(room, 1, refusals[i].answered);
        assert_true(bytes_to_text(answer.errors, errors, sizeof errors));
        assert_non_null(strstr(errors, refusals[i].rows));
        assert_int_equal(answer.body.len, 0);
    }
    assert_int_equal(connections_of(room, scene->app.token), 1);
}

// What is wrong by itself does not reach the source.
static void test_vault_connect__wrong_fields_are_not_tried(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_answer answer;
    char errors[1024];
    send_create(room, 1, scene->app.token, "not an address", "tryton");
    answer = expect_answer(room, 1, FP_E_FIELD_INVALID);
    assert_true(bytes_to_text(answer.errors, errors, sizeof errors));
    assert_true(json_has_text(errors, "/0/field", "email"));
    send_create(room, 2, scene->app.token, "a@b.test", "../../x");
    expect_answer(room, 2, FP_E_FIELD_INVALID);
    send_create(room, 3, scene->conn.token, "a@b.test", "tryton");
    expect_answer(room, 3, FP_E_TOKEN_KIND_WRONG);
    assert_int_equal(room->egress.count, 0);
}

static void test_vault_connect__late_verdicts_are_ignored(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    struct link_cancel cancel = {1};
    send_create(room, 1, scene->app.token, "late@plant.test", "tryton");
    expect_verify(room);
    assert_int_equal(link_put_cancel(link_out(room->gateway.ours), &cancel), FP_OK);
    fake_expect(room, &room->egress, LINK_STOP);
    send_verified(room, 1, FP_OK, "");
    send_verified(room, 12345, FP_OK, "");
    room_settle(room);
    assert_int_equal(room->gateway.count, 0);
    assert_int_equal(connections_of(room, scene->app.token), 1);
}

static void test_vault_connect__egress_goes_away(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    send_create(room, 1, scene->app.token, "down@plant.test", "tryton");
    expect_verify(room);
    fake_down(room, &room->egress);
    expect_answer(room, 1, FP_E_LINK_CLOSED);
    send_create(room, 2, scene->app.token, "down@plant.test", "tryton");
    expect_answer(room, 2, FP_E_LINK_CLOSED);
    fake_up(room, &room->egress);
}

static void test_vault_connect__only_so_many_at_once(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    for (uint64_t i = 0; i < FP_LIMIT_VERIFIES_IN_FLIGHT; i++) {
        send_create(room, 1 + i, scene->app.token, "many@plant.test", "tryton");
        expect_verify(room);
    }
    send_create(room, 1000, scene->app.token, "many@plant.test", "tryton");
    expect_answer(room, 1000, FP_E_SERVICE_UNAVAILABLE);
    send_verified(room, 1, FP_E_SOURCE_UNREACHABLE, "");
    expect_answer(room, 1, FP_E_SOURCE_UNREACHABLE);
    send_create(room, 1001, scene->app.token, "many@plant.test", "tryton");
    expect_verify(room);
}

// N3: the record of the attempt comes first.
static void test_vault_connect__no_record_no_attempt(void **state)
{
    struct scene *scene = *state;
    struct room *room = &scene->room;
    disk_full(true);
    send_create(room, 1, scene->app.token, "full@plant.test", "tryton");
    expect_answer(room, 1, FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(room->egress.count, 0);
    disk_full(false);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_vault_connect__verified_then_stored),
        SCENE(test_vault_connect__refused_and_nothing_stored),
        SCENE(test_vault_connect__wrong_fields_are_not_tried),
        SCENE(test_vault_connect__late_verdicts_are_ignored),
        SCENE(test_vault_connect__egress_goes_away),
        SCENE(test_vault_connect__only_so_many_at_once),
        SCENE(test_vault_connect__no_record_no_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
