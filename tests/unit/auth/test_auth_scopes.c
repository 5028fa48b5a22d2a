// Scopes: the form as a table, and every combination of list and need that matters. Row S14.
// SPDX-License-Identifier: Apache-2.0
#include "auth/scopes.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *scopes;     // the list
    enum fp_error expected; // of scopes_check()
} forms[] = {
    {"", FP_OK},
    {SCOPES_ALL, FP_OK},
    {"erp:read", FP_OK},
    {"purchase_orders:read purchase_orders:write", FP_OK},
    {"a1_b:write", FP_OK},
    {" erp:read", FP_E_FIELD_INVALID},
    {"erp:read ", FP_E_FIELD_INVALID},
    {"erp:read  eam:read", FP_E_FIELD_INVALID},
    {"erp", FP_E_FIELD_INVALID},
    {"erp:", FP_E_FIELD_INVALID},
    {":read", FP_E_FIELD_INVALID},
    {"erp:admin", FP_E_FIELD_INVALID},
    {"erp:READ", FP_E_FIELD_INVALID},
    {"Erp:read", FP_E_FIELD_INVALID},
    {"purchase-orders:read", FP_E_FIELD_INVALID},
    {"1erp:read", FP_E_FIELD_INVALID},
    {"erp:read:write", FP_E_FIELD_INVALID},
    {"**:read", FP_E_FIELD_INVALID},
    {"erp:read\team:read", FP_E_FIELD_INVALID},
    {"erp:read,eam:read", FP_E_FIELD_INVALID},
};

static void test_auth_scopes__forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct fp_note note = {0};
        assert_int_equal(scopes_check(bytes_of_text(forms[i].scopes), &note), forms[i].expected);
        assert_int_equal(note.text[0] == '\0', forms[i].expected == FP_OK);
    }
}

static void test_auth_scopes__too_long_is_refused(void **state)
{
    char text[FP_LIMIT_SCOPES_TEXT + 8];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = "a:read "[i % 7];
    }
    assert_int_equal(scopes_check(bytes_of(text, 7 * 140 - 1), NULL), FP_OK);
    assert_int_equal(scopes_check(bytes_of(text, FP_LIMIT_SCOPES_TEXT + 1), NULL),
                     FP_E_FIELD_INVALID);
}

static const struct {
    const char *scopes;   // of the token
    const char *domain;   // of the operation
    const char *resource; // of the operation
    bool write;           // of the operation
    bool allowed;         // what must come out
} cases[] = {
    {SCOPES_ALL, "erp", "purchase-orders", false, true},
    {SCOPES_ALL, "erp", "purchase-orders", true, true},
    {"", "erp", "purchase-orders", false, false},
    {"*:read", "erp", "purchase-orders", true, false},
    {"*:write", "erp", "purchase-orders", false, false},
    {"erp:read", "erp", "purchase-orders", false, true},
    {"erp:read", "erp", "purchase-orders", true, false},
    {"erp:read", "eam", "purchase-orders", false, false},
    {"eam:read erp:read", "erp", "vendors", false, true},
    {"purchase_orders:read", "erp", "purchase-orders", false, true},
    {"purchase_orders:read", "wms", "purchase-orders", false, true},
    {"purchase_orders:read", "erp", "purchase-orders.line-items", false, true},
    {"purchase_orders:write", "erp", "purchase-orders/{key}/status", true, true},
    {"purchase_orders:read", "erp", "purchase-requisitions", false, false},
    {"purchase:read", "erp", "purchase-orders", false, false},
    {"purchase_orders_x:read", "erp", "purchase-orders", false, false},
    {"statuses:read", "erp", "statuses/purchase-orders", false, true},
    {"purchase_orders:read", "erp", "statuses/purchase-orders", false, false},
    {"erp:read", "", "raw", false, false},
    {"raw:read", "", "raw/tables", false, true},
    {"vendors:read", "", "", false, false},
};

static void test_auth_scopes__cover_operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope_need need = {bytes_of_text(cases[i].domain), bytes_of_text(cases[i].resource),
                                  cases[i].write};
        assert_int_equal(scopes_allow(bytes_of_text(cases[i].scopes), &need), cases[i].allowed);
    }
}

// What is named as needed is well-formed and would be enough.
static void test_auth_scopes__needed_is_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope_need need = {bytes_of_text(cases[i].domain), bytes_of_text(cases[i].resource),
                                  cases[i].write};
        char text[SCOPE_NEEDED];
        if (need.resource.len == 0) {
            continue;
        }
        scopes_needed(&need, text);
        assert_int_equal(scopes_check(bytes_of_text(text), NULL), FP_OK);
        assert_true(scopes_allow(bytes_of_text(text), &need));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_scopes__forms),
        cmocka_unit_test(test_auth_scopes__too_long_is_refused),
        cmocka_unit_test(test_auth_scopes__cover_operations),
        cmocka_unit_test(test_auth_scopes__needed_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
