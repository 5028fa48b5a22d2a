// Authorization requests, PKCE and redirect URIs, by the sections of RFC 6749, 7636 and 9700.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_authorize.h"

#include "auth/pkce.h"
#include "auth/redirect_uri.h"
#include "auth/scopes.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define VERIFIER  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define GOOD      "client_id=app_1&response_type=code"
#define PKCE      "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

static void test_auth_request_authorize__faults(void **state)
{
    static const struct {
        const char *query;          // behind the question mark
        enum fp_error error;        // no answer to the client
        enum authorize_fault fault; // what the client is told
    } rows[] = {
        {GOOD, FP_OK, AUTHORIZE_GOOD},
        {GOOD PKCE "&state=x&scope=erp:read&unknown=1&unknown=2", FP_OK, AUTHORIZE_GOOD},
        {GOOD "&response_mode=query", FP_OK, AUTHORIZE_GOOD},
        {"", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {"client_id=&response_type=code", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {GOOD "&client_id=app_1", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {GOOD "&redirect_uri=a&redirect_uri=", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {GOOD "&state=%zz", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {GOOD "&state=a%0d%0aLocation:x", FP_E_AUTHORIZE_REQUEST_INVALID, AUTHORIZE_GOOD},
        {GOOD "&scope=erp:read&scope=erp:read", FP_OK, AUTHORIZE_REPEATED},
        {"client_id=a", FP_OK, AUTHORIZE_NO_RESPONSE_TYPE},
        {"client_id=a&response_type=token", FP_OK, AUTHORIZE_RESPONSE_TYPE},
        {GOOD "&response_mode=form_post", FP_OK, AUTHORIZE_RESPONSE_MODE},
        {GOOD "&state=%C3%A4", FP_OK, AUTHORIZE_STATE},
        {GOOD "&scope=openid", FP_OK, AUTHORIZE_SCOPE},
        {GOOD "&code_challenge_method=S256", FP_OK, AUTHORIZE_CHALLENGE_MISSING},
        {GOOD "&code_challenge=" CHALLENGE, FP_OK, AUTHORIZE_CHALLENGE_METHOD},
        {GOOD "&code_challenge=" CHALLENGE "x&code_challenge_method=S256", FP_OK,
         AUTHORIZE_CHALLENGE},
        {GOOD "&request=x", FP_OK, AUTHORIZE_REQUEST_OBJECT},
        {GOOD "&request_uri=x", FP_OK, AUTHORIZE_REQUEST_URI},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_create(65536, true);
        struct authorize_request request = {0};
        struct fp_note note = {0};
        print_message("%s\n", rows[i].query);
        assert_int_equal(
            authorize_request_parse(bytes_of_text(rows[i].query), arena, &note, &request),
            rows[i].error);
        assert_int_equal(request.fault, rows[i].fault);
        assert_true(rows[i].fault == AUTHORIZE_GOOD || request.challenge.len == 0);
        arena_free(arena);
    }
}

// RFC 6749 4.1.2.1: the descriptions are of a restricted alphabet.
static void test_auth_request_authorize__words_of_faults(void **state)
{
    (void)state;
    for (int i = 0; i < AUTHORIZE_FAULTS; i++) {
        const char *text = authorize_fault_text((enum authorize_fault)i);
        assert_non_null(authorize_fault_error((enum authorize_fault)i));
        for (; *text != '\0'; text++) {
            assert_true(*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\');
        }
    }
}

static void test_auth_request_authorize__pkce(void **state)
{
    char verifier[PKCE_VERIFIER + 2];
    (void)state;
    assert_int_equal(crypto_setup(), FP_OK);
    assert_true(pkce_matches(BYTES(VERIFIER), BYTES(CHALLENGE)));
    assert_false(pkce_matches(BYTES(CHALLENGE), BYTES(CHALLENGE))); // plain
    assert_false(pkce_matches(BYTES(""), BYTES(CHALLENGE)));
    assert_false(pkce_matches(BYTES(VERIFIER), BYTES("")));
    assert_false(
        pkce_matches(BYTES("eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), BYTES(CHALLENGE)));
    memset(verifier, 'a', sizeof verifier);
    assert_false(pkce_verifier_valid(bytes_of(verifier, PKCE_CHALLENGE - 1)));
    assert_true(pkce_verifier_valid(bytes_of(verifier, PKCE_CHALLENGE)));
    assert_true(pkce_verifier_valid(bytes_of(verifier, PKCE_VERIFIER)));
    assert_false(pkce_verifier_valid(bytes_of(verifier, PKCE_VERIFIER + 1)));
    verifier[3] = '\0';
    assert_false(pkce_verifier_valid(bytes_of(verifier, PKCE_CHALLENGE)));
    verifier[3] = '+';
    assert_false(pkce_verifier_valid(bytes_of(verifier, PKCE_CHALLENGE)));
}

static void test_auth_request_authorize__redirect_uris(void **state)
{
    static const char *const good[] = {"https://a.example",      "https://a.example:8443/x?y=%20",
                                       "http://127.0.0.1:1/",    "http://[::1]/cb",
                                       "http://localhost?x",     "com.example.app:/cb",
                                       "https://a.example/@path"};
    static const char *const bad[] = {"",
                                      "a",
                                      "https://",
                                      "https://:1/",
                                      "http://a.example/",
                                      "http://127.0.0.1.evil.example/",
                                      "http://localhost@evil.example/",
                                      "https://a@b.example/",
                                      "https://a.example/#",
                                      "https://a.example/ b",
                                      "https://a.example/\xc3\xa4",
                                      "javascript:x",
                                      "JAVA.SCRIPT:x",
                                      ".a:x",
                                      "com.example.app:"};
    struct bytes list = BYTES("https://a.example/1 https://a.example/2"), only = {0};
    struct buf out;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_null(redirect_uri_wrong(bytes_of_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i]);
        assert_non_null(redirect_uri_wrong(bytes_of_text(bad[i])));
    }
    assert_null(redirect_uris_wrong(list));
    assert_non_null(redirect_uris_wrong(BYTES("https://a.example/1  https://a.example/2")));
    assert_true(redirect_uris_have(list, BYTES("https://a.example/2")));
    assert_false(redirect_uris_have(list, BYTES("https://a.example/")));
    assert_false(redirect_uris_have(list, BYTES("")));
    assert_false(redirect_uris_have(BYTES(""), BYTES("")));
    assert_false(redirect_uris_only(list, &only));
    assert_true(redirect_uris_only(BYTES("https://a.example/1"), &only));
    buf_init(&out, 256);
    buf_append_text(&out, "https://a.example/?");
    redirect_add(&out, "a", BYTES("1&2"));
    redirect_add(&out, "none", BYTES(""));
    redirect_add(&out, "b", BYTES("\r\n"));
    assert_string_equal(buf_text(&out), "https://a.example/?a=1%262&b=%0D%0A");
    buf_done(&out);
}

static void test_auth_request_authorize__scopes_within(void **state)
{
    (void)state;
    assert_true(scopes_within(BYTES("erp:read"), BYTES("eam:read erp:read")));
    assert_true(scopes_within(BYTES("erp:read vendors:read"), BYTES("*:read")));
    assert_false(scopes_within(BYTES("erp:write"), BYTES("*:read erp:read")));
    assert_false(scopes_within(BYTES("*:read"), BYTES("erp:read eam:read wms:read")));
    assert_false(scopes_within(BYTES("erp:read"), BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_request_authorize__faults),
        cmocka_unit_test(test_auth_request_authorize__words_of_faults),
        cmocka_unit_test(test_auth_request_authorize__pkce),
        cmocka_unit_test(test_auth_request_authorize__redirect_uris),
        cmocka_unit_test(test_auth_request_authorize__scopes_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
