// Reading a source's document: how deep it may nest, however it is looked at.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/limits.h"
#include "mapping/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool reads(struct bytes text)
{
    yyjson_doc *doc = value_read(text, NULL);
    bool good = doc != NULL;
    yyjson_doc_free(doc);
    return good;
}

// Arrays and objects in turns, the innermost one empty; pad: blanks behind.
static bool nested_reads(unsigned depth, size_t pad)
{
    struct buf text;
    buf_init(&text, 4u << 20);
    for (unsigned i = 1; i < depth; i++) {
        buf_append_text(&text, i % 2 == 0 ? "[1,[],{}," : "{\"a\":0,\"b\":{},\"c\":");
    }
    buf_append_text(&text, "[]");
    for (unsigned i = depth - 1; i >= 1; i--) {
        buf_append_text(&text, i % 2 == 0 ? ",[2]]" : ",\"d\":[[]]}");
    }
    for (size_t i = 0; i < pad; i++) {
        buf_append_byte(&text, ' ');
    }
    assert_int_equal(buf_error(&text), FP_OK);
    bool good = reads(buf_bytes(&text));
    buf_done(&text);
    return good;
}

static void test_mapping_value__depth(void **state)
{
    (void)state;
    static const size_t pads[] = {0, 2u << 20};
    for (size_t i = 0; i < sizeof pads / sizeof pads[0]; i++) {
        assert_true(nested_reads(1, pads[i]));
        assert_true(nested_reads(2, pads[i]));
        assert_true(nested_reads(FP_LIMIT_JSON_DEPTH - 1, pads[i]));
        assert_false(nested_reads(FP_LIMIT_JSON_DEPTH, pads[i])); // the [[]] lies one deeper
        assert_false(nested_reads(FP_LIMIT_JSON_DEPTH + 1, pads[i]));
        assert_false(nested_reads(5000, pads[i]));
    }
}

static void test_mapping_value__what_is_no_document(void **state)
{
    (void)state;
    static const char *const good[] = {"1", "\"\"", "null", "[]", "{}", " [1] ", "{\"a\":[{}]}"};
    static const char *const bad[] = {"", " ", "[", "{]", "[1],", "nul", "{\"a\"}", "\"\xff\""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(reads(bytes_of_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(reads(bytes_of_text(bad[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_value__depth),
        cmocka_unit_test(test_mapping_value__what_is_no_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
