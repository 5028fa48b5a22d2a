// The query string: what is understood, and that everything else is refused by its name.
// SPDX-License-Identifier: Apache-2.0
#include "model/query.h"

#include "model/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct buf errors;

static int setup(void **state)
{
    (void)state;
    arena = arena_create(64u << 20, false);
    buf_init(&errors, 1u << 20);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&errors);
    arena_free(arena);
    return 0;
}

static enum fp_error parse_for(unsigned operation, const char *text, struct model_query *out)
{
    struct json_out j = json_out_start(&errors);
    buf_clear(&errors);
    return model_query_parse(bytes_of_text(text), &model_operations[operation], arena, &j, out);
}

static enum fp_error parse(const char *text, struct model_query *out)
{
    return parse_for(MODEL_OP_ERP_PURCHASE_ORDERS_LIST, text, out);
}

static struct model_query good(const char *text)
{
    struct model_query query = {0};
    enum fp_error error = parse(text, &query);
    if (error != FP_OK) {
        print_error("%s: %s\n", text, buf_text(&errors));
    }
    assert_int_equal(error, FP_OK);
    return query;
}

static void test_model_query__defaults(void **state)
{
    (void)state;
    struct model_query q = good("");
    assert_int_equal(q.page, 1);
    assert_int_equal(q.per_page, 25);
    assert_false(q.match_any);
    assert_int_equal(q.filter_count, 0);
    assert_int_equal(model_query_offset(&q), 0);
}

static void test_model_query__pages(void **state)
{
    (void)state;
    struct model_query q = good("page=3&per_page=500");
    assert_int_equal(model_query_offset(&q), 1000);
    assert_int_equal(good("pageSize=7").per_page, 7);
    assert_int_equal(good("pageSize=7&per_page=9").per_page, 9);
    assert_int_equal(good("per_page=9&pageSize=7").per_page, 9);
    assert_int_equal(good("page=1000000000").page, 1000000000);
}

static void test_model_query__filters(void **state)
{
    (void)state;
    struct model_query q = good("filter[orderNo:contains]=A%20b&filter%5BvendorKey%5D=7&"
                                "filter[totalNetValue:gteq]=-12.50&filterMatch=any&"
                                "filter[orderDate:lted]=2026-02-28&filter[updatedAt:gt]="
                                "2026-01-02T03:04:05.678Z&sort[orderNo]=1&sort[updatedAt]=0");
    assert_int_equal(q.filter_count, 5);
    assert_true(q.match_any);
    assert_int_equal(q.filters[0].op, MODEL_CONTAINS);
    assert_true(bytes_equal_text(q.filters[0].value, "A b"));
    assert_true(bytes_equal_text(q.filters[0].name, "filter[orderNo:contains]"));
    assert_string_equal(q.filters[1].field->name, "vendorKey");
    assert_int_equal(q.filters[1].op, MODEL_EQUALS);
    assert_int_equal(q.filters[2].op, MODEL_GREATER_EQUAL);
    assert_int_equal(q.filters[3].op, MODEL_LESS_EQUAL);
    assert_int_equal(q.filters[3].time_unit_ms, 86400000);
    assert_int_equal(q.filters[4].time_unit_ms, 1);
    assert_int_equal(q.filters[4].time_ms % 1000, 678);
    assert_int_equal(q.sort_count, 2);
    assert_true(q.sorts[0].descending);
    assert_false(q.sorts[1].descending);
}

static void test_model_query__booleans(void **state)
{
    (void)state;
    static const char *const texts[] = {"filter[isActive]=true", "filter[isActive]=1"};
    for (size_t i = 0; i < 2; i++) {
        struct model_query q = {0};
        assert_int_equal(parse_for(MODEL_OP_ERP_MATERIALS_LIST, texts[i], &q), FP_OK);
        assert_true(q.filters[0].truth);
    }
}

// Each row: the query, the code of the one error, the parameter that it names.
static void test_model_query__refuses_by_name(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"page=0", "VALUE_INVALID", "page"},
        {"page=-1", "VALUE_INVALID", "page"},
        {"page=100000000000000000000", "VALUE_INVALID", "page"},
        {"page=1000000001", "VALUE_INVALID", "page"},
        {"page=1.0", "VALUE_INVALID", "page"},
        {"page=", "VALUE_INVALID", "page"},
        {"page", "VALUE_INVALID", "page"},
        {"page=%31%00", "ENCODING_INVALID", "page"},
        {"per_page=501", "VALUE_INVALID", "per_page"},
        {"per_page=0", "VALUE_INVALID", "per_page"},
        {"pageSize=501&per_page=5", "VALUE_INVALID", "pageSize"},
        {"page=1&page=2", "PARAMETER_REPEATED", "page"},
        {"filter[orderNo]=a&filter[orderNo]=a", "PARAMETER_REPEATED", "filter[orderNo]"},
        {"limit=5", "PARAMETER_UNKNOWN", "limit"},
        {"Page=5", "PARAMETER_UNKNOWN", "Page"},
        {"=5", "PARAMETER_UNKNOWN", ""},
        {"filter=5", "PARAMETER_UNKNOWN", "filter"},
        {"filter[orderNo=5", "PARAMETER_UNKNOWN", "filter[orderNo"},
        {"filter[nope]=5", "FIELD_UNKNOWN", "filter[nope]"},
        {"filter[]=5", "FIELD_UNKNOWN", "filter[]"},
        {"filter[:gt]=5", "FIELD_UNKNOWN", "filter[:gt]"},
        {"filter[lineItems]=5", "FIELD_NOT_COMPARABLE", "filter[lineItems]"},
        {"filter[lineItems.key]=5", "FIELD_UNKNOWN", "filter[lineItems.key]"},
        {"filter[orderNo:like]=5", "OPERATOR_UNKNOWN", "filter[orderNo:like]"},
        {"filter[orderNo:]=5", "OPERATOR_UNKNOWN", "filter[orderNo:]"},
        {"filter[orderNo:gt:gt]=5", "OPERATOR_UNKNOWN", "filter[orderNo:gt:gt]"},
        {"filter[vendorKey:gt]=5", "OPERATOR_UNFIT", "filter[vendorKey:gt]"},
        {"filter[totalNetValue:contains]=5", "OPERATOR_UNFIT", "filter[totalNetValue:contains]"},
        {"filter[totalNetValue]=abc", "VALUE_INVALID", "filter[totalNetValue]"},
        {"filter[totalNetValue]=1e99999", "VALUE_INVALID", "filter[totalNetValue]"},
        {"filter[totalNetValue]=NaN", "VALUE_INVALID", "filter[totalNetValue]"},
        {"filter[orderDate]=yesterday", "VALUE_INVALID", "filter[orderDate]"},
        {"filter[orderDate]=2026-02-30", "VALUE_INVALID", "filter[orderDate]"},
        {"filter[orderDate]=", "VALUE_INVALID", "filter[orderDate]"},
        {"filter[orderNo]=%ff", "ENCODING_INVALID", "filter[orderNo]"},
        {"filter[orderNo]=%zz", "ENCODING_INVALID", "filter[orderNo]"},
        {"filter[orderNo]=a%0ab", "ENCODING_INVALID", "filter[orderNo]"},
        {"filterMatch=some", "VALUE_INVALID", "filterMatch"},
        {"sort[orderNo]=2", "VALUE_INVALID", "sort[orderNo]"},
        {"sort[orderNo]=asc", "VALUE_INVALID", "sort[orderNo]"},
        {"sort[nope]=1", "FIELD_UNKNOWN", "sort[nope]"},
        {"sort[lineItems]=1", "FIELD_NOT_COMPARABLE", "sort[lineItems]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct model_query q = {0};
        char expected[200];
        assert_int_equal(parse(rows[i][0], &q), FP_E_PARAMETER_INVALID);
        (void)snprintf(expected, sizeof expected, "{\"field\":\"%s\",\"code\":\"%s\"", rows[i][2],
                       rows[i][1]);
        if (strncmp(buf_text(&errors), expected, strlen(expected)) != 0) {
            fail_msg("%s: %s", rows[i][0], buf_text(&errors));
        }
    }
}

static void test_model_query__reports_every_parameter(void **state)
{
    (void)state;
    struct model_query q = {0};
    assert_int_equal(parse("page=0&nope=1&filter[x]=2", &q), FP_E_PARAMETER_INVALID);
    assert_non_null(strstr(buf_text(&errors), "\"page\""));
    assert_non_null(strstr(buf_text(&errors), "\"nope\""));
    assert_non_null(strstr(buf_text(&errors), "\"filter[x]\""));
}

static void test_model_query__items_take_no_parameters(void **state)
{
    (void)state;
    struct model_query q = {0};
    assert_int_equal(parse_for(MODEL_OP_ERP_VENDORS_ITEM, "page=1", &q), FP_E_PARAMETER_INVALID);
    assert_int_equal(parse_for(MODEL_OP_ERP_VENDORS_ITEM, "", &q), FP_OK);
}

static void test_model_query__counts_are_limited(void **state)
{
    (void)state;
    struct buf text;
    struct model_query q = {0};
    buf_init(&text, 1u << 16);
    for (int i = 0; i < 70; i++) {
        buf_printf(&text, "a%d=1&", i);
    }
    assert_int_equal(parse(buf_text(&text), &q), FP_E_PARAMETER_INVALID);
    assert_non_null(strstr(buf_text(&errors), "TOO_MANY"));
    buf_clear(&text);
    buf_append_text(&text, "filter[orderNo]=");
    for (int i = 0; i < FP_LIMIT_FILTER_VALUE; i++) {
        buf_append_byte(&text, 'a');
    }
    assert_int_equal(parse(buf_text(&text), &q), FP_OK);
    buf_append_byte(&text, 'a');
    assert_int_equal(parse(buf_text(&text), &q), FP_E_PARAMETER_INVALID);
    buf_done(&text);
}

static void test_model_query__number_grammar(void **state)
{
    (void)state;
    static const char *const good_ones[] = {"0",     "-0",  "12",    "1.5",
                                            "-0.25", "1e3", "1E+10", "2e-2"};
    static const char *const bad_ones[] = {"",    "-",        "01",  "1.",     ".5", "+1",
                                           "1e",  "1e+",      "0x1", "1 ",     " 1", "1,5",
                                           "NaN", "Infinity", "--1", "1e12345"};
    for (size_t i = 0; i < sizeof good_ones / sizeof good_ones[0]; i++) {
        assert_true(model_number_valid(bytes_of_text(good_ones[i])));
    }
    for (size_t i = 0; i < sizeof bad_ones / sizeof bad_ones[0]; i++) {
        assert_false(model_number_valid(bytes_of_text(bad_ones[i])));
    }
}

static bool selects(const struct model_query *q, const struct model_entity *entity,
                    const char *name)
{
    const struct model_field *field = model_field_find(entity, bytes_of_text(name));
    return model_fields_has(&q->fields, (unsigned)(field - entity->fields));
}

static void test_model_query__fields_that_are_wanted(void **state)
{
    const struct model_entity *entity = model_operations[MODEL_OP_ERP_PURCHASE_ORDERS_LIST].entity;
    struct model_query q = good("fields=orderNo,lineItems,orderNo&include_raw=true");
    (void)state;
    assert_true(q.selects && q.include_raw);
    assert_true(selects(&q, entity, "orderNo") && selects(&q, entity, "lineItems"));
    assert_true(selects(&q, entity, "key"));
    assert_false(selects(&q, entity, "vendorKey"));
    q = good("include_raw=false");
    assert_false(q.selects || q.include_raw);
}

static void test_model_query__views_are_of_records_alone(void **state)
{
    static const struct {
        unsigned operation; // asked for
        const char *text;   // its query
        enum fp_error then; // what becomes of it
    } cases[] = {
        {MODEL_OP_ERP_PURCHASE_ORDERS_ITEM, "fields=orderNo&include_raw=true", FP_OK},
        {MODEL_OP_ERP_PURCHASE_ORDERS_ITEM, "page=1", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_STATUSES_PURCHASE_ORDERS_STATUSES, "fields=name", FP_OK},
        {MODEL_OP_ERP_STATUSES_PURCHASE_ORDERS_STATUSES, "include_raw=true",
         FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_CREATE, "fields=orderNo", FP_E_PARAMETER_INVALID},
        {MODEL_OP_SYSTEM_CONNECTIONS, "fields=name", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_LIST, "fields=", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_LIST, "fields=orderNo,", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_LIST, "fields=orderNo&fields=key", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_LIST, "include_raw=yes", FP_E_PARAMETER_INVALID},
        {MODEL_OP_ERP_PURCHASE_ORDERS_LIST, "fields=lineItems.key", FP_E_PARAMETER_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model_query q = {0};
        if (parse_for(cases[i].operation, cases[i].text, &q) != cases[i].then) {
            fail_msg("%s", cases[i].text);
        }
    }
    assert_int_equal(parse("fields=orderNo,shoeSize", &(struct model_query){0}),
                     FP_E_PARAMETER_INVALID);
    assert_non_null(strstr(buf_text(&errors), "PurchaseOrder has no field \\\"shoeSize\\\"."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_query__defaults),
        cmocka_unit_test(test_model_query__fields_that_are_wanted),
        cmocka_unit_test(test_model_query__views_are_of_records_alone),
        cmocka_unit_test(test_model_query__pages),
        cmocka_unit_test(test_model_query__filters),
        cmocka_unit_test(test_model_query__booleans),
        cmocka_unit_test(test_model_query__refuses_by_name),
        cmocka_unit_test(test_model_query__reports_every_parameter),
        cmocka_unit_test(test_model_query__items_take_no_parameters),
        cmocka_unit_test(test_model_query__counts_are_limited),
        cmocka_unit_test(test_model_query__number_grammar),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
