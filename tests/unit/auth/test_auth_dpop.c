// DPoP proofs: the example of RFC 9449 section 4.2 and its thumbprint, what a changed byte does,
// and which URLs are the same (section 4.3 number 9). Rows S8, N6.
// SPDX-License-Identifier: Apache-2.0
#include "auth/dpop.h"

#include "auth/jwk.h"
#include "auth/jws.h"
#include "base/limits.h"
#include "crypto/encoding.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IAT INT64_C(1562262616)

static const char example[] =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
    "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
    "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh"
    "0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8"
    "v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

static enum dpop_fault check(const char *text, int64_t now_s, struct dpop_proof *out)
{
    const struct dpop_expect expect = {.method = BYTES("POST"),
                                       .base = BYTES("https://server.example.com"),
                                       .path = BYTES("/token"),
                                       .now_ms = now_s * 1000};
    struct arena *arena = arena_create(1u << 20, false);
    enum dpop_fault fault = DPOP_FAULTS;
    assert_int_equal(dpop_check(bytes_of_text(text), &expect, arena, &fault, out), FP_OK);
    arena_free(arena);
    return fault;
}

static void test_auth_dpop__example_of_the_rfc(void **state)
{
    struct dpop_proof proof = {0};
    struct buf text;
    (void)state;
    assert_int_equal(check(example, IAT, &proof), DPOP_GOOD);
    assert_true(proof.iat_s == IAT);
    assert_int_equal(proof.nonce.len, 0);
    buf_init(&text, 64);
    base64url_append(&text, bytes_of(proof.thumbprint, sizeof proof.thumbprint));
    // RFC 9449 6.1
    assert_true(bytes_equal_text(buf_bytes(&text), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    buf_done(&text);
}

static void test_auth_dpop__window(void **state)
{
    struct dpop_proof proof = {0};
    int64_t window = FP_LIMIT_DPOP_WINDOW;
    (void)state;
    assert_int_equal(check(example, IAT + window, &proof), DPOP_GOOD);
    assert_int_equal(check(example, IAT - window, &proof), DPOP_GOOD);
    assert_int_equal(check(example, IAT + window + 1, &proof), DPOP_TIME);
    assert_int_equal(check(example, IAT - window - 1, &proof), DPOP_TIME);
    assert_int_equal(check(example, INT64_MAX / 1000, &proof), DPOP_TIME);
}

// Whatever character is another one: it is no proof any more.
static void test_auth_dpop__every_changed_character(void **state)
{
    char text[sizeof example];
    struct dpop_proof proof = {0};
    (void)state;
    for (size_t i = 0; i < sizeof example - 1; i++) {
        memcpy(text, example, sizeof text);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(check(text, IAT, &proof), DPOP_GOOD);
    }
    for (size_t len = 0; len < sizeof example - 1; len++) {
        memcpy(text, example, sizeof text);
        text[len] = '\0';
        assert_int_not_equal(check(text, IAT, &proof), DPOP_GOOD);
    }
}

static const struct {
    const char *htu; // of the proof
    bool same;       // as https://api.example.com/fish and /api/a%2Fb
} urls[] = {
    {"https://api.example.com/fish/api/a%2Fb", true},
    {"https://api.example.com/fish/api/a%2fb", true},
    {"HTTPS://Api.EXAMPLE.com:443/fish/api/a%2Fb", true},
    {"https://api.example.com/fish/api/a%2Fb?x=1", true},
    {"https://api.example.com/fish/api/a%2Fb#x", true},
    {"https://api.example.com/fish/api/a%2Fb?#", true},
    {"https://api.example.com/fish/api/a/b", false},
    {"https://api.example.com/fish/api/A%2Fb", false},
    {"https://api.example.com/fish/api/a%2Fb/", false},
    {"https://api.example.com/api/a%2Fb", false},
    {"https://api.example.com:8443/fish/api/a%2Fb", false},
    {"https://api.example.com:80/fish/api/a%2Fb", false},
    {"http://api.example.com/fish/api/a%2Fb", false},
    {"https://api.example.com.evil.test/fish/api/a%2Fb", false},
    {"https://evil@api.example.com/fish/api/a%2Fb", false},
    {"//api.example.com/fish/api/a%2Fb", false},
    {"https:///fish/api/a%2Fb", false},
    {"/fish/api/a%2Fb", false},
    {"https://api.example.com", false},
    {"", false},
};

static void test_auth_dpop__urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        bool same = dpop_url_matches(bytes_of_text(urls[i].htu),
                                     BYTES("https://api.example.com/fish"), BYTES("/api/a%2Fb"));
        if (same != urls[i].same) {
            fail_msg("%s", urls[i].htu);
        }
    }
    assert_true(dpop_url_matches(BYTES("http://[::1]"), BYTES("http://[::1]:80"), BYTES("/")));
}

static void test_auth_dpop__every_fault_has_its_words(void **state)
{
    (void)state;
    for (unsigned i = DPOP_MISSING; i < DPOP_FAULTS; i++) {
        assert_true(strlen(dpop_fault_name((enum dpop_fault)i)) > 4);
        assert_true(strlen(dpop_fault_text((enum dpop_fault)i)) > 15);
    }
}

static int begin(void **state)
{
    (void)state;
    return crypto_setup() == FP_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_dpop__example_of_the_rfc),
        cmocka_unit_test(test_auth_dpop__window),
        cmocka_unit_test(test_auth_dpop__every_changed_character),
        cmocka_unit_test(test_auth_dpop__urls),
        cmocka_unit_test(test_auth_dpop__every_fault_has_its_words),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
