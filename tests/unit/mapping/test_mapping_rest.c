// Definitions of sources that speak plain HTTP: what is wrong is refused at its place; times of all
// forms are read and written. SPDX-License-Identifier: Apache-2.0
#include "mapping/value.h"

#include "../driver/rest_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// A piece of the sample, what takes its place, and a word of the reason. The mistake stands in the
// line of the piece, plus `line`.
struct wrong {
    const char *piece;
    const char *instead;
    unsigned line;
    const char *reason;
};

static const struct wrong wrongs[] = {
    {"driver: rest", "driver: soap", 0, "no driver"},
    {"paging: offset", "paging: sideways", 0, "\"paging\" is none, offset"},
    {"paging: offset", "paging: number", 0, "lacks {page}"},
    {"paging: offset", "paging: cursor", 0, "lacks {cursor}"},
    {"paging: offset", "paging: link", 0, "\"next\" is missing"},
    {"paging: offset", "paging: offset, next: a", 0, "belongs to the pagings"},
    {"page_max: 100", "page_max: many", 0, "\"page_max\" is a number"},
    {"list: {path: \"/{object}.json\", rows", "list: {rows", 0, "\"path\" is missing"},
    {"create: {method: POST", "create: {method: DELETE", 0, "\"method\" is GET"},
    {"\n      key: ticket.id}", "}", 0, "\"key\" or \"key_header\""},
    {"body: {ticket: $record},\n      key", "body: {ticket: 1}, key", 0, "needs $record"},
    {"path: \"/{object}/{key}.json\", record", "path: \"/{objects}/{key}.json\", record", 0,
     "\"objects\" has no value"},
    {"url: \"{credentials.url}/api\"", "url: \"{credentials.url}/{credentials.key}\"", 0,
     "secret must not"},
    {"form: parameters", "form: words", 0, "parameters or expression"},
    {"contains: {\"{field}\": \"~{value}\"}", "contains: \"{field}\"", 0, "One parameter"},
    {"contains: {\"{field}\"", "holds: {\"{field}\"", 0, "is no operator"},
    {"order_max: 2", "order_max: 20", 0, "\"order_max\" is a number"},
    {"operators: [equals]", "operators: [like]", 0, "An operator is equals"},
    {"sort: updated_on}", "sort: {by: a, operators: [equals]}}", 0, "belong to \"filter\""},
    {"time: seconds", "time: soon", 0, "\"time\" is rfc3339"},
    {"only: verify", "only: always", 0, "\"only\" is verify"},
    {"answer: {error: errors}", "answer: {fault: errors}", 0, "\"fault\" is not known"},
    {"      item: null\n", "      item: null\n      list: null\n", 1, "stands twice"},
    {"where: {kind: work}", "where: [kind]", 0, "names with values"},
    {"one: ticket\n", "one: ticket\n    each: {object: x}\n", 1, "\"each\" is not known"},
};

static unsigned line_of(const char *text, const char *at)
{
    unsigned lines = 1;
    for (; text < at; text++) {
        lines += *text == '\n' ? 1 : 0;
    }
    return lines;
}

static bool mistake_is_found(const struct wrong *w)
{
    static char text[16384];
    const char *at = strstr(REST_TICKETS, w->piece);
    struct mapping *m = NULL;
    struct fp_note note = {0};
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - REST_TICKETS), REST_TICKETS,
                   w->instead, at + strlen(w->piece));
    enum fp_error error = mapping_load(bytes_of_text(text), &m, &note);
    mapping_free(m);
    unsigned line = line_of(REST_TICKETS, at) + w->line;
    if (error == FP_E_DEFINITION_INVALID && strstr(note.text, w->reason) != NULL &&
        note.line >= line && note.line <= line + 2) {
        return true;
    }
    print_error("%s: error %d at %u:%u %s, not %u %s\n", w->instead, (int)error, note.line,
                note.column, note.text, line, w->reason);
    return false;
}

static void test_mapping_rest__mistakes_have_a_place_and_a_reason(void **state)
{
    (void)state;
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        missed += mistake_is_found(&wrongs[i]) ? 0 : 1;
    }
    assert_int_equal(missed, 0);
}

static void test_mapping_rest__cut_anywhere_is_refused_or_loads(void **state)
{
    static const char *const samples[] = {REST_TICKETS, REST_NUMBER};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bytes whole = bytes_of_text(samples[i]);
        for (size_t len = 0; len < whole.len; len += 5) {
            struct mapping *m = NULL;
            struct fp_note note = {0};
            enum fp_error error = mapping_load(bytes_slice(whole, 0, len), &m, &note);
            assert_true(error == FP_OK || error == FP_E_DEFINITION_INVALID);
            assert_true(error == FP_OK || note.text[0] != '\0');
            mapping_free(m);
        }
    }
}

static void test_mapping_rest__warns_of_secrets_in_addresses(void **state)
{
    static char text[16384];
    const char *at = strstr(REST_TICKETS, "status_id: ");
    struct mapping *m = NULL;
    struct fp_note note = {0};
    bool found = false;
    (void)state;
    (void)snprintf(text, sizeof text, "%.*skey: \"{credentials.key}\", %s",
                   (int)(at - REST_TICKETS), REST_TICKETS, at);
    assert_int_equal(mapping_load(bytes_of_text(text), &m, &note), FP_OK);
    for (unsigned i = 0; i < m->warning_count; i++) {
        found = found || strstr(m->warnings[i].text, "secret stands in an address") != NULL;
    }
    assert_true(found);
    mapping_free(m);
}

#define NOON 1795521600123 // 2026-11-24T12:00:00.123Z

static void test_mapping_rest__times_are_written(void **state)
{
    static const struct {
        enum mapping_time time;
        const char *instant;
        const char *day;
    } cases[] = {
        {TIME_RFC3339, "2026-11-24T12:00:00.123Z", "2026-11-24"},
        {TIME_SECONDS, "2026-11-24T12:00:00Z", "2026-11-24"},
        {TIME_BARE, "2026-11-24T12:00:00", "2026-11-24"},
        {TIME_SQL, "2026-11-24 12:00:00", "2026-11-24"},
        {TIME_UNIX, "1795521600", "1795521600"},
        {TIME_UNIX_MS, "1795521600123", "1795521600123"},
        {TIME_JSON_DATE, "/Date(1795521600123)/", "/Date(1795521600123)/"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapping_values values = {.time = cases[i].time};
        struct buf text;
        buf_init(&text, 64);
        value_time_text(&values, NOON, false, &text);
        assert_string_equal(buf_text(&text), cases[i].instant);
        buf_clear(&text);
        value_time_text(&values, NOON, true, &text);
        assert_string_equal(buf_text(&text), cases[i].day);
        buf_done(&text);
    }
}

static void test_mapping_rest__times_are_read(void **state)
{
    static const struct {
        enum mapping_time time;
        bool number;
        const char *text;
        bool good;
        int64_t ms;
    } cases[] = {
        {TIME_RFC3339, false, "2026-11-24T12:00:00.123Z", true, NOON},
        {TIME_RFC3339, false, "/Date(1795521600123)/", true, NOON},
        {TIME_RFC3339, false, "/Date(1795521600123+0060)/", true, NOON},
        {TIME_RFC3339, false, "/Date(-1)/", true, -1},
        {TIME_RFC3339, false, "/Date(253402214400000)/", true, 253402214400000},
        {TIME_RFC3339, true, "1795521600", false, 0},
        {TIME_UNIX, true, "1795521600", true, NOON - 123},
        {TIME_UNIX, true, "1795521600.1234", true, NOON},
        {TIME_UNIX, true, "-1.5", true, -1500},
        {TIME_UNIX_MS, true, "1795521600123", true, NOON},
        {TIME_UNIX_MS, true, "9223372036854775807", false, 0},
        {TIME_UNIX, true, "1e9", false, 0},
        {TIME_UNIX, false, "soon", false, 0},
        {TIME_RFC3339, false, "/Date()/", false, 0},
        {TIME_RFC3339, false, "/Date(1)", false, 0},
        {TIME_RFC3339, false, "/Date(1+9999)/", false, 0},
        {TIME_RFC3339, false, "/Date(1x)/", false, 0},
        {TIME_RFC3339, false, "/Date(999999999999999999)/", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapping_values values = {.time = cases[i].time};
        int64_t ms = 0;
        bool good = value_time_plain(&values, bytes_of_text(cases[i].text), cases[i].number, &ms);
        if (good != cases[i].good || ms != cases[i].ms) {
            fail_msg("%s: %d %lld", cases[i].text, good, (long long)ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_rest__mistakes_have_a_place_and_a_reason),
        cmocka_unit_test(test_mapping_rest__cut_anywhere_is_refused_or_loads),
        cmocka_unit_test(test_mapping_rest__warns_of_secrets_in_addresses),
        cmocka_unit_test(test_mapping_rest__times_are_written),
        cmocka_unit_test(test_mapping_rest__times_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
