// The client against real servers over real sockets and TLS: everything a source system may do
// wrong ends in its error, and the next call works.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPBACK "127.0.0.0/8,::1"

static struct {
    uv_loop_t loop;        // one for all tests
    struct client *client; // one for all tests
    pid_t pid;             // of the servers
    int input;             // closed to end them
    char folder[64];       // certificates
    struct {
        char name[32]; // of the server
        unsigned port; // of the server
    } servers[16];     // as told
    size_t count;      // of servers
} t;

struct result {
    unsigned done;       // times done() was called
    enum fp_error error; // of the answer
    unsigned status;     // of the answer
    unsigned attempts;   // of the answer
    bool sent, reused;   // of the answer
    char note[320];      // of the answer
    char body[10000];    // its begin
    size_t body_len;     // of the answer
    size_t headers;      // of the answer
    char header[200];    // the one that was asked for
    char address[64];    // of the answer
};

static struct fp_note note;
static const char *wanted_header;

static void on_done(void *ctx, struct client_answer *answer)
{
    struct result *result = ctx;
    struct bytes value = {0};
    result->done++;
    result->error = answer->error;
    result->status = answer->status;
    result->attempts = answer->attempts;
    result->sent = answer->sent;
    result->reused = answer->reused;
    result->headers = answer->header_count;
    result->body_len = answer->body.len;
    snprintf(result->note, sizeof result->note, "%s", answer->note.text);
    snprintf(result->address, sizeof result->address, "%s", answer->address);
    snprintf(result->body, sizeof result->body, "%.*s", (int)(answer->body.len % 9999),
             (const char *)answer->body.ptr);
    if (wanted_header != NULL && client_answer_header(answer, wanted_header, &value)) {
        snprintf(result->header, sizeof result->header, "%.*s", BYTES_ARG(value));
    }
}

static unsigned port_of(const char *name)
{
    for (size_t i = 0; i < t.count; i++) {
        if (strcmp(t.servers[i].name, name) == 0) {
            return t.servers[i].port;
        }
    }
    fail_msg("no server %s", name);
    return 0;
}

static void run_until(const unsigned *done, unsigned count)
{
    uint64_t end = uv_hrtime() + 20000000000u;
    while (*done < count) {
        assert_true(uv_hrtime() < end);
        uv_run(&t.loop, UV_RUN_ONCE);
    }
}

static struct client_request request_to(char *url, size_t size, const char *scheme,
                                        const char *server, const char *path)
{
    snprintf(url, size, "%s://127.0.0.1:%u%s", scheme, port_of(server), path);
    return (struct client_request){.method = BYTES("GET"), .url = bytes_of_text(url)};
}

static enum fp_error begin(const struct client_request *request, const char *connection,
                           const char *networks, struct result *result, struct client_call **out)
{
    struct networks list;
    assert_int_equal(networks_parse(bytes_of_text(networks), &list, NULL), FP_OK);
    struct client_policy policy = {bytes_of_text(connection), &list};
    struct client_begin start = {request, &policy, on_done, result};
    memset(result, 0, sizeof *result);
    memset(&note, 0, sizeof note);
    return client_send(t.client, &start, out, &note);
}

static void call(const struct client_request *request, const char *connection,
                 struct result *result)
{
    struct client_call *handle = NULL;
    assert_int_equal(begin(request, connection, LOOPBACK, result, &handle), FP_OK);
    assert_int_equal(result->done, 0);
    run_until(&result->done, 1);
    assert_int_equal(result->done, 1);
}

static void get(const char *server, const char *path, struct result *result)
{
    char url[200];
    struct client_request request = request_to(url, sizeof url, "http", server, path);
    request.max_answer = 1 << 20;
    request.timeout_ms = 5000;
    call(&request, "con_shared", result);
}

static void still_works(void)
{
    struct result result;
    get("plain", "/echo", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.status, 200);
}

static void expect(const char *server, const char *path, enum fp_error error, const char *words)
{
    struct result result;
    get(server, path, &result);
    if (result.error != error || strstr(result.note, words) == NULL) {
        fail_msg("%s: %s (%s)", path, fp_error_code(result.error), result.note);
    }
    still_works();
}

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
    assert_int_equal(atoll(result.header), result.body_len);
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
    assert_null(handle == NULL ? "" : NULL);
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

static void timed(const char *server, const char *scheme, const char *path, enum fp_error error,
                  const char *words)
{
    char url[200];
    struct result result;
    uint64_t begun = uv_hrtime();
    struct client_request request = request_to(url, sizeof url, scheme, server, path);
    request.timeout_ms = 400;
    call(&request, "con_time", &result);
    if (result.error != error || strstr(result.note, words) == NULL) {
        fail_msg("%s: %s (%s)", path, fp_error_code(result.error), result.note);
    }
    assert_true(uv_hrtime() - begun >= 390000000u);
    assert_true(uv_hrtime() - begun < 5000000000u);
    still_works();
}

static void test_client_send__time(void **state)
{
    (void)state;
    timed("plain", "http", "/hang", FP_E_SOURCE_TIMEOUT, "did not answer in time");
    timed("plain", "http", "/drip", FP_E_SOURCE_TIMEOUT, "did not finish its answer in time");
    timed("hang", "https", "/", FP_E_SOURCE_TIMEOUT, "TLS handshake in time");
    timed("hang", "http", "/", FP_E_SOURCE_TIMEOUT, "did not answer in time");
}

static void test_client_send__unreachable(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "refused", "/");
    call(&request, "con_down", &result);
    assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
    assert_non_null(strstr(result.note, "does not accept connections: Connection refused"));
    assert_false(result.sent);
    request.url = BYTES("https://no-such-host.invalid/");
    call(&request, "con_down", &result);
    assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
    assert_non_null(strstr(result.note, "does not resolve"));
}

static void test_client_send__tls(void **state)
{
    (void)state;
    static const struct {
        const char *server; // name
        const char *words;  // of the note; NULL: works
    } rows[] = {{"tls", NULL},
                {"tls12", NULL},
                {"wrong_name", "for another name"},
                {"expired", "not trusted: certificate has expired"},
                {"untrusted", "not trusted: unable to get local issuer certificate"},
                {"tls11", "only TLS older than 1.2"},
                {"plain", "does not speak TLS"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[200];
        struct result result;
        struct client_request request =
            request_to(url, sizeof url, "https", rows[i].server, "/echo");
        call(&request, "con_tls", &result);
        if (rows[i].words == NULL) {
            assert_int_equal(result.error, FP_OK);
        } else if (result.error != FP_E_SOURCE_TLS_FAILED ||
                   strstr(result.note, rows[i].words) == NULL) {
            fail_msg("%s: %s (%s)", rows[i].server, fp_error_code(result.error), result.note);
        }
        assert_int_equal(result.sent, rows[i].words == NULL);
    }
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

static void test_client_send__kept_alive_is_reused(void **state)
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

static void test_client_send__never_shared_between_connections(void **state)
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

static void test_client_send__forget(void **state)
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

static void test_client_send__limit_of_sockets(void **state)
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

static void test_client_send__repeats_only_what_is_safe(void **state)
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

static void test_client_send__threat_7_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *host;     // of the URL
        const char *networks; // allowed
        enum fp_error error;  // expected
    } rows[] = {
        {"127.0.0.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.0.0.1", "127.0.0.2", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.0.0.1", "127.0.0.1", FP_OK},
        {"localhost", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"localhost", "127.0.0.1", FP_OK},
        {"2130706433", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"0x7f.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"0177.0.0.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.1", "127.0.0.1", FP_OK},
        {"0", LOOPBACK, FP_E_SOURCE_ADDRESS_REFUSED},
        {"0.0.0.0", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::1]", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::ffff:127.0.0.1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::127.0.0.1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[64:ff9b::7f00:1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[2002:7f00:1::]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"169.254.169.254", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"2852039166", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED}, // the same as a number
        {"0xa9fea9fe", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[fd00:ec2::254]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[fe80::1]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"10.0.0.1", "127.0.0.0/8", FP_E_SOURCE_ADDRESS_REFUSED},
        {"10.0.0.1", "10.0.0.0/8", FP_E_SOURCE_ADDRESS_REFUSED}, // plain http beyond loopback
        {"8.8.8.8", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},   // the same
        {"224.0.0.1", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"255.255.255.255", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[200];
        struct result result;
        struct client_call *handle = NULL;
        struct client_stats before, after;
        snprintf(url, sizeof url, "http://%s:%u/echo", rows[i].host, port_of("plain"));
        struct client_request request = {.method = BYTES("GET"), .url = bytes_of_text(url)};
        client_get_stats(t.client, &before);
        assert_int_equal(begin(&request, "", rows[i].networks, &result, &handle), FP_OK);
        run_until(&result.done, 1);
        client_get_stats(t.client, &after);
        if (result.error != rows[i].error) {
            fail_msg("%s with %s: %s (%s)", rows[i].host, rows[i].networks,
                     fp_error_code(result.error), result.note);
        }
        assert_int_equal(after.connections - before.connections, result.error == FP_OK ? 1 : 0);
    }
}

// A network that is taken away holds for the kept-alive socket too.
static void test_client_send__threat_7_kept_alive(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_call *handle = NULL;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    call(&request, "con_taken", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(begin(&request, "con_taken", "10.0.0.0/8", &result, &handle), FP_OK);
    run_until(&result.done, 1);
    assert_int_equal(result.error, FP_E_SOURCE_ADDRESS_REFUSED);
    assert_int_equal(result.attempts, 0);
}

static void test_client_send__cancel(void **state)
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

static void test_client_send__send_and_cancel_from_done(void **state)
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
static void test_client_send__out_of_memory(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/gzip");
    const struct client_header headers[] = {{BYTES("Authorization"), BYTES("Bearer abc")}};
    request.headers = headers;
    request.header_count = 1;
    request.timeout_ms = 2000;
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

static void test_client_send__idle_pools_are_closed(void **state)
{
    (void)state;
    uv_timer_t tick;
    struct client_stats stats;
    uint64_t end = uv_hrtime() + 10000000000u;
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

static void test_client_send__pools_are_bounded(void **state)
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

static void test_client_send__bad_ca_file(void **state)
{
    (void)state;
    struct client *client = NULL;
    struct client_settings settings = {.ca_file = "/nonexistent.pem"};
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    assert_non_null(strstr(note.text, "/nonexistent.pem"));
    settings.ca_file = "/etc/passwd";
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    settings = (struct client_settings){.system_file = "/etc/passwd"};
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    assert_null(client);
    client_free(NULL);
}

static void start_servers(void)
{
    int in[2], out[2];
    char script[400];
    snprintf(script, sizeof script, "%s/tests/unit/client/servers.py",
             getenv("FISHPLATE_SOURCE_ROOT"));
    snprintf(t.folder, sizeof t.folder, "/tmp/fishplate-client-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    t.pid = fork();
    if (t.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", script, t.folder, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    t.input = in[1];
    FILE *told = fdopen(out[0], "r");
    while (t.count < 16 &&
           fscanf(told, "%31s %u", t.servers[t.count].name, &t.servers[t.count].port) == 2) {
        if (strcmp(t.servers[t.count].name, "READY") == 0) {
            break;
        }
        t.count++;
    }
    fclose(told);
    assert_true(t.count > 8);
}

static int setup(void **state)
{
    (void)state;
    char ca[100];
    signal(SIGPIPE, SIG_IGN);
    // What the environment says about proxies must not matter.
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1);
    start_servers();
    snprintf(ca, sizeof ca, "%s/ca.pem", t.folder);
    struct client_settings settings = {
        .ca_file = ca, .pools = 16, .connections = 4, .idle_ms = 300};
    uv_loop_init(&t.loop);
    enum fp_error error = client_create(&t.loop, &settings, &t.client, &note);
    return error == FP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    int status = 0;
    close(t.input);
    waitpid(t.pid, &status, 0);
    // calls in flight end without done()
    static struct result result;
    struct client_call *handle = NULL;
    struct client_request request = {.method = BYTES("GET"), .url = BYTES("http://127.0.0.1:9/")};
    enum fp_error error = begin(&request, "con_last", LOOPBACK, &result, &handle);
    client_free(t.client);
    snprintf(command, sizeof command, "%s", t.folder);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-r", t.folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return error == FP_OK && result.done == 0 && uv_loop_close(&t.loop) == 0 ? 0 : -1;
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
        cmocka_unit_test(test_client_send__time),
        cmocka_unit_test(test_client_send__unreachable),
        cmocka_unit_test(test_client_send__tls),
        cmocka_unit_test(test_client_send__redirects),
        cmocka_unit_test(test_client_send__last_answer_only),
        cmocka_unit_test(test_client_send__kept_alive_is_reused),
        cmocka_unit_test(test_client_send__never_shared_between_connections),
        cmocka_unit_test(test_client_send__forget),
        cmocka_unit_test(test_client_send__limit_of_sockets),
        cmocka_unit_test(test_client_send__repeats_only_what_is_safe),
        cmocka_unit_test(test_client_send__threat_7_addresses),
        cmocka_unit_test(test_client_send__threat_7_kept_alive),
        cmocka_unit_test(test_client_send__cancel),
        cmocka_unit_test(test_client_send__send_and_cancel_from_done),
        cmocka_unit_test(test_client_send__out_of_memory),
        cmocka_unit_test(test_client_send__idle_pools_are_closed),
        cmocka_unit_test(test_client_send__pools_are_bounded),
        cmocka_unit_test(test_client_send__bad_ca_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
