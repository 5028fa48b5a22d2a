// Answers that are no results: errors of the source, of HTTP, and what a hostile source could send.
// S12, S14.
// SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "driver_trial.h"

#include "base/mem.h"

// What the source says instead of a result, at the log-in and later.
static void test_driver_judge__errors_inside_of_200(void **state)
{
    (void)state;
    static const struct {
        bool login;
        const char *error;
        enum fp_error expected;
        const char *detail;
    } rows[] = {
        {true, "[\"Database '/srv/db/nope.sqlite' doesn't exist!\",\"\"]",
         FP_E_SOURCE_SETTINGS_INVALID, "no such system or database"},
        {true, "[\"FATAL:  database \\\"nope\\\" does not exist\\n\",\"\"]",
         FP_E_SOURCE_SETTINGS_INVALID, "no such system or database"},
        {true, "[\"something\",\"\"]", FP_E_SOURCE_FAILED, "\"source_message\":\"something\""},
        {false, "[\"'party.party'\",\"\"]", FP_E_OPERATION_UNSUPPORTED, "not active"},
        {false, "[\"'nofield'\",\"\"]", FP_E_SOURCE_FAILED, "'nofield'"},
        {false, "[\"UserError\",[\"You are not allowed to access \\\"Purchase\\\".\",\"\",null]]",
         FP_E_SOURCE_PERMISSION_MISSING, "You are not allowed to access"},
        {false, "[\"my Adm1n-secret is out\"]", FP_E_SOURCE_FAILED, "my ************ is out"},
        {false, "[\"key 10b9d6d77e961c5c.\"]", FP_E_SOURCE_FAILED, "key ****************."},
        {false, "{\"odd\":1}", FP_E_SOURCE_FAILED, "\"source_status\":200"},
        {false, "7", FP_E_SOURCE_FAILED, "\"platform\":\"tryton\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)begin_with("/api/erp/vendors", rows[i].login ? "" : SESSION);
        failure(0, rows[i].error);
        const struct driver_result *r = done(rows[i].expected);
        if (!holds(r->detail, rows[i].detail)) {
            fail_msg("%s: %.*s", rows[i].error, BYTES_ARG(r->detail));
        }
        assert_false(holds(r->detail, "Adm1n-secret"));
        (void)trial_end(NULL);
    }
}

static void test_driver_judge__http_answers(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum fp_error expected;
    } rows[] = {
        {500, HTML, FP_E_SOURCE_FAILED},
        {502, HTML, FP_E_SOURCE_UNREACHABLE},
        {503, "", FP_E_SOURCE_UNREACHABLE},
        {504, "{}", FP_E_SOURCE_UNREACHABLE},
        {404, HTML, FP_E_SOURCE_SETTINGS_INVALID},
        {403, HTML, FP_E_SOURCE_PERMISSION_MISSING},
        {429, "", FP_E_SOURCE_RATE_LIMITED},
        {302, "", FP_E_SOURCE_FAILED},
        {200, HTML, FP_E_SOURCE_ANSWER_INVALID},
        {200, "", FP_E_SOURCE_ANSWER_INVALID},
        {200, "{\"id\":1,\"result\":[", FP_E_SOURCE_ANSWER_INVALID},
        {200, "{\"id\":99,\"result\":[]}", FP_E_SOURCE_ANSWER_INVALID},
        {200, "{\"result\":[]}", FP_E_SOURCE_ANSWER_INVALID},
        {200, "[]", FP_E_SOURCE_ANSWER_INVALID},
        {200, "7", FP_E_SOURCE_ANSWER_INVALID},
        {200, "\"\\ud800\"", FP_E_SOURCE_ANSWER_INVALID},
        {200, "\xff\xfe", FP_E_SOURCE_ANSWER_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)begin_with("/api/erp/vendors", SESSION);
        feed(0, rows[i].status, rows[i].body);
        (void)done(rows[i].expected);
        (void)trial_end(NULL);
    }
}

static void test_driver_judge__deep_answers_are_refused(void **state)
{
    (void)state;
    static char body[40000];
    (void)begin_with("/api/erp/vendors", SESSION);
    (void)snprintf(body, sizeof body, "{\"id\":1,\"result\":");
    memset(body + strlen(body), '[', 20000);
    feed(0, 200, body);
    (void)done(FP_E_SOURCE_ANSWER_INVALID);
}

static void test_driver_judge__retry_after_is_taken_over(void **state)
{
    (void)state;
    struct client_header header = {BYTES("retry-after"), BYTES(" 17 ")};
    struct client_answer answer = {.status = 429, .headers = &header, .header_count = 1};
    (void)begin_with("/api/erp/vendors", SESSION);
    feed_full(0, &answer, "");
    assert_int_equal(done(FP_E_SOURCE_RATE_LIMITED)->retry_after_s, 17);
}

static void test_driver_judge__transport_errors_are_handed_on(void **state)
{
    (void)state;
    static const enum fp_error errors[] = {FP_E_SOURCE_UNREACHABLE, FP_E_SOURCE_TIMEOUT,
                                           FP_E_SOURCE_TLS_FAILED, FP_E_SOURCE_ADDRESS_REFUSED,
                                           FP_E_SOURCE_ANSWER_TOO_LARGE};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct client_answer answer = {.error = errors[i]};
        (void)snprintf(answer.note.text, sizeof answer.note.text, "127.0.0.1:8000: refused");
        (void)begin_with("/api/erp/vendors", i % 2 == 0 ? SESSION : "");
        feed_full(0, &answer, "");
        assert_true(holds(done(errors[i])->detail, "127.0.0.1:8000: refused"));
        (void)trial_end(NULL);
    }
}

// Rows and a count that no honest source sends.
static void test_driver_judge__results_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *count;
        enum fp_error expected;
        const char *piece; // of body or detail
    } rows[] = {
        {"{}", "1", FP_E_SOURCE_ANSWER_INVALID, "no list"},
        {"null", "1", FP_E_SOURCE_ANSWER_INVALID, "no list"},
        {"[7]", "1", FP_E_SOURCE_ANSWER_INVALID, "object"},
        {"[{\"id\":1,\"name\":[]}]", "1", FP_E_SOURCE_ANSWER_INVALID, "name: "},
        {"[]", "-1", FP_E_SOURCE_ANSWER_INVALID, "no number"},
        {"[]", "\"many\"", FP_E_SOURCE_ANSWER_INVALID, "no number"},
        {"[]", "1e3", FP_E_SOURCE_ANSWER_INVALID, "no number"},
        {"[]", "9223372036854775808", FP_E_SOURCE_ANSWER_INVALID, "no number"},
        {"[]", "null", FP_E_SOURCE_ANSWER_INVALID, "no number"},
        {"[{\"id\":1},{\"id\":2},{\"id\":3}]", "9", FP_OK, "\"to\":2,\"total\":9"},
        {"[{\"id\":1},{\"id\":1}]", "9", FP_OK, "\"to\":1,\"total\":9"},
        {"[{\"id\":1},{\"id\":2}]", "0", FP_OK, "\"last_page\":1"},
        {"[{\"id\":1},{\"id\":2}]", "0", FP_OK, "\"total\":2"},
        {"[]", "0", FP_OK, "{\"data\":[],"},
        {"[{\"id\":1,\"id\":2}]", "1", FP_OK, "\"key\":\"1\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)begin_with("/api/erp/vendors?per_page=2", SESSION);
        result(1, rows[i].count);
        if (!driver_is_done(t.run)) {
            result(0, rows[i].list);
        }
        const struct driver_result *r = done(rows[i].expected);
        if (!holds(r->error == FP_OK ? r->body : r->detail, rows[i].piece)) {
            fail_msg("%s, %s: %.*s%.*s", rows[i].list, rows[i].count, BYTES_ARG(r->body),
                     BYTES_ARG(r->detail));
        }
        (void)trial_end(NULL);
    }
}

static void test_driver_judge__too_many_parents_are_to_be_narrowed(void **state)
{
    (void)state;
    static char list[65536];
    size_t len = 1;
    (void)begin_with("/api/erp/stocks", SESSION);
    list[0] = '[';
    for (int i = 1; i <= FP_LIMIT_PARENTS + 1; i++) {
        len +=
            (size_t)snprintf(list + len, sizeof list - len, "%s{\"id\":%d}", i > 1 ? "," : "", i);
    }
    list[len] = ']';
    result(0, list);
    assert_true(holds(done(FP_E_PARAMETER_INVALID)->errors, "filter[locationKey]"));
}

static void test_driver_judge__wrong_stored_credentials(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "{}", "[]", "{\"url\":1}", "nonsense", "{\"url\":\"http://h\",\"database\":\"d\"}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct driver_call call = {.mapping = mapping_set_find(set, BYTES("tryton")),
                                   .credentials = bytes_of_text(rows[i])};
        assert_int_equal(driver_start(&call, &t.run), FP_OK);
        (void)done(FP_E_SOURCE_SETTINGS_INVALID);
        (void)trial_end(NULL);
    }
}

static void test_driver_judge__credentials_are_checked_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum fp_error expected;
        const char *piece;
    } rows[] = {
        {CREDENTIALS, FP_OK, ""},
        {"[]", FP_E_REQUEST_BODY_INVALID, ""},
        {"{", FP_E_REQUEST_BODY_INVALID, ""},
        {"{\"a\":[[[[[[]]]]]]}", FP_E_REQUEST_BODY_INVALID, ""},
        {"{}", FP_E_FIELD_INVALID, "credentials.password\",\"code\":\"FIELD_MISSING"},
        {"{\"url\":7}", FP_E_FIELD_INVALID, "credentials.url\",\"code\":\"TYPE_INVALID"},
        {"{\"url\":\"ftp://h\"}", FP_E_FIELD_INVALID, "credentials.url\",\"code\":\"URL_INVALID"},
        {"{\"url\":\"http://u:p@h\"}", FP_E_FIELD_INVALID, "URL_INVALID"},
        {"{\"url\":\"http://h/?a=b\"}", FP_E_FIELD_INVALID, "question mark"},
        {"{\"database\":\"a/b\"}", FP_E_FIELD_INVALID,
         "credentials.database\",\"code\":\"CHARACTER"},
        {"{\"username\":\"\"}", FP_E_FIELD_INVALID, "credentials.username\",\"code\":\"LENGTH"},
        {"{\"username\":\"a\\r\\nb\"}", FP_E_FIELD_INVALID,
         "credentials.username\",\"code\":\"CHAR"},
        {"{\"token\":\"x\"}", FP_E_FIELD_INVALID, "credentials.token\",\"code\":\"FIELD_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text;
        buf_init(&text, 8192);
        struct json_out j = json_out_start(&text);
        enum fp_error error = driver_check_credentials(mapping_set_find(set, BYTES("tryton")),
                                                       bytes_of_text(rows[i].json), &j);
        assert_int_equal(error, rows[i].expected);
        assert_true(rows[i].piece[0] == '\0' || holds(buf_bytes(&text), rows[i].piece));
        buf_done(&text);
    }
}

// A whole call, in which the n-th allocation fails, for every n.
static void test_driver_judge__out_of_memory_anywhere(void **state)
{
    (void)state;
    for (unsigned long n = 1; n < 400; n++) {
        struct driver_call call = {.mapping = mapping_set_find(set, BYTES("tryton")),
                                   .credentials = BYTES(CREDENTIALS),
                                   .public_url = "https://f.test"};
        static const char *const answers[] = {"[1,\"10b9d6d77e961c5c007c6f7a1bb3b8f1\"]",
                                              "{\"company\":1,\"company.rec_name\":\"Plant GmbH\"}",
                                              "[5]"};
        struct model_query query = {.page = 1, .per_page = 25};
        call.operation = &model_operations[MODEL_OP_ERP_VENDORS_LIST];
        call.query = &query;
        mem_fail_at(n);
        enum fp_error error = driver_start(&call, &t.run);
        for (unsigned i = 0; error == FP_OK && i < 5 && !driver_is_done(t.run); i++) {
            (void)take();
            if (!driver_is_done(t.run)) {
                result(i, i < 3 ? answers[i] : i == 3 ? "[{\"id\":1,\"name\":\"A\"}]" : "1");
            }
        }
        mem_fail_at(0);
        error = error == FP_OK ? driver_result(t.run)->error : error;
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY ||
                    error == FP_E_SOURCE_ANSWER_INVALID || error == FP_E_SOURCE_SETTINGS_INVALID);
        (void)trial_end(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_driver_judge__errors_inside_of_200),
        TEST(test_driver_judge__http_answers),
        TEST(test_driver_judge__deep_answers_are_refused),
        TEST(test_driver_judge__retry_after_is_taken_over),
        TEST(test_driver_judge__transport_errors_are_handed_on),
        TEST(test_driver_judge__results_that_make_no_sense),
        TEST(test_driver_judge__too_many_parents_are_to_be_narrowed),
        TEST(test_driver_judge__wrong_stored_credentials),
        TEST(test_driver_judge__credentials_are_checked_by_field),
        TEST(test_driver_judge__out_of_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
