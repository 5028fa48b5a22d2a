// YAML trees: values, positions, and everything that must be refused with its position.
// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml.h"

#include "base/buf.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_create(64u << 20, false);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const struct yaml_node *parse(const char *text)
{
    const struct yaml_node *root = NULL;
    struct fp_note note = {0};
    enum fp_error error = yaml_parse(bytes_of_text(text), arena, &root, &note);
    if (error != FP_OK) {
        print_error("%u:%u %s\n", note.line, note.column, note.text);
    }
    assert_int_equal(error, FP_OK);
    return root;
}

static void test_yaml_yaml__tree_has_values_and_positions(void **state)
{
    (void)state;
    const struct yaml_node *root = parse("a: 1\nb:\n  - x\n  - 'y z'\nc: {d: true, e: ~}\n");
    uint64_t number = 0;
    bool truth = false;
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 3);
    assert_true(yaml_u64(yaml_member(root, "a"), 10, &number));
    assert_int_equal(number, 1);
    const struct yaml_node *b = yaml_member(root, "b");
    assert_int_equal(b->kind, YAML_LIST);
    assert_int_equal(b->name_line, 2);
    assert_string_equal((const char *)b->first->next->text.ptr, "y z");
    assert_false(b->first->next->plain);
    assert_int_equal(b->first->next->line, 4);
    assert_int_equal(b->first->next->column, 5);
    const struct yaml_node *c = yaml_member(root, "c");
    assert_true(yaml_bool(yaml_member(c, "d"), &truth) && truth);
    assert_true(yaml_is_null(yaml_member(c, "e")));
    assert_null(yaml_member(c, "f"));
    assert_int_equal(parse("")->kind, YAML_MAP);
    assert_int_equal(parse("# only a comment\n")->count, 0);
}

static void test_yaml_yaml__refuses_with_position(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        unsigned column;
    } rows[] = {
        {"a: 1\na: 2\n", 2, 1},  {"a: &x 1\n", 1, 7},          {"a: 1\nb: *x\n", 2, 5},
        {"a: !!int 1\n", 1, 10}, {"a: 1\n--- \nb: 2\n", 2, 1}, {"? [a]\n: 1\n", 1, 3},
        {"a: &x [1]\n", 1, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct yaml_node *root = NULL;
        struct fp_note note = {0};
        enum fp_error error = yaml_parse(bytes_of_text(rows[i].text), arena, &root, &note);
        print_message("%s -> %u:%u %s\n", rows[i].text, note.line, note.column, note.text);
        assert_int_equal(error, FP_E_INPUT_INVALID);
        assert_int_equal(note.line, rows[i].line);
        assert_true(note.text[0] != '\0');
    }
}

static void test_yaml_yaml__syntax_errors_name_the_line(void **state)
{
    (void)state;
    const struct yaml_node *root = NULL;
    struct fp_note note = {0};
    enum fp_error error = yaml_parse(BYTES("a: 1\nb: [1, 2\nc: 3\n"), arena, &root, &note);
    assert_int_equal(error, FP_E_INPUT_INVALID);
    print_message("%u:%u %s\n", note.line, note.column, note.text);
    assert_in_range(note.line, 2, 4);
    assert_true(note.text[0] != '\0');
}

static void test_yaml_yaml__limits_hold(void **state)
{
    (void)state;
    const struct yaml_node *root = NULL;
    struct fp_note note = {0};
    struct buf text;
    buf_init(&text, 4u << 20);
    for (int i = 0; i < 10000; i++) {
        buf_append_byte(&text, '[');
    }
    assert_int_equal(yaml_parse(buf_bytes(&text), arena, &root, &note), FP_E_INPUT_INVALID);
    buf_clear(&text);
    for (int i = 0; i < FP_LIMIT_YAML_NODES + 10; i++) {
        buf_append_text(&text, "- 1\n");
    }
    assert_int_equal(yaml_parse(buf_bytes(&text), arena, &root, &note), FP_E_INPUT_INVALID);
    buf_clear(&text);
    for (int i = 0; i < FP_LIMIT_YAML_MEMBERS + 10; i++) {
        buf_printf(&text, "k%d: 1\n", i);
    }
    assert_int_equal(yaml_parse(buf_bytes(&text), arena, &root, &note), FP_E_INPUT_INVALID);
    assert_int_equal(yaml_parse(BYTES("a: \xff\n"), arena, &root, &note), FP_E_INPUT_INVALID);
    assert_int_equal(yaml_parse(BYTES("a: b\0c\n"), arena, &root, &note), FP_E_INPUT_INVALID);
    buf_done(&text);
}

static void test_yaml_yaml__unknown_member_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", NULL};
    const struct yaml_node *root = parse("a: 1\nc: 2\nb: 3\n");
    const struct yaml_node *unknown = yaml_unknown_member(root, names);
    assert_non_null(unknown);
    assert_int_equal(unknown->name_line, 2);
    assert_null(yaml_unknown_member(parse("b: 1\n"), names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_yaml__tree_has_values_and_positions),
        cmocka_unit_test(test_yaml_yaml__refuses_with_position),
        cmocka_unit_test(test_yaml_yaml__syntax_errors_name_the_line),
        cmocka_unit_test(test_yaml_yaml__limits_hold),
        cmocka_unit_test(test_yaml_yaml__unknown_member_is_found),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
