// Runs against answers as Tryton gives them (recorded, shared/sources/README.md section 2), and as
// a hostile source could give them: no I/O, no time. S12, S14, M2.
// SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "base/mem.h"
#include "mapping/set.h"
#include "model/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CREDENTIALS                                                                                \
    "{\"url\":\"http://127.0.0.1:8000/\",\"database\":\"erp\",\"username\":\"admin\","             \
    "\"password\":\"Adm1n-secret\"}"
#define SESSION "[1,\"10b9d6d77e961c5c\",1,\"Plant GmbH\",\"en\",[5,13],\"dG9rZW4=\"]"
#define HTML    "<!doctype html>\n<title>500 Internal Server Error</title>"

static struct mapping_set *set;
static struct arena *arena;

// The state of one call under test.
struct trial {
    struct driver_run *run;
    struct model_query query;
    unsigned numbers[16];  // requests given out
    char bodies[16][4096]; // their bodies
    char header[256];      // Authorization of the newest
    unsigned count;        // of them
};

static struct trial t;

static int setup(void **state)
{
    struct fp_note note = {0};
    (void)state;
    arena = arena_create(64u << 20, false);
    return arena == NULL || mapping_set_load(NULL, &set, &note) != FP_OK;
}

static int teardown(void **state)
{
    (void)state;
    mapping_set_free(set);
    arena_free(arena);
    return 0;
}

static int trial_end(void **state)
{
    (void)state;
    driver_free(t.run);
    memset(&t, 0, sizeof t);
    return 0;
}

// Takes all requests that may be sent now; returns how many.
static unsigned take(void)
{
    struct client_request request;
    unsigned before = t.count;
    if (driver_needs_session(t.run)) {
        driver_log_in(t.run);
    }
    while (t.count < 16 && driver_next(t.run, &t.numbers[t.count], &request)) {
        assert_true(bytes_to_text(request.body, t.bodies[t.count], sizeof t.bodies[0]));
        assert_true(bytes_equal_text(request.url, "http://127.0.0.1:8000/erp/"));
        t.header[0] = '\0';
        for (size_t i = 0; i < request.header_count; i++) {
            if (bytes_equal_text(request.headers[i].name, "Authorization")) {
                assert_true(bytes_to_text(request.headers[i].value, t.header, sizeof t.header));
            }
        }
        t.count++;
    }
    return t.count - before;
}

static unsigned begin_with(const char *path, const char *session)
{
    struct model_route route = {0};
    struct bytes rest = bytes_of_text(path);
    struct bytes target = {0};
    struct buf rows;
    struct driver_call call = {.mapping = mapping_set_find(set, BYTES("tryton")),
                               .credentials = BYTES(CREDENTIALS),
                               .session = bytes_of_text(session),
                               .public_url = "https://f.test"};
    buf_init(&rows, 8192);
    struct json_out errors = json_out_start(&rows);
    if (path != NULL) {
        (void)bytes_split(&rest, '?', &target);
        assert_int_equal(model_route_find(BYTES("GET"), target, arena, &route), FP_OK);
        call.operation = model_operation_at(route.operation);
        call.key = route.key;
        assert_int_equal(model_query_parse(rest.ptr != NULL ? rest : BYTES(""), call.operation,
                                           arena, &errors, &t.query),
                         FP_OK);
        call.query = call.operation->list ? &t.query : NULL;
    }
    buf_done(&rows);
    assert_int_equal(driver_start(&call, &t.run), FP_OK);
    return take();
}

static void feed_full(unsigned at, struct client_answer *answer, const char *body)
{
    buf_init(&answer->body, 64u << 20);
    buf_append_text(&answer->body, body);
    driver_feed(t.run, t.numbers[at], answer);
    buf_done(&answer->body);
    if (!driver_is_done(t.run)) {
        take();
    }
}

static void feed(unsigned at, unsigned status, const char *body)
{
    struct client_answer answer = {.status = status};
    feed_full(at, &answer, body);
}

// {"id": number of the request, "result": ...}
static void result(unsigned at, const char *json)
{
    static char body[65536];
    (void)snprintf(body, sizeof body, "{\"id\":%u,\"result\":%s}", t.numbers[at], json);
    feed(at, 200, body);
}

static void failure(unsigned at, const char *json)
{
    static char body[65536];
    (void)snprintf(body, sizeof body, "{\"id\":%u,\"error\":%s}", t.numbers[at], json);
    feed(at, 200, body);
}

static const struct driver_result *done(enum fp_error expected)
{
    assert_true(driver_is_done(t.run));
    const struct driver_result *r = driver_result(t.run);
    if (r->error != expected) {
        fail_msg("%s, not %s: %.*s", fp_error_code(r->error), fp_error_code(expected),
                 BYTES_ARG(r->detail));
    }
    return r;
}

static bool holds(struct bytes text, const char *piece)
{
    return text.ptr != NULL && memmem(text.ptr, text.len, piece, strlen(piece)) != NULL;
}

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

// What the source says instead of a result, at the log-in and later.
static void test_driver_run__errors_inside_of_200(void **state)
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

static void test_driver_run__http_answers(void **state)
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
        {403, HTML, FP_E_OPERATION_UNSUPPORTED},
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

static void test_driver_run__deep_answers_are_refused(void **state)
{
    (void)state;
    static char body[40000];
    (void)begin_with("/api/erp/vendors", SESSION);
    (void)snprintf(body, sizeof body, "{\"id\":1,\"result\":");
    memset(body + strlen(body), '[', 20000);
    feed(0, 200, body);
    (void)done(FP_E_SOURCE_ANSWER_INVALID);
}

static void test_driver_run__retry_after_is_taken_over(void **state)
{
    (void)state;
    struct client_header header = {BYTES("retry-after"), BYTES(" 17 ")};
    struct client_answer answer = {.status = 429, .headers = &header, .header_count = 1};
    (void)begin_with("/api/erp/vendors", SESSION);
    feed_full(0, &answer, "");
    assert_int_equal(done(FP_E_SOURCE_RATE_LIMITED)->retry_after_s, 17);
}

static void test_driver_run__transport_errors_are_handed_on(void **state)
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
static void test_driver_run__results_that_make_no_sense(void **state)
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
    const char *text = (const char *)r->body.ptr;
    assert_true(strstr(text, "\"3-11\"") < strstr(text, "\"3-12\""));
    assert_true(strstr(text, "\"3-12\"") < strstr(text, "\"8-20\""));
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

static void test_driver_run__too_many_parents_are_to_be_narrowed(void **state)
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

static void test_driver_run__wrong_stored_credentials(void **state)
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

static void test_driver_run__credentials_are_checked_by_field(void **state)
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
static void test_driver_run__out_of_memory_anywhere(void **state)
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

#define TEST(name) cmocka_unit_test_teardown(name, trial_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_driver_run__logs_in_and_lists),
        TEST(test_driver_run__session_saves_the_log_in),
        TEST(test_driver_run__no_record),
        TEST(test_driver_run__expired_session_logs_in_once),
        TEST(test_driver_run__waits_for_a_session_of_another_run),
        TEST(test_driver_run__sessions_that_do_not_fit_are_dropped),
        TEST(test_driver_run__rejected_credentials_are_not_tried_again),
        TEST(test_driver_run__verify_names_the_account),
        TEST(test_driver_run__errors_inside_of_200),
        TEST(test_driver_run__http_answers),
        TEST(test_driver_run__deep_answers_are_refused),
        TEST(test_driver_run__retry_after_is_taken_over),
        TEST(test_driver_run__transport_errors_are_handed_on),
        TEST(test_driver_run__results_that_make_no_sense),
        TEST(test_driver_run__refused_filters_cost_no_call),
        TEST(test_driver_run__lacking_entities),
        TEST(test_driver_run__statuses_need_no_source),
        TEST(test_driver_run__nested_lists_page_over_their_parents),
        TEST(test_driver_run__nested_items),
        TEST(test_driver_run__too_many_parents_are_to_be_narrowed),
        TEST(test_driver_run__wrong_stored_credentials),
        TEST(test_driver_run__credentials_are_checked_by_field),
        TEST(test_driver_run__out_of_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
