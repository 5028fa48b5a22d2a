// Bodies of the operations on connections: strict types, one row for each wrong field.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// The body, and the errors as they come out; NULL: accepted.
struct row {
    const char *body;   // as sent
    const char *errors; // rows expected, in short: "field:CODE field:CODE"; NULL: accepted
    const char *result; // expected output of an accepted one
};

// Up to the next quote.
static void append_word(struct buf *out, const char *at)
{
    buf_append(out, at, (size_t)(strchr(at, '"') - at));
}

// "field:CODE" of each row, with blanks between.
static void shorten(const char *json, struct buf *out)
{
    for (const char *at = json; (at = strstr(at, "{\"field\":\"")) != NULL;) {
        at += 10;
        if (out->len != 0) {
            buf_append_byte(out, ' ');
        }
        append_word(out, at);
        buf_append_byte(out, ':');
        append_word(out, strstr(at, "\"code\":\"") + 8);
    }
}

static void check(const struct row *row, bool metadata)
{
    struct arena *arena = arena_create(1u << 22, true);
    struct fp_note note = {0};
    struct buf errors;
    struct json_out j = json_out_start(&errors);
    struct connection_body body = {0};
    struct bytes result = {0};
    enum fp_error error = FP_OK;
    struct buf found;
    buf_init(&found, 1024);
    buf_init(&errors, 65536);
    print_message("%s\n", row->body);
    json_begin_array(&j);
    if (metadata) {
        error = metadata_body_parse(bytes_of_text(row->body), arena, &j, &note, &result);
    } else {
        error = connection_body_parse(bytes_of_text(row->body), arena, &j, &note, &body);
        result = body.credentials;
    }
    json_end_array(&j);
    shorten(buf_text(&errors), &found);
    if (row->errors == NULL) {
        assert_int_equal(error, FP_OK);
        assert_string_equal(buf_text(&found), "");
        assert_true(bytes_equal_text(result, row->result));
    } else if (row->errors[0] == '\0') {
        assert_int_equal(error, FP_E_REQUEST_BODY_INVALID);
        assert_string_not_equal(note.text, "");
    } else {
        assert_int_equal(error, FP_E_FIELD_INVALID);
        assert_string_equal(buf_text(&found), row->errors);
    }
    buf_done(&errors);
    buf_done(&found);
    arena_free(arena);
}

static void test_auth_request_connection__create(void **state)
{
    static const struct row rows[] = {
        {"{\"name\":\" Plant \",\"email\":\"a@b\",\"provider\":\"tryton\",\"credentials\":"
         "{\"url\":\"http://x\",\"n\":[1,null]},\"more\":1}",
         NULL, "{\"url\":\"http://x\",\"n\":[1,null]}"},
        {"{}", "name:REQUIRED email:REQUIRED provider:REQUIRED credentials:REQUIRED", NULL},
        {"{\"name\":1,\"email\":null,\"provider\":[],\"credentials\":\"x\"}",
         "name:TYPE_INVALID email:TYPE_INVALID provider:TYPE_INVALID credentials:TYPE_INVALID",
         NULL},
        {"{\"name\":\"  \",\"email\":\"a\",\"provider\":\"\",\"credentials\":{}}",
         "name:VALUE_INVALID email:VALUE_INVALID provider:VALUE_INVALID", NULL},
        {"{\"name\":\"a\\u0000b\",\"email\":\"a@b@c\",\"provider\":\"a\\nb\",\"credentials\":{}}",
         "name:VALUE_INVALID email:VALUE_INVALID provider:VALUE_INVALID", NULL},
        {"{\"name\":\"a\",\"name\":\"b\",\"email\":\"@b\",\"provider\":\"t\",\"credentials\":{},"
         "\"credentials\":{}}",
         "name:REPEATED email:VALUE_INVALID credentials:REPEATED", NULL},
        {"{\"name\":\"a\",\"email\":\"a b@c\",\"provider\":\"t\",\"credentials\":[]}",
         "email:VALUE_INVALID credentials:TYPE_INVALID", NULL},
        {"", "", NULL},
        {"[]", "", NULL},
        {"{\"name\":\"a\",}", "", NULL},
        {"{\"name\":\"\xff\"}", "", NULL},
        {"nonsense", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], false);
    }
}

static void test_auth_request_connection__metadata(void **state)
{
    static const struct row rows[] = {
        {"[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"b\",\"value\":\"\\\"\"}]", NULL,
         "{\"a\":\"1\",\"b\":\"\\\"\"}"},
        {"{\"key\":\"a\",\"value\":\"1\"}", NULL, "{\"a\":\"1\"}"},
        {"[]", NULL, "{}"},
        {"[{\"key\":\"a\",\"value\":1},7,{\"value\":\"\"}]",
         "0.value:TYPE_INVALID 1:TYPE_INVALID 2.key:REQUIRED 2.value:VALUE_INVALID", NULL},
        {"[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"a\",\"value\":\"2\"}]", "1.key:REPEATED",
         NULL},
        {"7", "", NULL},
        {"", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], true);
    }
}

static void test_auth_request_connection__ten_thousand_levels(void **state)
{
    static char deep[20001];
    struct row row = {deep, "", NULL};
    (void)state;
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    check(&row, false);
    check(&row, true);
}

static void test_auth_request_connection__too_many_entries(void **state)
{
    struct buf many;
    struct row row = {NULL, "metadata:TOO_MANY", NULL};
    (void)state;
    buf_init(&many, 4096);
    for (int i = 0; i < 51; i++) {
        buf_append_text(&many, i == 0 ? "[" : ",");
        buf_append_text(&many, "{\"key\":\"a\",\"value\":\"b\"}");
    }
    buf_append_text(&many, "]");
    row.body = buf_text(&many);
    check(&row, true);
    buf_done(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_request_connection__create),
        cmocka_unit_test(test_auth_request_connection__metadata),
        cmocka_unit_test(test_auth_request_connection__ten_thousand_levels),
        cmocka_unit_test(test_auth_request_connection__too_many_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
