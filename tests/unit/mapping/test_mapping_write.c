// Bodies become records of the source: what is sent exactly, and what is refused with which field.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/write.h"

#include "mapping_sample.h"

#include "base/limits.h"
#include "mapping/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mapping *sample;
static struct buf out;
static struct buf rows;

static int setup(void **state)
{
    struct fp_note note = {0};
    (void)state;
    return mapping_load(BYTES(SAMPLE), &sample, &note) != FP_OK;
}

static int teardown(void **state)
{
    (void)state;
    mapping_free(sample);
    buf_done(&out);
    buf_done(&rows);
    return 0;
}

static yyjson_doc *parse(const char *text)
{
    return text == NULL ? NULL : yyjson_read(text, strlen(text), VALUE_READ_FLAGS);
}

struct attempt {
    enum model_resource_id resource; // whose
    bool create;                     // or change
    const char *body;                // as sent
    const char *before;              // the source's record; NULL: unknown
    const char *members;             // found by searches; NULL: none
    bool state_only;                 // .../status
};

static enum fp_error attempt(const struct attempt *a)
{
    yyjson_doc *body = parse(a->body);
    yyjson_doc *before = parse(a->before);
    buf_done(&out);
    buf_done(&rows);
    buf_init(&out, 1u << 22);
    buf_init(&rows, 8190);
    struct json_out errors = json_out_start(&rows);
    struct mapping_write_job job = {.mapping = sample,
                                    .resource = sample->resources[a->resource],
                                    .body = yyjson_doc_get_root(body),
                                    .before = yyjson_doc_get_root(before),
                                    .create = a->create,
                                    .state_only = a->state_only};
    enum fp_error error = mapping_write(&job, bytes_of_text(a->members), &errors, &out);
    assert_int_equal(buf_error(&rows), FP_OK);
    yyjson_doc_free(body);
    yyjson_doc_free(before);
    return error;
}

static void gives(enum model_resource_id resource, bool create, const char *body,
                  const char *expected)
{
    struct attempt a = {resource, create, body, NULL, NULL, false};
    enum fp_error error = attempt(&a);
    if (error != FP_OK) {
        fail_msg("%s: %s", body, buf_text(&rows));
    }
    assert_string_equal(buf_text(&out), expected);
}

static void refuses(enum model_resource_id resource, bool create, const char *body,
                    const char *field, const char *code)
{
    char wanted[200];
    struct attempt a = {resource, create, body, NULL, NULL, false};
    assert_int_equal(attempt(&a), FP_E_FIELD_INVALID);
    (void)snprintf(wanted, sizeof wanted, "{\"field\":\"%s\",\"code\":\"%s\"", field, code);
    if (strstr(buf_text(&rows), wanted) == NULL) {
        fail_msg("%s: no %s in %s", body, wanted, buf_text(&rows));
    }
}

static enum fp_error state_attempt(enum model_resource_id resource, const char *body)
{
    struct attempt a = {resource, false, body, NULL, NULL, true};
    return attempt(&a);
}

static void state_refuses(enum model_resource_id resource, const char *body, const char *wanted)
{
    assert_int_equal(state_attempt(resource, body), FP_E_FIELD_INVALID);
    if (strstr(buf_text(&rows), wanted) == NULL) {
        fail_msg("%s: no %s in %s", body, wanted, buf_text(&rows));
    }
}

#define VENDORS MODEL_RESOURCE_VENDORS
#define ORDERS  MODEL_RESOURCE_PURCHASE_ORDERS

static void test_mapping_write__new_records_get_what_is_set(void **state)
{
    (void)state;
    gives(VENDORS, true, "{\"name\":\"A\"}", "{\"name\":\"A\",\"supplier\":true}");
    gives(VENDORS, true, "{\"code\":null,\"name\":\"\\u00e9\\n\"}",
          "{\"code\":null,\"name\":\"\xc3\xa9\\n\",\"supplier\":true}");
    struct attempt a = {VENDORS, true, "{\"name\":\"A\"}", NULL, "\"term\":7", false};
    assert_int_equal(attempt(&a), FP_OK);
    assert_string_equal(buf_text(&out), "{\"name\":\"A\",\"supplier\":true,\"term\":7}");
}

static void test_mapping_write__changes_hold_what_was_sent_alone(void **state)
{
    (void)state;
    gives(VENDORS, false, "{}", "{}");
    gives(VENDORS, false, "{\"code\":\"x\"}", "{\"code\":\"x\"}");
    gives(VENDORS, false, "{\"code\":null}", "{\"code\":null}");
}

static void test_mapping_write__values_take_the_source_s_form(void **state)
{
    (void)state;
    gives(ORDERS, false, "{\"orderDate\":\"2026-11-24\"}",
          "{\"date\":{\"__class__\":\"date\",\"year\":2026,\"month\":11,\"day\":24}}");
    gives(ORDERS, false, "{\"orderDate\":\"2026-11-24T02:00:00+02:00\"}",
          "{\"date\":{\"__class__\":\"date\",\"year\":2026,\"month\":11,\"day\":24}}");
    gives(ORDERS, false, "{\"updatedAt\":\"1969-12-31T23:59:58.5Z\"}",
          "{\"seen\":{\"__class__\":\"datetime\",\"year\":1969,\"month\":12,\"day\":31,\"hour\":23,"
          "\"minute\":59,\"second\":58,\"microsecond\":500000}}");
    gives(ORDERS, false, "{\"statusKey\":\"confirmed\"}", "{\"state\":\"c\"}");
    gives(ORDERS, false, "{\"totalNetValue\":1234.5}",
          "{\"total\":{\"__class__\":\"Decimal\",\"decimal\":\"12.345\"}}");
    gives(ORDERS, false, "{\"totalNetValue\":\"0.10\"}",
          "{\"total\":{\"__class__\":\"Decimal\",\"decimal\":\"0.0010\"}}");
    gives(ORDERS, true, "{\"vendorKey\":\"12\"}", "{\"party\":12}");
}

static void test_mapping_write__wrong_values_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *field;
        const char *code;
    } cases[] = {
        {"{\"orderDate\":\"2026-11-24T08:00:00Z\"}", "orderDate", "VALUE_INVALID"},
        {"{\"orderDate\":\"2026-02-30\"}", "orderDate", "VALUE_INVALID"},
        {"{\"orderDate\":\"0000-01-01\"}", "orderDate", "VALUE_INVALID"},
        {"{\"orderDate\":20261124}", "orderDate", "VALUE_INVALID"},
        {"{\"statusKey\":\"c\"}", "statusKey", "VALUE_INVALID"},
        {"{\"statusKey\":\"Confirmed\"}", "statusKey", "VALUE_INVALID"},
        {"{\"totalNetValue\":\"12,5\"}", "totalNetValue", "VALUE_INVALID"},
        {"{\"totalNetValue\":true}", "totalNetValue", "VALUE_INVALID"},
        {"{\"totalNetValue\":1e31}", "totalNetValue", "VALUE_INVALID"},
        {"{\"totalNetValue\":1e-9999}", "totalNetValue", "VALUE_INVALID"},
        {"{\"totalNetValue\":\"NaN\"}", "totalNetValue", "VALUE_INVALID"},
        {"{\"totalNetValue\":12345678901234567890123456789012345678901}", "totalNetValue",
         "VALUE_INVALID"},
        {"{\"vendorKey\":\"12\"}", "vendorKey", "FIELD_READ_ONLY"},
        {"{\"title\":\"x\"}", "title", "FIELD_READ_ONLY"},
        {"{\"key\":\"1\"}", "key", "FIELD_READ_ONLY"},
        {"{\"colour\":1}", "colour", "FIELD_UNKNOWN"},
        {"{\"orderDate\":null,\"orderDate\":null}", "orderDate", "FIELD_REPEATED"},
        {"{\"lineItems\":{}}", "lineItems", "VALUE_INVALID"},
        {"{\"lineItems\":[7]}", "lineItems.0.", "VALUE_INVALID"},
        {"{\"lineItems\":[{\"quantity\":1},{}]}", "lineItems.1.quantity", "FIELD_REQUIRED"},
        {"{\"lineItems\":[{\"quantity\":null}]}", "lineItems.0.quantity", "FIELD_REQUIRED"},
        {"{\"lineItems\":[{\"quantity\":1,\"name\":\"n\"}]}", "lineItems.0.name",
         "FIELD_READ_ONLY"},
        {"{\"lineItems\":[{\"key\":7,\"quantity\":1}]}", "lineItems.0.key", "VALUE_INVALID"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(ORDERS, false, cases[i].body, cases[i].field, cases[i].code);
    }
    refuses(ORDERS, true, "{}", "vendorKey", "FIELD_REQUIRED");
    refuses(ORDERS, true, "{\"vendorKey\":\"01\"}", "vendorKey", "VALUE_INVALID");
    refuses(ORDERS, true, "{\"vendorKey\":12}", "vendorKey", "VALUE_INVALID");
    refuses(ORDERS, true, "{\"vendorKey\":\"1\",\"lineItems\":[{\"key\":\"7\",\"quantity\":1}]}",
            "lineItems.0.key", "VALUE_INVALID");
    refuses(VENDORS, true, "{\"name\":null}", "name", "FIELD_REQUIRED");
    refuses(VENDORS, true, "{\"name\":\"a\\u0000b\"}", "name", "VALUE_INVALID");
    struct attempt a = {VENDORS, true, "[]", NULL, NULL, false};
    assert_int_equal(attempt(&a), FP_E_REQUEST_BODY_INVALID);
}

static void test_mapping_write__not_more_is_said_than_fits(void **state)
{
    (void)state;
    static char body[1u << 16] = "{\"x0\":0";
    size_t at = strlen(body);
    unsigned said = 0;
    for (unsigned i = 1; i < 3000; i++) {
        at += (size_t)snprintf(body + at, sizeof body - at, ",\"\\\"\\\"\\\"%u\":0", i);
    }
    (void)snprintf(body + at, sizeof body - at, "}");
    refuses(VENDORS, false, body, "?", "TOO_MANY");
    for (const char *c = buf_text(&rows); (c = strstr(c, "\"field\":")) != NULL; c++) {
        said++;
    }
    assert_int_equal(said, FP_LIMIT_FIELD_ERRORS);
}

static void test_mapping_write__lists_are_added_changed_and_removed(void **state)
{
    (void)state;
    static const char before[] =
        "{\"id\":3,\"lines.\":[{\"id\":7,\"type\":\"line\"},{\"id\":8,\"type\":\"line\"},"
        "{\"id\":9,\"type\":\"comment\"},{\"id\":10,\"type\":\"line\"}]}";
    gives(ORDERS, true,
          "{\"vendorKey\":\"1\",\"lineItems\":[{\"productKey\":\"5\",\"quantity\":2.5}]}",
          "{\"party\":1,\"lines\":[[\"create\",[{\"product\":5,\"quantity\":2.5,\"type\":\"line\"}]"
          "]]}");
    struct attempt a = {
        ORDERS, false, "{\"lineItems\":[{\"key\":\"8\",\"quantity\":4},{\"quantity\":1}]}",
        before, NULL,  false};
    assert_int_equal(attempt(&a), FP_OK);
    assert_string_equal(buf_text(&out),
                        "{\"lines\":[[\"delete\",[7,10]],[\"write\",[8],{\"quantity\":4}],"
                        "[\"create\",[{\"quantity\":1,\"type\":\"line\"}]]]}");
    a.body = "{\"lineItems\":null}";
    assert_int_equal(attempt(&a), FP_OK);
    assert_string_equal(buf_text(&out), "{\"lines\":[[\"delete\",[7,8,10]]]}");
    // a line of another order, and one that is no line of ours
    a.body = "{\"lineItems\":[{\"key\":\"99\",\"quantity\":4}]}";
    assert_int_equal(attempt(&a), FP_E_FIELD_INVALID);
    a.body = "{\"lineItems\":[{\"key\":\"9\",\"quantity\":4}]}";
    assert_int_equal(attempt(&a), FP_E_FIELD_INVALID);
    a.body = "{\"lineItems\":[{\"key\":\"8\",\"quantity\":4},{\"key\":\"8\",\"quantity\":5}]}";
    assert_int_equal(attempt(&a), FP_E_FIELD_INVALID);
}

static void test_mapping_write__lists_have_an_end(void **state)
{
    (void)state;
    static char body[1u << 16] = "{\"lineItems\":[{\"quantity\":1}";
    size_t at = strlen(body);
    for (unsigned i = 0; i < FP_LIMIT_WRITE_LINES; i++) {
        at += (size_t)snprintf(body + at, sizeof body - at, ",{\"quantity\":1}");
    }
    (void)snprintf(body + at, sizeof body - at, "]}");
    refuses(ORDERS, false, body, "lineItems", "VALUE_INVALID");
}

// M1: .../{key}/status takes either name for the one that the platform writes.
static void test_mapping_write__state_alone(void **state)
{
    (void)state;
    assert_int_equal(state_attempt(ORDERS, "{\"statusKey\":\"confirmed\"}"), FP_OK);
    assert_string_equal(buf_text(&out), "{\"state\":\"c\"}");
    assert_int_equal(state_attempt(ORDERS, "{\"status\":\"confirmed\"}"), FP_OK);
    assert_string_equal(buf_text(&out), "{\"state\":\"c\"}");
    state_refuses(ORDERS, "{}", "{\"field\":\"statusKey\",\"code\":\"FIELD_REQUIRED\"");
    state_refuses(ORDERS, "{\"status\":\"confirmed\",\"statusKey\":\"confirmed\"}",
                  "\"code\":\"FIELD_REPEATED\"");
    state_refuses(ORDERS, "{\"statusKey\":\"confirmed\",\"orderDate\":\"2026-11-24\"}",
                  "{\"field\":\"orderDate\",\"code\":\"FIELD_UNKNOWN\"");
    state_refuses(ORDERS, "{\"statusKey\":\"nonsense\"}", "\"code\":\"VALUE_INVALID\"");
    state_refuses(ORDERS, "{\"\\u0001\":1}", "{\"field\":\"?\"");
    // an entity without a state, or whose state is not written
    state_refuses(VENDORS, "{\"statusKey\":\"x\"}", "{\"field\":\"statusKey\"");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_write__new_records_get_what_is_set),
        cmocka_unit_test(test_mapping_write__changes_hold_what_was_sent_alone),
        cmocka_unit_test(test_mapping_write__values_take_the_source_s_form),
        cmocka_unit_test(test_mapping_write__wrong_values_are_named),
        cmocka_unit_test(test_mapping_write__not_more_is_said_than_fits),
        cmocka_unit_test(test_mapping_write__lists_are_added_changed_and_removed),
        cmocka_unit_test(test_mapping_write__lists_have_an_end),
        cmocka_unit_test(test_mapping_write__state_alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
