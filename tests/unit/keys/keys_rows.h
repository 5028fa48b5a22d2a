// Rows of data keys in memory, for tests of the keyring: what the store does for it in the vault. A
// fixture over them: a master key, a keyring, keys of the installation and of two customers.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TESTS_KEYS_ROWS_H
#define FP_TESTS_KEYS_ROWS_H

#include "crypto/setup.h"
#include "keys/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX 6000

struct keys_rows {
    struct keyring_row row[ROWS_MAX]; // in order of arrival
    size_t count;                     // of them
    unsigned finds;                   // calls of find
    unsigned reserves;                // calls of reserve
    enum fp_error fail;               // what both answer instead; FP_OK: nothing
};

static inline enum fp_error rows_find(void *ctx, const char *customer, uint32_t version,
                                      struct keyring_row *out)
{
    struct keys_rows *rows = ctx;
    const struct keyring_row *best = NULL;
    rows->finds++;
    if (rows->fail != FP_OK) {
        return rows->fail;
    }
    for (size_t i = 0; i < rows->count; i++) {
        const struct keyring_row *row = &rows->row[i];
        if (strcmp(row->customer, customer) == 0 &&
            (version == 0 ? best == NULL || row->version > best->version
                          : row->version == version)) {
            best = row;
        }
    }
    if (best == NULL) {
        return FP_E_STORE_NOT_FOUND;
    }
    *out = *best;
    return FP_OK;
}

static inline enum fp_error rows_reserve(void *ctx, const char *customer, uint32_t version,
                                         uint64_t count)
{
    struct keys_rows *rows = ctx;
    rows->reserves++;
    if (rows->fail != FP_OK) {
        return rows->fail;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->row[i].customer, customer) == 0 && rows->row[i].version == version) {
            rows->row[i].reserved += count;
            return FP_OK;
        }
    }
    return FP_E_STORE_NOT_FOUND;
}

static const struct keyring_ops rows_ops = {rows_find, rows_reserve};

#define ANNA "cus_00000000000000000000000001"
#define BERT "cus_00000000000000000000000002"

static struct keys_rows rows;
static struct master_key *master;
static struct keyring *ring;

static const struct seal_place place = {BYTES(ANNA), BYTES("credential"), BYTES("con_1/1"),
                                        BYTES("secret")};

static inline struct master_key *make_master(uint8_t id)
{
    struct secret key = {0};
    struct master_key *m = NULL;
    assert_int_equal(secret_random(MASTER_KEY_SIZE, &key), FP_OK);
    assert_int_equal(master_from_key("test", &key, (struct key_id){{id}}, &m), FP_OK);
    secret_done(&key);
    return m;
}

static inline void make_key(const char *customer, uint32_t version)
{
    assert_true(rows.count < ROWS_MAX);
    assert_int_equal(keyring_make(ring, customer, version, &rows.row[rows.count]), FP_OK);
    rows.count++;
}

static inline int setup(void **state)
{
    (void)state;
    rows.count = 0;
    rows.finds = 0;
    rows.reserves = 0;
    rows.fail = FP_OK;
    if (crypto_setup() != FP_OK) {
        return -1;
    }
    master = make_master(1);
    if (keyring_create(master, &rows_ops, &rows, &ring) != FP_OK) {
        return -1;
    }
    make_key(KEYRING_SYSTEM, 1);
    make_key(ANNA, 1);
    make_key(BERT, 1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    keyring_free(ring);
    master_free(master);
    return secret_in_use() == 0 ? 0 : -1;
}

// A keyring that knows nothing but the rows, as after a restart.
static inline void restart(void)
{
    keyring_free(ring);
    assert_int_equal(keyring_create(master, &rows_ops, &rows, &ring), FP_OK);
}

static inline void seal(const char *plain, struct buf *out)
{
    buf_init(out, 1 << 16);
    assert_int_equal(keyring_seal(ring, &place, bytes_of_text(plain), out), FP_OK);
}

static inline void assert_opens(struct bytes sealed, const char *plain)
{
    struct secret out = {0};
    assert_int_equal(keyring_open(ring, &place, sealed, &out), FP_OK);
    assert_true(secret_equal(&out, bytes_of_text(plain)));
    secret_done(&out);
}

#endif
