// A browser's headers: which cookie counts, reasons in all scripts, and whose pages may ask.
// SPDX-License-Identifier: Apache-2.0
#include "auth/console_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_auth_console_headers__one_cookie_of_that_name(void **state)
{
    static const struct {
        const char *cookie, *session; // header, what is taken from it
    } rows[] = {
        {"__Host-fishplate=abc", "abc"},
        {"a=b; __Host-fishplate=abc; c=d", "abc"},
        {"a=b;__Host-fishplate=abc", "abc"},
        {"__Host-fishplate=abc; __Host-fishplate=def", ""},
        {"__host-fishplate=abc", ""},
        {"x__Host-fishplate=abc", ""},
        {"__Host-fishplate", ""},
        {"__Host-fishplate=", ""},
        {"", ""},
        {";;;", ""},
        {"__Host-fishplate=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(bytes_equal_text(console_cookie_session(bytes_of_text(rows[i].cookie)),
                                     rows[i].session));
    }
}

static void test_auth_console_headers__reasons(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 24);
    assert_true(console_reason_decode(BYTES("Ticket%204711"), &out));
    assert_string_equal(buf_text(&out), "Ticket 4711");
    buf_clear(&out);
    assert_true(console_reason_decode(BYTES("M%C3%BCller%0A%0D%22"), &out));
    assert_string_equal(buf_text(&out), "M\xc3\xbcller  \"");
    buf_clear(&out);
    assert_true(console_reason_decode(BYTES("100%"), &out));
    assert_string_equal(buf_text(&out), "100%");
    buf_clear(&out);
    assert_false(console_reason_decode(BYTES("%FF%FE"), &out));
    assert_int_equal(out.len, 0);
    assert_false(console_reason_decode(BYTES("longer than the buffer is"), &out));
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void test_auth_console_headers__our_pages_alone(void **state)
{
    static const struct {
        const char *method, *origin, *site; // NULL: not sent
        bool ours;                          // expected, for the host console.test:8444
    } rows[] = {
        {"GET", NULL, NULL, true},
        {"POST", NULL, NULL, false},
        {"DELETE", NULL, NULL, false},
        {"POST", "https://console.test:8444", NULL, true},
        {"POST", "https://CONSOLE.test:8444", "same-origin", true},
        {"POST", "https://console.test:8444", "same-site", false},
        {"POST", "https://console.test:8444", "cross-site", false},
        {"GET", NULL, "cross-site", false},
        {"GET", NULL, "none", false},
        {"GET", "https://evil.test", NULL, false},
        {"POST", "http://console.test:8444", NULL, false},
        {"POST", "https://console.test", NULL, false},
        {"POST", "https://console.test:8444.evil.test", NULL, false},
        {"POST", "https://evil.test/console.test:8444", NULL, false},
        {"POST", "null", NULL, false},
        {"POST", "", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct console_origin from = {
            .method = bytes_of_text(rows[i].method),
            .host = BYTES("console.test:8444"),
            .origin = bytes_of_text(rows[i].origin),
            .site = bytes_of_text(rows[i].site),
            .has_origin = rows[i].origin != NULL,
            .has_site = rows[i].site != NULL,
        };
        assert_int_equal(console_same_origin(&from), rows[i].ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_console_headers__one_cookie_of_that_name),
        cmocka_unit_test(test_auth_console_headers__reasons),
        cmocka_unit_test(test_auth_console_headers__our_pages_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
