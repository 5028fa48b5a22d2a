// Writes against answers as Tryton gives them: one call that changes something and no second one,
// whatever comes back. No I/O, no time. SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "driver_trial.h"

#define CREATE "\"method\":\"model.party.party.create\""
#define WRITE  "\"method\":\"model.party.party.write\""
#define READ   "\"method\":\"model.party.party.search_read\""
#define ROW    "[{\"id\":41,\"name\":\"B\",\"code\":null}]"

static unsigned sent(const char *piece)
{
    unsigned count = 0;
    for (unsigned i = 0; i < t.count; i++) {
        count += strstr(t.bodies[i], piece) != NULL ? 1 : 0;
    }
    return count;
}

static void begin_change(void)
{
    assert_int_equal(begin_call("PUT", "/api/erp/vendors/41", SESSION, "{\"name\":\"B\"}"), 1);
    assert_non_null(strstr(t.bodies[0], READ));
    result(0, "[{\"id\":41,\"name\":\"A\",\"code\":null}]");
    assert_int_equal(t.count, 2);
}

static void test_driver_write__makes_a_record_and_reads_it(void **state)
{
    (void)state;
    assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION, "{\"name\":\"B\"}"), 1);
    assert_non_null(strstr(t.bodies[0],
                           "model.account.invoice.payment_term.search_read\",\"params\":"
                           "[[],0,1,[[\"id\",\"ASC\"]],[\"id\"]"));
    result(0, "[{\"id\":3}]");
    assert_int_equal(t.count, 2);
    assert_string_equal(t.bodies[1],
                        "{\"id\":2," CREATE ",\"params\":[[{\"name\":\"B\","
                        "\"supplier_payment_term\":3}],{\"company\":1,\"language\":\"en\","
                        "\"active_test\":false}]}");
    result(1, "[41]");
    assert_non_null(strstr(t.bodies[2], READ ",\"params\":[[[\"id\",\"=\",41]],0,1,"));
    result(2, ROW);
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "{\"data\":{\"key\":\"41\",\"name\":\"B\""));
    assert_int_equal(r->source_calls, 3);
}

static void test_driver_write__leaves_out_what_the_source_lacks(void **state)
{
    (void)state;
    assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION, "{\"name\":\"B\"}"), 1);
    result(0, "[]");
    assert_non_null(strstr(t.bodies[1], "[[{\"name\":\"B\"}],"));
}

static void test_driver_write__changes_a_record(void **state)
{
    (void)state;
    begin_change();
    assert_non_null(strstr(t.bodies[1], WRITE ",\"params\":[[41],{\"name\":\"B\"},{"));
    result(1, "null");
    result(2, ROW);
    assert_true(holds(done(FP_OK)->body, "\"name\":\"B\""));
}

static void test_driver_write__an_empty_change_is_none(void **state)
{
    (void)state;
    assert_int_equal(begin_call("PUT", "/api/erp/vendors/41", SESSION, "{}"), 1);
    result(0, ROW);
    assert_true(holds(done(FP_OK)->body, "\"key\":\"41\""));
    assert_int_equal(sent(WRITE), 0);
}

static void test_driver_write__wrong_bodies_cost_no_call(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum fp_error error;
    } cases[] = {{"{}", FP_E_FIELD_INVALID},
                 {"{\"name\":7}", FP_E_FIELD_INVALID},
                 {"", FP_E_REQUEST_BODY_INVALID},
                 {"[]", FP_E_REQUEST_BODY_INVALID},
                 {"{\"name\":", FP_E_REQUEST_BODY_INVALID},
                 {"{\"name\":\"\xff\"}", FP_E_REQUEST_BODY_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION, cases[i].body), 0);
        assert_int_equal(done(cases[i].error)->source_calls, 0);
        trial_end(NULL);
    }
    assert_int_equal(
        begin_call("POST", "/api/erp/vendors?validate_only=true", SESSION, "{\"name\":\"B\"}"), 0);
    assert_true(holds(done(FP_OK)->body, "{\"data\":null,\"validate_only\":true}"));
}

static void test_driver_write__no_such_record(void **state)
{
    (void)state;
    assert_int_equal(begin_call("PUT", "/api/erp/vendors/41", SESSION, "{\"name\":\"B\"}"), 1);
    result(0, "[]");
    (void)done(FP_E_RECORD_NOT_FOUND);
    assert_int_equal(sent(WRITE), 0);
}

static void test_driver_write__a_refused_session_was_no_write(void **state)
{
    (void)state;
    begin_change();
    feed(1, 401, "");
    assert_non_null(strstr(t.bodies[2], "common.db.login"));
    result(2, "[1,\"ffffffffffffffffffffffff\"]");
    result(3, "{\"company\":1}");
    result(4, "[]");
    result(5, "[{\"id\":41,\"name\":\"A\"}]");
    assert_int_equal(sent(WRITE), 2); // the first one was turned away at the door
    result(6, "null");
    result(7, ROW);
    (void)done(FP_OK);
}

static void test_driver_write__unclear_answers_are_unclear(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
    } cases[] = {{500, HTML}, {502, HTML},
                 {503, ""},   {504, ""},
                 {408, ""},   {200, HTML},
                 {200, ""},   {200, "{\"id\":999,\"result\":null}"},
                 {200, "{}"}, {500, "{\"error\":[\"UserError\",[\"No\"]]}"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_change();
        feed(1, cases[i].status, cases[i].body);
        const struct driver_result *r = done(FP_E_OUTCOME_UNKNOWN);
        assert_true(holds(r->detail, "\"look_at\":\"/api/erp/vendors/41\""));
        assert_int_equal(r->retry_after_s, 0);
        assert_int_equal(sent(WRITE), 1);
        trial_end(NULL);
    }
}

static void test_driver_write__broken_connections(void **state)
{
    (void)state;
    struct client_answer lost = {.error = FP_E_SOURCE_UNREACHABLE, .sent = true};
    begin_change();
    feed_full(1, &lost, "");
    (void)done(FP_E_OUTCOME_UNKNOWN);
    trial_end(NULL);
    struct client_answer never = {.error = FP_E_SOURCE_UNREACHABLE, .sent = false};
    begin_change();
    feed_full(1, &never, "");
    (void)done(FP_E_SOURCE_UNREACHABLE);
}

static void test_driver_write__time_runs_out(void **state)
{
    (void)state;
    begin_change();
    assert_true(driver_give_up_write(t.run, "No time left."));
    assert_true(holds(done(FP_E_OUTCOME_UNKNOWN)->detail, "No time left."));
    assert_false(driver_give_up_write(t.run, "Again."));
    trial_end(NULL);
    begin_change();
    result(1, "null");
    assert_true(driver_give_up_write(t.run, "No time left."));
    assert_true(holds(done(FP_E_WRITTEN_UNREAD)->detail, "\"key\":\"41\""));
    trial_end(NULL);
    assert_int_equal(begin_call("PUT", "/api/erp/vendors/41", SESSION, "{\"name\":\"B\"}"), 1);
    assert_false(driver_give_up_write(t.run, "Nothing was sent yet."));
    assert_false(driver_is_done(t.run));
}

static void test_driver_write__where_to_look_for_a_new_record(void **state)
{
    (void)state;
    assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION,
                                "{\"code\":\"A&B\",\"name\":\"M\xc3\xbcller = 1\"}"),
                     1);
    result(0, "[]");
    feed(1, 500, "");
    assert_true(holds(done(FP_E_OUTCOME_UNKNOWN)->detail,
                      "/api/erp/vendors?filter[name]=M%C3%BCller%20%3D%201&filter[code]=A%26B"));
}

static void test_driver_write__refusals_are_the_source_s_own(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        enum fp_error expected;
    } cases[] = {
        {"[\"UserError\",[\"The code must be unique.\",\"\",null]]", FP_E_SOURCE_REJECTED},
        {"[\"UserError\",[\"You are not allowed to modify X\",\"\",null]]",
         FP_E_SOURCE_PERMISSION_MISSING},
        {"[\"UserWarning\",[\"w\",\"Really?\",\"\"]]", FP_E_CONFLICT},
        {"[\"ConcurrencyException\",\"Changed.\"]", FP_E_CONFLICT},
        {"[\"'nofield'\",\"\"]", FP_E_OPERATION_UNSUPPORTED},
        {"[\"'party.party'\",\"\"]", FP_E_OPERATION_UNSUPPORTED},
        {"[\"int() argument\",\"\"]", FP_E_SOURCE_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_change();
        failure(1, cases[i].error);
        (void)done(cases[i].expected);
        assert_int_equal(sent(WRITE), 1);
        trial_end(NULL);
    }
    begin_change();
    failure(1, "[\"UserError\",[\"The code must be unique. Adm1n-secret\",\"\",null]]");
    const struct driver_result *r = done(FP_E_SOURCE_REJECTED);
    assert_true(holds(r->detail, "The code must be unique."));
    assert_false(holds(r->detail, "Adm1n"));
    trial_end(NULL);
    begin_change();
    feed(1, 403, "");
    assert_true(holds(done(FP_E_SOURCE_PERMISSION_MISSING)->detail, "may not change"));
}

static void test_driver_write__what_was_written_but_not_read(void **state)
{
    (void)state;
    static const char *const answers[] = {"[]", "7", "[{\"id\":41,\"name\":7.5,\"code\":[]}]"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION, "{\"name\":\"B\"}"), 1);
        result(0, "[]");
        result(1, "[41]");
        result(2, answers[i]);
        assert_true(holds(done(FP_E_WRITTEN_UNREAD)->detail, "\"key\":\"41\""));
        trial_end(NULL);
    }
    assert_int_equal(begin_call("POST", "/api/erp/vendors", SESSION, "{\"name\":\"B\"}"), 1);
    result(0, "[]");
    result(1, "{\"odd\":1}");
    (void)done(FP_E_WRITTEN_UNREAD);
    assert_int_equal(sent(CREATE), 1);
}

static void test_driver_write__a_record_under_way_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(begin_call("PUT", "/api/erp/purchase-orders/3", SESSION, "{\"title\":\"x\"}"),
                     1);
    result(0, "[{\"id\":3,\"state\":\"processing\"}]");
    assert_true(holds(done(FP_E_RECORD_LOCKED)->detail, "\"state\":\"processing\""));
    assert_int_equal(t.count, 1);
    trial_end(NULL);
    // a state that the source does not tell is no permission
    assert_int_equal(begin_call("PUT", "/api/erp/purchase-orders/3", SESSION, "{\"title\":\"x\"}"),
                     1);
    result(0, "[{\"id\":3}]");
    (void)done(FP_E_RECORD_LOCKED);
}

static void test_driver_write__another_object_is_written_for_the_record(void **state)
{
    (void)state;
    assert_int_equal(
        begin_call("POST", "/api/erp/products", SESSION, "{\"name\":\"B\",\"uomKey\":\"2\"}"), 1);
    assert_non_null(strstr(t.bodies[0], "model.product.template.create\",\"params\":[[{\"name\":"
                                        "\"B\",\"default_uom\":2,\"type\":\"goods\","));
    result(0, "[90]");
    assert_non_null(strstr(t.bodies[1], "model.product.product.search_read\",\"params\":[[["
                                        "\"template\",\"=\",90]]"));
    result(1, "[]");
    assert_false(holds(done(FP_E_WRITTEN_UNREAD)->detail, "\"key\"")); // the template's is not ours
    trial_end(NULL);
    assert_int_equal(begin_call("PUT", "/api/erp/products/41", SESSION, "{\"name\":\"B\"}"), 1);
    result(0, "[{\"id\":41,\"template\":90}]");
    assert_non_null(
        strstr(t.bodies[1], "model.product.template.write\",\"params\":[[90],{\"name\""));
    result(1, "null");
    assert_non_null(strstr(t.bodies[2], "[[\"id\",\"=\",41]]"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_driver_write__makes_a_record_and_reads_it),
        TEST(test_driver_write__leaves_out_what_the_source_lacks),
        TEST(test_driver_write__changes_a_record),
        TEST(test_driver_write__an_empty_change_is_none),
        TEST(test_driver_write__wrong_bodies_cost_no_call),
        TEST(test_driver_write__no_such_record),
        TEST(test_driver_write__a_refused_session_was_no_write),
        TEST(test_driver_write__unclear_answers_are_unclear),
        TEST(test_driver_write__broken_connections),
        TEST(test_driver_write__time_runs_out),
        TEST(test_driver_write__where_to_look_for_a_new_record),
        TEST(test_driver_write__refusals_are_the_source_s_own),
        TEST(test_driver_write__what_was_written_but_not_read),
        TEST(test_driver_write__a_record_under_way_is_left_alone),
        TEST(test_driver_write__another_object_is_written_for_the_record),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
