// The API's descriptions: found by their path, named by their tag, the same plain and compressed.
// SPDX-License-Identifier: Apache-2.0
#include "model/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_model_openapi__paths(void **state)
{
    (void)state;
    assert_ptr_equal(openapi_find(BYTES("/openapi.json")), &openapi_documents[OPENAPI_3_1]);
    assert_ptr_equal(openapi_find(BYTES("/openapi-3.0.json")), &openapi_documents[OPENAPI_3_0]);
    assert_ptr_equal(openapi_find(BYTES("/docs")), &openapi_documents[OPENAPI_PAGE]);
    assert_ptr_equal(openapi_find(BYTES("/docs/")), &openapi_documents[OPENAPI_PAGE]);
    assert_null(openapi_find(BYTES("/")));
    assert_null(openapi_find(BYTES("")));
    assert_null(openapi_find(BYTES("/docs//")));
    assert_null(openapi_find(BYTES("/openapi")));
}

static void test_model_openapi__tags(void **state)
{
    const struct openapi_document *one = &openapi_documents[OPENAPI_3_1];
    char text[256];
    (void)state;
    assert_true(openapi_etag_matches(one, bytes_of_text(one->etag)));
    assert_true(openapi_etag_matches(one, bytes_of_text(one->etag + 2))); // without W/
    assert_true(openapi_etag_matches(one, BYTES(" * ")));
    snprintf(text, sizeof text, "\"a\" , %s,\"b\"", one->etag);
    assert_true(openapi_etag_matches(one, bytes_of_text(text)));
    assert_false(openapi_etag_matches(one, BYTES("")));
    assert_false(openapi_etag_matches(one, BYTES(",")));
    assert_false(openapi_etag_matches(one, BYTES("W/\"\"")));
    assert_false(openapi_etag_matches(one, bytes_of_text(openapi_documents[OPENAPI_3_0].etag)));
}

static void test_model_openapi__bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPENAPI_COUNT; i++) {
        const struct openapi_document *one = &openapi_documents[i];
        size_t n = one->packed.len;
        size_t size = 0;
        assert_true(n > 1000 && n < one->plain.len);
        assert_memory_equal(one->packed.ptr, "\x1f\x8b\x08", 3);
        for (size_t k = 4; k > 0; k--) { // RFC 1952: the size lies in the last four bytes
            size = size << 8 | one->packed.ptr[n - 5 + k];
        }
        assert_int_equal(size, one->plain.len);
        assert_true(bytes_is_utf8(one->plain));
    }
    assert_true(
        bytes_starts_with(openapi_documents[OPENAPI_3_1].plain, BYTES("{\"openapi\":\"3.1.")));
    assert_true(
        bytes_starts_with(openapi_documents[OPENAPI_3_0].plain, BYTES("{\"openapi\":\"3.0.")));
    assert_true(bytes_starts_with(openapi_documents[OPENAPI_PAGE].plain, BYTES("<!doctype html>")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_openapi__paths),
        cmocka_unit_test(test_model_openapi__tags),
        cmocka_unit_test(test_model_openapi__bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
