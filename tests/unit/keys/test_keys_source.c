// S18: the sources of the master key: the same life for each, and what each refuses.
// SPDX-License-Identifier: Apache-2.0
#include "keys/master.h"

#include "base/limits.h"
#include "base/mem.h"
#include "crypto/setup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir_path[64];
static int dir_fd = -1;
static struct secret passphrase; // that opens
static struct secret other;      // that does not

static const struct secret *needed(const struct master_source *source)
{
    return source->asks == MASTER_ASKS_PASSPHRASE ? &passphrase : NULL;
}

static int open_key(const char *name)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void write_key(const char *name, const void *text, size_t len)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    (void)close(fd);
}

static void assert_same_key(struct master_key *a, struct master_key *b)
{
    struct secret from_a = {0}, from_b = {0};
    assert_true(key_id_equal(master_id(a), master_id(b)));
    assert_int_equal(master_derive(a, BYTES("x"), &from_a), FP_OK);
    assert_int_equal(master_derive(b, BYTES("x"), &from_b), FP_OK);
    assert_true(secret_equal(&from_a, secret_bytes(&from_b)));
    secret_done(&from_a);
    secret_done(&from_b);
}

static void test_keys_source__each_makes_and_opens(void **state)
{
    size_t count = 0;
    (void)state;
    (void)umask(0); // the mode must not depend on it
    for (const struct master_source *one = master_sources; one->make != NULL; one++, count++) {
        struct master_key *a = NULL, *b = NULL;
        struct key_id id;
        struct stat st;
        int fd = -1;
        assert_int_equal(master_source_create(one, needed(one), dir_fd, one->name, &id), FP_OK);
        assert_int_equal(master_source_create(one, needed(one), dir_fd, one->name, &id),
                         FP_E_EXISTS);
        fd = open_key(one->name);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(master_source_open(one, fd, needed(one), &a, NULL), FP_OK);
        assert_int_equal(master_source_open(one, fd, needed(one), &b, NULL), FP_OK);
        assert_string_equal(master_source(a), one->name);
        assert_same_key(a, b);
        assert_ptr_equal(master_source_find(one->name), one);
        master_free(a);
        master_free(b);
        (void)close(fd);
    }
    assert_int_equal(count, 3);
    assert_null(master_source_find("none"));
    assert_null(master_source_find(""));
}

static void test_keys_source__modes(void **state)
{
    (void)state;
    for (const struct master_source *one = master_sources; one->make != NULL; one++) {
        struct secret text = {0};
        struct key_id id;
        int fd = -1;
        (void)unlinkat(dir_fd, "modes", 0);
        assert_int_equal(master_source_create(one, needed(one), dir_fd, "modes", &id), FP_OK);
        fd = open_key("modes");
        for (mode_t mode = 0400; mode <= 0477; mode++) {
            struct fp_note note = {0};
            enum fp_error error = FP_OK;
            // a credential shows the mask of its access list as the group's right to read
            bool good = mode == 0400 || (mode == 0440 && strcmp(one->name, "credential") == 0);
            assert_int_equal(fchmod(fd, mode), 0);
            error = master_source_read(one, fd, &text, &note);
            assert_int_equal(error, good ? FP_OK : FP_E_KEY_INVALID);
            assert_true(good || strstr(note.text, "0600") != NULL);
            secret_done(&text);
        }
        (void)close(fd);
    }
}

static void test_keys_source__passphrases(void **state)
{
    const struct master_source *source = master_source_find("passphrase");
    struct master_key *key = NULL;
    struct fp_note note = {0};
    struct secret small = {0}, none = {0};
    struct key_id id;
    int fd = -1;
    (void)state;
    assert_int_equal(secret_copy(BYTES("fourteen bytes"), &small), FP_OK);
    assert_int_equal(master_source_create(source, &small, dir_fd, "short", &id),
                     FP_E_INPUT_INVALID);
    assert_int_equal(master_source_create(source, NULL, dir_fd, "short", &id), FP_E_INPUT_INVALID);
    assert_int_equal(faccessat(dir_fd, "short", F_OK, 0), -1); // nothing is left behind
    assert_int_equal(master_source_create(source, &passphrase, dir_fd, "asked", &id), FP_OK);
    fd = open_key("asked");
    assert_int_equal(master_source_open(source, fd, &other, &key, &note), FP_E_PASSPHRASE_WRONG);
    assert_int_equal(master_source_open(source, fd, &none, &key, &note), FP_E_PASSPHRASE_WRONG);
    assert_int_equal(master_source_open(source, fd, NULL, &key, &note), FP_E_INPUT_INVALID);
    assert_null(key);
    (void)close(fd);
    secret_done(&small);
}

// The key of one source is named where another one is configured.
static void test_keys_source__of_another_source(void **state)
{
    const struct master_source *file = master_source_find("file");
    const struct master_source *asks = master_source_find("passphrase");
    struct secret text = {0};
    struct fp_note note = {0};
    struct key_id id;
    int plain = -1, wrapped = -1;
    (void)state;
    assert_int_equal(master_source_create(file, NULL, dir_fd, "plain", &id), FP_OK);
    assert_int_equal(master_source_create(asks, &passphrase, dir_fd, "wrapped", &id), FP_OK);
    plain = open_key("plain");
    wrapped = open_key("wrapped");
    assert_int_equal(master_source_read(file, wrapped, &text, &note), FP_E_KEY_INVALID);
    assert_non_null(strstr(note.text, "set keys.source to passphrase"));
    assert_int_equal(master_source_read(asks, plain, &text, &note), FP_E_KEY_INVALID);
    assert_non_null(strstr(note.text, "set keys.source to file"));
    (void)close(plain);
    (void)close(wrapped);
}

// Cut at every byte, with every byte changed, longer than any: refused in form, without a key.
static void test_keys_source__damaged(void **state)
{
    (void)state;
    for (const struct master_source *one = master_sources; one->make != NULL; one++) {
        struct secret text = {0}, back = {0};
        struct key_id id;
        char big[FP_LIMIT_KEY_FILE + 1];
        int fd = -1;
        assert_int_equal(one->make(needed(one), &text, &id), FP_OK);
        for (size_t i = 0; i < text.len; i++) {
            struct fp_note note = {0};
            // an editor may take the last line's end away
            assert_int_equal(one->check(bytes_of(text.ptr, i), &note),
                             i + 1 == text.len ? FP_OK : FP_E_KEY_INVALID);
            assert_true(i + 1 == text.len || note.text[0] != '\0');
            text.ptr[i] ^= 1;
            assert_int_equal(one->check(secret_bytes(&text), &note), FP_E_KEY_INVALID);
            text.ptr[i] ^= 1;
        }
        assert_int_equal(one->check(secret_bytes(&text), NULL), FP_OK);
        memset(big, 'x', sizeof big);
        write_key("damaged", big, sizeof big);
        fd = open_key("damaged");
        assert_int_equal(master_source_read(one, fd, &back, NULL), FP_E_KEY_INVALID);
        (void)close(fd);
        secret_done(&text);
    }
}

// What a token wraps: the text carries it, and only the same key is taken.
static void test_keys_source__wrapped_by_a_token(void **state)
{
    const struct master_source *source = master_source_find("pkcs11");
    struct master_hsm hsm = {.token = "A token", .label = "fishplate"}, back;
    struct master_key *master = NULL;
    struct secret key = {0}, wrong = {0};
    struct fp_note note = {0};
    struct key_id id;
    struct buf text;
    (void)state;
    buf_init(&text, FP_LIMIT_KEY_FILE);
    memset(hsm.id.b, 7, sizeof hsm.id.b);
    memset(hsm.wrapped, 9, sizeof hsm.wrapped);
    assert_int_equal(secret_random(MASTER_KEY_SIZE, &key), FP_OK);
    assert_int_equal(secret_copy(secret_bytes(&key), &wrong), FP_OK);
    wrong.ptr[31] ^= 1;
    assert_int_equal(master_hsm_write(&hsm, &key, &text), FP_OK);
    assert_int_equal(master_hsm_read(buf_bytes(&text), &back, &note), FP_OK);
    assert_memory_equal(&back, &hsm, offsetof(struct master_hsm, proof));
    assert_int_equal(source->open(buf_bytes(&text), &wrong, &master, &note), FP_E_PASSPHRASE_WRONG);
    assert_int_equal(source->open(buf_bytes(&text), &passphrase, &master, &note),
                     FP_E_PASSPHRASE_WRONG);
    assert_int_equal(source->open(buf_bytes(&text), NULL, &master, &note), FP_E_PASSPHRASE_WRONG);
    assert_null(master);
    assert_int_equal(source->open(buf_bytes(&text), &key, &master, &note), FP_OK);
    assert_true(key_id_equal(master_id(master), &hsm.id));
    assert_string_equal(master_source(master), "pkcs11");
    master_free(master);
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(source->check(bytes_of(text.ptr, i), &note),
                         i + 1 == text.len ? FP_OK : FP_E_KEY_INVALID);
        text.ptr[i] ^= 1;
        assert_int_equal(source->check(buf_bytes(&text), &note), FP_E_KEY_INVALID);
        text.ptr[i] ^= 1;
    }
    snprintf(hsm.label, sizeof hsm.label, "two\nlines");
    buf_clear(&text);
    assert_int_equal(master_hsm_write(&hsm, &key, &text), FP_E_INPUT_INVALID);
    // made where the token is, nowhere else
    assert_int_equal(master_source_create(source, &key, dir_fd, "token", &id), FP_E_INPUT_INVALID);
    buf_done(&text);
    secret_done(&key);
    secret_done(&wrong);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir_path, sizeof dir_path, "/tmp/fp-source-XXXXXX");
    if (mkdtemp(dir_path) == NULL || crypto_setup() != FP_OK ||
        secret_copy(BYTES("correct horse battery"), &passphrase) != FP_OK ||
        secret_copy(BYTES("correct horse batterx"), &other) != FP_OK) {
        return -1;
    }
    dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"file",  "credential", "passphrase", "modes",
                                        "asked", "plain",      "wrapped",    "damaged"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlinkat(dir_fd, names[i], 0);
    }
    (void)close(dir_fd);
    secret_done(&passphrase);
    secret_done(&other);
    return rmdir(dir_path) == 0 && secret_in_use() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_source__each_makes_and_opens),
        cmocka_unit_test(test_keys_source__modes),
        cmocka_unit_test(test_keys_source__passphrases),
        cmocka_unit_test(test_keys_source__of_another_source),
        cmocka_unit_test(test_keys_source__damaged),
        cmocka_unit_test(test_keys_source__wrapped_by_a_token),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
