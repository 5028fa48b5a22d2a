// What the basic types promise: bytes, buffers, numbers, times, ids, JSON text.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_base_bytes__numbers_are_strict(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"100000000000000000000", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
        {"1e3", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        bool good = bytes_to_u64(bytes_of_text(cases[i].text), UINT64_MAX, &value);
        assert_int_equal(good, cases[i].good);
        assert_int_equal(value, cases[i].value);
    }
    uint64_t value = 7;
    assert_true(bytes_to_u64(BYTES("500"), 500, &value));
    assert_false(bytes_to_u64(BYTES("501"), 500, &value));
    assert_int_equal(value, 500);
}

static void test_base_bytes__utf8_is_strict(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x9a\x82", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xc0\x80", false},         // overlong NUL
        {"\xc1\xbf", false},         // overlong
        {"\xe0\x80\x80", false},     // overlong
        {"\xed\xa0\x80", false},     // surrogate
        {"\xf4\x90\x80\x80", false}, // beyond U+10FFFF
        {"\xf5\x80\x80\x80", false}, // no such lead
        {"\x80", false},             // continuation alone
        {"\xe2\x82", false},         // cut
        {"\xc3", false},             // cut
        {"a\xff", false},            //
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(bytes_is_utf8(bytes_of_text(cases[i].text)), cases[i].good);
    }
}

static void test_base_bytes__split_gives_each_piece_once(void **state)
{
    struct bytes rest = BYTES("a,,b,"), piece = {0};
    char joined[32] = "";
    (void)state;
    while (bytes_split(&rest, ',', &piece)) {
        size_t at = strlen(joined);
        snprintf(joined + at, sizeof joined - at, "[%.*s]", BYTES_ARG(piece));
    }
    assert_string_equal(joined, "[a][][b][]");
}

static void test_base_bytes__text_with_nul_or_too_long_is_refused(void **state)
{
    char out[4] = "xxx";
    (void)state;
    assert_true(bytes_to_text(BYTES("abc"), out, sizeof out));
    assert_string_equal(out, "abc");
    assert_false(bytes_to_text(BYTES("abcd"), out, sizeof out));
    assert_string_equal(out, "");
    assert_false(bytes_to_text(BYTES("a\0b"), out, sizeof out));
}

static void test_base_buf__stops_at_its_maximum(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    for (int i = 0; i < 100; i++) {
        buf_append_byte(&b, 'x');
    }
    assert_int_equal(buf_error(&b), FP_OK);
    buf_append_byte(&b, 'x');
    assert_int_equal(buf_error(&b), FP_E_LIMIT_EXCEEDED);
    assert_int_equal(b.len, 100);
    buf_clear(&b);
    buf_append_text(&b, "again");
    assert_int_equal(buf_error(&b), FP_OK);
    assert_string_equal(buf_text(&b), "again");
    buf_done(&b);
}

static void test_base_buf__survives_every_failed_allocation(void **state)
{
    (void)state;
    for (unsigned long n = 1; n < 10; n++) {
        struct buf b;
        buf_init_sensitive(&b, 4096);
        mem_fail_at(n);
        for (int i = 0; i < 1000; i++) {
            buf_printf(&b, "%d", i);
        }
        if (mem_count() < n) {
            assert_int_equal(buf_error(&b), FP_OK);
        } else {
            assert_int_equal(buf_error(&b), FP_E_NO_MEMORY);
        }
        mem_fail_at(0);
        buf_done(&b);
    }
}

static void test_base_buf__sensitive_content_is_wiped(void **state)
{
    struct buf b;
    (void)state;
    buf_init_sensitive(&b, 4096);
    buf_append_text(&b, "very secret words");
    uint8_t *memory = b.ptr;
    buf_clear(&b);
    for (size_t i = 0; i < b.room; i++) {
        assert_int_equal(memory[i], 0);
    }
    buf_append_text(&b, "0123456789");
    buf_consume(&b, 6);
    assert_string_equal(buf_text(&b), "6789");
    assert_int_equal(memory[5], 0);
    buf_done(&b);
}

static int released;

static void count_release(void *object)
{
    released += *(int *)object;
}

static void test_base_arena__holds_its_maximum_and_runs_hooks(void **state)
{
    struct arena *arena = arena_create(10000, true);
    int one = 1, ten = 10;
    (void)state;
    assert_non_null(arena);
    assert_true(arena_hang(arena, count_release, &one));
    assert_true(arena_hang(arena, count_release, &ten));
    assert_non_null(arena_alloc(arena, 1, 6000));
    assert_null(arena_alloc(arena, 1, 6000));
    assert_null(arena_alloc(arena, SIZE_MAX / 2, 4));
    assert_string_equal(arena_text(arena, BYTES("text")), "text");
    released = 0;
    arena_reset(arena);
    assert_int_equal(released, 11);
    assert_int_equal(arena_used(arena), 0);
    assert_non_null(arena_alloc(arena, 1, 6000));
    arena_free(arena);
}

static void test_base_clock__formats_and_reads_rfc3339(void **state)
{
    static const struct {
        const char *text;
        const char *written; // NULL: refused
    } cases[] = {
        {"2026-11-24T13:52:57.123Z", "2026-11-24T13:52:57.123Z"},
        {"2026-11-24T13:52:57.123456Z", "2026-11-24T13:52:57.123Z"},
        {"2026-11-24", "2026-11-24T00:00:00.000Z"},
        {"2026-11-24T15:52:57+02:00", "2026-11-24T13:52:57.000Z"},
        {"2026-11-24T15:52:57+0200", "2026-11-24T13:52:57.000Z"},
        {"2026-11-24 13:52:57", "2026-11-24T13:52:57.000Z"},
        {"2026-11-24T13:52", "2026-11-24T13:52:00.000Z"},
        {"2024-02-29", "2024-02-29T00:00:00.000Z"},
        {"2000-02-29", "2000-02-29T00:00:00.000Z"},
        {"1900-02-29", NULL},
        {"2025-02-29", NULL},
        {"0001-01-01", "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"},
        {"2026-13-01", NULL},
        {"2026-00-01", NULL},
        {"2026-04-31", NULL},
        {"2026-11-24T24:00:00Z", NULL},
        {"2026-11-24T13:52:57.Z", NULL},
        {"2026-11-24T13:52:57+2", NULL},
        {"2026-11-24x", NULL},
        {"26-11-24", NULL},
        {"", NULL},
        {"yesterday", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 0;
        char text[CLOCK_TEXT];
        bool good = clock_parse(bytes_of_text(cases[i].text), &ms);
        if (good != (cases[i].written != NULL)) {
            fail_msg("%s", cases[i].text);
        }
        if (good) {
            clock_text(ms, text);
            assert_string_equal(text, cases[i].written);
        }
    }
}

static void test_base_clock__calendar_agrees_with_itself_over_400_years(void **state)
{
    int64_t year = 0, days = clock_days_from_date(1800, 1, 1);
    unsigned month = 0, day = 0;
    (void)state;
    assert_int_equal(clock_days_from_date(1970, 1, 1), 0);
    for (int64_t end = days + 146097; days < end; days++) {
        clock_date_from_days(days, &year, &month, &day);
        assert_int_equal(clock_days_from_date(year, month, day), days);
    }
}

static void test_base_id__is_valid_sorted_by_time_and_unique(void **state)
{
    char first[ID_TEXT], second[ID_TEXT], again[ID_TEXT];
    (void)state;
    id_make("req", 1000, first);
    id_make("req", 2000, second);
    id_make("req", 2000, again);
    assert_true(id_valid(bytes_of_text(first), "req"));
    assert_false(id_valid(bytes_of_text(first), "con"));
    assert_false(id_valid(BYTES("req_short"), "req"));
    assert_true(strcmp(first, second) < 0);
    assert_string_not_equal(second, again);
}

static void test_base_json_out__escapes_and_nests(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 1000);
    struct json_out j = json_out_start(&b);
    json_begin_object(&j);
    json_member_text(&j, "a\"b", BYTES("q\"\\\n\t\x01 \xc3\xa9 \xff/"));
    json_name(&j, "list");
    json_begin_array(&j);
    json_i64(&j, INT64_MIN);
    json_u64(&j, UINT64_MAX);
    json_null(&j);
    json_begin_object(&j);
    json_end_object(&j);
    json_bool(&j, true);
    json_end_array(&j);
    json_member_text_c(&j, "none", NULL);
    json_member_time(&j, "at", 1);
    json_end_object(&j);
    assert_string_equal(buf_text(&b),
                        "{\"a\\\"b\":\"q\\\"\\\\\\n\\t\\u0001 \xc3\xa9 \xef\xbf\xbd/\",\"list\":["
                        "-9223372036854775808,18446744073709551615,null,{},true],\"none\":null,"
                        "\"at\":\"1970-01-01T00:00:00.001Z\"}");
    buf_done(&b);
}

static void test_base_json_out__depth_is_counted_outside_of_strings(void **state)
{
    (void)state;
    assert_true(json_depth_within(BYTES("[[1]]"), 2));
    assert_false(json_depth_within(BYTES("[[[1]]]"), 2));
    assert_true(json_depth_within(BYTES("[\"[[[[\\\"[[[\"]"), 1));
    assert_true(json_depth_within(BYTES("[],[],[],{}"), 1));
}

static void test_base_note__is_cut_at_a_character(void **state)
{
    struct fp_note note;
    char words[1000];
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(words, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof words; i += 3) {
            memcpy(words + i, "\xe2\x82\xac", 4);
        }
        fp_note_set(&note, "field", "%s", words);
        assert_true(bytes_is_utf8(bytes_of_text(note.text)));
        assert_in_range(strlen(note.text), sizeof note.text - 4, sizeof note.text - 1);
    }
}

static void test_base_error__every_row_is_whole(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FP_ERROR_COUNT; i++) {
        const struct fp_error_row *row = fp_error_row((enum fp_error)i);
        assert_in_range(row->status, 400, 599);
        assert_true(row->code[0] != 0 && row->message[0] != 0 && row->next_step[0] != 0);
        assert_true(row->message[strlen(row->message) - 1] == '.');
    }
    assert_string_equal(fp_error_code((enum fp_error)100000), "INTERNAL");
}

static void test_base_limits__every_row_says_why(void **state)
{
    size_t count = 0;
    const struct fp_limit_row *rows = fp_limit_rows(&count);
    (void)state;
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        assert_true(rows[i].value > 0 && strlen(rows[i].why) > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_bytes__numbers_are_strict),
        cmocka_unit_test(test_base_bytes__utf8_is_strict),
        cmocka_unit_test(test_base_bytes__split_gives_each_piece_once),
        cmocka_unit_test(test_base_bytes__text_with_nul_or_too_long_is_refused),
        cmocka_unit_test(test_base_buf__stops_at_its_maximum),
        cmocka_unit_test(test_base_buf__survives_every_failed_allocation),
        cmocka_unit_test(test_base_buf__sensitive_content_is_wiped),
        cmocka_unit_test(test_base_arena__holds_its_maximum_and_runs_hooks),
        cmocka_unit_test(test_base_clock__formats_and_reads_rfc3339),
        cmocka_unit_test(test_base_clock__calendar_agrees_with_itself_over_400_years),
        cmocka_unit_test(test_base_id__is_valid_sorted_by_time_and_unique),
        cmocka_unit_test(test_base_json_out__escapes_and_nests),
        cmocka_unit_test(test_base_json_out__depth_is_counted_outside_of_strings),
        cmocka_unit_test(test_base_note__is_cut_at_a_character),
        cmocka_unit_test(test_base_error__every_row_is_whole),
        cmocka_unit_test(test_base_limits__every_row_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
