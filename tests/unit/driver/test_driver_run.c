// Runs against answers as Tryton gives them (recorded, shared/sources/README.md section 2): no I/O,
// no time. S12, M2. SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "driver_trial.h"

static void test_driver_run__logs_in_and_lists(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/vendors?per_page=2", ""), 1);
    assert_string_equal(t.bodies[0],
                        "{\"id\":1,\"method\":\"common.db.login\",\"params\":[\"admin\","
                        "{\"password\":\"Adm1n-secret\"}]}");
    assert_string_equal(t.header, "");
    result(0, "[1,\"10b9d6d77e961c5c007c6f7a1bb3b8f1\"]");
    assert_string_equal(t.header,
                        "Session YWRtaW46MToxMGI5ZDZkNzdlOTYxYzVjMDA3YzZmN2ExYmIzYjhmMQ==");
    result(1, "{\"company_filter\":\"one\",\"company\":1,\"company.rec_name\":\"Plant GmbH\","
              "\"language\":\"en\"}");
    result(2, "[5,13]");
    assert_int_equal(t.count, 5);
    assert_string_equal(
        t.bodies[3],
        "{\"id\":4,\"method\":\"model.party.party.search_read\",\"params\":[[[\"payment_terms."
        "supplier_payment_term\",\"!=\",null]],0,2,[[\"id\",\"ASC\"]],[\"id\",\"name\",\"code\","
        "\"create_date\",\"write_date\"],{\"company\":1,\"language\":\"en\"}]}");
    assert_string_equal(t.bodies[4], "{\"id\":5,\"method\":\"model.party.party.search_count\","
                                     "\"params\":[[[\"payment_terms.supplier_payment_term\",\"!=\","
                                     "null]],{\"company\":1,\"language\":\"en\"}]}");
    result(4, "12");
    assert_false(driver_is_done(t.run));
    result(3,
           "[{\"create_date\":{\"__class__\":\"datetime\",\"year\":2026,\"month\":11,\"day\":24,"
           "\"hour\":11,\"minute\":48,\"second\":19,\"microsecond\":728514},\"name\":\"Vendor 02 "
           "\\u00d1and\\u00fa\",\"id\":4,\"code\":\"V0002\",\"write_date\":null}]");
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "{\"data\":[{\"key\":\"4\",\"name\":\"Vendor 02 \xc3\x91"
                               "and\xc3\xba\",\"code\":\"V0002\",\"companyKey\":\"4\","));
    assert_true(holds(r->body, "\"updatedAt\":\"2026-11-24T11:48:19.728Z\""));
    assert_true(holds(r->body, "\"total\":12}"));
    assert_true(holds(r->session, "10b9d6d77e961c5c"));
    assert_int_equal(r->source_calls, 5);
}

static void test_driver_run__session_saves_the_log_in(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/vendors/7", SESSION), 1);
    assert_string_equal(t.header, "Session dG9rZW4=");
    assert_non_null(strstr(t.bodies[0], "[[[\"id\",\"=\",7]],0,1,"));
    assert_non_null(strstr(t.bodies[0], "\"active_test\":false"));
    result(0, "[{\"id\":7,\"name\":\"A\"}]");
    assert_true(holds(done(FP_OK)->body, "{\"data\":{\"key\":\"7\",\"name\":\"A\""));
}

static void test_driver_run__no_record(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/vendors/7", SESSION), 1);
    result(0, "[]");
    (void)done(FP_E_RECORD_NOT_FOUND);
    driver_free(t.run);
    assert_int_equal(begin_with("/api/erp/vendors/seven", SESSION), 0);
    assert_int_equal(done(FP_E_RECORD_NOT_FOUND)->source_calls, 0);
}

static void test_driver_run__expired_session_logs_in_once(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/vendors", SESSION), 2);
    feed(0, 401, "");
    assert_non_null(strstr(t.bodies[2], "common.db.login"));
    feed(1, 401, ""); // of the phase before: nothing happens
    assert_int_equal(t.count, 3);
    result(2, "[1,\"ffffffffffffffffffffffff\"]");
    result(3, "{\"company\":1}");
    result(4, "[]");
    assert_int_equal(t.count, 7);
    feed(5, 401, "");
    const struct driver_result *r = done(FP_E_SOURCE_FAILED);
    assert_int_equal(r->session.len, 0);
}

static void test_driver_run__waits_for_a_session_of_another_run(void **state)
{
    (void)state;
    struct client_request request;
    unsigned number = 0;
    struct model_query query = {.page = 1, .per_page = 25};
    struct driver_call call = {.mapping = mapping_set_find(set, BYTES("tryton")),
                               .operation = &model_operations[MODEL_OP_ERP_VENDORS_LIST],
                               .query = &query,
                               .credentials = BYTES(CREDENTIALS),
                               .public_url = "https://f.test"};
    assert_int_equal(driver_start(&call, &t.run), FP_OK);
    assert_true(driver_needs_session(t.run));
    assert_false(driver_next(t.run, &number, &request));
    assert_int_equal(driver_session(t.run).len, 0);
    driver_use_session(t.run, BYTES(SESSION));
    assert_false(driver_needs_session(t.run));
    assert_int_equal(take(), 2);
    assert_string_equal(t.header, "Session dG9rZW4=");
    assert_true(holds(driver_session(t.run), "dG9rZW4="));
}

static void test_driver_run__sessions_that_do_not_fit_are_dropped(void **state)
{
    (void)state;
    static const char *const rows[] = {"[]", "{}", "[1,2,3]", "nonsense", "[[[[[[[[[[]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(begin_with("/api/erp/vendors", rows[i]), 1);
        assert_non_null(strstr(t.bodies[0], "common.db.login"));
        (void)trial_end(NULL);
    }
}

// A module that is not active leaves fields away: they are null, the call is not lost.
static void test_driver_run__missing_fields_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/materials?per_page=2", SESSION), 2);
    assert_non_null(strstr(t.bodies[0], "\"boms\""));
    failure(0, "[\"'boms'\",\"\"]");
    assert_int_equal(t.count, 4);
    assert_null(strstr(t.bodies[2], "\"boms\""));
    assert_true(holds(driver_session(t.run), "[\"product.product\",\"boms\"]"));
    failure(2, "[\"'product_suppliers'\",\"\"]");
    assert_int_equal(t.count, 6);
    assert_null(strstr(t.bodies[4], "product_suppliers"));
    assert_null(strstr(t.bodies[4], "\"boms\""));
    result(5, "1");
    result(4, "[{\"id\":1,\"code\":\"A\"}]");
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "\"vendorKeys\":[]"));
    char session[512];
    assert_true(bytes_to_text(r->session, session, sizeof session));
    driver_free(t.run);
    t.count = 0;
    assert_int_equal(begin_with("/api/erp/materials/1", session), 1);
    assert_null(strstr(t.bodies[0], "\"boms\""));
}

static void test_driver_run__missing_fields_that_are_needed(void **state)
{
    (void)state;
    (void)begin_with("/api/erp/vendors", SESSION);
    failure(0, "[\"'payment_terms'\",\"\"]");
    (void)done(FP_E_OPERATION_UNSUPPORTED);
    (void)trial_end(NULL);
    (void)begin_with("/api/erp/materials?filter[uomKey]=1&sort[categoryName]=0", SESSION);
    failure(0, "[\"'account_category'\",\"\"]");
    assert_true(holds(done(FP_E_SORT_UNSUPPORTED)->errors, "sort[categoryName]"));
    (void)trial_end(NULL);
    (void)begin_with("/api/erp/materials?filter[uomKey]=1", SESSION);
    failure(1, "[\"'default_uom'\",\"\"]");
    assert_true(holds(done(FP_E_FILTER_UNSUPPORTED)->errors, "filter[uomKey]"));
    (void)trial_end(NULL);
    // The same field again, though it was left out: the source makes no sense.
    (void)begin_with("/api/erp/materials", SESSION);
    failure(0, "[\"'boms'\",\"\"]");
    failure(2, "[\"'boms'\",\"\"]");
    (void)done(FP_E_SOURCE_FAILED);
}

static void test_driver_run__rejected_credentials_are_not_tried_again(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/vendors", ""), 1);
    feed(0, 401, "<!doctype html>\n<title>401 Unauthorized</title>");
    const struct driver_result *r = done(FP_E_CREDENTIALS_REJECTED);
    assert_int_equal(r->source_calls, 1);
    assert_int_equal(r->source_status, 401);
    assert_false(holds(r->detail, "Adm1n"));
}

static void test_driver_run__verify_names_the_account(void **state)
{
    (void)state;
    assert_int_equal(begin_with(NULL, ""), 1);
    result(0, "[1,\"10b9d6d77e961c5c007c6f7a1bb3b8f1\"]");
    result(1, "{\"company\":1,\"company.rec_name\":\"Plant GmbH\",\"language\":\"en\"}");
    failure(2, "[\"'stock.location'\",\"\"]"); // without the module stock: no failure
    const struct driver_result *r = done(FP_OK);
    assert_true(bytes_equal_text(r->account, "admin (Plant GmbH)"));
    assert_int_equal(r->body.len, 0);
}

static void test_driver_run__refused_filters_cost_no_call(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/purchase-orders?filter[totalNetValue:gt]=5&"
                                "sort[totalGrossValue]=1",
                                ""),
                     0);
    const struct driver_result *r = done(FP_E_FILTER_UNSUPPORTED);
    assert_true(holds(r->errors, "[{\"field\":\"filter[totalNetValue:gt]\""));
    assert_true(holds(r->errors, "\"field\":\"sort[totalGrossValue]\""));
}

static void test_driver_run__lacking_entities(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/eam/assets", SESSION), 0);
    const struct driver_result *r = done(FP_E_OPERATION_UNSUPPORTED);
    assert_true(holds(r->detail, "\"platform\":\"tryton\",\"entity\":\"Asset\""));
}

static void test_driver_run__statuses_need_no_source(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/statuses/purchase-orders", ""), 0);
    assert_true(holds(done(FP_OK)->body, "\"key\":\"quotation\""));
    driver_free(t.run);
    assert_int_equal(begin_with("/api/erp/statuses/rfq", ""), 0);
    (void)done(FP_E_OPERATION_UNSUPPORTED);
}

static void test_driver_run__nested_lists_page_over_their_parents(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/stocks?per_page=3&page=2", SESSION), 1);
    assert_non_null(strstr(t.bodies[0], "model.stock.location.search_read"));
    result(0, "[{\"id\":1},{\"id\":3},{\"id\":8}]");
    assert_int_equal(t.count, 4);
    assert_non_null(strstr(t.bodies[1], "\"locations\":[1]"));
    result(1, "2");
    result(3, "4");
    result(2, "3");
    // Records 4 to 6: the last two of place 3, the first of place 8.
    assert_int_equal(t.count, 6);
    assert_non_null(strstr(t.bodies[4], ",1,2,[["));
    assert_non_null(strstr(t.bodies[4], "\"locations\":[3]"));
    assert_non_null(strstr(t.bodies[5], ",0,1,[["));
    assert_non_null(strstr(t.bodies[5], "\"locations\":[8]"));
    result(5, "[{\"id\":20,\"quantity\":1.0}]");
    result(4, "[{\"id\":11,\"quantity\":2.0},{\"id\":12,\"quantity\":3.5}]");
    const struct driver_result *r = done(FP_OK);
    assert_true(at(r->body, "\"3-11\"") < at(r->body, "\"3-12\""));
    assert_true(at(r->body, "\"3-12\"") < at(r->body, "\"8-20\""));
    assert_true(holds(r->body, "\"from\":4,\"last_page\":3,"));
    assert_true(holds(r->body, "\"to\":6,\"total\":9}"));
}

static void test_driver_run__nested_items(void **state)
{
    (void)state;
    assert_int_equal(begin_with("/api/erp/stocks/3-11", SESSION), 1);
    assert_non_null(strstr(t.bodies[0], "[\"id\",\"=\",3]"));
    result(0, "[{\"id\":3}]");
    assert_non_null(strstr(t.bodies[1], "[[\"quantity\",\"!=\",0],[\"id\",\"=\",11]]"));
    result(1, "[{\"id\":11,\"quantity\":2.0}]");
    assert_true(holds(done(FP_OK)->body, "\"key\":\"3-11\""));
    driver_free(t.run);
    t.count = 0;
    assert_int_equal(begin_with("/api/erp/stocks/4-11", SESSION), 1);
    result(0, "[]");
    (void)done(FP_E_RECORD_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_driver_run__logs_in_and_lists),
        TEST(test_driver_run__session_saves_the_log_in),
        TEST(test_driver_run__no_record),
        TEST(test_driver_run__expired_session_logs_in_once),
        TEST(test_driver_run__waits_for_a_session_of_another_run),
        TEST(test_driver_run__sessions_that_do_not_fit_are_dropped),
        TEST(test_driver_run__missing_fields_are_left_out),
        TEST(test_driver_run__missing_fields_that_are_needed),
        TEST(test_driver_run__rejected_credentials_are_not_tried_again),
        TEST(test_driver_run__verify_names_the_account),
        TEST(test_driver_run__refused_filters_cost_no_call),
        TEST(test_driver_run__lacking_entities),
        TEST(test_driver_run__statuses_need_no_source),
        TEST(test_driver_run__nested_lists_page_over_their_parents),
        TEST(test_driver_run__nested_items),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
