// A master key behind a passphrase: opened, refused, changed; a frozen text.
// SPDX-License-Identifier: Apache-2.0
#include "keys/master.h"

#include "base/limits.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct master_cost cheap = {64, 1, 1}; // for speed: no cost of a real key

struct made {
    struct secret good;  // the passphrase
    struct secret other; // not the passphrase
    struct buf text;     // of the key
    struct key_id id;    // its id
};

static int setup(void **state)
{
    static struct made m;
    m = (struct made){0};
    if (crypto_setup() != FP_OK || secret_copy(BYTES("correct horse battery"), &m.good) != FP_OK ||
        secret_copy(BYTES("correct horse batterx"), &m.other) != FP_OK) {
        return -1;
    }
    buf_init(&m.text, FP_LIMIT_KEY_FILE);
    *state = &m;
    return master_passphrase_create(&m.good, &cheap, &m.text, &m.id) == FP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct made *m = *state;
    secret_done(&m->good);
    secret_done(&m->other);
    buf_done(&m->text);
    return secret_in_use() == 0 ? 0 : -1;
}

// Two texts hold the same key when they derive the same.
static void derive(struct bytes text, const struct secret *passphrase, uint8_t out[static 32])
{
    struct master_key *key = NULL;
    struct secret derived = {0};
    assert_int_equal(master_passphrase_open(text, passphrase, &key, NULL), FP_OK);
    assert_int_equal(master_derive(key, BYTES("x"), &derived), FP_OK);
    memcpy(out, derived.ptr, 32);
    secret_done(&derived);
    master_free(key);
}

static void test_keys_passphrase__opens_with_it_alone(void **state)
{
    struct made *m = *state;
    struct master_key *key = NULL;
    struct fp_note note = {0};
    assert_int_equal(master_passphrase_open(buf_bytes(&m->text), &m->other, &key, &note),
                     FP_E_UNSEAL_FAILED);
    assert_string_equal(note.text, "the passphrase is wrong");
    assert_int_equal(master_passphrase_open(buf_bytes(&m->text), &m->good, &key, &note), FP_OK);
    assert_true(key_id_equal(master_id(key), &m->id));
    assert_string_equal(master_source(key), "passphrase");
    master_free(key);
}

static void test_keys_passphrase__changed_without_a_new_key(void **state)
{
    struct made *m = *state;
    struct master_key *key = NULL;
    struct buf next;
    uint8_t before[32], after[32];
    buf_init(&next, FP_LIMIT_KEY_FILE);
    assert_int_equal(master_passphrase_change(buf_bytes(&m->text), &m->other, &m->good, &next),
                     FP_E_UNSEAL_FAILED);
    assert_int_equal(next.len, 0);
    assert_int_equal(master_passphrase_change(buf_bytes(&m->text), &m->good, &m->other, &next),
                     FP_OK);
    assert_int_equal(master_passphrase_open(buf_bytes(&next), &m->good, &key, NULL),
                     FP_E_UNSEAL_FAILED);
    derive(buf_bytes(&m->text), &m->good, before);
    derive(buf_bytes(&next), &m->other, after);
    assert_memory_equal(before, after, sizeof before);
    buf_done(&next);
}

static void test_keys_passphrase__damaged_text(void **state)
{
    struct made *m = *state;
    struct master_key *key = NULL;
    struct fp_note note = {0};
    for (size_t i = 0; i < m->text.len; i++) {
        uint8_t was = m->text.ptr[i];
        m->text.ptr[i] = was == 'b' ? 'c' : 'b';
        assert_int_equal(master_passphrase_open(buf_bytes(&m->text), &m->good, &key, &note),
                         FP_E_KEY_INVALID);
        m->text.ptr[i] = was;
        if (i != m->text.len - 1) { // without the last line's end nothing is lost
            assert_int_equal(
                master_passphrase_open(bytes_of(m->text.ptr, i), &m->good, &key, &note),
                FP_E_KEY_INVALID);
        }
    }
}

// Whoever can write the file makes its checksum fit: the cost is bound to the key, and bounded.
static void test_keys_passphrase__forged_cost(void **state)
{
    static const struct {
        const char *cost;       // instead of "m=64 t=1 p=1"
        enum fp_error expected; // by opening
    } rows[] = {
        {"m=65 t=1 p=1", FP_E_UNSEAL_FAILED},        {"m=64 t=2 p=1", FP_E_UNSEAL_FAILED},
        {"m=64 t=1 p=2", FP_E_UNSEAL_FAILED},        {"m=4294967295 t=1 p=1", FP_E_KEY_INVALID},
        {"m=64 t=4000000000 p=1", FP_E_KEY_INVALID}, {"m=64 t=0 p=1", FP_E_KEY_INVALID},
        {"m=64 t=1 p=0", FP_E_KEY_INVALID},          {"m=7 t=1 p=1", FP_E_KEY_INVALID},
        {"m=64 t=1 p=1 x=1", FP_E_KEY_INVALID},      {"m=64 t=1", FP_E_KEY_INVALID},
        {"m=-1 t=1 p=1", FP_E_KEY_INVALID},          {"m=4294967360 t=1 p=1", FP_E_KEY_INVALID},
    };
    struct made *m = *state;
    const char *text = buf_text(&m->text);
    const char *at = strstr(text, "m=64"), *salt = strstr(text, "salt "),
               *end = strstr(text, "check ");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct master_key *key = NULL;
        struct fp_note note = {0};
        struct buf forged;
        uint8_t check[DIGEST_SIZE];
        buf_init(&forged, FP_LIMIT_KEY_FILE);
        buf_append(&forged, text, (size_t)(at - text));
        buf_printf(&forged, "%s\n", rows[i].cost);
        buf_append(&forged, salt, (size_t)(end - salt));
        assert_int_equal(digest_sha256(buf_bytes(&forged), check), FP_OK);
        buf_append_text(&forged, "check ");
        hex_append(&forged, bytes_of(check, sizeof check));
        buf_append_byte(&forged, '\n');
        assert_int_equal(master_passphrase_open(buf_bytes(&forged), &m->good, &key, &note),
                         rows[i].expected);
        buf_done(&forged);
    }
}

static void test_keys_passphrase__weak_ones_are_refused(void **state)
{
    struct made *m = *state;
    struct master_cost none = {0, 0, 0}, large = {FP_LIMIT_PASSPHRASE_MEMORY + 1, 1, 1};
    struct secret weak = {0};
    struct key_id id;
    struct buf out;
    buf_init(&out, FP_LIMIT_KEY_FILE);
    assert_int_equal(secret_copy(BYTES("fourteen bytes"), &weak), FP_OK);
    assert_int_equal(master_passphrase_create(&weak, &cheap, &out, &id), FP_E_INPUT_INVALID);
    assert_int_equal(master_passphrase_change(buf_bytes(&m->text), &m->good, &weak, &out),
                     FP_E_INPUT_INVALID);
    assert_int_equal(master_passphrase_create(&m->good, &none, &out, &id), FP_E_INPUT_INVALID);
    assert_int_equal(master_passphrase_create(&m->good, &large, &out, &id), FP_E_INPUT_INVALID);
    assert_int_equal(out.len, 0);
    secret_done(&weak);
    buf_done(&out);
}

static void test_keys_passphrase__default_cost(void **state)
{
    struct made *m = *state;
    struct master_key *key = NULL;
    struct key_id id;
    struct buf out;
    buf_init(&out, FP_LIMIT_KEY_FILE);
    assert_int_equal(master_passphrase_create(&m->good, &master_cost_default, &out, &id), FP_OK);
    assert_non_null(strstr(buf_text(&out), "argon2id m=65536 t=3 p=4\n"));
    assert_int_equal(master_passphrase_open(buf_bytes(&out), &m->good, &key, NULL), FP_OK);
    master_free(key);
    buf_done(&out);
}

// Frozen: what this version wrote opens for ever.
static void test_keys_passphrase__version_1_opens(void **state)
{
    struct made *m = *state;
    struct master_key *key = NULL;
    struct fp_note note = {0};
    char text[FP_LIMIT_KEY_FILE], path[1024];
    const char *root = getenv("FISHPLATE_SOURCE_ROOT");
    size_t len = 0;
    FILE *f = NULL;
    (void)snprintf(path, sizeof path, "%s/tests/vectors/passphrase_v1.txt",
                   root != NULL ? root : ".");
    f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("cannot open %s", path);
    }
    len = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    assert_int_equal(master_passphrase_open(bytes_of(text, len), &m->good, &key, &note), FP_OK);
    master_free(key);
}

static void test_keys_passphrase__out_of_memory(void **state)
{
    struct made *m = *state;
    size_t used = secret_in_use();
    enum fp_error error = FP_E_NO_MEMORY;
    for (unsigned long n = 1; error != FP_OK; n++) {
        struct master_key *key = NULL;
        mem_fail_at(n);
        error = master_passphrase_open(buf_bytes(&m->text), &m->good, &key, NULL);
        mem_fail_at(0);
        master_free(key);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        assert_int_equal(secret_in_use(), used);
        assert_true(n < 100);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_keys_passphrase__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(opens_with_it_alone),   CASE(changed_without_a_new_key),
        CASE(damaged_text),          CASE(forged_cost),
        CASE(weak_ones_are_refused), CASE(default_cost),
        CASE(version_1_opens),       CASE(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
