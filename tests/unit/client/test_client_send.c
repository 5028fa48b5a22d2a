// The client against real servers: whatever a source system may answer ends in its error, and the
// next call works.
// SPDX-License-Identifier: Apache-2.0
#include "client_fixture.h"

static void test_client_send__answer(void **state)
{
    (void)state;
    struct result result;
    wanted_header = "content-length";
    get("plain", "/echo", &result);
    wanted_header = NULL;
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.status, 200);
    assert_non_null(strstr(result.body, "method=GET body=0"));
    char length[32];
    snprintf(length, sizeof length, "%zu", result.body_len);
    assert_string_equal(result.header, length);
    assert_int_equal(result.attempts, 1);
    assert_true(result.sent);
    assert_non_null(strstr(result.address, "127.0.0.1:"));
    get("plain", "/status/404", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.status, 404);
    get("plain", "/status/503", &result);
    assert_int_equal(result.status, 503);
    get("plain", "/status/204", &result);
    assert_int_equal(result.status, 204);
}

static void test_client_send__methods_and_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *method; // sent
        size_t body;        // sent
        const char *seen;   // by the server
    } rows[] = {{"POST", 5, "method=POST body=5"},
                {"GET", 0, "method=GET body=0"},
                {"POST", 0, "method=POST body=0"},
                {"PUT", 7, "method=PUT body=7"},
                {"DELETE", 0, "method=DELETE body=0"},
                {"PATCH", 3, "method=PATCH body=3"},
                {"GET", 0, "method=GET body=0"},
                {"POST", 100000, "method=POST body=100000"},
                {"HEAD", 0, ""},
                {"GET", 0, "method=GET body=0"},
                {"DELETE", 4, "method=DELETE body=4"},
                {"GET", 4, "method=GET body=4"},
                {"POST", 1, "method=POST body=1"}};
    static uint8_t body[100000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[200];
        struct result result;
        struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
        request.method = bytes_of_text(rows[i].method);
        request.body = bytes_of(body, rows[i].body);
        call(&request, "con_methods", &result);
        assert_int_equal(result.error, FP_OK);
        assert_int_equal(result.status, 200);
        assert_non_null(strstr(result.body, rows[i].seen));
        assert_int_equal(result.body_len == 0, rows[i].seen[0] == '\0');
    }
}

static void test_client_send__headers_that_leave(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    const struct client_header headers[] = {{BYTES("Authorization"), BYTES("Bearer abc")},
                                            {BYTES("X-Empty"), BYTES("")}};
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/auth");
    request.headers = headers;
    request.header_count = 2;
    call(&request, "con_headers", &result);
    assert_string_equal(result.body, "Bearer abc");
    request = request_to(url, sizeof url, "http", "plain", "/auth"); // nothing stays behind
    call(&request, "con_headers", &result);
    assert_string_equal(result.body, "none");
    request = request_to(url, sizeof url, "http", "plain", "/all-headers");
    request.method = BYTES("POST");
    request.body = BYTES("0123456789");
    request.headers = headers;
    request.header_count = 2;
    call(&request, "con_headers", &result);
    assert_string_equal(result.body,
                        "accept\naccept-encoding\nauthorization\ncontent-length\nhost\n"
                        "user-agent\nx-empty");
    get("plain", "/cookie", &result);
    get("plain", "/cookie", &result); // no cookie is kept
    assert_string_equal(result.body, "none");
}

static void test_client_send__refused_before_sending(void **state)
{
    (void)state;
    static const struct client_header bad[] = {{BYTES("X"), BYTES("a\r\nY: b")},
                                               {BYTES("X"), BYTES("a\nb")},
                                               {BYTES("X"), BYTES("a\0b")},
                                               {BYTES(""), BYTES("a")},
                                               {BYTES("X Y"), BYTES("a")},
                                               {BYTES("X:"), BYTES("a")},
                                               {BYTES("Host"), BYTES("evil")},
                                               {BYTES("content-length"), BYTES("5")},
                                               {BYTES("Transfer-Encoding"), BYTES("chunked")},
                                               {BYTES("X\r"), BYTES("a")}};
    char url[200];
    struct result result;
    struct client_call *handle = NULL;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.headers = &bad[i];
        request.header_count = 1;
        assert_int_equal(begin(&request, "con_a", LOOPBACK, &result, &handle),
                         FP_E_SOURCE_SETTINGS_INVALID);
        assert_string_equal(note.text, "Header 1 of the request may not be sent.");
    }
    request.header_count = 0;
    static const char *const methods[] = {"", "get", "GET /", "G\r\nX", "AAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        request.method = bytes_of_text(methods[i]);
        assert_int_equal(begin(&request, "con_a", LOOPBACK, &result, &handle),
                         FP_E_SOURCE_SETTINGS_INVALID);
    }
    request.method = BYTES("GET");
    request.url = BYTES("http://u:p@127.0.0.1/");
    assert_int_equal(begin(&request, "con_a", LOOPBACK, &result, &handle),
                     FP_E_SOURCE_SETTINGS_INVALID);
    request.url = BYTES("http://[1::2::3]/"); // passes the first look only
    enum fp_error error = begin(&request, "con_a", LOOPBACK, &result, &handle);
    assert_int_equal(error, FP_OK);
    run_until(&result.done, 1);
    assert_int_equal(result.error, FP_E_SOURCE_SETTINGS_INVALID);
    assert_int_equal(result.sent, false);
}

static void test_client_send__compression(void **state)
{
    (void)state;
    struct result result;
    get("plain", "/gzip", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.body_len, 9000);
    assert_memory_equal(result.body, "unpacked unpacked", 17);
    get("plain", "/deflate", &result);
    assert_int_equal(result.body_len, 9000);
    expect("plain", "/bad-gzip", FP_E_SOURCE_ANSWER_INVALID, "compression is broken");
    expect("plain", "/bomb", FP_E_SOURCE_ANSWER_TOO_LARGE, "larger answer than allowed");
}

static void test_client_send__answers_that_make_no_sense(void **state)
{
    (void)state;
    expect("plain", "/junk", FP_E_SOURCE_ANSWER_INVALID, "valid HTTP");
    expect("plain", "/http09", FP_E_SOURCE_ANSWER_INVALID, "valid HTTP");
    expect("plain", "/status-junk", FP_E_SOURCE_ANSWER_INVALID, "");
    expect("plain", "/length-junk", FP_E_SOURCE_ANSWER_INVALID, "");
    expect("plain", "/half", FP_E_SOURCE_ANSWER_INVALID, "within its answer");
    expect("plain", "/half-chunk", FP_E_SOURCE_ANSWER_INVALID, "within its answer");
    expect("plain", "/close", FP_E_SOURCE_UNREACHABLE, "closed the connection");
}

static void test_client_send__answers_that_are_too_large(void **state)
{
    (void)state;
    expect("plain", "/endless-headers", FP_E_SOURCE_ANSWER_TOO_LARGE, "more headers");
    expect("plain", "/long-header", FP_E_SOURCE_ANSWER_TOO_LARGE, "more headers");
    expect("plain", "/many-headers", FP_E_SOURCE_ANSWER_TOO_LARGE, "more headers");
    expect("plain", "/continue-flood", FP_E_SOURCE_ANSWER_TOO_LARGE, "more headers");
    expect("plain", "/endless-body", FP_E_SOURCE_ANSWER_TOO_LARGE, "larger answer");
    expect("plain", "/big", FP_E_SOURCE_ANSWER_TOO_LARGE, "larger answer");
    expect("plain", "/big-until-close", FP_E_SOURCE_ANSWER_TOO_LARGE, "larger answer");
}

static void test_client_send__limit_is_exact(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/size/5000");
    request.max_answer = 5000;
    call(&request, "con_limit", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.body_len, 5000);
    request.max_answer = 4999;
    call(&request, "con_limit", &result);
    assert_int_equal(result.error, FP_E_SOURCE_ANSWER_TOO_LARGE);
}

static void test_client_send__redirects(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    get("plain", "/redirect-same", &result); // as the driver did not ask to follow
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.status, 302);
    get("plain", "/redirect-nowhere", &result);
    assert_int_equal(result.status, 302);
    expect("plain", "/redirect-host", FP_E_SOURCE_REDIRECT_REFUSED,
           "redirects to http://127.0.0.2:");
    expect("plain", "/redirect-metadata", FP_E_SOURCE_REDIRECT_REFUSED,
           "http://169.254.169.254:80.");
    expect("plain", "/redirect-user", FP_E_SOURCE_REDIRECT_REFUSED, "not usable");
    expect("plain", "/redirect-file", FP_E_SOURCE_REDIRECT_REFUSED, "not usable");
    static const struct {
        const char *path;   // asked for
        const char *method; // used
        unsigned follow;    // redirects
        unsigned status;    // of the answer
        unsigned attempts;  // made
    } rows[] = {{"/redirect-same", "GET", 1, 200, 2},  {"/redirect-relative", "GET", 3, 200, 2},
                {"/redirect-same", "HEAD", 1, 200, 1}, {"/redirect-same", "POST", 3, 302, 1},
                {"/redirect-loop", "GET", 3, 301, 4},  {"/redirect-loop", "GET", 99, 301, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client_request request = request_to(url, sizeof url, "http", "plain", rows[i].path);
        request.method = bytes_of_text(rows[i].method);
        request.redirects = rows[i].follow;
        call(&request, "con_redirect", &result);
        assert_int_equal(result.error, FP_OK);
        assert_int_equal(result.status, rows[i].status);
        assert_int_equal(result.attempts, rows[i].attempts);
    }
}

static void test_client_send__last_answer_only(void **state)
{
    (void)state;
    struct result result;
    wanted_header = "X-Early";
    get("plain", "/hundred", &result);
    assert_string_equal(result.body, "late");
    assert_string_equal(result.header, "");
    wanted_header = "x-late";
    get("plain", "/hundred", &result);
    assert_string_equal(result.header, "2");
    wanted_header = "x-trailer";
    get("plain", "/trailers", &result);
    assert_string_equal(result.body, "body");
    assert_string_equal(result.header, "");
    wanted_header = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_send__answer),
        cmocka_unit_test(test_client_send__methods_and_bodies),
        cmocka_unit_test(test_client_send__headers_that_leave),
        cmocka_unit_test(test_client_send__refused_before_sending),
        cmocka_unit_test(test_client_send__compression),
        cmocka_unit_test(test_client_send__answers_that_make_no_sense),
        cmocka_unit_test(test_client_send__answers_that_are_too_large),
        cmocka_unit_test(test_client_send__limit_is_exact),
        cmocka_unit_test(test_client_send__redirects),
        cmocka_unit_test(test_client_send__last_answer_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
