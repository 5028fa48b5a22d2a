// Where redirects lead: RFC 3986 5.4's references, as far as dots are not removed.
// SPDX-License-Identifier: Apache-2.0
#include "client/location.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_client_location__references(void **state)
{
    (void)state;
    static const struct {
        const char *base;     // asked for
        const char *location; // of the answer
        const char *to;       // expected
    } rows[] = {{"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
                {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
                {"http://a/b/c/d;p?q", "/g", "http://a/g"},
                {"http://a/b/c/d;p?q", "//g", "http://g"},
                {"https://a/b/c/d;p?q", "//g:8/x", "https://g:8/x"},
                {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
                {"http://a/b/c/d;p?q", "g?y#s", "http://a/b/c/g?y"},
                {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q"},
                {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
                {"http://a/b/c/d;p?q", "http://h/x#y", "http://h/x"},
                {"http://a/b/c/d;p?q", "file:///etc/passwd", "file:///etc/passwd"},
                {"http://a/b?x=/y/z", "g", "http://a/g"},
                {"http://a", "g", "http://a/g"},
                {"http://a?q", "g", "http://a/g"},
                {"http://a:80", "/g?h://i", "http://a:80/g?h://i"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        buf_init(&out, 200);
        assert_int_equal(client_location_resolve(bytes_of_text(rows[i].base),
                                                 bytes_of_text(rows[i].location), &out),
                         FP_OK);
        assert_string_equal(buf_text(&out), rows[i].to);
        buf_done(&out);
    }
}

static void test_client_location__limit(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 10);
    assert_int_equal(client_location_resolve(BYTES("http://a/"), BYTES("0123456789"), &out),
                     FP_E_LIMIT_EXCEEDED);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_location__references),
        cmocka_unit_test(test_client_location__limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
