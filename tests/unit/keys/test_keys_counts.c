// How often a key is used, and how many are held: counted ahead, worn out, nonces, the bounded
// cache. SPDX-License-Identifier: Apache-2.0
#include "keys/keyring.h"

#include "base/mem.h"
#include "keys_rows.h"

#include <stdio.h>
#include <stdlib.h>

static void test_keys_counts__encryptions_are_counted_ahead(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(rows.row[1].reserved, FP_LIMIT_KEY_RESERVE);
    for (unsigned i = 0; i < 2 * FP_LIMIT_KEY_RESERVE + 1; i++) {
        buf_clear(&out);
        assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
        assert_true(rows.row[1].reserved > i); // never more sealed than counted
    }
    assert_int_equal(rows.row[1].reserved, 3 * FP_LIMIT_KEY_RESERVE);
    assert_int_equal(rows.reserves, 2);
    restart(); // what was left of the block is given up
    assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
    assert_int_equal(rows.row[1].reserved, 4 * FP_LIMIT_KEY_RESERVE);
    buf_done(&out);
}

static void test_keys_counts__no_count_no_seal(void **state)
{
    struct buf out;
    (void)state;
    restart();
    buf_init(&out, 1 << 20);
    assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
    for (unsigned i = 1; i < FP_LIMIT_KEY_RESERVE; i++) {
        assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
    }
    rows.fail = FP_E_STORE_UNAVAILABLE;
    buf_clear(&out);
    assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_E_STORE_UNAVAILABLE);
    assert_int_equal(out.len, 0);
    rows.fail = FP_OK;
    assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
    buf_done(&out);
}

static void test_keys_counts__worn_out_key_seals_no_more(void **state)
{
    struct buf out, before;
    unsigned sealed = 0;
    enum fp_error error = FP_OK;
    (void)state;
    seal("before", &before);
    rows.row[1].reserved = FP_LIMIT_KEY_ENCRYPTIONS - FP_LIMIT_KEY_RESERVE;
    restart();
    buf_init(&out, 1 << 20);
    while ((error = keyring_seal(ring, &place, BYTES("x"), &out)) == FP_OK) {
        sealed++;
        assert_true(sealed <= FP_LIMIT_KEY_RESERVE);
    }
    assert_int_equal(error, FP_E_KEY_EXHAUSTED);
    assert_int_equal(sealed, FP_LIMIT_KEY_RESERVE);
    assert_int_equal(rows.row[1].reserved, FP_LIMIT_KEY_ENCRYPTIONS);
    assert_opens(buf_bytes(&before), "before"); // it still opens
    make_key(ANNA, 2);
    assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
    buf_done(&out);
    buf_done(&before);
}

static int by_nonce(const void *a, const void *b)
{
    return memcmp(a, b, 12);
}

static void test_keys_counts__nonces_are_unique(void **state)
{
    enum { WRITES = 200000 };
    uint8_t(*nonces)[12] = mem_alloc(WRITES, 12);
    struct buf out;
    (void)state;
    assert_non_null(nonces);
    buf_init(&out, 1 << 10);
    for (size_t i = 0; i < WRITES; i++) {
        buf_clear(&out);
        assert_int_equal(keyring_seal(ring, &place, BYTES("x"), &out), FP_OK);
        memcpy(nonces[i], out.ptr + 1 + KEY_ID_SIZE + 4, 12);
    }
    qsort(nonces, WRITES, 12, by_nonce);
    for (size_t i = 1; i < WRITES; i++) {
        assert_memory_not_equal(nonces[i - 1], nonces[i], 12);
    }
    mem_free(nonces);
    buf_done(&out);
}

static void test_keys_counts__cache_is_bounded(void **state)
{
    char name[32];
    struct buf out;
    struct secret opened = {0};
    struct seal_place where = place;
    struct keyring_state was;
    (void)state;
    buf_init(&out, 1 << 10);
    for (unsigned i = 0; i < FP_LIMIT_KEY_CACHE + 500; i++) {
        (void)snprintf(name, sizeof name, "cus_%u", i);
        make_key(name, 1);
    }
    assert_int_equal(keyring_state(ring).cached, FP_LIMIT_KEY_CACHE);
    assert_true(secret_in_use() <= (FP_LIMIT_KEY_CACHE + 8) * 64);
    was = keyring_state(ring);
    where.customer = BYTES("cus_0"); // dropped long ago: comes back from its row
    assert_int_equal(keyring_seal(ring, &where, BYTES("x"), &out), FP_OK);
    assert_int_equal(keyring_open(ring, &where, buf_bytes(&out), &opened), FP_OK);
    secret_done(&opened);
    assert_int_equal(keyring_state(ring).misses, was.misses + 1);
    assert_int_equal(keyring_state(ring).cached, FP_LIMIT_KEY_CACHE);
    buf_done(&out);
}

static void test_keys_counts__forgotten_keys_come_from_the_rows(void **state)
{
    struct secret out = {0};
    struct buf sealed;
    size_t used = secret_in_use();
    (void)state;
    seal("secret", &sealed);
    keyring_forget(ring, ANNA);
    keyring_forget(ring, "nobody");
    assert_true(secret_in_use() < used);
    assert_opens(buf_bytes(&sealed), "secret");
    keyring_forget_all(ring);
    assert_int_equal(keyring_state(ring).cached, 0);
    assert_opens(buf_bytes(&sealed), "secret");
    keyring_forget(ring, ANNA);
    rows.row[1].customer[0] = 'x'; // destroyed
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_STORE_NOT_FOUND);
    buf_done(&sealed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_keys_counts__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(encryptions_are_counted_ahead),
        CASE(no_count_no_seal),
        CASE(worn_out_key_seals_no_more),
        CASE(nonces_are_unique),
        CASE(cache_is_bounded),
        CASE(forgotten_keys_come_from_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
