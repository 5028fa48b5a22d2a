// The bearer token of a request (S1): by header only, in its exact form.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/bearer.h"

#include "auth/token_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char token[TOKEN_TEXT_SIZE];

static int make_token(void **state)
{
    uint8_t random[TOKEN_RANDOM] = {1, 2, 3};
    (void)state;
    token_text_make((struct token_text){TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_LIVE}, random,
                    token);
    return 0;
}

static enum fp_error find(const char *before, const char *behind)
{
    char value[256];
    struct http_header header = {BYTES("authorization"), {0}};
    struct bytes found = {0};
    enum fp_error error = FP_OK;
    snprintf(value, sizeof value, "%s%s%s", before, token, behind);
    header.value = bytes_of_text(value);
    error = bearer_find(&header, 1, &found);
    if (error == FP_OK) {
        assert_true(bytes_equal_text(found, token));
    }
    return error;
}

static void test_gateway_bearer__form(void **state)
{
    (void)state;
    assert_int_equal(find("Bearer ", ""), FP_OK);
    assert_int_equal(find("bearer ", ""), FP_OK);
    assert_int_equal(find("BEARER   ", ""), FP_OK);
    assert_int_equal(find("", ""), FP_E_TOKEN_MISSING);
    assert_int_equal(find("Token ", ""), FP_E_TOKEN_MISSING);
    assert_int_equal(find("Basic ", ""), FP_E_TOKEN_MISSING);
    assert_int_equal(find("Bearer", ""), FP_E_TOKEN_MISSING);
    assert_int_equal(find("Bearer\t", ""), FP_E_TOKEN_MISSING);
    assert_int_equal(find("Bearer ", "x"), FP_E_TOKEN_MALFORMED);
    assert_int_equal(find("Bearer x", ""), FP_E_TOKEN_MALFORMED);
    assert_int_equal(find("Bearer ", ", Bearer x"), FP_E_TOKEN_MALFORMED);
    assert_int_equal(find("Bearer \"", "\""), FP_E_TOKEN_MALFORMED);
}

static void test_gateway_bearer__missing_and_empty(void **state)
{
    struct http_header other = {BYTES("X-Authorization"), BYTES("Bearer x")};
    struct http_header empty = {BYTES("Authorization"), BYTES("Bearer")};
    struct bytes found = {0};
    (void)state;
    assert_int_equal(bearer_find(NULL, 0, &found), FP_E_TOKEN_MISSING);
    assert_int_equal(bearer_find(&other, 1, &found), FP_E_TOKEN_MISSING);
    assert_int_equal(bearer_find(&empty, 1, &found), FP_E_TOKEN_MALFORMED);
}

static void test_gateway_bearer__two_headers(void **state)
{
    char value[128];
    struct bytes found = {0};
    (void)state;
    snprintf(value, sizeof value, "Bearer %s", token);
    const struct http_header twice[] = {{BYTES("Authorization"), bytes_of_text(value)},
                                        {BYTES("Authorization"), bytes_of_text(value)}};
    assert_int_equal(bearer_find(twice, 2, &found), FP_E_TOKEN_MALFORMED);
}

// Each single wrong character is found by the checksum or the form.
static void test_gateway_bearer__every_typing_error(void **state)
{
    char value[128];
    size_t start = strlen("Bearer ");
    (void)state;
    for (size_t i = 0; i < strlen(token); i++) {
        struct http_header header = {BYTES("Authorization"), {0}};
        struct bytes found = {0};
        snprintf(value, sizeof value, "Bearer %s", token);
        value[start + i] = value[start + i] == 'A' ? 'B' : 'A';
        header.value = bytes_of_text(value);
        assert_int_equal(bearer_find(&header, 1, &found), FP_E_TOKEN_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gateway_bearer__form),
        cmocka_unit_test(test_gateway_bearer__missing_and_empty),
        cmocka_unit_test(test_gateway_bearer__two_headers),
        cmocka_unit_test(test_gateway_bearer__every_typing_error),
    };
    return cmocka_run_group_tests(tests, make_token, NULL);
}
