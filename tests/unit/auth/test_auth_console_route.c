// The dashboard's table: every row is found by its own method and path, nothing else is, and no
// role has more than the owner. SPDX-License-Identifier: Apache-2.0
#include "auth/console_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_auth_console_route__every_row_is_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONSOLE_ACTION_COUNT; i++) {
        const struct console_action_row *row = console_action_row(i);
        const char *mark = strstr(row->path, "{id}");
        struct console_route route = {0};
        char path[128];
        if (mark != NULL) {
            snprintf(path, sizeof path, "%.*scon_1%s", (int)(mark - row->path), row->path,
                     mark + 4);
        } else {
            snprintf(path, sizeof path, "%s", row->path);
        }
        assert_int_equal(
            console_route_find(bytes_of_text(row->method), bytes_of_text(path), &route), FP_OK);
        assert_int_equal(route.action, i);
        assert_true(bytes_equal_text(route.key, mark != NULL ? "con_1" : ""));
    }
    assert_null(console_action_row(CONSOLE_ACTION_COUNT));
}

static void test_auth_console_route__nothing_else_is(void **state)
{
    static const struct {
        const char *method, *path; // asked for
        enum fp_error error;       // of it
    } rows[] = {
        {"GET", "", FP_E_ROUTE_UNKNOWN},
        {"GET", "/", FP_E_ROUTE_UNKNOWN},
        {"GET", "/connections/", FP_E_ROUTE_UNKNOWN},
        {"GET", "//connections", FP_E_ROUTE_UNKNOWN},
        {"GET", "/connections/con_1/nothing", FP_E_ROUTE_UNKNOWN},
        {"GET", "/connections//history", FP_E_ROUTE_UNKNOWN},
        {"GET", "/tokens//rotate", FP_E_ROUTE_UNKNOWN},
        {"get", "/connections", FP_E_METHOD_NOT_ALLOWED},
        {"PUT", "/connections", FP_E_METHOD_NOT_ALLOWED},
        {"POST", "/connections", FP_E_METHOD_NOT_ALLOWED},
        {"DELETE", "/connections/con_1", FP_E_METHOD_NOT_ALLOWED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct console_route route = {0};
        assert_int_equal(
            console_route_find(bytes_of_text(rows[i].method), bytes_of_text(rows[i].path), &route),
            rows[i].error);
    }
}

static void test_auth_console_route__roles(void **state)
{
    enum console_role role = CONSOLE_OWNER;
    (void)state;
    for (unsigned i = 0; i < CONSOLE_ACTION_COUNT; i++) {
        const struct console_action_row *row = console_action_row(i);
        const bool writes =
            strcmp(row->method, "GET") != 0 && strncmp(row->path, "/session", 8) != 0;
        const bool open = (row->roles & 1u) != 0;
        assert_true(open || console_role_may(CONSOLE_OWNER, (enum console_action)i));
        // whoever only looks changes nothing but their own session
        assert_false(writes && console_role_may(CONSOLE_AUDITOR, (enum console_action)i));
        assert_false(strncmp(row->path, "/operators", 10) == 0 && writes &&
                     console_role_may(CONSOLE_ADMINISTRATOR, (enum console_action)i));
    }
    assert_false(console_role_may((enum console_role)0, CONSOLE_SESSION));
    assert_false(console_role_may((enum console_role)5, CONSOLE_SESSION));
    for (unsigned i = 1; i <= CONSOLE_AUDITOR; i++) {
        assert_int_equal(console_role_parse(bytes_of_text(console_role_name(i)), &role), FP_OK);
        assert_int_equal(role, i);
    }
    assert_int_equal(console_role_parse(BYTES("king"), &role), FP_E_INPUT_INVALID);
    assert_int_equal(console_role_parse(BYTES(""), &role), FP_E_INPUT_INVALID);
    assert_string_equal(console_role_name(9), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_console_route__every_row_is_found),
        cmocka_unit_test(test_auth_console_route__nothing_else_is),
        cmocka_unit_test(test_auth_console_route__roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
