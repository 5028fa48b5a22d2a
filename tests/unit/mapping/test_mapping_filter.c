// Filters and sorts in the source's words, and statuses, which are filtered here.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/filter.h"

#include "mapping/set.h"
#include "mapping/statuses.h"
#include "mapping_sample.h"
#include "model/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct mapping *m;
static struct arena *arena;
static struct buf text;
static struct buf errors;

static int setup(void **state)
{
    struct fp_note note = {0};
    (void)state;
    arena = arena_create(64u << 20, false);
    buf_init(&text, 1u << 20);
    buf_init(&errors, 1u << 20);
    return arena == NULL || mapping_load(BYTES(SAMPLE), &m, &note) != FP_OK;
}

static int teardown(void **state)
{
    (void)state;
    mapping_free(m);
    arena_free(arena);
    buf_done(&text);
    buf_done(&errors);
    return 0;
}

static struct model_query parse(unsigned operation, const char *raw)
{
    struct model_query query = {0};
    struct json_out j = json_out_start(&errors);
    buf_clear(&errors);
    enum fp_error error =
        model_query_parse(bytes_of_text(raw), &model_operations[operation], arena, &j, &query);
    if (error != FP_OK) {
        fail_msg("%s: %s", raw, buf_text(&errors));
    }
    return query;
}

// own clauses, a bar, the parents' clauses.
static enum fp_error filter(unsigned operation, const char *raw)
{
    struct mapping_clauses clauses;
    struct model_query query = parse(operation, raw);
    struct json_out j = json_out_start(&errors);
    mapping_clauses_init(&clauses);
    enum fp_error error = mapping_filter(m, mapping_resource_of(m, &model_operations[operation]),
                                         &query, &j, &clauses);
    buf_clear(&text);
    buf_append_bytes(&text, buf_bytes(&clauses.own));
    buf_append_byte(&text, '|');
    buf_append_bytes(&text, buf_bytes(&clauses.parent));
    mapping_clauses_done(&clauses);
    return error;
}

struct row {
    unsigned operation;   // what is asked
    const char *raw;      // query string
    const char *expected; // own|parent
};

#define PO            MODEL_OP_ERP_PURCHASE_ORDERS_LIST
#define PRODUCT       MODEL_OP_ERP_PRODUCTS_LIST
#define STOCK         MODEL_OP_ERP_STOCKS_LIST
#define TAX           MODEL_OP_ERP_TAXES_LIST
#define DAY(y, mo, d) "{\"__class__\":\"date\",\"year\":" #y ",\"month\":" #mo ",\"day\":" #d "}"
#define TIME(y, mo, d, h, mi, s, us)                                                               \
    "{\"__class__\":\"datetime\",\"year\":" #y ",\"month\":" #mo ",\"day\":" #d ",\"hour\":" #h    \
    ",\"minute\":" #mi ",\"second\":" #s ",\"microsecond\":" #us "}"
#define CREATED(op, t) "[\"create_date\",\"" op "\"," t "]"
#define WRITTEN(op, t) "[\"write_date\",\"" op "\"," t "]"
#define UPDATED(op, t)                                                                             \
    "[\"OR\"," WRITTEN(op, t) ",[\"AND\",[\"write_date\",\"=\",null]," CREATED(op, t) "]]"

static const struct row rows[] = {
    {PO, "", "|"},
    {PO, "filter[orderNo]=P-1", "[\"number\",\"=\",\"P-1\"]|"},
    {PO, "filter[orderNo]=", "[\"number\",\"=\",\"\"]|"},
    {PO, "filter[orderNo:contains]=50%25_a%5C",
     "[\"number\",\"ilike\",\"%50\\\\%\\\\_a\\\\\\\\%\"]|"},
    {PO, "filter[orderNo:startsWith]=P", "[\"number\",\"ilike\",\"P%\"]|"},
    {PO, "filter[orderNo:endsWith]=P", "[\"number\",\"ilike\",\"%P\"]|"},
    {PO, "filter[orderNo]=%22%5D%2C%5B", "[\"number\",\"=\",\"\\\"],[\"]|"},
    {PO, "filter[vendorKey]=7", "[\"party\",\"=\",7]|"},
    {PO, "filter[vendorKey]=abc", "[\"id\",\"in\",[]]|"},
    {PO, "filter[key]=007", "[\"id\",\"in\",[]]|"},
    {PO, "filter[statusKey]=confirmed", "[\"state\",\"in\",[\"c\"]]|"},
    {PO, "filter[statusKey]=c", "[\"id\",\"in\",[]]|"},
    {PO, "filter[orderDate]=2026-02-03", "[\"date\",\"=\"," DAY(2026, 2, 3) "]|"},
    {PO, "filter[orderDate]=2026-02-03T01:00:00Z", "[\"id\",\"in\",[]]|"},
    {PO, "filter[orderDate:gt]=2026-02-03T01:00:00Z", "[\"date\",\">\"," DAY(2026, 2, 3) "]|"},
    {PO, "filter[orderDate:gteq]=2026-02-03T01:00:00Z", "[\"date\",\">=\"," DAY(2026, 2, 4) "]|"},
    {PO, "filter[orderDate:lt]=2026-02-03T01:00:00Z", "[\"date\",\"<\"," DAY(2026, 2, 4) "]|"},
    {PO, "filter[orderDate:lteq]=2026-02-03", "[\"date\",\"<=\"," DAY(2026, 2, 3) "]|"},
    {PO, "filter[totalNetValue:gt]=1.50",
     "[\"total\",\">\",{\"__class__\":\"Decimal\",\"decimal\":\"1.50\"}]|"},
    {PO, "filter[updatedAt:gteq]=2026-01-02T03:04:05Z",
     UPDATED(">=", TIME(2026, 1, 2, 3, 4, 5, 0)) "|"},
    {PO, "filter[updatedAt:gt]=2026-01-02T03:04:05.678%2B01:00",
     UPDATED(">=", TIME(2026, 1, 2, 2, 4, 5, 679000)) "|"},
    {PO, "filter[updatedAt:lteq]=2026-01-02", UPDATED("<", TIME(2026, 1, 2, 0, 0, 0, 1000)) "|"},
    {PO, "filter[orderNo]=a&filter[vendorKey]=1", "[\"number\",\"=\",\"a\"],[\"party\",\"=\",1]|"},
    {PO, "filter[orderNo]=a&filter[vendorKey]=1&filterMatch=any",
     "[\"OR\",[\"number\",\"=\",\"a\"],[\"party\",\"=\",1]]|"},
    {PO, "filter[orderNo]=a&filterMatch=any", "[\"number\",\"=\",\"a\"]|"},
    {PRODUCT, "filter[type:startsWith]=G", "[\"kind\",\"in\",[\"goods\"]]|"},
    {PRODUCT, "filter[type:contains]=o", "[\"kind\",\"in\",[\"goods\"]]|"},
    {PRODUCT, "filter[type:endsWith]=x", "[\"id\",\"in\",[]]|"},
    {PRODUCT, "filter[quantity:lt]=-1e2", "[\"quantity\",\"<\",-1e2]|"},
    {TAX, "filter[isActive]=false", "[\"active\",\"=\",false]|"},
    {TAX, "filter[taxPercentage]=19",
     "[\"rate\",\"=\",{\"__class__\":\"Decimal\",\"decimal\":\"0.19\"}]|"},
    {STOCK, "filter[locationKey]=3", "|[\"id\",\"=\",3]"},
    {STOCK, "filter[locationKey]=3&filter[productKey]=4", "[\"id\",\"=\",4]|[\"id\",\"=\",3]"},
};

static void test_mapping_filter__clauses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(filter(rows[i].operation, rows[i].raw), FP_OK);
        if (strcmp(buf_text(&text), rows[i].expected) != 0) {
            fail_msg("%s: %s, not %s", rows[i].raw, buf_text(&text), rows[i].expected);
        }
    }
}

static void test_mapping_filter__equal_times_mean_what_was_written(void **state)
{
    (void)state;
    assert_int_equal(filter(MODEL_OP_ERP_VENDORS_LIST, "filter[createdAt]=2026-01-02"), FP_OK);
    assert_string_equal(buf_text(&text),
                        "[\"AND\"," CREATED(">=", TIME(2026, 1, 2, 0, 0, 0, 0)) "," CREATED(
                            "<", TIME(2026, 1, 3, 0, 0, 0, 0)) "]|");
    assert_int_equal(filter(MODEL_OP_ERP_VENDORS_LIST, "filter[createdAt]=2026-01-02T00:00:00.5Z"),
                     FP_OK);
    assert_string_equal(buf_text(&text),
                        "[\"AND\"," CREATED(">=", TIME(2026, 1, 2, 0, 0, 0, 500000)) "," CREATED(
                            "<", TIME(2026, 1, 2, 0, 0, 0, 501000)) "]|");
}

static void test_mapping_filter__what_the_source_cannot_is_named(void **state)
{
    (void)state;
    static const struct row refused[] = {
        {PO, "filter[title]=a", "filter[title]"},
        {PO, "filter[terms]=net", "filter[terms]"},
        {PO, "filter[notes:contains]=a", "filter[notes:contains]"},
        {PRODUCT, "filter[price]=1", "filter[price]"},
        {STOCK, "filter[key]=3-4", "filter[key]"},
        {STOCK, "filter[locationKey]=3&filter[productKey]=4&filterMatch=any", "filterMatch"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(filter(refused[i].operation, refused[i].raw), FP_E_FILTER_UNSUPPORTED);
        assert_non_null(strstr(buf_text(&errors), refused[i].expected));
    }
}

static enum fp_error order(unsigned operation, const char *raw)
{
    struct model_query query = parse(operation, raw);
    struct json_out j = json_out_start(&errors);
    buf_clear(&text);
    return mapping_order(m, mapping_resource_of(m, &model_operations[operation]), &query, &j,
                         &text);
}

static void test_mapping_filter__orders_end_with_the_key(void **state)
{
    (void)state;
    assert_int_equal(order(PO, ""), FP_OK);
    assert_string_equal(buf_text(&text), "[[\"id\",\"ASC\"]]");
    assert_int_equal(order(PO, "sort[orderDate]=1&sort[orderNo]=0"), FP_OK);
    assert_string_equal(buf_text(&text),
                        "[[\"date\",\"DESC\"],[\"number\",\"ASC\"],[\"id\",\"ASC\"]]");
    assert_int_equal(order(PO, "sort[key]=1"), FP_OK);
    assert_string_equal(buf_text(&text), "[[\"id\",\"DESC\"]]");
    assert_int_equal(order(PRODUCT, "sort[type]=0"), FP_OK);
    assert_int_equal(order(PO, "sort[totalNetValue]=0"), FP_E_SORT_UNSUPPORTED);
    assert_non_null(strstr(buf_text(&errors), "sort[totalNetValue]"));
    assert_int_equal(order(PO, "sort[updatedAt]=0"), FP_E_SORT_UNSUPPORTED);
    assert_int_equal(order(PO, "sort[statusKey]=0"), FP_E_SORT_UNSUPPORTED);
    assert_int_equal(order(STOCK, "sort[quantity]=0"), FP_E_SORT_UNSUPPORTED);
}

static bool key(unsigned operation, const char *value)
{
    struct mapping_clauses clauses;
    mapping_clauses_init(&clauses);
    bool good = mapping_key_clause(m, mapping_resource_of(m, &model_operations[operation]),
                                   bytes_of_text(value), &clauses);
    buf_clear(&text);
    buf_append_bytes(&text, buf_bytes(&clauses.own));
    buf_append_byte(&text, '|');
    buf_append_bytes(&text, buf_bytes(&clauses.parent));
    mapping_clauses_done(&clauses);
    return good;
}

static void test_mapping_filter__keys(void **state)
{
    (void)state;
    static const char *const none[] = {"",    "a",  "1]", "-1",
                                       "1.0", "01", "1 ", "99999999999999999999"};
    assert_true(key(MODEL_OP_ERP_VENDORS_LIST, "12"));
    assert_string_equal(buf_text(&text), "[\"id\",\"=\",12]|");
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(key(MODEL_OP_ERP_VENDORS_LIST, none[i]));
        assert_false(key(STOCK, none[i]));
    }
    assert_true(key(STOCK, "3-9"));
    assert_string_equal(buf_text(&text), "[\"id\",\"=\",9]|[\"id\",\"=\",3]");
    assert_false(key(STOCK, "3-"));
    assert_false(key(STOCK, "-9"));
    assert_false(key(STOCK, "3-9-1"));
}

static uint64_t statuses(const char *raw, const char *expected_first)
{
    struct model_query query = parse(MODEL_OP_ERP_STATUSES_PURCHASE_ORDERS_STATUSES, raw);
    struct json_out j = json_out_start(&text);
    struct json_out e = json_out_start(&errors);
    uint64_t total = 0;
    uint64_t count = 0;
    buf_clear(&text);
    assert_int_equal(mapping_statuses(&m->enumerations[0], &query, &j, &e, &total, &count), FP_OK);
    if (expected_first != NULL) {
        assert_true(bytes_starts_with(buf_bytes(&text), bytes_of_text(expected_first)));
    }
    return total * 100 + count;
}

static void test_mapping_filter__statuses(void **state)
{
    (void)state;
    assert_int_equal(statuses("", "{\"key\":\"draft\",\"organizationKey\":null,\"parentKey\":null,"
                                  "\"name\":\"Draft\",\"code\":\"d\",\"subCode\":null,"
                                  "\"scope\":\"purchase-orders\",\"isActive\":true,"),
                     303);
    assert_int_equal(statuses("per_page=2&page=2", "{\"key\":\"cancelled\""), 301);
    assert_int_equal(statuses("page=9", NULL), 300);
    assert_int_equal(statuses("filter[isActive]=false", "{\"key\":\"cancelled\""), 101);
    assert_int_equal(statuses("filter[name:contains]=AFT", "{\"key\":\"draft\""), 101);
    assert_int_equal(statuses("filter[name]=Draft&filter[code]=c&filterMatch=any", NULL), 202);
    assert_int_equal(statuses("filter[name]=Draft&filter[code]=c", NULL), 0);
    assert_int_equal(statuses("sort[name]=1", "{\"key\":\"draft\""), 303);
    assert_int_equal(statuses("sort[name]=0", "{\"key\":\"cancelled\""), 303);
    assert_int_equal(statuses("sort[isActive]=0", "{\"key\":\"cancelled\""), 303);
}

static void test_mapping_filter__built_in_definitions_load(void **state)
{
    (void)state;
    struct mapping_set *set = NULL;
    struct fp_note note = {0};
    struct fp_note wrong = {0};
    assert_int_equal(mapping_set_load(NULL, &set, &note), FP_OK);
    const struct mapping *tryton = mapping_set_find(set, BYTES("tryton"));
    assert_non_null(tryton);
    assert_int_equal(tryton->proof, PROOF_REAL);
    assert_non_null(mapping_set_find(set, BYTES("redmine")));
    assert_ptr_equal(mapping_set_at(set, 1), tryton); // by name
    assert_null(mapping_set_find(set, BYTES("sap")));
    buf_clear(&text);
    struct json_out j = json_out_start(&text);
    mapping_describe(&j, tryton);
    assert_non_null(strstr(buf_text(&text), "\"proof\":\"real\""));
    assert_non_null(strstr(buf_text(&text), "\"purchase-orders\""));
    mapping_set_free(set);
    assert_int_equal(mapping_set_load("/nonexistent", &set, &wrong), FP_E_IO_FAILED);
    assert_string_equal(wrong.field, "/nonexistent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_filter__clauses),
        cmocka_unit_test(test_mapping_filter__equal_times_mean_what_was_written),
        cmocka_unit_test(test_mapping_filter__what_the_source_cannot_is_named),
        cmocka_unit_test(test_mapping_filter__orders_end_with_the_key),
        cmocka_unit_test(test_mapping_filter__keys),
        cmocka_unit_test(test_mapping_filter__statuses),
        cmocka_unit_test(test_mapping_filter__built_in_definitions_load),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
