// Lists of entity tags: which tag they name, compared strongly and weakly (RFC 9110 8.8.3.2).
// SPDX-License-Identifier: Apache-2.0
#include "model/etag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct etag_case {
    const char *list; // of the header
    const char *tag;  // of what is there
    bool strong;      // If-Match names it
    bool weak;        // If-None-Match names it
};

static void test_model_etag__lists(void **state)
{
    static const struct etag_case cases[] = {
        {"\"a\"", "\"a\"", true, true},
        {"W/\"a\"", "\"a\"", false, true},
        {"\"a\"", "W/\"a\"", false, true},
        {"W/\"a\"", "W/\"a\"", false, true},
        {"\"b\"", "\"a\"", false, false},
        {"*", "\"a\"", true, true},
        {" * ", "W/\"a\"", true, true},
        {"\"b\", \"a\"", "\"a\"", true, true},
        {"\"b\" ,,\t\"a\"", "\"a\"", true, true},
        {"\"b,\"", "\"b,\"", true, true},
        {"\"b, \"a\"", "\"a\"", false, false},
        {"\"b\" \"a\"", "\"a\"", false, false},
        {"a", "\"a\"", false, false},
        {"\"a", "\"a\"", false, false},
        {"\"a\"x", "\"a\"", true, true},
        {"x\"a\"", "\"a\"", false, false},
        {"w/\"a\"", "\"a\"", false, false},
        {"*, \"b\"", "\"a\"", false, false},
        {"", "\"a\"", false, false},
        {",", "\"a\"", false, false},
        {"W/", "\"a\"", false, false},
        {"\"\"", "\"\"", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes list = bytes_of_text(cases[i].list);
        struct bytes tag = bytes_of_text(cases[i].tag);
        if (model_etag_listed(list, tag, true) != cases[i].strong ||
            model_etag_listed(list, tag, false) != cases[i].weak) {
            fail_msg("%s with %s", cases[i].list, cases[i].tag);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model_etag__lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
