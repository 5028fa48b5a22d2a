// The envelope: exact links and meta, as existing clients page by them.
// SPDX-License-Identifier: Apache-2.0
#include "model/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&out);
    return 0;
}

static const char *envelope(uint32_t number, uint32_t size, uint64_t total, uint64_t count,
                            const char *raw)
{
    struct model_query query = {.page = number, .per_page = size, .raw = bytes_of_text(raw)};
    struct model_page page = {.query = &query,
                              .path_template = "/api/erp/vendors",
                              .public_url = "https://f.test",
                              .total = total,
                              .count = count};
    buf_clear(&out);
    struct json_out j = json_out_start(&out);
    model_envelope_begin_list(&j);
    model_envelope_end_list(&j, &page);
    return buf_text(&out);
}

static void test_model_envelope__middle_page(void **state)
{
    (void)state;
    assert_string_equal(
        envelope(2, 10, 25, 10, "filter%5Bname%5D=a&page=2&per_page=10"),
        "{\"data\":[],\"links\":{"
        "\"first\":\"https://f.test/api/erp/vendors?filter%5Bname%5D=a&per_page=10&page=1\","
        "\"last\":\"https://f.test/api/erp/vendors?filter%5Bname%5D=a&per_page=10&page=3\","
        "\"prev\":\"https://f.test/api/erp/vendors?filter%5Bname%5D=a&per_page=10&page=1\","
        "\"next\":\"https://f.test/api/erp/vendors?filter%5Bname%5D=a&per_page=10&page=3\"},"
        "\"meta\":{\"current_page\":2,\"from\":11,\"last_page\":3,"
        "\"path\":\"https://f.test/api/erp/vendors\",\"per_page\":10,\"to\":20,\"total\":25}}");
}

static void test_model_envelope__empty_list(void **state)
{
    (void)state;
    assert_string_equal(envelope(1, 25, 0, 0, ""),
                        "{\"data\":[],\"links\":{"
                        "\"first\":\"https://f.test/api/erp/vendors?page=1\","
                        "\"last\":\"https://f.test/api/erp/vendors?page=1\","
                        "\"prev\":null,\"next\":null},"
                        "\"meta\":{\"current_page\":1,\"from\":null,\"last_page\":1,"
                        "\"path\":\"https://f.test/api/erp/vendors\",\"per_page\":25,"
                        "\"to\":null,\"total\":0}}");
}

static void test_model_envelope__behind_the_end(void **state)
{
    (void)state;
    const char *text = envelope(9, 10, 25, 0, "page=9&per_page=10");
    assert_non_null(strstr(text, "\"prev\":\"https://f.test/api/erp/vendors?per_page=10&page=3\""));
    assert_non_null(strstr(text, "\"next\":null"));
    assert_non_null(strstr(text, "\"from\":null"));
    assert_non_null(strstr(text, "\"last_page\":3"));
}

static void test_model_envelope__exact_last_page(void **state)
{
    (void)state;
    assert_non_null(strstr(envelope(1, 10, 10, 10, ""), "\"last_page\":1,"));
    assert_non_null(strstr(envelope(1, 10, 11, 10, ""), "\"last_page\":2,"));
    assert_non_null(strstr(envelope(1000000000, 500, 3, 0, ""), "\"current_page\":1000000000"));
}

static void test_model_envelope__key_in_path(void **state)
{
    (void)state;
    struct model_query query = {.page = 1, .per_page = 25};
    struct model_page page = {.query = &query,
                              .path_template = "/api/erp/production-orders/{key}/materials",
                              .key = BYTES("a/b \"x"),
                              .public_url = "https://f.test"};
    buf_clear(&out);
    struct json_out j = json_out_start(&out);
    model_envelope_begin_list(&j);
    model_envelope_end_list(&j, &page);
    assert_non_null(
        strstr(buf_text(&out),
               "\"path\":\"https://f.test/api/erp/production-orders/a%2Fb%20%22x/materials\""));
}

static void test_model_envelope__item(void **state)
{
    (void)state;
    buf_clear(&out);
    struct json_out j = json_out_start(&out);
    model_envelope_begin(&j);
    json_begin_object(&j);
    json_end_object(&j);
    model_envelope_end(&j);
    assert_string_equal(buf_text(&out), "{\"data\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_envelope__middle_page),
        cmocka_unit_test(test_model_envelope__empty_list),
        cmocka_unit_test(test_model_envelope__behind_the_end),
        cmocka_unit_test(test_model_envelope__exact_last_page),
        cmocka_unit_test(test_model_envelope__key_in_path),
        cmocka_unit_test(test_model_envelope__item),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
