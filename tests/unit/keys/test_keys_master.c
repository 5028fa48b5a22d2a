// The master key file: made, read, refused. Wrapping by the local key.
// SPDX-License-Identifier: Apache-2.0
#include "keys/master.h"

#include "base/limits.h"
#include "base/mem.h"
#include "crypto/setup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir_path[64];
static int dir_fd = -1;

static int open_key(const char *name)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void test_keys_master__file_round_trip(void **state)
{
    struct master_key *a = NULL, *b = NULL;
    struct secret key = {0}, back = {0}, derived_a = {0}, derived_b = {0};
    struct key_id id;
    struct buf wrapped;
    struct stat st;
    char text[KEY_ID_TEXT];
    int fd = -1;
    (void)state;
    (void)umask(0); // the mode must not depend on it
    assert_int_equal(master_file_create(dir_fd, "a.key", &id), FP_OK);
    assert_int_equal(master_file_create(dir_fd, "a.key", &id), FP_E_EXISTS);
    fd = open_key("a.key");
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(master_file_read(fd, &a, NULL), FP_OK);
    assert_int_equal(lseek(fd, 7, SEEK_SET), 7); // the position does not matter
    assert_int_equal(master_file_read(fd, &b, NULL), FP_OK);
    assert_true(key_id_equal(master_id(a), &id));
    assert_string_equal(master_source(a), "file");
    key_id_text(&id, text);
    assert_int_equal(strlen(text), 32);

    buf_init(&wrapped, FP_LIMIT_KEY_WRAPPED);
    assert_int_equal(secret_random(32, &key), FP_OK);
    assert_int_equal(master_wrap(a, &key, BYTES("aad"), &wrapped), FP_OK);
    assert_int_equal(wrapped.len, 12 + 32 + 16);
    assert_int_equal(master_unwrap(b, buf_bytes(&wrapped), BYTES("aad"), &back), FP_OK);
    assert_true(secret_equal(&back, secret_bytes(&key)));
    secret_done(&back);
    assert_int_equal(master_unwrap(b, buf_bytes(&wrapped), BYTES("axd"), &back),
                     FP_E_UNSEAL_FAILED);
    for (size_t len = 0; len < wrapped.len; len++) {
        assert_int_equal(master_unwrap(b, bytes_of(wrapped.ptr, len), BYTES("aad"), &back),
                         FP_E_UNSEAL_FAILED);
    }
    assert_int_equal(master_derive(a, BYTES("x"), &derived_a), FP_OK);
    assert_int_equal(master_derive(b, BYTES("x"), &derived_b), FP_OK);
    assert_true(secret_equal(&derived_a, secret_bytes(&derived_b)));
    secret_done(&derived_b);
    assert_int_equal(master_derive(b, BYTES("y"), &derived_b), FP_OK);
    assert_false(secret_equal(&derived_a, secret_bytes(&derived_b)));
    secret_done(&derived_a);
    secret_done(&derived_b);
    secret_done(&key);
    buf_done(&wrapped);
    (void)close(fd);
    master_free(a);
    master_free(b);
    master_free(NULL);
    assert_int_equal(secret_in_use(), 0);
}

static void test_keys_master__file_of_others_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0666, 0610};
    struct master_key *m = NULL;
    struct fp_note note = {0};
    struct key_id id;
    int fd = -1;
    (void)state;
    assert_int_equal(master_file_create(dir_fd, "open.key", &id), FP_OK);
    fd = open_key("open.key");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(fchmod(fd, modes[i]), 0);
        assert_int_equal(master_file_read(fd, &m, &note), FP_E_KEY_INVALID);
        assert_non_null(strstr(note.text, "0600"));
    }
    assert_int_equal(fchmod(fd, 0400), 0);
    assert_int_equal(master_file_read(fd, &m, &note), FP_OK);
    master_free(m);
    (void)close(fd);
}

static void test_keys_master__no_regular_file(void **state)
{
    struct master_key *m = NULL;
    struct fp_note note = {0};
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(master_file_read(fds[0], &m, &note), FP_E_KEY_INVALID);
    assert_int_equal(master_file_read(dir_fd, &m, &note), FP_E_KEY_INVALID);
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_int_equal(master_file_read(fds[0], &m, &note), FP_E_IO_FAILED);
}

// Every byte of the text changed, and the text cut at every byte, is refused.
static void test_keys_master__damaged_text(void **state)
{
    struct secret key = {0}, text = {0};
    struct key_id id = {{1, 2, 3}};
    struct master_key *m = NULL;
    struct fp_note note = {0};
    (void)state;
    assert_int_equal(secret_random(MASTER_KEY_SIZE, &key), FP_OK);
    assert_int_equal(master_text_write(&key, &id, &text), FP_OK);
    assert_int_equal(master_text_parse(secret_bytes(&text), &m, &note), FP_OK);
    master_free(m);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.ptr[i];
        text.ptr[i] = was == 'b' ? 'c' : 'b'; // another hex digit, or something else
        assert_int_equal(master_text_parse(secret_bytes(&text), &m, &note), FP_E_KEY_INVALID);
        assert_in_range(note.line, 1, 4);
        text.ptr[i] = was;
        assert_int_equal(master_text_parse(bytes_of(text.ptr, i), &m, &note),
                         i == text.len - 1 ? FP_OK : FP_E_KEY_INVALID);
        if (i == text.len - 1) {
            master_free(m); // only the last line's end is missing: nothing is lost
        }
    }
    secret_done(&text);
    assert_int_equal(secret_random(31, &text), FP_OK);
    assert_int_equal(master_text_write(&text, &id, &key), FP_E_KEY_INVALID);
    assert_int_equal(master_from_key("x", &text, id, &m), FP_E_KEY_INVALID);
    secret_done(&text);
    secret_done(&key);
    assert_int_equal(secret_in_use(), 0);
}

static void test_keys_master__too_long(void **state)
{
    struct master_key *m = NULL;
    struct fp_note note = {0};
    char zeros[FP_LIMIT_KEY_FILE + 1] = {0};
    int fd = openat(dir_fd, "long.key", O_RDWR | O_CREAT, 0600);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, zeros, sizeof zeros), (ssize_t)sizeof zeros);
    assert_int_equal(master_file_read(fd, &m, &note), FP_E_KEY_INVALID);
    (void)close(fd);
}

// The n-th allocation fails: nothing leaks, no key comes out.
static void test_keys_master__out_of_memory(void **state)
{
    struct master_key *m = NULL;
    struct key_id id;
    enum fp_error error = FP_E_NO_MEMORY;
    int fd = -1;
    (void)state;
    assert_int_equal(master_file_create(dir_fd, "memory.key", &id), FP_OK);
    fd = open_key("memory.key");
    for (unsigned long n = 1; error != FP_OK; n++) {
        mem_fail_at(n);
        error = master_file_read(fd, &m, NULL);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        if (error != FP_OK) {
            assert_int_equal(secret_in_use(), 0);
            assert_true(n < 100);
        }
    }
    master_free(m);
    for (error = FP_E_NO_MEMORY; error != FP_OK;) {
        static unsigned long n;
        mem_fail_at(++n);
        error = master_file_create(dir_fd, "memory2.key", &id);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        assert_int_equal(secret_in_use(), 0);
    }
    (void)close(fd);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir_path, sizeof dir_path, "/tmp/fishplate-keys-XXXXXX");
    if (mkdtemp(dir_path) == NULL || crypto_setup() != FP_OK) {
        return -1;
    }
    dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"a.key", "open.key", "long.key", "memory.key",
                                        "memory2.key"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlinkat(dir_fd, names[i], 0);
    }
    (void)close(dir_fd);
    crypto_shutdown();
    return rmdir(dir_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_master__file_round_trip),
        cmocka_unit_test(test_keys_master__file_of_others_is_refused),
        cmocka_unit_test(test_keys_master__no_regular_file),
        cmocka_unit_test(test_keys_master__damaged_text),
        cmocka_unit_test(test_keys_master__too_long),
        cmocka_unit_test(test_keys_master__out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
