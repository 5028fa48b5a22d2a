// The rules of a request's head, as tables.
// SPDX-License-Identifier: Apache-2.0
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_http_head__host(void **state)
{
    static const struct {
        const char *host; // value of Host
        bool valid;       // expected
    } rows[] = {
        {"localhost", true},
        {"a.b-c_d~e:443", true},
        {"1.2.3.4:0", true},
        {"[::1]", true},
        {"[2001:db8::1]:8443", true},
        {"[::ffff:1.2.3.4]:65535", true},
        {"", false},
        {":80", false},
        {"a:", false},
        {"a:65536", false},
        {"a:8a", false},
        {"a b", false},
        {"a,b", false},
        {"a/b", false},
        {"u@a", false},
        {"a%41", false},
        {"[::1", false},
        {"[]", false},
        {"[::1]x", false},
        {"[::1]:", false},
        {"[fe80::1%25eth0]", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].host);
        assert_int_equal(http_host_valid(bytes_of_text(rows[i].host)), rows[i].valid);
    }
}

static void test_http_head__target(void **state)
{
    static const struct {
        const char *target;    // as sent
        bool options;          // the method is OPTIONS
        const char *path;      // expected; NULL: refused
        const char *query;     // expected; NULL: none
        const char *authority; // expected
    } rows[] = {
        {"/", false, "/", NULL, ""},
        {"/a/b?c=d?e", false, "/a/b", "c=d?e", ""},
        {"/a?", false, "/a", "", ""},
        {"/a?filter[x:gt]=%20", false, "/a", "filter[x:gt]=%20", ""},
        {"http://h:1/a?b", false, "/a", "b", "h:1"},
        {"HTTPS://h", false, "/", NULL, "h"},
        {"http://h?x", false, "/", "x", "h"},
        {"*", true, "*", NULL, ""},
        {"*", false, NULL, NULL, NULL},
        {"", false, NULL, NULL, NULL},
        {"a", false, NULL, NULL, NULL},
        {"//a", false, "//a", NULL, ""},
        {"/a#b", false, NULL, NULL, NULL},
        {"/a%", false, NULL, NULL, NULL},
        {"/a%4", false, NULL, NULL, NULL},
        {"/a%4g", false, NULL, NULL, NULL},
        {"/\xc3\xa4", false, NULL, NULL, NULL},
        {"/a b", false, NULL, NULL, NULL},
        {"http://", false, NULL, NULL, NULL},
        {"http:///a", false, NULL, NULL, NULL},
        {"http://u@h/", false, NULL, NULL, NULL},
        {"ftp://h/", false, NULL, NULL, NULL},
        {"h:443", false, NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_target target = {0};
        print_message("%s\n", rows[i].target);
        if (rows[i].path == NULL) {
            assert_int_equal(
                http_target_parse(bytes_of_text(rows[i].target), rows[i].options, &target),
                FP_E_REQUEST_MALFORMED);
            continue;
        }
        assert_int_equal(http_target_parse(bytes_of_text(rows[i].target), rows[i].options, &target),
                         FP_OK);
        assert_true(bytes_equal_text(target.path, rows[i].path));
        assert_true(bytes_equal_text(target.authority, rows[i].authority));
        assert_int_equal(target.query.ptr != NULL, rows[i].query != NULL);
        assert_true(rows[i].query == NULL || bytes_equal_text(target.query, rows[i].query));
    }
}

static void test_http_head__accepts_gzip(void **state)
{
    static const struct {
        const char *value; // of Accept-Encoding
        bool accepts;      // expected
    } rows[] = {
        {"gzip", true},       {"x-gzip", true},           {" , gzip ,", true},
        {"*", true},          {"gzip;q=1.000", true},     {"gzip ; q=0.5", true},
        {"gzip;Q=0.5", true}, {"br, *;q=0.1", true},      {"", false},
        {"gzip;q=0", false},  {"gzip;q=1.001", false},    {"gzip;q=0.0001", false},
        {"gzip;q=", false},   {"gzip;q=.5", false},       {"gzip;q=-1", false},
        {"gzip;q=01", false}, {"*;q=1, gzip;q=0", false}, {"identity, gzip;q=0.9", false},
        {"gzipx", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("%s\n", rows[i].value);
        assert_int_equal(http_accepts_gzip(bytes_of_text(rows[i].value)), rows[i].accepts);
    }
}

static void test_http_head__judge_http_10(void **state)
{
    struct http_header host = {BYTES("Host"), BYTES("a")};
    struct http_header rows[] = {{BYTES("connection"), BYTES("Foo, Keep-Alive")},
                                 {BYTES("Expect"), BYTES("100-continue")},
                                 {BYTES("Content-Length"), BYTES("3")}};
    struct http_head_facts facts = {0};
    (void)state;
    assert_int_equal(http_head_judge(rows, 3, 0, &facts), FP_OK);
    assert_true(facts.keep_alive);
    assert_false(facts.expects_continue);
    assert_int_equal(facts.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(facts.length, 3);
    assert_int_equal(http_head_judge(rows, 3, 1, &facts), FP_E_REQUEST_HOST_INVALID);
    assert_int_equal(http_head_judge(&host, 1, 0, &facts), FP_OK);
    assert_false(facts.keep_alive);
    assert_int_equal(http_head_judge(&host, 1, 1, &facts), FP_OK);
    assert_true(facts.keep_alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_head__host),
        cmocka_unit_test(test_http_head__target),
        cmocka_unit_test(test_http_head__accepts_gzip),
        cmocka_unit_test(test_http_head__judge_http_10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
