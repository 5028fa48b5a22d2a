// A store put back from an older copy is refused, as often as it is tried: what was revoked since
// would be good again. SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

static void copy_file(const char *from, const char *to)
{
    char chunk[65536];
    ssize_t n = 0;
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, chunk, sizeof chunk)) > 0) {
        assert_int_equal(write(out, chunk, (size_t)n), n);
    }
    assert_int_equal(n, 0);
    close(in);
    close(out);
}

static void write_setting(struct fixture *f, const char *name)
{
    struct store_batch *batch = store_batch_create(f->in.store);
    struct store_setting row = {.value = BYTES("x")};
    assert_non_null(batch);
    snprintf(row.name, sizeof row.name, "%s", name);
    store_put_setting(batch, &row);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
}

static enum fp_error try_open(struct fixture *f, struct fp_note *note)
{
    return fixture_open_with(f, fixture_master(f), note);
}

static void test_registry_rollback__older_store_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fp_note note = {0};
    char copy[128], newest[128];
    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    snprintf(newest, sizeof newest, "%s/newest.db", f->dir);
    fixture_close(f);
    copy_file(f->config.store_file, copy);
    fixture_open(f);
    write_setting(f, "one");
    fixture_close(f);
    copy_file(f->config.store_file, newest);
    copy_file(copy, f->config.store_file);
    for (int i = 0; i < 4; i++) {
        note = (struct fp_note){0};
        assert_int_equal(try_open(f, &note), FP_E_STORE_ROLLED_BACK);
        assert_non_null(strstr(note.text, "generation"));
    }
    copy_file(newest, f->config.store_file);
    assert_int_equal(try_open(f, &note), FP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_rollback__older_store_is_refused,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
