// URLs of source systems: what is taken apart how, and what is refused with which reason.
// SPDX-License-Identifier: Apache-2.0
#include "client/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_client_url__good(void **state)
{
    (void)state;
    static const struct {
        const char *url;  // in
        const char *host; // out
        unsigned port;    // out
        bool tls;         // out
        const char *path; // out
    } cases[] = {
        {"https://erp.example", "erp.example", 443, true, ""},
        {"http://erp.example/", "erp.example", 80, false, "/"},
        {"HTTPS://ERP.example:8443/a/b?c=d", "ERP.example", 8443, true, "/a/b?c=d"},
        {"https://erp.example?x", "erp.example", 443, true, "?x"},
        {"https://erp.example./", "erp.example.", 443, true, "/"},
        {"http://127.0.0.1:1", "127.0.0.1", 1, false, ""},
        {"http://0x7f.1:65535/", "0x7f.1", 65535, false, "/"},
        {"http://2130706433/", "2130706433", 80, false, "/"},
        {"https://[::1]:8000/db/", "::1", 8000, true, "/db/"},
        {"https://[::ffff:127.0.0.1]", "::ffff:127.0.0.1", 443, true, ""},
        {"https://under_score.example/", "under_score.example", 443, true, "/"},
        {"https://erp.example/@user", "erp.example", 443, true, "/@user"},
        {"https://erp.example?a@b", "erp.example", 443, true, "?a@b"},
        {"https://erp.example/a//b/../c", "erp.example", 443, true, "/a//b/../c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_url url;
        struct fp_note note = {0};
        assert_int_equal(client_url_check(bytes_of_text(cases[i].url), &url, &note), FP_OK);
        assert_true(bytes_equal_text(url.host, cases[i].host));
        assert_true(bytes_equal_text(url.path, cases[i].path));
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.tls, cases[i].tls);
    }
}

#define BLANK  "holds a blank, a control character or a character beyond ASCII"
#define SCHEME "does not begin with https:// or http://"
#define HOST   "has no host, or a malformed one"
#define PORT   "has a port that is not 1 to 65535"
#define USER   "holds a user name or password"
#define V6     "has a malformed IPv6 address"

static void test_client_url__bad(void **state)
{
    (void)state;
    static const struct {
        const char *url;    // in
        const char *reason; // in the note
    } cases[] = {
        {"", "is empty"},
        {"erp.example", SCHEME},
        {"//erp.example/", SCHEME},
        {"ftp://erp.example/", SCHEME},
        {"file:///etc/passwd", SCHEME},
        {"gopher://127.0.0.1/", SCHEME},
        {"https:/erp.example", SCHEME},
        {"https:erp.example", SCHEME},
        {"https://", HOST},
        {"https:///path", HOST},
        {"https://:443/", HOST},
        {"https://?x", HOST},
        {"https://./", HOST},
        {"https://a..b/", HOST},
        {"https://.a/", HOST},
        {"https://-a/", HOST},
        {"https://a.example..", HOST},
        {"https://a%2eb/", HOST},
        {"https://a,b/", HOST},
        {"https://a*b/", HOST},
        {"https://user@erp.example/", USER},
        {"https://user:secret@erp.example/", USER},
        {"https://erp.example:80@169.254.169.254/", USER},
        {"https://@erp.example/", USER},
        {"https://erp.example\\@evil.example/", "holds a backslash"},
        {"https://erp.example/#x", "holds a fragment (#)"},
        {"https://erp.example#@evil.example/", "holds a fragment (#)"},
        {"https://erp.example/ x", BLANK},
        {" https://erp.example/", BLANK},
        {"https://erp.example/\r\nX: y", BLANK},
        {"https://erp.example/\t", BLANK},
        {"https://erp.example/\x7f", BLANK},
        {"https://b\xc3\xbc"
         "cher.example/",
         BLANK},
        {"https://erp.example:", PORT},
        {"https://erp.example:0", PORT},
        {"https://erp.example:65536", PORT},
        {"https://erp.example:99999999999999999999", PORT},
        {"https://erp.example:-1", PORT},
        {"https://erp.example:+1", PORT},
        {"https://erp.example:80a", PORT},
        {"https://erp.example:8:0", PORT},
        {"https://[::1", V6},
        {"https://[]", V6},
        {"https://[erp.example]", V6},
        {"https://[fe80::1%25eth0]/", V6},
        {"https://[::1]8000/", PORT},
        {"https://[127.0.0.1]/", V6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_url url = {.port = 7};
        struct fp_note note = {0};
        assert_int_equal(client_url_check(bytes_of_text(cases[i].url), &url, &note),
                         FP_E_SOURCE_SETTINGS_INVALID);
        if (strstr(note.text, cases[i].reason) == NULL) {
            fail_msg("%s: %s", cases[i].url, note.text);
        }
        assert_int_equal(url.port, 7); // untouched
        assert_null(strstr(note.text, "secret"));
    }
}

static void test_client_url__nul_and_length(void **state)
{
    (void)state;
    static uint8_t text[20000];
    struct client_url url;
    struct fp_note note = {0};
    assert_int_equal(client_url_check(BYTES("https://erp.example\0.evil/"), &url, &note),
                     FP_E_SOURCE_SETTINGS_INVALID);
    memset(text, 'a', sizeof text);
    memcpy(text, "https://a/", 10);
    assert_int_equal(client_url_check(bytes_of(text, 2048 + 8192), &url, &note), FP_OK);
    assert_int_equal(client_url_check(bytes_of(text, 2048 + 8193), &url, &note),
                     FP_E_SOURCE_SETTINGS_INVALID);
    assert_non_null(strstr(note.text, "is too long"));
    text[9] = 'a'; // one label of far more than 63
    assert_int_equal(client_url_check(bytes_of(text, 100), &url, &note),
                     FP_E_SOURCE_SETTINGS_INVALID);
}

static bool same(const char *left, const char *right)
{
    struct client_url a, b;
    assert_int_equal(client_url_check(bytes_of_text(left), &a, NULL), FP_OK);
    assert_int_equal(client_url_check(bytes_of_text(right), &b, NULL), FP_OK);
    return client_url_same_origin(&a, &b);
}

static void test_client_url__same_origin(void **state)
{
    (void)state;
    assert_true(same("https://erp.example/a", "https://ERP.example:443/b?c"));
    assert_true(same("http://erp.example:80/", "http://erp.example"));
    assert_false(same("https://erp.example/", "http://erp.example/"));
    assert_false(same("http://erp.example:443/", "https://erp.example/"));
    assert_false(same("https://erp.example/", "https://erp.example:8443/"));
    assert_false(same("https://erp.example/", "https://erp.example.evil/"));
    assert_false(same("https://erp.example/", "https://erp.example./"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_url__good),
        cmocka_unit_test(test_client_url__bad),
        cmocka_unit_test(test_client_url__nul_and_length),
        cmocka_unit_test(test_client_url__same_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
