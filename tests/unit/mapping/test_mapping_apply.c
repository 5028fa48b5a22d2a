// Records: a table of rows as the source sends them and records as they go out.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/apply.h"

#include "mapping/value.h"
#include "mapping_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mapping *m;
static struct buf out;

static int setup(void **state)
{
    struct fp_note note = {0};
    (void)state;
    buf_init(&out, 4u << 20);
    return mapping_load(BYTES(SAMPLE), &m, &note) != FP_OK;
}

static int teardown(void **state)
{
    (void)state;
    mapping_free(m);
    buf_done(&out);
    return 0;
}

static enum fp_error apply(unsigned resource, const char *row, const char *parent,
                           struct fp_note *note)
{
    yyjson_doc *doc = yyjson_read(row, strlen(row), VALUE_READ_FLAGS);
    yyjson_doc *above = yyjson_read(parent, strlen(parent), VALUE_READ_FLAGS);
    struct mapping_record record = {yyjson_doc_get_root(doc), yyjson_doc_get_root(above)};
    struct json_out j = json_out_start(&out);
    buf_clear(&out);
    assert_non_null(doc);
    enum fp_error error = mapping_apply(m, m->resources[resource], &record, &j, note);
    yyjson_doc_free(doc);
    yyjson_doc_free(above);
    return error;
}

// A member of the record, as JSON; the record must be JSON and have every field of its entity.
static const char *member(unsigned resource, const char *row, const char *name)
{
    static char text[4096];
    struct fp_note note = {0};
    enum fp_error error = apply(resource, row, "{\"id\":3}", &note);
    if (error != FP_OK) {
        fail_msg("%s: %s %s", row, note.field, note.text);
    }
    yyjson_doc *doc = yyjson_read((const char *)out.ptr, out.len, VALUE_READ_FLAGS);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (root == NULL) {
        fail_msg("%s: %s", row, buf_text(&out));
    }
    assert_int_equal(yyjson_obj_size(root), m->resources[resource]->rule_count);
    char *value = yyjson_val_write(yyjson_obj_get(root, name), 0, NULL);
    assert_non_null(value);
    (void)snprintf(text, sizeof text, "%s", value);
    free(value);
    yyjson_doc_free(doc);
    return text;
}

#define DATETIME                                                                                   \
    "{\"__class__\":\"datetime\",\"year\":2026,\"month\":1,\"day\":2,\"hour\":3,\"minute\":4,"     \
    "\"second\":5,\"microsecond\":678901}"

struct row {
    unsigned resource;    // of the sample
    const char *row;      // from the source
    const char *name;     // our field
    const char *expected; // JSON
};

static const struct row rows[] = {
    {MODEL_RESOURCE_VENDORS, "{\"id\":7,\"name\":\"\\u00d1\\\"\"}", "name", "\"\xc3\x91\\\"\""},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7}", "key", "\"7\""},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7}", "name", "null"},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7}", "deletedAt", "null"},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7,\"code\":12}", "code", "\"12\""},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7,\"create_date\":" DATETIME "}", "createdAt",
     "\"2026-01-02T03:04:05.678Z\""},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7,\"create_date\":\"2026-01-02T03:04:05+02:00\"}",
     "createdAt", "\"2026-01-02T01:04:05.000Z\""},
    {MODEL_RESOURCE_VENDORS, "{\"id\":7,\"write_date\":null,\"create_date\":" DATETIME "}",
     "updatedAt", "\"2026-01-02T03:04:05.678Z\""},
    {MODEL_RESOURCE_VENDORS,
     "{\"id\":7,\"write_date\":{\"__class__\":\"datetime\",\"year\":9999,\"month\":12,\"day\":31}}",
     "updatedAt", "\"9999-12-31T00:00:00.000Z\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS,
     "{\"id\":1,\"date\":{\"__class__\":\"date\",\"year\":1,\"month\":1,\"day\":1}}", "orderDate",
     "\"0001-01-01T00:00:00.000Z\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"state\":\"c\"}", "statusKey", "\"confirmed\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"state\":\"new\"}", "statusKey", "\"new\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"state\":null}", "statusKey", "null"},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1}", "terms", "\"net\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS,
     "{\"id\":1,\"total\":{\"__class__\":\"Decimal\",\"decimal\":\"61.70\"}}", "totalNetValue",
     "61.70"},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"total\":\"61.70\"}", "totalNetValue", "61.70"},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"total\":9223372036854775808}", "totalNetValue",
     "9223372036854775808"},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"number\":\"P1\",\"party.\":{\"name\":\"V\"}}",
     "title", "\"V / P1\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"number\":null,\"party.\":{\"name\":\"V\"}}",
     "title", "\"V\""},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"party.\":null}", "title", "null"},
    {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1}", "lineItems", "[]"},
    {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"quantity\":2.0}", "quantity", "2.0"},
    {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"quantity\":1e400}", "quantity", "1e400"},
    {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"kind\":\"goods\"}", "type", "\"goods\""},
    {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"taxes\":[1,22,null]}", "taxKeys", "[\"1\",\"22\"]"},
    {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"taxes\":null}", "taxKeys", "[]"},
    {MODEL_RESOURCE_PRODUCTS,
     "{\"id\":1,\"price\":{\"__class__\":\"Decimal\",\"decimal\":\"1E+2\"}}", "price", "1E+2"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"rate\":\"0.19\"}", "taxPercentage", "19"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"rate\":\"-0.005\"}", "taxPercentage", "-0.5"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"rate\":\"12\"}", "taxPercentage", "1200"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"rate\":\"1e-2\"}", "taxPercentage", "1e0"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"rate\":\"0\"}", "taxPercentage", "0"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"active\":1}", "isActive", "true"},
    {MODEL_RESOURCE_TAXES, "{\"id\":1,\"active\":false}", "isActive", "false"},
    {MODEL_RESOURCE_MATERIALS, "{\"id\":1,\"boms\":[3]}", "isAssembly", "true"},
    {MODEL_RESOURCE_MATERIALS, "{\"id\":1,\"boms\":[]}", "isAssembly", "false"},
    {MODEL_RESOURCE_MATERIALS, "{\"id\":1,\"suppliers.\":[{\"party\":4},{\"party\":null}]}",
     "vendorKeys", "[\"4\"]"},
    {MODEL_RESOURCE_MATERIALS, "{\"id\":1,\"quantity\":5}", "inventory",
     "{\"key\":null,\"code\":null,\"name\":null,\"quantity\":5,\"unitCost\":null,"
     "\"locationKey\":null,\"updatedAt\":null,\"createdAt\":null}"},
    {MODEL_RESOURCE_STOCKS, "{\"id\":9,\"quantity\":1.5}", "key", "\"3-9\""},
    {MODEL_RESOURCE_STOCKS, "{\"id\":9}", "locationKey", "\"3\""},
};

static void test_mapping_apply__rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = member(rows[i].resource, rows[i].row, rows[i].name);
        if (strcmp(got, rows[i].expected) != 0) {
            fail_msg("%s of %s: %s, not %s", rows[i].name, rows[i].row, got, rows[i].expected);
        }
    }
}

static void test_mapping_apply__nested_lists(void **state)
{
    (void)state;
    struct fp_note note = {0};
    assert_int_equal(apply(MODEL_RESOURCE_PURCHASE_ORDERS,
                           "{\"id\":1,\"lines\":[5,6,7],\"lines.\":["
                           "{\"id\":5,\"type\":\"line\",\"product\":2,\"quantity\":3.0,"
                           "\"product.\":{\"name\":\"Seal\"}},"
                           "{\"id\":6,\"type\":\"comment\"},{\"id\":7,\"type\":\"line\"}]}",
                           "{}", &note),
                     FP_OK);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "\"lineItems\":[{\"key\":\"5\""));
    assert_non_null(strstr(text, "\"productKey\":\"2\""));
    assert_non_null(strstr(text, "\"name\":\"Seal\""));
    assert_null(strstr(text, "\"key\":\"6\""));
    assert_non_null(strstr(text, "\"key\":\"7\""));
}

static void test_mapping_apply__wrong_types_name_the_path(void **state)
{
    (void)state;
    static const struct {
        unsigned resource;
        const char *row;
        const char *path;
    } wrong[] = {
        {MODEL_RESOURCE_VENDORS, "{}", "id"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":null}", "id"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":\"x\"}", "id"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":-1}", "id"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":1.5}", "id"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":1,\"name\":{}}", "name"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":1,\"name\":true}", "name"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":1,\"create_date\":17}", "create_date"},
        {MODEL_RESOURCE_VENDORS, "{\"id\":1,\"create_date\":\"soon\"}", "create_date"},
        {MODEL_RESOURCE_VENDORS,
         "{\"id\":1,\"create_date\":{\"__class__\":\"date\",\"year\":2026,\"month\":2,\"day\":30}}",
         "create_date"},
        {MODEL_RESOURCE_VENDORS,
         "{\"id\":1,\"create_date\":{\"__class__\":\"timedelta\",\"seconds\":5}}", "create_date"},
        {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"total\":\"NaN\"}", "total"},
        {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"total\":\"1.\"}", "total"},
        {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"total\":[1]}", "total"},
        {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"lines.\":{}}", "lines"},
        {MODEL_RESOURCE_PURCHASE_ORDERS, "{\"id\":1,\"lines.\":[1]}", "lines"},
        {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"taxes\":7}", "taxes"},
        {MODEL_RESOURCE_PRODUCTS, "{\"id\":1,\"taxes\":[\"a\"]}", "taxes"},
        {MODEL_RESOURCE_TAXES, "{\"id\":1,\"active\":2}", "active"},
        {MODEL_RESOURCE_TAXES, "{\"id\":1,\"active\":\"true\"}", "active"},
        {MODEL_RESOURCE_MATERIALS, "{\"id\":1,\"quantity\":\"many\"}", "quantity"},
        {MODEL_RESOURCE_VENDORS, "[1]", "?"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fp_note note = {0};
        enum fp_error error = apply(wrong[i].resource, wrong[i].row, "{\"id\":3}", &note);
        if (error != FP_E_SOURCE_ANSWER_INVALID || strcmp(note.field, wrong[i].path) != 0) {
            fail_msg("%s: error %d, %s", wrong[i].row, (int)error, note.field);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_apply__rows),
        cmocka_unit_test(test_mapping_apply__nested_lists),
        cmocka_unit_test(test_mapping_apply__wrong_types_name_the_path),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
