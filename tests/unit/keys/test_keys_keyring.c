// S17, S18. Sealing and opening: what is moved, flipped, cut or swapped does not open; rows are
// authenticated. SPDX-License-Identifier: Apache-2.0
#include "keys/keyring.h"

#include "base/mem.h"
#include "keys_rows.h"

static void test_keys_keyring__round_trip(void **state)
{
    struct buf sealed;
    uint32_t version = 0;
    (void)state;
    seal("{\"password\":\"x\"}", &sealed);
    assert_int_equal(sealed.len, 16 + SEAL_OVERHEAD);
    assert_int_equal(sealed.ptr[0], SEAL_FORMAT);
    assert_int_equal(seal_key_version(buf_bytes(&sealed), &version), FP_OK);
    assert_int_equal(version, 1);
    assert_opens(buf_bytes(&sealed), "{\"password\":\"x\"}");
    restart();
    assert_opens(buf_bytes(&sealed), "{\"password\":\"x\"}");
    buf_done(&sealed);
    seal("", &sealed);
    assert_opens(buf_bytes(&sealed), "");
    buf_done(&sealed);
}

static void test_keys_keyring__moved_record_does_not_open(void **state)
{
    const struct seal_place others[] = {
        {BYTES(BERT), place.type, place.record, place.column},
        {place.customer, BYTES("credentia"), BYTES("lcon_1/1"), place.column},
        {place.customer, BYTES("metadata"), place.record, place.column},
        {place.customer, place.type, BYTES("con_1/2"), place.column},
        {place.customer, place.type, BYTES("con_2/1"), place.column},
        {place.customer, place.type, place.record, BYTES("other")},
        {place.customer, place.type, BYTES("con_1/1s"), BYTES("ecret")},
    };
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(keyring_open(ring, &others[i], buf_bytes(&sealed), &out),
                         FP_E_UNSEAL_FAILED);
        assert_null(out.ptr);
    }
    buf_done(&sealed);
}

static void test_keys_keyring__place_must_be_whole(void **state)
{
    char text[600];
    struct buf out;
    struct seal_place bad = place;
    (void)state;
    memset(text, 'x', sizeof text);
    buf_init(&out, 1000);
    bad.column = BYTES("");
    assert_int_equal(keyring_seal(ring, &bad, BYTES("x"), &out), FP_E_INPUT_INVALID);
    bad.column = bytes_of(text, sizeof text);
    assert_int_equal(keyring_seal(ring, &bad, BYTES("x"), &out), FP_E_INPUT_INVALID);
    bad = place;
    bad.customer = bytes_of(text, ID_TEXT);
    assert_int_equal(keyring_seal(ring, &bad, BYTES("x"), &out), FP_E_INPUT_INVALID);
    bad.customer = BYTES("nobody");
    assert_int_equal(keyring_seal(ring, &bad, BYTES("x"), &out), FP_E_STORE_NOT_FOUND);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void test_keys_keyring__flipped_bit_does_not_open(void **state)
{
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        enum fp_error error = FP_OK;
        sealed.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        error = keyring_open(ring, &place, buf_bytes(&sealed), &out);
        // another format, another key version (unknown here), or it does not fit
        assert_int_equal(error, bit < 8                             ? FP_E_INPUT_INVALID
                                : bit >= 17 * 8 && bit < 21 * 8 - 8 ? FP_E_STORE_NOT_FOUND
                                : bit == 20 * 8                     ? FP_E_INPUT_INVALID
                                : bit > 20 * 8 && bit < 21 * 8      ? FP_E_STORE_NOT_FOUND
                                                                    : FP_E_UNSEAL_FAILED);
        assert_null(out.ptr);
        sealed.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_opens(buf_bytes(&sealed), "secret");
    buf_done(&sealed);
}

static void test_keys_keyring__cut_or_longer_does_not_open(void **state)
{
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    for (size_t len = 0; len < sealed.len; len++) {
        assert_int_equal(keyring_open(ring, &place, bytes_of(sealed.ptr, len), &out),
                         len < SEAL_OVERHEAD ? FP_E_INPUT_TRUNCATED : FP_E_UNSEAL_FAILED);
    }
    buf_append_byte(&sealed, 0);
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_UNSEAL_FAILED);
    buf_done(&sealed);
}

static void test_keys_keyring__old_versions_stay_readable(void **state)
{
    struct buf first, second;
    uint32_t version = 0;
    (void)state;
    seal("one", &first);
    make_key(ANNA, 2);
    seal("two", &second);
    assert_int_equal(seal_key_version(buf_bytes(&second), &version), FP_OK);
    assert_int_equal(version, 2);
    assert_opens(buf_bytes(&first), "one");
    assert_opens(buf_bytes(&second), "two");
    restart();
    assert_opens(buf_bytes(&first), "one"); // the older is cached first: it must not seal
    buf_done(&second);
    seal("three", &second);
    assert_int_equal(seal_key_version(buf_bytes(&second), &version), FP_OK);
    assert_int_equal(version, 2);
    buf_done(&first);
    buf_done(&second);
}

static void test_keys_keyring__other_master_key(void **state)
{
    struct master_key *other = make_master(2), *same_id = make_master(1);
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    keyring_free(ring);
    assert_int_equal(keyring_create(other, &rows_ops, &rows, &ring), FP_OK);
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_KEY_OTHER_MASTER);
    keyring_free(ring);
    assert_int_equal(keyring_create(same_id, &rows_ops, &rows, &ring), FP_OK);
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_UNSEAL_FAILED);
    restart();
    assert_opens(buf_bytes(&sealed), "secret");
    buf_done(&sealed);
    master_free(other);
    master_free(same_id);
}

static void test_keys_keyring__rewrapped_for_another_master_key(void **state)
{
    struct master_key *next = make_master(2);
    struct keyring_row again;
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(keyring_rewrap(master, next, &rows.row[i], &rows.row[i]), FP_OK);
        assert_int_equal(keyring_rewrap(master, next, &rows.row[i], &again), FP_E_KEY_OTHER_MASTER);
    }
    keyring_free(ring);
    assert_int_equal(keyring_create(next, &rows_ops, &rows, &ring), FP_OK);
    assert_opens(buf_bytes(&sealed), "secret");
    restart();
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_KEY_OTHER_MASTER);
    keyring_free(ring);
    assert_int_equal(keyring_create(next, &rows_ops, &rows, &ring), FP_OK);
    master_free(master);
    master = next;
    buf_done(&sealed);
}

// Rows of two customers swapped by whoever wrote into the store.
static void test_keys_keyring__swapped_key_rows(void **state)
{
    struct keyring_row anna = rows.row[1], bert = rows.row[2];
    struct secret out = {0};
    struct buf sealed;
    (void)state;
    seal("secret", &sealed);
    memcpy(rows.row[1].wrapped, bert.wrapped, sizeof bert.wrapped);
    restart();
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_UNSEAL_FAILED);
    rows.row[1] = anna;
    rows.row[1].id = bert.id;
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_UNSEAL_FAILED);
    rows.row[1] = anna;
    rows.row[1].version = 2;
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_STORE_NOT_FOUND);
    rows.row[1] = anna;
    rows.row[1].wrapped_len = 5000;
    assert_int_equal(keyring_open(ring, &place, buf_bytes(&sealed), &out), FP_E_INPUT_INVALID);
    rows.row[1] = anna;
    assert_opens(buf_bytes(&sealed), "secret");
    buf_done(&sealed);
}

static void test_keys_keyring__rows_are_authenticated(void **state)
{
    const struct bytes row[] = {BYTES("tok_1"), BYTES("hash"), BYTES("")};
    const struct bytes shifted[] = {BYTES("tok_1h"), BYTES("ash"), BYTES("")};
    const struct bytes shorter[] = {BYTES("tok_1"), BYTES("hash")};
    struct bytes many[33];
    uint8_t mac[32], again[32];
    struct master_key *next = make_master(2);
    (void)state;
    assert_int_equal(keyring_authenticate(ring, "token", row, 3, mac), FP_OK);
    assert_int_equal(keyring_authentic(ring, "token", row, 3, mac), FP_OK);
    assert_int_equal(keyring_authentic(ring, "connection", row, 3, mac), FP_E_UNSEAL_FAILED);
    assert_int_equal(keyring_authentic(ring, "token", shifted, 3, mac), FP_E_UNSEAL_FAILED);
    assert_int_equal(keyring_authentic(ring, "token", shorter, 2, mac), FP_E_UNSEAL_FAILED);
    for (size_t i = 0; i < 256; i++) {
        mac[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(keyring_authentic(ring, "token", row, 3, mac), FP_E_UNSEAL_FAILED);
        mac[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t i = 0; i < 33; i++) {
        many[i] = BYTES("x");
    }
    assert_int_equal(keyring_authenticate(ring, "token", many, 32, again), FP_OK);
    assert_int_equal(keyring_authenticate(ring, "token", many, 33, again), FP_E_INPUT_INVALID);
    // a new master key and a new key of the installation leave rows authentic
    make_key(KEYRING_SYSTEM, 2);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(keyring_rewrap(master, next, &rows.row[i], &rows.row[i]), FP_OK);
    }
    master_free(master);
    master = next;
    restart();
    assert_int_equal(keyring_authentic(ring, "token", row, 3, mac), FP_OK);
}

static void test_keys_keyring__store_of_another_master_key(void **state)
{
    struct master_key *other = make_master(2), *same_id = make_master(1);
    uint8_t value[KEYRING_CHECK_SIZE];
    struct bytes all = bytes_of(value, sizeof value);
    struct fp_note note = {0};
    (void)state;
    assert_int_equal(keyring_check_make(master, BYTES("store-1"), value), FP_OK);
    assert_int_equal(keyring_check(master, BYTES("store-1"), all, &note), FP_OK);
    assert_int_equal(keyring_check(other, BYTES("store-1"), all, &note), FP_E_KEY_OTHER_MASTER);
    assert_non_null(strstr(note.text, "0100000000000000")); // theirs and ours are named
    assert_non_null(strstr(note.text, "0200000000000000"));
    assert_int_equal(keyring_check(same_id, BYTES("store-1"), all, &note), FP_E_KEY_OTHER_MASTER);
    assert_int_equal(keyring_check(master, BYTES("store-2"), all, &note), FP_E_KEY_OTHER_MASTER);
    assert_int_equal(keyring_check(master, BYTES("store-1"), bytes_slice(all, 0, 48), &note),
                     FP_E_INPUT_INVALID);
    value[0] = 2;
    assert_int_equal(keyring_check(master, BYTES("store-1"), all, &note), FP_E_INPUT_INVALID);
    master_free(other);
    master_free(same_id);
}

// One whole life of a key with the n-th allocation failing.
static enum fp_error life(void)
{
    struct keyring *own = NULL;
    struct keyring_row row;
    struct secret opened = {0};
    struct buf sealed;
    const struct bytes parts[] = {BYTES("a")};
    uint8_t mac[32];
    enum fp_error error = keyring_create(master, &rows_ops, &rows, &own);
    buf_init(&sealed, 1 << 12);
    if (error == FP_OK) {
        error = keyring_make(own, "cus_new", 1, &row);
    }
    if (error == FP_OK) {
        error = keyring_seal(own, &place, BYTES("x"), &sealed);
    }
    if (error == FP_OK) {
        error = keyring_open(own, &place, buf_bytes(&sealed), &opened);
    }
    if (error == FP_OK) {
        error = keyring_authenticate(own, "token", parts, 1, mac);
    }
    secret_done(&opened);
    buf_done(&sealed);
    keyring_free(own);
    return error;
}

static void test_keys_keyring__out_of_memory(void **state)
{
    size_t used = secret_in_use();
    enum fp_error error = FP_E_NO_MEMORY;
    (void)state;
    for (unsigned long n = 1; error != FP_OK; n++) {
        mem_fail_at(n);
        error = life();
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        assert_int_equal(secret_in_use(), used);
        assert_true(n < 100);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_keys_keyring__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(round_trip),
        CASE(moved_record_does_not_open),
        CASE(place_must_be_whole),
        CASE(flipped_bit_does_not_open),
        CASE(cut_or_longer_does_not_open),
        CASE(old_versions_stay_readable),
        CASE(other_master_key),
        CASE(rewrapped_for_another_master_key),
        CASE(swapped_key_rows),
        CASE(rows_are_authenticated),
        CASE(store_of_another_master_key),
        CASE(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
