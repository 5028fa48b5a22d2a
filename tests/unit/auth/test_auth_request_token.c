// Token requests: RFC 6749 2.3.1, 3.2, 4.4.2, with a negative case for each rule.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

struct row {
    const char *type;          // Content-Type
    const char *authorization; // or NULL
    const char *body;          // as sent
    enum fp_error error;       // expected
};

static enum fp_error parse(const struct row *row, struct arena *arena, struct oauth_request *out)
{
    struct fp_note note = {0};
    struct token_request_source source = {bytes_of_text(row->type),
                                          bytes_of_text(row->authorization),
                                          bytes_of_text(row->body), OAUTH_AT_TOKEN};
    return token_request_parse(&source, arena, &note, out);
}

static void test_auth_request_token__accepted(void **state)
{
    static const struct row rows[] = {
        {FORM, NULL, "grant_type=client_credentials&client_id=app_1&client_secret=s%20e", FP_OK},
        {FORM "; charset=UTF-8", NULL,
         "client_secret=s+e&x=y&x=z&grant_type=client_credentials&client_id=app_1&scope=", FP_OK},
        {JSON, NULL,
         "{\"grant_type\":\"client_credentials\",\"client_id\":\"app_1\",\"client_secret\":\"s e\","
         "\"other\":[1]}",
         FP_OK},
        {"Application/JSON ; charset=utf-8", NULL,
         "{\"grant_type\":\"client_credentials\",\"client_id\":\"app_1\",\"client_secret\":\"s "
         "e\"}",
         FP_OK},
        {FORM, "Basic YXBwXzE6cyUyMGU=", "grant_type=client_credentials", FP_OK},
        {FORM, "basic YXBwXzE6cytl", "grant_type=client_credentials&client_id=app_1", FP_OK},
        {JSON, "Basic YXBwXzE6cyUyMGU=", "{\"grant_type\":\"client_credentials\"}", FP_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_create(65536, true);
        struct oauth_request request = {0};
        print_message("%s\n", rows[i].body);
        assert_int_equal(parse(&rows[i], arena, &request), FP_OK);
        assert_true(bytes_equal_text(request.client_id, "app_1"));
        assert_true(bytes_equal_text(request.client_secret, "s e"));
        arena_free(arena);
    }
}

static void test_auth_request_token__refused(void **state)
{
    static const struct row rows[] = {
        {FORM, NULL, "", FP_E_OAUTH_REQUEST_INVALID},
        {"", NULL, "grant_type=client_credentials", FP_E_OAUTH_REQUEST_INVALID},
        {"text/plain", NULL, "grant_type=client_credentials", FP_E_OAUTH_REQUEST_INVALID},
        {FORM, NULL, "grant_type=password&client_id=a&client_secret=b", FP_E_GRANT_UNSUPPORTED},
        {FORM, NULL, "grant_type=&client_id=a&client_secret=b", FP_E_OAUTH_REQUEST_INVALID},
        {FORM, NULL, "grant_type=client_credentials", FP_E_CLIENT_INVALID},
        {FORM, NULL, "grant_type=client_credentials&client_id=a", FP_E_CLIENT_INVALID},
        {FORM, NULL,
         "grant_type=client_credentials&client_id=a&client_secret=", FP_E_CLIENT_INVALID},
        {FORM, NULL, "grant_type=client_credentials&client_id=a&client_id=a&client_secret=b",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, NULL, "grant_type=client_credentials&client_id=%00&client_secret=b",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, NULL, "grant_type=client_credentials&client_id=%ff&client_secret=b",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, NULL,
         "grant_type=client_credentials&client_id=0123456789012345678901234567890123456789x"
         "&client_secret=b",
         FP_E_CLIENT_INVALID},
        {FORM, NULL,
         "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&grant_type=client_credentials",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, "Basic YXBwXzE6cyUyMGU=", "grant_type=client_credentials&client_secret=b",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, "Basic YXBwXzE6cyUyMGU=", "grant_type=client_credentials&client_id=other",
         FP_E_OAUTH_REQUEST_INVALID},
        {FORM, "Basic YXBwXzE", "grant_type=client_credentials", FP_E_CLIENT_INVALID},
        {FORM, "Basic YXBwXzE=", "grant_type=client_credentials", FP_E_CLIENT_INVALID},
        {FORM, "Basic !", "grant_type=client_credentials", FP_E_CLIENT_INVALID},
        {FORM, "Bearer x", "grant_type=client_credentials", FP_E_CLIENT_INVALID},
        {JSON, NULL, "", FP_E_OAUTH_REQUEST_INVALID},
        {JSON, NULL, "[]", FP_E_OAUTH_REQUEST_INVALID},
        {JSON, NULL, "{\"grant_type\":1}", FP_E_OAUTH_REQUEST_INVALID},
        {JSON, NULL, "{\"grant_type\":\"client_credentials\"", FP_E_OAUTH_REQUEST_INVALID},
        {JSON, NULL,
         "{\"grant_type\":\"client_credentials\",\"client_id\":\"a\",\"client_id\":\"b\","
         "\"client_secret\":\"c\"}",
         FP_E_OAUTH_REQUEST_INVALID},
        {JSON, NULL, "{\"grant_type\":\"\xff\"}", FP_E_OAUTH_REQUEST_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_create(65536, true);
        struct oauth_request request = {0};
        print_message("%s\n", rows[i].body);
        assert_int_equal(parse(&rows[i], arena, &request), rows[i].error);
        assert_null(request.client_secret.ptr);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_request_token__accepted),
        cmocka_unit_test(test_auth_request_token__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
