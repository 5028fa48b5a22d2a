// A new master key: everything opens with it and nothing without it, however often the work was
// stopped. SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/key_rows.h"
#include "registry/master_rotation.h"

#include <sys/wait.h>

#define CUSTOMERS 1500 // three pages

static const struct seal_place place = {BYTES("cus_0"), BYTES("credential"), BYTES("con_0/1"),
                                        BYTES("secret")};

static int key_file(const struct fixture *f, const char *name)
{
    char path[128];
    int fd = -1;
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

// Data keys of many customers, a record sealed under the first, and a new master key file. Closed.
static void fill(struct fixture *f, struct buf *sealed)
{
    struct key_id id;
    int dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(master_file_create(dir_fd, "next.key", &id), FP_OK);
    close(dir_fd);
    buf_init(sealed, 4096);
    for (unsigned n = 0; n < CUSTOMERS;) {
        struct store_batch *batch = store_batch_create(f->in.store);
        assert_non_null(batch);
        for (unsigned i = 0; i < 500; i++, n++) {
            struct keyring_row row;
            struct store_data_key stored;
            char customer[ID_TEXT];
            snprintf(customer, sizeof customer, "cus_%u", n / 2);
            assert_int_equal(keyring_make(f->in.ring, customer, 1 + n % 2, &row), FP_OK);
            key_rows_fill(&row, 1, &stored);
            store_insert_data_key(batch, &stored);
            if (n == 0) {
                assert_int_equal(keyring_seal(f->in.ring, &place, BYTES("secret"), sealed), FP_OK);
            }
        }
        assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    }
    fixture_close(f);
}

static enum fp_error rotate(struct fixture *f, const char *from, const char *to,
                            struct master_rotation_result *result)
{
    struct fp_note note = {0};
    struct master_rotation_masters masters = {0};
    int old_fd = key_file(f, from), new_fd = key_file(f, to);
    assert_int_equal(master_file_read(old_fd, &masters.from, NULL), FP_OK);
    assert_int_equal(master_file_read(new_fd, &masters.to, NULL), FP_OK);
    close(old_fd);
    close(new_fd);
    return master_rotation_run(&f->config, &masters, result, &note);
}

static enum fp_error open_with(struct fixture *f, const char *name)
{
    struct fp_note note = {0};
    return fixture_open_with(f, key_file(f, name), &note);
}

static void assert_sealed_opens(struct fixture *f, const struct buf *sealed)
{
    struct secret out = {0};
    assert_int_equal(open_with(f, "next.key"), FP_OK);
    assert_int_equal(keyring_open(f->in.ring, &place, buf_bytes(sealed), &out), FP_OK);
    assert_true(secret_equal(&out, BYTES("secret")));
    secret_done(&out);
}

static void test_registry_master_rotation__all_keys(void **state)
{
    struct fixture *f = *state;
    struct master_rotation_result result = {0};
    struct buf sealed;
    fill(f, &sealed);
    assert_int_equal(rotate(f, "master.key", "next.key", &result), FP_OK);
    assert_int_equal(result.rewrapped, CUSTOMERS + 1); // and the installation's own
    assert_int_equal(result.total, CUSTOMERS + 1);
    assert_false(result.was_done);
    assert_int_equal(open_with(f, "master.key"), FP_E_KEY_OTHER_MASTER);
    assert_sealed_opens(f, &sealed);
    fixture_close(f);
    assert_int_equal(rotate(f, "master.key", "next.key", &result), FP_OK);
    assert_true(result.was_done);
    assert_int_equal(result.rewrapped, 0);
    buf_done(&sealed);
}

static void test_registry_master_rotation__keys_that_do_not_belong(void **state)
{
    struct fixture *f = *state;
    struct master_rotation_result result = {0};
    struct key_id id;
    struct buf sealed;
    int dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fill(f, &sealed);
    assert_int_equal(master_file_create(dir_fd, "third.key", &id), FP_OK);
    close(dir_fd);
    assert_int_equal(rotate(f, "next.key", "third.key", &result), FP_E_KEY_OTHER_MASTER);
    assert_int_equal(open_with(f, "master.key"), FP_OK); // nothing happened
    fixture_close(f);
    buf_done(&sealed);
}

static void test_registry_master_rotation__killed_and_resumed(void **state)
{
    struct fixture *f = *state;
    struct master_rotation_result result = {0};
    struct buf sealed;
    bool interrupted = false;
    fill(f, &sealed);
    // each child does one page more than the last before it dies without a word
    for (unsigned pages = 1; pages <= 2; pages++) {
        int status = 0;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct master_rotation_masters masters = {0};
            struct master_rotation_cursor cursor = {0};
            struct store *store = NULL;
            const struct store_options options = {.location = f->config.store_file};
            struct store_setting claim = {.name = MASTER_ROTATION_SETTING};
            struct store_batch *batch = NULL;
            bool finished = false;
            int old_fd = key_file(f, "master.key"), new_fd = key_file(f, "next.key");
            if (master_file_read(old_fd, &masters.from, NULL) != FP_OK ||
                master_file_read(new_fd, &masters.to, NULL) != FP_OK ||
                store_open(&options, &store, NULL) != FP_OK) {
                _exit(1);
            }
            claim.value = bytes_of(master_id(masters.to)->b, KEY_ID_SIZE);
            batch = store_batch_create(store);
            store_put_setting(batch, &claim);
            if (store_submit_wait(store, batch) != FP_OK) {
                _exit(2);
            }
            for (unsigned i = 0; i < pages; i++) {
                if (master_rotation_page(store, &masters, &cursor, &result, &finished) != FP_OK ||
                    finished) {
                    _exit(3);
                }
            }
            (void)raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(open_with(f, "master.key"), FP_E_KEY_INVALID); // half-way: says so
        interrupted = true;
    }
    assert_true(interrupted);
    assert_int_equal(rotate(f, "master.key", "next.key", &result), FP_OK);
    assert_true(result.rewrapped > 0 && result.rewrapped < CUSTOMERS);
    assert_sealed_opens(f, &sealed);
    buf_done(&sealed);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_registry_master_rotation__##name, fixture_setup,          \
                                    fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_keys),
        CASE(keys_that_do_not_belong),
        CASE(killed_and_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
