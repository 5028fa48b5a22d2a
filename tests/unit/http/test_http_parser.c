// The request parser as events, and out of memory at every allocation.
// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char two_requests[] =
    "POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;e=f\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
    "GET /c HTTP/1.1\r\nHost: y\r\nEmpty:\r\n\r\n";

// Runs to the first failure or the end; counts requests.
static enum fp_error feed_all(struct http_parser *p, struct bytes in, size_t step, unsigned *whole)
{
    while (in.len != 0) {
        struct bytes piece = bytes_slice(in, 0, step);
        enum http_parser_event event = HTTP_PARSER_MORE;
        in = bytes_slice(in, step, in.len);
        while ((event = http_parser_feed(p, &piece)) != HTTP_PARSER_MORE) {
            if (event == HTTP_PARSER_ERROR) {
                return p->error;
            }
            if (event == HTTP_PARSER_REQUEST) {
                ++*whole;
                http_parser_next(p);
            }
        }
    }
    return FP_OK;
}

static void test_http_parser__events(void **state)
{
    struct http_header headers[FP_LIMIT_HTTP_HEADERS];
    struct bytes in = bytes_of(two_requests, sizeof two_requests - 1);
    struct http_parser p;
    (void)state;
    http_parser_init(&p, 100);
    assert_true(http_parser_is_fresh(&p));
    assert_int_equal(http_parser_feed(&p, &in), HTTP_PARSER_HEAD);
    assert_true(bytes_equal_text(p.parts.path, "/a"));
    assert_true(bytes_equal_text(p.parts.query, "b"));
    assert_int_equal(http_parser_feed(&p, &in), HTTP_PARSER_REQUEST);
    assert_true(bytes_equal_text(buf_bytes(&p.body), "abcde"));
    assert_true(bytes_equal_text(http_parser_method(&p), "POST"));
    assert_int_equal(http_parser_headers(&p, headers), 2);
    http_parser_next(&p);
    assert_int_equal(http_parser_feed(&p, &in), HTTP_PARSER_HEAD);
    assert_int_equal(http_parser_feed(&p, &in), HTTP_PARSER_REQUEST);
    assert_int_equal(http_parser_headers(&p, headers), 2);
    assert_true(bytes_equal_text(headers[1].name, "Empty"));
    assert_int_equal(headers[1].value.len, 0);
    http_parser_next(&p);
    assert_int_equal(http_parser_feed(&p, &in), HTTP_PARSER_MORE);
    assert_true(http_parser_is_fresh(&p));
    http_parser_done(&p);
}

static void test_http_parser__every_cut(void **state)
{
    struct bytes in = bytes_of(two_requests, sizeof two_requests - 1);
    (void)state;
    for (size_t step = 1; step <= in.len; step++) {
        struct http_parser p;
        unsigned whole = 0;
        http_parser_init(&p, 100);
        assert_int_equal(feed_all(&p, in, step, &whole), FP_OK);
        assert_int_equal(whole, 2);
        http_parser_done(&p);
    }
}

static void test_http_parser__body_limit(void **state)
{
    struct bytes in = bytes_of(two_requests, sizeof two_requests - 1);
    struct http_parser p;
    unsigned whole = 0;
    (void)state;
    http_parser_init(&p, 4);
    assert_int_equal(feed_all(&p, in, 7, &whole), FP_E_REQUEST_BODY_TOO_LARGE);
    assert_int_equal(whole, 0);
    http_parser_done(&p);
    http_parser_init(&p, 5);
    assert_int_equal(feed_all(&p, in, 7, &whole), FP_OK);
    http_parser_done(&p);
}

static void test_http_parser__out_of_memory(void **state)
{
    struct bytes in = bytes_of(two_requests, sizeof two_requests - 1);
    (void)state;
    for (unsigned long n = 1; n < 100; n++) {
        struct http_parser p;
        unsigned whole = 0;
        enum fp_error error = FP_OK;
        http_parser_init(&p, 100);
        mem_fail_at(n);
        error = feed_all(&p, in, 9, &whole);
        mem_fail_at(0);
        http_parser_done(&p);
        if (error == FP_OK) {
            assert_true(n > 2);
            return;
        }
        assert_int_equal(error, FP_E_NO_MEMORY);
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_parser__events),
        cmocka_unit_test(test_http_parser__every_cut),
        cmocka_unit_test(test_http_parser__body_limit),
        cmocka_unit_test(test_http_parser__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
