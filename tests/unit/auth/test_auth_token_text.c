// The form of tokens: known texts (computed independently with Python's zlib.crc32), every single
// character wrong, every length wrong. Requirement rows S1, S7, S9, S11.
// SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <regex.h>

static void random_pattern(int pattern, uint8_t out[static TOKEN_RANDOM])
{
    for (size_t i = 0; i < TOKEN_RANDOM; i++) {
        out[i] = (uint8_t)(pattern == 0 ? 0 : pattern == 1 ? i : pattern == 2 ? 255 : 255 - i);
    }
}

static const struct {
    int pattern;            // of random_pattern()
    struct token_text form; // kind and environment
    const char *text;       // what must come out
} known[] = {
    {0,
     {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_LIVE},
     "fp_live_00000000000000000000000000000000000000000002CZclj"},
    {1,
     {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_TEST},
     "fp_test_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1Yo7hP"},
    {2,
     {TOKEN_KIND_APPLICATION, TOKEN_ENVIRONMENT_LIVE},
     "fpa_live_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13sRzl1"},
    {3,
     {TOKEN_KIND_CLIENT_SECRET, TOKEN_ENVIRONMENT_NONE},
     "fps_yhgIGB9quGfHP8Y83EcC2im5kZukTeYkpb69aekqK3M2mKh4d"},
    {1,
     {TOKEN_KIND_REFRESH, TOKEN_ENVIRONMENT_LIVE},
     "fprt_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1Yo7hP"},
    {2,
     {TOKEN_KIND_REFRESH, TOKEN_ENVIRONMENT_TEST},
     "fprt_test_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13sRzl1"},
    {3,
     {TOKEN_KIND_CODE, TOKEN_ENVIRONMENT_NONE},
     "fpac_yhgIGB9quGfHP8Y83EcC2im5kZukTeYkpb69aekqK3M2mKh4d"},
};
#define KNOWN (sizeof known / sizeof known[0])

static void test_auth_token_text__makes_known_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        uint8_t random[TOKEN_RANDOM];
        char text[TOKEN_TEXT_SIZE];
        random_pattern(known[i].pattern, random);
        token_text_make(known[i].form, random, text);
        assert_string_equal(text, known[i].text);
    }
}

static void test_auth_token_text__parses_what_it_makes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        struct token_text form = {0};
        assert_int_equal(token_text_parse(bytes_of_text(known[i].text), &form), FP_OK);
        assert_int_equal(form.kind, known[i].form.kind);
        assert_int_equal(form.environment, known[i].form.environment);
    }
}

static void test_auth_token_text__every_changed_character_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        for (size_t at = 0; at < strlen(known[i].text); at++) {
            for (unsigned c = 0; c < 256; c++) {
                char text[TOKEN_TEXT_SIZE];
                struct token_text form = {0};
                memcpy(text, known[i].text, strlen(known[i].text));
                text[at] = (char)c;
                if (c == (unsigned char)known[i].text[at]) {
                    continue;
                }
                assert_int_equal(token_text_parse(bytes_of(text, strlen(known[i].text)), &form),
                                 FP_E_TOKEN_MALFORMED);
                assert_int_equal(form.kind, 0);
            }
        }
    }
}

static void test_auth_token_text__every_cut_and_longer_text_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        size_t len = strlen(known[i].text);
        char text[TOKEN_TEXT_SIZE + 4] = "";
        struct token_text form = {0};
        memcpy(text, known[i].text, len);
        text[len] = '0';
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(token_text_parse(bytes_of(text, cut), &form), FP_E_TOKEN_MALFORMED);
        }
        assert_int_equal(token_text_parse(bytes_of(text, len + 1), &form), FP_E_TOKEN_MALFORMED);
    }
    struct token_text form = {0};
    assert_int_equal(token_text_parse((struct bytes){0}, &form), FP_E_TOKEN_MALFORMED);
}

static void test_auth_token_text__foreign_forms_are_malformed(void **state)
{
    static const char *const texts[] = {
        "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",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "FP_LIVE_00000000000000000000000000000000000000000002CZclj",
        "fp_prod_00000000000000000000000000000000000000000002CZclj",
        "fps_live_00000000000000000000000000000000000000000002CZclj",
        " fp_live_00000000000000000000000000000000000000000002CZclj",
        "fp_live_",
        "fps_",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct token_text form = {0};
        assert_int_equal(token_text_parse(bytes_of_text(texts[i]), &form), FP_E_TOKEN_MALFORMED);
    }
}

// S7: the expression that secret scanners are given finds every form and nothing shorter.
static void test_auth_token_text__published_expression_finds_tokens(void **state)
{
    regex_t expression;
    (void)state;
    assert_int_equal(regcomp(&expression, TOKEN_TEXT_REGEX, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t i = 0; i < KNOWN; i++) {
        char text[TOKEN_TEXT_SIZE];
        memcpy(text, known[i].text, strlen(known[i].text) + 1);
        assert_int_equal(regexec(&expression, text, 0, NULL, 0), 0);
        text[strlen(text) - 1] = '\0';
        assert_int_equal(regexec(&expression, text, 0, NULL, 0), REG_NOMATCH);
    }
    regfree(&expression);
}

static void test_auth_token_text__environments(void **state)
{
    enum token_environment environment = TOKEN_ENVIRONMENT_NONE;
    (void)state;
    assert_int_equal(token_environment_parse(BYTES("live"), &environment), FP_OK);
    assert_int_equal(environment, TOKEN_ENVIRONMENT_LIVE);
    assert_string_equal(token_environment_name(environment), "live");
    assert_int_equal(token_environment_parse(BYTES("test"), &environment), FP_OK);
    assert_string_equal(token_environment_name(environment), "test");
    assert_int_equal(token_environment_parse(BYTES("Live"), &environment), FP_E_INPUT_INVALID);
    assert_int_equal(token_environment_parse(BYTES(""), &environment), FP_E_INPUT_INVALID);
    assert_string_equal(token_environment_name(TOKEN_ENVIRONMENT_NONE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_token_text__makes_known_texts),
        cmocka_unit_test(test_auth_token_text__parses_what_it_makes),
        cmocka_unit_test(test_auth_token_text__every_changed_character_is_malformed),
        cmocka_unit_test(test_auth_token_text__every_cut_and_longer_text_is_malformed),
        cmocka_unit_test(test_auth_token_text__foreign_forms_are_malformed),
        cmocka_unit_test(test_auth_token_text__published_expression_finds_tokens),
        cmocka_unit_test(test_auth_token_text__environments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
